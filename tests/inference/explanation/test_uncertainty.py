"""Limits of standard deviations and correlations, against dense algebra and nlme."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.inference.explanation.uncertainty import term_limits

close = np.testing.assert_allclose


def dense_criterion(eta, X, Z, y, groups, reml):
    """-2 log-likelihood at (log sd, log sd, atanh r, log sigma), by the definition."""
    sd, r, sigma = np.exp(eta[:2]), np.tanh(eta[2]), np.exp(eta[3])
    G = np.outer(sd, sd) * np.array([[1, r], [r, 1]])
    same = groups[:, None] == groups[None, :]
    V = same * (Z @ G @ Z.T) + sigma**2 * np.eye(len(y))
    Vi = np.linalg.inv(V)
    info = X.T @ Vi @ X
    e = y - X @ np.linalg.solve(info, X.T @ Vi @ y)
    return np.linalg.slogdet(V)[1] + reml * np.linalg.slogdet(info)[1] + e @ Vi @ e


def numeric_hessian(f, at, h=2e-3):
    k = len(at)
    E = h * np.eye(k)
    H = np.empty((k, k))
    for i in range(k):
        for j in range(k):
            H[i, j] = sum(s * t * f(at + s * E[i] + t * E[j]) for s in (1, -1) for t in (1, -1)) / (4 * h * h)
    return H


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_limits_are_those_of_the_curvature_on_their_own_scales(reml, level):
    data = hd.datasets.load("sleepstudy")
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", data, reml=reml)
    (found,) = term_limits(fit.design, fit.estimate, level)
    sd, r = fit.varcorr["Subject"].sd, fit.varcorr["Subject"].corr[0, 1]
    eta = np.array([*np.log(sd), np.arctanh(r), np.log(fit.sigma)])
    X, groups = np.asarray(fit.design.X), fit.design.groupings[0].codes
    H = numeric_hessian(lambda at: dense_criterion(at, X, X, fit.design.y, groups, reml), eta)
    half = {0.95: 1.959963985, 0.8: 1.281551566}[level] * np.sqrt(np.diag(2 * np.linalg.inv(H)))
    close(found.sd_low, np.exp(eta[:2] - half[:2]), rtol=2e-4)
    close(found.sd_high, np.exp(eta[:2] + half[:2]), rtol=2e-4)
    close(found.corr_low[0, 1], np.tanh(eta[2] - half[2]), rtol=1e-3)
    close(found.corr_high[0, 1], np.tanh(eta[2] + half[2]), rtol=1e-3)
    assert found.corr_low[1, 0] == found.corr_low[0, 1]


def test_limits_are_near_those_of_nlme():
    """``intervals(lme(...))`` of nlme 3.1, whose derivatives are differences: the digits agree roughly."""
    teeth = hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))
    (found,) = term_limits(teeth.design, teeth.estimate, 0.95)
    close(found.sd_low, [1.00735890, 0.05853327], rtol=2e-3)
    close(found.sd_high, [5.74416410, 0.55565816], rtol=2e-3)
    close([found.corr_low[0, 1], found.corr_high[0, 1]], [-0.96052041, 0.32722733], rtol=6e-3)
    pastes = hd.lmm("strength ~ 1 + (1 | batch/cask)", hd.datasets.load("pastes"))
    limits = term_limits(pastes.design, pastes.estimate, 0.95)
    close([limits[0].sd_low[0], limits[0].sd_high[0]], [2.1037711, 4.0087856], rtol=2e-3)
    close([limits[1].sd_low[0], limits[1].sd_high[0]], [0.32181323, 5.1497649], rtol=4e-3)


def test_the_units_of_the_data_do_not_matter():
    data = hd.datasets.load("sleepstudy")
    first = hd.lmm("Reaction ~ Days + (Days | Subject)", data)
    data["Days"] *= 1000
    second = hd.lmm("Reaction ~ Days + (Days | Subject)", data)
    (a,), (b,) = (term_limits(fit.design, fit.estimate, 0.95) for fit in (first, second))
    close(a.sd_low / [1, 1000], b.sd_low, rtol=1e-4)
    close(a.corr_high, b.corr_high, rtol=1e-3, atol=1e-9)


def test_a_singular_fit_has_no_limits():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    (found,) = term_limits(fit.design, fit.estimate, 0.95)
    assert np.isnan([found.sd_low, found.sd_high]).all()


def test_limits_that_say_nothing_are_not_given():
    """A variance that the data hardly touch: its logarithm is not normal, whatever the curvature."""
    rng = np.random.default_rng(0)
    g = np.repeat(np.arange(40), 3)
    for seed in range(40):
        y = np.random.default_rng(seed).normal(size=120) + 0.05 * rng.normal(size=40)[g]
        fit = hd.lmm("y ~ 1 + (1 | g)", {"y": y, "g": g})
        (found,) = term_limits(fit.design, fit.estimate, 0.99)
        ratio = found.sd_high[0] / fit.varcorr["g"].sd[0]
        assert np.isnan(ratio) or ratio <= 100
