"""Reading a shipped data set into the kind of frame that is asked for.

Each file is parsed once per process into immutable columns; every call builds a fresh frame on copies of
them, so that nothing a caller does to one frame shows up in the next.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from ..errors import MissingDependencyError, OptionError
from .registry import Column, describe, folder

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Parsed:
    """One column as parsed.

    Attributes
    ----------
    values : ndarray (n,)
        float64, int64, or int32 codes into the declared levels; read-only.
    levels : tuple of str or None
        The declared levels of a factor, else None.
    """

    values: np.ndarray
    levels: tuple[str, ...] | None


@cache
def parsed(name: str) -> dict[str, Parsed]:
    """Return the columns of data set `name`, parsed once."""
    known = {column.name: column for column in describe(name).columns}
    text = (folder() / f"{name}.csv").read_text(encoding="utf-8")
    header, *rows = list(csv.reader(text.splitlines()))
    cells = zip(*rows, strict=True)
    return {title: _parse(list(texts), known[title]) for title, texts in zip(header, cells, strict=True)}


def _parse(texts: list[str], column: Column) -> Parsed:
    if column.kind == "factor":
        code = {level: number for number, level in enumerate(column.levels)}
        values = np.array([code[text] for text in texts], dtype=np.int32)
    else:
        values = np.array(texts, dtype=np.float64 if column.kind == "number" else np.int64)
    values.flags.writeable = False
    return Parsed(values, column.levels if column.kind == "factor" else None)


def _categorical(column: Parsed) -> Any:
    import pandas as pd

    if column.levels is None:
        return column.values.copy()
    return pd.Categorical.from_codes(column.values.copy(), categories=list(column.levels))


def _to_dict(columns: dict[str, Parsed]) -> dict[str, Any]:
    return {name: _categorical(column) for name, column in columns.items()}


def _to_pandas(columns: dict[str, Parsed]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(_to_dict(columns))


def _to_polars(columns: dict[str, Parsed]) -> pl.DataFrame:
    import polars as pl

    def series(name: str, column: Parsed) -> pl.Series:
        if column.levels is None:
            return pl.Series(name, column.values.copy())
        labels = np.array(column.levels, dtype=object)[column.values]
        return pl.Series(name, labels.tolist(), dtype=pl.Enum(list(column.levels)))

    return pl.DataFrame([series(name, column) for name, column in columns.items()])


def _to_pyarrow(columns: dict[str, Parsed]) -> pa.Table:
    import pyarrow as pa

    def array(column: Parsed) -> pa.Array:
        if column.levels is None:
            return pa.array(column.values.copy())
        return pa.DictionaryArray.from_arrays(pa.array(column.values.copy()), pa.array(list(column.levels)))

    return pa.table({name: array(column) for name, column in columns.items()})


_BUILDERS: dict[str, Callable[[dict[str, Parsed]], Any]] = {
    "pandas": _to_pandas,
    "polars": _to_polars,
    "pyarrow": _to_pyarrow,
    "dict": _to_dict,
}


@overload
def load(name: str, as_: Literal["pandas"] = "pandas") -> pd.DataFrame: ...
@overload
def load(name: str, as_: Literal["polars"]) -> pl.DataFrame: ...
@overload
def load(name: str, as_: Literal["pyarrow"]) -> pa.Table: ...
@overload
def load(name: str, as_: Literal["dict"]) -> dict[str, Any]: ...
def load(name: str, as_: str = "pandas") -> Any:
    """Return a fresh copy of a shipped data set, with its factors declared.

    Parameters
    ----------
    name : str
        One of `names()`.
    as_ : {"pandas", "polars", "pyarrow", "dict"}
        Kind of frame. Factors become `Categorical` (pandas and dict), `Enum` (polars) or dictionary arrays
        (pyarrow), with the levels in declared order.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table or dict of arrays
        n rows as `describe(name).rows` says.

    Raises
    ------
    OptionError
        If the name or the kind of frame is unknown.
    MissingDependencyError
        If polars or pyarrow is asked for and not installed.

    Examples
    --------
    >>> from henderson import datasets
    >>> datasets.load("sleepstudy").head(3)
       Reaction  Days Subject
    0  249.5600     0     308
    1  258.7047     1     308
    2  250.8006     2     308
    """
    columns = parsed(describe(name).name)
    if as_ not in _BUILDERS:
        raise OptionError(
            f"as_={as_!r} is not a kind of frame. Use one of: {', '.join(map(repr, _BUILDERS))}."
        )
    try:
        return _BUILDERS[as_](columns)
    except ImportError as error:
        raise MissingDependencyError(
            f"load({name!r}, as_={as_!r}) needs {as_}, which is not installed. "
            f"Type: pip install {as_}, or leave as_ out for a pandas frame."
        ) from error
