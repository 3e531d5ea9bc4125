"""Data, and ways to cut it, for the tests of sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

FORMULAS = (
    "y ~ x + (1 | g)",
    "y ~ a * b * x + (x | g) + (1 | h)",
    "y ~ a:x + c + (a | g) + (z || h)",
    "y ~ x:a + oc * t + z:x + (1 | g:h)",
    "y ~ 0 + a + b + I(x / 2) + (0 + x | g) + (1 | h)",
    "y ~ a + I(2 * x) + x + log(z2) + (1 + x:b | h) + (1 | g)",
    "y ~ t * a + offset(o) + (t | g) + (0 + b | h)",
    "log(y) ~ factor(b) * a + C(a, contr.sum) + x + (1 | h / b)",
    "y ~ 0 + x + (0 + x | g)",
    "y ~ poly(x, 3) + scale(z) + (scale(z) | g)",
)


def frame(n: int = 600, seed: int = 1, mean: float = 2000) -> pd.DataFrame:
    """Numbers far from zero, factors declared and not, truth values, two groupings, missing values."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 30, n), rng.integers(0, 12, n)
    data = pd.DataFrame(
        {
            "x": rng.normal(size=n) + mean,
            "z": rng.normal(size=n),
            "z2": rng.uniform(1, 4, n),
            "a": rng.choice(list("pqr"), n),
            "b": rng.choice(["u", "v"], n),
            "c": pd.Categorical(rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi", "top"]),
            "oc": pd.Categorical(
                rng.choice(["lo", "mid", "hi"], n), ["lo", "mid", "hi", "top"], ordered=True
            ),
            "t": rng.random(n) > 0.3,
            "g": g,
            "h": [f"s{i}" for i in h],
            "w": rng.uniform(0.5, 2, n),
            "o": rng.normal(size=n),
        }
    )
    effects = rng.normal(size=(30, 2))
    data["y"] = 100 + (data.x - mean) + effects[g, 0] + effects[g, 1] * (data.x - mean)
    data["y"] += rng.normal(size=12)[h] + rng.normal(size=n)
    data.loc[5, "x"] = np.nan
    data.loc[7, "g"] = np.nan
    return data


def cut(data: pd.DataFrame, step: int) -> list[pd.DataFrame]:
    """Chunks of some rows each."""
    return [data.iloc[i : i + step] for i in range(0, len(data), step)]


def parts(data: pd.DataFrame, count: int) -> list[pd.DataFrame]:
    """So many parts of about one size."""
    return cut(data, -(-len(data) // count))


def orders(data: pd.DataFrame) -> Iterator[tuple[str, list[pd.DataFrame]]]:
    """Rows cut in ways that upset what depends on the order: levels come late, means drift."""
    yield "as they are", cut(data, 97)
    yield "one by one", cut(data, 7)
    yield "sorted by group", cut(data.sort_values("h", kind="stable"), 50)
    yield "sorted by covariate", cut(data.sort_values("x", kind="stable"), 50)
    yield "sorted by factor", cut(data.sort_values(["a", "b"], ascending=False, kind="stable"), 60)
