"""Satterthwaite's degrees of freedom: how well the variance of a contrast is known.

df = 2 (c'Phi c)^2 / (g'W g), with g the gradient of c'Phi c by the variance parameters (theta, sigma) and
W = 2 H^-1 their asymptotic covariance, H the Hessian of the deviance. As SAS and lmerTest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import FitError
from henderson.inference.small_sample.equations import Marginal, split
from henderson.model.criterion import criterion
from henderson.model.units import gradient_as_typed, to_search
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.estimate import Estimate

STEP = 1e-4
"""Step of the central differences, on the scale of the parameter."""
NO_INFORMATION = 1e-8
"""Eigenvalues of the scaled Hessian below this share of the largest are directions without information."""


def covariance_gradient(estimate: Estimate, at: Marginal) -> np.ndarray:
    """Return the derivative of Phi by theta and sigma.

    dPhi/dtheta_j = sigma^2 C U'(D_j Lambda' + Lambda D_j')U C, dPhi/dsigma = 2 Phi / sigma.

    Parameters
    ----------
    estimate : Estimate
    at : Marginal
        C (p, p) and U (q, p).

    Returns
    -------
    (n_theta + 1, p, p) float64

    Notes
    -----
    O(n_theta (levels p^2 + p^3)).
    """
    sigma, cross, out = estimate.sigma, estimate.cross, []
    back = [np.linalg.inv(T) for T in cross.z_transform]
    UC = [
        np.einsum("ba,lbp->lap", T, UC)
        for T, UC in zip(back, split(estimate.factor, at.U @ at.C), strict=True)
    ]
    LUC = [np.einsum("ba,lbp->lap", lam, u) for lam, u in zip(estimate.grouping_lambdas, UC, strict=True)]
    for f, row, column, _ in cross.entries.tolist():
        half = UC[f][:, row].T @ LUC[f][:, column]
        out.append(at.T @ (sigma**2 * (half + half.T)) @ at.T.T)
    return np.array([*out, 2 / sigma * estimate.vcov])


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
    2 n_theta gradients, about three factorisations each.
    """
    theta, sigma, m = estimate.theta, estimate.sigma, len(estimate.theta)
    H = np.zeros((m + 1, m + 1))
    H[:m, :m] = _profiled_hessian(estimate, theta)
    H[m, m] = 4 * estimate.nu / sigma**2
    H[:m, m] = H[m, :m] = -2 * _r2_gradient(estimate) / sigma**3
    H[:m, :m] += np.outer(H[:m, m], H[m, :m]) / H[m, m]
    return H


def _profiled_hessian(estimate: Estimate, theta: np.ndarray) -> np.ndarray:
    cross = estimate.cross
    evaluate = criterion(cross, reml=estimate.reml, system=estimate.factor.system)
    steps, rows = STEP * _sizes(estimate), []

    def gradient(theta: np.ndarray) -> np.ndarray:
        chart, coordinates = to_search(cross, theta)
        found = evaluate(coordinates, 2, chart.entries)
        if found is None:
            raise FitError("The criterion cannot be evaluated beside the estimate; try ddf='residual'.")
        return gradient_as_typed(cross, theta, found.variance_gradient)

    with blas_threads_for(estimate.factor.tail):
        for j, h in enumerate(steps):
            move = np.zeros_like(theta)
            move[j] = h
            rows.append((gradient(theta + move) - gradient(theta - move)) / (2 * h))
    H = np.array(rows).reshape(len(theta), len(theta))
    return (H + H.T) / 2


def _sizes(estimate: Estimate) -> np.ndarray:
    """(n_theta,) Scale on which each theta matters: its row's length, or that of one residual sd."""
    sizes = estimate.cross.z_size
    return np.array(
        [
            max(np.linalg.norm(estimate.grouping_lambdas[f][row]), 1e-1 / sizes[f][row])
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


def parameter_covariance(estimate: Estimate) -> np.ndarray:
    """Return 2 H^-1 on the directions with information, zero on the others, (n_theta + 1, n_theta + 1).

    A variance estimated as zero has no slope to learn from; where the Hessian is flat or not positive, that
    direction is left out, as lmerTest does, but after bringing the parameters to a common scale.
    """
    scale = np.append(_sizes(estimate), estimate.sigma)
    values, vectors = np.linalg.eigh(deviance_hessian(estimate) * np.outer(scale, scale))
    good = values > NO_INFORMATION * max(1.0, values[-1])
    inverse = 2 * (vectors[:, good] / values[good]) @ vectors[:, good].T
    return np.asarray(inverse * np.outer(scale, scale))
