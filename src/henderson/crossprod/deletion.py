"""Sufficient statistics without some of the rows: their sums are taken away, and put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.crossprod.accumulate import entering
from henderson.crossprod.record import CrossProducts

if TYPE_CHECKING:
    from henderson.design.record import Design


@dataclass(frozen=True, slots=True, eq=False)
class RowSums:
    """What some rows add to the cross-products.

    Attributes
    ----------
    n : int
        Rows.
    levels : tuple of (u_f,) int64
        Levels of every grouping that occur in them.
    zz : tuple of (u_f, K, K) float64
        Their part of the diagonal blocks of Z'WZ.
    zx : tuple of (u_f, K, p + 1) float64
        Their part of Z'W [X y].
    entries : tuple of (e,) int64
        Per pair of groupings, the blocks that they touch.
    blocks : tuple of (e, K_first, K_second) float64
        Their part of these.
    xx : (p + 1, p + 1) float64
        Their part of [X y]'W [X y].
    emptied : tuple of (u_f,) bool
        Levels that have no other rows.
    emptied_pairs : tuple of (e,) bool
        The same of pairs of levels.
    sum_log_weights : float
        Their part of it.
    """

    n: int
    levels: tuple[np.ndarray, ...]
    zz: tuple[np.ndarray, ...]
    zx: tuple[np.ndarray, ...]
    entries: tuple[np.ndarray, ...]
    blocks: tuple[np.ndarray, ...]
    xx: np.ndarray
    emptied: tuple[np.ndarray, ...]
    emptied_pairs: tuple[np.ndarray, ...]
    sum_log_weights: float


class Deletions:
    """Cross-products that groups of rows can be taken out of, one group at a time.

    A level without rows keeps its place with blocks of zeros: its effect is zero and adds nothing to the
    criterion, so that pattern and symbolic analysis stay as they are.

    Parameters
    ----------
    design : Design
        The rows.
    cross : CrossProducts
        Theirs; not touched.
    codes : (n,) int
        Group of every row.
    groups : int
        Number of groups.

    Attributes
    ----------
    cross : CrossProducts
        A copy whose arrays change while a group is out; analyse this one.
    left : tuple of (levels,) int64
        Rows of every level of every grouping, in the whole.

    Notes
    -----
    A copy of the cross-products; all groups together cost one pass over the rows. One thread at a time.
    """

    __slots__ = ("_design", "_offsets", "_order", "_pair_codes", "_pair_counts", "_whole", "cross", "left")

    def __init__(self, design: Design, cross: CrossProducts, codes: np.ndarray, groups: int) -> None:
        self._design, self._whole, self.cross = design, cross, writable_copy(cross)
        self._order = np.argsort(codes, kind="stable")
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=groups))])
        self.left = tuple(
            np.bincount(g.codes, minlength=count)
            for g, count in zip(design.groupings, cross.levels, strict=True)
        )
        self._pair_codes = pair_entries(design, cross)
        self._pair_counts = tuple(
            np.bincount(e, minlength=len(p.partner))
            for e, p in zip(self._pair_codes, cross.pairs, strict=True)
        )

    def rows(self, group: int) -> np.ndarray:
        """Positions of the group's rows, ascending."""
        return np.asarray(self._order[self._offsets[group] : self._offsets[group + 1]])

    @contextmanager
    def without(self, group: int) -> Iterator[tuple[CrossProducts, tuple[int, ...]]]:
        """Cross-products without one group, and the levels of every grouping that are left."""
        sums = row_sums(
            self._design, self._whole, self.rows(group), self._pair_codes, self.left, self._pair_counts
        )
        take_away(self.cross, sums)
        try:
            lost = (int(e.sum()) for e in sums.emptied)
            yield (
                replace(
                    self.cross,
                    n=self.cross.n - sums.n,
                    sum_log_weights=self.cross.sum_log_weights - sums.sum_log_weights,
                ),
                tuple(count - gone for count, gone in zip(self.cross.levels, lost, strict=True)),
            )
        finally:
            put_back(self.cross, self._whole, sums)


def writable_copy(cross: CrossProducts) -> CrossProducts:
    """The same numbers in arrays of their own."""
    return replace(
        cross,
        zz=tuple(z.copy() for z in cross.zz),
        pairs=tuple(replace(p, blocks=p.blocks.copy()) for p in cross.pairs),
        zx=cross.zx.copy(),
        xx=cross.xx.copy(),
    )


def pair_entries(design: Design, cross: CrossProducts) -> tuple[np.ndarray, ...]:
    """(n,) which block of every pair of groupings each row belongs to."""
    out = []
    for pair in cross.pairs:
        wide = cross.levels[pair.second]
        table = np.repeat(np.arange(len(pair.start) - 1), np.diff(pair.start)) * wide + pair.partner
        first, second = (design.groupings[f].codes.astype(np.int64) for f in (pair.first, pair.second))
        out.append(np.searchsorted(table, first * wide + second))
    return tuple(out)


