"""Which fixed-effects columns are aliased: the later ones, as R decides it.

A column is aliased when the part of it that the kept columns before it leave unexplained is small relative to
it. Few rows settle that for a long table: what is left of a column on some of its rows is never more than
what is left of it on all.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpotrf  # NumPy's own takes five times as long for a few columns

TOLERANCE = 1e-7  # R's
_CLEAR = 1e-3  # products of columns settle ratios down to about 1e-7; far above, they can be trusted
_BEYOND_DOUBT = 1e-6  # of a sample: ten times the tolerance
_BLOCK = 1 << 14
_SMALL, _LARGE = 1e-140, 1e140  # squares of lengths outside would leave the range of floating point


def _in_range(norms: np.ndarray) -> bool:
    return bool(norms.min() > _SMALL and norms.max() < _LARGE)  # also false for NaN


def _clearly_full(X: np.ndarray) -> bool:
    """Whether the Cholesky factor of the products leaves no doubt that the rank is full."""
    products = X.T @ X
    norms = np.sqrt(np.diagonal(products))
    if not _in_range(norms):
        return False
    triangle, status = dpotrf(products, lower=1)
    lengths = triangle.diagonal()  # of what is left of each column
    return status == 0 and bool((lengths / norms).min() > _CLEAR)


def _triangle(X: np.ndarray) -> np.ndarray:
    """Return R of X = QR by orthogonal transformations, a block of rows at a time; (≤ p, p)."""
    triangle = np.empty((0, X.shape[1]))
    step = max(_BLOCK, 2 * X.shape[1])
    for start in range(0, len(X), step):
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, X[start : start + step]]), mode="r"))
    return triangle


class _Basis:
    """An orthonormal basis that grows column by column; coefficients are those of the kept columns."""

    def __init__(self, m: int, p: int) -> None:
        self.vectors = np.empty((m, min(m, p)), order="F")
        self.triangle = np.zeros((min(m, p), min(m, p)))
        self.size = 0

    def rest(self, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is left of a column, and its coordinates in the basis."""
        vectors = self.vectors[:, : self.size]
        coordinates = vectors.T @ column
        rest = column - vectors @ coordinates
        again = vectors.T @ rest  # once more: the first pass is exact only relative to the column
        return rest - vectors @ again, coordinates + again

    def add(self, rest: np.ndarray, coordinates: np.ndarray) -> bool:
        """Add what is left of a column as a new direction; False when the space is full."""
        if self.size == self.vectors.shape[1]:
            return False
        norm = _norm(rest)
        self.vectors[:, self.size] = rest / norm
        self.triangle[: self.size, self.size] = coordinates
        self.triangle[self.size, self.size] = norm
        self.size += 1
        return True

    def coefficients(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the combination of the kept columns that has these coordinates."""
        return np.linalg.solve(self.triangle[: self.size, : self.size], coordinates)


def _sequential(X: np.ndarray) -> list[int]:
    """Decide column by column on a matrix with few rows."""
    basis, kept = _Basis(*X.shape), []
    for j in range(X.shape[1]):
        column = X[:, j]
        norm = _norm(column)
        rest, coordinates = basis.rest(column)
        if norm > 0 and _norm(rest) >= TOLERANCE * norm and basis.add(rest, coordinates):
            kept.append(j)
    return kept


def _sample(X: np.ndarray, size: int) -> np.ndarray:
    """Return rows spread over the table, with some more for columns that are zero there."""
    rows = np.arange(0, len(X), max(1, len(X) // size))
    empty = [j for j in range(X.shape[1]) if not X[rows, j].any()]
    more = [np.flatnonzero(X[:, j])[:4] for j in empty]
    return X[np.unique(np.concatenate([rows, *more]))]


def _norm(column: np.ndarray) -> float:
    """Length of a column; not by BLAS, whose threads cost more than such a sum when the machine is busy."""
    return float(np.sqrt(np.einsum("i,i->", column, column)))


def _by_sample(X: np.ndarray, size: int) -> list[int] | None:
    """Decide from few rows; None where they leave a doubt that all rows do not settle at once."""
    few = _sample(X, size)
    norms = np.array([_norm(column) for column in X.T])
    if not _in_range(np.where(norms == 0, 1.0, norms)):
        return None
    if _clearly_full(few) and all(_norm(few[:, j]) > _CLEAR * norm for j, norm in enumerate(norms)):
        return list(range(X.shape[1]))
    basis, kept = _Basis(*few.shape), []
    for j, norm in enumerate(norms):
        rest, coordinates = basis.rest(few[:, j])
        if norm > 0 and _norm(rest) > _BEYOND_DOUBT * norm and basis.add(rest, coordinates):
            kept.append(j)
            continue
        left = X[:, j].copy()
        for k, coefficient in zip(kept, basis.coefficients(coordinates), strict=True):
            left -= coefficient * X[:, k]
        if norm > 0 and _norm(left) >= TOLERANCE * norm:
            return None
    return kept


def _scaled(X: np.ndarray) -> np.ndarray:
    """Return X, with columns brought near one where their squares would overflow or vanish."""
    largest = np.array([max(column.max(), -column.min()) for column in X.T])
    if _in_range(np.where(largest == 0, 1.0, largest)):
        return X
    return X / np.where(largest > 0, largest, 1.0)


def independent_columns(X: np.ndarray) -> list[int]:
    """Return the columns of X to keep.

    Parameters
    ----------
    X : (n, p) float64
        Model matrix, finite.

    Returns
    -------
    list of int
        Columns that are not, to a relative 1e-7, combinations of the kept ones before them.

    Notes
    -----
    O(n p) for long tables, of which a sample is decided in O(p³); O(n p²) for short ones and where there is
    doubt, then by an orthogonal triangularisation, whose factor has the geometry of X to machine precision.
    """
    n, p = X.shape
    size = max(1000, 10 * p)
    if p == 0:
        return []
    if n > 4 * size:
        kept = _by_sample(X, size)
        if kept is not None:
            return kept
    elif p <= n and _clearly_full(X):
        return list(range(p))
    return _sequential(_triangle(_scaled(X)))


def keep_columns(X: np.ndarray, kept: list[int]) -> np.ndarray:
    """Move the kept columns to the front of X, in place, and return the view of them; (n, len(kept))."""
    for to, j in enumerate(kept):
        if to != j:
            X[:, to] = X[:, j]
    return X[:, : len(kept)]


def alias_weights(X: np.ndarray, kept: list[int]) -> np.ndarray:
    """Return A with X_dropped = X_kept A: what the columns left out are combinations of.

    Parameters
    ----------
    X : (n, P) float64
        All columns.
    kept : list of int, length p
        Independent ones that span the others.

    Returns
    -------
    (p, P - p) float64

    Notes
    -----
    O(n p^2), only where columns were left out: products of columns of length one, with a second pass on what
    the first leaves.
    """
    dropped = [j for j in range(X.shape[1]) if j not in set(kept)]
    if not dropped:
        return np.zeros((len(kept), 0))
    size = np.sqrt(np.einsum("ij,ij->j", X, X))
    size[size == 0] = 1.0
    Z, D = X[:, kept] / size[kept], X[:, dropped] / size[dropped]
    products = Z.T @ Z
    share = np.linalg.solve(products, Z.T @ D)
    share += np.linalg.solve(products, Z.T @ (D - Z @ share))
    share[np.abs(share) < 1e-12] = 0.0
    return np.asarray(share * size[dropped] / size[kept][:, None])
