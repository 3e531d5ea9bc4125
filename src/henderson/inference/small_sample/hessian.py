"""The Hessian of the deviance by theta and sigma, from differences of the analytic gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import FitError
from henderson.model.criterion import criterion
from henderson.model.units import gradient_as_typed, to_search
from henderson.optim.chart import Chart, chart_as_typed
from henderson.solve.direct import Evaluation
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.estimate import Estimate

STEP = 1e-4
"""Step of the central differences, on the scale of the parameter."""
FAR_FROM_BOUNDARY = 0.03
"""Pivots of Lambda on the scaled columns, relative to the largest, from which its coordinates are regular."""


def deviance_hessian(estimate: Estimate) -> np.ndarray:
    """Return the Hessian of the deviance (REML criterion) by theta and sigma, not profiled over sigma.

    d(theta, sigma) = logdets + nu log(2 pi sigma^2) + r^2(theta) / sigma^2, whose Hessian at the optimum is
    that of the profiled criterion f plus d_ts d_st / d_ss; f by central differences of its analytic gradient.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    (n_theta + 1, n_theta + 1) float64

    Raises
    ------
    FitError
        The criterion cannot be evaluated beside the estimate.

    Notes
    -----
    2 n_theta gradients, about three factorisations each. Where no covariance matrix is near its boundary the
    differences are taken in the coordinates of the search and carried over: nothing but the core is called.
    """
    theta, sigma, m = estimate.theta, estimate.sigma, len(estimate.theta)
    H = np.zeros((m + 1, m + 1))
    H[:m, :m] = _profiled_hessian(estimate, theta)
    H[m, m] = 4 * estimate.nu / sigma**2
    H[:m, m] = H[m, :m] = -2 * _r2_gradient(estimate) / sigma**3
    H[:m, :m] += np.outer(H[:m, m], H[m, :m]) / H[m, m]
    return H


def _profiled_hessian(estimate: Estimate, theta: np.ndarray) -> np.ndarray:
    """(n_theta, n_theta) Hessian of the profiled criterion by theta."""
    cross = estimate.cross
    evaluate = criterion(cross, reml=estimate.reml, system=estimate.factor.system)
    chart, coordinates = to_search(cross, theta)

    def searched(at: np.ndarray) -> np.ndarray:
        found = _beside(evaluate(at, 1, chart.entries)).gradient
        assert found is not None
        return found

    def typed(at: np.ndarray) -> np.ndarray:
        here, moved = to_search(cross, at)
        found = _beside(evaluate(moved, 2, here.entries))
        return gradient_as_typed(cross, at, found.variance_gradient)

    with blas_threads_for(estimate.factor.tail):
        if not _regular(chart, coordinates):
            return _differences(typed, theta, STEP * sizes(estimate))
        steps = STEP * np.maximum(_row_norms(chart, coordinates), 0.1)
        H = _differences(searched, coordinates, steps)
    J = _jacobian(estimate, chart, coordinates)
    return np.asarray(J.T @ H @ J)


def _beside(found: Evaluation | None) -> Evaluation:
    if found is None:
        raise FitError("The criterion cannot be evaluated beside the estimate; try ddf='residual'.")
    return found


def _differences(
    gradient: Callable[[np.ndarray], np.ndarray], at: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Central differences of a gradient, made symmetric."""
    H = np.empty((len(at), len(at)))
    for j, h in enumerate(steps.tolist()):
        ahead, behind = at.copy(), at.copy()
        ahead[j] += h
        behind[j] -= h
        H[j] = (gradient(ahead) - gradient(behind)) / (2 * h)
    return (H + H.T) / 2


def _regular(chart: Chart, coordinates: np.ndarray) -> bool:
    """Whether every covariance matrix is far from its boundary, on the scaled columns."""
    return all(
        np.abs(diagonal := block.triangle(coordinates).diagonal()).min()
        > FAR_FROM_BOUNDARY * max(1.0, np.abs(diagonal).max())
        for block in chart.blocks
    )


def _row_norms(chart: Chart, coordinates: np.ndarray) -> np.ndarray:
    """(n_theta,) length of the row of Lambda that each coordinate stands in."""
    out = np.empty(len(coordinates))
    for block in chart.blocks:
        triangle = block.triangle(coordinates)
        lower = block.positions >= 0
        norms = np.broadcast_to(np.sqrt((triangle**2).sum(axis=1))[:, None], lower.shape)
        out[block.positions[lower]] = norms[lower]
    return out


def _jacobian(estimate: Estimate, chart: Chart, coordinates: np.ndarray) -> np.ndarray:
    """(n_theta, n_theta) derivative of the search's coordinates by theta: the covariances are the same."""
    J = np.zeros((len(coordinates),) * 2)
    for block, typed in zip(chart.blocks, chart_as_typed(chart.as_typed).blocks, strict=True):
        at = slice(block.first, block.first + block.k)
        scale = np.linalg.inv(estimate.cross.z_transform[block.grouping][at, at])
        root, lam = block.unpack(coordinates), typed.unpack(estimate.theta)
        lower = np.tril_indices(block.k)
        columns, rows = block.positions[lower], typed.positions[lower]
        searched = [_symmetric(int(block.order[a]), root[:, b])[lower] for a, b in zip(*lower, strict=True)]
        by_theta = [
            (scale @ _symmetric(int(a), lam[:, b]) @ scale.T)[lower] for a, b in zip(*lower, strict=True)
        ]
        J[np.ix_(columns, rows)] = np.linalg.solve(np.array(searched).T, np.array(by_theta).T)
    return J


def _symmetric(row: int, column: np.ndarray) -> np.ndarray:
    """e c' + c e', e the unit vector of a row: the derivative of L L' by one entry of the column c."""
    out = np.zeros((len(column), len(column)))
    out[row] = column
    return out + out.T


def sizes(estimate: Estimate) -> np.ndarray:
    """(n_theta,) Scale on which each theta matters: its row's length, or a tenth of one residual sd."""
    z_size = estimate.cross.z_size
    return np.array(
        [
            max(float(np.linalg.norm(estimate.grouping_lambdas[f][row])), 0.1 / z_size[f][row])
            for f, row, _, _ in estimate.cross.entries.tolist()
        ]
    )


def _r2_gradient(estimate: Estimate) -> np.ndarray:
    """(n_theta,) dr^2/dtheta_j = -2 (sum_g e_g u_g')[row, column]."""
    cross, factor, at, sums = estimate.cross, estimate.factor, 0, []
    e, u = factor.e(), factor.u()
    for f, (levels, k) in enumerate(zip(cross.levels, cross.columns, strict=True)):
        rows = slice(at, at + levels * k)
        product = e[rows].reshape(levels, k).T @ u[rows].reshape(levels, k)
        sums.append(np.linalg.inv(cross.z_transform[f]).T @ product)
        at += levels * k
    return np.array([-2 * sums[f][row, column] for f, row, column, _ in cross.entries.tolist()])
