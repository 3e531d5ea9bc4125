"""The Hessian of the deviance by theta and sigma, from differences of the analytic gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
SMALLEST = 0.1
"""Rows of Lambda on the scaled columns, in residual standard deviations, below which steps get no smaller."""
FAR_FROM_BOUNDARY = 0.03
"""Pivots of Lambda on the scaled columns, relative to the largest, from which its coordinates are regular."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaledHessian:
    """The Hessian along steps of the size that matters to the fit.

    Attributes
    ----------
    H : (m, m) float64
        Along the steps; m = n_theta + 1.
    steps : (m, m) float64
        One step a column, in theta and sigma.
    """

    H: np.ndarray
    steps: np.ndarray


def deviance_hessian(estimate: Estimate) -> np.ndarray:
    """Return the Hessian of the deviance (REML criterion) by theta and sigma, (n_theta + 1, n_theta + 1)."""
    found = scaled_hessian(estimate)
    back = np.linalg.inv(found.steps)
    return np.asarray(back.T @ found.H @ back)


def scaled_hessian(estimate: Estimate) -> ScaledHessian:
    """Return the Hessian of the deviance (REML criterion), not profiled over sigma.

    d(theta, sigma) = logdets + nu log(2 pi sigma^2) + r^2(theta) / sigma^2, whose Hessian at the optimum is
    that of the profiled criterion f plus d_ts d_st / d_ss; f by central differences of its analytic gradient.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    ScaledHessian

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
    steps, H = np.eye(m + 1), np.zeros((m + 1, m + 1))
    steps[:m, :m], steps[m, m] = theta_steps(estimate), sigma
    H[:m, :m] = _profiled_hessian(estimate, theta, steps[:m, :m])
    H[m, m] = 4 * estimate.nu
    H[:m, m] = H[m, :m] = -2 * _r2_gradient(estimate) @ steps[:m, :m] / sigma**2
    H[:m, :m] += np.outer(H[:m, m], H[m, :m]) / H[m, m]
    shorter = 1 / np.sqrt(np.maximum(H.diagonal(), 1.0))  # a step that raises the deviance much is a long one
    return ScaledHessian(H * np.outer(shorter, shorter), steps * shorter)


def theta_steps(estimate: Estimate) -> np.ndarray:
    """Steps in theta as the centred and scaled columns see them: a slope takes its intercept along.

    Lambda (user's) = T Lambda (here): an entry of one column of Lambda here, of the length of its row or of a
    tenth of one residual standard deviation, moves the column of Lambda by T's column, as far as it is free.

    Returns
    -------
    (n_theta, n_theta) float64
        One step a column.
    """
    steps = np.zeros((len(estimate.theta),) * 2)
    for block, lam in zip(estimate.blocks, estimate.standard_lambdas, strict=True):
        at = slice(block.first, block.first + block.k)
        T = estimate.cross.z_transform[block.grouping][at, at]
        size = np.maximum(np.linalg.norm(lam, axis=1), SMALLEST)
        for column in range(block.k):
            rows = block.positions[column:, column]
            steps[np.ix_(rows, rows)] = T[column:, column:] * size[column:]
    return steps


def _profiled_hessian(estimate: Estimate, theta: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(n_theta, n_theta) Hessian of the profiled criterion along the steps."""
    cross = estimate.cross
    evaluate = criterion(cross, reml=estimate.reml, system=estimate.factor.system)
    chart, coordinates = to_search(cross, theta)

    def searched(at: np.ndarray) -> np.ndarray:
        found = _beside(evaluate(at, 1, chart.entries)).gradient
        assert found is not None
        return found

    def typed(along: np.ndarray) -> np.ndarray:
        at = theta + steps @ along
        here, moved = to_search(cross, at)
        found = _beside(evaluate(moved, 2, here.entries))
        return gradient_as_typed(cross, at, found.variance_gradient) @ steps

    with blas_threads_for(estimate.factor.tail):
        if not _regular(chart, coordinates):
            return _differences(typed, np.zeros(len(theta)), np.full(len(theta), STEP))
        sizes = STEP * np.maximum(_row_norms(chart, coordinates), SMALLEST)
        H = _differences(searched, coordinates, sizes)
    J = _jacobian(estimate, chart, coordinates) @ steps
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
