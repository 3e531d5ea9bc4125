"""How well standard deviations and correlations of random effects are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import FitError
from henderson.inference.fixed import normal_quantile
from henderson.inference.layout import term_slices
from henderson.inference.small_sample.hessian import scaled_hessian
from henderson.inference.solver import is_iterative

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

POSITIVE = 1e-6
"""Smallest eigenvalue of the scaled Hessian, relative to the largest, that gives information."""
WIDEST = 100.0
"""Limits of a standard deviation further off than this factor say nothing, and there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class TermLimits:
    """Approximate limits for one random-effects term of k columns; NaN where there are none.

    Attributes
    ----------
    sd_low, sd_high : (k,) float64
    corr_low, corr_high : (k, k) float64
    """

    sd_low: np.ndarray
    sd_high: np.ndarray
    corr_low: np.ndarray
    corr_high: np.ndarray


def term_limits(design: Design, estimate: Estimate, level: float) -> tuple[TermLimits, ...]:
    """Return limits for the standard deviations and correlations of every term.

    With the inverse H of half the Hessian of the deviance by (theta, sigma) and the delta method, log sd and
    atanh r are taken as normal: sd exp(-+ z se(log sd)), tanh(atanh r -+ z se(atanh r)), as nlme's
    ``intervals`` does.

    Parameters
    ----------
    design : Design
    estimate : Estimate
    level : float
        Coverage.

    Returns
    -------
    tuple of TermLimits, one per term
        All NaN where the fit is singular or the Hessian not positive (on the edge there is no such
        approximation) and after the iterative solver, which has no exact gradients.

    References
    ----------
    Pinheiro, J. C. and Bates, D. M. (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.3.

    Notes
    -----
    2 n_theta gradients of the criterion.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> (limits,) = term_limits(fit.design, fit.estimate, 0.95)
    >>> round(float(limits.sd_low[1]), 1), round(float(limits.sd_high[1]), 1)
    (3.9, 9.0)
    """
    cuts, z = term_slices(design), normal_quantile(level)
    vcov = _parameter_vcov(estimate)
    blocks = [_block(estimate, term.grouping, cut) for term, cut in zip(design.terms, cuts, strict=True)]
    return tuple(_limits(S, dS, vcov, z) for S, dS in blocks)


def _parameter_vcov(estimate: Estimate) -> np.ndarray | None:
    """2 H^-1 (m + 1, m + 1) of theta and sigma; None where H is not clearly positive."""
    if estimate.singular or is_iterative(estimate):
        return None
    try:
        found = scaled_hessian(estimate)
    except FitError:
        return None
    if not np.isfinite(found.H).all():
        return None
    values, vectors = np.linalg.eigh(found.H)
    if values[0] <= POSITIVE * max(1.0, values[-1]):
        return None
    turned = found.steps @ vectors
    return np.asarray(2 * (turned / values) @ turned.T)


def _block(estimate: Estimate, f: int, cut: slice) -> tuple[np.ndarray, np.ndarray]:
    """Covariance (k, k) of a term, and its derivative (m + 1, k, k) by theta and sigma."""
    lam, sigma = estimate.grouping_lambdas[f], estimate.sigma
    S = sigma**2 * lam @ lam.T
    slopes = []
    for g, row, column, _ in estimate.cross.entries.tolist():
        d = np.zeros_like(S)
        if g == f:
            d[row] = sigma**2 * lam[:, column]
        slopes.append((d + d.T)[cut, cut])
    return S[cut, cut], np.array([*slopes, 2 / sigma * S[cut, cut]])


def _limits(S: np.ndarray, dS: np.ndarray, vcov: np.ndarray | None, z: float) -> TermLimits:
    k = len(S)
    sd = np.sqrt(np.diag(S))
    if vcov is None or sd.min() <= 0:
        return TermLimits(*(np.full(shape, np.nan) for shape in ((k,), (k,), (k, k), (k, k))))
    relative = np.einsum("mjj->mj", dS) / (2 * sd**2)  # derivative of log sd
    half = z * np.sqrt(np.einsum("mj,mn,nj->j", relative, vcov, relative))
    half = np.where(half <= np.log(WIDEST), half, np.nan)
    r = np.clip(S / np.outer(sd, sd), -1, 1)
    np.fill_diagonal(r, 0.0)
    dr = dS / np.outer(sd, sd) - r * (relative[:, :, None] + relative[:, None, :])
    turned = dr / (1 - r**2)
    reach = z * np.sqrt(np.einsum("mab,mn,nab->ab", turned, vcov, turned))
    middle = np.arctanh(r)
    return TermLimits(sd * np.exp(-half), sd * np.exp(half), np.tanh(middle - reach), np.tanh(middle + reach))
