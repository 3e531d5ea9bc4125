"""One table on every engine: what the tests of lazy frames hold against the fit in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

WORDS = np.array(["mid", "lo", "hi"])


def table(n: int = 900, seed: int = 1, *, gaps: bool = True) -> pd.DataFrame:
    """Rows with two crossed factors, predictors of every kind, weights, an offset and missing values."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 25, n), rng.integers(0, 11, n)
    data = pd.DataFrame(
        {
            "g": g * 3 + 5,
            "h": [f"site {i}" for i in h],
            "f": WORDS[rng.integers(0, 3, n)],
            "b": rng.random(n) > 0.4,
            "k": rng.integers(1, 5, n),
            "x": rng.normal(3, 2, n),
            "z": np.exp(rng.normal(0, 0.5, n)),
            "w": rng.uniform(0.5, 2, n),
            "o": rng.normal(0, 1, n),
        }
    )
    effects = rng.normal(0, 1, (25, 2)), rng.normal(0, 0.8, 11)
    data["y"] = 10 + 0.5 * data.x + 0.4 * (data.f == "lo") - 0.2 * data.z + 0.3 * data.b
    data["y"] += effects[0][g, 0] + (0.3 * data.x + 0.4 * (data.f == "hi")) * effects[0][g, 1]
    data["y"] += effects[1][h] + rng.normal(0, 1, n)
    if gaps:
        data.loc[5, "x"] = np.nan
        data.loc[[9, 11], "y"] = np.nan
        data.loc[7, "h"] = None
        data.loc[8, "f"] = None
    return data


def on_duckdb(data: pd.DataFrame) -> Any:
    """A DuckDB relation."""
    import duckdb

    connection = duckdb.connect()
    connection.register("frame", data)
    connection.execute("CREATE TABLE rows AS SELECT * FROM frame")
    return connection.table("rows")


def on_polars(data: pd.DataFrame) -> Any:
    """A polars LazyFrame; NaN stays NaN."""
    import polars as pl

    return pl.from_pandas(data, nan_to_null=False).lazy()


ALWAYS = {"duckdb": on_duckdb, "polars": on_polars}

FORMULAS = [
    "y ~ 1 + (1 | g)",
    "y ~ x + (x | g)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ x * f + (x | g) + (1 | h)",
    "y ~ f + b + poly(x, 3) + scale(z) + (1 | g)",
    "log(z) ~ I(x^2) + x:f + (f | g)",
    "y ~ 0 + f + x + (0 + x | g) + (1 | h)",
    "y ~ x + (x || g) + (1 | g:h)",
    "y ~ x + (1 | h/g)",
    "y ~ C(f, contr.sum) * x + factor(k) + (scale(x) | g)",
    "y ~ x + I(x > 3) + relevel(f, ref = 'mid') + (b | g)",
    "y ~ exp(-x) + sqrt(z) + log1p(z) + x^2 + (1 | g)",
    "y ~ x + f:b + ifelse(x > 2, z, 0) + (f + x | h)",
    "y ~ x + I(2 * x) + k + offset(o) + (1 | g) + (0 + z | h)",
    "y ~ (x + z + f)^2 + center(k) + (1 | g) + (1 | f:h)",
    "y ~ poly(x, 2, raw = TRUE) + I(x / z) + abs(x) + pmin(x, z) + (1 | factor(k):h)",
]


def collected(result: Any, order: str) -> pd.DataFrame:
    """The rows of a lazy frame in memory, put in order."""
    import narwhals as nw

    if hasattr(result, "sparkSession"):  # narwhals does not collect Spark's columns with a dot
        frame = result.toArrow().to_pandas()
    else:
        frame = nw.from_native(result).collect().to_pandas()
    return frame.sort_values(order).reset_index(drop=True)
