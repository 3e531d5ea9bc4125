"""Which sums of products a formula needs, whatever levels turn up and however factors are coded.

Every column of a model matrix is a combination of products "number times indicator of a cell": the numbers
are the numeric variables of a term multiplied, the cells the combinations of its factors. A `Block` is one
such number in all cells of some factors. Sums over blocks can be added across files and sites, since the
coding, the first level, and the columns that turn out aliased are settled when all of it is known.

Only the largest cells of every number are kept: those of a part of their factors are sums of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from henderson.design.contrasts import Coding
from henderson.formula import ModelFormula, TermList, read_formula

Number = tuple[tuple[str, int], ...]
"""Numeric variables multiplied: name and column of each; () is the constant one."""


@dataclass(frozen=True, slots=True)
class Block:
    """One number in all cells of some factors.

    Attributes
    ----------
    number : tuple of (str, int)
        Numeric variables that are multiplied, and which of their columns; () for one.
    factors : tuple of str
        Variables whose cells it is taken in; the last varies fastest.
    """

    number: Number
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class WidePlan:
    """What is summed: frozen once the kinds of the columns are known.

    Attributes
    ----------
    formula : str
        As typed.
    dot : tuple of str or None
        Columns that ``.`` stood for.
    env : tuple of str
        Names of the caller's functions that the formula uses.
    codings : dict of str to Coding
        Codings that the caller asked for.
    kinds : dict of str to str
        ``number``, ``truth`` or ``factor`` for every raw column used.
    numbers : dict of str to tuple of str
        Suffixes of the columns of every numeric variable; ("",) for one column.
    factors : tuple of str
        Variables that are factors.
    x : tuple of Block
        Of all columns, fixed and random, the constant among what they span.
    z : tuple of tuple of Block
        Of the random terms, per grouping, in the order of `groupings`.
    groupings : tuple of str
        Grouping factors in order of appearance.
    weights, offset : str or None
        Column names given as arguments.
    states : dict of str to dict
        What functions remember, by expression.
    """

    formula: str
    dot: tuple[str, ...] | None
    env: tuple[str, ...]
    codings: dict[str, Coding]
    kinds: dict[str, str]
    numbers: dict[str, tuple[str, ...]]
    factors: tuple[str, ...]
    x: tuple[Block, ...]
    z: tuple[tuple[Block, ...], ...]
    groupings: tuple[str, ...]
    weights: str | None = None
    offset: str | None = None
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self) -> ModelFormula:
        """Return the formula, read."""
        return read_formula(self.formula, frozenset(self.env), self.dot)


def columns_of(
    terms: TermList, numbers: Mapping[str, tuple[str, ...]]
) -> list[list[tuple[Number, tuple[str, ...]]]]:
    """Return the numbers of every term, each with the factors of the term.

    Parameters
    ----------
    terms : TermList
        Fixed part, or one random term.
    numbers : mapping of str to suffixes
        Numeric variables; all others are factors.
    """
    out = []
    for term in terms.terms:
        names = [terms.variables[v].name for v in term]
        factors = tuple(sorted(name for name in names if name not in numbers))
        choices = [[(name, j) for j in range(len(numbers[name]))] for name in names if name in numbers]
        out.append([(tuple(sorted(each)), factors) for each in product(*choices)])
    return out


def blocks_of(
    parts: list[TermList], numbers: Mapping[str, tuple[str, ...]], *, centred: bool
) -> tuple[Block, ...]:
    """Return the blocks that span the columns of some term lists.

    Parameters
    ----------
    parts : list of TermList
        The fixed part, or the random terms of one grouping.
    numbers : mapping of str to suffixes
        Numeric variables.
    centred : bool
        Whether the cells of every number must be there for the constant too, so that numbers can be centred.
    """
    wanted: dict[Number, dict[frozenset[str], None]] = {}
    if centred or any(terms.intercept for terms in parts):
        wanted[()] = {frozenset(): None}
    for terms in parts:
        for term in columns_of(terms, numbers):
            for number, factors in term:
                wanted.setdefault(number, {})[frozenset(factors)] = None
                if centred:
                    wanted[()][frozenset(factors)] = None
    order = sorted(wanted, key=lambda number: (len(number), number))
    return tuple(
        Block(number, tuple(sorted(cells)))
        for number in order
        for cells in wanted[number]
        if not any(cells < other for other in wanted[number])
    )


def cover(blocks: tuple[Block, ...], number: Number, factors: tuple[str, ...]) -> int | None:
    """Return the place of a block whose cells add up to those of `factors`; None where there is none."""
    for i, block in enumerate(blocks):
        if block.number == number and set(factors) <= set(block.factors):
            return i
    return None


def is_centred(blocks: tuple[Block, ...], number: Number) -> bool:
    """Whether a number can be centred: the constant is there in all cells that the number is taken in."""
    return number != () and all(
        cover(blocks, (), block.factors) is not None for block in blocks if block.number == number
    )


def plan_of(
    formula: ModelFormula,
    *,
    kinds: dict[str, str],
    numbers: dict[str, tuple[str, ...]],
    codings: dict[str, Coding],
    env: tuple[str, ...] = (),
    weights: str | None = None,
    offset: str | None = None,
    states: dict[str, dict[str, Any]] | None = None,
) -> WidePlan:
    """Settle what is summed.

    Parameters
    ----------
    formula : ModelFormula
        Read.
    kinds : dict of str to str
        Of the raw columns.
    numbers : dict of str to suffixes
        Numeric variables of the formula; its other variables are factors.
    codings, env, weights, offset, states
        As in `WidePlan`.

    Returns
    -------
    WidePlan

    Examples
    --------
    >>> from henderson.formula import read_formula
    >>> formula = read_formula("y ~ a * b + a:x + (x | g)")
    >>> plan = plan_of(formula, kinds={}, numbers={"x": ("",)}, codings={})
    >>> [(block.number, block.factors) for block in plan.x]
    [((), ('a', 'b')), ((('x', 0),), ('a',))]
    """
    names = list(dict.fromkeys(part.grouping.name for part in formula.random))
    per = [[part.terms for part in formula.random if part.grouping.name == name] for name in names]
    lists = [formula.fixed, *(part.terms for part in formula.random)]
    used = [terms.variables[v].name for terms in lists for term in terms.terms for v in term]
    return WidePlan(
        formula=formula.text,
        dot=formula.dot,
        env=env,
        codings=codings,
        kinds=kinds,
        numbers=numbers,
        factors=tuple(dict.fromkeys(name for name in used if name not in numbers)),
        x=blocks_of(lists, numbers, centred=True),
        z=tuple(blocks_of(parts, numbers, centred=False) for parts in per),
        groupings=tuple(names),
        weights=weights,
        offset=offset,
        states=states or {},
    )
