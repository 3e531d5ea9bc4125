"""How well the variance parameters themselves are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.small_sample.equations import marginal
from henderson.inference.small_sample.kenward_roger import (
    by_reml,
    derivatives,
    directions,
    parameter_covariance,
)
from henderson.inference.small_sample.record import check_information

if TYPE_CHECKING:
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class VarianceParameters:
    """Variances, covariances and the residual variance, with their asymptotic covariance.

    Attributes
    ----------
    names : tuple of str, length m
        As those of theta, then ``sigma^2``.
    estimate : (m,) float64
        Entries of the covariance matrix of every term (lower triangles, by columns), then sigma^2.
    vcov : (m, m) float64
        Asymptotic covariance of the estimates.
    """

    names: tuple[str, ...]
    estimate: np.ndarray
    vcov: np.ndarray


def variance_parameters(estimate: Estimate, information: str = "observed") -> VarianceParameters:
    """Return the variance parameters with their asymptotic covariance, 2 I^-1 of Kenward and Roger.

    Parameters
    ----------
    estimate : Estimate
        An ML fit is refitted by REML.
    information : {"observed", "expected"}
        SAS's ``asycov`` is that of the observed information.

    Returns
    -------
    VarianceParameters

    Notes
    -----
    As `kenward_roger`, of which this is a part.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> found = variance_parameters(fit.estimate)
    >>> dict(zip(found.names, (found.vcov.diagonal() ** 0.5).round(1).tolist()))["sigma^2"]
    77.2
    """
    kind = check_information(information)
    used = estimate if estimate.reml else by_reml(estimate)
    at = marginal(used)
    W, _ = parameter_covariance(used, at, *derivatives(used, at), kind)
    values, J = _natural(used)
    return VarianceParameters((*used.theta_names, "sigma^2"), values, J @ W @ J.T)


def _natural(estimate: Estimate) -> tuple[np.ndarray, np.ndarray]:
    """Values (m,), and their derivative (m, m) by the directions V and G_r."""
    cross, s = estimate.cross, estimate.sigma**2
    entries = cross.entries.tolist()
    sigmas = [s * lam @ lam.T for lam in estimate.grouping_lambdas]
    values = np.array([*(sigmas[f][row, column] for f, row, column, _ in entries), s])
    J = np.zeros((len(values), len(values)))
    J[:, 0] = values
    for r, (f, E) in enumerate(directions(estimate)):
        T = cross.z_transform[f]
        turned = s * T @ E @ T.T
        J[:-1, 1 + r] = [turned[row, column] * (g == f) for g, row, column, _ in _clipped(entries, f)]
    return values, J


def _clipped(entries: list[list[int]], f: int) -> list[list[int]]:
    """Entries, those of other groupings with places that exist in this one."""
    return [[g, row, column, t] if g == f else [g, 0, 0, t] for g, row, column, t in entries]
