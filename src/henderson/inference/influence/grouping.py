"""Which rows are left out together: a grouping factor of the model, or a column of the data."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import DataError, OptionError
from henderson.inference.frames import frame_kind, take_rows

if TYPE_CHECKING:
    from henderson.design.record import Design

OBSERVATION = "observation"


def groups_of(design: Design, data: object, by: object) -> tuple[str, np.ndarray, tuple[object, ...]]:
    """Name, codes (n,) and labels of the groups to be left out.

    Parameters
    ----------
    design : Design
        Grouping factors of the model.
    data : data frame or None
        The caller's, for columns that are not in the model.
    by : str or None
        Grouping factor, column of `data`, or ``"observation"``; None for the first grouping factor.

    Returns
    -------
    tuple of str, (n,) int64, tuple

    Raises
    ------
    OptionError
        For a name that is neither.
    DataError
        For a column with missing values, or one value only.
    """
    if by is None:
        by = design.groupings[0].name
    if by == OBSERVATION:
        return OBSERVATION, np.arange(design.n), tuple(row_labels(design, data).tolist())
    for grouping in design.groupings:
        if by == grouping.name:
            return grouping.name, grouping.codes.astype(np.int64), grouping.levels
    names = column_names(data)
    if isinstance(by, str) and by in names:
        return (by, *_column_codes(by, take_rows(data, design.kept_rows)))
    factors = [g.name for g in design.groupings]
    near = difflib.get_close_matches(str(by), [*factors, *names], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(
        f"by={by!r} is neither a grouping factor ({', '.join(map(repr, factors))}) nor a column of the data "
        f"nor 'observation'.{hint}"
    )


def row_labels(design: Design, data: object) -> np.ndarray:
    """(n,) what the rows used are called: by the index of a pandas frame, else by their place, from 0.

    An index with repeated labels names no row; then places are returned too.

    Examples
    --------
    >>> import henderson as hd
    >>> late = hd.datasets.load("sleepstudy").query("Days > 7")
    >>> row_labels(hd.lmm("Reaction ~ Days + (1 | Subject)", late).design, late)[:3]
    array([ 8,  9, 18])
    """
    rows = np.arange(design.n) if design.kept_rows is None else np.asarray(design.kept_rows)
    index: Any = getattr(data, "index", None) if hasattr(data, "iloc") else None
    if index is None or not index.is_unique:
        return rows
    labels: np.ndarray = index[rows].to_numpy()
    return labels


def column_names(data: object) -> list[str]:
    """Names of the columns of a frame or dict; none without data."""
    if data is None:
        return []
    frame: Any = data
    if isinstance(data, dict):
        return [str(name) for name in data]
    return [str(name) for name in (frame.column_names if frame_kind(data) == "pyarrow" else frame.columns)]


def column_values(name: str, frame: Any) -> list[object]:
    """Return one column of a frame of any kind as a list."""
    return list(frame.column(name).to_pylist() if frame_kind(frame) == "pyarrow" else frame[name])


def _column_codes(name: str, frame: Any) -> tuple[np.ndarray, tuple[object, ...]]:
    import pandas as pd

    values = pd.Series(column_values(name, frame))
    try:
        codes, labels = pd.factorize(values, sort=True)
    except TypeError:  # labels of several kinds have no order
        codes, labels = pd.factorize(values)
    if (codes < 0).any():
        missing = int((codes < 0).sum())
        raise DataError(
            f"{missing} rows have no {name!r}: they belong to no group that could be left out. "
            "Fill the column in, or leave these rows out of the fit."
        )
    if len(labels) < 2:
        raise DataError(f"{name!r} has one value only ({labels[0]!r}): without that group no rows are left.")
    return codes.astype(np.int64), tuple(np.asarray(labels, dtype=object).tolist())
