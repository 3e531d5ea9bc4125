"""Conditional AIC: its degrees of freedom are the derivative of the fitted values by the response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

import henderson as hd
from henderson import estimate as estimation
from henderson.inference.fitted import fitted
from henderson.inference.quality.conditional_aic import conditional_aic

from ..cases import NAMES, make

load = hd.datasets.load


def trace_by_refitting(design, estimate, step):
    """Sum over the rows of d fitted_i / d y_i, by central differences of whole fits."""
    total = 0.0
    for i in range(design.n):
        ends = []
        for sign in (1, -1):
            y = design.y.copy()
            y[i] += sign * step
            ends.append(fitted(replace(design, y=y), estimation.refit(estimate, design, y))[i])
        total += (ends[0] - ends[1]) / (2 * step)
    return total


@pytest.mark.parametrize("reml", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_degrees_of_freedom_against_fits_of_perturbed_responses(name, reml):
    design = make(name)
    estimate = estimation.fit(design, reml=reml, tol=1e-13)
    exact = trace_by_refitting(design, estimate, 0.02 * estimate.sigma)
    assert conditional_aic(design, estimate).df - 1 == pytest.approx(exact, abs=2e-4)


def test_conditional_loglik():
    rows = load("sleepstudy")
    rows["w"] = np.tile([1.0, 2.0, 0.5, 1.5, 1.0], 36)
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", rows, weights="w")
    by_hand = norm.logpdf(rows["Reaction"], f.fitted, f.sigma / np.sqrt(rows["w"])).sum()
    assert f.caic().loglik == pytest.approx(by_hand, rel=1e-12)
    assert f.caic().caic == pytest.approx(-2 * by_hand + 2 * f.caic().df, rel=1e-12)


def test_a_singular_fit_counts_as_the_model_without_the_lost_directions():
    singular = hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff2"), reml=False)
    assert singular.caic().df == pytest.approx(2)  # the mean and sigma: ordinary regression
    assert singular.caic().record.boundary == 1
    assert "held at zero" in str(singular.caic())


def test_a_perfect_correlation_counts_as_the_model_with_one_direction():
    rng = np.random.default_rng(4)
    g, x = np.repeat(np.arange(15), 8), np.tile(np.linspace(-1, 1, 8), 15)
    b = rng.normal(size=15)
    rows = {"g": g.astype(str), "x": x, "y": 2 * b[g] * (1 + 0.5 * x) + rng.normal(size=120)}
    f = hd.lmm("y ~ x + (x | g)", rows, tol=1e-13)
    assert f.is_singular
    exact = trace_by_refitting(f.design, f.estimate, 0.02 * f.sigma)
    assert f.caic().df - 1 == pytest.approx(exact, abs=2e-4)
