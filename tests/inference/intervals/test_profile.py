"""Profile limits against closed forms and against the deviance by its definition."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize_scalar

import henderson as hd
from henderson.errors import OptionError
from henderson.estimate import fit_cross_products
from henderson.inference.intervals.curve import hermite
from henderson.inference.intervals.profile import maximum_likelihood, profile
from tests.inference.cases import NAMES, fit

from .dense_profile import Dense

Z = 1.959963984540054


def table(record) -> dict[str, tuple[float, float]]:
    return {
        term: (float(low), float(high))
        for term, low, high in zip(record.terms, record.conf_low, record.conf_high, strict=True)
    }


# -- one-way balanced layout: D(sigma^2, lambda = sigma^2 + n tau^2) in closed form --------------------------


@cache
def one_way():
    """Dyestuff: a batches of n; sums of squares between (total over a means) and within."""
    data = hd.datasets.load("dyestuff")
    y = data["Yield"].to_numpy(float).reshape(6, 5)
    means = y.mean(axis=1)
    return hd.lmm("Yield ~ 1 + (1 | Batch)", data), 6, 5, ((y - means[:, None]) ** 2).sum(), means


def one_way_deviance(s2: float, lam: float, mu: float) -> float:
    _, a, n, within, means = one_way()
    between = n * ((means - mu) ** 2).sum()
    return (
        a * (n - 1) * np.log(s2) + a * np.log(lam) + within / s2 + between / lam + a * n * np.log(2 * np.pi)
    )


def crossings(rise, estimate: float, low: float, high: float) -> tuple[float, float]:
    return tuple(brentq(lambda v: rise(v) - Z**2, estimate, end, xtol=1e-12) for end in (low, high))


def test_one_way_limits_of_the_mean():
    f, a, n, _, means = one_way()
    between = n * ((means - means.mean()) ** 2).sum()
    half = np.sqrt(between * np.expm1(Z**2 / a) / (a * n))  # lambda stays above sigma^2 here
    low, high = table(profile(f.design, f.estimate))["(Intercept)"]
    assert (low, high) == pytest.approx((means.mean() - half, means.mean() + half), rel=1e-9)


def test_one_way_limits_of_sigma():
    f, a, n, within, means = one_way()
    mu, between = means.mean(), n * ((means - means.mean()) ** 2).sum()
    best = one_way_deviance(within / (a * (n - 1)), between / a, mu)

    def rise(sigma):
        return one_way_deviance(sigma**2, max(between / a, sigma**2), mu) - best

    expected = crossings(rise, np.sqrt(within / (a * (n - 1))), 10.0, 200.0)
    assert table(profile(f.design, f.estimate))["sigma"] == pytest.approx(expected, rel=1e-8)


def test_one_way_limits_of_the_standard_deviation():
    f, a, n, within, means = one_way()
    mu, between = means.mean(), n * ((means - means.mean()) ** 2).sum()
    s2 = within / (a * (n - 1))
    best = one_way_deviance(s2, between / a, mu)

    def rise(tau):
        found = minimize_scalar(
            lambda t: one_way_deviance(np.exp(t), np.exp(t) + n * tau**2, mu),
            bounds=(np.log(s2) - 3, np.log(s2) + 3),
            method="bounded",
            options={"xatol": 1e-12},
        )
        return found.fun - best

    expected = crossings(rise, np.sqrt((between / a - s2) / n), 1.0, 400.0)
    assert table(profile(f.design, f.estimate))["sd_(Intercept)|Batch"] == pytest.approx(expected, rel=1e-7)


def test_a_zero_variance_grows_again_along_a_profile():
    """Dyestuff2 has no variance between batches at the estimate, but where the mean is held far from it."""
    data, level, z = hd.datasets.load("dyestuff2"), 0.999999, 4.891638475698997
    y, a, n = data["Yield"].to_numpy(float).reshape(6, 5), 6, 5
    means = y.mean(axis=1)
    within = ((y - means[:, None]) ** 2).sum()

    def deviance(mu):
        between = n * ((means - mu) ** 2).sum()
        if between / a > within / (a * (n - 1)):
            return a * (n - 1) * np.log(within / (a * (n - 1))) + a * np.log(between / a)
        return a * n * np.log((within + between) / (a * n))

    centre = means.mean()
    spread = brentq(lambda d: deviance(centre + d) - deviance(centre) - z**2, 0.1, 100.0)
    f = hd.lmm("Yield ~ 1 + (1 | Batch)", data)
    record = profile(f.design, f.estimate, "(Intercept)", level)
    assert record.curves[0].others[0, 0] > 1.0  # the standard deviation between batches at the end
    assert record.conf_high[0] == pytest.approx(centre + spread, rel=1e-8)


# -- every structure, against the definition -----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_deviance_at_a_limit_has_risen_by_the_chi_square_quantile(name):
    f = fit(name, False)
    record, dense = profile(f.design, f.estimate), Dense(f.design)
    for j, (term, curve) in enumerate(zip(record.terms, record.curves, strict=True)):
        if curve is None:  # a correlation beside a standard deviation of zero
            continue
        for limit in (record.conf_low[j], record.conf_high[j]):
            place = int(np.argmin(np.abs(curve.value - limit)))
            assert curve.value[place] == limit
            if abs(curve.zeta[place]) < Z - 1e-6:  # the end of what the parameter can be
                assert limit in (-1.0, 0.0, 1.0)
                continue
            start = curve.others[place]
            assert dense.deviance(start) - record.deviance == pytest.approx(Z**2, abs=2e-7)
            if j % 3 == 0:  # the optimum is one: a general optimiser finds nothing below
                assert dense.held(term, limit, start) - record.deviance == pytest.approx(Z**2, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_slopes_along_a_curve_are_those_of_zeta(name):
    f = fit(name, False)
    for curve in filter(None, profile(f.design, f.estimate).curves):
        inner = slice(1, -1)
        h = 1e-3 * np.diff(curve.phi).min()
        up = hermite(curve.phi, curve.zeta, curve.slope, curve.phi[inner] + h)[0]
        assert (up - curve.zeta[inner]) / h == pytest.approx(curve.slope[inner], rel=2e-2, abs=1e-3)
        # a curve through every other point meets those left out
        skip = hermite(curve.phi[::2], curve.zeta[::2], curve.slope[::2], curve.phi[1:-1:2])[0]
        if curve.parameter.kind != "cor":
            assert skip == pytest.approx(curve.zeta[1:-1:2], abs=0.05)


# -- properties ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


def test_a_reml_fit_has_the_profile_of_its_ml_refit(sleep):
    ml = sleep.with_ml()
    reml, own = profile(sleep.design, sleep.estimate), profile(ml.design, ml.estimate)
    assert (reml.refitted, own.refitted) == (True, False)
    np.testing.assert_allclose(reml.conf_low, own.conf_low, rtol=1e-8)
    np.testing.assert_allclose(reml.estimate, own.estimate, rtol=1e-6)


@pytest.mark.parametrize("jobs", [2, 3, -1])
def test_threads_change_nothing(sleep, jobs):
    one, many = profile(sleep.design, sleep.estimate), profile(sleep.design, sleep.estimate, n_jobs=jobs)
    assert (one.conf_low == many.conf_low).all()
    assert all((a.zeta == b.zeta).all() for a, b in zip(one.curves, many.curves, strict=True))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_limits_without_curves_are_the_same(sleep, level):
    curves = profile(sleep.design, sleep.estimate, level=level)
    limits = profile(sleep.design, sleep.estimate, level=level, curves=False)
    np.testing.assert_allclose(limits.conf_low, curves.conf_low, rtol=1e-7)
    np.testing.assert_allclose(limits.conf_high, curves.conf_high, rtol=1e-7)
    assert limits.evaluations < curves.evaluations
    assert limits.curves == (None,) * 6


def test_a_shift_and_a_scale_of_the_covariate_move_the_limits_as_they_should(sleep):
    data = hd.datasets.load("sleepstudy")
    moved = pd.DataFrame(data).assign(Days=1000 + 24 * data["Days"])
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", moved)
    here, there = profile(sleep.design, sleep.estimate), profile(f.design, f.estimate)
    for term, factor in (("sd_Days|Subject", 24), ("Days", 24), ("sigma", 1)):
        j = here.terms.index(term)
        assert there.conf_low[j] * factor == pytest.approx(here.conf_low[j], rel=1e-6)
        assert there.conf_high[j] * factor == pytest.approx(here.conf_high[j], rel=1e-6)


def test_a_deviation_that_may_be_zero_has_the_limit_zero():
    f = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    record = profile(f.design, f.estimate)
    assert record.estimate[0] == record.conf_low[0] == 0.0
    curve = record.curves[0]
    assert curve.value[0] == 0.0
    assert curve.zeta[0] == 0.0
    assert (np.diff(curve.zeta) > 0).all()


def test_a_correlation_beside_a_zero_deviation_is_said_not_to_exist():
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(10), 8)
    x = np.tile(np.arange(8.0), 10)
    noise = rng.normal(size=80)
    for j in range(10):  # the same line in every group: no group differs from another
        mine = np.column_stack([np.ones(8), x[:8]])
        noise[8 * j : 8 * j + 8] -= mine @ np.linalg.lstsq(mine, noise[8 * j : 8 * j + 8], rcond=None)[0]
    f = hd.lmm("y ~ x + (x | g)", pd.DataFrame({"y": 1 + x + noise, "x": x, "g": g.astype(str)}))
    record = profile(f.design, f.estimate)
    limits = table(record)
    assert limits["cor_x.(Intercept)|g"] == (-1.0, 1.0)
    assert limits["sd_(Intercept)|g"][0] == 0.0
    assert any("does not exist" in note for note in record.notes)


def test_a_correlation_does_not_slip_to_its_opposite():
    """Held at rho with a length below zero, the effects would have the correlation -rho."""
    f = fit("slope", False)
    record = profile(f.design, f.estimate)
    curve = record.curves[1]
    np.testing.assert_allclose(curve.others[:, 1], curve.value, atol=1e-9)


def test_a_profile_that_meets_a_better_optimum_starts_again(sleep):
    ml = sleep.with_ml().estimate
    poor = replace(ml, theta=ml.theta * 1.3, criterion=ml.criterion + 2.0)
    record = profile(sleep.design, poor)
    assert any("below that of the fit" in note for note in record.notes)
    assert record.deviance == pytest.approx(ml.criterion, abs=1e-8)
    np.testing.assert_allclose(record.conf_high, profile(sleep.design, ml).conf_high, rtol=1e-6)


def test_the_ml_refit_is_the_ml_fit(sleep):
    again = maximum_likelihood(sleep.estimate)
    direct = fit_cross_products(sleep.estimate.cross, sleep.estimate.theta_names, reml=False)
    assert again.criterion == pytest.approx(direct.criterion, abs=1e-9)


@pytest.mark.parametrize(
    ("which", "terms"),
    [
        (".sig02", ("cor_Days.(Intercept)|Subject",)),
        (["Days", ".sigma"], ("sigma", "Days")),
        ("beta_", ("(Intercept)", "Days")),
        (-1, ("Days",)),
        ("ran_pars", ("sd_(Intercept)|Subject", "cor_Days.(Intercept)|Subject", "sd_Days|Subject", "sigma")),
    ],
)
def test_parameters_by_their_names(sleep, which, terms):
    assert profile(sleep.design, sleep.estimate, which).terms == terms


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parm": "Dys"}, r"parm='Dys' is no parameter of the model\. Did you mean Days\?"),
        ({"parm": 9}, "6 parameters, 0 to 5"),
        ({"parm": []}, "names no parameter"),
        ({"level": 95}, r"Type 0\.95"),
        ({"n_jobs": 0}, "n_jobs=0 must be"),
        ({"n_jobs": 1.5}, r"n_jobs=1\.5 must be"),
    ],
)
def test_bad_input_is_answered(sleep, options, message):
    with pytest.raises(OptionError, match=message):
        profile(sleep.design, sleep.estimate, **options)


def test_a_correlation_never_rises_above_the_fit_without_one_deviation():
    """Where a standard deviation is zero its correlation is moot, so that the profile ends in a plateau.

    Root of the rise of lme4's deviance function, minimised over both standard deviations from 25 starts.
    """
    fit = hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))
    found = fit.profile("cor_age.(Intercept)|Subject")
    (curve,) = found.record.curves
    value, zeta, _ = curve.dense(2001)
    by_lme4 = {-0.99: -0.912729, -0.95: -0.912728, -0.9: -0.912729, 0.5: 0.661439, 0.9: 0.698711}
    for at, expected in by_lme4.items():
        assert np.interp(at, value, zeta) == pytest.approx(expected, abs=5e-3)
    assert (np.diff(zeta) > -1e-6).all()
    assert found.to_frame()["conf_low"][0] == -1.0
