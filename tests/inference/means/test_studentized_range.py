"""The studentized range against scipy's, against t for two means, and against an iterated integral."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import ndtr

from henderson.inference.means.studentized_range import range_quantile, range_tail

Q = np.array([0.3, 1.0, 2.0, 3.5, 5.0, 8.0, 14.0])


@pytest.mark.parametrize("df", [1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 17.3, 45.0, 200.0, 5000.0, np.inf])
def test_two_means_are_a_t_test(df):
    np.testing.assert_allclose(
        range_tail(Q, 2, np.full(7, df)), 2 * stats.t.sf(Q / np.sqrt(2), df), rtol=1e-8
    )


@pytest.mark.parametrize("df", [2.0, 4.0, 17.3, 200.0, np.inf])
@pytest.mark.parametrize("k", [3, 5, 10])
def test_several_means_as_scipy(k, df):
    np.testing.assert_allclose(
        range_tail(Q, k, np.full(7, df)), stats.studentized_range.sf(Q, k, df), atol=1e-8
    )


@pytest.mark.parametrize(("q", "df"), [(5.0, 4.0), (6.0, 17.3)])
def test_a_hundred_means_against_an_iterated_integral(q, df):
    # scipy is good to 1e-6 only here
    def inside(w):
        density = lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * (ndtr(z) - ndtr(z - w)) ** 99  # noqa: E731
        return 100 * quad(density, -8, 8 + w, epsabs=1e-13, epsrel=1e-11, limit=400)[0]

    scale = lambda s: stats.chi.pdf(s * np.sqrt(df), df) * np.sqrt(df)  # noqa: E731
    exact = 1 - quad(lambda s: scale(s) * inside(q * s), 0, 6, epsabs=1e-10, epsrel=1e-10, limit=200)[0]
    assert abs(range_tail(np.array([q]), 100, np.array([df]))[0] - exact) < 1e-9


def test_quantiles_invert_tails():
    df = np.array([1.0, 2.5, 6.0, 30.0, 1e4, np.inf])
    for k in (2, 3, 12, 100):
        for p in (0.3, 0.05, 0.001):
            np.testing.assert_allclose(range_tail(range_quantile(p, k, df), k, df), p, rtol=1e-7)


def test_tabled_quantiles():
    # Tukey's table, upper 5 % points
    found = [
        range_quantile(0.05, k, np.array([df]))[0] for k, df in ((3, 10.0), (4, 20.0), (10, 60.0), (5, 5.0))
    ]
    np.testing.assert_allclose(found, [3.88, 3.96, 4.65, 5.67], atol=0.006)


def test_missing_stays_missing():
    out = range_tail(np.array([np.nan, 3.0, np.inf]), 3, np.array([5.0, np.nan, 5.0]))
    assert np.isnan(out[:2]).all()
    assert out[2] == 0
    assert np.isnan(range_quantile(0.05, 3, np.array([np.nan]))).all()
