"""The ratings tables have the degrees that they promise."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.ratings import ITEMS, item_degrees, ratings


def test_degrees_of_the_large_table_are_the_published_ones() -> None:
    degrees = item_degrees(ITEMS)
    found = [int((degrees >= least).sum()) for least in (2, 5, 10, 20, 50)]
    np.testing.assert_allclose(found, [65_825, 43_884, 31_961, 23_350, 16_034], atol=1)
    assert 2.8e7 < degrees.sum() < 3.4e7  # some are drawn twice and count once


@pytest.mark.parametrize("kind", ["plain", "clusters", "slopes", "third", "nested"])
def test_every_pair_occurs_once(kind: str) -> None:
    formula, frame, truth = ratings(kind, 0.004)
    assert not frame.duplicated(["user", "item"]).any()
    assert {name.split(".")[0] for name in truth} <= set(frame.columns)
    assert "(1 | item)" in formula
    if kind == "nested":
        assert (frame.groupby("item")["genre"].nunique() == 1).all()
