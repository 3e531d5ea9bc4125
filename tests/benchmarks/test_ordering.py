"""The table of elimination orders says what the analysis says."""

from __future__ import annotations

import numpy as np

from benchmarks import ordering


def test_rows_of_the_table():
    row = ordering.line("ratings", ordering.CROSSED, ordering.few_popular(), repeats=1).split()
    assert row[:3] == ["ratings", "minimum", "degree"]
    before, after = int(row[3]), int(row[4])
    assert after < 0.5 * before
    assert float(row[6]) > 10  # times fewer operations


def test_ratings_occur_once_and_degrees_are_uneven():
    frame = ordering.like_ml_1m(users=600, items=370, n=10_000)
    assert len(frame) == 10_000 == len(frame[["a", "b"]].drop_duplicates())
    degrees = np.bincount(frame["b"])
    assert degrees.min() >= 1
    assert np.quantile(degrees, 0.9) > 4 * np.quantile(degrees, 0.5)