def row_sums(
    design: Design,
    cross: CrossProducts,
    rows: np.ndarray,
    pair_codes: tuple[np.ndarray, ...],
    counts: tuple[np.ndarray, ...],
    pair_counts: tuple[np.ndarray, ...],
) -> RowSums:
    """Sum products over some rows, centred and scaled as in `cross`.

    Parameters
    ----------
    design, cross : Design, CrossProducts
        All rows, and their cross-products.
    rows : (m,) int
        Positions.
    pair_codes : tuple of (n,) int
        From `pair_entries`.
    counts, pair_counts : tuple of int arrays
        Rows of every level, and of every block of every pair.

    Returns
    -------
    RowSums

    Notes
    -----
    O(m (p + K)^2).
    """
    from henderson.core import core

    w = None if design.weights is None else design.weights[rows]
    y = design.y[rows] if design.offset is None else design.y[rows] - design.offset[rows]
    xy, centre, scale = entering(
        design.X[rows], cross.x_centre, cross.x_scale, cross.basis, y, cross.y_centre
    )
    local = [np.unique(g.codes[rows], return_inverse=True) for g in design.groupings]
    codes = [inverse.astype(np.int32) for _, inverse in local]
    z = [_columns(design, cross, f, rows) for f in range(len(design.groupings))]
    sums = [
        core().grouped_products(c, len(u), *zf, xy, centre, scale, w)
        for c, (u, _), zf in zip(codes, local, z, strict=True)
    ]
    entries, blocks, emptied_pairs = [], [], []
    for pair, place, count in zip(cross.pairs, pair_codes, pair_counts, strict=True):
        i, j = pair.first, pair.second
        touched, here = np.unique(place[rows], return_counts=True)
        found = core().pair_products(codes[i], len(local[i][0]), *z[i], codes[j], len(local[j][0]), *z[j], w)
        entries.append(touched)
        blocks.append(found[2])
        emptied_pairs.append(here == count[touched])
    used = zip(codes, local, counts, strict=True)
    return RowSums(
        n=len(rows),
        levels=tuple(u for u, _ in local),
        zz=tuple(s[0] for s in sums),
        zx=tuple(
            s[1].reshape(len(u), cross.columns[f], -1)
            for f, (s, (u, _)) in enumerate(zip(sums, local, strict=True))
        ),
        entries=tuple(entries),
        blocks=tuple(blocks),
        xx=core().cross_products(xy, centre, scale, w, len(rows)),
        emptied=tuple(np.bincount(c, minlength=len(u)) == count[u] for c, (u, _), count in used),
        emptied_pairs=tuple(emptied_pairs),
        sum_log_weights=0.0 if w is None else float(np.log(w).sum()),
    )


def _columns(
    design: Design, cross: CrossProducts, f: int, rows: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Columns, centres and scales of one grouping as the kernels take them."""
    columns = [c[rows] for t in design.terms if t.grouping == f for c in t.columns]
    scale = cross.z_transform[f].diagonal().copy()
    beside = cross.z_transform[f] - np.diag(scale)
    return columns, -beside.sum(axis=0) / scale, scale


def _views(cross: CrossProducts) -> list[np.ndarray]:
    """The rows of Z'W [X y] of every grouping as (levels, K, p + 1)."""
    sizes = [levels * k for levels, k in zip(cross.levels, cross.columns, strict=True)]
    parts = np.split(cross.zx, np.cumsum(sizes)[:-1])
    return [
        part.reshape(levels, k, -1)
        for part, levels, k in zip(parts, cross.levels, cross.columns, strict=True)
    ]


def take_away(cross: CrossProducts, sums: RowSums) -> None:
    """Subtract the sums in place; what has no rows left becomes exactly zero."""
    cross.xx[...] -= sums.xx
    for f, zx in enumerate(_views(cross)):
        for whole, part in ((cross.zz[f], sums.zz[f]), (zx, sums.zx[f])):
            whole[sums.levels[f]] -= part
            whole[sums.levels[f][sums.emptied[f]]] = 0.0
    for pair, at, part, empty in zip(cross.pairs, sums.entries, sums.blocks, sums.emptied_pairs, strict=True):
        pair.blocks[at] -= part
        pair.blocks[at[empty]] = 0.0


def put_back(cross: CrossProducts, whole: CrossProducts, sums: RowSums) -> None:
    """Copy what the sums have touched from `whole`, in place."""
    cross.xx[...] = whole.xx
    for f, (zx, original) in enumerate(zip(_views(cross), _views(whole), strict=True)):
        at = sums.levels[f]
        cross.zz[f][at], zx[at] = whole.zz[f][at], original[at]
    for pair, original_pair, at in zip(cross.pairs, whole.pairs, sums.entries, strict=True):
        pair.blocks[at] = original_pair.blocks[at]
