"""log|S| by stochastic Lanczos quadrature (Ubaru, Chen & Saad 2017, SIAM J. Matrix Anal. 38, 1075-1099).

For any z, z' log(S) z is a Gauss quadrature whose nodes and weights are the eigenvalues of the Lanczos matrix
of z and the squared first entries of its eigenvectors. Where the preconditioned complement has unit diagonal,
tr(S - I) = 0, so z'(S - I)z, its first-order part, is taken off: it is only noise. The directions with the
smallest eigenvalues are known beforehand, and taken exactly as in `henderson.solve.probes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henderson.solve.probes import draw_probes

MOST = 120
"""Lanczos steps at most."""
DENSE = 128
"""Up to this size the matrix is formed by its products with unit vectors, and nothing is random."""
PART = 0.05
"""Steps stop when what all further ones would change is below this share of the Monte Carlo error."""
SLOWEST = 0.95
"""Steps are taken to gain at least this little on one another, however even they look."""


@dataclass(frozen=True, slots=True, eq=False)
class LogDeterminant:
    """An estimate of log|S|.

    Attributes
    ----------
    value : float
    error : float
        Standard error: Monte Carlo, and what further steps would change; zero where S was small enough to be
        formed.
    steps : int
        Lanczos steps.
    """

    value: float
    error: float
    steps: int


def log_determinant(
    product: Callable[[np.ndarray], np.ndarray],
    basis: np.ndarray,
    *,
    vectors: int,
    seed: int = 0,
    unit_diagonal: bool = True,
) -> LogDeterminant:
    """log|S| of a symmetric positive definite (q, q) matrix known by its products.

    Parameters
    ----------
    product : callable
        (q, r) -> (q, r).
    basis : (q, m) float64
        Orthonormal directions to be taken exactly; may be empty, m = 0.
    vectors : int
        Random vectors.
    seed : int
    unit_diagonal : bool, default True
        Whether S has trace q, so that its first-order part can be taken off.

    Returns
    -------
    LogDeterminant

    Notes
    -----
    One product with all vectors a step, 4 to 20 steps.
    """
    q = len(basis)
    if q == 0:
        return LogDeterminant(0.0, 0.0, 0)
    if q <= DENSE:
        return LogDeterminant(float(np.linalg.slogdet(product(np.eye(q)))[1]), 0.0, 0)
    probes = draw_probes(basis, vectors, seed)
    size = (probes.vectors**2).sum(axis=0)
    v = probes.vectors / np.sqrt(size)
    before, beta = np.zeros_like(v), np.zeros(len(size))
    diagonal: list[np.ndarray] = []
    beside: list[np.ndarray] = []
    means: list[float] = []
    while True:
        w = product(v) - beta * before
        diagonal.append((v * w).sum(axis=0))
        w -= diagonal[-1] * v
        beta = np.linalg.norm(w, axis=0)
        each = size * (_quadratures(diagonal, beside) - unit_diagonal * (diagonal[0] - 1))
        means.append(float(probes.mean(each)))
        error, left = float(np.sqrt(probes.covariance_of_mean(each[:, None])[0, 0])), _left(means)
        if left <= PART * error + 1e-12 * q or len(diagonal) == min(MOST, q):
            return LogDeterminant(means[-1], float(np.hypot(error, left)), len(diagonal))
        beside.append(beta)
        before, v = v, w / np.where(beta > 0, beta, 1.0)


def _left(means: list[float]) -> float:
    """What all further steps would change, if each changes the same share of the one before."""
    if len(means) < 4:
        return np.inf
    changes = np.abs(np.diff(means[-4:]))
    if changes[-1] == 0:
        return 0.0
    share = min(SLOWEST, float(np.sqrt(changes[-1] / changes[0])) if changes[0] else SLOWEST)
    return float(changes[-1] * share / (1 - share))


def _quadratures(diagonal: list[np.ndarray], beside: list[np.ndarray]) -> np.ndarray:
    """(vectors,) e_1' log(T) e_1 of the tridiagonal T of every vector."""
    T = np.zeros((len(diagonal[0]), len(diagonal), len(diagonal)))
    for i, alpha in enumerate(diagonal):
        T[:, i, i] = alpha
    for i, beta in enumerate(beside):
        T[:, i, i + 1] = T[:, i + 1, i] = beta
    w, V = np.linalg.eigh(T)
    return (np.log(np.maximum(w, np.finfo(float).tiny)) * V[:, 0, :] ** 2).sum(axis=1)
