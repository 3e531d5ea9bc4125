"""Random terms: cut the bars out of the right-hand side, expand ``||`` and nested groupings as lme4 does."""

from __future__ import annotations

from dataclasses import dataclass

from henderson.errors import FormulaError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import (
    Binary,
    Call,
    Constant,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Unary,
    children,
    unwrap,
)
from henderson.formula.terms import TermList, Variable, expand_terms, variable_of

_BARS = ("|", "||")


@dataclass(frozen=True, slots=True)
class GroupingExpression:
    """What stands right of a bar.

    Attributes
    ----------
    name : str
        As lme4 prints it: ``Subject``, ``Machine:Worker``.
    factors : tuple of Variable
        The factors whose combinations are the groups, left to right.
    """

    name: str
    factors: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class RandomPart:
    """One random term after expansion.

    Attributes
    ----------
    terms : TermList
        What varies by group.
    grouping : GroupingExpression
        By what it varies.
    """

    terms: TermList
    grouping: GroupingExpression


def _has_bar(node: Node) -> Binary | None:
    """Find a bar outside of function arguments, where `|` means “or”."""
    if isinstance(node, Call):
        return None
    if isinstance(node, Binary) and node.operator in _BARS:
        return node
    return next((bar for child in children(node) if (bar := _has_bar(child)) is not None), None)


def _misplaced(bar: Binary, text: str) -> FormulaError:
    message = f"A random term can only be added with + at the top of the formula: write … + ({deparse(bar)})."
    return FormulaError(message, text, bar.start, bar.stop)


def _with_parentheses(bar: Binary, text: str) -> str:
    """Return what a bare bar was probably meant as: of ``x + 1 | g`` only the last part varies by group."""
    if _has_bar(bar.left) or _has_bar(bar.right) or isinstance(bar.right, Sum):
        return "y ~ x + (1 | g)"
    left = bar.left
    if not isinstance(left, Sum) or left.items[-1][0] == "-":
        return f"{text.split('~')[0].strip()} ~ ({deparse(bar)})"
    rest, last = left.items[:-1], left.items[-1][1]
    fixed = deparse(Sum(left.start, rest[-1][1].stop, rest) if len(rest) > 1 else rest[0][1])
    random = f"({deparse(last)} {bar.operator} {deparse(bar.right)})"
    return f"{text.split('~')[0].strip()} ~ {fixed} + {random}"


def _from_sum(node: Sum, text: str) -> tuple[Node | None, list[Binary]]:
    kept: list[tuple[str, Node]] = []
    bars: list[Binary] = []
    for sign, item in node.items:
        if sign == "-" and (bar := _has_bar(item)):
            raise FormulaError("A random term cannot be subtracted; leave it out.", text, bar.start, bar.stop)
        rest, found = (item, []) if sign == "-" else cut_bars(item, text, False)
        bars += found
        if rest is not None:
            kept.append((sign, rest))
    if kept == list(node.items):
        return node, bars
    return (Sum(node.start, node.stop, tuple(kept)) if kept else None), bars


def cut_bars(node: Node, text: str, bare: bool = True) -> tuple[Node | None, list[Binary]]:
    """Separate the fixed part from the random terms.

    Parameters
    ----------
    node : Node
        Right-hand side.
    text : str
        The whole formula, for messages.
    bare : bool
        Whether a bar here would lack its parentheses.

    Returns
    -------
    fixed : Node or None
        What is left; None when nothing is.
    bars : list of Binary
        The random terms, as typed.

    Raises
    ------
    FormulaError
        A bar without parentheses, or joined by anything but ``+``.
    """
    if isinstance(node, Binary) and node.operator in _BARS:
        if bare:
            raise FormulaError(
                f"A random term needs parentheses: type {_with_parentheses(node, text)}.",
                text,
                node.start,
                node.stop,
            )
        if nested := _has_bar(node.left) or _has_bar(node.right):
            raise FormulaError("A random term has one bar: (x | g).", text, nested.start, nested.stop)
        return None, [node]
    if isinstance(node, Paren):
        rest, bars = cut_bars(node.inner, text, False)
        return (node if not bars else rest), bars
    if isinstance(node, Sum):
        return _from_sum(node, text)
    if isinstance(node, Unary) and node.operator == "+":
        return cut_bars(node.operand, text, bare)
    if (bar := _has_bar(node)) is not None:
        raise _misplaced(bar, text)
    return node, []


def _is_atom(node: Node) -> bool:
    return isinstance(unwrap(node), (Name, Call))


def _interaction(node: Node, text: str) -> list[Variable]:
    inner = unwrap(node)
    if isinstance(inner, Binary) and inner.operator in (":", "%in%"):
        return _interaction(inner.left, text) + _interaction(inner.right, text)
    if _is_atom(inner) and not (isinstance(inner, Name) and inner.text == "."):
        return [variable_of(inner)]
    if isinstance(inner, (Number, Constant)):
        raise FormulaError(
            "The right side of a bar is a grouping factor, not a number.", text, node.start, node.stop
        )
    raise FormulaError(
        "The right side of a bar is a grouping factor g, a combination a:b or a nesting a/b; "
        "for two crossed factors write (… | a) + (… | b).",
        text,
        node.start,
        node.stop,
    )


def groupings_of(node: Node, text: str) -> list[GroupingExpression]:
    """Expand what stands right of a bar: ``a/b`` is ``b:a`` and ``a``, innermost first.

    Parameters
    ----------
    node : Node
        Right side of the bar.
    text : str
        The whole formula, for messages.

    Returns
    -------
    list of GroupingExpression
    """
    inner = unwrap(node)
    if isinstance(inner, Binary) and inner.operator == "/":
        outer = groupings_of(inner.left, text)
        part = GroupingExpression(deparse(inner.right), tuple(_interaction(inner.right, text)))
        name = outer[0].factors[0].name if len(outer[0].factors) == 1 else f"({outer[0].name})"
        return [GroupingExpression(f"{part.name}:{name}", part.factors + outer[0].factors), *outer]
    name = (
        node.text if isinstance(node, Name) else deparse(node)
    )  # lme4 drops the back-quotes of a single name
    return [GroupingExpression(name, tuple(_interaction(node, text)))]


def _columns(bar: Binary, text: str) -> list[TermList]:
    terms = expand_terms(bar.left, text)
    if terms.offsets:
        raise FormulaError("offset() belongs to the fixed part.", text, bar.left.start, bar.left.stop)
    if not terms.terms and not terms.intercept:
        raise FormulaError(
            "Nothing varies by group here: type (1 | g) or (x | g).", text, bar.start, bar.stop
        )
    if bar.operator == "|":
        return [terms]
    constant = [terms.constant()] if terms.intercept else []
    return constant + [terms.single(i) for i in range(len(terms.terms))]


def random_parts(bars: list[Binary], text: str) -> tuple[RandomPart, ...]:
    """Expand the bars of a formula.

    Parameters
    ----------
    bars : list of Binary
        As cut by `cut_bars`.
    text : str
        The whole formula, for messages.

    Returns
    -------
    tuple of RandomPart
        In lme4's order: as typed, within a nesting the innermost group first.
    """
    parts = []
    for bar in bars:
        groupings, columns = groupings_of(bar.right, text), _columns(bar, text)
        parts += [RandomPart(terms, grouping) for terms in columns for grouping in groupings]
    return tuple(parts)
