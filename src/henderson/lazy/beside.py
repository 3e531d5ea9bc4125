"""Small tables put beside the rows: uploaded to the engine of a lazy frame and joined there."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np

from henderson.lazy.engines import Lazy, failed, without_notice

PREFIX = "henderson_"


def upload(lazy: Lazy, columns: dict[str, Any]) -> Any:
    """Return a small table on the engine where a lazy frame is.

    Parameters
    ----------
    lazy : Lazy
        Whose engine.
    columns : dict of str to array or Arrow array
        The table.

    Returns
    -------
    narwhals LazyFrame
    """
    try:
        with without_notice():
            return nw.from_native(_UPLOADS[lazy.engine](lazy.frame.to_native(), columns))
    except Exception as error:
        raise failed(lazy.engine, "taking in the table of the estimates", error) from error


def _arrow(columns: dict[str, Any]) -> Any:
    import pyarrow

    return pyarrow.table({name: _plain(values) for name, values in columns.items()})


def _plain(values: Any) -> Any:
    """Return an Arrow column without a dictionary, which some engines would take for an enumeration."""
    import pyarrow

    if isinstance(values, np.ndarray):
        return pyarrow.array(values)
    array = values if isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)) else pyarrow.array(values)
    return array.cast(array.type.value_type) if pyarrow.types.is_dictionary(array.type) else array


def _polars(native: Any, columns: dict[str, Any]) -> Any:
    import polars as pl

    return pl.LazyFrame(columns)


def _duckdb(native: Any, columns: dict[str, Any]) -> Any:
    """Return a relation on the connection of another, which only a query can reach."""
    view, setting = f"{PREFIX}rows", "python_enable_replacements"
    estimates = _arrow(columns)  # found by its name, if the connection looks for variables
    looks = bool(native.query(view, f"SELECT current_setting('{setting}')").fetchall()[0][0])
    if not looks:  # as after scan()
        native.query(view, f"SET {setting} = true")
    try:
        found = native.query(view, "SELECT * FROM estimates")
    finally:
        if not looks:
            native.query(view, f"SET {setting} = false")
    assert estimates is not None
    return found


def _dask(native: Any, columns: dict[str, Any]) -> Any:
    import dask.dataframe as dd
    import pandas as pd

    return dd.from_pandas(pd.DataFrame(columns), npartitions=1)


def _spark(native: Any, columns: dict[str, Any]) -> Any:
    import pandas as pd
    from pyspark.sql.functions import broadcast

    return broadcast(native.sparkSession.createDataFrame(pd.DataFrame(columns)))


def _ibis(native: Any, columns: dict[str, Any]) -> Any:
    import ibis

    return ibis.memtable(_arrow(columns))


_UPLOADS = {"Polars": _polars, "DuckDB": _duckdb, "Dask": _dask, "Spark": _spark, "Ibis": _ibis}


def beside(frame: Any, table: Any, keys: list[str], engine: str) -> Any:
    """Return rows with the columns of a small table beside them, matched by equal keys; unmatched have NULL.

    Parameters
    ----------
    frame, table : narwhals LazyFrame
    keys : list of str
        Columns of both.
    engine : str
        Polars keeps the order of the rows; other engines have none.
    """
    if engine != "Polars":
        return frame.join(table, on=keys, how="left")
    native = frame.to_native().join(table.to_native(), on=keys, how="left", maintain_order="left")
    return nw.from_native(native)


def renamed(frame: Any, names: dict[str, str], engine: str) -> Any:
    """Return a native lazy frame with columns renamed; Spark takes names with a dot only this way."""
    native = frame.to_native()
    if engine != "Spark":
        return frame.rename(names).to_native()
    for old, new in names.items():
        native = native.withColumnRenamed(old, new)
    return native
