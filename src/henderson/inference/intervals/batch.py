"""Newton for a block of responses at once.

The criterion of every response is evaluated by the compiled core; what surrounds it (steps, tests) is done
for all of them together, which costs a tenth of what it costs one by one. A response whose search is not
plain sailing (a long or uphill step, a zero variance that would rather grow) is left to the search that every
fit uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.core import core
from henderson.errors import FitError, HendersonError
from henderson.estimate import Estimate, fit_cross_products
from henderson.inference.intervals.coordinates import Frame
from henderson.inference.intervals.curve import user_coefficients, user_roots
from henderson.inference.intervals.responses import Products
from henderson.optim.chart import Chart
from henderson.optim.rectify import SMALL_PIVOT, snap, steepest_variance
from henderson.optim.search import FLAT

TOL, MOST = 1e-10, 12
FEASIBLE = 0.05
"""Least pivot of the start: zero is stationary for every response."""


@dataclass(slots=True, eq=False)
class Refits:
    """Estimates for R responses, user's units.

    Attributes
    ----------
    roots : list of (R, k_i, k_i)
        Per term a root of Lambda_i Lambda_i'.
    sigma : (R,) float64
    beta : (R, p) float64
    singular : (R,) bool
    careful : int
        How many needed the careful search.
    failed : dict of int to str
        Why a response has no estimate (its rows are NaN).
    """

    roots: list[np.ndarray]
    sigma: np.ndarray
    beta: np.ndarray
    singular: np.ndarray
    careful: int
    failed: dict[int, str]


def refit_block(estimate: Estimate, frame: Frame, block: Products, count: int) -> Refits:
    """Refit a model to the first `count` responses of a block.

    Parameters
    ----------
    estimate : Estimate
        Of the original response: its criterion (REML or ML) is used, and its theta starts the search.
    frame : Frame
        Its coordinates.
    block : Products
    count : int

    Notes
    -----
    About five evaluations of the criterion each. Owns its workspace: several threads may call it.
    """
    theta, r2, raw, plain, singular = newton_block(estimate, frame, block, count)
    out = Refits(
        [user_roots(frame, theta, i) for i in range(len(frame.chart.blocks))],
        np.sqrt(r2 / estimate.nu),
        user_coefficients(estimate, raw),
        singular,
        int(count - plain.sum()),
        {},
    )
    for i in np.flatnonzero(~plain).tolist():
        _carefully(estimate, frame, block, i, out)
    return out


def _carefully(estimate: Estimate, frame: Frame, block: Products, i: int, out: Refits) -> None:
    try:
        found = fit_cross_products(
            block.of(i, frame.cross), estimate.theta_names, reml=estimate.reml, system=frame.system
        )
        if not found.search.converged:
            raise FitError("the search was stopped at its limit of evaluations")
    except HendersonError as error:
        out.failed[i] = str(error).split(". ")[0]
        out.sigma[i] = out.beta[i] = np.nan
        for root in out.roots:
            root[i] = np.nan
        return
    out.sigma[i], out.beta[i], out.singular[i] = found.sigma, found.beta, found.singular
    for root, lam in zip(out.roots, found.lambdas, strict=True):
        root[i] = lam


def newton_block(
    estimate: Estimate, frame: Frame, block: Products, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Plain Newton in step for `count` responses.

    Returns
    -------
    theta : (count, n_theta)
    r2 : (count,)
    beta : (count, p)
        Of the centred and scaled columns.
    plain : (count,) bool
        Whether the search ended as it should; what stands in other rows means nothing.
    singular : (count,) bool
    """
    cross, entries, m = frame.cross, frame.chart.entries, len(frame.theta)
    run, nu, reml = core().Workspace(frame.system).evaluate, float(estimate.nu), estimate.reml
    zx, xx = cross.zx.copy(), cross.xx.copy()
    pivots = np.array([place for b in frame.chart.blocks for place in b.positions.diagonal()])
    start = frame.theta.copy()
    start[pivots] = np.maximum(start[pivots], FEASIBLE)
    theta = np.tile(start, (count, 1))
    value, g, H = np.full(count, np.inf), np.empty((count, m)), np.empty((count, m, m))
    r2, beta = np.full(count, np.nan), np.full((count, cross.p), np.nan)
    plain, singular, live = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), np.arange(count)
    radius = max(1.0, float(np.linalg.norm(start)))
    for _ in range(MOST):
        good = np.ones(len(live), dtype=bool)
        for place, i in enumerate(live.tolist()):
            block.put(i, zx, xx)
            status, *rest = run(entries, theta[i], zx, xx, nu, reml, 2)
            if status or not rest[0] < value[i]:
                good[place] = False
                continue
            value[i], g[i], H[i] = rest[:3]
        live = live[good]
        if not len(live):
            break
        step, predicted = newton_steps(g[live], H[live])
        fine = (predicted >= 0) & (np.sqrt((step**2).sum(axis=1)) <= radius)
        live, step, predicted = live[fine], step[fine], predicted[fine]
        theta[live] += step
        done = predicted < TOL * np.maximum(1.0, np.abs(value[live]) / 1000)
        for i in live[done].tolist():  # a last step, taken for the estimates that go with it
            block.put(i, zx, xx)
            small = np.abs(theta[i, pivots]).min() < SMALL_PIVOT
            zero = snap(frame.chart, theta[i]) if small else None
            status, *rest = run(
                entries, theta[i] if zero is None else zero, zx, xx, nu, reml, 2 if small else 0
            )
            if status or (small and not _stays(frame.chart, zero, rest, value[i])):
                continue
            theta[i], singular[i] = theta[i] if zero is None else zero, small
            r2[i], beta[i], plain[i] = rest[3], rest[6], True
        live = live[~done]
    return theta, r2, beta, plain, singular


def _stays(chart: Chart, zero: np.ndarray | None, rest: list[Any], before: float) -> bool:
    """Whether zero variances are no worse than the small ones, and would not rather grow."""
    if zero is None or rest[0] > before + TOL * max(1.0, abs(before) / 1000):
        return False
    return min(slope for slope, _ in steepest_variance(chart, zero, rest[7])) >= -FLAT


def newton_steps(g: np.ndarray, H: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R, m) steps -H^-1 g and (R,) decreases they promise; -1 where H is not positive definite."""
    w, V = np.linalg.eigh(H)
    bowl = w[:, 0] > 1e-10 * np.abs(w[:, -1])
    along = np.einsum("rij,ri->rj", V, g)
    coordinates = -along / np.where(bowl[:, None], w, 1.0)
    step = np.einsum("rij,rj->ri", V, coordinates)
    return step, np.where(bowl, -(along * coordinates).sum(axis=1) / 2, -1.0)
