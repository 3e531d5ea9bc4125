"""The ML deviance with one parameter held: value, gradient and curvature in the parameter and the rest.

Everything comes from one evaluation of the compiled criterion, which profiles sigma out:

    D(theta, tau) = log|Omega| + n log(2 pi) + 2 n tau + r^2 exp(-2 tau) - sum log w,    tau = log sigma.

Its derivatives follow from those of the profiled criterion and from E = sum_g e_g e_g' (K x K per grouping):
r^2 has the gradient -2 E Lambda, and the average information loses the term that profiling put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts
from henderson.inference.intervals.coordinates import Frame
from henderson.optim.chart import Chart

if TYPE_CHECKING:
    from henderson.inference.intervals.fixed_column import HeldColumn

LOG_TWO_PI = 1.8378770664093453


@dataclass(slots=True, eq=False)
class Local:
    """The deviance around one point (phi, x): phi the parameter held, x (m,) all others.

    Attributes
    ----------
    value : float
    gradient : (1 + m,)
        By phi, then by x.
    curvature : (1 + m, 1 + m)
        Average information; what it misses is learnt along the path.
    theta : (n_theta,)
        In the chart of the frame.
    sigma : float
    beta : (p,) or (p - 1,)
        Of the columns used.
    M : list of (K, K)
        Gradient by the covariance matrix of the random effects, per grouping.
    """

    value: float
    gradient: np.ndarray
    curvature: np.ndarray
    theta: np.ndarray
    sigma: float
    beta: np.ndarray
    M: list[np.ndarray]


Held = Callable[[float, np.ndarray], "Local | None"]
"""(phi, x) -> Local, or None where the equations cannot be solved."""


def places_of(cross: CrossProducts, chart: Chart) -> np.ndarray:
    """(n_theta,) places of (row, column) in the blocks (K, K) of all groupings laid end to end."""
    grouping, row, column, _ = chart.entries.T.astype(int)
    starts = np.concatenate([[0], np.cumsum(np.square(cross.columns))])[grouping]
    return np.asarray(starts + row * np.array(cross.columns)[grouping] + column)


def unprofiled(frame: Frame) -> Callable[[np.ndarray, float], Local | None]:
    """D(theta, tau) of a frame, as a `Local` whose gradient and curvature run over (tau, theta).

    Notes
    -----
    One evaluation with both derivatives, and O(q K) for E. Owns its workspace: one thread at a time.
    """
    cross, entries, run = frame.cross, frame.chart.entries, core().Workspace(frame.system)
    constant, n, zx, xx = cross.n * LOG_TWO_PI - cross.sum_log_weights, float(cross.n), cross.zx, cross.xx

    def at(theta: np.ndarray, tau: float) -> Local | None:
        status, *rest = run.unprofiled(entries, theta, tau, zx, xx, n, constant)
        if status:
            return None
        value, slope, full, beta, M = rest
        return Local(value, slope, full, theta, math.exp(tau), beta, M)

    return at


def holding_sigma(frame: Frame) -> Held:
    """phi = log sigma, x = theta."""
    at = unprofiled(frame)
    return lambda phi, x: at(x, phi)


def holding_sd(frame: Frame) -> Held:
    """phi = sd in the user's units, x = (log sigma, theta without theta_1); theta_1 = phi / (unit sigma)."""
    at, j, m = unprofiled(frame), frame.pinned[0], len(frame.theta)
    others = np.array([i for i in range(m) if i != j], dtype=int)
    keep = np.concatenate([[0], 1 + others])

    def held(phi: float, x: np.ndarray) -> Local | None:
        theta, by_phi = np.empty(m), math.exp(-x[0]) / frame.unit
        theta[j], theta[others] = phi * by_phi, x[1:]
        here = at(theta, float(x[0]))
        if here is None:
            return None
        J = np.zeros((m + 1, m + 1))  # (tau, theta) by (phi, tau, others)
        J[keep, np.arange(1, m + 1)] = 1.0
        J[1 + j, 0], J[1 + j, 1] = by_phi, -theta[j]
        slope = here.gradient[1 + j]
        here.gradient, here.curvature = here.gradient @ J, J.T @ here.curvature @ J
        here.curvature[0, 1] -= slope * by_phi
        here.curvature[1, 0] -= slope * by_phi
        here.curvature[1, 1] += slope * theta[j]
        return here

    return held


def profiled(frame: Frame) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[Any, Any]]:
    """The ML criterion of a frame with sigma profiled out, for given Z'[X y] and [X y]'[X y].

    Returns
    -------
    callable
        (theta, zx, xx) -> (Local without the held parameter, workspace), or (None, workspace).
    """
    cross, entries, run = frame.cross, frame.chart.entries, core().Workspace(frame.system)
    n = float(cross.n)

    def at(theta: np.ndarray, zx: np.ndarray, xx: np.ndarray) -> tuple[Any, Any]:
        status, *rest = run.evaluate(entries, theta, zx, xx, n, False, 2)
        if status:
            return None, run
        value, gradient, H, r2, _, _, beta, M = rest
        sigma = float(np.sqrt(r2 / n))
        return Local(value - cross.sum_log_weights, gradient, H, theta, sigma, beta, M), run

    return at


def holding_correlation(frame: Frame) -> Held:
    """phi = arcsin of the correlation, x = theta with theta_21, theta_22 replaced by their length t.

    theta_21 = t sin phi, theta_22 = t cos phi: regular at correlations of -1 and 1 too.
    """
    at, (j, k), m = profiled(frame), frame.pinned, len(frame.theta)
    others = np.array([i for i in range(m) if i not in (j, k)], dtype=int)

    def held(phi: float, x: np.ndarray) -> Local | None:
        theta, sine, cosine = np.empty(m), np.sin(phi), np.cos(phi)
        theta[j], theta[k], theta[others] = x[0] * sine, x[0] * cosine, x[1:]
        here, _ = at(theta, frame.cross.zx, frame.cross.xx)
        if here is None:
            return None
        J = np.zeros((m, m))  # theta by (phi, t, others)
        J[others, np.arange(2, m)] = 1.0
        J[j, 0], J[k, 0], J[j, 1], J[k, 1] = theta[k], -theta[j], sine, cosine
        a, b = here.gradient[j], here.gradient[k]
        here.gradient, here.curvature = here.gradient @ J, J.T @ here.curvature @ J
        here.curvature[0, 0] -= a * theta[j] + b * theta[k]
        here.curvature[0, 1] += a * cosine - b * sine
        here.curvature[1, 0] += a * cosine - b * sine
        return here

    return held


def holding_column(frame: Frame, column: HeldColumn) -> Held:
    """phi = a fixed effect in the user's units, x = theta; the response gives up phi times the column."""
    at, n = profiled(frame), frame.cross.n
    levels, columns = frame.cross.levels, frame.cross.columns
    places, m = places_of(frame.cross, frame.chart), len(frame.theta)

    def held(phi: float, x: np.ndarray) -> Local | None:
        zx, xx = column.reduced(phi)
        here, run = at(x, zx, xx)
        if here is None:
            return None
        flat = np.zeros(sum(k * k for k in columns))
        flat[places] = x
        by_phi = column.slope(phi, here.beta, run.u()[:, 0], flat, levels, columns)
        full, slope = np.zeros((m + 1, m + 1)), np.empty(m + 1)
        sigma2 = here.sigma**2
        slope[0], slope[1:] = by_phi / sigma2, here.gradient
        full[0, 0], full[1:, 1:] = column.curvature(by_phi, sigma2, n), here.curvature
        here.gradient, here.curvature = slope, full
        return here

    return held
