"""Where the search starts: variances by the method of moments, from the cross-products alone."""

from __future__ import annotations

import math

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.optim.chart import Chart, chart_as_typed, pivot_diagonals

Sums = tuple[list[float], list[float], list[float]]
"""Sums over the levels of e^2, a and a^2, one per column."""

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
        return _diagonal(cross, [[1.0] * k for k in cross.columns])
    total = squares / max(cross.n - p, 1)
    scores = cross.zx[:, p] - cross.zx[:, :p] @ beta
    sums, within, at = [], [total], 0
    for levels, k, blocks in zip(cross.levels, cross.columns, cross.zz, strict=True):
        e = scores[at : at + levels * k].reshape(levels, k)
        a = blocks.diagonal(axis1=1, axis2=2)
        sums.append(((e * e).sum(axis=0).tolist(), a.sum(axis=0).tolist(), (a * a).sum(axis=0).tolist()))
        if cross.n > p + levels * k:
            within.append((squares - _explained(e, blocks)) / (cross.n - p - levels * k))
        at += levels * k
    least = max(min(within), LEAST_RESIDUAL * total)
    variances = _moments(sums, total, least)
    residual = min(least, max(total - sum(map(sum, variances)), 0.1 * total))
    return _diagonal(
        cross,
        [
            [_bounded(v / residual) if a > 0 else 0.0 for v, a in zip(each, sums_f[1], strict=True)]
            for each, sums_f in zip(variances, sums, strict=True)
        ],
    )


def _bounded(ratio: float) -> float:
    """Starting diagonal of a ratio of variances."""
    return min(max(math.sqrt(ratio), SMALLEST), LARGEST)


def _moments(sums: list[Sums], total: float, least: float) -> list[list[float]]:
    """(K,) variances per grouping from sums of e^2, a and a^2 (plain numbers: K is small)."""
    others, variances = [total] * len(sums), [[0.0]]
    for _ in range(ROUNDS):
        variances = [
            [max((ee - s2 * a) / aa, 0.0) if aa > 0 else 0.0 for ee, a, aa in zip(*three, strict=True)]
            for s2, three in zip(others, sums, strict=True)  # a column of zeros has no variance
        ]
        others = [max(total - sum(v), least) for v in variances]
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


def _diagonal(cross: CrossProducts, diagonals: list[list[float]]) -> tuple[Chart, np.ndarray]:
    chart = chart_as_typed(cross.entries)
    return pivot_diagonals(chart, [diagonals[b.grouping][b.first : b.first + b.k] for b in chart.blocks])
