"""How many probes an iterative fit goes on with."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.model.sampled_search import FORMED, LANES, MOST_PROBES, SPARE, _next_count
from henderson.solve.probes import Probes


@pytest.mark.parametrize("share", [0.011, 0.02, 0.05, 0.4])
def test_the_error_falls_as_the_root_of_their_number(share):
    wanted, drawn = 0.01, 24
    count = _next_count(share, wanted, Probes(np.ones((FORMED + 1, drawn)), 0))
    reached = share * np.sqrt(drawn / count)
    assert count == MOST_PROBES or reached <= wanted / np.sqrt(SPARE) + 1e-12
    assert (count - drawn) % LANES == 0 or count == MOST_PROBES
    assert count - drawn <= LANES + drawn * ((share / wanted) ** 2 * SPARE - 1)


def test_probes_that_are_enough_or_exact_stay():
    assert _next_count(0.01, 0.01, Probes(np.ones((3, 24)), 0)) is None
    assert _next_count(0.5, 0.01, Probes(np.ones((3, 3)), 3)) is None
    assert _next_count(0.5, 0.01, Probes(np.ones((1, MOST_PROBES)), 0)) is None


def test_all_rows_are_taken_where_that_is_cheaper_than_many_probes():
    assert _next_count(0.05, 0.01, Probes(np.ones((2_000, 24)), 0)) == 2_000
    assert _next_count(0.02, 0.01, Probes(np.ones((2_000, 24)), 0)) == 24 + 13 * LANES
