"""Expression → terms: what `+ - * : / ^ %in%` mean in a model formula, as R understands them.

A term is a set of variables, held as a bit pattern. The rule for dummy coding (full indicator columns or
contrasts) depends on the terms alone, so it is settled here, once per formula.
"""

from __future__ import annotations

from dataclasses import dataclass

from henderson.errors import FormulaError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import (
    Binary,
    Call,
    Name,
    Node,
    Number,
    Paren,
    Sum,
    Text,
    Unary,
    children,
)

MAX_TERMS = 4000


@dataclass(frozen=True, slots=True)
class Variable:
    """One evaluated quantity: a column or a function call.

    Attributes
    ----------
    name : str
        As R prints it.
    node : Node
        The expression.
    columns : tuple of str
        Names that it mentions.
    """

    name: str
    node: Node
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermList:
    """The terms of one side of a bar, or of the fixed part.

    Attributes
    ----------
    variables : tuple of Variable
        In order of appearance.
    terms : tuple of tuple of int
        Variables of each term, ascending; terms by order, then as typed.
    full : tuple of tuple of bool
        Beside `terms`: whether a factor gets indicators of all its levels because its margin is absent.
    intercept : bool
        Whether the constant is in.
    offsets : tuple of Variable
        Arguments of ``offset()``.
    """

    variables: tuple[Variable, ...]
    terms: tuple[tuple[int, ...], ...]
    full: tuple[tuple[bool, ...], ...]
    intercept: bool
    offsets: tuple[Variable, ...] = ()

    def single(self, term: int) -> TermList:
        """Return the term list of one term without the constant, as ``||`` splits them."""
        kept = self.terms[term]
        variables = tuple(self.variables[v] for v in kept)
        pattern = (1 << len(kept)) - 1
        return TermList(variables, (tuple(range(len(kept))),), (_coding(pattern, {}),), False)

    def constant(self) -> TermList:
        """Return the term list of the constant alone."""
        return TermList((), (), (), True)


def names_in(node: Node) -> tuple[str, ...]:
    """Return the names that an expression mentions, in order of appearance."""
    if isinstance(node, Name):
        return (node.text,)
    found: dict[str, None] = {}
    below = children(node)[:1] if isinstance(node, Call) and node.function == "C" else children(node)
    for child in below:  # what follows the first argument of C() names a coding, not a column
        found.update(dict.fromkeys(names_in(child)))
    return tuple(found)


def calls_in(node: Node) -> tuple[str, ...]:
    """Return the functions that an expression calls."""
    own = (node.function,) if isinstance(node, Call) else ()
    return own + tuple(name for child in children(node) for name in calls_in(child))


def variable_of(node: Node) -> Variable:
    """Return the variable that an expression stands for."""
    return Variable(deparse(node), node, names_in(node))


def _bits(pattern: int) -> tuple[int, ...]:
    return tuple(i for i in range(pattern.bit_length()) if pattern >> i & 1)


def _coding(pattern: int, earlier: dict[int, None]) -> tuple[bool, ...]:
    """Tell for each variable of a term whether its margin (the term without it) is absent from earlier terms.

    The empty margin counts as present; a formula without constant is mended when factors are known.
    """
    full = []
    for bit in _bits(pattern):
        margin = pattern & ~(1 << bit)
        present = margin == 0 or margin in earlier or any(margin & ~other == 0 for other in earlier)
        full.append(not present)
    return tuple(full)


