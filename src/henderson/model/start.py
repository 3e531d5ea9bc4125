"""Where the search starts: variances by the method of moments, from the cross-products alone."""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.optim.chart import Chart, chart_as_typed, pivot_diagonals

SMALLEST, LARGEST = 0.1, 30.0
"""Bounds of a starting diagonal: zero is stationary, and a huge ratio is more likely a small sample than the
truth."""

ROUNDS = 3
"""Rounds of taking off what the other columns explain."""

LEAST_RESIDUAL = 1e-3
"""The residual variance starts at this share of the total at least."""


def moment_start(cross: CrossProducts) -> tuple[Chart, np.ndarray]:
    """Diagonal Lambda from the sums of residuals of every level.

    With r the least-squares residual and e_g = z_g'r the sum over level g of one column, a variance v of that
    column and a variance s^2 of everything else give E e_g^2 = s^2 a_g + v a_g^2 with a_g = z_g'z_g; hence v
    = sum(e_g^2 - s^2 a_g) / sum a_g^2. Everything else is the total variance less what this grouping
    explains, which takes a few rounds. The residual variance is the total less all that is explained, or the
    variance within the levels of a grouping where that is smaller; theta = sqrt(v / residual variance).

    Parameters
    ----------
    cross : CrossProducts

    Returns
    -------
    chart : Chart
    theta : (n_theta,)
        On the centred and scaled columns, largest variance first; zero off the diagonals.

    Notes
    -----
    O(q (p + K^2) + p^3). A start only: crossed columns are counted as if each stood alone.
    """
    p = cross.p
    beta = np.linalg.solve(cross.xx[:p, :p], cross.xx[:p, p])  # the design has dropped aliased columns
    squares = float(cross.xx[p, p] - beta @ cross.xx[:p, p])
    if not squares > 0:
        return _diagonal(cross, [np.ones(k) for k in cross.columns])
    total = squares / max(cross.n - p, 1)
    scores = cross.zx[:, p] - cross.zx[:, :p] @ beta
    sums, within, at = [], [total], 0
    for levels, k, blocks in zip(cross.levels, cross.columns, cross.zz, strict=True):
        e = scores[at : at + levels * k].reshape(levels, k)
        a = blocks.diagonal(axis1=1, axis2=2)
        sums.append(((e * e).sum(axis=0), a.sum(axis=0), (a * a).sum(axis=0)))
        if cross.n > p + levels * k:
            within.append((squares - _explained(e, blocks)) / (cross.n - p - levels * k))
        at += levels * k
    least = max(min(within), LEAST_RESIDUAL * total)
    variances = _moments(sums, total, least)
    explained = sum(float(v.sum()) for v in variances)
    residual = min(least, max(total - explained, 0.1 * total))
    start = [np.clip(np.sqrt(v / residual), SMALLEST, LARGEST) for v in variances]
    return _diagonal(cross, [np.where(a > 0, v, 0.0) for v, (_, a, _) in zip(start, sums, strict=True)])


def _moments(
    sums: list[tuple[np.ndarray, np.ndarray, np.ndarray]], total: float, least: float
) -> list[np.ndarray]:
    """(K,) variances per grouping from sums of e^2, a and a^2."""
    others, tiny = [total] * len(sums), np.finfo(float).tiny  # a column of zeros has no variance
    for _ in range(ROUNDS):
        variances = [
            np.maximum((ee - s2 * a) / np.maximum(aa, tiny), 0.0)
            for s2, (ee, a, aa) in zip(others, sums, strict=True)
        ]
        others = [max(total - float(v.sum()), least) for v in variances]
    return variances


def _explained(e: np.ndarray, blocks: np.ndarray) -> float:
    """Sum over levels of e_g' A_g^-1 e_g, the sum of squares that the columns take up level by level."""
    k = e.shape[1]
    if k == 1:
        return float((e[:, 0] ** 2 / np.maximum(blocks[:, 0, 0], np.finfo(float).tiny)).sum())
    ridged = blocks.copy()  # a level may have fewer rows than columns
    diagonal = np.einsum("gkk->gk", ridged)
    diagonal += 1e-8 * diagonal.sum(axis=1, keepdims=True) + np.finfo(float).tiny
    return float((e * np.linalg.solve(ridged, e[..., None])[..., 0]).sum())


def _diagonal(cross: CrossProducts, diagonals: list[np.ndarray]) -> tuple[Chart, np.ndarray]:
    chart, numbers = chart_as_typed(cross.entries), [d.tolist() for d in diagonals]
    return pivot_diagonals(chart, [numbers[b.grouping][b.first : b.first + b.k] for b in chart.blocks])
