"""Sums of several parts → sums of all: levels united, centres moved, everything added in the order given.

Parts have levels, centres and scales of their own. Moving from centre c and scale d to c' and d',

    (v - c') d' = (v - c) d (d'/d) + (c - c') d',

is linear in what was summed, the constant included, and takes the shift in units of the spread: no detour
through raw units, in which large means would cancel. Adding is exact up to rounding, whatever the parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from henderson.crossprod.chunk_sums import merged, pair_keys, pairs_of_keys, taken, z_units
from henderson.crossprod.level_tables import LevelTable
from henderson.crossprod.sums import (
    GroupSums,
    PairSums,
    Sizes,
    Sums,
    Unit,
    constant_columns,
    recentring,
    sizes_of,
    starts_of,
    with_response,
)
from henderson.design.predictors import joined
from henderson.design.wide import Block, Number, WidePlan
from henderson.errors import DataError

Run = tuple[np.ndarray, np.ndarray]
"""(e, 2) levels that meet, ascending, and (e, K, K) their sums."""


def combine(parts: Iterable[Sums]) -> Sums | None:
    """Add sums of one formula.

    Parameters
    ----------
    parts : iterable of Sums
        At least one.

    Returns
    -------
    Sums or None
        Of all rows; levels in the order that all rows together give them. None without parts.

    Raises
    ------
    DataError
        The parts are of different formulas, kinds of columns, or orders of levels.

    Notes
    -----
    O(size of a part) for each, and a sort of the levels at the end.
    """
    whole: Accumulator | None = None
    for part in parts:
        whole = Accumulator(part) if whole is None else whole
        whole.add(part)
    return None if whole is None else whole.finish()


class Accumulator:
    """Sums that take in others.

    Parameters
    ----------
    first : Sums
        Settles the plan, and the units in which all are added; not added yet.
    """

    def __init__(self, first: Sums) -> None:
        self.plan, self.units, self.y_unit = first.plan, first.units, first.y_unit
        self.n = self.n_input = 0
        self.missing: dict[str, int] = {}
        self.levels = {name: LevelTable(name) for name in first.levels}
        for name, table in self.levels.items():
            table.add(first.levels[name])
        self.sizes = sizes_of(first.levels)
        self.weighted = first.xx is not first.plain
        self.xx, self.plain = np.zeros_like(first.xx), np.zeros_like(first.xx)
        names = _grouping_variables(first.plan)
        self.groups = [_Group(part, names[f]) for f, part in enumerate(first.groups)]
        self.pairs: dict[tuple[int, int], list[Run]] = {(p.first, p.second): [] for p in first.pairs}
        self.log_weights: list[float] = []
        self.tables: Any = None

    def add(self, part: Sums) -> None:
        """Take in one part."""
        check_same_plan(self.plan, part.plan)
        if (part.plain is not part.xx) != self.weighted:
            raise DataError("Sums with weights and sums without weights cannot be added.")
        codes = {name: table.add(part.levels[name]) for name, table in self.levels.items()}
        self._grow()
        part, sizes = moved(part, self.units, self.y_unit), sizes_of(part.levels)
        x = _places(self.plan.x, sizes, self.sizes, codes, response=True)
        z = [_places(blocks, sizes, self.sizes, codes) for blocks in self.plan.z]
        rows = [group.numbers(mine) for group, mine in zip(self.groups, part.groups, strict=True)]
        _add_at(self.xx[None], part.xx[None], np.zeros(1, int), x, x)
        if self.weighted:
            _add_at(self.plain[None], part.plain[None], np.zeros(1, int), x, x)
        for f, (group, mine) in enumerate(zip(self.groups, part.groups, strict=True)):
            group.rows[rows[f]] += mine.rows
            _add_at(group.zz, mine.zz, rows[f], z[f], z[f])
            _add_at(group.zx, mine.zx, rows[f], z[f], x)
        for pair in part.pairs:
            self._add_pair(pair, rows, z)
        self._count(part)

    def _count(self, part: Sums) -> None:
        self.n, self.n_input = self.n + part.n, self.n_input + part.n_input
        for name, count in part.missing.items():
            self.missing[name] = self.missing.get(name, 0) + count
        self.log_weights.append(part.sum_log_weights)
        self.tables = part.tables if self.tables is None else joined(self.tables, part.tables)

    def _add_pair(self, pair: PairSums, rows: list[np.ndarray], z: list[np.ndarray]) -> None:
        """Keep runs of pairs, each at least twice as long as the next: merging costs O(e log e) in all."""
        f, g = pair.first, pair.second
        key = pair_keys(np.column_stack([rows[f][pair.at[:, 0]], rows[g][pair.at[:, 1]]]))
        order = np.argsort(key, kind="stable")
        at = pairs_of_keys(key[order])
        k = [starts_of(self.plan.z[h], self.sizes)[-1] for h in (f, g)]
        runs = self.pairs[f, g]
        runs.append((at, _embedded(taken(pair.blocks, order), (k[0], k[1]), z[f], z[g])))
        while len(runs) > 1 and len(runs[-2][0]) < 2 * len(runs[-1][0]):
            runs[-2:] = [merged(runs[-2:])]

    def _grow(self) -> None:
        """Make room for levels of fixed factors that are new."""
        sizes = {name: len(table) for name, table in self.levels.items()}
        if sizes == self.sizes:
            return
        same = {name: np.arange(size) for name, size in self.sizes.items()}
        x = _places(self.plan.x, self.sizes, sizes, same, response=True)
        z = [_places(blocks, self.sizes, sizes, same) for blocks in self.plan.z]
        m, k = starts_of(self.plan.x, sizes)[-1] + 1, [starts_of(b, sizes)[-1] for b in self.plan.z]
        self.xx, self.plain = (_embedded(a, (m, m), x, x) for a in (self.xx, self.plain))
        for f, group in enumerate(self.groups):
            group.zz = _embedded(group.zz, (k[f], k[f]), z[f], z[f])
            group.zx = _embedded(group.zx, (k[f], m), z[f], x)
        for (f, g), runs in self.pairs.items():
            runs[:] = [(at, _embedded(blocks, (k[f], k[g]), z[f], z[g])) for at, blocks in runs]
        self.sizes = sizes

    def finish(self) -> Sums:
        """Return the sums of all that was taken in, levels in their order."""
        done = {name: table.finish() for name, table in self.levels.items()}
        places = {name: place for name, (_, place) in done.items()}
        x = _places(self.plan.x, self.sizes, self.sizes, places, response=True)
        z = [_places(blocks, self.sizes, self.sizes, places) for blocks in self.plan.z]
        ordered = [group.finish(z[f], x) for f, group in enumerate(self.groups)]
        m = len(self.xx)
        xx = _embedded(self.xx, (m, m), x, x)
        return Sums(
            plan=self.plan,
            n=self.n,
            n_input=self.n_input,
            missing=self.missing,
            levels={name: levels for name, (levels, _) in done.items()},
            units=self.units,
            y_unit=self.y_unit,
            xx=xx,
            plain=_embedded(self.plain, (m, m), x, x) if self.weighted else xx,
            groups=tuple(group for group, _ in ordered),
            pairs=tuple(
                _finished_pair(f, g, runs, (ordered[f][1], ordered[g][1]), (z[f], z[g]))
                for (f, g), runs in self.pairs.items()
            ),
            sum_log_weights=math.fsum(self.log_weights),
            tables=self.tables,
        )


class _Group:
    """Sums of one grouping; levels numbered as they come, arrays with room for more."""

    def __init__(self, part: GroupSums, names: tuple[str, ...]) -> None:
        self.tables = tuple(LevelTable(name) for name in names)
        self.folds: tuple[dict[int, int], ...] = tuple({} for _ in names[1:])
        self.place = np.zeros(0, dtype=np.int64)  # of every (combination of) level(s); -1 where not met yet
        self.count = 0
        self.combos = np.zeros((0, len(names)), dtype=np.int64)
        self.rows = np.zeros(0, dtype=np.int64)
        self.zz, self.zx = np.zeros((0, *part.zz.shape[1:])), np.zeros((0, *part.zx.shape[1:]))

    def numbers(self, part: GroupSums) -> np.ndarray:
        """(l,) where the levels of a part are, room made for new ones."""
        own = np.column_stack(
            [
                table.add(factor)[part.combos[:, c]]
                for c, (table, factor) in enumerate(zip(self.tables, part.factors, strict=True))
            ]
        )
        code, size = own[:, 0], len(self.tables[0])
        for c, fold in enumerate(self.folds, 1):
            key = code << 32 | own[:, c]
            code = np.array([fold.setdefault(k, len(fold)) for k in key.tolist()], dtype=np.int64)
            size = len(fold)
        self.place = np.concatenate([self.place, np.full(size - len(self.place), -1)])
        new = np.flatnonzero(self.place[code] < 0)
        self.place[code[new]] = self.count + np.arange(len(new))
        self.count += len(new)
        self._room(self.count)
        row = self.place[code]
        self.combos[row] = own
        return row

    def _room(self, levels: int) -> None:
        if levels > len(self.rows):
            more = max(levels, len(self.rows) * 3 // 2) - len(self.rows)
            self.rows, self.combos, self.zz, self.zx = (
                np.concatenate([a, np.zeros((more, *a.shape[1:]), a.dtype)])
                for a in (self.rows, self.combos, self.zz, self.zx)
            )

    def finish(self, z: np.ndarray, x: np.ndarray) -> tuple[GroupSums, np.ndarray]:
        """Levels ordered by their first factor, then the second; and the place of every number."""
        count = self.count
        done = [table.finish() for table in self.tables]
        combos = np.column_stack([place[self.combos[:count, c]] for c, (_, place) in enumerate(done)])
        order = np.lexsort(combos.T[::-1])
        place = np.empty(count, dtype=np.int64)
        place[order] = np.arange(count)
        k, m = self.zz.shape[1], self.zx.shape[2]
        group = GroupSums(
            factors=tuple(levels for levels, _ in done),
            combos=combos[order],
            rows=self.rows[order],
            zz=_embedded(self.zz[order], (k, k), z, z),
            zx=_embedded(self.zx[order], (k, m), z, x),
        )
        return group, place


def _finished_pair(
    f: int, g: int, runs: list[Run], rows: tuple[np.ndarray, np.ndarray], z: tuple[np.ndarray, np.ndarray]
) -> PairSums:
    at, blocks = merged(runs)
    key = pair_keys(np.column_stack([rows[0][at[:, 0]], rows[1][at[:, 1]]]))
    order = np.argsort(key, kind="stable")
    shape = (blocks.shape[1], blocks.shape[2])
    return PairSums(f, g, pairs_of_keys(key[order]), _embedded(taken(blocks, order), shape, *z))


# -- moving and placing --------------------------------------------------------------------------------------


def moved(part: Sums, units: dict[Number, Unit], y_unit: Unit) -> Sums:
    """Express sums in other centres and scales; returns `part` itself where these are its own."""
    if part.units is units and part.y_unit is y_unit:
        return part
    plan, sizes = part.plan, sizes_of(part.levels)
    Tx = with_response(
        recentring(plan.x, sizes, part.units, units), constant_columns(plan.x, sizes), part.y_unit, y_unit
    )
    Tz = [recentring(blocks, sizes, z_units(blocks, part.units), z_units(blocks, units)) for blocks in plan.z]
    if Tx is None and all(T is None for T in Tz):
        return part
    xx = _both_sides(part.xx, Tx, Tx)
    return replace(
        part,
        units=units,
        y_unit=y_unit,
        xx=xx,
        plain=xx if part.plain is part.xx else _both_sides(part.plain, Tx, Tx),
        groups=tuple(
            replace(g, zz=_both_sides(g.zz, T, T), zx=_both_sides(g.zx, T, Tx))
            for g, T in zip(part.groups, Tz, strict=True)
        ),
        pairs=tuple(replace(p, blocks=_both_sides(p.blocks, Tz[p.first], Tz[p.second])) for p in part.pairs),
    )


def _both_sides(A: np.ndarray, left: np.ndarray | None, right: np.ndarray | None) -> np.ndarray:
    """left' A right over the last two axes."""
    A = A if left is None else np.matmul(left.T, A)
    return A if right is None else np.matmul(A, right)


