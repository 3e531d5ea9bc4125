"""Criterion, gradient, curvature and everything at the optimum, against the dense oracle, to 1e-8."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from henderson import crossprod
from henderson import estimate as stage
from henderson.inference import conditional
from henderson.model import LinearMixedModel, criterion
from tests import oracle
from tests.property import designs

ZEROS = st.sampled_from(["none", "none", "diagonal", "column", "all"])


def close(ours: object, theirs: object, scale: float | np.ndarray = 1.0, tolerance: float = 1e-8) -> None:
    """Assert that the difference is below `tolerance` in units of `scale`."""
    difference = np.abs((np.asarray(ours) - np.asarray(theirs)) / scale)
    assert difference.size == 0 or difference.max() <= tolerance, f"off by {difference.max():.2e}"


@designs.examples
@given(shape=designs.shapes(), zeros=ZEROS, reml=st.booleans(), seed=st.integers(0, 10**6))
def test_criterion_and_gradient_at_any_theta(shape, zeros, reml, seed):
    design = designs.make(shape)
    theta = designs.random_theta(design, seed, zeros)
    dense, model = oracle.problem(design, reml), LinearMixedModel(design, reml=reml)
    expected, slope = oracle.criterion(dense, theta), oracle.gradient(dense, theta)
    close(model.objective(theta), expected, max(1.0, abs(expected)))
    close(model.gradient(theta), slope, max(1.0, np.abs(slope).max()))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans(), seed=st.integers(0, 10**6))
def test_average_information_at_any_theta(shape, reml, seed):
    design = designs.make(shape)
    theta = designs.random_theta(design, seed, "none")
    cross = crossprod.from_design(design)
    # The curvature belongs to the centred and scaled columns, so the oracle gets those.
    ours = criterion(cross, reml=reml)(theta, 2).curvature
    expected = oracle.average_information(oracle.problem(designs.as_used(design, cross), reml), theta)
    # M = F / Lambda loses digits as a diagonal of Lambda gets small.
    smallest = np.abs(theta[designs.diagonal(design)]).min()
    close(ours, expected, np.abs(expected).max() * max(1.0, 0.1 / smallest))


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_what_follows_from_theta_at_the_optimum(shape, reml):
    design = designs.make(shape)
    found = stage.fit(design, reml=reml)
    expected = oracle.solution(oracle.problem(design, reml), found.theta)
    close(found.criterion, expected.criterion, max(1.0, abs(expected.criterion)))
    close(found.beta, expected.beta, np.maximum(np.abs(expected.beta), expected.se))
    close(found.vcov, expected.vcov, np.outer(expected.se, expected.se))
    close(found.sigma, expected.sigma, expected.sigma)
    spread = conditional.conditional_covariance(found)
    for f in range(len(design.groupings)):
        close(found.b[f], expected.b[f], max(expected.sigma, np.abs(expected.b[f]).max()))
        close(spread[f], expected.condvar[f], max(expected.sigma**2, np.abs(expected.condvar[f]).max()))
    close(conditional.hat_values(design, found), expected.hat)


@designs.examples
@given(shape=designs.shapes(), reml=st.booleans())
def test_the_optimum_is_one(shape, reml):
    """No descent is left from where the search stopped, nor from a nudge off the boundary."""
    design = designs.make(shape)
    found = stage.fit(design, reml=reml)
    dense = oracle.problem(design, reml)
    nudged = found.theta + np.where(designs.diagonal(design), 0.05, 0.02)
    _, lowest = oracle.minimum(dense, [nudged])
    assert found.criterion <= lowest + 1e-6
    assert found.kkt.satisfied
    assert (found.theta[designs.diagonal(design)] >= 0).all()
