"""The fit of a lazy frame is the fit in memory: estimates to 1e-8 relative, names and counts exactly."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from tests.lazy.engines import ALWAYS, FORMULAS, table

TOL = 1e-8


def assert_same(fit, reference):
    """Hold a fit of a lazy frame against one in memory."""
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=TOL, atol=1e-10)
    np.testing.assert_allclose(fit.estimate.beta, reference.estimate.beta, rtol=TOL, atol=1e-10)
    np.testing.assert_allclose(fit.vcov, reference.vcov, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose([fit.sigma, fit.loglik], [reference.sigma, reference.loglik], rtol=TOL)
    for ours, theirs in zip(fit.estimate.b, reference.estimate.b, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8)
    mine, other = fit.design, reference.design
    assert (mine.n, mine.n_input, mine.missing) == (other.n, other.n_input, other.missing)
    assert (mine.x_names, mine.dropped, mine.intercept) == (other.x_names, other.dropped, other.intercept)
    assert [(g.name, g.levels) for g in mine.groupings] == [(g.name, g.levels) for g in other.groupings]
    assert [(t.grouping, t.names) for t in mine.terms] == [(t.grouping, t.names) for t in other.terms]


@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_equals_the_fit_in_memory(formula, weighted, engine):
    data = table()
    options = {"weights": "w", "offset": "o"} if weighted and "offset" not in formula else {}
    assert_same(hd.lmm(formula, ALWAYS[engine](data), **options), hd.lmm(formula, data, **options))
