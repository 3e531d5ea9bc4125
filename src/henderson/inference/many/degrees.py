"""Standard errors and Satterthwaite's degrees of freedom of many responses, a block at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.inference.many.found import Finished, Searches
from henderson.inference.many.hessian import scaled_hessians
from henderson.inference.many.roots import transform
from henderson.inference.small_sample.identified import MATTERS
from henderson.inference.small_sample.satterthwaite import NO_INFORMATION
from henderson.optim.chart import chart_as_typed


def x_inverse(x_transform: np.ndarray, at: Finished) -> np.ndarray:
    """(R, p, p) matrices B with sigma^2 B B' the covariance of the fixed effects in the user's units."""
    return np.asarray(x_transform @ np.linalg.inv(at.root))


def satterthwaite_df(
    run: Any,
    cross: CrossProducts,
    found: Searches,
    which: np.ndarray,
    at: Finished,
    lambdas: list[np.ndarray],
    inverse: np.ndarray,
    sigma: np.ndarray,
    nu: int,
) -> np.ndarray:
    """(R, p) degrees of freedom of every coefficient, NaN where the data do not tell the variances apart.

    df = 2 (c'Phi c)^2 / (g'W g), g the gradient of c'Phi c by (theta, sigma) and W = 2 H^-1.

    Parameters
    ----------
    run, cross, found, which, at, lambdas, sigma, nu
        As `scaled_hessians`.
    inverse : (R, p, p) float64
        From `x_inverse`.

    Notes
    -----
    As `small_sample.satterthwaite`, of which the diagonals are taken.
    """
    hessian = scaled_hessians(run, cross, found, which, at, lambdas, sigma, nu)
    H, whole = hessian.H.copy(), hessian.whole
    H[~whole] = np.eye(H.shape[1])
    variance = sigma[:, None] ** 2 * (inverse**2).sum(axis=2)
    gradient = _diagonal_gradient(cross, at, lambdas, inverse, sigma, variance)
    values, vectors = np.linalg.eigh(H)
    good = values > NO_INFORMATION * np.maximum(1.0, values[:, -1:])
    along = (hessian.steps @ vectors).transpose(0, 2, 1) @ gradient
    with np.errstate(divide="ignore", invalid="ignore"):
        share = along / variance[:, None, :]
        df = 1 / np.einsum("rdp,rd->rp", share**2, good / np.where(good, values, 1.0))
    lost = ((np.abs(share) > MATTERS) & ~good[:, :, None]).any(axis=(1, 2))
    df[~(variance > 0)] = np.nan
    df[lost | ~whole] = np.nan
    return np.asarray(df)


def _diagonal_gradient(
    cross: CrossProducts,
    at: Finished,
    lambdas: list[np.ndarray],
    inverse: np.ndarray,
    sigma: np.ndarray,
    variance: np.ndarray,
) -> np.ndarray:
    """(R, n_theta + 1, p) derivative of the variance of every coefficient by theta and sigma."""
    count, p = variance.shape
    out = np.empty((count, len(cross.entries) + 1, p))
    for block, lam in zip(chart_as_typed(cross.entries).blocks, lambdas, strict=True):
        here = slice(block.first, block.first + block.k)
        products = at.products[block.grouping][:, here, here]
        turned = inverse[:, None, None] @ products  # rows of (Z'V^-1 X C) as the user's units have them
        diagonal = np.einsum("rabij,rij->rabi", turned, inverse)
        back = np.linalg.inv(transform(cross, block))
        diagonal = np.einsum("ca,db,rcdi->rabi", back, back, diagonal, optimize=True)
        by = 2 * sigma[:, None, None, None] ** 2 * np.einsum("rabi,rbc->raci", diagonal, lam)
        for a in range(block.k):
            for b in range(a + 1):
                out[:, block.positions[a, b]] = by[:, a, b]
    out[:, -1] = 2 / sigma[:, None] * variance
    return out
