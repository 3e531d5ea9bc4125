"""The compiled search for many responses against the search that every fit uses, step for step."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.estimate import DEFAULT_MAX_EVALUATIONS, DEFAULT_TOL
from henderson.inference.intervals.batch import CAREFUL, PLAIN, SNAPPED, compiled_block
from henderson.inference.intervals.coordinates import Frames
from henderson.inference.intervals.responses import Drawer, Streams, products
from henderson.inference.many.roots import roots_of
from henderson.model.criterion import criterion
from henderson.model.start import moment_start
from henderson.model.units import from_search
from henderson.optim.chart import chart_as_typed
from henderson.optim.search import search
from tests.inference.cases import NAMES, fit


def drawn(f, count: int, seed: int = 3):
    """Products of simulated responses, and the frame they belong to."""
    frame = Frames(f.estimate).usual()
    Y = Drawer(f.design, f.estimate, "parametric").draw(Streams(seed), range(count), count)
    return frame, products(f.design, frame.cross, Y)


def alone(f, frame, block, i, reml):
    """What `search` finds for one response, from the start by moments."""
    cross = block.of(i, frame.cross)
    chart, start = moment_start(cross)
    evaluate = criterion(cross, reml=reml, system=frame.system)
    return chart, start, search(evaluate, chart, start, tol=DEFAULT_TOL, most=DEFAULT_MAX_EVALUATIONS), cross


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_search_takes_the_same_steps(name, reml):
    f = fit(name, reml)
    frame, block = drawn(f, 16)
    run = compiled_block(frame.cross, frame.system, block, reml=reml)
    careful = 0
    for i in range(16):
        chart, start, found, cross = alone(f, frame, block, i, reml)
        charts, one = chart.entries[None], np.zeros(1, dtype=np.int32)
        theta, rows, value, r2, beta, outcome, spent = run.search(
            charts, one, np.array([i], dtype=np.int32), start[None], DEFAULT_TOL, DEFAULT_MAX_EVALUATIONS
        )
        if outcome[0] == CAREFUL:
            careful += 1
            continue
        assert abs(int(spent[0]) - len(found.record.steps)) <= (0 if outcome[0] == PLAIN else 3)
        np.testing.assert_allclose(value[0], found.point.at.value, rtol=1e-11, atol=1e-9)
        np.testing.assert_allclose(beta[0], found.point.at.beta, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(r2[0], found.point.at.r2, rtol=1e-8)
        typed = chart_as_typed(cross.entries)
        lam = from_search(cross, found.point.chart, found.point.theta)
        for term, here in zip(typed.blocks, chart.blocks, strict=True):
            root = roots_of(cross, here, theta, rows)[0]
            expected = term.unpack(lam)
            np.testing.assert_allclose(root @ root.T, expected @ expected.T, rtol=1e-6, atol=1e-7)
    assert careful <= 2


def search_from(name: str, theta: np.ndarray, y: np.ndarray, tol: float = DEFAULT_TOL):
    """The compiled search for one response from a given theta; with an infinite tolerance it stays there."""
    f = fit(name)
    frame = Frames(f.estimate).usual()
    block = products(f.design, frame.cross, y[None])
    run, one = compiled_block(frame.cross, frame.system, block, reml=True), np.zeros(1, dtype=np.int32)
    return run.search(frame.chart.entries[None], one, one, theta[None], tol, 50)


def test_zero_variances_that_would_rather_grow_are_left_to_the_careful_search():
    f = fit("slope")
    for zeros in ([0.0, 0.0, 0.0], [1.5, 0.3, 0.0]):  # zero is stationary, here it is no minimum
        assert search_from("slope", np.array(zeros), f.design.y, np.inf)[5][0] == CAREFUL
    assert search_from("slope", np.array([1.0, 0.0, 0.5]), f.design.y)[5][0] == PLAIN
    noise = np.random.default_rng(5).normal(size=(8, f.design.n))
    ended = {int(search_from("slope", np.zeros(3), y, np.inf)[5][0]) for y in noise}
    assert ended == {SNAPPED, CAREFUL}


@pytest.mark.parametrize("name", ["slope", "crossed", "nested"])
def test_variances_of_zero_are_found_and_said(name):
    f = fit(name)
    rng, ended = np.random.default_rng(5), set()
    for _ in range(12):
        y = rng.normal(size=f.design.n)
        frame = Frames(f.estimate).usual()
        theta, _, _, _, _, outcome, _ = search_from(name, np.full(len(frame.theta), 0.5), y)
        ended.add(int(outcome[0]))
        if outcome[0] == SNAPPED:
            assert (theta == 0).any()
    assert SNAPPED in ended


def test_eigenvalues_carry_the_search_through_a_valley_that_is_no_bowl():
    """From far outside, where the curvature has negative eigenvalues, both searches take the same way."""
    f = fit("crossed")
    frame, block = drawn(f, 8)
    run = compiled_block(frame.cross, frame.system, block, reml=True)
    start = np.array([30.0, 20.0, 0.01, 0.001])
    for i in range(8):
        cross = block.of(i, frame.cross)
        chart = chart_as_typed(cross.entries)
        evaluate = criterion(cross, reml=True, system=frame.system)
        found = search(evaluate, chart, start, tol=DEFAULT_TOL, most=DEFAULT_MAX_EVALUATIONS)
        numbers = np.array([i], dtype=np.int32)
        _, _, value, _, _, outcome, spent = run.search(
            chart.entries[None], np.zeros(1, dtype=np.int32), numbers, start[None], DEFAULT_TOL, 200
        )
        if outcome[0] != CAREFUL:
            assert abs(int(spent[0]) - len(found.record.steps)) <= 2
            np.testing.assert_allclose(value[0], found.point.at.value, rtol=1e-10)
