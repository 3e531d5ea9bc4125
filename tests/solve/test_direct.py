"""The compiled equations against the same verbs in dense NumPy, on every structure of groupings."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from henderson import crossprod
from henderson.design.record import Design, Grouping, RandomTerm
from henderson.model import criterion
from henderson.solve import reference
from henderson.solve.direct import Factor, analyse


def make_design(
    groups: list[tuple[np.ndarray, list[int]]], n: int, *, p: int = 3, weighted: bool = False, seed: int = 0
) -> Design:
    """Random columns on given codes; every grouping lists the sizes of its terms."""
    rng = np.random.default_rng(seed)
    X = np.asfortranarray(np.column_stack([np.ones(n), rng.normal(size=(n, p - 1)) * 3 + 5]))
    groupings, terms = [], []
    for codes, sizes in groups:
        labels, dense = np.unique(codes, return_inverse=True)
        groupings.append(Grouping(f"g{len(groupings)}", dense.astype(np.int32), tuple(labels.tolist())))
        for k in sizes:
            columns = (X[:, 0], *(rng.normal(size=n) + 1 for _ in range(k - 1)))
            terms.append(RandomTerm(len(groupings) - 1, tuple(f"c{i}" for i in range(k)), columns))
    return Design(
        y=rng.normal(size=n) + 100,
        X=X,
        x_names=tuple(f"x{i}" for i in range(p)),
        intercept=0,
        dropped=(),
        all_x_names=tuple(f"x{i}" for i in range(p)),
        offset=None,
        weights=rng.uniform(0.5, 2, n) if weighted else None,
        groupings=tuple(groupings),
        terms=tuple(terms),
        response="y",
        kept_rows=None,
        n_input=n,
        spec=None,
    )


def structures() -> dict[str, list[tuple[np.ndarray, list[int]]]]:
    """One list of (codes, sizes of terms) per kind of design, n = 300."""
    rng = np.random.default_rng(7)
    draw = lambda levels: rng.integers(0, levels, 300)  # noqa: E731
    a, b, c = draw(60), draw(200), draw(150)
    return {
        "one intercept": [(draw(20), [1])],
        "one factor, three columns": [(draw(20), [3])],
        "two terms on a factor": [(draw(20), [2, 1])],
        "crossed, full": [(draw(60), [2]), (draw(20), [1])],
        "crossed, sparse": [(draw(100), [1]), (draw(80), [1])],
        "nested chain": [(a, [2]), (a // 5, [2]), (a // 20, [1])],
        "nested and crossed": [(a, [2]), (a // 5, [1, 1]), (draw(10), [1])],
        "nearly nested": [
            (c, [2]),
            ((c // 3 + rng.integers(0, 2, 300)) % 50, [2]),
            (c // 10, [3]),
            (draw(4), [1]),
        ],
        "chain of neighbours": [(b, [1]), (b + rng.integers(0, 2, 300), [1]), (b // 10, [1])],
        "interaction and margins": [(draw(10) * 20 + draw(12), [2]), (draw(10), [2]), (draw(12), [3])],
    }


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(structures()))
def test_criterion_gradient_and_curvature_equal_the_dense_ones(name: str, weighted: bool, reml: bool) -> None:
    cross = crossprod.from_design(make_design(structures()[name], 300, weighted=weighted))
    theta = np.random.default_rng(3).normal(size=cross.n_theta)
    ours, dense = criterion(cross, reml=reml)(theta, 2), reference.evaluate(cross, theta, reml=reml)
    assert ours is not None and ours.gradient is not None and ours.curvature is not None
    assert dense.gradient is not None and dense.curvature is not None
    assert ours.logdet_omega == pytest.approx(dense.logdet_omega, rel=1e-12)
    assert ours.logdet_rx == pytest.approx(dense.logdet_rx, rel=1e-12)
    assert ours.r2 == pytest.approx(dense.r2, rel=1e-11)
    np.testing.assert_allclose(ours.beta, dense.beta, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(ours.gradient, dense.gradient, atol=1e-10 * np.abs(dense.gradient).max())
    np.testing.assert_allclose(ours.curvature, dense.curvature, atol=1e-10 * np.abs(dense.curvature).max())
    for mine, theirs in zip(ours.variance_gradient, dense.variance_gradient, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("name", list(structures()))
def test_solves_and_selected_inverse_equal_the_dense_ones(name: str) -> None:
    cross = crossprod.from_design(make_design(structures()[name], 300))
    theta = np.random.default_rng(4).normal(size=cross.n_theta)
    Lambda, A = reference.relative_factor(cross, theta), reference.dense_zz(cross)
    inverse = np.linalg.inv(Lambda.T @ A @ Lambda + np.eye(cross.q))
    factor = Factor(cross, tuple(reference.relative_factors(cross, theta)))
    B = np.random.default_rng(5).normal(size=(cross.q, 4))
    np.testing.assert_allclose(factor.solve(B), inverse @ B, atol=1e-12 * np.abs(B).max() * cross.q)
    half = factor.half_solve(B)
    np.testing.assert_allclose(half.T @ half, B.T @ inverse @ B, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(factor.lambda_transposed(B), Lambda.T @ B, atol=1e-12)
    at = np.cumsum([0, *(l * k for l, k in zip(cross.levels, cross.columns, strict=True))])
    diagonal, pairs = factor.selected()
    for f, blocks in enumerate(diagonal):
        k = cross.columns[f]
        for g, block in enumerate(blocks):
            rows = slice(at[f] + g * k, at[f] + (g + 1) * k)
            np.testing.assert_allclose(block, inverse[rows, rows], atol=1e-12)
    for pair, blocks in zip(cross.pairs, pairs, strict=True):
        ka, kb = cross.columns[pair.first], cross.columns[pair.second]
        for g in range(cross.levels[pair.first]):
            for e in range(pair.start[g], pair.start[g + 1]):
                rows = slice(at[pair.first] + g * ka, at[pair.first] + (g + 1) * ka)
                columns = slice(
                    at[pair.second] + pair.partner[e] * kb, at[pair.second] + (pair.partner[e] + 1) * kb
                )
                np.testing.assert_allclose(blocks[e], inverse[rows, columns], atol=1e-12)


def test_gradient_is_the_slope_of_the_criterion() -> None:
    cross = crossprod.from_design(make_design(structures()["nested and crossed"], 300))
    evaluate = criterion(cross, reml=True)
    theta = np.random.default_rng(8).normal(size=cross.n_theta)
    gradient = evaluate(theta, 1).gradient  # type: ignore[union-attr]
    for j in range(cross.n_theta):
        step = np.zeros(cross.n_theta)
        step[j] = 1e-5
        slope = (evaluate(theta + step, 0).value - evaluate(theta - step, 0).value) / 2e-5  # type: ignore[union-attr]
        assert slope == pytest.approx(gradient[j], rel=1e-5, abs=1e-4)


def test_zero_diagonal_is_an_ordinary_point() -> None:
    cross = crossprod.from_design(make_design(structures()["one intercept"], 300))
    at_zero = criterion(cross, reml=False)(np.zeros(1), 2)
    nearby = criterion(cross, reml=False)(np.array([1e-4]), 2)
    assert at_zero is not None and nearby is not None
    assert at_zero.value == pytest.approx(cross.n * (1 + np.log(2 * np.pi * at_zero.r2 / cross.n)), rel=1e-12)
    slope = (nearby.value - at_zero.value) / 1e-8
    assert at_zero.variance_gradient[0][0, 0] == pytest.approx(slope, rel=1e-4)


def test_a_factor_survives_pickling() -> None:
    cross = crossprod.from_design(make_design(structures()["nested chain"], 300))
    factor = Factor(cross, tuple(reference.relative_factors(cross, np.full(cross.n_theta, 0.5))))
    B = np.ones((cross.q, 1))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(factor)).solve(B), factor.solve(B))


def test_structure_reports_head_and_tail() -> None:
    codes = np.divmod(np.arange(1200), 20)
    design = make_design([(codes[0], [2]), (codes[1], [1])], 1200)
    structure = analyse(crossprod.from_design(design)).structure()
    assert structure["head"] == 60 and structure["tail"] == 20 and structure["panel"]


def test_wrong_shapes_are_refused_before_any_arithmetic() -> None:
    cross = crossprod.from_design(make_design(structures()["one intercept"], 300))
    with pytest.raises(ValueError, match="theta has the wrong length"):
        criterion(cross, reml=True)(np.zeros(3), 0)
    with pytest.raises(ValueError, match="q rows"):
        Factor(cross, (np.ones((1, 1)),)).solve(np.ones((3, 1)))
