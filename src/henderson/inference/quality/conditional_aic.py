"""Conditional AIC: how well the fit predicts new rows of the groups at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.conditional import hat_values, spherical_columns
from henderson.inference.fitted import fitted
from henderson.model.criterion import Evaluator, criterion
from henderson.model.units import to_search
from henderson.optim.chart import Chart

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

STEP = 1e-4
"""Relative step of the central differences; their error is of order STEP squared."""
ZERO = 1e-8
"""A column of Lambda smaller than this (on columns of unit size) lies on the boundary."""


@dataclass(frozen=True, slots=True, eq=False)
class ConditionalAIC:
    """Conditional AIC with the degrees of freedom it charges.

    Attributes
    ----------
    caic : float
        -2 loglik + 2 df.
    loglik : float
        Log-likelihood of the rows given the conditional modes.
    df : float
        `leverage` + `correction` + 1, the 1 for sigma.
    leverage : float
        Trace of the map from y to the fitted values at fixed theta.
    correction : float
        What estimating theta adds.
    boundary : int
        Covariance directions without variance; they are held there.
    reml : bool
        Whether theta and sigma are REML estimates.
    """

    caic: float
    loglik: float
    df: float
    leverage: float
    correction: float
    boundary: int
    reml: bool

    def columns(self) -> dict[str, object]:
        """Return one row: caic, loglik, df, leverage, correction."""
        names = ("caic", "loglik", "df", "leverage", "correction")
        return {name: [getattr(self, name)] for name in names}


def conditional_aic(design: Design, estimate: Estimate, hat: np.ndarray | None = None) -> ConditionalAIC:
    """Conditional AIC of a linear mixed model, theta's estimation accounted for exactly.

    cAIC = -2 log N(y; fitted, sigma^2 / w) + 2 (tr(d fitted / d y) + 1), and, with f the profiled criterion,

        tr(d fitted / d y) = tr(H) + sum_jk (B^-1)_jk a_j' W^-1 g_k,     B = d2 f / d theta d theta',
        a_j = P V_j P y,     g_k = 2 nu [a_k / s - P y (y' a_k) / s^2],     s = y' P y.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit, by ML or REML. Directions without variance are held at zero.
    hat : (n,) float64, optional
        Leverages, when known already.

    Returns
    -------
    ConditionalAIC

    Notes
    -----
    One selected inverse, 2 n_theta gradients, n_theta solves; O(n (p + K) n_theta) beyond that.

    References
    ----------
    Greven, S. and Kneib, T. (2010), Biometrika 97, 773-789, Theorem 3.
    Saefken, B., Ruegamer, D., Kneib, T. and Greven, S. (2021), J. Stat. Softw. 99(8).
    """
    leverage = float((hat_values(design, estimate) if hat is None else hat).sum())
    chart, theta = to_search(estimate.cross, estimate.theta)
    free = _free_entries(chart, theta)
    extra = _correction(design, estimate, chart, theta, free) if len(free) else 0.0
    lost = sum(b.k - _live(b.triangle(theta)).sum() for b in chart.blocks)
    df, value = leverage + extra + 1, conditional_loglik(design, estimate)
    return ConditionalAIC(2 * df - 2 * value, value, df, leverage, extra, int(lost), bool(estimate.reml))


def conditional_loglik(design: Design, estimate: Estimate) -> float:
    """Log-density of the rows given the conditional modes, sigma as estimated."""
    w = np.ones(design.n) if design.weights is None else design.weights
    scaled = (design.y - fitted(design, estimate)) ** 2 * w / estimate.sigma**2
    constant = design.n * math.log(2 * math.pi * estimate.sigma**2) - float(np.log(w).sum())
    return -0.5 * (constant + float(scaled.sum()))


def _live(triangle: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(triangle).max(axis=0) > ZERO)


def _free_entries(chart: Chart, theta: np.ndarray) -> np.ndarray:
    """Entries of theta in columns of Lambda that have some variance."""
    free: list[int] = []
    for block in chart.blocks:
        own = block.positions[:, _live(block.triangle(theta))]
        free += own[own >= 0].tolist()
    return np.array(sorted(free), dtype=np.int64)


def _correction(
    design: Design, estimate: Estimate, chart: Chart, theta: np.ndarray, free: np.ndarray
) -> float:
    """Sum over jk of (B^-1)_jk (d fitted / d theta_j)' (d2 f / d theta_k dy)."""
    cross = estimate.cross
    B = _hessian(criterion(cross, reml=estimate.reml, system=estimate.system), chart, theta, free)
    a, Py = _directions(design, estimate, chart, free)
    s, inverse_weights = estimate.pwrss, 1.0 if design.weights is None else 1 / design.weights
    y = design.y if design.offset is None else design.y - design.offset
    g = 2 * estimate.nu * (a / s - np.outer(Py, (y - design.X @ estimate.beta) @ a) / s**2)
    inner = (a.T * inverse_weights) @ g
    return float(np.trace(np.linalg.solve(B, inner)))


def _hessian(evaluate: Evaluator, chart: Chart, theta: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Exact curvature (f, f) of the criterion by central differences of its gradient."""
    out = np.empty((len(free), len(free)))
    for i, j in enumerate(free):
        step = np.zeros_like(theta)
        step[j] = STEP * max(1.0, abs(float(theta[j])))
        ends = [evaluate(theta + sign * step, 2, chart.entries) for sign in (1.0, -1.0)]
        slopes = [end.gradient[free] for end in ends if end is not None and end.gradient is not None]
        out[i] = (slopes[0] - slopes[1]) / (2 * step[j])
    return (out + out.T) / 2


def _directions(
    design: Design, estimate: Estimate, chart: Chart, free: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """P V_j P y for every free entry, (n, f), and P y, (n,).

    With r = W^-1 P y the residuals: V_j P y = Z w_j, w_j = D_j Lambda' Z' P y + Lambda D_j' Z' P y, and P Z w
    is the weighted residual of the mixed-model equations with Z w as the response.
    """
    weights = np.ones(design.n) if design.weights is None else design.weights
    Py = weights * (design.y - fitted(design, estimate))
    raw, codes = _raw_columns(design), [g.codes for g in design.groupings]
    a = np.empty((design.n, len(free)))
    for i, j in enumerate(free):
        f, row, column, _ = (int(v) for v in chart.entries[j])
        T, lam = estimate.cross.z_transform[f], _search_factor(estimate, chart, f)
        z, levels = raw[f] @ T, estimate.cross.levels[f]
        sums = np.column_stack([np.bincount(codes[f], Py * c, levels) for c in z.T])
        w = np.zeros_like(sums)
        w[:, row] = sums @ lam[:, column]
        w += np.outer(sums[:, row], lam[:, column])
        a[:, i] = (z * w[codes[f]]).sum(axis=1)
    return _weighted_residuals(design, estimate, a, weights), Py


def _raw_columns(design: Design) -> list[np.ndarray]:
    """Columns of every grouping, (n, K), as typed."""
    return [
        np.column_stack([c for t in design.terms if t.grouping == f for c in t.columns])
        for f in range(len(design.groupings))
    ]


def _search_factor(estimate: Estimate, chart: Chart, f: int) -> np.ndarray:
    """(K, K) root of one grouping's covariance in the coordinates of the search."""
    _, theta = to_search(estimate.cross, estimate.theta)
    out = np.zeros((estimate.cross.columns[f],) * 2)
    for block in chart.blocks:
        if block.grouping == f:
            at = slice(block.first, block.first + block.k)
            out[at, at] = block.unpack(theta)
    return out


def _weighted_residuals(design: Design, estimate: Estimate, t: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """P t (n, r): W times what is left of the columns of t after X and the penalised Z."""
    z = spherical_columns(design, estimate, slice(0, design.n))
    weighted, rhs, at = t * weights[:, None], [], 0
    for zf, g in zip(z, design.groupings, strict=True):
        sums = [[np.bincount(g.codes, c * v, len(g.levels)) for v in weighted.T] for c in zf.T]
        rhs.append(np.moveaxis(np.array(sums), (0, 1, 2), (1, 2, 0)).reshape(-1, t.shape[1]))
    zt = np.concatenate(rhs)
    beta = np.linalg.solve(estimate.RX.T @ estimate.RX, design.X.T @ weighted - estimate.zx.T @ zt)
    u = estimate.factor.solve(zt) - estimate.zx @ beta
    rest = t - design.X @ beta
    for zf, g in zip(z, design.groupings, strict=True):
        size = len(g.levels) * zf.shape[1]
        block = u[at : at + size].reshape(len(g.levels), zf.shape[1], -1)
        rest -= np.einsum("nk,nkr->nr", zf, block[g.codes])
        at += size
    return rest * weights[:, None]
