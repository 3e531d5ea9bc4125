"""A second search where few rows leave room for two maxima."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson import estimate
from henderson.inference.many import found as many_found
from tests import oracle

FORMULAS = ["y ~ x + (1 | g) + (1 | h)", "y ~ x + (z | g)", "y ~ x * z + (z | g)", "y ~ x + (z || g)"]


def small_table(seed: int) -> tuple[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(14, 30))
    g, h = np.arange(n) % int(rng.integers(3, 7)), rng.integers(0, 4, n)
    data = pd.DataFrame({"g": g, "h": h, "x": rng.normal(size=n), "z": rng.normal(size=n)})
    data["y"] = 2 * rng.normal(size=8)[g] + 2 * rng.normal(size=4)[h] + rng.normal(size=n) + data.x
    return FORMULAS[seed % len(FORMULAS)], data


@cache
def both(seed: int, reml: bool) -> tuple[estimate.Estimate, estimate.Estimate]:
    """The fit with one search, and with the second."""
    formula, data = small_table(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate, "FEW_ROWS", 0)
        once = hd.lmm(formula, data, reml=reml).estimate
    return once, hd.lmm(formula, data, reml=reml).estimate


HIGHER = [(234, False, 9.0180), (930, False, 0.6705), (962, True, 1.0707)]
"""Tables (of 1,100) with a second, higher maximum, and how much lower the criterion is there."""


@pytest.mark.parametrize(("seed", "reml", "gain"), HIGHER)
def test_of_two_maxima_the_higher_is_found(seed: int, reml: bool, gain: float) -> None:
    once, twice = both(seed, reml)
    assert once.criterion - twice.criterion == pytest.approx(gain, abs=1e-3)
    assert twice.kkt.satisfied and twice.search.converged
    design = hd.lmm(*small_table(seed), reml=reml).design
    problem = oracle.problem(design, reml)
    assert oracle.criterion(problem, once.theta) == pytest.approx(once.criterion, abs=1e-7)
    assert oracle.criterion(problem, twice.theta) == pytest.approx(twice.criterion, abs=1e-7)


@pytest.mark.parametrize(("seed", "reml"), [(234, False), (962, True), (0, True), (1, True), (3, False)])
def test_the_record_tells_of_both_searches(seed: int, reml: bool) -> None:
    once, twice = both(seed, reml)
    steps = twice.search.steps
    second = [i for i, step in enumerate(steps) if step.stage == "second start"]
    assert len(second) == int(bool((np.abs(np.concatenate([L.diagonal() for L in once.lambdas])) == 0).any()))
    assert [s.value for s in steps[: len(once.search.steps)]] == [s.value for s in once.search.steps]
    assert min(s.value for s in steps if s.accepted) == pytest.approx(twice.criterion, abs=1e-6)
    assert f"in {len(steps)} evaluations" in twice.search.message
    if twice.criterion == once.criterion:
        assert not any(step.accepted for step in steps[len(once.search.steps) :])


def test_a_start_of_ones_own_and_many_rows_are_searched_from_once() -> None:
    formula, data = small_table(234)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimate, "FEW_ROWS", len(data) - 1)
        found = hd.lmm(formula, data, reml=False).estimate
    assert "second start" not in {step.stage for step in found.search.steps}
    own = hd.lmm(formula, data, reml=False, start=found.theta).estimate
    assert "second start" not in {step.stage for step in own.search.steps}


@pytest.mark.parametrize(("seed", "reml", "gain"), HIGHER)
def test_many_responses_take_the_higher_maximum_too(seed: int, reml: bool, gain: float) -> None:
    formula, data = small_table(seed)
    rng = np.random.default_rng(1)
    Y = np.column_stack([data.y, *rng.normal(size=(12, len(data)))])
    many = hd.lmm_many(formula, data.drop(columns="y"), responses=Y, reml=reml).record
    for place in range(13):
        alone = hd.lmm(formula, data.assign(y=Y[:, place]), reml=reml).estimate
        assert many.criterion[place] == pytest.approx(alone.criterion, abs=1e-7)
        assert many.evaluations[place] == len(alone.search.steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many_found, "FEW_ROWS", 0)
        once = hd.lmm_many(formula, data.drop(columns="y"), responses=Y, reml=reml).record
    assert once.criterion[0] - many.criterion[0] == pytest.approx(gain, abs=1e-3)
