"""The workspace of one evaluation: columns in, values and remembered states out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from henderson.data import Column
from henderson.formula.nodes import Call

State = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A value of several columns, such as a polynomial basis.

    Attributes
    ----------
    values : (n, k) float64
        Columns.
    suffixes : tuple of str, length k
        Appended to the name of the expression.
    """

    values: np.ndarray
    suffixes: tuple[str, ...]


Value = Any  # (n,) float64 | Factor | Matrix | float | bool | str | None | tuple of these


@dataclass(slots=True)
class Context:
    """Workspace of one evaluation.

    Attributes
    ----------
    columns : mapping of str to Column
        Raw columns, incomplete rows dropped.
    n : int
        Rows.
    text : str
        The formula, for messages.
    training : bool
        Whether states and levels are learnt here (True) or replayed (False).
    states : dict
        What stateful functions remember, by expression.
    levels : dict
        Levels of factors, by expression.
    env : mapping
        Functions and constants that the caller passed.
    calls : mapping
        The code behind the fixed vocabulary.
    values : dict
        Results so far, by expression.
    open_levels : bool
        Whether factors may have levels that the fit has not seen, as the groups of new data may.
    kept : (n,) intp or None
        Row numbers in the caller's data; None when they are 0 … n-1.
    """

    columns: Mapping[str, Column]
    n: int
    text: str
    training: bool
    states: dict[str, State]
    levels: dict[str, tuple[Any, ...]]
    env: Mapping[str, Any]
    calls: Mapping[str, Callable[[Call, Context], Value]]
    values: dict[str, Value] = field(default_factory=dict)
    open_levels: bool = False
    kept: np.ndarray | None = None

    def row_of_data(self, row: int) -> int:
        """Return the number that a row has in the caller's data."""
        return int(row if self.kept is None else self.kept[row])

    def for_groups(self) -> Context:
        """Return the same workspace for grouping factors, whose levels are open on new data."""
        if self.training:
            return self
        return replace(self, values={}, open_levels=True)

    def state(self, key: str, learn: Callable[[], State]) -> State:
        """Return the state of a stateful call: learnt when training, looked up on new data."""
        if key not in self.states:
            if not self.training:
                raise KeyError(key)
            self.states[key] = learn()
        return self.states[key]