def _places(
    blocks: tuple[Block, ...],
    before: Sizes,
    after: Sizes,
    codes: dict[str, np.ndarray],
    *,
    response: bool = False,
) -> np.ndarray:
    """(m,) int64 column, among those of more or reordered levels, of every column of blocks."""
    starts, out = starts_of(blocks, after), []
    for block, start in zip(blocks, starts, strict=False):
        place = np.zeros(1, dtype=np.int64)
        for name in block.factors:
            place = (place[:, None] * after[name] + codes[name][: before[name]]).ravel()
        out.append(start + place)
    if response:
        out.append(np.array([starts[-1]]))
    return np.concatenate([np.zeros(0, dtype=np.int64), *out])


def _embedded(A: np.ndarray, shape: tuple[int, int], rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The last two axes of A placed among more rows and columns; A itself where nothing moves."""
    if A.shape[-2:] == shape and _stays(rows) and _stays(columns):
        return A
    out = np.zeros((*A.shape[:-2], *shape))
    out[..., rows[:, None], columns] = A
    return out


def _stays(places: np.ndarray) -> bool:
    return np.array_equal(places, np.arange(len(places)))


def _add_at(to: np.ndarray, A: np.ndarray, levels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    """to[levels, rows, columns] += A, in place; no place twice."""
    if to.shape[1:] == A.shape[1:] and _stays(rows) and _stays(columns):
        to[levels] += A
    else:
        to[levels[:, None, None], rows[:, None], columns] += A


# -- the same formula? ---------------------------------------------------------------------------------------


def _grouping_variables(plan: WidePlan) -> list[tuple[str, ...]]:
    parts = {part.grouping.name: part.grouping for part in plan.read().random}
    return [tuple(v.name for v in parts[name].factors) for name in plan.groupings]


def check_same_plan(first: WidePlan, other: WidePlan) -> None:
    """Stop at sums of different models, naming what differs."""
    if first is other:
        return
    for what, words in (
        ("formula", "formulas"),
        ("dot", "columns that . stands for"),
        ("codings", "contrasts"),
        ("weights", "weights"),
        ("offset", "offsets"),
    ):
        a, b = getattr(first, what), getattr(other, what)
        if a != b:
            raise DataError(
                f"These sums are of different {words}, {a!r} and {b!r}: they cannot be added. Gather both "
                "with the same call of cross_products()."
            )
    for name, kind in first.kinds.items():
        if other.kinds.get(name) != kind:
            raise DataError(
                f"Column {name!r} is a {kind} in one part and a {other.kinds.get(name)} in the other. "
                "Give it one type in both."
            )
    for key, state in first.states.items():
        if other.states.get(key) != state:
            raise DataError(
                f"{key} was learnt from the rows of each part alone, so that it means different things in "
                "them. Use one meaning for all: numbers in the formula, such as scale(x, 50, 10), or "
                "cross_products(..., like=first_part)."
            )
    if first.numbers != other.numbers:
        raise DataError("The numeric variables have different numbers of columns in the parts.")
