"""The fits whose printed output is kept as golden text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

import henderson as hd

load = hd.datasets.load

WIDE = "y ~ {} + tiny + a_very_long_column_name_that_nobody_should_use_but_somebody_always_does + (1 | {})"
WIDE_GROUP = "a_very_long_grouping_factor_name_for_schools_in_districts"


def wide_rows() -> pd.DataFrame:
    """Long names, big and tiny scales, many columns; seeds fixed."""
    rng = np.random.default_rng(5)
    n = 400
    rows = pd.DataFrame({f"covariate_number_{i:02d}": rng.normal(size=n) for i in range(14)})
    rows["a_very_long_column_name_that_nobody_should_use_but_somebody_always_does"] = rng.normal(size=n) * 1e6
    rows["a_very_long_grouping_factor_name_for_schools_in_districts"] = rng.integers(0, 40, n).astype(str)
    rows["y"] = 1e4 + 100 * rng.normal(size=n) + 30 * rows["covariate_number_00"]
    rows["tiny"] = rows["covariate_number_01"] * 1e-7
    rows["y"] += 40 * rng.normal(size=40)[rows.iloc[:, 15].astype(int)]
    return rows


def sloping_rows() -> pd.DataFrame:
    """Seven random slopes that the data can tell apart."""
    rng = np.random.default_rng(3)
    n, g = 2400, np.repeat(np.arange(60), 40)
    rows = pd.DataFrame({f"covariate_number_{i:02d}": rng.normal(size=n) for i in range(7)})
    spread = rng.normal(size=(8, 8)) + 2 * np.eye(8)
    X = np.column_stack([np.ones(n), rows])
    rows["y"] = (
        100 + 5 * X[:, 1] + (X * (rng.normal(size=(60, 8)) @ spread)[g]).sum(axis=1) + rng.normal(size=n)
    )
    rows[WIDE_GROUP] = g.astype(str)
    return rows


def maximal_rows() -> pd.DataFrame:
    """Crossed subjects and items with a singular covariance matrix of the items."""
    rng = np.random.default_rng(11)
    s, i = (g.ravel() for g in np.meshgrid(np.arange(20), np.arange(12)))
    a, b = rng.choice([-0.5, 0.5], (2, 240))
    effects = rng.normal(size=(20, 4)) * [60, 20, 15, 10]
    X = np.column_stack([np.ones(240), a, b, a * b])
    y = (
        500
        + 30 * a
        - 20 * b
        + (X * effects[s]).sum(1)
        + 25 * rng.normal(size=12)[i]
        + 40 * rng.normal(size=240)
    )
    return pd.DataFrame({"rt": y, "a": a, "b": b, "subj": s.astype(str), "item": i.astype(str)})


def sleep_with_gaps() -> pd.DataFrame:
    """The sleep study with missing values and a column that repeats another."""
    rows = load("sleepstudy")
    rows["weeks"] = rows["Days"] / 7
    rows.loc[[3, 50, 51], "Reaction"] = np.nan
    rows.loc[[3, 99], "Days"] = np.nan
    return rows


def sleep_with_weights() -> pd.DataFrame:
    """The sleep study with precision weights and an offset."""
    rows = load("sleepstudy")
    rows["w"] = np.tile([1.0, 2.0, 0.5, 1.5, 1.0], 36)
    rows["known"] = np.tile(np.arange(10.0), 18)
    return rows


def cbpp_rates() -> pd.DataFrame:
    """Disease rates, weighted by the size of the herd."""
    rows = load("cbpp")
    rows["rate"] = rows["incidence"] / rows["size"]
    return rows


FITS: dict[str, Callable[[], hd.LinearMixedFit]] = {
    "sleep_reml": lambda: hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy")),
    "sleep_ml": lambda: hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"), reml=False),
    "penicillin_crossed": lambda: hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", load("penicillin")),
    "pastes_nested": lambda: hd.lmm("strength ~ 1 + (1 | batch/cask)", load("pastes")),
    "dyestuff2_singular": lambda: hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff2")),
    "rank_deficient_with_gaps": lambda: hd.lmm(
        "Reaction ~ Days + weeks + (Days | Subject)", sleep_with_gaps()
    ),
    "weights_and_offset": lambda: hd.lmm(
        "Reaction ~ Days + (Days || Subject)", sleep_with_weights(), weights="w", offset="known"
    ),
    "cbpp_rates": lambda: hd.lmm("rate ~ period + (1 | herd)", cbpp_rates(), weights="size"),
    "machines_slopes": lambda: hd.lmm("score ~ Machine + (0 + Machine | Worker)", load("machines")),
    "maximal_singular": lambda: hd.lmm("rt ~ a * b + (a * b | subj) + (a * b | item)", maximal_rows()),
    "long_names": lambda: hd.lmm(
        WIDE.format(" + ".join(f"covariate_number_{i:02d}" for i in range(14)), WIDE_GROUP), wide_rows()
    ),
    "many_correlations": lambda: hd.lmm(
        "y ~ covariate_number_00 + ({} | {})".format(
            " + ".join(f"covariate_number_{i:02d}" for i in range(7)), WIDE_GROUP
        ),
        sloping_rows(),
    ),
}


@cache
def fit(name: str) -> hd.LinearMixedFit:
    """One of `FITS`, made once."""
    return FITS[name]()
