"""Groups that never meet, not even through others, taken apart: nested factors make many small problems."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from henderson.crossprod.record import CrossProducts, PairBlocks

BATCH = 400
"""Columns of all but the largest grouping factor up to which separate pieces are taken together."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The part of Z'WZ that belongs to some levels; fields as in `CrossProducts`.

    Attributes
    ----------
    columns, levels : tuple of int
        Of every grouping; a piece may have no level of some.
    zz : tuple of (levels, K, K) float64
    pairs : tuple of PairBlocks
    """

    columns: tuple[int, ...]
    levels: tuple[int, ...]
    zz: tuple[np.ndarray, ...]
    pairs: tuple[PairBlocks, ...]


def pieces(cross: CrossProducts) -> list[Piece]:
    """Cut Z'WZ into pieces between which no level meets another.

    Parameters
    ----------
    cross : CrossProducts

    Returns
    -------
    list of Piece
        Small separate parts together in one piece, so that there are not too many.

    Notes
    -----
    O(entries of Z'WZ).
    """
    whole = Piece(cross.columns, cross.levels, cross.zz, cross.pairs)
    if others(whole) <= BATCH or not cross.pairs:
        return [whole]
    label = _labels(cross)
    starts = np.cumsum([0, *cross.levels])
    per_level = [label[a:b] for a, b in pairwise(starts)]
    count = int(label.max()) + 1
    if count == 1:
        return [whole]
    batch = _batches(cross, per_level, count)
    return [_piece(cross, [batch[of] == k for of in per_level]) for k in range(int(batch.max()) + 1)]


def others(piece: Piece) -> int:
    """Columns of all but the largest grouping."""
    sizes = [levels * k for levels, k in zip(piece.levels, piece.columns, strict=True)]
    return sum(sizes) - max(sizes)


def _labels(cross: CrossProducts) -> np.ndarray:
    """Connected component of every level, groupings one after the other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    starts = np.cumsum([0, *cross.levels])
    first, second = [], []
    for pair in cross.pairs:
        level = np.repeat(np.arange(len(pair.start) - 1), np.diff(pair.start))
        first.append(starts[pair.first] + level)
        second.append(starts[pair.second] + pair.partner.astype(np.int64))
    a, b = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(starts[-1], starts[-1]))
    return np.asarray(connected_components(graph, directed=False)[1])


def _batches(cross: CrossProducts, per_level: list[np.ndarray], count: int) -> np.ndarray:
    """(components,) piece of every component: neighbours together up to `BATCH` columns."""
    sizes = np.array(
        [np.bincount(label, minlength=count) * k for label, k in zip(per_level, cross.columns, strict=True)]
    )
    largest = int(np.argmax(sizes.sum(axis=1)))
    small = np.delete(sizes, largest, axis=0).sum(axis=0)
    out, piece, used = np.empty(count, dtype=np.int64), 0, 0
    for component, size in enumerate(small.tolist()):
        if used and used + size > BATCH:
            piece, used = piece + 1, 0
        out[component], used = piece, used + size
    return out


def _piece(cross: CrossProducts, chosen: list[np.ndarray]) -> Piece:
    number = [np.cumsum(keep) - 1 for keep in chosen]
    pairs = []
    for pair in cross.pairs:
        rows = np.flatnonzero(chosen[pair.first])
        counts = np.diff(pair.start)[rows]
        entry = np.repeat(
            pair.start[rows] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts
        ) + np.arange(counts.sum())
        start = np.concatenate([[0], np.cumsum(counts)])
        partner = number[pair.second][pair.partner[entry]]
        pairs.append(PairBlocks(pair.first, pair.second, start, partner, pair.blocks[entry]))
    zz = tuple(blocks[keep] for blocks, keep in zip(cross.zz, chosen, strict=True))
    return Piece(cross.columns, tuple(int(keep.sum()) for keep in chosen), zz, tuple(pairs))
