"""Every number of a fit against formulas that form V, on designs of every structure."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.predict import predict, rows_of_fit
from henderson.inference.rows import prior_variance
from henderson.inference.variance import combination_variance, known_variance

from .cases import NAMES, dense, dense_z, fit, make, random_rows
from .dense import joint_error_covariance

close = np.testing.assert_allclose
every = pytest.mark.parametrize("name", NAMES)


def chosen_all(design):
    return tuple(range(len(design.groupings)))


@every
@pytest.mark.parametrize("reml", [True, False])
def test_parameters(name, reml):
    f, d = fit(name, reml), dense(name, reml)
    close(f.beta, d.beta, rtol=1e-9)
    close(f.sigma, d.sigma, rtol=1e-9)
    close(f.vcov, d.vcov, rtol=1e-8)
    close(f.se, np.sqrt(np.diag(d.vcov)), rtol=1e-8)
    close(f.criterion, d.criterion, rtol=1e-10)
    for effects, modes in zip(f.ranef.values(), d.b, strict=True):
        close(effects.values, modes, atol=1e-8)


@every
@pytest.mark.parametrize("reml", [True, False])
def test_deviance_is_minus_twice_the_ml_log_likelihood_at_theta(name, reml):
    f, d = fit(name, reml), dense(name, reml)
    y = f.design.y - (0 if f.design.offset is None else f.design.offset)
    V = d.V * d.pwrss / f.nobs
    r = y - f.design.X @ d.beta
    expected = f.nobs * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r)
    close(f.deviance, expected, rtol=1e-10)


@every
def test_conditional_covariance(name):
    f, d = fit(name), dense(name)
    C = d.sigma**2 * d.L @ np.linalg.inv(d.Omega) @ d.L.T
    at = 0
    for effects in f.ranef.values():
        levels, wide = effects.shape
        for g in range(levels):
            cut = slice(at + g * wide, at + (g + 1) * wide)
            close(effects.cov[g], C[cut, cut], atol=1e-9)
        close(effects.sd, np.sqrt(np.einsum("gjj->gj", effects.cov)))
        at += levels * wide


@every
def test_fitted_residuals_and_hat_values(name):
    f, d = fit(name), dense(name)
    offset = 0 if f.design.offset is None else f.design.offset
    w = np.ones(f.nobs) if f.design.weights is None else f.design.weights
    mean = f.design.X @ d.beta + d.Z @ np.concatenate([b.ravel() for b in d.b]) + offset
    close(f.fitted, mean, atol=1e-8)
    close(f.predict(), mean, atol=1e-8)
    close(f.residuals(), f.design.y - mean, atol=1e-8)
    close(f.residuals("pearson"), np.sqrt(w) * (f.design.y - mean), atol=1e-8)
    close(f.residuals("scaled"), np.sqrt(w) * (f.design.y - mean) / d.sigma, atol=1e-8)
    # the fitted values are linear in y: fitted = offset + H (y - offset)
    P = d.Vi - d.Vi @ f.design.X @ np.linalg.solve(f.design.X.T @ d.Vi @ f.design.X, f.design.X.T @ d.Vi)
    H = np.eye(f.nobs) - np.diag(1 / w) @ P
    close(f.hat_values(), np.diag(H), atol=1e-9)


@every
@pytest.mark.parametrize("count_chosen", [0, 1, 2])
def test_variance_of_predictions_over_known_levels(name, count_chosen):
    f, d = fit(name), dense(name)
    chosen = chosen_all(f.design)[:count_chosen]
    rows = random_rows(f.design, 9, seed=3, unseen=0.3)
    kept = random_rows(f.design, 9, seed=3, unseen=0.3)
    for g, codes in enumerate(kept.codes):
        if g not in chosen:
            codes[:] = -1
    A = np.hstack([rows.X, dense_z(f.design, kept)])
    expected = np.einsum("ij,jk,ik->i", A, joint_error_covariance(f.design, d), A)
    close(known_variance(f.design, f.estimate, rows, chosen), expected, rtol=1e-7)


@pytest.mark.parametrize("work", [None, 1])
def test_levels_that_never_met_in_the_data(work, monkeypatch):
    """Every combination of levels, in one block of solves and in many."""
    if work:
        monkeypatch.setattr("henderson.inference.variance.WORK", work)
    f, d = fit("two_terms"), dense("two_terms")
    g, h = (a.ravel().astype(np.int32) for a in np.meshgrid(np.arange(12), np.arange(7)))
    rows = random_rows(f.design, 84, seed=6)
    rows.codes[0][:], rows.codes[1][:] = g, h
    met = set(zip(f.design.groupings[0].codes.tolist(), f.design.groupings[1].codes.tolist(), strict=True))
    assert len(met) < 84
    A = np.hstack([rows.X, dense_z(f.design, rows)])
    expected = np.einsum("ij,jk,ik->i", A, joint_error_covariance(f.design, d), A)
    close(known_variance(f.design, f.estimate, rows, (0, 1)), expected, rtol=1e-7)


@every
def test_variance_of_any_combination(name):
    f, d = fit(name), dense(name)
    rng = np.random.default_rng(1)
    X, Z = rng.normal(size=(4, f.design.p)), rng.normal(size=(4, d.Z.shape[1]))
    A = np.hstack([X, Z])
    expected = np.einsum("ij,jk,ik->i", A, joint_error_covariance(f.design, d), A)
    close(combination_variance(f.design, f.estimate, X, Z), expected, rtol=1e-7)


@every
def test_standard_errors_and_intervals(name):
    f, d = fit(name), dense(name)
    design, est = f.design, f.estimate
    rows, chosen = random_rows(design, 12, seed=5, unseen=0.4), (0,)
    out = predict(design, est, rows, chosen, new_levels="population", interval="prediction", level=0.9)
    variance = known_variance(design, est, rows, chosen)
    new = np.where(rows.codes[0] < 0, prior_variance(design, est, rows, 0), 0)
    close(out.std_error, np.sqrt(variance + new))
    rest = sum((prior_variance(design, est, rows, g) for g in chosen_all(design)[1:]), np.zeros(12))
    total = variance + new + rest + d.sigma**2 / rows.weights
    close(out.high - out.low, 2 * 1.6448536269514722 * np.sqrt(total), rtol=1e-9)
    mean = predict(design, est, rows, chosen, new_levels="population", interval="confidence", level=0.9)
    close(mean.high - mean.low, 2 * 1.6448536269514722 * out.std_error, rtol=1e-9)
    close((mean.high + mean.low) / 2, mean.mean)


def test_prior_variance_is_z_sigma_z():
    f = fit("two_terms")
    rows = random_rows(f.design, 5, seed=1)
    one, two = f.varcorr[0].cov[0, 0], f.varcorr[1].cov[0, 0]
    x = rows.columns[1][0]
    close(prior_variance(f.design, f.estimate, rows, 0), one + two * x**2)


@every
def test_standard_errors_of_the_rows_of_the_fit_agree_with_those_rows_given_anew(name):
    f = fit(name)
    out = predict(f.design, f.estimate, rows_of_fit(f.design), chosen_all(f.design), se=True)
    close(out.mean, f.fitted)
    assert (out.std_error > 0).all()
    assert (out.std_error < f.sigma * 2).all()


@every
def test_coef_is_fixef_plus_ranef(name):
    f = fit(name)
    for group, effects in f.ranef.items():
        coef = f.coef[group]
        assert set(coef.names) == set(effects.names) | set(f.fixef.index)
        for j, column in enumerate(coef.names):
            fixed = f.fixef.get(column, 0.0)
            random = sum(effects.values[:, i] for i, n in enumerate(effects.names) if n == column)
            close(coef.values[:, j], fixed + random)


def test_random_columns_without_a_fixed_effect_come_first_in_coef():
    assert fit("no_fixed_intercept").coef["g"].names == ("(Intercept)", "x")


def test_the_designs_are_what_they_say():
    assert [len(make(name).groupings) for name in NAMES] == [1, 2, 2, 2, 2, 1]
