"""What the raw columns of the fixed part hold: counts of the combinations of labels, moments of numbers.

That is all that marginal means ask of the rows: which combinations of levels occur and how often, and the
means of covariates. Numbers with few values count as labels, as in the marginal means of a fit in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Column, Factor
from henderson.design.chunk import ChunkValues
from henderson.design.wide import WidePlan
from henderson.formula.nodes import Call, Name, Node, children
from henderson.formula.terms import names_in
from henderson.formula.vocabulary import canonical

MOST_CELLS = 20_000
"""Combinations that are kept; with more, each column is counted by itself no longer either."""

FEW = 2
"""Different values up to which a number counts as labels."""

MANY = 1_000
"""The same for numbers inside ``factor()``."""

FACTOR_CALLS = {"factor", "as.factor", "ordered", "C", "interaction", "relevel"}

OFFSET = "(offset)"

Cells = dict[tuple[Any, ...], tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """Moments of one numeric column.

    Attributes
    ----------
    n : int
    mean, least, largest : float
    """

    n: int
    mean: float
    least: float
    largest: float

    def plus(self, other: NumberTable) -> NumberTable:
        """Of the rows of both."""
        n = self.n + other.n
        return NumberTable(
            n,
            self.mean + (other.mean - self.mean) * (other.n / n),
            min(self.least, other.least),
            max(self.largest, other.largest),
        )

    def differs(self, other: NumberTable) -> bool:
        """Whether these are the numbers of other rows, by more than the rounding of a mean."""
        extremes = (self.n, self.least, self.largest) != (other.n, other.least, other.largest)
        size = max(abs(self.least), abs(self.largest))
        return extremes or abs(self.mean - other.mean) > 1e-12 * size


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Of all raw columns of the fixed part.

    Attributes
    ----------
    numbers : dict of str to NumberTable
        Numeric columns, and the offset where there is one.
    limits : dict of str to int
        Different values up to which each of them is among `names`.
    names : tuple of str
        Columns that are counted: those of labels, and numbers with few values.
    cells : dict of tuple of values to (rows, sum of weights), or None
        Combinations that occur; None where they are too many to keep.
    """

    numbers: dict[str, NumberTable]
    limits: dict[str, int]
    names: tuple[str, ...]
    cells: Cells | None

    def values(self, name: str) -> list[Any]:
        """Different values of a counted column, in order of appearance."""
        at = self.names.index(name)
        return list(dict.fromkeys(key[at] for key in self.cells or ()))


def inside_factor_calls(plan: WidePlan) -> set[str]:
    """Columns that the fixed part makes factors of."""
    out: set[str] = set()
    for variable in plan.read().fixed.variables:
        out |= _made_factors(variable.node)
    return out


def _made_factors(node: Node) -> set[str]:
    if isinstance(node, Call) and canonical(node.function) in FACTOR_CALLS:
        return set(names_in(node))
    if isinstance(node, Name):
        return set()
    return set().union(*(_made_factors(child) for child in children(node)))


def chunk_tables(plan: WidePlan, values: ChunkValues) -> Tables:
    """Count and average the raw columns of a chunk."""
    made = inside_factor_calls(plan)
    numbers, limits, labels = {}, {}, {}
    for name, column in values.raw.items():
        if isinstance(column, Factor):
            labels[name] = (column.codes, list(column.levels))
            continue
        numbers[name] = moments_of(column.values)
        limits[name] = MANY if name in made else FEW
        found = _few(column, limits[name])
        if found is not None:
            labels[name] = found
    if values.offset is not None:
        numbers[OFFSET] = moments_of(values.offset)
    return Tables(numbers, limits, tuple(labels), _cells(labels, values))


def moments_of(x: np.ndarray) -> NumberTable:
    """Count, mean and extremes of the values of a column."""
    return NumberTable(len(x), float(x.mean(dtype=np.float64)), float(x.min()), float(x.max()))


def _few(column: Column, limit: int) -> tuple[np.ndarray, list[Any]] | None:
    """Codes and values of a numeric column with few values; looks at all rows only if the first are few."""
    assert not isinstance(column, Factor)
    x = column.values
    if len(np.unique(x[: 4 * limit])) > limit:
        return None
    found, codes = np.unique(x, return_inverse=True)
    return (codes, [float(v) for v in found]) if len(found) <= limit else None


def _cells(labels: dict[str, tuple[np.ndarray, list[Any]]], values: ChunkValues) -> Cells | None:
    code, radix = np.zeros(values.n, dtype=np.int64), 1
    for codes, levels in labels.values():
        radix *= len(levels)
        if radix > 2**60:
            return None
        code = code * len(levels) + codes
    if radix <= 1 << 16:
        counts = np.bincount(code, minlength=radix)
        found = np.flatnonzero(counts)
        rows = counts[found]
        sums = rows if values.weights is None else np.bincount(code, values.weights, radix)[found]
    else:
        found, inverse = np.unique(code, return_inverse=True)
        rows = np.bincount(inverse)
        sums = rows if values.weights is None else np.bincount(inverse, values.weights)
    if len(found) > MOST_CELLS:
        return None
    parts = []
    for _, levels in reversed(labels.values()):
        found, at = np.divmod(found, len(levels))
        parts.append([levels[i] for i in at.tolist()])
    keys = list(zip(*reversed(parts), strict=True)) if parts else [()] * len(rows)
    return dict(zip(keys, zip(rows.tolist(), sums.tolist(), strict=True), strict=True))


def joined(a: Tables, b: Tables) -> Tables:
    """Of the rows of both; numbers that turn out to have many values are counted no longer."""
    numbers = dict(a.numbers)
    for name, each in b.numbers.items():
        numbers[name] = numbers[name].plus(each) if name in numbers else each
    names = tuple(name for name in a.names if name in b.names)
    if a.cells is None or b.cells is None:
        return Tables(numbers, a.limits, names, None)
    cells: Cells = {}
    for tables in (a, b):
        at = [tables.names.index(name) for name in names]
        for key, count in (tables.cells or {}).items():
            short = tuple(key[i] for i in at)
            before = cells.get(short, (0, 0.0))
            cells[short] = (before[0] + count[0], before[1] + count[1])
    found = Tables(numbers, a.limits, names, cells)
    many = [n for n in names if n in a.limits and len(found.values(n)) > a.limits[n]]
    if many:
        rest = Tables(numbers, a.limits, tuple(n for n in names if n not in many), {})
        return joined(found, rest)
    return found if len(cells) <= MOST_CELLS else Tables(numbers, a.limits, names, None)
