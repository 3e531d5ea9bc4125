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


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Index arrays of one chart.

    Attributes
    ----------
    grouping, row, column : (n_theta,) int
        Where theta stands in the blocks of Lambda.
    beside : (n_theta, n_theta) bool
        Pairs in one column of one term.
    flat : (n_theta, n_theta) int
        Place of (row, row') in the blocks (K, K) of all groupings laid end to end.
    place : (n_theta,) int
        Place of (row, column) likewise.
    """

    grouping: np.ndarray
    row: np.ndarray
    column: np.ndarray
    beside: np.ndarray
    flat: np.ndarray
    place: np.ndarray


def table_of(cross: CrossProducts, chart: Chart) -> Table:
    """Index arrays of a chart."""
    grouping, row, column, term = chart.entries.T.astype(int)
    starts = np.concatenate([[0], np.cumsum(np.square(cross.columns))])[grouping]
    k = np.array(cross.columns)[grouping]
    beside = (term[:, None] == term) & (column[:, None] == column)
    flat = np.where(beside, (starts + row * k)[:, None] + row, 0)
    return Table(grouping, row, column, beside, flat, starts + row * k + column)


def unprofiled(frame: Frame) -> Callable[[np.ndarray, float], Local | None]:
    """D(theta, tau) of a frame, as a `Local` whose gradient and curvature run over (tau, theta).

    Notes
    -----
    One evaluation with both derivatives, and O(q K) for E. Owns its workspace: one thread at a time.
    """
    cross, entries = frame.cross, frame.chart.entries
    table, run = table_of(cross, frame.chart), core().Workspace(frame.system)
    shift, n = cross.n * LOG_TWO_PI - cross.sum_log_weights, float(cross.n)
    parts = _parts(cross)

    def at(theta: np.ndarray, tau: float) -> Local | None:
        status, *rest = run.evaluate(entries, theta, cross.zx, cross.xx, n, False, 2)
        if status:
            return None
        _, gradient, H, r2, logdet, _, beta, M = rest
        e, sigma2 = run.e(), math.exp(2 * tau)
        E = [rows.T @ rows for rows in (e[part].reshape(-1, k) for part, k in parts)]
        gap = n / r2 - 1 / sigma2
        EL = _times_lambda(E, table, theta, cross.columns)
        old = _pairs_in_a_column(M, table)
        M = [one + gap * square for one, square in zip(M, E, strict=True)]
        inner = (H - old + (4 * n / r2**2 * EL)[:, None] * EL) * (r2 / n / sigma2)
        m = len(theta) + 1
        full, slope = np.empty((m, m)), np.empty(m)
        slope[0], slope[1:] = 2 * n - 2 * r2 / sigma2, gradient + 2 * gap * EL
        full[0, 0], full[0, 1:] = 4 * r2 / sigma2, 4 / sigma2 * EL
        full[1:, 0], full[1:, 1:] = full[0, 1:], inner + _pairs_in_a_column(M, table)
        value = logdet + shift + 2 * n * tau + r2 / sigma2
        return Local(value, slope, full, theta, math.exp(tau), beta, M)

    return at


def _parts(cross: CrossProducts) -> list[tuple[slice, int]]:
    """Rows of every grouping in a (q,) vector, and its K."""
    out, at = [], 0
    for levels, k in zip(cross.levels, cross.columns, strict=True):
        out.append((slice(at, at + levels * k), k))
        at += levels * k
    return out


def _times_lambda(
    E: list[np.ndarray], table: Table, theta: np.ndarray, columns: tuple[int, ...]
) -> np.ndarray:
    """(n_theta,) entries of E Lambda."""
    flat = np.zeros(sum(k * k for k in columns))
    flat[table.place] = theta
    parts, at = [], 0
    for square, k in zip(E, columns, strict=True):
        parts.append((square @ flat[at : at + k * k].reshape(k, k)).ravel())
        at += k * k
    return (parts[0] if len(parts) == 1 else np.concatenate(parts))[table.place]


def _pairs_in_a_column(M: list[np.ndarray], table: Table) -> np.ndarray:
    """(n_theta, n_theta) C of the average information: M + M' for pairs in one column of one term."""
    flat = M[0].ravel() if len(M) == 1 else np.concatenate([one.ravel() for one in M])
    half = flat[table.flat] * table.beside
    return half + half.T


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
    table, m = table_of(frame.cross, frame.chart), len(frame.theta)

    def held(phi: float, x: np.ndarray) -> Local | None:
        zx, xx = column.reduced(phi)
        here, run = at(x, zx, xx)
        if here is None:
            return None
        flat = np.zeros(sum(k * k for k in columns))
        flat[table.place] = x
        by_phi = column.slope(phi, here.beta, run.u()[:, 0], flat, levels, columns)
        full, slope = np.zeros((m + 1, m + 1)), np.empty(m + 1)
        sigma2 = here.sigma**2
        slope[0], slope[1:] = by_phi / sigma2, here.gradient
        full[0, 0], full[1:, 1:] = column.curvature(by_phi, sigma2, n), here.curvature
        here.gradient, here.curvature = slope, full
        return here

    return held
