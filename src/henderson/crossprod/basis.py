"""Columns far from zero, or nearly alike, on columns that are not: what each adds to those before it.

With x far from zero, x 1[f] is almost a multiple of 1[f]: products of the two agree in twice as many digits
as the columns do, and what tells them apart is rounded away. Sums about provisional centres hold the
difference in a column of its own, (x - c) 1[f], so that it can be taken before products are formed.
"""

from __future__ import annotations

import numpy as np

APART = 0.03
"""Share of a column that those before it must leave, for columns to enter as they are."""


CANCELS = 1e9
"""Ratio of sums to what is left of them beyond which a basis leaves hardly six digits, too."""


def root(products: np.ndarray) -> np.ndarray:
    """(r, m) R with R'R = products, r their rank, by Cholesky's elimination with pivots.

    Parameters
    ----------
    products : (m, m) float64
        Positive semidefinite.

    Notes
    -----
    O(m^2 r). Columns are brought to length one first.
    """
    from scipy.linalg.lapack import dpstrf

    size = np.sqrt(np.diagonal(products))
    size = np.where(size > 0, size, 1.0)
    factor, pivots, rank, _ = dpstrf(products / np.outer(size, size))
    R = np.zeros((rank, len(products)))
    R[:, pivots - 1] = np.triu(factor)[:rank]
    return R * size


def useful_basis(products: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray | None:
    """Find a basis of columns, where it keeps digits that the columns would lose.

    Parameters
    ----------
    products : (…, m, m) float64
        Sums of products, of the cells of a table or of all rows.
    columns : (r, p) float64
        With the sums of products of the columns.
    weights : (…, m, p) float64
        The columns as combinations of what was summed.

    Returns
    -------
    (p, p) float64 or None
        As `basis_of`; None, too, where what was summed does not hold the differences.
    """
    basis = basis_of(columns)
    return None if basis is None or cancellation(products, weights @ basis) > CANCELS else basis


def basis_of(columns: np.ndarray) -> np.ndarray | None:
    """Find what each column adds to those before it.

    Parameters
    ----------
    columns : (r, p) float64
        Linearly independent, of about unit size.

    Returns
    -------
    (p, p) float64 or None
        Upper triangular B, ones on the diagonal, with columns B orthogonal; None where the columns are well
        apart.

    Notes
    -----
    O(r p^2).
    """
    size = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    if not size.size or not (size > 0).all() or len(columns) < columns.shape[1]:
        return None
    triangle = np.linalg.qr(columns / size, mode="r")
    left = np.abs(np.diagonal(triangle))
    if left.min() > APART or not left.min() > 0:
        return None
    inverse = np.linalg.inv(triangle)
    inverse = np.triu(inverse) / np.diagonal(inverse)
    return np.asarray(inverse * size / size[:, None])


def cancellation(products: np.ndarray, weights: np.ndarray) -> float:
    """How much larger the sums are that add up to lengths of combinations than these lengths.

    Parameters
    ----------
    products : (…, m, m) float64
        Sums of products of columns, of the cells of a table or of all rows.
    weights : (…, m, p) float64
        Combinations of these columns.

    Notes
    -----
    O(m^2 p) for each cell.
    """
    p, sizes = weights.shape[-1], np.abs(weights)
    whole = (weights * (products @ weights)).reshape(-1, p).sum(axis=0)
    beside = (sizes * (np.abs(products) @ sizes)).reshape(-1, p).sum(axis=0)
    return float((beside / np.maximum(whole, np.finfo(float).tiny)).max(initial=1.0))
