"""Where the searches of many responses start: `model.start.moment_start`, for a block at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.inference.intervals.responses import Products
from henderson.model.start import LARGEST, LEAST_RESIDUAL, ROUNDS, SMALLEST
from henderson.optim.chart import Chart, chart_as_typed, chart_in_order


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Starting values of R responses.

    Attributes
    ----------
    charts : (C, n_theta, 4) int32
        Entries of theta in every order of rows that occurs.
    which : (R,) int32
        The chart of every response.
    theta : (R, n_theta) float64
        Diagonal roots, largest variance first.
    """

    charts: np.ndarray
    which: np.ndarray
    theta: np.ndarray


def moment_starts(cross: CrossProducts, block: Products) -> Starts:
    """Diagonal Lambda of every response from the sums of residuals of every level, as `moment_start`.

    Parameters
    ----------
    cross : CrossProducts
        Of the design.
    block : Products
        R responses.

    Returns
    -------
    Starts

    Notes
    -----
    O(R q (p + K^2)).
    """
    p = cross.p
    beta = np.linalg.solve(cross.xx[:p, :p], block.xy.T).T
    squares = block.yy - np.einsum("rp,rp->r", beta, block.xy)
    total = np.maximum(squares, 0.0) / max(cross.n - p, 1)
    scores = block.zy - beta @ cross.zx[:, :p].T
    sums, least, at = [], total, 0
    for levels, k, blocks in zip(cross.levels, cross.columns, cross.zz, strict=True):
        e = scores[:, at : at + levels * k].reshape(-1, levels, k)
        a = blocks.diagonal(axis1=1, axis2=2)
        sums.append(((e * e).sum(axis=1), a.sum(axis=0), (a * a).sum(axis=0)))
        if cross.n > p + levels * k:
            least = np.minimum(least, (squares - _explained(e, blocks)) / (cross.n - p - levels * k))
        at += levels * k
    least = np.maximum(least, LEAST_RESIDUAL * total)
    variances = _moments(sums, total, least)
    explained = sum(v.sum(axis=1) for v in variances)
    residual = np.minimum(least, np.maximum(total - explained, 0.1 * total))
    return _charted(cross, [_bounded(v, residual, s[1]) for v, s in zip(variances, sums, strict=True)])


def _bounded(variances: np.ndarray, residual: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(R, K) starting diagonal: roots of ratios, 1 where a response has no spread, 0 for columns of zeros."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.clip(np.sqrt(variances / residual[:, None]), SMALLEST, LARGEST)
    return np.where(size > 0, np.where(residual[:, None] > 0, root, 1.0), 0.0)


def _moments(
    sums: list[tuple[np.ndarray, np.ndarray, np.ndarray]], total: np.ndarray, least: np.ndarray
) -> list[np.ndarray]:
    """(R, K) variances per grouping from sums of e^2 (R, K), a and a^2 (K,)."""
    others, variances = [total] * len(sums), [np.zeros((len(total), 1))]
    for _ in range(ROUNDS):
        variances = [
            np.where(aa > 0, np.maximum(ee - s2[:, None] * a, 0.0) / np.where(aa > 0, aa, 1.0), 0.0)
            for s2, (ee, a, aa) in zip(others, sums, strict=True)
        ]
        others = [np.maximum(total - v.sum(axis=1), least) for v in variances]
    return variances


def _explained(e: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """(R,) sums over levels of e_g' A_g^-1 e_g for e (R, levels, K)."""
    tiny = np.finfo(float).tiny
    if e.shape[2] == 1:
        return np.asarray((e[:, :, 0] ** 2 / np.maximum(blocks[:, 0, 0], tiny)).sum(axis=1))
    ridged = blocks.copy()  # a level may have fewer rows than columns
    diagonal = np.einsum("gkk->gk", ridged)
    diagonal += 1e-8 * diagonal.sum(axis=1, keepdims=True) + tiny
    solved = np.linalg.solve(ridged, e.transpose(1, 2, 0))
    return np.asarray(np.einsum("rgk,gkr->r", e, solved))


def _charted(cross: CrossProducts, diagonals: list[np.ndarray]) -> Starts:
    """Diagonals (R, K) per grouping as theta in the order of their sizes."""
    typed = chart_as_typed(cross.entries)
    count = len(diagonals[0])
    theta, orders = np.zeros((count, len(cross.entries))), []
    for block in typed.blocks:
        mine = diagonals[block.grouping][:, block.first : block.first + block.k]
        order = np.argsort(-mine, axis=1, kind="stable")
        theta[:, block.positions.diagonal()] = np.take_along_axis(mine, order, axis=1)
        orders.append(order)
    every, which = np.unique(np.concatenate(orders, axis=1), axis=0, return_inverse=True)
    charts = np.stack([_in_order(typed, row.tolist()).entries for row in every])
    return Starts(charts, which.reshape(-1).astype(np.int32), theta)


def _in_order(typed: Chart, flat: list[int]) -> Chart:
    """The chart whose orders stand one after the other."""
    orders, at = [], 0
    for block in typed.blocks:
        orders.append(tuple(flat[at : at + block.k]))
        at += block.k
    return chart_in_order(typed, tuple(orders))
