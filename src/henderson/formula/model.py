"""A formula, read and understood: response, fixed terms, random terms. Reading is cached by the text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from henderson.errors import FormulaError
from henderson.formula.bars import RandomPart, cut_bars, random_parts
from henderson.formula.nodes import Binary, Name, Node, children, unwrap
from henderson.formula.parser import parse_sides
from henderson.formula.terms import TermList, Variable, calls_in, expand_terms, variable_of
from henderson.formula.vocabulary import check_calls


@dataclass(frozen=True, slots=True)
class Sides:
    """A formula cut at ``~`` and at its bars, before the dot is known.

    Attributes
    ----------
    text : str
        The formula on one line.
    response : Node
        Left-hand side.
    fixed : Node or None
        Right-hand side without random terms.
    bars : tuple of Binary
        Random terms as typed.
    has_dot : bool
        Whether the fixed part mentions ``.``.
    """

    text: str
    response: Node
    fixed: Node | None
    bars: tuple[Binary, ...]
    has_dot: bool


@dataclass(frozen=True, slots=True)
class ModelFormula:
    """What a formula says.

    Attributes
    ----------
    text : str
        The formula on one line.
    response : Variable
        Left-hand side.
    fixed : TermList
        Fixed terms.
    random : tuple of RandomPart
        Random terms, ``||`` and nesting expanded.
    names : tuple of str
        Names mentioned anywhere, in order of appearance.
    calls : frozenset of str
        Functions called anywhere.
    dot : tuple of str or None
        Columns that ``.`` stood for.
    """

    text: str
    response: Variable
    fixed: TermList
    random: tuple[RandomPart, ...]
    names: tuple[str, ...]
    calls: frozenset[str] = frozenset()
    dot: tuple[str, ...] | None = None


def _mentions_dot(node: Node | None) -> bool:
    if node is None:
        return False
    return (isinstance(node, Name) and node.text == ".") or any(
        _mentions_dot(child) for child in children(node)
    )


@lru_cache(maxsize=512)
def read_sides(text: str, env: frozenset[str] = frozenset()) -> Sides:
    """Parse a formula and check every call in it.

    Parameters
    ----------
    text : str
        The formula.
    env : frozenset of str
        Names that the caller passed in ``env=``.

    Returns
    -------
    Sides

    Raises
    ------
    FormulaError
        With the place of what cannot be read.
    """
    line = "".join(" " if character.isspace() else character for character in text)
    response, right = parse_sides(line)
    if (bar := unwrap(response)) and isinstance(bar, Binary) and bar.operator in ("|", "||"):
        raise FormulaError("A random term stands right of '~'.", line, bar.start, bar.stop)
    fixed, bars = cut_bars(right, line)
    for node in (response, right):
        check_calls(node, line, env)
    return Sides(line, response, fixed, tuple(bars), _mentions_dot(fixed))


def _all_variables(response: Variable, fixed: TermList, random: tuple[RandomPart, ...]) -> list[Variable]:
    variables = [response, *fixed.variables, *fixed.offsets]
    for part in random:
        variables += [*part.terms.variables, *part.grouping.factors]
    return variables


@lru_cache(maxsize=512)
def read_formula(
    text: str, env: frozenset[str] = frozenset(), columns: tuple[str, ...] | None = None
) -> ModelFormula:
    """Read a formula.

    Parameters
    ----------
    text : str
        The formula, in lme4's language.
    env : frozenset of str
        Names of functions that the caller adds.
    columns : tuple of str, optional
        All columns of the data; needed when the formula has a dot.

    Returns
    -------
    ModelFormula

    Raises
    ------
    FormulaError
        With the place of what cannot be read.

    Examples
    --------
    >>> formula = read_formula("log(y) ~ x*z + (x || a/b)")
    >>> formula.response.name, [part.grouping.name for part in formula.random]
    ('log(y)', ['b:a', 'a', 'b:a', 'a'])
    """
    sides = read_sides(text, env)
    response = variable_of(sides.response)
    dot = None
    if sides.has_dot:
        dot = tuple(name for name in columns or () if name not in response.columns)
    fixed = expand_terms(sides.fixed, sides.text, dot)
    if response.name in {variable.name for variable in fixed.variables}:
        raise FormulaError(f"The response {response.name} stands on the right of '~' as well.", sides.text)
    random = random_parts(list(sides.bars), sides.text)
    names: dict[str, None] = {}
    calls: set[str] = set()
    for variable in _all_variables(response, fixed, random):
        names.update(dict.fromkeys(variable.columns))
        calls.update(calls_in(variable.node))
    return ModelFormula(sides.text, response, fixed, random, tuple(names), frozenset(calls), dot)
