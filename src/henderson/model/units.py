"""Between lme4's theta and the coordinates of the search.

Lambda (user's columns) = T Lambda (centred and scaled columns), T from `CrossProducts.z_transform`; the
search keeps any square root of the same covariance matrix.
"""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.optim.chart import Chart, chart_as_typed, pivot_roots, typed_triangle


def relative_factors(cross: CrossProducts, theta: np.ndarray) -> list[np.ndarray]:
    """(K, K) Lambda of one level of every grouping, user's columns, from lme4's theta."""
    out = [np.zeros((k, k)) for k in cross.columns]
    for (f, row, column, _), value in zip(cross.entries.tolist(), theta.tolist(), strict=True):
        out[f][row, column] = value
    return out


def to_search(cross: CrossProducts, theta: np.ndarray) -> tuple[Chart, np.ndarray]:
    """Coordinates of lme4's theta in the search: pivoted roots on the centred and scaled columns."""
    chart = chart_as_typed(cross.entries)
    used = [
        np.linalg.solve(T, L) for T, L in zip(cross.z_transform, relative_factors(cross, theta), strict=True)
    ]
    roots = [used[b.grouping][b.first : b.first + b.k, b.first : b.first + b.k] for b in chart.blocks]
    return pivot_roots(chart, roots)


def from_search(cross: CrossProducts, chart: Chart, theta: np.ndarray) -> np.ndarray:
    """lme4's theta, diagonals not negative."""
    out = np.empty_like(theta)
    for block in chart.blocks:
        at = slice(block.first, block.first + block.k)
        out = block.pack(typed_triangle(cross.z_transform[block.grouping][at, at] @ block.unpack(theta)), out)
    return out


def gradient_as_typed(cross: CrossProducts, theta: np.ndarray, M: list[np.ndarray]) -> np.ndarray:
    """(n_theta,) gradient by lme4's theta.

    df/dLambda = 2 M Lambda, with M, the gradient by the covariance matrix on the centred and scaled columns,
    carried over by T^-T M T^-1.
    """
    lambdas = relative_factors(cross, theta)
    F = []
    for T, gradient, L in zip(cross.z_transform, M, lambdas, strict=True):
        inverse = np.linalg.inv(T)
        F.append(inverse.T @ ((gradient + gradient.T) / 2) @ inverse @ L)
    return np.array([2 * F[f][row, column] for f, row, column, _ in cross.entries.tolist()])
