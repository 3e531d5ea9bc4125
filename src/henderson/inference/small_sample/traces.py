"""Sums of products of the blocks of N = Z'V^-1 Z: all that the traces of Kenward and Roger are made of.

tr(V^-1 G_r V^-1 G_s), with G_r = Z E_r Z' and E_r the same (K, K) matrix in every level of one grouping, is a
sum over pairs of levels of products of entries of N. So for every two groupings f, h

    S_fh[x, y, w, z] = sum over levels g of f, k of h of N_gk[x, w] N_gk[y, z]

is all that is needed, and it follows from `Eliminated` without ever forming N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.small_sample.components import Piece, others, pieces
from henderson.inference.small_sample.elimination import Eliminated, Rows, eliminate
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.estimate import Estimate

_GATHERED_AT_ONCE = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class BlockSums:
    """Sums over the levels.

    Attributes
    ----------
    single : tuple of (K, K) float64
        sum_g N_gg of every grouping.
    double : dict of (f, h) to (K_f, K_f, K_h, K_h) float64
        S_fh as above, for every ordered pair of groupings.
    """

    single: tuple[np.ndarray, ...]
    double: dict[tuple[int, int], np.ndarray]


def block_sums(estimate: Estimate) -> BlockSums:
    """Sum the products of blocks of Z'V^-1 Z over the levels.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    BlockSums

    Raises
    ------
    FitError
        All but the largest grouping have more than 6000 columns that meet.

    Notes
    -----
    O(K^2 q2^3) with K the columns of the largest grouping and q2 those of all others; memory (K^2 + 5) q2^2.
    """
    parts = pieces(estimate.cross)
    lambdas = estimate.factor.lambdas
    total = BlockSums(tuple(np.zeros((k, k)) for k in estimate.cross.columns), {})
    with blas_threads_for(max(others(part) for part in parts)):
        for part in parts:
            total = _added(total, _of_piece(part, eliminate(part, lambdas)))
    return total


def _added(total: BlockSums, more: BlockSums) -> BlockSums:
    single = tuple(a + b for a, b in zip(total.single, more.single, strict=True))
    return BlockSums(single, {key: total.double.get(key, 0.0) + block for key, block in more.double.items()})


def _of_piece(part: Piece, eliminated: Eliminated) -> BlockSums:
    if not eliminated.others:
        return BlockSums((eliminated.D.sum(axis=0),), {(0, 0): _products(eliminated.D, eliminated.D)})
    return _crossed(part, eliminated)


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """sum_g a_g[x, w] b_g[y, z] as (x, y, w, z)."""
    return np.asarray(np.einsum("gxw,gyz->xywz", a, b, optimize=True))


def _crossed(cross: Piece, parts: Eliminated) -> BlockSums:
    zero, K = parts.largest, cross.columns[parts.largest]
    H = _grams(parts.R)
    single: list[np.ndarray] = [np.zeros((k, k)) for k in cross.columns]
    double: dict[tuple[int, int], np.ndarray] = {}
    lost = np.array([[np.vdot(parts.M, H[a][b]) for b in range(K)] for a in range(K)])
    single[zero] = parts.D.sum(axis=0) - lost
    double[zero, zero] = _largest(parts, H)
    HG = [[H[a][b] @ parts.G for b in range(K)] for a in range(K)]
    for f, columns in _columns(cross, parts.others).items():
        sums = np.empty((K, K, cross.columns[f], cross.columns[f]))
        left = parts.G[:, columns].reshape(len(parts.G), -1, cross.columns[f])
        for a in range(K):
            for b in range(K):
                right = HG[a][b][:, columns].reshape(left.shape)
                sums[a, b] = np.einsum("ilc,ild->cd", left, right, optimize=True)
        double[zero, f] = sums
        double[f, zero] = sums.transpose(2, 3, 0, 1)
    _others(cross, parts, single, double)
    return BlockSums(tuple(single), double)


def _grams(R: Rows) -> list[list[np.ndarray]]:
    """R_a'R_b of every two of the K matrices, (q2, q2) each."""
    K = R.data.shape[1]
    upper = {(a, b): R.gram(R.data[:, a], R.data[:, b]) for a in range(K) for b in range(a, K)}
    return [[upper[a, b] if b >= a else upper[b, a].T for b in range(K)] for a in range(K)]


def _columns(cross: Piece, others: tuple[int, ...]) -> dict[int, slice]:
    out, at = {}, 0
    for f in others:
        out[f] = slice(at, at + cross.levels[f] * cross.columns[f])
        at = out[f].stop
    return out


def _largest(parts: Eliminated, H: list[list[np.ndarray]]) -> np.ndarray:
    """S of the largest grouping with itself: N_gh = D_g (g = h) - (R M R')_gh."""
    K, D = parts.D.shape[1], parts.D
    E = quadratic_forms(parts.R, parts.M)
    MH = [[parts.M @ H[a][b] for b in range(K)] for a in range(K)]
    last = np.empty((K, K, K, K))
    for x, y, w, z in np.ndindex(K, K, K, K):
        last[x, y, w, z] = np.vdot(MH[z][w].T, MH[x][y])
    return _products(D, D) - _products(D, E) - _products(E, D) + last


def _others(
    cross: Piece,
    parts: Eliminated,
    single: list[np.ndarray],
    double: dict[tuple[int, int], np.ndarray],
) -> None:
    N, columns = parts.B @ parts.G, _columns(cross, parts.others)
    for f, rows in columns.items():
        kf = cross.columns[f]
        for h, across in columns.items():
            block = N[rows, across].reshape(cross.levels[f], kf, cross.levels[h], cross.columns[h])
            double[f, h] = np.einsum("gxkw,gykz->xywz", block, block, optimize=True)
            if f == h:
                single[f] = np.einsum("gxgw->xw", block)


def quadratic_forms(R: Rows, M: np.ndarray) -> np.ndarray:
    """(levels, K, K) R_g M R_g' of every level, M symmetric (q2, q2).

    Notes
    -----
    O(sum of squared numbers of partners); by dense products where the rows are mostly full.
    """
    levels, K = len(R.start) - 1, R.data.shape[1]
    out, counts = np.zeros((levels, K, K)), np.diff(R.start)
    for count in np.unique(counts[counts > 0]).tolist():
        which = np.flatnonzero(counts == count)
        step = max(1, _GATHERED_AT_ONCE // (count * count))
        for first in range(0, len(which), step):
            some = which[first : first + step]
            entry = R.start[some][:, None] + np.arange(count)
            column, data = R.column[entry], R.data[entry]
            inner = M[column[:, :, None], column[:, None, :]] @ data
            out[some] = data.transpose(0, 2, 1) @ inner
    return out
