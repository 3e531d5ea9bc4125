"""Satterthwaite's degrees of freedom: how well the variance of a contrast is known.

df = 2 (c'Phi c)^2 / (g'W g), with g the gradient of c'Phi c by the variance parameters (theta, sigma) and
W = 2 H^-1 their asymptotic covariance, H the Hessian of the deviance. As SAS and lmerTest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.small_sample.equations import Marginal, split
from henderson.inference.small_sample.hessian import scaled_hessian
from henderson.inference.small_sample.identified import blind

if TYPE_CHECKING:
    from henderson.estimate import Estimate

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


def parameter_covariance(estimate: Estimate, gradient: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return 2 H^-1 on the directions with information, zero on the others, and whether that is all right.

    A variance estimated as zero has no slope to learn from; where the Hessian is flat or not positive, that
    direction is left out, as lmerTest does, but after bringing the parameters to a common scale. That is all
    right if the covariance of the fixed effects does not change along it.

    Parameters
    ----------
    estimate : Estimate
    gradient : (n_theta + 1, p, p) float64
        Derivative of the covariance of the fixed effects.

    Returns
    -------
    (n_theta + 1, n_theta + 1) float64
    bool
    """
    found = scaled_hessian(estimate)
    values, vectors = np.linalg.eigh(found.H)
    good = values > NO_INFORMATION * max(1.0, values[-1])
    known = found.steps @ (vectors[:, good] / np.sqrt(values[good] / 2))
    lost = blind(found.steps @ vectors[:, ~good], gradient, estimate.vcov)
    return np.asarray(known @ known.T), not lost
