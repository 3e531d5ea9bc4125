"""The two kinds of column that a model can use: numbers and factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A numeric column, in its own type until somebody needs floating point.

    Attributes
    ----------
    values : (n,) integer or float64
        Missing values are NaN.
    """

    values: np.ndarray

    def missing(self) -> np.ndarray | None:
        """Return the (n,) bool mask of missing values, None when there are none."""
        if self.values.dtype.kind != "f" or np.isfinite(self.values.sum()):
            return None
        mask = np.isnan(self.values)
        return mask if mask.any() else None

    def take(self, rows: np.ndarray) -> Numbers:
        """Return the column with only these rows."""
        return Numbers(self.values[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A categorical column.

    Attributes
    ----------
    codes : (n,) int32
        Level of every row, 0 … l-1; -1 where missing, -2 where the level is unknown (new data only).
    levels : tuple, length l
        Labels in their order.
    ordered : bool
        Whether the order has a meaning.
    logical : bool
        Whether it holds truth values; then the levels are (False, True).
    coding : object
        What ``C(f, …)`` asked for; None otherwise.
    """

    codes: np.ndarray
    levels: tuple[Any, ...]
    ordered: bool = False
    logical: bool = False
    coding: Any = None

    def missing(self) -> np.ndarray | None:
        """Return the (n,) bool mask of missing values, None when there are none."""
        if len(self.codes) == 0 or self.codes.min() >= 0:
            return None
        mask = self.codes == -1
        return mask if mask.any() else None

    def take(self, rows: np.ndarray) -> Factor:
        """Return the column with only these rows, all levels kept."""
        return Factor(self.codes[rows], self.levels, self.ordered, self.logical, self.coding)

    def used(self) -> Factor:
        """Return the factor without the levels that do not occur; truth values keep both, as in R."""
        if self.logical:
            return self
        present = (
            np.bincount(self.codes, minlength=len(self.levels)) > 0 if self.levels else np.zeros(0, bool)
        )
        if present.all():
            return self
        table = np.cumsum(present, dtype=np.int32) - np.int32(1)
        levels = tuple(level for level, there in zip(self.levels, present, strict=True) if there)
        return Factor(table[self.codes], levels, self.ordered, False, self.coding)


Column = Numbers | Factor


def label_text(level: Any) -> str:
    """Return a level as R writes it: ``TRUE`` for truth, ``2`` for 2.0.

    Examples
    --------
    >>> label_text(True), label_text(2.0), label_text("a")
    ('TRUE', '2', 'a')
    """
    if isinstance(level, str):
        return level
    if isinstance(level, (bool, np.bool_)):
        return "TRUE" if level else "FALSE"
    if isinstance(level, float) and level.is_integer() and abs(level) < 1e15:
        return str(int(level))
    return f"{level:.15g}" if isinstance(level, float) else str(level)
