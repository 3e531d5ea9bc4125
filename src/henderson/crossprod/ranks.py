"""Which columns are combinations of those before them, decided from a root of sums of products.

Sums of products hold squares of lengths: what is left of a number about its centre can be told from rounding
down to about 1e-7 of its length. A column is dropped when the kept ones before it leave less than 1e-6 of its
length about the mean, or less than R's 1e-7 of its whole length; the same with and without an intercept.
"""

from __future__ import annotations

import numpy as np

LEAST = 1e-6
"""Of the length about the mean."""
LEAST_OF_WHOLE = 1e-7
"""Of the length: the tolerance that rows are held to."""


def least_left(deviation: np.ndarray, size: np.ndarray) -> np.ndarray:
    """(P,) what the columns kept must leave of a column, from its length about the mean and its length."""
    return np.asarray(np.maximum(LEAST * deviation, LEAST_OF_WHOLE * size))


def independent(columns: np.ndarray, least: np.ndarray) -> list[int]:
    """Return the columns to keep, by orthogonalising in the order given.

    Parameters
    ----------
    columns : (r, P) float64
        With the sums of products of the columns in question.
    least : (P,) float64
        Length that must be left of each.

    Returns
    -------
    list of int

    Notes
    -----
    O(r P k) for k kept columns.
    """
    basis = np.zeros((len(columns), min(columns.shape)))
    kept: list[int] = []
    for j, column in enumerate(columns.T):
        used = basis[:, : len(kept)]
        rest = column - used @ (used.T @ column)
        rest -= used @ (used.T @ rest)  # once more: the first pass is exact only relative to the column
        left = float(np.sqrt(rest @ rest))
        if left > least[j] and len(kept) < basis.shape[1]:
            basis[:, len(kept)] = rest / left
            kept.append(j)
    return kept


def combinations(columns: np.ndarray, kept: list[int]) -> np.ndarray:
    """(k, P - k) weights of the kept columns in those dropped, by least squares."""
    dropped = [j for j in range(columns.shape[1]) if j not in set(kept)]
    if not dropped or not kept:
        return np.zeros((len(kept), len(dropped)))
    triangle = np.linalg.qr(columns[:, kept])
    return np.asarray(np.linalg.solve(triangle.R, triangle.Q.T @ columns[:, dropped]))
