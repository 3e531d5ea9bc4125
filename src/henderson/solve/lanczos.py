"""log|S| by stochastic Lanczos quadrature (Ubaru, Chen & Saad 2017, SIAM J. Matrix Anal. 38, 1075-1099).

For random signs z, z' log(S) z is a Gauss quadrature whose nodes and weights are the eigenvalues of the
Lanczos matrix of z and the squared first entries of its eigenvectors. Where the preconditioned complement has
unit diagonal, tr(S - I) = 0, so z'(S - I)z, its first-order part, is taken off: it is only noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST = 80
"""Lanczos steps at most."""
DENSE = 128
"""Up to this size the matrix is formed by its products with unit vectors, and nothing is random."""
PART = 0.05
"""Steps stop when one more changes the estimate by less than this share of its Monte Carlo error."""


@dataclass(frozen=True, slots=True, eq=False)
class LogDeterminant:
    """An estimate of log|S|.

    Attributes
    ----------
    value : float
    error : float
        Monte Carlo standard error; zero where S was small enough to be formed.
    steps : int
        Lanczos steps.
    """

    value: float
    error: float
    steps: int


def log_determinant(
    product: Callable[[np.ndarray], np.ndarray],
    q: int,
    *,
    vectors: int = 8,
    seed: int = 0,
    unit_diagonal: bool = True,
) -> LogDeterminant:
    """log|S| of a symmetric positive definite (q, q) matrix known by its products.

    Parameters
    ----------
    product : callable
        (q, r) -> (q, r).
    q : int
    vectors : int, default 8
        Random vectors.
    seed : int
    unit_diagonal : bool, default True
        Whether S has trace q, so that its first-order part can be taken off.

    Returns
    -------
    LogDeterminant

    Notes
    -----
    One product with all vectors a step, 10 to 40 steps.
    """
    if q == 0:
        return LogDeterminant(0.0, 0.0, 0)
    if q <= DENSE:
        return LogDeterminant(float(np.linalg.slogdet(product(np.eye(q)))[1]), 0.0, 0)
    draw = np.random.default_rng((seed, 1))
    v = draw.integers(0, 2, (q, vectors)) * 2.0 - 1.0
    v /= np.sqrt(q)
    before, beta = np.zeros_like(v), np.zeros(vectors)
    diagonal: list[np.ndarray] = []
    beside: list[np.ndarray] = []
    last = np.full(vectors, np.inf)
    while True:
        w = product(v) - beta * before
        diagonal.append((v * w).sum(axis=0))
        w -= diagonal[-1] * v
        beta = np.linalg.norm(w, axis=0)
        each = q * (_quadratures(diagonal, beside) - unit_diagonal * (diagonal[0] - 1))
        error = float(each.std(ddof=1) / np.sqrt(vectors))
        done = abs(each.mean() - last.mean()) <= PART * error + 1e-12 * q
        if done or len(diagonal) == min(MOST, q):
            return LogDeterminant(float(each.mean()), error, len(diagonal))
        last = each
        beside.append(beta)
        before, v = v, w / np.where(beta > 0, beta, 1.0)


def _quadratures(diagonal: list[np.ndarray], beside: list[np.ndarray]) -> np.ndarray:
    """(vectors,) e_1' log(T) e_1 of the tridiagonal T of every vector."""
    T = np.zeros((len(diagonal[0]), len(diagonal), len(diagonal)))
    for i, alpha in enumerate(diagonal):
        T[:, i, i] = alpha
    for i, beta in enumerate(beside):
        T[:, i, i + 1] = T[:, i + 1, i] = beta
    w, V = np.linalg.eigh(T)
    return (np.log(np.maximum(w, np.finfo(float).tiny)) * V[:, 0, :] ** 2).sum(axis=1)
