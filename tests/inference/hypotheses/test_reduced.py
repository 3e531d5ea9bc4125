"""Smaller models from the cross-products of larger ones against fits that start from the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import henderson as hd
from henderson import crossprod
from henderson.inference.hypotheses.reduced import linear_criterion, outcome, with_terms, without_columns


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two crossed factors, two covariates, weights."""
    rng = np.random.default_rng(4)
    n = 300
    rows = pd.DataFrame({"x": rng.normal(3, 1, n), "z": rng.normal(size=n), "w": rng.uniform(0.5, 2, n)})
    rows["f"] = rng.choice(["a", "b", "c"], n)
    rows["g"], rows["h"] = rng.integers(0, 12, n).astype(str), rng.integers(0, 9, n).astype(str)
    g, h = rows["g"].astype(int), rows["h"].astype(int)
    rows["y"] = 5 + rows["x"] + rng.normal(size=12)[g] + rng.normal(size=12)[g] * rows["x"] / 2
    rows["y"] += rng.normal(size=9)[h] + rng.normal(size=n)
    return rows


def criterion(formula: str, rows: pd.DataFrame, reml: bool) -> float:
    return hd.lmm(formula, rows, weights="w", reml=reml).criterion


@pytest.mark.parametrize("reml", [True, False])
def test_columns_of_x_left_out(rows, reml):
    fit = hd.lmm("y ~ x + f + z + (x | g) + (1 | h)", rows, weights="w")
    smaller = without_columns(fit.estimate.cross, np.array([2, 3]))
    found = outcome(smaller, fit.estimate, reml=reml)
    assert found.criterion == pytest.approx(criterion("y ~ x + z + (x | g) + (1 | h)", rows, reml), abs=1e-6)
    assert found.npar == 8


def test_the_constant_is_not_left_out_of_centred_columns(rows):
    fit = hd.lmm("y ~ x + (1 | g)", rows)
    assert without_columns(fit.estimate.cross, np.array([0])) is None


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(
    ("larger", "maps", "smaller"),
    [
        ("(x + z | g) + (1 | h)", {0: [[1, 0], [0, 0], [0, 1]]}, "(z | g) + (1 | h)"),
        ("(x + z | g) + (1 | h)", {0: [[0, 0], [1, 0], [0, 1]]}, "(0 + x + z | g) + (1 | h)"),
        ("(x + z | g) + (1 | h)", {1: None}, "(x + z | g)"),
        ("(x || g) + (1 | h)", {0: None}, "(0 + x | g) + (1 | h)"),
        ("(x || g) + (1 | h)", {1: None}, "(1 | g) + (1 | h)"),
        ("(0 + f | g) + (x | h)", {0: [[1], [1], [1]]}, "(1 | g) + (x | h)"),
        ("(x | g) + (1 | h)", {0: [[-3], [1]]}, "(0 + I(x - 3) | g) + (1 | h)"),
    ],
)
def test_random_terms_reduced(rows, larger, maps, smaller, reml):
    fit = hd.lmm(f"y ~ x + {larger}", rows, weights="w")
    whole = {i: np.eye(term.k) for i, term in enumerate(fit.design.terms)}
    given = {i: None if M is None else np.array(M, dtype=float) for i, M in maps.items()}
    cross = with_terms(fit.estimate.cross, list((whole | given).values()))
    found = outcome(cross, fit.estimate, reml=reml)
    assert found.criterion == pytest.approx(criterion(f"y ~ x + {smaller}", rows, reml), abs=1e-6)


def test_reduced_cross_products_are_those_of_the_smaller_design(rows):
    # Same columns in the same order: the arrays agree, not only what is made of them.
    fit = hd.lmm("y ~ x + (x + z | g) + (1 | h)", rows, weights="w")
    cross = with_terms(fit.estimate.cross, [np.eye(3)[:, :2], np.eye(1)])
    again = crossprod.from_design(hd.lmm("y ~ x + (x | g) + (1 | h)", rows, weights="w").design)
    np.testing.assert_allclose(cross.zx, again.zx, atol=1e-9)
    for ours, theirs in zip(cross.zz, again.zz, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    np.testing.assert_allclose(cross.pairs[0].blocks, again.pairs[0].blocks, atol=1e-9)
    assert cross.entries.tolist() == again.entries.tolist()
    assert cross.q == again.q


def test_the_linear_model_is_least_squares(rows):
    fit = hd.lmm("y ~ x + f + (1 | g)", rows, weights="w")
    X, w = fit.design.X, rows["w"].to_numpy()
    ols = sm.WLS(fit.design.y, X, weights=w).fit()
    assert linear_criterion(fit.estimate.cross, reml=False) == pytest.approx(-2 * ols.llf)
    r2, nu = float(w @ ols.resid**2), ols.df_resid
    reml = nu * (1 + np.log(2 * np.pi * r2 / nu)) + np.linalg.slogdet(X.T * w @ X)[1] - np.log(w).sum()
    assert linear_criterion(fit.estimate.cross, reml=True) == pytest.approx(reml)
