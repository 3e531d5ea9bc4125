"""Z'WZ without the eliminated grouping, as passes over that grouping's levels.

The grouping with most levels is eliminated exactly: its part of Omega is block diagonal. What is left is the
Schur complement of the others, reached only by products: for every level of the eliminated grouping gather
the rows of the levels it meets, multiply by a K x K block, scatter back.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.threads import threads

LANES = 8
"""Vectors that travel together: eight doubles are one cache line."""
CHUNKS = 8
"""Parts of a pass with sums of their own: fixed, so that results do not depend on the number of threads."""
SMALL = 50_000
"""Pairs of levels below which one part is enough."""


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """Passes over the levels of one grouping.

    Attributes
    ----------
    levels : compiled PairedLevels
    first : int
        The grouping.
    columns : int
        Its K.
    ranges : tuple of (int, int)
        Parts with about the same number of pairs.
    """

    levels: Any
    first: int
    columns: int
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Nested:
    """A grouping of the rest whose levels each meet one level of another: items in genres.

    Attributes
    ----------
    first, second : int
        Places of the two among the rest.
    partner : (levels of first,) int32
        Level of the second, in the order of the layout.
    blocks : (levels of first, K_first, K_second) float64
        Blocks of Z'WZ.
    """

    first: int
    second: int
    partner: np.ndarray
    blocks: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How vectors are cut: the eliminated grouping, and the rest with popular levels first.

    Attributes
    ----------
    cross : CrossProducts
    eliminated : int
        Grouping with most levels.
    rest : tuple of int
        The others, in order.
    rows : tuple of slice
        Rows of every grouping of the rest in the vectors of the rest.
    q : int
        Length of these vectors.
    order : tuple of (levels,) int32
        Level at every place, most partners first: what is met often stays in the cache.
    outer : Passes or None
        Over the eliminated grouping; None when it is the only one.
    inner : tuple of Passes
        Pairs of groupings among the rest.
    nested : tuple of Nested
        Those of them that are nested, every grouping at most once.
    """

    cross: CrossProducts
    eliminated: int
    rest: tuple[int, ...]
    rows: tuple[slice, ...]
    q: int
    order: tuple[np.ndarray, ...]
    outer: Passes | None
    inner: tuple[Passes, ...]
    nested: tuple[Nested, ...]

    @property
    def eliminated_rows(self) -> slice:
        """Rows of the eliminated grouping in a (q, r) array."""
        cross, f = self.cross, self.eliminated
        sizes = [levels * k for levels, k in zip(cross.levels, cross.columns, strict=True)]
        return slice(sum(sizes[:f]), sum(sizes[: f + 1]))

    @property
    def shape_of_rest(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of every grouping of the rest, and how many of them one level has."""
        sizes = tuple(rows.stop - rows.start for rows in self.rows)
        return sizes, tuple(self.cross.columns[f] for f in self.rest)

    def split(self, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the eliminated grouping, and those of the rest in the order of the layout."""
        at = self._starts()
        parts = []
        for f, order in zip(self.rest, self.order, strict=True):
            k = self.cross.columns[f]
            block = B[at[f] : at[f + 1]].reshape(len(order), k, -1)
            parts.append(block[order].reshape(len(order) * k, -1))
        rest = np.concatenate(parts) if parts else np.zeros((0, B.shape[1]))
        return B[self.eliminated_rows], rest

    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Undo `split`."""
        out, at = np.empty((self.cross.q, first.shape[1])), self._starts()
        out[self.eliminated_rows] = first
        for f, order, rows in zip(self.rest, self.order, self.rows, strict=True):
            block = out[at[f] : at[f + 1]].reshape(len(order), self.cross.columns[f], -1)
            block[order] = rest[rows].reshape(block.shape)
        return out

    def _starts(self) -> list[int]:
        sizes = [levels * k for levels, k in zip(self.cross.levels, self.cross.columns, strict=True)]
        return np.cumsum([0, *sizes]).tolist()


def lay_out(cross: CrossProducts) -> Layout:
    """Choose the grouping to eliminate and relabel the levels of the others.

    Notes
    -----
    One pass over the pairs of levels; a copy of the pattern (four bytes a pair), none of the blocks.
    """
    eliminated = max(range(len(cross.levels)), key=lambda f: cross.levels[f])
    rest = tuple(f for f in range(len(cross.levels)) if f != eliminated)
    sizes = [cross.levels[f] * cross.columns[f] for f in rest]
    at = dict(zip(rest, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))
    order, place = {}, {}
    for f in rest:
        degree = _degrees(cross, f)
        order[f] = np.argsort(-degree, kind="stable").astype(np.int32)
        place[f] = np.empty(len(degree), dtype=np.int32)
        place[f][order[f]] = np.arange(len(degree), dtype=np.int32)
    outer = [p for p in cross.pairs if p.first == eliminated]
    inner = [p for p in cross.pairs if p.first != eliminated]
    assert not [p for p in inner if p.second == eliminated]  # pairs begin with the larger grouping
    return Layout(
        cross,
        eliminated,
        rest,
        tuple(slice(at[f], at[f] + size) for f, size in zip(rest, sizes, strict=True)),
        sum(sizes),
        tuple(order[f] for f in rest),
        _passes(cross, outer, at, place) if outer else None,
        tuple(_passes(cross, [_relabelled_rows(p, order[p.first])], at, place) for p in inner),
        _nested(inner, rest, order, place),
    )


def _nested(
    pairs: list[PairBlocks], rest: tuple[int, ...], order: dict[int, np.ndarray], place: dict[int, np.ndarray]
) -> tuple[Nested, ...]:
    """Nested pairs, the outer grouping with most levels first; groupings that are taken are left out."""
    taken: set[int] = set()
    out = []
    for pair in sorted(pairs, key=lambda pair: -len(order[pair.second])):
        if {pair.first, pair.second} & taken or len(pair.partner) != len(pair.start) - 1:
            continue
        if np.any(np.diff(pair.start) != 1):
            continue
        taken |= {pair.first, pair.second}
        rows = order[pair.first]
        where = rest.index(pair.first), rest.index(pair.second)
        out.append(Nested(*where, place[pair.second][pair.partner[rows]], pair.blocks[rows]))
    return tuple(out)


def _degrees(cross: CrossProducts, f: int) -> np.ndarray:
    degree = np.zeros(cross.levels[f], dtype=np.int64)
    for pair in cross.pairs:
        if pair.first == f:
            degree += np.diff(pair.start)
        elif pair.second == f:
            degree += _count(pair.partner, len(degree))
    return degree


def _relabelled_rows(pair: PairBlocks, order: np.ndarray) -> PairBlocks:
    """The compressed rows of a pair in another order of its first levels."""
    counts = np.diff(pair.start)[order]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    entries = np.repeat(pair.start[:-1][order] - start[:-1], counts) + np.arange(start[-1])
    return PairBlocks(pair.first, pair.second, start, pair.partner[entries], pair.blocks[entries])


def _passes(
    cross: CrossProducts, pairs: list[PairBlocks], at: dict[int, int], place: dict[int, np.ndarray]
) -> Passes:
    first, described = pairs[0].first, []
    for pair in pairs:
        same = _one_number(pair.blocks)
        described.append(
            (
                pair.start,
                _relabelled(pair.partner, place[pair.second]),
                pair.blocks if same is None else None,
                0.0 if same is None else same,
                cross.columns[pair.second],
                at[pair.second],
                cross.levels[pair.second],
            )
        )
    total = pairs[0].start if len(pairs) == 1 else np.sum([p.start for p in pairs], axis=0)
    levels = core().PairedLevels(cross.columns[first], described)
    return Passes(levels, first, cross.columns[first], _parts(total))


PART = 1 << 20
"""Codes that are widened at a time: NumPy makes 64-bit copies of its indices."""


def _count(codes: np.ndarray, levels: int) -> np.ndarray:
    return sum(
        (np.bincount(codes[at : at + PART], minlength=levels) for at in range(0, len(codes), PART)),
        np.zeros(levels, dtype=np.int64),
    )


def _relabelled(partner: np.ndarray, place: np.ndarray) -> np.ndarray:
    """place[partner]."""
    out = np.empty_like(partner)
    for at in range(0, len(partner), PART):
        out[at : at + PART] = place[partner[at : at + PART]]
    return out


def _one_number(blocks: np.ndarray) -> float | None:
    """The number that all blocks are; None where they differ or have several entries."""
    if blocks.shape[1:] != (1, 1) or not len(blocks):
        return None
    if blocks.strides[0] == 0:
        return float(blocks[0, 0, 0])
    low, high = float(blocks.min()), float(blocks.max())
    return low if low == high else None


def _parts(start: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Ranges of levels with about the same number of pairs."""
    parts = 1 if start[-1] < SMALL else CHUNKS
    cuts = np.searchsorted(start, start[-1] * np.arange(1, parts) / parts)
    edges = [0, *cuts.tolist(), len(start) - 1]
    return tuple((a, b) for a, b in itertools.pairwise(edges) if b > a)


def in_threads(task: Callable[[Any], None], pieces: list[Any]) -> None:
    """Call a task with every piece, on as many threads as are allowed; pieces write to different places."""
    count = min(threads(), len(pieces))
    if count <= 1:
        for piece in pieces:
            task(piece)
        return
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(task, piece) for piece in pieces]:
            done.result()


