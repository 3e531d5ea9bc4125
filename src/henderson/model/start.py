"""Where the search starts: variances by the method of moments, from the cross-products alone."""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts

SMALLEST, LARGEST = 0.1, 10.0
"""Bounds of a starting diagonal: zero is stationary, and a huge ratio is more likely a small sample than the truth."""


def moment_start(cross: CrossProducts) -> np.ndarray:
    """Diagonal theta from the sums of residuals of every level.

    With r the least-squares residual, s^2 its variance and e_g = z_g'r the sum over level g of one column, a variance v of
    that column alone gives E e_g^2 = s_e^2 a_g + v a_g^2 with a_g = z_g'z_g; hence v = sum(e_g^2 - s^2 a_g) / sum a_g^2.
    What the columns explain is taken off s^2 to give the residual variance, and theta = sqrt(v / s_e^2).

    Parameters
    ----------
    cross : CrossProducts

    Returns
    -------
    (n_theta,)
        On the scaled columns; zero off the diagonals.

    Notes
    -----
    O(q p + p^3). A start only: crossed columns are counted as if each stood alone.
    """
    p = cross.p
    beta = np.linalg.lstsq(cross.xx[:p, :p], cross.xx[:p, p], rcond=None)[0] if p else np.zeros(0)
    total = float(cross.xx[p, p] - beta @ cross.xx[:p, p]) / max(cross.n - p, 1)
    if not total > 0:
        return (cross.entries[:, 1] == cross.entries[:, 2]).astype(float)
    scores = cross.zx[:, p] - cross.zx[:, :p] @ beta
    variances, at = [], 0
    for levels, k, blocks in zip(cross.levels, cross.columns, cross.zz, strict=True):
        e = scores[at : at + levels * k].reshape(levels, k)
        a = np.einsum("gkk->gk", blocks)
        variances.append((e * e - total * a).sum(axis=0) / (a * a).sum(axis=0))
        at += levels * k
    return _on_diagonals(cross, variances, total)


def _on_diagonals(cross: CrossProducts, variances: list[np.ndarray], total: float) -> np.ndarray:
    explained = sum(float(np.maximum(v, 0).sum()) for v in variances)
    residual = max(total - explained, 0.1 * total)
    theta = [
        min(max(np.sqrt(max(variances[f][row], 0.0) / residual), SMALLEST), LARGEST) if row == column else 0.0
        for f, row, column, _ in cross.entries.tolist()
    ]
    return np.array(theta)
