"""The deviance with one parameter held, against its definition and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.core import core
from henderson.inference.intervals.coordinates import Frames, pinned_triangle, uncentred
from henderson.inference.intervals.curve import along
from henderson.inference.intervals.deviance import unprofiled
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


def unprofiled_in_numpy(frame, theta: np.ndarray, tau: float) -> tuple[float, np.ndarray, np.ndarray]:
    """What the core computes, as formulas: value, gradient and curvature by (tau, theta)."""
    cross, entries = frame.cross, frame.chart.entries
    run, n, sigma2 = core().Workspace(frame.system), float(cross.n), np.exp(2 * tau)
    _, _, gradient, H, r2, logdet, _, _, M = run.evaluate(entries, theta, cross.zx, cross.xx, n, False, 2)
    ends = np.cumsum([0, *(levels * k for levels, k in zip(cross.levels, cross.columns, strict=True))])
    e = [run.e()[a:b].reshape(-1, k) for a, b, k in zip(ends[:-1], ends[1:], cross.columns, strict=True)]
    E = [rows.T @ rows for rows in e]
    lambdas = [np.zeros((k, k)) for k in cross.columns]
    for (f, row, column, _), value in zip(entries.tolist(), theta, strict=True):
        lambdas[f][row, column] = value
    EL = np.array([(E[f] @ lambdas[f])[row, column] for f, row, column, _ in entries.tolist()])
    gap = n / r2 - 1 / sigma2

    def pairs(blocks):
        out = np.zeros((len(theta), len(theta)))
        for i, (f, a, b, term) in enumerate(entries.tolist()):
            for j, (_, c, d, other) in enumerate(entries.tolist()):
                if (term, b) == (other, d):
                    out[i, j] = blocks[f][a, c] + blocks[f][c, a]
        return out

    inner = (H - pairs(M) + 4 * n / r2**2 * np.outer(EL, EL)) * r2 / n / sigma2
    curvature = np.block(
        [
            [np.array([[4 * r2 / sigma2]]), 4 / sigma2 * EL[None]],
            [
                4 / sigma2 * EL[:, None],
                inner + pairs([one + gap * square for one, square in zip(M, E, strict=True)]),
            ],
        ]
    )
    value = logdet + n * np.log(2 * np.pi) - cross.sum_log_weights + 2 * n * tau + r2 / sigma2
    return value, np.append(2 * n - 2 * r2 / sigma2, gradient + 2 * gap * EL), curvature


@pytest.mark.parametrize("name", NAMES)
def test_the_core_has_the_formulas_of_the_deviance_with_sigma_free(name):
    f = fit(name, False)
    frame = Frames(f.estimate).usual()
    theta, tau = frame.theta * 1.1 + 0.02, np.log(f.sigma) + 0.1
    found = unprofiled(frame)(theta, float(tau))
    value, slope, curvature = unprofiled_in_numpy(frame, theta, tau)
    assert found.value == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.curvature, curvature, rtol=1e-9, atol=1e-8)
