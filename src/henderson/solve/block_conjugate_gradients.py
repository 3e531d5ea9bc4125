"""Block conjugate gradients: several right-hand sides share one Krylov space.

The block version of Dubrulle (2001, Electron. Trans. Numer. Anal. 12, 216-233), residuals kept as Q C with
orthonormal Q. With r vectors the r slowest directions of the matrix cost one iteration together instead of r
one after the other, so clusters that hang loosely together do little harm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henderson.errors import FitError

MOST = 500
"""Iterations after which there is no hope."""


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Solutions of S X = B.

    Attributes
    ----------
    x : (q, r) float64
    residual : (q, r) float64
        B - S X.
    iterations : int
    reached : float
        Largest residual in units of the right-hand side.
    """

    x: np.ndarray
    residual: np.ndarray
    iterations: int
    reached: float


def solve(
    product: Callable[[np.ndarray], np.ndarray], B: np.ndarray, start: np.ndarray | None, tol: float
) -> Solved:
    """Solve S X = B for a symmetric positive definite S known by its products.

    Parameters
    ----------
    product : callable
        (q, r) -> (q, r), S times a block.
    B : (q, r) float64
    start : (q, r) float64, optional
        Where to begin; default: zero.
    tol : float
        Residual norm to reach, in units of the norm of every right-hand side.

    Returns
    -------
    Solved

    Raises
    ------
    FitError
        Not reached in 500 iterations.

    Notes
    -----
    One product and O(q r^2) arithmetic an iteration.
    """
    size = np.linalg.norm(B, axis=0)
    size[size == 0] = 1.0
    x = np.zeros_like(B) if start is None else start / size
    residual = B / size if start is None else B / size - product(x)
    Q, C = np.linalg.qr(residual)
    P, iterations = Q, 0
    worst = float(np.linalg.norm(C, axis=0).max(initial=0.0))
    while worst > tol:
        if iterations == MOST:
            raise _not_converged(worst, tol)
        SP = product(P)
        alpha = _inverse(P.T @ SP)
        x += P @ (alpha @ C)
        Q, zeta = np.linalg.qr(Q - SP @ alpha)
        C, P = zeta @ C, Q + P @ zeta.T
        iterations += 1
        worst = float(np.linalg.norm(C, axis=0).max())
    return Solved(x * size, (Q @ C) * size, iterations, worst)


def _inverse(M: np.ndarray) -> np.ndarray:
    """Inverse of a symmetric positive definite matrix; directions without any length are left out."""
    w, V = np.linalg.eigh((M + M.T) / 2)
    keep = w > 1e-13 * w[-1]
    return (V[:, keep] / w[keep]) @ V[:, keep].T


def _not_converged(worst: float, tol: float) -> FitError:
    return FitError(
        f"Conjugate gradients stand at a relative residual of {worst:.1e} after {MOST} iterations, {tol:.1e} "
        "is needed: some combinations of levels are nearly indistinguishable from others. Look for grouping "
        "factors that nearly repeat one another, or fit with solver='direct' if memory allows."
    )