def _edges(size: int) -> list[slice]:
    """Rows cut into parts, for sums that threads share."""
    cuts = np.linspace(0, size, CHUNKS + 1 if size > SMALL // LANES else 2).astype(int).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(cuts)]


def panel(rows: int) -> np.ndarray:
    """(rows, 8) zeros, every row one cache line."""
    raw = np.zeros(rows * LANES * 8 + 64, dtype=np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + rows * LANES * 8].view(np.float64).reshape(rows, LANES)


class Buffers:
    """Panels of partial sums, kept between passes."""

    __slots__ = ("out", "x")

    def __init__(self, q: int, parts: int) -> None:
        self.x, self.out = panel(q), [panel(q) for _ in range(parts)]


def run(
    passes: Passes,
    buffers: Buffers,
    total: np.ndarray | None,
    *,
    x: np.ndarray | None = None,
    B: np.ndarray | None = None,
    given: np.ndarray | None = None,
    sums: np.ndarray | None = None,
) -> None:
    """One pass: sums of the rows of x that every level meets, and what goes back, added to `total`.

    Parameters
    ----------
    passes : Passes
    buffers : Buffers
    total : (q, 8) float64 or None
        What is scattered is added here.
    x : (q, 8) float64, optional
        Gathered: t_g = sum of A_gh x_h.
    B : (levels, K, K) float64, optional
        B_g t_g is scattered.
    given : (levels K, 8) float64, optional
        Scattered instead.
    sums : (levels K, 8) float64, optional
        Receives t_g.
    """

    def part(i: int) -> None:
        out = None
        if total is not None:
            out = buffers.out[i]
            out[...] = 0.0
        passes.levels.pass_levels(*passes.ranges[i], x, B, given, sums, out)

    parts = len(passes.ranges)
    in_threads(part, list(range(parts)))
    if total is None:
        return

    def merge(rows: slice) -> None:
        for i in range(parts):
            total[rows] += buffers.out[i][rows]

    in_threads(merge, _edges(len(total)))
