"""After the search: zeros, and the conditions of a minimum on the boundary.

The criterion is even in the sign of every column of Lambda_i, so theta = 0 is always stationary, minimum or
not. What decides is the derivative on the variance scale: with M_i the gradient by Sigma_i = Lambda_i
Lambda_i', a minimum over positive semi-definite Sigma_i has M_i Lambda_i = 0 and M_i positive semi-definite
(the Karush-Kuhn-Tucker conditions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from henderson.optim.chart import Block, Chart

SMALL_PIVOT = 1e-3
"""Pivots of Lambda (on scaled columns) below this are tried at zero."""
_ONE = np.ones((1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class KKT:
    """Conditions of a minimum over covariance matrices, with their numbers.

    Attributes
    ----------
    stationarity : float
        Largest |df/dtheta| on the scaled columns.
    predicted_decrease : float
        What a further Newton step promises.
    smallest_eigenvalue : tuple of float, one per term
        Of M_i, the gradient by Sigma_i, on the directions that have no variance now (0 where all have some),
        in units of f per unit of theta^2; negative means that adding variance helps.
    satisfied : bool
        Whether both conditions hold to the tolerance of the search.
    """

    stationarity: float
    predicted_decrease: float
    smallest_eigenvalue: tuple[float, ...]
    satisfied: bool


def snap(chart: Chart, theta: np.ndarray) -> np.ndarray | None:
    """theta with its small pivots, and all that is left after them, at zero; None when there are none."""
    out, numbers = theta, theta.tolist()
    for block in chart.blocks:
        if all(abs(numbers[block.places[a][a]]) >= SMALL_PIVOT for a in range(block.k)):
            continue
        triangle = block.triangle(theta)
        small = np.flatnonzero(np.abs(triangle.diagonal()) < SMALL_PIVOT)
        if len(small) and triangle[small[0] :, small[0] :].any():
            triangle[small[0] :, small[0] :] = 0.0
            out = block.pack(triangle, out)
    return None if out is theta else out


def steepest_variance(
    chart: Chart, theta: np.ndarray, M: list[np.ndarray]
) -> tuple[tuple[float, np.ndarray], ...]:
    """Per term: the least derivative of the criterion by a variance that is zero now, and its direction (k,).

    The directions are the null space of Lambda_i'; where Lambda_i is not singular there is nothing to test
    and the derivative is reported as 0.
    """
    out, numbers = [], theta.tolist()
    for block in chart.blocks:
        if _least_singular_value(block, numbers) >= SMALL_PIVOT:
            out.append((0.0, np.zeros(block.k)))
            continue
        U, d, _ = (
            np.linalg.svd(block.unpack(theta))
            if block.k > 1
            else (_ONE, np.abs(theta[block.positions[0]]), _ONE)
        )
        if d[-1] >= SMALL_PIVOT:
            out.append((0.0, np.zeros(block.k)))
            continue
        null = U[:, d < SMALL_PIVOT]
        at = slice(block.first, block.first + block.k)
        gradient = (M[block.grouping][at, at] + M[block.grouping][at, at].T) / 2
        w, V = np.linalg.eigh(null.T @ gradient @ null)
        out.append((float(w[0]), null @ V[:, 0]))
    return tuple(out)


def _least_singular_value(block: Block, theta: list[float]) -> float:
    """|det| / (|Lambda|^2 / (k - 1))^((k - 1) / 2), a lower bound: equal values have the largest product."""
    k, places = block.k, block.places
    determinant = math.prod(abs(theta[places[a][a]]) for a in range(k))
    if k == 1:
        return determinant
    squares = sum(theta[places[a][b]] ** 2 for a in range(k) for b in range(a + 1))
    return determinant / (squares / (k - 1)) ** ((k - 1) / 2) if squares > 0 else 0.0


def add_variance(theta: np.ndarray, block: Block, direction: np.ndarray, size: float) -> np.ndarray:
    """theta whose Sigma_i has gained size^2 vv' along a unit direction v (rows as typed)."""
    grown = np.column_stack([block.triangle(theta), size * direction[block.order]])
    upper = np.linalg.qr(grown.T).R
    return block.pack(upper.T, theta)


def off_the_boundary(chart: Chart, theta: np.ndarray, least: float = 0.05) -> np.ndarray:
    """A start from which zero components can grow again: zero is stationary for every response."""
    out = theta.copy()
    for block in chart.blocks:
        pivots = block.positions.diagonal()
        out[pivots] = np.maximum(out[pivots], least)
    return out
