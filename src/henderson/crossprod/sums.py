"""Sums of products that can be added: over blocks of numbers in cells of factors, levels by their labels.

Where `record.CrossProducts` belongs to one design matrix, these sums belong to a formula: they keep every
level apart, numbers less a provisional centre in units of a provisional spread, and leave coding, ranks and
final centres to the moment when all of them are there (`gather`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from henderson.design.wide import Block, Number, WidePlan, cover, is_centred


@dataclass(frozen=True, slots=True, eq=False)
class LevelList:
    """Levels of one factor.

    Attributes
    ----------
    labels : tuple, length l
        In order.
    declared : bool
        Whether that order was declared, or is that of the labels themselves.
    ordered, logical : bool
        As in `data.Factor`.
    coding : object
        What ``C(f, …)`` asked for.
    """

    labels: tuple[Any, ...]
    declared: bool = False
    ordered: bool = False
    logical: bool = False
    coding: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Sums within the levels of one grouping factor.

    Attributes
    ----------
    factors : tuple of LevelList, length c
        The factors whose combinations are the levels.
    combos : (l, c) int64
        Level of every factor.
    rows : (l,) int64
        Rows of every level.
    zz : (l, K, K) float64
        Weighted sums of products of the columns of the random terms.
    zx : (l, K, m) float64
        These with all columns and the response.
    """

    factors: tuple[LevelList, ...]
    combos: np.ndarray
    rows: np.ndarray
    zz: np.ndarray
    zx: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """Sums between the levels of two grouping factors, where they meet.

    Attributes
    ----------
    first, second : int
        Groupings, first < second.
    at : (e, 2) int32
        Levels that meet, ascending.
    blocks : (e, K_first, K_second) float64
    """

    first: int
    second: int
    at: np.ndarray
    blocks: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Numbers entered as (number - centre) * scale."""

    centre: float
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Everything that a mixed model needs of some rows; can be added.

    With m = columns of the blocks `plan.x` in all cells, and the response last.

    Attributes
    ----------
    plan : WidePlan
        What is summed.
    n, n_input : int
        Complete rows, and rows.
    missing : dict of str to int
        Missing values per column.
    levels : dict of str to LevelList
        Of the factors among the variables of the terms.
    units : dict of Number to Unit
        How every number entered.
    y_unit : Unit
        How the response (less offset) entered.
    xx : (m, m) float64
        Weighted sums of products.
    plain : (m, m) float64
        The same without weights; the very array where there are none.
    groups : tuple of GroupSums
    pairs : tuple of PairSums
    sum_log_weights : float
    tables : tuple
        Counts and moments of the raw columns, see `predictors`.
    """

    plan: WidePlan
    n: int
    n_input: int
    missing: dict[str, int]
    levels: dict[str, LevelList]
    units: dict[Number, Unit]
    y_unit: Unit
    xx: np.ndarray
    plain: np.ndarray
    groups: tuple[GroupSums, ...]
    pairs: tuple[PairSums, ...]
    sum_log_weights: float
    tables: Any = field(default=None)


# -- where the columns are -----------------------------------------------------------------------------------

Sizes = dict[str, int]


def sizes_of(levels: dict[str, LevelList]) -> Sizes:
    """Number of levels of every factor."""
    return {name: len(each.labels) for name, each in levels.items()}


def shape_of(block: Block, sizes: Sizes) -> tuple[int, ...]:
    """Levels of the factors of a block; its columns are its cells, the last factor fastest."""
    return tuple(sizes[name] for name in block.factors)


def starts_of(blocks: tuple[Block, ...], sizes: Sizes) -> list[int]:
    """First column of every block, and the number of columns in the end."""
    out = [0]
    for block in blocks:
        out.append(out[-1] + prod(shape_of(block, sizes)))
    return out


def cells_in(blocks: tuple[Block, ...], sizes: Sizes, number: Number, factors: tuple[str, ...]) -> np.ndarray:
    """(cells of `factors`..., …) columns of a covering block, as an array whose last axis is summed over.

    Parameters
    ----------
    blocks : tuple of Block
    sizes : dict of str to int
        Levels of the factors.
    number : Number
    factors : tuple of str
        In the order that the axes of the result shall have.

    Returns
    -------
    (l_1, …, l_f, r) int64
        Columns that add up to the number in a cell of `factors`.
    """
    i = cover(blocks, number, factors)
    assert i is not None
    block, start = blocks[i], starts_of(blocks, sizes)[i]
    shape = shape_of(block, sizes)
    columns = start + np.arange(prod(shape), dtype=np.int64).reshape(shape)
    own = [block.factors.index(name) for name in factors]
    rest = [axis for axis in range(len(shape)) if axis not in own]
    turned = columns.transpose([*own, *rest])
    return turned.reshape(*(shape[a] for a in own), -1)


def recentring(
    blocks: tuple[Block, ...], sizes: Sizes, units: dict[Number, Unit], wanted: dict[Number, Unit]
) -> np.ndarray | None:
    """(m, m) T with (columns in the wanted units) = (columns) T; None where nothing changes.

    (v - c') d' = (v - c) d (d'/d) + (c - c') d': the shift is taken in units of the spread, and multiplies
    the indicator of the cell.
    """
    if all(_same(units[b.number], wanted[b.number]) for b in blocks if b.number):
        return None
    starts = starts_of(blocks, sizes)
    T = np.eye(starts[-1])
    for i, block in enumerate(blocks):
        if not block.number:
            continue
        old, new = units[block.number], wanted[block.number]
        at = np.arange(starts[i], starts[i + 1])
        T[at, at] = new.scale / old.scale
        if is_centred(blocks, block.number):
            ones = cells_in(blocks, sizes, (), block.factors).reshape(len(at), -1)
            T[ones, at[:, None]] = (old.centre - new.centre) * new.scale
    return T


def _same(a: Unit, b: Unit) -> bool:
    return a is b or (a.centre == b.centre and a.scale == b.scale)


def with_response(T: np.ndarray | None, constant: np.ndarray, old: Unit, new: Unit) -> np.ndarray | None:
    """(m + 1, m + 1) T that moves the response too; `constant` are the columns that add up to one."""
    if T is None and _same(old, new):
        return None
    m = len(constant)
    out = np.eye(m + 1)
    out[:m, :m] = np.eye(m) if T is None else T
    out[m, m] = new.scale / old.scale
    out[:m, m] = constant * ((old.centre - new.centre) * new.scale)
    return out


def constant_columns(blocks: tuple[Block, ...], sizes: Sizes) -> np.ndarray:
    """(m,) 0/1 weights with which the columns of blocks add up to the constant."""
    out = np.zeros(starts_of(blocks, sizes)[-1])
    out[cells_in(blocks, sizes, (), ())] = 1.0
    return out
