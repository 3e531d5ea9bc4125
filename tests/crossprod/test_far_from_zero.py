"""Covariates whose mean dwarfs their spread, times factors: sums keep the digits that products would lose."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import henderson as hd
from henderson import crossprod
from henderson.design import build

from .by_rows import by_rows, far
from .chunked import parts


@pytest.mark.parametrize("mean", [1e3, 1e5])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x * f + (1 | g)",
        "y ~ x:f + (1 | g) + (1 | h)",
        "y ~ t:x + (1 | g) + (1 | h)",
        "y ~ 0 + f + x:f + (1 | g)",
        "y ~ 0 + t * x + (1 | g) + (1 | h)",
        "y ~ x * f + I(x - 3) + (1 | g)",
    ],
)
def test_the_criterion_is_that_of_the_rows(formula, mean):
    data = far(mean)
    for chunks in (parts(data, 3), parts(data.sort_values("x"), 4)):
        fit = hd.cross_products(formula, chunks).fit()
        assert fit.criterion == pytest.approx(by_rows(formula, data, fit), rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "near"),
    [
        ("y ~ x * f + (1 | g) + (1 | h)", "y ~ d * f + (1 | g) + (1 | h)"),
        ("y ~ f + x:f + (1 | g) + (1 | h)", "y ~ f + d:f + (1 | g) + (1 | h)"),
        ("y ~ 0 + f + x:f + (1 | g)", "y ~ 0 + f + d:f + (1 | g)"),
        ("y ~ t * x + (1 | g)", "y ~ t * d + (1 | g)"),
    ],
)
def test_the_fit_is_that_of_the_covariate_about_zero(formula, near):
    """The spans are the same; slopes too. REML differs by log|R_X|, which the shift leaves as it is."""
    data = far(2.0**17)
    fit, wanted = hd.cross_products(formula, parts(data.sort_values("x"), 3)).fit(), hd.lmm(near, data)
    np.testing.assert_allclose(fit.theta, wanted.theta, rtol=1e-8)
    np.testing.assert_allclose(fit.sigma, wanted.sigma, rtol=1e-9)
    np.testing.assert_allclose(fit.criterion, wanted.criterion, rtol=1e-10)
    slopes = [j for j, name in enumerate(fit.design.x_names) if "x" in name]
    np.testing.assert_allclose(fit.estimate.beta[slopes], wanted.estimate.beta[slopes], rtol=1e-7)
    cut = np.ix_(slopes, slopes)
    np.testing.assert_allclose(fit.estimate.vcov[cut], wanted.estimate.vcov[cut], rtol=1e-7)


@pytest.mark.parametrize("formula", ["y ~ 0 + f + x + I(x^2) + (1 | g)", "y ~ 0 + t + I(x^2) + x + (1 | g)"])
def test_without_an_intercept_the_same_columns_are_kept_as_with_rows(formula):
    """x^2 leaves less than 1e-6 of its length beside factor and x, but much of its spread."""
    data = far(1100.0)
    sums, rows = hd.cross_products(formula, parts(data, 3)), build(formula, data)
    assert (sums.design.x_names, sums.design.dropped) == (rows.x_names, rows.dropped) and not rows.dropped


def test_what_asks_for_columns_gets_them():
    """Profiles, tests of terms and a saved fit, where the columns entered by a basis."""
    data, formula = far(3000.0), "y ~ t * x + (1 | g)"
    fit, wanted = hd.cross_products(formula, parts(data, 3)).fit(), hd.lmm(formula, data)
    assert fit.estimate.cross.basis is not None
    found, other = (each.confint(method="profile") for each in (fit, wanted))
    for column in ("conf_low", "conf_high"):
        np.testing.assert_allclose(found[column], other[column], rtol=1e-5)
    np.testing.assert_allclose(fit.estimate.RX, wanted.estimate.RX, rtol=1e-5, atol=1e-8)
    again = type(fit).from_dict(json.loads(json.dumps(fit.to_dict())))
    np.testing.assert_array_equal(again.estimate.beta, fit.estimate.beta)
    np.testing.assert_array_equal(again.estimate.cross.basis, fit.estimate.cross.basis)
    np.testing.assert_allclose(again.estimate.vcov, fit.estimate.vcov, rtol=1e-10)


def test_no_basis_where_sums_do_not_hold_the_difference():
    """Of two almost equal columns a basis would keep as few digits as the columns; the warning says so."""
    data = far(0.0)
    data["same"] = data.d + 2e-5 * np.random.default_rng(3).normal(size=len(data))
    with pytest.warns(hd.errors.HendersonWarning, match="reliable digits"):
        fit = hd.cross_products("y ~ d + same + (1 | g)", parts(data, 3)).fit()
    assert fit.estimate.cross.basis is None


FAR_ROWS = "y ~ x * f + (1 | g) + (1 | h)"


@pytest.fixture(scope="module")
def far_and_near():
    """A fit in memory whose columns enter by a basis, and that of the covariate about zero."""
    data = far(2.0**11)
    fit, near = hd.lmm(FAR_ROWS, data), hd.lmm(FAR_ROWS.replace("x", "d"), data)
    assert fit.estimate.cross.basis is not None and near.estimate.cross.basis is None
    return fit, near


def test_rows_in_memory_enter_by_a_basis_as_sums_do(far_and_near):
    fit, near = far_and_near
    np.testing.assert_allclose(fit.theta, near.theta, rtol=1e-8)
    np.testing.assert_allclose([fit.sigma, fit.loglik], [near.sigma, near.loglik], rtol=1e-12)
    slopes = [j for j, name in enumerate(fit.design.x_names) if "x" in name]
    np.testing.assert_allclose(fit.beta[slopes], near.beta[slopes], rtol=1e-9)
    assert fit.criterion == pytest.approx(by_rows(FAR_ROWS, far(2.0**11), fit), rel=1e-10)


def test_a_new_response_enters_by_the_basis(far_and_near):
    design, y = far_and_near[0].design, np.random.default_rng(5).normal(size=240)
    once = crossprod.with_response(far_and_near[0].estimate.cross, design, y)
    again = crossprod.from_design(replace(design, y=y))
    np.testing.assert_allclose(once.xx, again.xx, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(once.zx, again.zx, rtol=1e-9, atol=1e-9)


def test_responses_and_groups_left_out_meet_the_same_columns(far_and_near):
    found, other = (each.bootstrap(20, seed=3).replicates for each in far_and_near)
    spreads = [name for name in found.columns if name.startswith(("sd_", "sigma"))]
    np.testing.assert_allclose(found[spreads], other[spreads], rtol=1e-5, atol=1e-6)
    for exact in (True, False):
        found, other = (each.influence("g", exact=exact).to_frame() for each in far_and_near)
        np.testing.assert_allclose(found["cooks_distance"], other["cooks_distance"], rtol=1e-5)
    rows = far(2.0**11)
    rows["y2"] = rows["y"].to_numpy()[::-1]
    found, other = (
        hd.lmm_many(formula, rows, responses=["y", "y2"]).to_frame()
        for formula in (FAR_ROWS, FAR_ROWS.replace("x", "d"))
    )
    at = found["term"].str.contains("x")
    np.testing.assert_allclose(found["estimate"][at], other["estimate"][at], rtol=1e-7)
    np.testing.assert_allclose(found["std_error"][at], other["std_error"][at], rtol=1e-7)
