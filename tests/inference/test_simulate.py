"""Simulated responses have the moments of the model, and a seed repeats them."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError

from .cases import NAMES, dense, fit

close = np.testing.assert_allclose


@pytest.mark.parametrize("name", NAMES)
def test_moments(name):
    f, d = fit(name), dense(name)
    draws = f.simulate(4000, seed=1)
    offset = 0 if f.design.offset is None else f.design.offset
    V = d.sigma**2 * d.V
    sd = np.sqrt(np.diag(V))
    assert np.abs((draws.mean(axis=0) - f.design.X @ f.beta - offset) / sd).max() < 5 / np.sqrt(4000)
    error = (np.cov(draws.T) - V) / np.outer(sd, sd)
    assert np.abs(error).max() < 7 / np.sqrt(4000)


@pytest.mark.parametrize("name", ["crossed", "weights_offset"])
def test_moments_given_the_effects(name):
    f = fit(name)
    draws = f.simulate(3000, seed=2, groups="all")
    w = np.ones(f.nobs) if f.design.weights is None else f.design.weights
    z = (draws - f.fitted) / (f.sigma / np.sqrt(w))
    assert np.abs(z.mean(axis=0)).max() < 5 / np.sqrt(3000)
    close(z.std(axis=0), 1, atol=0.08)
    part = f.simulate(2000, seed=2, groups=["g"])
    kept = f.predict(groups=["g"])
    spread = np.sqrt(f.varcorr["h"].cov[0, 0] + f.sigma**2 / w)
    assert np.abs((part.mean(axis=0) - kept) / spread).max() < 5 / np.sqrt(2000)


def test_seeds():
    f = fit("slope")
    assert np.array_equal(f.simulate(2, seed=5), f.simulate(2, seed=5))
    assert not np.array_equal(f.simulate(1, seed=5), f.simulate(1, seed=6))
    assert np.array_equal(f.simulate(3, seed=5)[:2], f.simulate(2, seed=5))
    assert f.simulate(1, seed=np.random.default_rng(5)).shape == (1, f.nobs)


@pytest.mark.parametrize("count", [0, -1, 2.5, "3", True, None])
def test_counts_are_positive_integers(count):
    with pytest.raises(OptionError, match="positive integer"):
        fit("slope").simulate(count)


def test_refits_recover_the_parameters():
    f = fit("crossed")
    sigmas = np.array([f.refit(y).sigma for y in f.simulate(60, seed=3)])
    assert abs(sigmas.mean() - f.sigma) < 4 * sigmas.std() / np.sqrt(60) + 0.01


def test_data_made_with_the_same_seed_do_not_come_back_as_errors():
    rng = np.random.default_rng(7)
    y = rng.standard_normal(120)
    f = hd.lmm("y ~ 1 + (1 | g)", {"y": y, "g": np.arange(120) % 12})
    assert abs(np.corrcoef(f.simulate(1, seed=7)[0], y)[0, 1]) < 0.4
