"""The deviance with one parameter held, against its definition and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.intervals.coordinates import Frames, pinned_triangle, uncentred
from henderson.inference.intervals.curve import along
from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.path import Point
from henderson.inference.intervals.targets import target_of, to_value
from henderson.model.criterion import criterion
from tests.inference.cases import NAMES, fit

from .dense_profile import Dense

CASES = [(name, j) for name in NAMES for j in range(len(parameters(fit(name, False).design)))]


def pieces(name: str, j: int):
    """Target, and a point near the estimate."""
    f = fit(name, False)
    parameter = parameters(f.design)[j]
    made = target_of(parameter, Frames(f.estimate))
    if made is None:
        pytest.skip("a correlation beside a standard deviation of zero")
    target, frame, column = made
    rng = np.random.default_rng(j)
    phi = target.phi + 0.1 * max(abs(target.phi), 0.1)
    x = target.x + 0.05 * rng.normal(size=len(target.x))
    return f, parameter, target, frame, column, phi, x


@pytest.mark.parametrize(("name", "j"), CASES)
def test_gradient_is_that_of_the_value(name, j):
    *_, target, _, _, phi, x = pieces(name, j)
    y, found = np.append(phi, x), target.held(phi, x).gradient
    step = 1e-5 * np.maximum(1.0, np.abs(y))
    for i in range(len(y)):
        ends = []
        for sign in (-2, -1, 1, 2):
            moved = y.copy()
            moved[i] += sign * step[i]
            ends.append(target.held(moved[0], moved[1:]).value)
        slope = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * step[i])
        assert found[i] == pytest.approx(slope, rel=1e-6, abs=2e-6)


@pytest.mark.parametrize(("name", "j"), CASES)
def test_value_is_the_deviance_of_its_parameters(name, j):
    f, parameter, target, frame, column, phi, x = pieces(name, j)
    local = target.held(phi, x)
    point = Point(phi, x, 0.0, 0.0, x, local)
    every = parameters(f.design)
    values = along(every, f.estimate, frame, column, np.array([phi]), [point])[0]
    assert values[j] == pytest.approx(float(to_value(parameter, np.array(phi))), rel=1e-12)
    assert Dense(f.design).deviance(values) == pytest.approx(local.value, rel=1e-11)


@pytest.mark.parametrize(("name", "j"), CASES)
def test_the_estimate_is_stationary_in_every_coordinate(name, j):
    f, _, target, *_ = pieces(name, j)
    local = target.held(target.phi, target.x)
    assert local.value == pytest.approx(f.criterion, abs=1e-8)
    assert np.abs(local.gradient).max() < 1e-4


def test_uncentred_statistics_have_the_same_criterion():
    f = fit("crossed", False)
    cross = f.estimate.cross
    plain = uncentred(cross)
    frame = Frames(f.estimate).pinning(parameters(f.design)[0])
    value = criterion(plain, reml=False)(frame.theta, 0, frame.chart.entries).value
    assert value == pytest.approx(f.criterion, abs=1e-9)
    assert all(np.count_nonzero(T - np.diag(T.diagonal())) == 0 for T in plain.z_transform)


def test_pinned_triangles_keep_the_product():
    root = np.random.default_rng(1).normal(size=(4, 4))
    for first in ((2,), (3, 1)):
        triangle, order = pinned_triangle(root, first)
        assert order[: len(first)] == first
        assert not np.triu(triangle, 1).any()
        np.testing.assert_allclose(triangle @ triangle.T, (root @ root.T)[np.ix_(order, order)], atol=1e-12)
