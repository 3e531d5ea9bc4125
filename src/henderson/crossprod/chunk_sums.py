"""One chunk of rows → its sums, by the compiled kernels, a slice of rows at a time."""

from __future__ import annotations

import itertools
from math import prod
from typing import Any

import numpy as np

from henderson.crossprod.sums import GroupSums, LevelList, PairSums, Sums, Unit, sizes_of
from henderson.data import Factor
from henderson.design.chunk import ChunkValues
from henderson.design.context import Matrix
from henderson.design.predictors import chunk_tables
from henderson.design.wide import Block, Number, WidePlan, is_centred

_BYTES = 1 << 26  # of columns written out at a time

Columns = tuple[list[np.ndarray | None], np.ndarray, np.ndarray]


def units_of(plan: WidePlan, values: ChunkValues) -> tuple[dict[Number, Unit], Unit]:
    """Centres and scales from the rows of the first chunk: provisional, and kept for all others."""
    numbers = {block.number for block in (*plan.x, *(b for z in plan.z for b in z)) if block.number}
    return {number: _unit(number_of(number, values)) for number in numbers}, _unit(values.y)


def _unit(x: np.ndarray) -> Unit:
    mean = float(x.mean())
    spread = float(np.sqrt(np.square(x - mean).mean()))
    size = spread if spread > 1e-12 * abs(mean) else abs(mean)
    return Unit(mean, 1 / size if size > 0 else 1.0)


def number_of(number: Number, values: ChunkValues) -> np.ndarray:
    """(n,) product of numeric variables; ones for none."""
    out: np.ndarray | None = None
    for name, j in number:
        value = values.numbers[name]
        column = value.values[:, j] if isinstance(value, Matrix) else value
        out = column if out is None else out * column
    return np.ones(values.n) if out is None else np.ascontiguousarray(out, dtype=np.float64)


def level_list(factor: Factor) -> LevelList:
    """The levels of a factor, and whether their order is one of its own."""
    labels = factor.levels
    try:
        declared = any(a > b for a, b in itertools.pairwise(labels))
    except TypeError:
        declared = True
    return LevelList(labels, declared, factor.ordered, factor.logical, factor.coding)


