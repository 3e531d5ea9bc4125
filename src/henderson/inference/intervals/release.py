"""Variances that are zero on a path, and would rather grow.

Zero is stationary for every deviance, minimum or not. What decides is the derivative by the covariance
matrix: with M that gradient, rows r of the term that are free to gain variance, and v in the null space of
their part of Lambda_i, the deviance falls if v' M_rr v < 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.optim.rectify import SMALL_PIVOT
from henderson.optim.search import FLAT

if TYPE_CHECKING:
    from henderson.inference.intervals.constrained import Target
    from henderson.inference.intervals.deviance import Local
    from henderson.optim.chart import Block

SIZES = (0.3, 0.1, 0.03)
"""Standard deviations to try, in units of sigma on columns of unit size."""


def released(target: Target, here: Local, size: float) -> np.ndarray | None:
    """x with variance of a size added where the deviance falls with it; None where it nowhere does.

    Parameters
    ----------
    target : Target
    here : Local
        At a constrained optimum.
    size : float

    Notes
    -----
    O(k^3) per term, and nothing but a glance at the pivots where none is near zero.
    """
    numbers = here.theta.tolist()
    for i, block in enumerate(target.chart.blocks):
        skip = len(target.pinned) if i == target.term else 0
        if all(abs(numbers[block.places[a][a]]) >= SMALL_PIVOT for a in range(skip, block.k)):
            continue
        moved = _grown(block, here.theta, here.M[block.grouping], skip, size)
        if moved is not None:
            x = np.empty(target.before + len(target.free))
            x[target.before :] = moved[target.free]
            return x
    return None


def _grown(block: Block, theta: np.ndarray, M: np.ndarray, skip: int, size: float) -> np.ndarray | None:
    triangle = block.triangle(theta)
    corner, rows = triangle[skip:, skip:], block.first + block.order[skip:]
    U, d, _ = np.linalg.svd(corner)
    null, gradient = U[:, d < SMALL_PIVOT], M[np.ix_(rows, rows)]
    if null.shape[1] == 0:
        return None
    w, V = np.linalg.eigh(null.T @ (gradient + gradient.T) @ null / 2)
    if w[0] >= -FLAT:
        return None
    grown = np.column_stack([corner, size * (null @ V[:, 0])])
    triangle[skip:, skip:] = np.linalg.qr(grown.T).R.T
    return block.pack(triangle, theta)
