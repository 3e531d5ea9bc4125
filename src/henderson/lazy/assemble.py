"""Tables of sums → the sufficient statistics, the same as one pass over the rows in memory would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from henderson.crossprod.accumulate import Spread
from henderson.crossprod.record import PairBlocks
from henderson.lazy.columns import Columns, distinct
from henderson.lazy.plan import CONSTANT, Atom

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Entered:
    """Columns as they enter the cross-products: centred and scaled, on the numbers of a table.

    Attributes
    ----------
    numbers : tuple of Atom, length D
        The constant first.
    weights : (C, D, k) float64
        Column j in a cell of combination c is ``numbers @ weights[c, :, j]``.
    """

    numbers: tuple[Atom, ...]
    weights: np.ndarray


def spreads_of(
    columns: Columns, moments: np.ndarray, numbers: tuple[Atom, ...], centres: dict[Atom, float]
) -> tuple[Spread, ...]:
    """Return means and sizes of columns from sums of the numbers.

    Parameters
    ----------
    columns : Columns
        On C combinations.
    moments : (C, 3, D) float64
        Rows, sums and sums of squares of the centred numbers.
    numbers : tuple of Atom, length D
    centres : dict of Atom to float

    Returns
    -------
    tuple of Spread, length p
    """
    at = {a: i for i, a in enumerate(numbers)}
    n, out = float(moments[:, 0, 0].sum()), []
    for j, a in enumerate(columns.atoms):
        k, centre = columns.coefficients[:, j], centres[a]
        rows, sums, squares = moments[:, :, at[a]].T
        if a == CONSTANT:
            centre, sums, squares = 1.0, np.zeros_like(rows), np.zeros_like(rows)
        mean = float((k * (centre * rows + sums)).sum()) / n
        shift = k * centre - mean
        variance = float((k**2 * squares + 2 * k * shift * sums + shift**2 * rows).sum()) / n
        square = float((k**2 * (squares + 2 * centre * sums + centre**2 * rows)).sum()) / n
        size = math.sqrt(max(square, 0.0))
        deviation = math.sqrt(variance) if variance > (1e-15 * size) ** 2 else 0.0
        out.append(Spread(mean, deviation, size, deviation == 0.0 and abs(mean - 1.0) < 1e-14))
    return tuple(out)


def entered(
    columns: Columns,
    numbers: tuple[Atom, ...],
    centres: dict[Atom, float],
    centre: np.ndarray,
    scale: np.ndarray,
) -> Entered:
    """Return columns centred and scaled: (column - centre) * scale."""
    weights = columns.on(numbers, centres)
    weights[:, 0, :] -= centre
    return Entered(numbers, weights * scale)


def sum_cells(codes: np.ndarray, levels: int, values: np.ndarray) -> np.ndarray:
    """(levels, …) sums of (cells, …) values by level; a plain rearrangement where every level is one cell."""
    if len(codes) == levels:
        out = np.empty_like(values)
        out[codes] = values
        met = np.zeros(levels, dtype=bool)
        met[codes] = True
        if met.all():
            return out
    flat = values.reshape(len(values), -1)
    sums = [np.bincount(codes, weights=flat[:, j], minlength=levels) for j in range(flat.shape[1])]
    return np.stack(sums, axis=1).reshape(levels, *values.shape[1:]) if sums else np.zeros((levels, 0))


def products(sums: np.ndarray, left: np.ndarray, right: np.ndarray, which: np.ndarray) -> np.ndarray:
    """(cells, k, l) of left' sums right, with the weights of the combination of every cell.

    Parameters
    ----------
    sums : (cells, a, b) float64
    left : (C, a, k) float64
    right : (C, b, l) float64
    which : (cells,) int
    """
    out = np.empty((len(sums), left.shape[2], right.shape[2]))
    for start in range(0, len(sums), _CHUNK):
        rows = slice(start, start + _CHUNK)
        a, b = (left[0], right[0]) if len(left) == 1 else (left[which[rows]], right[which[rows]])
        out[rows] = np.swapaxes(a, -1, -2) @ (sums[rows] @ b)
    return out


def pair_blocks(
    first: int, second: int, codes: tuple[np.ndarray, np.ndarray], levels: tuple[int, int], blocks: np.ndarray
) -> PairBlocks:
    """Put the blocks of two groupings into compressed rows.

    Parameters
    ----------
    first, second : int
        The groupings; the first has at least as many levels.
    codes : pair of (cells,) int
        Level of each grouping, by cell.
    levels : pair of int
    blocks : (cells, K_first, K_second) float64

    Returns
    -------
    PairBlocks
    """
    place = codes[0].astype(np.int64) * levels[1] + codes[1]
    entries, at = distinct(place, levels[0] * levels[1])
    merged = sum_cells(at, len(entries), blocks)
    row, partner = np.divmod(entries, levels[1])
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=levels[0]))])
    return PairBlocks(
        first, second, start.astype(np.int64), partner.astype(np.int32), np.ascontiguousarray(merged)
    )


def pseudo_rows(moments: np.ndarray) -> np.ndarray:
    """(C, D, D) rows that have the same sums of products as the rows of each combination.

    Parameters
    ----------
    moments : (C, D, D) float64
        Sums of products; the constant first.

    Notes
    -----
    The mean is taken out before the root is taken, and the numbers scaled, so that nothing cancels.
    """
    n = moments[:, 0, 0]
    mean = moments[:, 0, :] / n[:, None]
    out = np.zeros_like(moments)
    out[:, 0, :] = np.sqrt(n)[:, None] * mean
    scatter = moments[:, 1:, 1:] - n[:, None, None] * mean[:, 1:, None] * mean[:, None, 1:]
    size = np.sqrt(np.maximum(np.einsum("cii->ci", scatter), 0.0))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(scatter / size[:, :, None] / size[:, None, :])
    root = np.sqrt(np.maximum(values, 0.0))[:, :, None] * np.swapaxes(vectors, 1, 2)
    out[:, 1:, 1:] = root * size[:, None, :]
    return out
