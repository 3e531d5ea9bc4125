"""The marginal equations of a fit, from its factor: X'V^-1 X and Z'V^-1 X, nothing of the size of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.estimate import Estimate

INVERTIBLE = 1e-4
"""Reciprocal condition number from which a factor Lambda is divided by."""


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """X'V^-1 X and Z'V^-1 X, V in units of sigma^2, on the centred and scaled columns of X.

    Attributes
    ----------
    C : (p, p) float64
        (X'V^-1 X)^-1.
    U : tuple of (levels, K, p) float64
        Z'V^-1 X of every grouping, for the user's columns of Z.
    T : (p, p) float64
        beta (user's) = T beta (centred and scaled), but for the shift of the response.
    """

    C: np.ndarray
    U: tuple[np.ndarray, ...]
    T: np.ndarray


def marginal(estimate: Estimate) -> Marginal:
    """Return the marginal equations at the estimate.

    Z'V^-1 X = A_ZX - A_ZZ Lambda Omega^-1 Lambda' A_ZX; where Lambda can be inverted, its equal
    Lambda^-T Omega^-1 Lambda' A_ZX, which loses no digits when the random effects dominate.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    Marginal

    Notes
    -----
    One block solve with p right-hand sides.
    """
    cross, factor = estimate.cross, estimate.factor
    zx = np.ascontiguousarray(cross.zx[:, : cross.p])
    inner = factor.solve(factor.lambda_transposed(zx))
    inverse = np.linalg.inv(factor.rx())
    whole, blocks, at = None, [], 0
    for f, (levels, k) in enumerate(zip(cross.levels, cross.columns, strict=True)):
        rows, lam = slice(at, at + levels * k), factor.lambdas[f]
        if invertible(lam):
            block = np.einsum("ba,lbp->lap", np.linalg.inv(lam), inner[rows].reshape(levels, k, -1))
        else:
            if whole is None:
                whole = zx - factor.multiply(factor.times_lambda(inner))
            block = whole[rows].reshape(levels, k, -1)
        blocks.append(np.einsum("ba,lbp->lap", np.linalg.inv(cross.z_transform[f]), block))
        at += levels * k
    return Marginal(inverse @ inverse.T, tuple(blocks), estimate._x_transform)


def invertible(lam: np.ndarray) -> bool:
    """Whether dividing by a (K, K) factor costs few digits."""
    values = np.linalg.svd(lam, compute_uv=False)
    return bool(values[-1] > INVERTIBLE * max(1.0, values[0]))
