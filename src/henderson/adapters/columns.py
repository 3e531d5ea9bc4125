"""X, y and groups as scikit-learn hands them over → columns of one frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from henderson.errors import DataError, OptionError
from henderson.inference.frames import append_columns, frame_kind, take_rows

Column = str | int


def is_frame(X: object) -> bool:
    """Whether `X` is a pandas or polars data frame."""
    return hasattr(X, "columns") and frame_kind(X) in ("pandas", "polars")


def all_numbers(X: Any) -> bool:
    """Whether every column of the frame `X` holds numbers or truth values."""
    if frame_kind(X) == "polars":
        return all(dtype.is_numeric() or str(dtype) == "Boolean" for dtype in X.dtypes)
    return all(getattr(dtype, "kind", "O") in "biuf" for dtype in X.dtypes)


def array_frame(X: np.ndarray, names: Sequence[str]) -> Any:
    """Return a pandas frame of the columns of `X` (n, p); nothing is copied."""
    import pandas as pd

    return pd.DataFrame(X, columns=list(names), copy=False)


def pandas_numbers(X: Any) -> Any:
    """Return a polars frame of numbers as a pandas frame, whose names every scikit-learn reads."""
    if not is_frame(X) or frame_kind(X) == "pandas":
        return X
    import pandas as pd

    return pd.DataFrame({name: X[name].to_numpy() for name in X.columns})


def named_frame(X: Any) -> Any:
    """Return the frame `X` with columns named x0, x1, … where their names are no text (pandas)."""
    if all(isinstance(name, str) for name in X.columns):
        return X
    return X.set_axis([f"x{j}" for j in range(len(X.columns))], axis=1)


def with_columns(frame: Any, columns: Mapping[str, Any]) -> Any:
    """Return `frame` with columns added or replaced, row by row whatever the labels of the rows."""
    return (
        append_columns(frame, {name: bare(values) for name, values in columns.items()}) if columns else frame
    )


def without_rows(frame: Any, weights: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """Leave out the rows of weight zero, as rows that do not count."""
    if weights is None or (weights > 0).all():
        return frame, weights
    if (weights < 0).any():
        raise DataError(
            f"sample_weight has {int((weights < 0).sum())} negative values; weights are positive."
        )
    return take_rows(frame, np.flatnonzero(weights)), weights[weights > 0]


def bare(values: Any) -> Any:
    """Return the values of a column without row labels: an array, or a pandas array such as a Categorical."""
    if frame_kind(values) == "pandas" and hasattr(values, "array"):
        return values.array
    return values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)


def group_columns(groups: Any, n: int) -> dict[str | None, Any]:
    """Read what was given as groups: labels by name; the name of a column without one is None.

    Parameters
    ----------
    groups : (n,) labels, Series, (n, f) array or data frame
        One column per grouping factor; None for no groups at all.
    n : int
        Number of rows of X.

    Returns
    -------
    dict of name to (n,) labels

    Raises
    ------
    DataError
        For another number of rows.

    Examples
    --------
    >>> group_columns(["a", "b"], 2)
    {None: array(['a', 'b'], dtype='<U1')}
    """
    out: dict[str | None, Any] = {}
    if groups is not None and is_frame(groups):
        out = {str(name): groups[name] for name in groups.columns}
    elif groups is not None and np.ndim(array := bare(groups)) == 2:
        many = array.shape[1] > 1
        out = {f"groups{j}" if many else None: array[:, j] for j in range(array.shape[1])}
    elif groups is not None:
        name = getattr(groups, "name", None)
        out = {None if name is None else str(name): array}
    for values in out.values():
        if len(values) != n:
            raise DataError(f"groups has {len(values)} rows and X has {n}; give one label per row of X.")
    return out


def matched_groups(given: Mapping[str | None, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """Give groups the names that the model knows them by: by name where they have them, else in order.

    Parameters
    ----------
    given : dict of name (or None) to (n,) labels
        As read by `group_columns`.
    wanted : list of str
        Names that the model lacks; where it lacks none, groups are not needed and left aside.

    Raises
    ------
    DataError
        If neither names nor number fit.

    Examples
    --------
    >>> matched_groups({None: [1, 1, 2]}, ["site"])
    {'site': [1, 1, 2]}
    """
    named = {name: given[name] for name in wanted if name in given}
    if len(named) == len(wanted) or not given:
        return named
    if len(given) == len(wanted):
        return dict(zip(wanted, given.values(), strict=True))
    got = [name or "(no name)" for name in given]
    raise DataError(f"groups has the columns {got}, and the model needs {list(wanted)}.")


def columns_named(columns: Iterable[Column], names: Sequence[str], what: str) -> list[str]:
    """Turn names or positions of columns into names.

    Parameters
    ----------
    columns : list of str or int
        As the user gave them.
    names : list of str
        Columns of X.
    what : str
        The option, for the message.

    Raises
    ------
    OptionError
        For a column that X does not have, with those that it has.

    Examples
    --------
    >>> columns_named(["dose", -1], ["age", "dose", "visit"], "fixed")
    ['dose', 'visit']
    """
    listed = [columns] if isinstance(columns, (str, int)) else list(columns)
    return [_column_named(column, names, what) for column in listed]


def _column_named(column: Column, names: Sequence[str], what: str) -> str:
    if isinstance(column, (int, np.integer)) and -len(names) <= column < len(names):
        return names[column]
    if column in names:
        return str(column)
    shown = ", ".join(map(repr, names[:12])) + (", …" if len(names) > 12 else "")
    raise OptionError(f"{what}: X has no column {column!r}. It has {len(names)}: {shown}.")


def fresh_name(wanted: str, taken: Iterable[str]) -> str:
    """Return `wanted`, with underscores added until it is not among `taken`."""
    known = set(taken)
    while wanted in known:
        wanted += "_"
    return wanted
