"""Search and rectify: Newton, then zeros and the conditions of a minimum over covariance matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from henderson.optim.chart import Chart, pivot
from henderson.optim.newton import Point, derivatives, minimise, trust_region_step
from henderson.optim.record import SearchRecord, Step
from henderson.optim.rectify import KKT, add_variance, snap, steepest_variance
from henderson.solve.direct import Evaluation

Evaluate = Callable[[np.ndarray, int, np.ndarray], "Evaluation | None"]

FLAT = 1e-4
"""A derivative by a variance above minus this is not worth a step (its square bounds the decrease)."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Where a search ended.

    Attributes
    ----------
    point : Point or None
        theta in the coordinates of the search, the criterion and its derivatives there; None when not even
        the start is feasible.
    record : SearchRecord
    kkt : KKT or None
    """

    point: Point | None
    record: SearchRecord
    kkt: KKT | None


def search(evaluate: Evaluate, chart: Chart, theta: np.ndarray, *, tol: float, most: int) -> Found:
    """Minimise the criterion over theta.

    Parameters
    ----------
    evaluate : callable
        (theta, derivatives, entries) -> Evaluation, None where the criterion does not exist.
    chart : Chart
        Coordinates of the start.
    theta : (n_theta,)
        Start.
    tol : float
        Stop when the predicted decrease is below ``tol * max(1, |f| / 1000)``.
    most : int
        Most evaluations.

    Returns
    -------
    Found
        Small pivots snapped to zero where the criterion does not rise.
    """
    steps: list[Step] = []
    at = evaluate(theta, 2, chart.entries)
    if at is None:
        return Found(None, SearchRecord((), False, "The start is not feasible.", tol, most), None)
    steps.append(Step(theta, at.value, _norm(at.gradient), np.inf, 0.0, True, "start"))
    point = Point(chart, theta, at)
    while True:
        point, converged = minimise(evaluate, point, tol=tol, most=most, steps=steps)
        point = _snap(evaluate, point, steps, tol)
        slopes = steepest_variance(point.chart, point.theta, point.at.variance_gradient)
        moved = _leave_boundary(evaluate, point, slopes, steps, most) if converged else None
        if moved is None:
            break
        point = moved
    kkt = _conditions(point.at, slopes, converged)
    return Found(point, _record(steps, converged, tol, most), kkt)


def _snap(evaluate: Evaluate, point: Point, steps: list[Step], tol: float) -> Point:
    snapped = snap(point.chart, point.theta)
    new = None if snapped is None else evaluate(snapped, 2, point.chart.entries)
    if snapped is None or new is None:
        return point
    accept = new.value <= point.at.value + tol * max(1.0, abs(point.at.value) / 1000)
    steps.append(Step(snapped, new.value, _norm(new.gradient), 0.0, 0.0, accept, "snap"))
    return Point(point.chart, snapped, new) if accept else point


def _leave_boundary(
    evaluate: Evaluate,
    point: Point,
    slopes: tuple[tuple[float, np.ndarray], ...],
    steps: list[Step],
    most: int,
) -> Point | None:
    """A better point with variance added where the criterion falls with it; None when there is none."""
    worst = min(range(len(slopes)), key=lambda i: slopes[i][0])
    slope, direction = slopes[worst]
    if slope >= -FLAT:
        return None
    for size in (0.3, 0.1, 0.03):
        if len(steps) >= most:
            return None
        chart, trial = pivot(
            point.chart, add_variance(point.theta, point.chart.blocks[worst], direction, size)
        )
        new = evaluate(trial, 2, chart.entries)
        accept = new is not None and new.value < point.at.value
        value, norm = (np.inf, np.inf) if new is None else (new.value, _norm(new.gradient))
        steps.append(Step(trial, value, norm, size, -slope * size**2, accept, "leave boundary"))
        if accept and new is not None:
            return Point(chart, trial, new)
    return None


def _conditions(at: Evaluation, slopes: tuple[tuple[float, np.ndarray], ...], converged: bool) -> KKT:
    gradient, curvature = derivatives(at)
    predicted = trust_region_step(gradient, curvature, np.inf)[1]
    smallest = tuple(slope for slope, _ in slopes)
    return KKT(float(np.abs(gradient).max()), predicted, smallest, converged and min(smallest) >= -FLAT)


def _record(steps: list[Step], converged: bool, tol: float, most: int) -> SearchRecord:
    message = (
        f"Converged in {len(steps)} evaluations: a further step promises less than {tol:g}."
        if converged
        else f"Stopped at the limit of {most} evaluations before convergence; give a larger max_evaluations."
    )
    return SearchRecord(tuple(steps), converged, message, tol, most)


def _norm(x: np.ndarray | None) -> float:
    return np.inf if x is None else math.sqrt(x.dot(x))
