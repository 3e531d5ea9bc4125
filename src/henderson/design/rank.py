"""Which fixed-effects columns are aliased: the later ones, as R decides it."""

from __future__ import annotations

import numpy as np

TOLERANCE = (
    1e-7  # of R: a column is aliased when what the earlier ones leave of it is this small, relative to it
)
_CLEAR = 1e-3  # products of columns settle ratios down to about 1e-7; far above, they can be trusted
_BLOCK = 1 << 14


def _clearly_full(X: np.ndarray) -> bool:
    """Whether the Cholesky factor of the scaled products leaves no doubt that the rank is full."""
    products = X.T @ X
    norms = np.sqrt(np.diagonal(products))
    if not norms.all() or not np.isfinite(norms.sum()):
        return False
    try:
        pivots = np.linalg.cholesky(products / np.outer(norms, norms)).diagonal()
    except np.linalg.LinAlgError:
        return False
    return bool(pivots.min() > _CLEAR)


def _triangle(X: np.ndarray) -> np.ndarray:
    """Return R of X = QR by orthogonal transformations, a block of rows at a time; (≤ p, p)."""
    triangle = np.empty((0, X.shape[1]))
    step = max(_BLOCK, 2 * X.shape[1])
    for start in range(0, len(X), step):
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, X[start : start + step]]), mode="r"))
    return triangle


def independent_columns(X: np.ndarray) -> list[int]:
    """Return the columns of X to keep.

    Parameters
    ----------
    X : (n, p) float64
        Model matrix.

    Returns
    -------
    list of int
        Columns that are not, to a relative 1e-7, combinations of the kept ones before them.

    Notes
    -----
    One product XᵀX, O(n p²), in the common case; where that leaves a doubt, an orthogonal triangularisation
    of the same order, whose small factor has the same geometry as X, exact to machine precision.
    """
    n, p = X.shape
    if p == 0 or (p <= n and _clearly_full(X)):
        return list(range(p))
    triangle = _triangle(X)
    basis = np.empty((len(triangle), 0))
    kept: list[int] = []
    for j in range(p):
        column = triangle[:, j]
        norm = np.sqrt(column @ column)
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)  # once more: the first pass is exact only relative to the column
        left = np.sqrt(rest @ rest)
        if norm > 0 and left >= TOLERANCE * norm and len(kept) < len(triangle):
            kept.append(j)
            basis = np.column_stack([basis, rest / left])
    return kept


def keep_columns(X: np.ndarray, kept: list[int]) -> np.ndarray:
    """Move the kept columns to the front of X, in place, and return the view of them; (n, len(kept))."""
    for to, j in enumerate(kept):
        if to != j:
            X[:, to] = X[:, j]
    return X[:, : len(kept)]
