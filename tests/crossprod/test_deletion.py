"""Cross-products without a group against those of the remaining rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from henderson import crossprod
from henderson.crossprod.deletion import Deletions
from henderson.model.criterion import criterion
from henderson.solve.direct import analyse
from tests.inference.cases import NAMES, make


def dense_blocks(cross):
    """Z'WZ (q, q) and Z'W [X y] as dense arrays."""
    starts = np.cumsum([0, *(a * b for a, b in zip(cross.levels, cross.columns, strict=True))])
    out = np.zeros((cross.q, cross.q))
    for f, zz in enumerate(cross.zz):
        k = cross.columns[f]
        for g, block in enumerate(zz):
            at = slice(starts[f] + g * k, starts[f] + (g + 1) * k)
            out[at, at] = block
    for pair in cross.pairs:
        a, b = cross.columns[pair.first], cross.columns[pair.second]
        for g in range(len(pair.start) - 1):
            for e in range(pair.start[g], pair.start[g + 1]):
                r, c = starts[pair.first] + g * a, starts[pair.second] + pair.partner[e] * b
                out[r : r + a, c : c + b] = pair.blocks[e]
                out[c : c + b, r : r + a] = pair.blocks[e].T
    return out


def direct(design, cross, keep):
    """The same from the rows that are kept, in plain NumPy, with the centres and scales of `cross`."""
    w = np.ones(design.n) if design.weights is None else design.weights
    y = design.y - (0 if design.offset is None else design.offset) - cross.y_centre
    xy = np.column_stack([(design.X - cross.x_centre) * cross.x_scale, y])[keep]
    parts = []
    for f, g in enumerate(design.groupings):
        raw = np.column_stack([c for t in design.terms if t.grouping == f for c in t.columns])
        z = raw @ cross.z_transform[f]
        Z = np.zeros((design.n, cross.levels[f], cross.columns[f]))
        Z[np.arange(design.n), g.codes] = z
        parts.append(Z.reshape(design.n, -1)[keep])
    Z, w = np.hstack(parts), w[keep][:, None]
    return Z.T @ (w * Z), Z.T @ (w * xy), xy.T @ (w * xy)


@pytest.mark.parametrize("name", NAMES)
def test_every_block_is_that_of_the_rows_left(name):
    """Groups are the levels of each factor, and every fifth row, which empties few blocks."""
    design = make(name)
    cross = crossprod.from_design(design)
    for codes in (*(grouping.codes for grouping in design.groupings), np.arange(design.n) % 5):
        work = Deletions(design, cross, codes, codes.max() + 1)
        for g in range(codes.max() + 1):
            keep = codes != g
            with work.without(g) as (left, levels):
                zz, zx, xx = direct(design, cross, keep)
                np.testing.assert_allclose(dense_blocks(left), zz, atol=1e-11 * np.abs(zz).max())
                np.testing.assert_allclose(left.zx, zx, atol=1e-11 * np.abs(zx).max())
                np.testing.assert_allclose(left.xx, xx, atol=1e-11 * np.abs(xx).max())
                assert left.n == keep.sum()
                w = np.ones(design.n) if design.weights is None else design.weights
                assert left.sum_log_weights == pytest.approx(np.log(w[keep]).sum(), abs=1e-12)
                assert levels == tuple(len(np.unique(h.codes[keep])) for h in design.groupings)


def test_what_has_no_rows_left_is_exactly_zero():
    design = make("crossed")
    work = Deletions(design, crossprod.from_design(design), design.groupings[0].codes, 12)
    with work.without(4) as (left, _):
        assert not left.zz[0][4].any()
        assert not left.zx[8:10].any()
        pair = left.pairs[0]
        assert not pair.blocks[pair.start[4] : pair.start[5]].any()


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_put_back_to_the_last_bit(name):
    design = make(name)
    cross = crossprod.from_design(design)
    work = Deletions(design, cross, np.arange(design.n), design.n)
    for i in range(0, design.n, 7):
        with work.without(i):
            assert not np.array_equal(work.cross.xx, cross.xx)
    assert np.array_equal(work.cross.xx, cross.xx)
    assert np.array_equal(work.cross.zx, cross.zx)
    for a, b in zip(work.cross.zz, cross.zz, strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(work.cross.pairs, cross.pairs, strict=True):
        assert np.array_equal(a.blocks, b.blocks)


def test_a_level_without_rows_adds_nothing_to_the_criterion():
    """Against the cross-products of the remaining rows with the level gone."""
    design = make("crossed")
    cross = crossprod.from_design(design)
    work = Deletions(design, cross, design.groupings[0].codes, len(design.groupings[0].levels))
    system = analyse(work.cross)
    keep = np.flatnonzero(design.groupings[0].codes != 3)
    theta = np.array([0.8, 0.1, 0.5, 0.7])
    with work.without(3) as (left, _):
        there = criterion(left, reml=True, system=system)(theta, 2)
    codes = [np.unique(g.codes[keep], return_inverse=True)[1].astype(np.int32) for g in design.groupings]
    fewer = replace(
        design,
        y=design.y[keep],
        X=np.asfortranarray(design.X[keep]),
        groupings=tuple(
            replace(g, codes=c, levels=tuple(range(c.max() + 1)))
            for g, c in zip(design.groupings, codes, strict=True)
        ),
        terms=tuple(replace(t, columns=tuple(c[keep] for c in t.columns)) for t in design.terms),
    )
    # the same coordinates: centres and scales of the whole, which the fewer rows would choose otherwise
    other = crossprod.from_design(fewer)
    T = [np.linalg.solve(a, b) for a, b in zip(other.z_transform, cross.z_transform, strict=True)]
    here = criterion(other, reml=True)
    roots = np.zeros((2, 2))
    roots[0, 0], roots[1, 0], roots[1, 1] = theta[:3]
    turned = T[0] @ roots
    full = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]], dtype=np.int32)
    values = np.array([turned[0, 0], turned[1, 0], turned[0, 1], turned[1, 1], (T[1] * theta[3])[0, 0]])
    assert there.value == pytest.approx(here(values, 0, full).value, rel=1e-11)