def chunk_sums(plan: WidePlan, values: ChunkValues, units: dict[Number, Unit], y_unit: Unit) -> Sums:
    """Sum products over the rows of a chunk.

    Parameters
    ----------
    plan : WidePlan
    values : ChunkValues
        Of n > 0 complete rows.
    units : dict of Number to Unit
        How numbers enter.
    y_unit : Unit
        How the response enters.

    Returns
    -------
    Sums
        With the levels that the chunk knows of.

    Notes
    -----
    O(n m (m + K)) for m columns; memory for 64 MB of columns beside the result.
    """
    levels = {name: level_list(factor) for name, factor in values.factors.items()}
    sizes = sizes_of(levels)
    coded = [_group_codes(plan, f, values) for f in range(len(plan.groupings))]
    K = [sum(prod(sizes[name] for name in block.factors) for block in blocks) for blocks in plan.z]
    m = 1 + sum(prod(sizes[name] for name in block.factors) for block in plan.x)
    xx, plain = np.zeros((m, m)), np.zeros((m, m))
    zz = [np.zeros((len(c[1]), k, k)) for c, k in zip(coded, K, strict=True)]
    zx = [np.zeros((len(c[1]), k, m)) for c, k in zip(coded, K, strict=True)]
    pairs: dict[tuple[int, int], list[tuple[np.ndarray, np.ndarray]]] = {}
    step = max(4096, _BYTES // (8 * m))
    for first in range(0, values.n, step):
        rows = slice(first, min(first + step, values.n))
        _add_slice(plan, values, rows, units, y_unit, sizes, coded, (xx, plain, zz, zx, pairs))
    groups = tuple(
        GroupSums(factors, combos, np.bincount(codes, minlength=len(combos)), zz[f], zx[f])
        for f, (codes, combos, factors) in enumerate(coded)
    )
    w = values.weights
    return Sums(
        plan=plan,
        n=values.n,
        n_input=values.n_input,
        missing=dict(values.missing),
        levels=levels,
        units=units,
        y_unit=y_unit,
        xx=xx,
        plain=xx if w is None else plain,
        groups=groups,
        pairs=tuple(PairSums(a, b, *merged(found)) for (a, b), found in sorted(pairs.items())),
        sum_log_weights=0.0 if w is None else float(np.log(w).sum()),
        tables=chunk_tables(plan, values),
    )


def _group_codes(
    plan: WidePlan, f: int, values: ChunkValues
) -> tuple[np.ndarray, np.ndarray, tuple[Any, ...]]:
    """(n,) int32 codes of one grouping among the combinations that occur, these (l, c), and the levels."""
    part = next(p for p in plan.read().random if p.grouping.name == plan.groupings[f])
    factors = [values.groups[variable.name] for variable in part.grouping.factors]
    lists = tuple(level_list(factor) for factor in factors)
    codes, combos = used_codes([(factor.codes, len(factor.levels)) for factor in factors])
    return codes, combos, lists


def used_codes(factors: list[tuple[np.ndarray, int]]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int32 codes among the combinations of levels that occur, and these (l, c).

    Parameters
    ----------
    factors : list of ((n,) int, int)
        Codes, and number of levels, of every factor.
    """
    codes, first = _used(*factors[0])
    combos = first[:, None]
    for own, size in factors[1:]:
        both = codes.astype(np.int64) * size + own
        found, codes = _used(both, len(combos) * size)[::-1]
        combos = np.column_stack([combos[found // size], found % size])
    return codes.astype(np.int32), combos


def _used(codes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes among the values that occur, and these values."""
    if size > 4 * len(codes) + 1000:
        found, inverse = np.unique(codes, return_inverse=True)
        return inverse, found
    present = np.bincount(codes, minlength=size) > 0
    return (np.cumsum(present) - 1)[codes], np.flatnonzero(present)


def _add_slice(
    plan: WidePlan,
    values: ChunkValues,
    rows: slice,
    units: dict[Number, Unit],
    y_unit: Unit,
    sizes: dict[str, int],
    coded: list[tuple[np.ndarray, np.ndarray, tuple[Any, ...]]],
    to: tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray], dict[Any, Any]],
) -> None:
    from henderson.core import core

    xx, plain, zz, zx, pairs = to
    n = rows.stop - rows.start
    w = None if values.weights is None else np.ascontiguousarray(values.weights[rows])
    written = _Written(values, rows, sizes)
    x, centre, scale = written.columns(plan.x, units, lone=False)
    x, centre, scale = [*x, values.y[rows]], np.append(centre, y_unit.centre), np.append(scale, y_unit.scale)
    xx += core().cross_products(x, centre, scale, w, n)
    if w is not None:
        plain += core().cross_products(x, centre, scale, None, n)
    z = [written.columns(blocks, z_units(blocks, units), lone=True) for blocks in plan.z]
    codes = [np.ascontiguousarray(c[0][rows]) for c in coded]
    for f, (_, combos, _) in enumerate(coded):
        blocks, sums = core().grouped_products(codes[f], len(combos), *z[f], x, centre, scale, w)
        zz[f] += blocks
        zx[f] += sums.reshape(zx[f].shape)
        for g in range(f + 1, len(coded)):
            l_f, l_g = len(combos), len(coded[g][1])
            start, partner, found = core().pair_products(codes[f], l_f, *z[f], codes[g], l_g, *z[g], w)
            at = np.column_stack([np.repeat(np.arange(l_f, dtype=np.int32), np.diff(start)), partner])
            pairs.setdefault((f, g), []).append((at, found))


def z_units(blocks: tuple[Block, ...], units: dict[Number, Unit]) -> dict[Number, Unit]:
    """How numbers enter among the columns of a grouping: centred where the constant can take that up."""
    return {
        block.number: units[block.number]
        if is_centred(blocks, block.number)
        else Unit(0.0, units[block.number].scale)
        for block in blocks
        if block.number
    }


