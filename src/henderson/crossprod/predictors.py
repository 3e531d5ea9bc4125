"""What the raw columns of the fixed part hold: counts of the combinations of labels, moments of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Factor
from henderson.design.chunk import ChunkValues
from henderson.design.wide import WidePlan

MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """Moments of one numeric column, and its values as long as they are few.

    Attributes
    ----------
    n : int
    mean, least, largest : float
    values : tuple of float
        Different values, ascending, up to three.
    """

    n: int
    mean: float
    least: float
    largest: float
    values: tuple[float, ...]

    def plus(self, other: NumberTable) -> NumberTable:
        """Of the rows of both."""
        n = self.n + other.n
        return NumberTable(
            n,
            self.mean + (other.mean - self.mean) * (other.n / n),
            min(self.least, other.least),
            max(self.largest, other.largest),
            tuple(sorted({*self.values, *other.values})[:3]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Of all raw columns of the fixed part.

    Attributes
    ----------
    numbers : dict of str to NumberTable
    names : tuple of str
        Columns of labels.
    cells : dict of tuple of labels to (rows, sum of weights), or None
        Combinations that occur; None where they are too many to keep.
    """

    numbers: dict[str, NumberTable]
    names: tuple[str, ...]
    cells: dict[tuple[Any, ...], tuple[float, float]] | None


def chunk_tables(plan: WidePlan, values: ChunkValues) -> Tables:
    """Count and average the raw columns of a chunk."""
    numbers = {
        name: _number_table(column.values)
        for name, column in values.raw.items()
        if not isinstance(column, Factor)
    }
    factors = {name: column for name, column in values.raw.items() if isinstance(column, Factor)}
    return Tables(numbers, tuple(factors), _cells(factors, values))


def _number_table(x: np.ndarray) -> NumberTable:
    x = x.astype(np.float64, copy=False)
    few = np.unique(x[:64])
    if len(few) <= 2:
        few = few if np.isin(x, few).all() else np.unique(x)
    return NumberTable(len(x), float(x.mean()), float(x.min()), float(x.max()), tuple(few[:3].tolist()))


def _cells(
    factors: dict[str, Factor], values: ChunkValues
) -> dict[tuple[Any, ...], tuple[float, float]] | None:
    code, radix = np.zeros(values.n, dtype=np.int64), 1
    for factor in factors.values():
        radix *= len(factor.levels)
        if radix > 2**60:
            return None
        code = code * len(factor.levels) + factor.codes
    found, inverse = np.unique(code, return_inverse=True)
    if len(found) > MOST_CELLS:
        return None
    rows = np.bincount(inverse)
    weights = rows if values.weights is None else np.bincount(inverse, values.weights)
    labels = []
    rest = found
    for factor in reversed(factors.values()):
        rest, at = np.divmod(rest, len(factor.levels))
        labels.append([factor.levels[i] for i in at.tolist()])
    keys = list(zip(*reversed(labels), strict=True)) if labels else [()] * len(found)
    return dict(zip(keys, zip(rows.tolist(), weights.tolist(), strict=True), strict=True))


def joined(a: Tables, b: Tables) -> Tables:
    """Of the rows of both."""
    numbers = {
        name: a.numbers[name].plus(b.numbers[name]) if name in a.numbers and name in b.numbers else each
        for name, each in {**a.numbers, **b.numbers}.items()
    }
    if a.cells is None or b.cells is None or a.names != b.names:
        return Tables(numbers, a.names, None)
    cells = dict(a.cells)
    for key, (rows, weights) in b.cells.items():
        before = cells.get(key, (0, 0.0))
        cells[key] = (before[0] + rows, before[1] + weights)
    return Tables(numbers, a.names, cells if len(cells) <= MOST_CELLS else None)
