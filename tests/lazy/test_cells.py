"""Cells of tables numbered, summed and counted, against numpy's sort and a loop over rows."""

import numpy as np
import pytest

from henderson.data import Factor, Numbers
from henderson.lazy.assemble import sum_cells
from henderson.lazy.columns import cells_of, distinct
from henderson.lazy.plan import Key
from henderson.lazy.predictors import MOST_CELLS, counted_cells

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("size", [40, 10**9], ids=["lookup", "sort"])
def test_distinct_agrees_with_a_sort(size):
    values = RNG.integers(0, size, 300)
    found, which = distinct(values, size)
    expected, at = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(which, at)


def test_cells_name_the_first_of_every_combination():
    a, b = RNG.integers(-1, 4, 200), RNG.integers(0, 9, 200)
    columns = {Key("a"): Factor(a.astype(np.int32), tuple("uvwx")), Key("b"): Numbers(b * 0.5)}
    cells = cells_of(columns, tuple(columns), 200)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    assert cells.count == len(set(pairs))
    for i, which in enumerate(cells.which):
        assert pairs[cells.first[which]] == pairs[i]
        assert cells.first[which] == pairs.index(pairs[i])


def test_cells_without_keys_are_one_combination():
    cells = cells_of({}, (), 5)
    assert cells.count == 1
    assert cells.which.tolist() == [0] * 5
    assert cells.first.tolist() == [0]


@pytest.mark.parametrize("codes", [[2, 0, 1], [2, 0, 0]], ids=["rearranged", "added"])
def test_sums_of_as_many_cells_as_levels(codes):
    values = RNG.normal(size=(3, 2, 2))
    expected = np.zeros((3, 2, 2))
    np.add.at(expected, codes, values)
    np.testing.assert_allclose(sum_cells(np.array(codes), 3, values), expected, rtol=1e-15)


def test_rows_are_counted_by_labels_as_a_loop_would():
    codes, n, weights = RNG.integers(0, 3, 50).astype(np.int32), RNG.integers(1, 9, 50), RNG.random(50)
    columns = [Factor(codes, ("a", "b", "c")), Numbers((codes % 2).astype(float))]
    expected: dict[tuple[str, float], tuple[int, float]] = {}
    for code, rows, weight in zip(codes.tolist(), n.tolist(), weights.tolist(), strict=True):
        key = ("abc"[code], float(code % 2))
        before = expected.get(key, (0, 0.0))
        expected[key] = (before[0] + rows, before[1] + weight)
    assert counted_cells(columns, n.astype(float), weights) == expected
    many = [Numbers(np.arange(MOST_CELLS + 1.0))]
    assert counted_cells(many, np.ones(MOST_CELLS + 1), np.ones(MOST_CELLS + 1)) is None