class _Written:
    """Columns of a slice of rows, each number and each cell written once."""

    def __init__(self, values: ChunkValues, rows: slice, sizes: dict[str, int]) -> None:
        self.values, self.rows, self.sizes = values, rows, sizes
        self.numbers: dict[Number, np.ndarray] = {}
        self.cells: dict[tuple[str, ...], np.ndarray] = {}
        self.products: dict[tuple[Block, Unit | None], list[np.ndarray]] = {}
        self.n = rows.stop - rows.start

    def columns(self, blocks: tuple[Block, ...], units: dict[Number, Unit], *, lone: bool) -> Columns:
        """Columns, centres and scales as the kernels take them; a lone constant is None, which they count."""
        if lone and len(blocks) == 1 and blocks[0] == Block((), ()):
            return [None], np.zeros(1), np.ones(1)
        out: list[np.ndarray | None] = []
        centre: list[float] = []
        scale: list[float] = []
        for block in blocks:
            if block.number and not block.factors:
                unit = units[block.number]
                out.append(self.number(block.number))
                centre.append(unit.centre)
                scale.append(unit.scale)
                continue
            here = self.product(block, units.get(block.number))
            out += here
            centre += [0.0] * len(here)
            scale += [1.0] * len(here)
        return out, np.array(centre), np.array(scale)

    def number(self, number: Number) -> np.ndarray:
        """(n,) values."""
        if number not in self.numbers:
            self.numbers[number] = _number_in(number, self.values, self.rows)
        return self.numbers[number]

    def product(self, block: Block, unit: Unit | None) -> list[np.ndarray]:
        """Columns of a number (entered) in the cells of factors."""
        key = (block, unit)
        if key not in self.products:
            cell = self.cell(block.factors)
            count = prod(self.sizes[name] for name in block.factors)
            value = 1.0 if unit is None else (self.number(block.number) - unit.centre) * unit.scale
            table = np.zeros((count, self.n))
            table[cell, np.arange(self.n)] = value
            self.products[key] = list(table)
        return self.products[key]

    def cell(self, factors: tuple[str, ...]) -> np.ndarray:
        """(n,) cell of every row, the last factor fastest."""
        if factors not in self.cells:
            out = np.zeros(self.n, dtype=np.int64)
            for name in factors:
                out = out * self.sizes[name] + self.values.factors[name].codes[self.rows]
            self.cells[factors] = out
        return self.cells[factors]


def _number_in(number: Number, values: ChunkValues, rows: slice) -> np.ndarray:
    out: np.ndarray | None = None
    for name, j in number:
        value = values.numbers[name]
        column = value.values[rows, j] if isinstance(value, Matrix) else value[rows]
        out = column if out is None else out * column
    assert out is not None
    return np.ascontiguousarray(out, dtype=np.float64)


def merged(found: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of levels, ascending, and their blocks added up in the order given."""
    if len(found) == 1:
        return found[0]
    at = np.concatenate([each[0] for each in found])
    key = pair_keys(at)
    order = np.argsort(key, kind="stable")  # quick where the parts are ascending already
    key = key[order]
    start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])[: len(key)])
    blocks = taken(np.concatenate([each[1] for each in found]), order)
    if len(start) < len(key):
        blocks = np.add.reduceat(blocks, start, axis=0)
        key = key[start]
    return pairs_of_keys(key), blocks


def pair_keys(at: np.ndarray) -> np.ndarray:
    """(e,) int64 numbers in the order of pairs (e, 2)."""
    return at[:, 0].astype(np.int64) << 32 | at[:, 1]


def pairs_of_keys(key: np.ndarray) -> np.ndarray:
    """(e, 2) int32 pairs of `pair_keys`."""
    out = np.empty((len(key), 2), dtype=np.int32)
    out[:, 0], out[:, 1] = key >> 32, key & 0xFFFFFFFF
    return out


def taken(blocks: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Blocks (e, …) in another order; as rows of numbers, which NumPy moves faster than small matrices."""
    flat = np.take(blocks.reshape(len(blocks), -1), order, axis=0)
    return flat.reshape(len(order), *blocks.shape[1:])
