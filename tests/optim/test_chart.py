"""Coordinates of the search: every chart describes the same covariance matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from henderson import crossprod
from henderson.model import criterion
from henderson.model.units import from_search, gradient_as_typed, relative_factors, to_search
from henderson.optim.chart import chart_as_typed, pivot, pivoted_triangle, typed_triangle
from tests.solve.test_direct import make_design, structures


@given(seed=st.integers(0, 10**6), k=st.integers(1, 6), rank=st.integers(0, 6))
def test_a_pivoted_triangle_has_the_same_product_and_falling_pivots(seed: int, k: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(k, min(rank, k))) @ rng.normal(size=(min(rank, k), k))
    L, order = pivoted_triangle(root)
    np.testing.assert_allclose(
        L @ L.T, (root @ root.T)[np.ix_(order, order)], atol=1e-12 * max(1, np.abs(root).max() ** 2)
    )
    assert (np.triu(L, 1) == 0).all() and (L.diagonal() >= 0).all()
    assert (np.diff(L.diagonal()) <= 1e-12).all()


@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
def test_a_typed_triangle_has_the_same_product(seed: int, k: int) -> None:
    root = np.random.default_rng(seed).normal(size=(k, k))
    L = typed_triangle(root)
    np.testing.assert_allclose(L @ L.T, root @ root.T, atol=1e-12)
    assert (np.triu(L, 1) == 0).all() and (L.diagonal() >= 0).all()


@pytest.mark.parametrize(
    "name", ["one factor, three columns", "nested and crossed", "interaction and margins"]
)
def test_there_and_back_and_the_criterion_does_not_notice(name: str) -> None:
    cross = crossprod.from_design(make_design(structures()[name], 300))
    rng = np.random.default_rng(5)
    theta = rng.normal(size=cross.n_theta)
    chart, coordinates = to_search(cross, theta)
    back = from_search(cross, chart, coordinates)
    for mine, given_ in zip(relative_factors(cross, back), relative_factors(cross, theta), strict=True):
        np.testing.assert_allclose(mine @ mine.T, given_ @ given_.T, atol=1e-11)
    evaluate = criterion(cross, reml=True)
    again, other = to_search(cross, back)
    assert evaluate(coordinates, 0, chart.entries).value == pytest.approx(  # type: ignore[union-attr]
        evaluate(other, 0, again.entries).value,
        rel=1e-13,  # type: ignore[union-attr]
    )


def test_the_gradient_by_typed_theta_is_the_slope() -> None:
    cross = crossprod.from_design(make_design(structures()["nested and crossed"], 300))
    evaluate = criterion(cross, reml=True)

    def value(theta: np.ndarray) -> float:
        chart, coordinates = to_search(cross, theta)
        return evaluate(coordinates, 0, chart.entries).value  # type: ignore[union-attr]

    theta = np.random.default_rng(6).normal(size=cross.n_theta)
    chart, coordinates = to_search(cross, theta)
    gradient = gradient_as_typed(cross, theta, evaluate(coordinates, 2, chart.entries).variance_gradient)  # type: ignore[union-attr]
    for j in range(cross.n_theta):
        step = np.zeros(cross.n_theta)
        step[j] = 1e-5
        slope = (value(theta + step) - value(theta - step)) / 2e-5
        assert slope == pytest.approx(gradient[j], rel=1e-5, abs=1e-4)


def test_a_dominant_late_column_moves_to_the_front() -> None:
    cross = crossprod.from_design(make_design([(np.arange(300) % 20, [2])], 300))
    chart = chart_as_typed(cross.entries)
    moved, theta = pivot(chart, np.array([0.1, 2.0, 0.1]))
    assert moved.blocks[0].order.tolist() == [1, 0]
    same, _ = pivot(moved, theta)
    assert same is moved
    stays, _ = pivot(chart, np.array([2.0, 0.1, 0.1]))
    assert stays is chart
