"""Relative covariance factors of many responses at once: between charts, search and lme4's theta."""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.optim.chart import Block


def scaled_roots(block: Block, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, k, k) roots of Lambda_i Lambda_i' on the centred and scaled columns, rows as typed.

    Parameters
    ----------
    block : Block
        The term, in any order of its rows.
    theta : (R, n_theta) float64
    rows : (R, n_theta) int
        Row of every entry within the columns of its grouping: the charts may differ in the order of rows.
    """
    out = np.zeros((len(theta), block.k, block.k))
    every = np.arange(len(theta))
    for a in range(block.k):
        for b in range(a + 1):
            place = block.positions[a, b]
            out[every, rows[:, place] - block.first, b] = theta[:, place]
    return out


def roots_of(cross: CrossProducts, block: Block, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, k, k) roots of Lambda_i Lambda_i' for the user's columns; arguments as `scaled_roots`."""
    return np.asarray(transform(cross, block) @ scaled_roots(block, theta, rows))


def transform(cross: CrossProducts, block: Block) -> np.ndarray:
    """(k, k) T of one term: Lambda (user's) = T Lambda (centred and scaled)."""
    at = slice(block.first, block.first + block.k)
    return cross.z_transform[block.grouping][at, at]


def triangles(roots: np.ndarray) -> np.ndarray:
    """(R, k, k) lower triangles with the same products, diagonals not negative: lme4's Lambda_i."""
    if roots.shape[-1] == 1:
        return np.abs(roots)
    L = np.linalg.qr(roots.transpose(0, 2, 1)).R.transpose(0, 2, 1)
    signs = np.where(np.einsum("rkk->rk", L) < 0, -1.0, 1.0)
    return np.asarray(L * signs[:, None, :] + 0.0)


def pivoted(roots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangles and orders (R, k) as `optim.chart.pivoted_triangle`, for a stack of roots (R, k, k)."""
    L, k = roots.copy(), roots.shape[-1]
    every, order = np.arange(len(L)), np.tile(np.arange(k), (len(L), 1))
    if k == 1:
        return np.abs(L), order
    for b in range(k):
        best = b + np.argmax((L[:, b:, b:] ** 2).sum(axis=2), axis=1)
        rows, places = L[every, best].copy(), order[every, best].copy()
        L[every, best], order[every, best] = L[:, b], order[:, b]
        L[:, b], order[:, b] = rows, places
        _reflect(L, b)
    return L, order


def _reflect(L: np.ndarray, b: int) -> None:
    """Turn the columns b, b+1, … of every matrix so that row b has a single entry there, not negative."""
    v = L[:, b, b:].copy()
    length = np.sqrt((v * v).sum(axis=1))
    v[:, 0] += np.copysign(length, v[:, 0])
    size = np.where(length > 0, (v * v).sum(axis=1), 1.0)
    along = np.einsum("raj,rj->ra", L[:, b:, b:], v)
    L[:, b:, b:] -= along[:, :, None] * (2 * v / size[:, None])[:, None, :]
    L[:, b:, b] *= np.where(L[:, b, b] < 0, -1.0, 1.0)[:, None]
    L[:, b, b + 1 :] = 0.0


def charted(
    cross: CrossProducts, blocks: tuple[Block, ...], factors: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Theta and rows (R, n_theta) of the search for factors (R, k, k) of the user's columns."""
    count, width = len(factors[0]), len(cross.entries)
    theta, rows = np.empty((count, width)), np.empty((count, width), dtype=np.int32)
    for block, lam in zip(blocks, factors, strict=True):
        L, order = pivoted(np.linalg.solve(transform(cross, block), lam))
        for a in range(block.k):
            for b in range(a + 1):
                place = block.positions[a, b]
                theta[:, place], rows[:, place] = L[:, a, b], block.first + order[:, a]
    return theta, rows


def chart_table(cross: CrossProducts, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Charts (C, n_theta, 4) and which of them (R,) from the rows (R, n_theta) of the entries."""
    distinct, which = np.unique(rows, axis=0, return_inverse=True)
    charts = np.tile(cross.entries, (len(distinct), 1, 1))
    charts[:, :, 1] = distinct
    return charts, which.reshape(-1).astype(np.int32)
