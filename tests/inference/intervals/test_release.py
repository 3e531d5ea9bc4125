"""Zero variances on a path: let go where the deviance falls with them, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.intervals.coordinates import Frames
from henderson.inference.intervals.deviance import Local
from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.release import released
from henderson.inference.intervals.targets import target_of
from tests.inference.cases import fit


def target(j: int):
    f = fit("slope", False)
    return target_of(parameters(f.design)[j], Frames(f.estimate))[0]


def local(theta: np.ndarray, M: np.ndarray) -> Local:
    return Local(0.0, np.zeros(4), np.eye(4), theta, 1.0, np.zeros(2), [M])


def roots(aim, theta: np.ndarray) -> np.ndarray:
    return aim.chart.blocks[0].unpack(theta)


def with_rank_one(aim) -> np.ndarray:
    theta = np.array([0.8, 0.4, 0.0])
    assert aim.chart.blocks[0].positions[1, 1] == 2
    return theta


@pytest.mark.parametrize("j", [0, 2, 3])  # both standard deviations, and sigma
def test_variance_is_added_along_the_direction_that_gains(j):
    aim = target(j)
    theta = with_rank_one(aim)
    root = roots(aim, theta)
    null = np.linalg.svd(root)[0][:, 1]
    falling = -np.outer(null, null)
    x = released(aim, local(theta, falling), 0.3)
    assert x is not None
    moved = theta.copy()
    moved[aim.free] = x[aim.before :]
    gain = roots(aim, moved) @ roots(aim, moved).T - root @ root.T
    assert np.linalg.eigvalsh(gain).min() > -1e-12
    assert np.trace(gain) == pytest.approx(0.09, rel=1e-9)
    if aim.term == 0:  # what is held stays where it is
        first = aim.chart.blocks[0].order[0]
        assert gain[first, first] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("j", [0, 2, 3])
def test_what_is_as_it_should_be_stays(j):
    aim = target(j)
    theta = with_rank_one(aim)
    assert released(aim, local(theta, np.eye(2)), 0.3) is None
    assert released(aim, local(np.array([0.8, 0.4, 0.5]), -np.eye(2)), 0.3) is None


def test_a_held_correlation_of_two_leaves_nothing_to_release():
    aim = target(1)
    assert released(aim, local(np.array([0.8, 0.4, 0.0]), -np.eye(2)), 0.3) is None
