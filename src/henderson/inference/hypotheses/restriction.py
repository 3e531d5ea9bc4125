"""From a smaller mean to the hypothesis L beta = 0 that makes the larger one equal to it."""

from __future__ import annotations

import numpy as np


def restriction(small: np.ndarray, large: np.ndarray) -> np.ndarray:
    """Return L with L beta = 0 where the mean X_1 beta of the larger model is one of the smaller.

    X_0 = X_1 C; the rows of L span what is orthogonal to the columns of C.

    Parameters
    ----------
    small : (n, p0) float64
        X_0, its columns in the span of those of `large`.
    large : (n, p1) float64
        X_1, of full column rank.

    Returns
    -------
    (p1 - p0, p1) float64
        Rows of unit length on columns of unit size.

    Notes
    -----
    O(n p1^2).

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> abs(restriction(X[:, :1], X)).round(3)
    array([[0., 1.]])
    """
    size = np.linalg.norm(large, axis=0)
    C = np.linalg.lstsq(large / size, small / np.linalg.norm(small, axis=0), rcond=None)[0]
    p1, p0 = C.shape
    basis = np.linalg.qr(C, mode="complete")[0][:, p0:] if p0 else np.eye(p1)
    L = basis.T * size
    return np.asarray(L / np.abs(L).max(axis=1, keepdims=True))
