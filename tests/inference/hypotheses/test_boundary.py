"""P-values at the boundary against closed forms and against simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import henderson as hd
from henderson import estimate as estimation
from henderson.inference.hypotheses.boundary import chi_square_p, mixture_p, plain_p, settled


@pytest.mark.parametrize("df", [1, 2, 5])
def test_the_mixture_is_half_of_each(df):
    t = 3.7
    lower = stats.chi2.sf(t, df - 1) if df > 1 else 0.0
    assert mixture_p(t, df, 1) == pytest.approx((lower + stats.chi2.sf(t, df)) / 2)


def test_nothing_is_certain_at_zero():
    assert mixture_p(0.0, 1, 1) == 1
    assert chi_square_p(0.0, 3) == 1


@pytest.mark.parametrize("zero", [0, 2, None])
def test_no_mixture_unless_one_variance_is_tested(zero):
    assert math.isnan(mixture_p(3.0, 2, zero))


def test_no_test_without_degrees_of_freedom():
    assert math.isnan(plain_p(1.0, 0))


def test_what_the_search_leaves_counts_as_zero():
    assert settled(-1e-9, 1700.0) == 0
    assert settled(-0.5, 1700.0) == -0.5


@pytest.mark.parametrize(
    ("smaller", "larger", "df"),
    [("(1 | g)", "(x | g)", 2), ("(1 | g)", "(x || g)", 1)],
)
def test_rejections_follow_the_mixture_when_the_smaller_model_is_true(smaller, larger, df):
    # 60 groups of 8: the plain chi-square rejects too seldom, the mixture about as often as it says.
    rng = np.random.default_rng(7)
    rows = {"g": np.repeat(np.arange(60), 8).astype(str), "x": np.tile(np.linspace(-1, 1, 8), 60)}
    rows["y"] = rng.normal(size=480) + np.repeat(rng.normal(size=60), 8)
    fit0, fit1 = hd.lmm(f"y ~ x + {smaller}", rows), hd.lmm(f"y ~ x + {larger}", rows)
    t = []
    for y in fit0.simulate(500, seed=3):
        a = estimation.refit(fit0.estimate, fit0.design, y)
        b = estimation.refit(fit1.estimate, fit1.design, y)
        t.append(max(a.criterion - b.criterion, 0.0))
    p = np.array([mixture_p(each, df, 1) for each in t])
    plain = np.array([plain_p(each, df) for each in t])
    for level in (0.05, 0.2):
        assert abs((p < level).mean() - level) < 3 * math.sqrt(level * (1 - level) / 500)
        assert (plain < level).mean() < (p < level).mean()
