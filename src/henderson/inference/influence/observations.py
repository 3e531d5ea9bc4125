"""Leaving out one row at a time, theta held: closed form for all rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.conditional import spherical_columns
from henderson.inference.influence.groups import parameter_names, standard_deviations
from henderson.inference.influence.record import Influence
from henderson.inference.tables import FULL

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

ROWS_AT_ONCE = 1 << 16


def influence_of_rows(
    design: Design, estimate: Estimate, hat: np.ndarray, residuals: np.ndarray
) -> Influence:
    """Estimates without each row, theta held at its estimate.

    With x~ = x - X'WZ Lambda Omega^-1 Lambda'z, C = (X'V^-1X)^-1, w the weight, h the leverage and r the
    residual of the row,

        beta_(i) = beta - w C x~ r / (1 - h),        s_(i) = s - w r^2 / (1 - h),
        C_(i) = C + (w C x~)(w C x~)' / (w (1 - h)).

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    hat : (n,) float64
        Leverages.
    residuals : (n,) float64
        y - fitted.

    Returns
    -------
    Influence
        Of n observations; `levels` are row numbers of the data, from 0.

    Notes
    -----
    p solves; O(n (K p + p^2)), and memory O(n p).

    References
    ----------
    Christensen, R., Pearson, L. M. and Johnson, W. (1992), Technometrics 34, 38-45.
    """
    n, p = design.n, design.p
    w = np.ones(n) if design.weights is None else design.weights
    with np.errstate(divide="ignore", invalid="ignore"):
        deleted = np.where(1 - hat > FULL, residuals / (1 - hat), np.nan)
    C = np.linalg.inv(estimate.RX.T @ estimate.RX)
    v = adjusted_rows(design, estimate) * w[:, None]
    moved = v @ C
    within = np.einsum("np,np->n", moved, v)
    ss = estimate.pwrss - w * residuals * deleted
    sigma = np.sqrt(np.maximum(ss, 0) / (estimate.nu - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(np.isnan(deleted), np.nan, w * (1 - hat))
        spread = np.diag(C) + moved**2 / left[:, None]
        grown = 1 + within / left
    theta = np.broadcast_to(estimate.theta, (n, len(estimate.theta)))
    full = np.isnan(deleted)
    return Influence(
        by="observation",
        levels=tuple((np.arange(n) if design.kept_rows is None else design.kept_rows).tolist()),
        rows=np.ones(n, dtype=np.int64),
        terms=design.x_names,
        beta=estimate.beta,
        fixef_deleted=estimate.beta - moved * deleted[:, None],
        se_deleted=sigma[:, None] * np.sqrt(spread),
        cooks_distance=deleted**2 * within / (p * estimate.sigma**2) if p else np.full(n, np.nan),
        covratio=(sigma / estimate.sigma) ** (2 * p) * grown,
        parameters=parameter_names(design),
        sd=standard_deviations(estimate, estimate.theta[None], np.array([estimate.sigma]))[0],
        sd_deleted=standard_deviations(estimate, theta, sigma),
        theta_deleted=theta,
        reasons=tuple("the row alone determines an effect" if f else "" for f in full),
        exact=False,
    )


def adjusted_rows(design: Design, estimate: Estimate) -> np.ndarray:
    """x - X'WZ Lambda Omega^-1 Lambda'z of every row, (n, p): what the groups do not take up."""
    out = np.empty((design.n, design.p))
    starts = np.cumsum([0, *(b.size for b in estimate.b)])
    blocks = [
        estimate.zx[at : at + b.size].reshape(*b.shape, -1)
        for at, b in zip(starts[:-1], estimate.b, strict=True)
    ]
    for first in range(0, design.n, ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, design.n))
        rest = design.X[rows].copy()
        for z, g, block in zip(
            spherical_columns(design, estimate, rows), design.groupings, blocks, strict=True
        ):
            rest -= np.einsum("na,nap->np", z, block[g.codes[rows]])
        out[rows] = rest
    return out
