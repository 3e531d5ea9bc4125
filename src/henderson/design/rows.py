"""Which rows can be used: missing values dropped or refused, infinite values refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.data import Column, Numbers
from henderson.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that are complete.

    Attributes
    ----------
    kept : (m,) intp or None
        Row numbers; None when all are complete.
    missing : tuple of (str, int)
        Columns with missing values, and how many.
    """

    kept: np.ndarray | None
    missing: tuple[tuple[str, int], ...]


def refuse_infinite(column: Column, name: str) -> None:
    """Refuse infinite values, naming their rows."""
    if (
        isinstance(column, Numbers)
        and column.values.dtype.kind == "f"
        and not np.isfinite(column.values.sum())
    ):
        rows = np.flatnonzero(np.isinf(column.values))
        if len(rows):
            listed = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
            raise DataError(
                f"Column {name!r} holds infinite values in {len(rows)} rows: {listed} (counted from 0). "
                "Replace them, or make them missing."
            )


def complete_rows(columns: dict[str, Column], n: int, na_action: str) -> Rows:
    """Find the rows without missing values.

    Parameters
    ----------
    columns : dict of str to Column
        What the model uses.
    n : int
        Rows.
    na_action : {"drop", "raise"}
        What to do about missing values.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        Infinite values; missing values with ``na_action="raise"``; no rows left.
    """
    bad: np.ndarray | None = None
    counts = []
    for name, column in columns.items():
        refuse_infinite(column, name)
        mask = column.missing()
        if mask is not None:
            counts.append((name, int(mask.sum())))
            bad = mask if bad is None else bad | mask
    if n == 0:
        raise DataError("The data have no rows.")
    if bad is None:
        return Rows(None, ())
    listed = ", ".join(f"{name} ({count})" for name, count in counts)
    if na_action == "raise":
        raise DataError(
            f"{int(bad.sum())} of {n} rows have missing values: {listed}. "
            "Fill them, or use na_action='drop' to leave these rows out."
        )
    if bad.all():
        raise DataError(f"No rows are left: every one of the {n} rows has a missing value in {listed}.")
    return Rows(np.flatnonzero(~bad), tuple(counts))
