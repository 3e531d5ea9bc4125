"""Which columns are combinations of those before them, decided from sums of products.

Sums of products hold squares of lengths: what is left of a column can be told from rounding down to about
1e-7 of its length. A column is dropped when the kept ones before it leave less than 1e-6 of its length about
the mean, or less than R's 1e-7 of its whole length.
"""

from __future__ import annotations

import numpy as np

LEAST = 1e-6
"""Of the length about the mean."""
LEAST_OF_WHOLE = 1e-7
"""Of the length: the tolerance that rows are held to."""


def independent(products: np.ndarray, share: np.ndarray) -> list[int]:
    """Return the columns to keep, by Cholesky's elimination in the order given.

    Parameters
    ----------
    products : (P, P) float64
        Sums of products of columns of length one (zero for columns without variation).
    share : (P,) float64
        Length about the mean over whole length.

    Returns
    -------
    list of int

    Notes
    -----
    O(P^2 k) for k kept columns.
    """
    left, kept = products.copy(), []
    with np.errstate(divide="ignore"):
        least = np.maximum(LEAST, LEAST_OF_WHOLE / np.where(share > 0, share, 0.0)) ** 2
    for j in range(len(left)):
        if not (left[j, j] > least[j]):
            continue
        kept.append(j)
        row = left[j, j:] / np.sqrt(left[j, j])
        left[j:, j:] -= np.outer(row, row)
    return kept


def combinations(products: np.ndarray, kept: list[int]) -> np.ndarray:
    """(k, P - k) weights of the kept columns in those dropped, by least squares."""
    dropped = [j for j in range(len(products)) if j not in set(kept)]
    if not dropped or not kept:
        return np.zeros((len(kept), len(dropped)))
    return np.asarray(np.linalg.solve(products[np.ix_(kept, kept)], products[np.ix_(kept, dropped)]))
