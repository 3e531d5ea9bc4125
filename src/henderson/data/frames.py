"""Any data frame → columns, one at a time and only those that are asked for.

pandas is read natively, because it is the common case and must cost microseconds; a dict of arrays is read
as it is; everything else (polars, pyarrow, modin, …) goes through narwhals.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from henderson.data.arrays import column_from_array, column_from_truth, unusable
from henderson.data.arrow import arrow_of, factor_from_arrow
from henderson.data.columns import Column, Factor, Numbers
from henderson.data.factors import factor_from_labels
from henderson.data.suggest import did_you_mean
from henderson.errors import DataError


class Frame(NamedTuple):
    """A data frame seen as named columns.

    Attributes
    ----------
    n : int
        Number of rows.
    names : tuple of str, or callable returning it
        Column names.
    read : callable
        ``read(name)`` returns the column, or None where there is none of that name.
    """

    n: int
    names: Callable[[], tuple[str, ...]]
    read: Callable[[str], Column | None]

    def column(self, name: str) -> Column:
        """Return one column; a DataError with the nearest names where it is missing."""
        column = self.read(name)
        if column is None:
            raise DataError(f"There is no column {name!r} in the data. {did_you_mean(name, self.names())}")
        return column


# -- pandas ----------------------------------------------------------------------------------------------


_last: tuple[Any, tuple[Any, ...]] = (lambda: None, ())
"""The categories last seen, weakly, and their levels: fits that are repeated share them."""


def _categorical(codes: np.ndarray, categories: Any, ordered: bool) -> Factor:
    global _last
    known, levels = _last
    if known() is not categories:
        plain = (str, int, float, bool)
        levels = tuple(x if isinstance(x, plain) else str(x) for x in categories.tolist())
        _last = weakref.ref(categories), levels
    return Factor(codes.astype(np.int32), levels, ordered)


def _pandas_extension(series: Any, name: str) -> Column:
    import pandas as pd

    types = pd.api.types
    dtype = series.dtype
    if types.is_bool_dtype(dtype):
        missing = series.isna().to_numpy()
        return column_from_truth(series.fillna(False).to_numpy(dtype=bool), missing)
    if types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype):
        if types.is_integer_dtype(dtype) and not series.hasnans:
            return Numbers(series.to_numpy(dtype=np.int64))
        return Numbers(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if types.is_string_dtype(dtype):
        return factor_from_labels(series)
    if types.is_datetime64_any_dtype(dtype):
        raise unusable(name, "datetime")
    if "dictionary" in str(dtype):
        array = series.array.__arrow_array__()
        return factor_from_arrow(array, declared=True, ordered=array.type.ordered)
    if "decimal" in str(dtype):
        return column_from_array(series.to_numpy(dtype=object, na_value=None), name)
    raise unusable(name, str(dtype))


def _pandas_column(data: Any, name: str) -> Column | None:
    try:
        series = data[name]
    except KeyError:
        return _pandas_other_name(data, name)
    if series.ndim != 1:
        raise DataError(f"The data have {series.shape[1]} columns named {name!r}; rename all but one.")
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return column_from_array(series.to_numpy(), name)
    if hasattr(dtype, "categories"):
        return _categorical(series.array.codes, dtype.categories, bool(dtype.ordered))
    return _pandas_extension(series, name)


def _pandas_other_name(data: Any, name: str) -> Column | None:
    """Find columns whose name is not text, such as the number 0; say so when the index has that name."""
    for label in getattr(data, "columns", ()):
        if not isinstance(label, str) and str(label) == name:
            return _pandas_column(data, label)
    if name in getattr(getattr(data, "index", None), "names", ()):
        raise DataError(f"{name!r} is the index of the data, not a column: use data.reset_index().")
    return None


def _pandas_frame(data: Any) -> Frame:
    return Frame(len(data), lambda: tuple(map(str, data.columns)), lambda name: _pandas_column(data, name))


# -- dict of arrays --------------------------------------------------------------------------------------


def _mapping_column(data: Mapping[str, Any], n: int, name: str) -> Column | None:
    if name not in data:
        return None
    values = data[name]
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(values, (pandas.Series, pandas.Categorical, pandas.Index)):
        column = _pandas_column({name: pandas.Series(values)}, name)
    elif hasattr(values, "dtype") or isinstance(values, (list, tuple)) or not hasattr(values, "type"):
        column = _foreign_series(values, name)
    else:
        column = column_from_array(values.to_pylist(), name)
    assert column is not None
    length = len(column.values if isinstance(column, Numbers) else column.codes)
    if length != n:
        raise DataError(
            f"Column {name!r} has {length} values where the first column has {n}; columns have one length."
        )
    return column


def _foreign_series(values: Any, name: str) -> Column:
    if isinstance(values, (np.ndarray, list, tuple)) or not type(values).__module__.startswith("polars"):
        return column_from_array(values, name)
    import narwhals as nw

    return _narwhals_series(nw.from_native(values, series_only=True), name)


def _mapping_frame(data: Mapping[str, Any]) -> Frame:
    if not data:
        raise DataError("The data have no columns.")
    first = next(iter(data.values()))
    if not hasattr(first, "__len__"):
        raise DataError(
            f"A dict of data holds one array or list per column; the first value is {type(first).__name__}."
        )
    n = len(first)
    return Frame(n, lambda: tuple(map(str, data)), lambda name: _mapping_column(data, n, name))


# -- everything else, through narwhals -------------------------------------------------------------------


def _narwhals_labels(series: Any) -> Factor:
    """Read text or categories; the order of an Enum or of an Arrow dictionary is that of its levels."""
    import narwhals as nw

    native, categories = series.to_native(), getattr(series.dtype, "categories", None)
    in_arrow = hasattr(native, "combine_chunks")
    declared = series.dtype != nw.String and (in_arrow or categories is not None)
    array = arrow_of(native)
    if array is not None:
        return factor_from_arrow(
            array, declared=declared, ordered=in_arrow and declared and array.type.ordered
        )
    factor = factor_from_labels(np.asarray(series.cast(nw.String).to_list(), dtype=object))
    if not declared or categories is None:
        return factor
    position = {level: i for i, level in enumerate(categories)}
    table = np.array([*(position[level] for level in factor.levels), -1], dtype=np.int32)
    return Factor(table[factor.codes], tuple(categories))


def _narwhals_series(series: Any, name: str) -> Column:
    import narwhals as nw

    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum, nw.String):
        return _narwhals_labels(series)
    if dtype == nw.Boolean:
        missing = series.is_null().to_numpy()
        return column_from_truth(series.fill_null(False).to_numpy().astype(bool), missing)
    if dtype.is_integer() and series.null_count() == 0:
        return Numbers(series.to_numpy())
    if dtype.is_numeric():
        return Numbers(series.cast(nw.Float64).to_numpy().astype(np.float64, copy=False))
    if dtype == nw.Object or str(dtype) in ("Unknown", "Null"):
        return column_from_array(series.to_list(), name)
    raise unusable(name, "datetime" if dtype.is_temporal() else str(dtype))


def _narwhals_frame(data: Any) -> Frame:
    import narwhals as nw

    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError as error:
        if hasattr(data, "collect"):
            raise DataError("The data are a lazy frame; collect them first: data.collect().") from error
        raise _not_a_frame(data) from error
    except nw.exceptions.DuplicateError as error:
        raise DataError(f"The data have several columns of one name; rename them. {error}") from error
    names = tuple(frame.columns)

    def read(name: str) -> Column | None:
        return _narwhals_series(frame[name], name) if name in names else None

    return Frame(len(frame), lambda: names, read)


_INSTEAD = {
    "CrossProducts": "these are sums already, which their own method fits: type sums.fit().",
    "DuckDBPyConnection": "name a table or query: connection.table('rows'), connection.sql('SELECT …').",
    "DuckDBPyRelation": "its rows are needed in memory here: type relation.df().",
}


def _not_a_frame(data: Any) -> DataError:
    kind = type(data).__name__
    what_to_type = _INSTEAD.get(
        kind, "give a pandas, polars or pyarrow table, or a dict of arrays: {'y': y, 'x': x, 'g': g}."
    )
    return DataError(f"The data are {kind}, not a data frame; {what_to_type}")


def open_frame(data: Any) -> Frame:
    """See any data frame as named columns.

    Parameters
    ----------
    data : pandas or polars DataFrame, pyarrow Table, dict of arrays, or anything narwhals knows
        The data; nothing is copied.

    Returns
    -------
    Frame

    Raises
    ------
    DataError
        Not a data frame.

    Examples
    --------
    >>> frame = open_frame({"y": [1.0, 2.0], "g": ["b", "a"]})
    >>> frame.n, frame.column("g").levels
    (2, ('a', 'b'))
    """
    if isinstance(data, Mapping):
        return _mapping_frame(data)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return _pandas_frame(data)
    if isinstance(data, (np.ndarray, list, tuple, str, bytes)) or data is None:
        raise _not_a_frame(data)
    return _narwhals_frame(data)
