"""What a solver was chosen for is said in numbers that people read."""

from __future__ import annotations

import re

import numpy as np
import pytest

import henderson as hd
from henderson.solve import choose, cost, lanczos
from henderson.solve.cost import time_in_words


@pytest.mark.parametrize("levels", [150, 700])
def test_the_reason_never_speaks_of_no_time(levels):
    draw = np.random.default_rng(2)
    a, b = draw.integers(levels, size=4_000), draw.integers(levels, size=4_000)
    fit = hd.lmm("y ~ 1 + (1 | a) + (1 | b)", {"y": draw.normal(size=4_000), "a": a, "b": b})
    words = " ".join(str(fit.solver).split())
    (found,) = re.findall(r"a factor takes .* and a fit (.*) of one thread", words)
    assert re.fullmatch(r"less than 1 ms|about [1-9][\d.]* (ms|s)", found), found


def test_times_are_said_with_two_digits():
    for seconds, words in ((0.9996e-3, "less than 1 ms"), (0.99949, "about 999 ms"), (59.99, "about 1 min")):
        assert time_in_words(seconds) == words


def test_auto_is_patient_where_the_iterative_solver_would_take_longer_still(monkeypatch):
    draw = np.random.default_rng(2)
    a, b = draw.integers(150, size=900), draw.integers(140, size=900)
    cross = hd.lmm("y ~ 1 + (1 | a) + (1 | b)", {"y": draw.normal(size=900), "a": a, "b": b}).estimate.cross
    monkeypatch.setattr(choose, "direct_cost", lambda structure: (1e6, 2 * choose.PATIENCE))
    assert choose.choose(cross, "auto").solver == "iterative"
    monkeypatch.setattr(cost, "OVERHEAD", 3 * choose.PATIENCE)
    assert choose.choose(cross, "auto").solver == "direct"


def test_a_log_determinant_cut_short_states_what_was_left(monkeypatch):
    """Of a diagonal matrix random signs have no Monte Carlo error: the steps left out are all there is."""
    monkeypatch.setattr(lanczos, "MOST", 6)
    values = np.geomspace(1e-4, 1.0, 400)
    found = lanczos.log_determinant(
        lambda B: values[:, None] * B, np.zeros((400, 0)), vectors=8, unit_diagonal=False
    )
    off = abs(found.value - np.log(values).sum())
    assert off > 1
    assert found.error > 0.3 * off
