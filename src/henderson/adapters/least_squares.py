"""Ordinary and weighted least squares with an intercept, for the estimator that was given no groups."""

from __future__ import annotations

import numpy as np


def least_squares(X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, float]:
    """Fit y = a + X b by (weighted) least squares; the shortest b where the columns depend on each other.

    Parameters
    ----------
    X : (n, p) float64
        Columns without the constant.
    y : (n,) float64
        Response.
    weights : (n,) float64 or None
        How much a row counts.

    Returns
    -------
    b : (p,) float64
        Slopes.
    a : float
        Intercept.

    Notes
    -----
    O(n p^2). Columns are centred first, so that the constant takes no part in the shortest solution.

    Examples
    --------
    >>> import numpy as np
    >>> slopes, intercept = least_squares(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), None)
    >>> round(float(slopes[0]), 6), round(intercept, 6)
    (2.0, 1.0)
    """
    middle, level = np.average(X, axis=0, weights=weights), float(np.average(y, weights=weights))
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    slopes = np.linalg.lstsq((X - middle) * root[:, None], (y - level) * root, rcond=None)[0]
    return slopes, level - float(middle @ slopes)
