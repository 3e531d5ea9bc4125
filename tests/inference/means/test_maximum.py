"""The largest of correlated t statistics against exact values: problems of Dunnett, Tukey, and one sample."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import ndtr

from henderson.inference.means.maximum import largest, largest_quantiles
from henderson.inference.means.studentized_range import range_tail


def dunnett_tail(c, m, df):
    """Exact: given the control's mean (shared) and the scale, the comparisons are independent."""
    z, weight = np.polynomial.hermite_e.hermegauss(100)
    weight = weight / np.sqrt(2 * np.pi)
    root = np.sqrt(0.5)

    def inside(s):
        both = ndtr((c * s - root * z) / root) - ndtr((-c * s - root * z) / root)
        return float((weight * both**m).sum())

    scale = lambda s: stats.chi.pdf(s * np.sqrt(df), df) * np.sqrt(df)  # noqa: E731
    return 1 - quad(lambda s: scale(s) * inside(s), 0, 6, epsabs=1e-9)[0]


def root_of(m, rho=0.5):
    return np.linalg.cholesky(np.full((m, m), rho) + (1 - rho) * np.eye(m))


@pytest.mark.parametrize(
    ("m", "tolerance"), [(2, 1e-5), (3, 1e-5), (5, 5e-5), (10, 1e-4), (20, 2e-4), (60, 3e-4)]
)
def test_dunnett(m, tolerance):
    found = largest(root_of(m))
    for c, df in ((2.0, 10.0), (2.5, 20.0), (3.0, 30.0)):
        assert abs(found.tail(c, df) - dunnett_tail(c, m, df)) < tolerance


@pytest.mark.parametrize("k", [3, 5, 10])
def test_all_differences_have_a_singular_correlation(k):
    rows = [np.eye(k)[i] - np.eye(k)[j] for i in range(k) for j in range(i + 1, k)]
    found = largest(np.array(rows) / np.sqrt(2))
    assert found.rank == k - 1
    for c, df in ((2.4, 10.0), (3.0, 40.0), (2.0, np.inf)):
        exact = range_tail(np.array([c * np.sqrt(2)]), k, np.array([df]))[0]
        assert abs(found.tail(c, df) - exact) < 1e-4


def test_one_sided_against_scipy():
    shape = [[1.0, 0.5], [0.5, 1.0]]
    found = largest(np.linalg.cholesky(np.array(shape)), two_sided=False)
    for c in (-1.0, 0.5, 2.0):
        exact = 1 - stats.multivariate_t.cdf([c, c], shape=shape, df=8, maxpts=100_000, random_state=1)
        assert abs(found.tail(c, 8.0) - exact) < 2e-5


def test_one_statistic_is_a_t_test():
    found = largest(np.array([[1.0]]))
    assert abs(found.tail(2.1, 7.0) - 2 * stats.t.sf(2.1, 7)) < 1e-12


def test_quantiles_invert_tails_for_many_degrees_of_freedom():
    found, df = largest(root_of(4)), np.linspace(5, 300, 40)
    bounds = largest_quantiles(found, 0.05, df)
    np.testing.assert_allclose([found.tail(b, d) for b, d in zip(bounds, df, strict=True)], 0.05, rtol=2e-6)
    mixed = largest_quantiles(found, 0.05, np.array([10.0, np.inf]))
    np.testing.assert_allclose(found.tail(mixed[1], np.inf), 0.05, rtol=1e-5)


def test_answers_do_not_change_from_call_to_call():
    assert largest(root_of(5)).tail(2.2, 9.0) == largest(root_of(5) * 1.0).tail(2.2, 9.0)
