"""The athletes notebook, and the multilevel chapter: what their tables print, by pooling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd

# "Mean correctness by athlete and session", low and high volume.
MEANS = {
    "alex_02": [0.871861, 0.792055],
    "david_04": [0.825497, 0.758031],
    "maya_03": [0.823661, 0.747879],
    "susan_01": [0.862365, 0.794724],
}


def athletes() -> pd.DataFrame:
    """Draw the notebook's data: its seed, and the order in which it draws."""
    rng = np.random.default_rng(42)
    rows = []
    for name in ("susan_01", "alex_02", "maya_03", "david_04"):
        baseline = rng.normal(loc=0.85, scale=0.05)
        for high, repeats in ((0, 20), (1, 30)):
            for _ in range(repeats):
                score = float(np.clip(rng.normal(loc=baseline - 0.08 * high, scale=0.05), 0, 1))
                rows.append((name, high, score))
    return pd.DataFrame(rows, columns=["athlete_id", "session_high", "correctness"])


@pytest.fixture(scope="module")
def found():
    return hd.pooling("correctness ~ session_high + (1 | athlete_id)", athletes())


def test_the_means_of_athletes_and_sessions_are_no_pooling(found):
    none = found.record.method("none")
    got = {
        str(level): [round(a, 6), round(a + b, 6)]
        for level, (a, b) in zip(found.record.levels, none.coef, strict=True)
    }
    assert got == MEANS


def test_the_means_of_sessions_are_complete_pooling(found):
    low, change = found.record.method("complete").population
    assert [round(low, 6), round(low + change, 6)] == [0.845846, 0.773172]


def test_the_mixed_model_of_the_notebook(found):
    partial = found.record.method("partial")
    assert partial.population.round(3).tolist() == [0.846, -0.073]
    assert partial.population_error.round(3).tolist() == [0.013, 0.006]
    assert round(partial.sigma**2, 4) == 0.0019
    assert round(float(found.record.covariance[0, 0]), 3) == 0.001
    assert round(-found.fit.criterion / 2, 4) == 328.5277


def test_the_unconditional_model_of_the_multilevel_chapter():
    found = hd.pooling("Reaction ~ 1 + (1 | Subject)", hd.datasets.load("sleepstudy"))
    between, within = float(found.record.covariance[0, 0]), found.fit.sigma**2
    assert round(-found.fit.criterion / 2, 4) == -952.1633
    # The layout is balanced, so that REML has a closed form; the chapter's search stopped a little before it.
    y = found.record.y.reshape(18, 10)
    mean_square = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / 162
    assert within == pytest.approx(mean_square, rel=1e-9)
    assert between == pytest.approx(y.mean(axis=1).var(ddof=1) - mean_square / 10, rel=1e-6)
    assert [within, between] == pytest.approx([1958.867, 1278.324], rel=2e-5)
    assert round(between / (between + within), 4) == 0.3949
    assert round(found.record.method("partial").population[0], 3) == 298.508
    assert round(found.record.method("partial").population_error[0], 3) == 9.050
