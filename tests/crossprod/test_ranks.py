"""Ranks from roots of sums of products: what is dropped, and where rounding starts to decide."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.crossprod.basis import root
from henderson.crossprod.ranks import combinations, independent, least_left


def rooted(*columns):
    """Root of the sums of products of columns of length one."""
    X = np.column_stack(columns)
    X = X / np.linalg.norm(X, axis=0)
    return root(X.T @ X)


@pytest.fixture
def base():
    return np.linalg.qr(np.random.default_rng(1).normal(size=(200, 3)))[0].T


@pytest.mark.parametrize(
    ("size", "kept"), [(1e-4, [0, 1, 2]), (3e-6, [0, 1, 2]), (3e-7, [0, 2]), (0.0, [0, 2])]
)
def test_a_column_that_leaves_a_millionth_of_its_length_is_dropped(base, size, kept):
    a, b, c = base
    assert independent(rooted(a, a + size * b, c), least_left(np.ones(3), np.ones(3))) == kept


def test_a_column_that_hardly_varies_about_its_mean_is_dropped(base):
    a, b, c = base
    deviation = np.array([1.0, 0.9e-7, 1.1e-7])
    assert independent(rooted(a, b, c) * deviation, least_left(deviation, np.ones(3))) == [0, 2]


def test_a_column_without_variation_is_dropped():
    columns = np.array([[1.0, 0.0]])
    assert independent(columns, least_left(np.array([1.0, 0.0]), np.ones(2))) == [0]


def test_dropped_columns_are_those_combinations(base):
    a, b, _ = base
    columns = rooted(a, b, 3 * a + 4 * b)
    kept = independent(columns, least_left(np.ones(3), np.ones(3)))
    np.testing.assert_allclose(combinations(columns, kept)[:, 0], [0.6, 0.8])


@pytest.mark.parametrize("weights", [None, "w"])
def test_weights_do_not_decide_what_is_kept(weights):
    rng = np.random.default_rng(2)
    x = rng.normal(size=80)
    data = {
        "y": rng.normal(size=80),
        "x": x,
        "twice": 2 * x,
        "z": rng.normal(size=80),
        "w": rng.uniform(1, 9, 80),
    }
    data["g"] = np.arange(80) % 8
    design = hd.cross_products("y ~ x + twice + z + (1 | g)", data, weights=weights).design
    assert design.dropped == ("twice",)
    np.testing.assert_allclose(design.spec.aliases, [[0, 2, 0]], atol=1e-9)
