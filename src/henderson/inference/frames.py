"""Tables as the kind of frame that went in: pandas, polars or pyarrow; pandas for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("pandas", "polars", "pyarrow")


def frame_kind(data: object) -> str:
    """Say whose frame `data` is, by the package its type lives in; dicts and the rest count as pandas."""
    root = type(data).__module__.partition(".")[0]
    return root if root in KINDS else "pandas"


def make_frame(kind: str, columns: Mapping[str, Any]) -> Any:
    """Return A frame of the given kind from named columns (lists or one-dimensional arrays).

    Parameters
    ----------
    kind : {"pandas", "polars", "pyarrow"}
        As told by `frame_kind`.
    columns : mapping of str to sequence
        Columns in order, all of one length.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
    """
    if kind == "polars":
        import polars as pl

        return pl.DataFrame({name: pl.Series(name, values, strict=False) for name, values in columns.items()})
    if kind == "pyarrow":
        import pyarrow as pa

        return pa.table({name: pa.array(values) for name, values in columns.items()})
    import pandas as pd

    return pd.DataFrame(dict(columns))


def held(data: object) -> object:
    """Return `data` as a fit may hold it: columns that the caller replaces, adds or deletes do not reach it.

    Nothing is copied but the list of columns (8 microseconds); polars and pyarrow frames do not change. With
    pandas 3 values written into a column do not reach it either; with pandas 2, and into the arrays of a
    dict, they do.
    """
    if frame_kind(data) == "pandas" and hasattr(data, "iloc"):
        return data.copy(deep=False)  # type: ignore[attr-defined]
    return dict(data) if isinstance(data, Mapping) else data


def take_rows(data: object, kept: np.ndarray | None) -> Any:
    """Return the caller's frame (a pandas frame of a dict), or the rows `kept` of it."""
    native: Any = data
    kind = frame_kind(data)
    if kind == "polars":
        return native if kept is None else native[kept]
    if kind == "pyarrow":
        return native if kept is None else native.take(kept)
    import pandas as pd

    frame = native if isinstance(native, pd.DataFrame) else pd.DataFrame(native)
    return frame if kept is None else frame.iloc[kept]


def append_columns(data: object, columns: Mapping[str, np.ndarray]) -> Any:
    """Return A new frame of the same kind with columns added at the right; `data` is not touched."""
    native: Any = data
    kind = frame_kind(data)
    if kind == "polars":
        import polars as pl

        return native.with_columns([pl.Series(name, values) for name, values in columns.items()])
    if kind == "pyarrow":
        import pyarrow as pa

        for name, values in columns.items():
            native = native.append_column(name, pa.array(values))
        return native
    return native.assign(**columns)


def named_vector(values: np.ndarray, names: tuple[str, ...], name: str | None = None) -> pd.Series:
    """Return A pandas Series of `values` (r,) under `names`."""
    import pandas as pd

    return pd.Series(np.array(values, dtype=float), index=list(names), name=name)


def named_matrix(values: np.ndarray, rows: tuple[object, ...], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return A pandas DataFrame of `values` (r, c) under row and column names."""
    import pandas as pd

    return pd.DataFrame(np.array(values, dtype=float), index=list(rows), columns=list(columns))
