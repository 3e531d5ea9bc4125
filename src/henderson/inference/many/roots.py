"""Relative covariance factors of many responses at once, from theta in the charts of their searches."""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.optim.chart import Block


def roots_of(cross: CrossProducts, block: Block, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, k, k) roots of Lambda_i Lambda_i' for the user's columns.

    Parameters
    ----------
    cross : CrossProducts
    block : Block
        The term, in any order of its rows.
    theta : (R, n_theta) float64
        On the centred and scaled columns.
    rows : (R, n_theta) int
        Row of every entry within the columns of its grouping: the charts may differ in the order of rows.
    """
    at = slice(block.first, block.first + block.k)
    out = np.zeros((len(theta), block.k, block.k))
    every = np.arange(len(theta))
    for a in range(block.k):
        for b in range(a + 1):
            place = block.positions[a, b]
            out[every, rows[:, place] - block.first, b] = theta[:, place]
    return np.asarray(cross.z_transform[block.grouping][at, at] @ out)
