"""Covariates whose mean dwarfs their spread, times factors: sums keep the digits that products would lose."""

from __future__ import annotations

import json

import numpy as np
import pytest

import henderson as hd
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
