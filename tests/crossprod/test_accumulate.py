"""Sufficient statistics against plain matrix products, and a new response against a new pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from henderson import crossprod
from henderson.core import core
from henderson.crossprod import from_design
from henderson.solve import reference
from henderson.threads import set_threads
from tests.solve.test_direct import make_design, structures


def dense_z(design, cross):
    Z = np.zeros((design.n, cross.q))
    at = 0
    for f, grouping in enumerate(design.groupings):
        columns = [c for t in design.terms if t.grouping == f for c in t.columns]
        used = np.column_stack(columns) @ cross.z_transform[f]
        for j in range(len(columns)):
            Z[np.arange(design.n), at + grouping.codes * len(columns) + j] = used[:, j]
        at += cross.levels[f] * len(columns)
    return Z


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(structures()))
def test_blocks_are_the_products(name, weighted):
    design = make_design(structures()[name], 300, weighted=weighted)
    cross = crossprod.from_design(design)
    Z = dense_z(design, cross)
    XY = np.column_stack([(design.X - cross.x_centre) * cross.x_scale, design.y - cross.y_centre])
    W = np.ones(design.n) if design.weights is None else design.weights
    np.testing.assert_allclose(reference.dense_zz(cross), (Z.T * W) @ Z, atol=1e-10)
    np.testing.assert_allclose(cross.zx, (Z.T * W) @ XY, atol=1e-9)
    np.testing.assert_allclose(cross.xx, (XY.T * W) @ XY, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_new_response_is_a_new_pass(weighted):
    design = make_design(structures()["nested and crossed"], 300, weighted=weighted)
    y = np.random.default_rng(1).normal(size=300) * 7 - 50
    once = crossprod.with_response(crossprod.from_design(design), design, y)
    again = crossprod.from_design(replace(design, y=y))
    np.testing.assert_allclose(once.zx, again.zx, atol=1e-9)
    np.testing.assert_allclose(once.xx, again.xx, atol=1e-8)
    assert once.y_centre == again.y_centre


def test_offset_is_taken_off_the_response():
    design = make_design(structures()["one intercept"], 300)
    offset = np.random.default_rng(2).normal(size=300)
    with_offset = crossprod.from_design(replace(design, offset=offset))
    without = crossprod.from_design(replace(design, y=design.y - offset))
    np.testing.assert_allclose(with_offset.xx, without.xx)


def test_without_an_intercept_the_response_is_centred_when_the_constant_is_in_the_span():
    design = make_design(structures()["one intercept"], 300)
    halves = np.asfortranarray(
        np.column_stack([np.arange(300) % 2 == 0, np.arange(300) % 2 == 1]).astype(float)
    )
    spanned = crossprod.from_design(replace(design, X=halves, x_names=("a", "b"), intercept=None))
    np.testing.assert_allclose(spanned.constant, [1, 1])
    assert spanned.y_centre == pytest.approx(design.y.mean())
    apart = crossprod.from_design(replace(design, X=halves[:, :1], x_names=("a",), intercept=None))
    assert apart.constant is None and apart.y_centre == 0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows", [7, 400])
def test_pairs_of_levels_are_sorted_and_summed(rows: int, weighted: bool) -> None:
    rng = np.random.default_rng(rows)
    first, second = (rng.integers(0, levels, rows).astype(np.int32) for levels in (40, 30))
    x, w = rng.normal(size=rows), rng.uniform(1, 2, rows) if weighted else None
    one, two = ([None], np.zeros(1), np.ones(1)), ([np.ones(rows), x], np.zeros(2), np.ones(2))
    for z, columns in ((one, np.ones((rows, 1))), (two, np.column_stack([np.ones(rows), x]))):
        start, partner, blocks = core().pair_products(first, 40, *z, second, 30, *one, w)
        found, exact = np.zeros((40, 30, columns.shape[1])), np.zeros((40, 30, columns.shape[1]))
        np.add.at(exact, (first, second), columns if w is None else columns * w[:, None])
        for g in range(40):
            assert np.all(np.diff(partner[start[g] : start[g + 1]]) > 0)
            found[g, partner[start[g] : start[g + 1]]] = blocks[start[g] : start[g + 1], :, 0]
        np.testing.assert_allclose(found, exact, atol=1e-13)
        assert start[-1] == len(set(zip(first.tolist(), second.tolist(), strict=True)))


def test_pairs_that_occur_once_share_one_number() -> None:
    first, second = (each.ravel().astype(np.int32) for each in np.indices((30, 20)))
    one = ([None], np.zeros(1), np.ones(1))
    blocks = core().pair_products(first, 30, *one, second, 20, *one, None)[2]
    assert blocks.shape == (600, 1, 1) and blocks.strides == (0, 0, 0) and blocks[599, 0, 0] == 1.0
    assert not blocks.flags.writeable


def test_the_same_sums_for_any_number_of_threads():
    rng = np.random.default_rng(11)
    n = 210_000  # enough for threads
    codes = [(rng.integers(0, 3000, n), [2]), (rng.integers(0, 50, n), [1]), (rng.integers(0, 9, n), [1, 1])]
    design = make_design(codes, n)

    def bits() -> list[bytes]:
        cross = from_design(design)
        blocks = [array for pair in cross.pairs for array in (pair.start, pair.partner, pair.blocks)]
        return [array.tobytes() for array in (cross.xx, cross.zx, *cross.zz, *blocks)]

    with set_threads(1):
        alone = bits()
    for count in (2, 3, 7):
        with set_threads(count):
            assert bits() == alone


def test_the_same_bits_of_each_kernel():
    rng = np.random.default_rng(13)
    n = 230_000
    codes, columns = rng.integers(0, 400, n).astype(np.int32), [rng.normal(size=n) for _ in range(3)]
    z, centre, scale = [np.ones(n), columns[0]], rng.normal(size=3), np.ones(3)

    def bits() -> list[bytes]:
        grouped = core().grouped_products(codes, 400, z, centre[:2], scale[:2], columns, centre, scale, None)
        return [a.tobytes() for a in (*grouped, core().cross_products(columns, centre, scale, None, n))]

    with set_threads(1):
        alone = bits()
    for count in (2, 3, 7):
        with set_threads(count):
            assert bits() == alone


def test_threads_share_levels_without_losing_any():
    rng = np.random.default_rng(12)
    n, levels = 200_000, 5
    codes, x, w = rng.integers(0, levels, n).astype(np.int32), rng.normal(size=n), rng.uniform(1, 2, n)
    nothing, one = np.zeros(1), np.ones(1)
    with set_threads(7):  # more threads than levels
        zz, zx = core().grouped_products(codes, levels, [None], nothing, one, [x], nothing, one, w)
        xx = core().cross_products([x], nothing, one, w, n)
    assert np.allclose(zz.ravel(), np.bincount(codes, w), rtol=1e-12)
    assert np.allclose(zx.ravel(), np.bincount(codes, w * x), rtol=1e-9)
    assert np.isclose(xx[0, 0], (w * x * x).sum(), rtol=1e-12)