class _Expander:
    """Walks one expression; collects variables, offsets and the flag of the constant."""

    def __init__(self, text: str, dot: tuple[str, ...] | None) -> None:
        self.text, self.dot = text, dot
        self.variables: dict[str, Variable] = {}
        self.offsets: dict[str, Variable] = {}
        self.intercept, self.adding = True, True

    def error(self, message: str, node: Node) -> FormulaError:
        return FormulaError(message, self.text, node.start, node.stop)

    def variable(self, node: Node) -> list[int]:
        variable = variable_of(node)
        self.variables.setdefault(variable.name, variable)
        return [1 << list(self.variables).index(variable.name)]

    def expand(self, node: Node) -> list[int]:
        """Return the terms of an expression as bit patterns, without repeats, as typed."""
        if isinstance(node, Paren):
            return self.expand(node.inner)
        if isinstance(node, Sum):
            return self.sum(node.items)
        if isinstance(node, Unary) and node.operator in "+-":
            return self.sum(((node.operator, node.operand),))
        if isinstance(node, Number):
            return self.constant(node)
        if isinstance(node, Name):
            return self.name(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Binary):
            return self.binary(node)
        what = "A quoted text" if isinstance(node, Text) else "This"
        back = " Names with spaces go in back-quotes: `a name`." if isinstance(node, Text) else ""
        raise self.error(f"{what} is not a term of a model.{back}", node)

    def sum(self, items: tuple[tuple[str, Node], ...]) -> list[int]:
        terms: dict[int, None] = {}
        for sign, item in items:
            if sign == "+":
                terms.update(dict.fromkeys(self.expand(item)))
                continue
            self.adding = not self.adding
            removed = set(self.expand(item))
            self.adding = not self.adding
            terms = {term: None for term in terms if term not in removed}
        return self.limited(list(terms))

    def constant(self, node: Number) -> list[int]:
        if node.value not in (0.0, 1.0):
            raise self.error(
                "Only 1 (with constant) and 0 (without) are terms; for arithmetic type I(…).", node
            )
        self.intercept = (node.value == 1.0) == self.adding
        return []

    def name(self, node: Name) -> list[int]:
        if node.text != ".":
            return self.variable(node)
        if self.dot is None:
            raise self.error("The dot (all other columns) stands only in the fixed part.", node)
        return [self.variable(Name(node.start, node.stop, name))[0] for name in self.dot]

    def call(self, node: Call) -> list[int]:
        if node.function != "offset":
            return self.variable(node)
        if len(node.arguments) != 1:
            raise self.error("offset() takes one expression.", node)
        variable = variable_of(node.arguments[0][1])
        if self.adding:
            self.offsets.setdefault(variable.name, variable)
        else:
            self.offsets.pop(variable.name, None)
        return []

    def binary(self, node: Binary) -> list[int]:
        operator = node.operator
        if operator == "^":
            return self.power(node)
        if operator not in ("*", ":", "/", "%in%"):
            raise self.error(
                f"The operator {operator} is no part of a model; for arithmetic type I(…).", node
            )
        left, right = self.expand(node.left), self.expand(node.right)
        if operator == "%in%":
            return self.nest(right, left)
        if operator == "/":
            return self.limited(list(dict.fromkeys(left + self.nest(left, right))))
        crossed = self.cross(left, right)
        return crossed if operator == ":" else self.limited(list(dict.fromkeys(left + right + crossed)))

    def nest(self, outer: list[int], inner: list[int]) -> list[int]:
        union = 0
        for term in outer:
            union |= term
        return list(dict.fromkeys(term | union for term in inner))

    def cross(self, left: list[int], right: list[int]) -> list[int]:
        self.limited(left, len(right))
        return self.limited(list(dict.fromkeys(a | b for a in left for b in right)))

    def power(self, node: Binary) -> list[int]:
        exponent = node.right.inner if isinstance(node.right, Paren) else node.right
        if not isinstance(exponent, Number) or exponent.value < 1 or exponent.value != int(exponent.value):
            raise self.error(
                "The exponent of a group of terms is a whole number from 1; squares of numbers are I(x^2).",
                node,
            )
        base = self.expand(node.left)
        terms = base
        for _ in range(min(int(exponent.value) - 1, len(base))):
            terms = list(dict.fromkeys(terms + self.cross(terms, base)))
        return terms

    def limited(self, terms: list[int], times: int = 1) -> list[int]:
        if len(terms) * times > MAX_TERMS * (25 if times > 1 else 1):
            raise FormulaError(
                f"The formula stands for more than {MAX_TERMS} terms; write out the ones that matter."
            )
        return terms


def expand_terms(node: Node | None, text: str, dot: tuple[str, ...] | None = None) -> TermList:
    """Expand a right-hand side into terms.

    Parameters
    ----------
    node : Node or None
        Expression without random terms; None stands for the constant alone.
    text : str
        The whole formula, for messages.
    dot : tuple of str, optional
        Columns that ``.`` stands for.

    Returns
    -------
    TermList
        Variables in order of appearance, terms by order.

    Raises
    ------
    FormulaError
        An operator or an operand that is no part of a model.
    """
    expander = _Expander(text, dot)
    patterns = sorted(expander.expand(node) if node is not None else [], key=int.bit_count)
    earlier: dict[int, None] = {}
    full = []
    for pattern in patterns:
        full.append(_coding(pattern, earlier))
        earlier[pattern] = None
    variables = tuple(expander.variables.values())
    terms = tuple(_bits(pattern) for pattern in patterns)
    return TermList(variables, terms, tuple(full), expander.intercept, tuple(expander.offsets.values()))
