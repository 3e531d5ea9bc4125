"""Answers of R's emmeans 1.8.4-1 recorded in ``fixtures/emmeans.json`` by ``fixtures/make.R``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import henderson as hd
from henderson.data import label_text

HERE = Path(__file__).parent / "fixtures"


@cache
def answers() -> dict[str, Any]:
    """All answers, by model and question."""
    return json.loads((HERE / "emmeans.json").read_text(encoding="utf-8"))


@cache
def rows(name: str) -> pd.DataFrame:
    """The table that the models were fitted to; group numbers are labels."""
    frame = pd.DataFrame(answers()["rows"][name])
    return frame.assign(g=frame["g"].astype(str))


@cache
def fitted(formula: str, data: str = "d", **options: str) -> Any:
    """The same fit here."""
    return hd.lmm(formula, rows(data).assign(L=lambda t: t["x"] > 4), **options)


def numbers(values: list[Any]) -> np.ndarray:
    """A recorded column as float64; null is NaN."""
    special = {"Inf": np.inf, "-Inf": -np.inf, "NA": np.nan, "NaN": np.nan}
    return np.array([special[v] if isinstance(v, str) else float(v) for v in values], dtype=float)


def words(values: Any) -> list[str]:
    """Labels as text; truth values and whole numbers as R writes them."""
    return [label_text(float(v) if isinstance(v, int) and not isinstance(v, bool) else v) for v in values]


ESTIMATES = ("emmean", "estimate", "ratio", "response", "x.trend", "log(x).trend", "prediction")
COLUMNS = {
    "SE": ("std_error", 1e-6),
    "df": ("df", 1e-5),
    "lower.CL": ("conf_low", 1e-5),
    "upper.CL": ("conf_high", 1e-5),
    "t.ratio": ("statistic", 1e-5),
}


def agree(table: Any, recorded: dict[str, list[Any]], *, labels: bool = True) -> None:
    """Compare a table with a recorded one, row by row."""
    if labels:
        for key in table.record.linear.keys:
            assert words(table.record.linear.keys[key]) == words(recorded[key])
    name = next(name for name in ESTIMATES if name in recorded)
    estimate = numbers(recorded[name])
    np.testing.assert_allclose(
        table["estimate"], estimate, rtol=2e-6, atol=1e-7 * np.nanmax(np.abs(estimate))
    )
    for theirs, (ours, tolerance) in COLUMNS.items():
        if theirs in recorded:
            scale = np.nanmax(np.abs(numbers(recorded["SE"]))) if theirs.endswith("CL") else 1e-3
            np.testing.assert_allclose(
                table[ours], numbers(recorded[theirs]), rtol=tolerance, atol=tolerance * scale, err_msg=theirs
            )
    if "p.value" in recorded:
        # R's ptukey() is good to about 1e-5: with two means it misses its own pt() by as much
        loose = 2e-5 if table.record.question.adjust == "tukey" else 1e-8
        np.testing.assert_allclose(table["p_value"], numbers(recorded["p.value"]), rtol=1e-4, atol=loose)
