"""Lazy frames of any engine: recognised without importing anything, run with errors that name the engine."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from henderson.errors import DataError, HendersonError

_ROOTS = {"polars", "duckdb", "_duckdb", "dask", "dask_expr", "pyspark", "ibis", "sqlframe", "narwhals"}
_NAMES = {
    "polars": "Polars",
    "duckdb": "DuckDB",
    "dask": "Dask",
    "pyspark": "Spark",
    "pyspark[connect]": "Spark",
    "ibis": "Ibis",
    "sqlframe": "SQLFrame",
}


class Lazy(NamedTuple):
    """A lazy frame and its engine.

    Attributes
    ----------
    frame : narwhals LazyFrame
        Not run yet.
    engine : str
        What messages call the engine: ``DuckDB``.
    types : dict of str to narwhals data type
        Type of every column.
    """

    frame: Any
    engine: str
    types: dict[str, Any]

    @property
    def where(self) -> str:
        """Return what the summary calls the place of the rows."""
        return f"a lazy frame on {self.engine}"


@contextmanager
def without_notice() -> Iterator[None]:
    """Keep one notice of narwhals from users, who did not choose it and need not act; others pass.

    Its support of Dask is to become a package of its own, ``narwhals-dask``, which it prefers as soon as that
    is installed. Package indexes did not have it when this was written.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Dask support is moving out of Narwhals", FutureWarning)
        yield


def is_lazy(data: object) -> bool:
    """Return whether data are a lazy frame or a table of an engine, rather than rows in memory.

    Parameters
    ----------
    data : object

    Returns
    -------
    bool

    Examples
    --------
    >>> is_lazy({"y": [1.0, 2.0]})
    False
    """
    root = type(data).__module__.split(".")[0]
    if root not in _ROOTS:
        return False
    import narwhals as nw

    with without_notice():
        return isinstance(nw.from_native(data, pass_through=True), nw.LazyFrame)


def open_lazy(data: Any) -> Lazy:
    """See a lazy frame through narwhals.

    Parameters
    ----------
    data : polars LazyFrame, DuckDB relation, Dask or Spark DataFrame, Ibis table
        Nothing is run but what the engine needs to tell the types of its columns.

    Returns
    -------
    Lazy

    Raises
    ------
    DataError
        The engine cannot tell the types of the columns.
    """
    import narwhals as nw

    with without_notice():
        frame = nw.from_native(data)
    key = str(frame.implementation.value)
    engine = _NAMES.get(key, key)
    try:
        return Lazy(frame, engine, dict(frame.collect_schema()))
    except Exception as error:
        raise failed(engine, "the types of the columns", error) from error


def failed(engine: str, doing: str, error: Exception) -> HendersonError:
    """Return the error for a query that an engine did not finish.

    Parameters
    ----------
    engine : str
        Its name.
    doing : str
        What was asked: ``the sums by g``.
    error : Exception
        What it raised.

    Returns
    -------
    DataError
    """
    if isinstance(error, HendersonError):
        return error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:3])[:400] or "no message"
    return DataError(
        f"{engine} failed at {doing}: {type(error).__name__}: {text}. Nothing was fitted. The same query "
        "alone shows whether the data can be read: count the rows, or collect a few of them."
    )


def run(lazy: Lazy, query: Any, doing: str) -> Any:
    """Run a query on its engine and return the rows it gives.

    Parameters
    ----------
    lazy : Lazy
        Whose engine.
    query : narwhals LazyFrame
        Few columns and few rows: aggregates, or a sample.
    doing : str
        What is asked, for the error.

    Returns
    -------
    data frame in memory
        polars, pyarrow or pandas, as the engine gives it.

    Raises
    ------
    DataError
        The engine stopped; the message names it, what was asked, and its own words.
    """
    try:
        with without_notice():
            if lazy.engine == "Polars":
                return query.to_native().collect(engine="streaming")
            return query.collect().to_native()
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise failed(lazy.engine, doing, error) from error


def needed(module: str, extra: str) -> Any:
    """Import an optional engine; an ImportError with the line to type where it is missing."""
    import importlib

    try:
        return sys.modules.get(module) or importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"This needs {module}: pip install 'henderson[{extra}]'.") from error
