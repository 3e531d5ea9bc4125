"""Formulas that name numeric columns and nothing else, read without patsy: ``y ~ a + b``, ``0 + a``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

INTERCEPT = "Intercept"


@dataclass(frozen=True, slots=True)
class Plain:
    """The right-hand side of such a formula.

    Attributes
    ----------
    intercept : bool
        Whether there is a constant, which comes first.
    columns : tuple of str
        Columns in the order of the formula.
    """

    intercept: bool
    columns: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns of the matrix."""
        return [INTERCEPT] * self.intercept + list(self.columns)

    @property
    def term_name_slices(self) -> dict[str, slice]:
        """Terms, and where their coefficients stand."""
        return {name: slice(j, j + 1) for j, name in enumerate(self.names)}

    def frame(self, data: Any) -> Any:
        """Return the matrix on rows of `data`, (n, p) DataFrame of float64 with the rows' labels."""
        import pandas as pd

        values = np.empty((len(data), len(self.names)), order="F")
        values[:, : int(self.intercept)] = 1.0
        for j, name in enumerate(self.columns, int(self.intercept)):
            values[:, j] = data[name]
        return pd.DataFrame(values, index=data.index, columns=self.names, copy=False)


def plain_side(text: str, data: Any) -> Plain | None:
    """Read one side of a formula; None where it takes more than names of numeric columns.

    Examples
    --------
    >>> import pandas as pd
    >>> plain_side("0 + x", pd.DataFrame({"x": [1.5]}))
    Plain(intercept=False, columns=('x',))
    >>> plain_side("np.log(x)", pd.DataFrame({"x": [1.5]})) is None
    True
    """
    text = text.strip().removeprefix("~").strip()
    intercept, less = True, text.endswith(("- 1", "-1"))
    if less:
        text = text.removesuffix("1").rstrip().removesuffix("-").rstrip()
    columns: list[str] = []
    for part in text.split("+"):
        word = part.strip()
        if word in ("0", "1"):
            intercept = word == "1"
        elif word in columns or not is_number(word, data):
            return None
        else:
            columns.append(word)
    intercept = intercept and not less
    return Plain(intercept, tuple(columns)) if intercept or columns else None


def is_number(name: str, data: Any) -> bool:
    """Whether `name` is a column of plain numbers."""
    if not name.isidentifier() or name not in data.columns:
        return False
    column = data[name]
    return (
        getattr(column, "ndim", 0) == 1 and isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
    )


def plain_formula(formula: str, data: Any) -> tuple[Any, Plain] | None:
    """Read a two-sided formula: the response (n,) as a Series of float64, and the right-hand side."""
    left, tilde, right = formula.partition("~")
    if not tilde or "~" in right or not is_number(left.strip(), data):
        return None
    side = plain_side(right, data)
    return None if side is None else (data[left.strip()].astype(float), side)
