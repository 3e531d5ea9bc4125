"""Covariates far from zero on an engine: the criterion is that of the rows; and rows of levels are known."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pytest

import henderson as hd
from henderson.design import build
from henderson.design.gathered import rows_per_level
from tests.crossprod.by_rows import by_rows, far
from tests.lazy.engines import ALWAYS, table


@pytest.mark.parametrize("mean", [1e3, 1e5])
@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x * f + (1 | g)",
        "y ~ x:f + (1 | g) + (1 | h)",
        "y ~ t:x + (1 | g) + (1 | h)",
        "y ~ 0 + f + x:f + (1 | g)",
        "y ~ 0 + t * x + (1 | g) + (1 | h)",
    ],
)
def test_the_criterion_is_that_of_the_rows(formula, engine, mean):
    data = far(mean)
    fit = hd.lmm(formula, ALWAYS[engine](data))
    assert fit.criterion == pytest.approx(by_rows(formula, data, fit), rel=1e-9)


@pytest.mark.parametrize("formula", ["y ~ 0 + f + x + I(x^2) + (1 | g)", "y ~ 0 + t + I(x^2) + x + (1 | g)"])
def test_without_an_intercept_the_same_columns_are_kept_as_with_rows(formula):
    data = far(1100.0)
    fit, rows = hd.lmm(formula, ALWAYS["polars"](data)), build(formula, data)
    assert (fit.design.x_names, fit.design.dropped) == (rows.x_names, rows.dropped)


@pytest.mark.parametrize("engine", ALWAYS)
def test_rows_of_levels_and_marginal_means(engine):
    data, formula = table(), "y ~ x * f + (1 | g) + (1 | h)"
    fit, rows = hd.lmm(formula, ALWAYS[engine](data)), hd.lmm(formula, data)
    for f in range(2):
        found = rows_per_level(fit.design, f)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, rows_per_level(rows.design, f))
    assert str(fit.emmeans("f")) == str(rows.emmeans("f"))


def units_of_rounding(fit, wanted, ratio):
    """Errors of marginal means in units of eps (mean / sd)^2, which covariances of far columns cost."""
    ours, theirs = (nw.from_native(each.emmeans("f").to_frame()).to_pandas() for each in (fit, wanted))
    return {
        name: float(np.abs(ours[name] / theirs[name] - 1).max()) / (np.finfo(float).eps * ratio**2)
        for name in ("std_error", "df")
    }


@pytest.mark.parametrize(
    "formula", ["y ~ x + f + (1 | g)", "y ~ x * f + (1 | g)", "y ~ x * f + (1 | g) + (1 | h)"]
)
@pytest.mark.parametrize("mean", [2.0**12, 2.0**13])
def test_in_memory_and_on_an_engine_alike_only_covariances_are_rounded(formula, mean):
    """Held against the covariate about zero, the exact same model: estimates agree as they do for it, and
    standard errors and degrees of freedom to what L Phi L' loses where Phi is that of far columns."""
    for seed in range(3):
        data = table(700, seed, gaps=False)
        data["d"] = np.round((data.x - 3) * 2**20) / 2**20
        data["x"] = data.d + mean
        wanted = hd.lmm(formula.replace("x", "d"), data)
        for fit in (hd.lmm(formula, data), hd.lmm(formula, ALWAYS["polars"](data))):
            assert fit.loglik == pytest.approx(wanted.loglik, abs=1e-9)
            np.testing.assert_allclose(fit.theta, wanted.theta, rtol=1e-7)
            found = units_of_rounding(fit, wanted, mean / data.d.std())
            assert found["std_error"] < 2 and found["df"] < 8


RANDOM = ["(1 | g)", "(x | g)", "(x || g)", "(1 | g) + (1 | h)", "(x | g) + (1 | h)", "(f | g)", "(1 | h/g)"]
FIXED = ["f", "x * f", "f * b", "f * x + poly(z, 2)", "C(f, contr.sum) * x", "log(z) + f:b"]


@pytest.mark.parametrize("seed", range(20))
def test_marginal_means_of_random_models_near_zero(seed):
    """Models drawn at random: small and large, by REML and ML, weighted and not, singular ones among them."""
    draw = np.random.default_rng(seed)
    data = table(int(draw.integers(120, 900)), seed)
    formula = f"y ~ {draw.choice(FIXED)} + {draw.choice(RANDOM)}"
    options = {"reml": bool(draw.random() < 0.7), "weights": "w" if draw.random() < 0.4 else None}
    fit, rows = (hd.lmm(formula, each, **options) for each in (ALWAYS["polars"](data), data))
    ours, theirs = (nw.from_native(each.emmeans("f").to_frame()).to_pandas() for each in (fit, rows))
    for name in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-8)
