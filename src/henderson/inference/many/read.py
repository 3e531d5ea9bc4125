"""What was given as responses: a matrix, a frame or columns of the data, read a few columns at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Column, Frame, Numbers, open_frame
from henderson.data.align import align
from henderson.errors import DataError, OptionError

WHAT = (
    "responses= is a matrix with one row per row of the data and one column per response, a data frame of "
    "such columns, or a list of names of columns of the data"
)


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Responses as given.

    Attributes
    ----------
    labels : sequence of length R
        Names of the columns; 0, 1, … for a matrix.
    take : callable
        Places of some columns -> (rows, r) float64, missing values NaN.
    in_data : tuple of str
        Names of the columns that are columns of the data.
    """

    labels: Sequence[Any]
    take: Callable[[np.ndarray], np.ndarray]
    in_data: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def read_responses(responses: Any, data: Any, frame: Frame, what: str = "responses") -> Given:
    """Understand what was given as ``responses=``, or as ``weights=`` of every response its own.

    Parameters
    ----------
    responses : (n, R) array, data frame, dict, or list of names
    data : data frame
        As the caller gave it.
    frame : Frame
        The same, opened.
    what : str
        The argument, for messages.

    Returns
    -------
    Given
        Nothing is copied yet.

    Raises
    ------
    OptionError, DataError
        Another kind of thing, another number of rows, columns that are no numbers.
    """
    if responses is None:
        raise OptionError(
            f"lmm_many() needs responses: {WHAT}. For one response there is lmm(formula, data)."
        )
    if isinstance(responses, str):
        responses = [responses]
    if isinstance(responses, (list, tuple)) and responses and all(isinstance(r, str) for r in responses):
        return _columns_of_data(list(responses), frame)
    if isinstance(responses, Mapping) or hasattr(responses, "columns") or hasattr(responses, "column_names"):
        return _frame(responses, data, frame.n, what)
    return _matrix(responses, frame.n, what)


def _columns_of_data(names: list[str], frame: Frame) -> Given:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise OptionError(f"responses= names {', '.join(map(repr, twice[:3]))} more than once.")
    for name in names:
        _numbers(frame.column(name), name)

    def take(places: np.ndarray) -> np.ndarray:
        return _stacked([_numbers(frame.column(names[j]), names[j]) for j in places.tolist()], frame.n)

    return Given(names, take, tuple(names))


def _numbers(column: Column | None, name: object) -> np.ndarray:
    if not isinstance(column, Numbers):
        raise DataError(
            f"The response {name} holds text, categories or truth values; a linear mixed model needs "
            "numbers. Leave it out of responses=, or convert it."
        )
    return column.values


def _stacked(columns: list[np.ndarray], n: int) -> np.ndarray:
    out = np.empty((n, len(columns)), order="F")
    for j, column in enumerate(columns):
        out[:, j] = column
    return out


def _frame(responses: Any, data: Any, n: int, what: str) -> Given:
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(responses, pandas.DataFrame):
        return _pandas(responses, data, n, what)
    opened = open_frame(responses)
    names = opened.names()
    _check_rows(opened.n, len(names), n, what)
    for name in names:
        _numbers(opened.column(name), name)

    def take(places: np.ndarray) -> np.ndarray:
        return _stacked([_numbers(opened.column(names[j]), names[j]) for j in places.tolist()], n)

    return Given(names, take)


def _pandas(responses: Any, data: Any, n: int, what: str) -> Given:
    """A pandas frame: rows matched by their labels, as pandas itself would."""
    import pandas as pd

    _check_rows(len(responses), responses.shape[1], n, what)
    order = align(pd.Series(np.arange(n), index=responses.index), what, data).to_numpy()
    moved = not np.array_equal(order, np.arange(n))
    wrong = [c for c, dtype in zip(responses.columns, responses.dtypes, strict=True) if not _is_number(dtype)]
    if wrong:
        _numbers(None, ", ".join(map(repr, wrong[:3])) + (", …" if len(wrong) > 3 else ""))

    def take(places: np.ndarray) -> np.ndarray:
        block = responses.iloc[:, places].to_numpy(dtype=np.float64, na_value=np.nan)
        return block[order] if moved else block

    return Given(responses.columns.tolist(), take)


def _is_number(dtype: Any) -> bool:
    from pandas.api import types

    return bool(
        types.is_numeric_dtype(dtype)
        and not types.is_bool_dtype(dtype)
        and not types.is_complex_dtype(dtype)
        and not types.is_object_dtype(dtype)
    )


def _matrix(responses: Any, n: int, what: str) -> Given:
    if hasattr(responses, "toarray"):
        raise DataError(f"{what}= is a sparse matrix; type {what}=matrix.toarray().")
    if hasattr(responses, "__next__"):
        raise DataError(f"{what}= is an iterator; {WHAT}. Type np.column_stack(list(responses)).")
    matrix = responses if isinstance(responses, np.ndarray) else _as_array(responses)
    if matrix.ndim == 1 and matrix.size == 0:
        raise DataError(f"{what}= is empty; {WHAT}.")
    if matrix.ndim != 2:
        shape = "one column" if matrix.ndim == 1 else f"{matrix.ndim} dimensions"
        way = "responses=y[:, None]" if matrix.ndim == 1 else "responses=volume.reshape(len(volume), -1)"
        raise DataError(f"responses= has {shape}; {WHAT}. Type {way}.")
    if matrix.dtype.kind not in "fiu":
        raise DataError(f"{what}= holds {matrix.dtype}; a linear mixed model needs real numbers.")
    _check_rows(matrix.shape[0], matrix.shape[1], n, what)
    return Given(
        range(matrix.shape[1]), lambda places: np.asarray(matrix[:, _span(places)], dtype=np.float64)
    )


def _as_array(responses: Any) -> np.ndarray:
    try:
        return np.asarray(responses)
    except (TypeError, ValueError):
        raise DataError(f"responses= is {type(responses).__name__}; {WHAT}.") from None


def _span(places: np.ndarray) -> Any:
    """Neighbouring columns as a slice, which copies nothing."""
    whole = len(places) > 0 and places[-1] - places[0] + 1 == len(places)
    return slice(int(places[0]), int(places[-1]) + 1) if whole else places


def _check_rows(rows: int, columns: int, n: int, what: str) -> None:
    if rows == n and columns > 0:
        return
    if columns == 0 and rows == n:
        raise DataError(f"{what}= has no columns.")
    turned = (
        f"Its columns are as many: type {what}=matrix.T."
        if columns == n
        else "Give one row per row of the data, NaN where a value is missing; the data can be cut to fit: "
        "data.loc[responses.index]."
    )
    raise DataError(f"{what}= has {rows} rows; the data have {n}. {turned}")
