"""The ratings tables have the degrees that they promise."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.ratings import CLUSTERS, INSIDE, ITEMS, item_degrees, ratings


def test_degrees_of_the_large_table_are_the_published_ones() -> None:
    degrees = item_degrees(ITEMS)
    found = [int((degrees >= least).sum()) for least in (2, 5, 10, 20, 50)]
    np.testing.assert_allclose(found, [65_825, 43_884, 31_961, 23_350, 16_034], atol=1)
    assert 2.8e7 < degrees.sum() < 3.4e7  # some are drawn twice and count once


@pytest.mark.parametrize("kind", ["plain", "clusters", "slopes", "third", "nested"])
def test_tables_are_what_they_are_called(kind: str) -> None:
    formula, frame, truth = ratings(kind, 0.004)
    if kind == "clusters":  # popular items have more ratings than a cluster has users
        apart = (frame["user"] - frame["item"]) % CLUSTERS
        assert np.isin(apart, [0, 1, CLUSTERS - 1]).all()
        assert (apart == 0).mean() == pytest.approx(INSIDE, abs=0.005)
    else:
        assert not frame.duplicated(["user", "item"]).any()
    assert {name.split(".")[0] for name in truth} <= set(frame.columns)
    assert "(1 | item)" in formula
    if kind == "nested":
        assert (frame.groupby("item")["genre"].nunique() == 1).all()
