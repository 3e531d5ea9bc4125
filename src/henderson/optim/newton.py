"""Trust-region Newton with average-information curvature.

The curvature is nearly the Hessian, so a handful of steps suffice; where the mean is misspecified or
directions are flat the two differ, and a structured symmetric rank-one correction learns the difference from
the gradients seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg.lapack import dposv, dsyevd

from henderson.optim.chart import Chart, pivot
from henderson.optim.record import Step
from henderson.solve.direct import Evaluation

Evaluate = Callable[[np.ndarray, int, np.ndarray], "Evaluation | None"]

POLISH = 1e-6
"""Share of the tolerance below which a last step, taken by its value alone, is not worth the evaluation."""
ROUNDING = 1e-12
"""Relative error of the criterion."""
SLOW_FROM = 4
"""Evaluations after which steps count as slow."""
SLOW_STEPS = 2
"""Slow steps after which the rank-one correction is kept."""

WELL_CONDITIONED = 1e-3
"""Ratio of the pivots of a Cholesky factor above which no eigenvalue is needed."""
NEAR, LINEAR = 1e-3, 0.02
"""Close to the end (predicted decrease below the first) a gradient that shrinks by less than the second shows
that the curvature is off by that much; differences of gradients there are exact enough to learn it."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """theta in some coordinates, and the criterion with its derivatives there."""

    chart: Chart
    theta: np.ndarray
    at: Evaluation


def minimise(
    evaluate: Evaluate, point: Point, *, tol: float, most: int, steps: list[Step]
) -> tuple[Point, bool]:
    """Minimise the criterion from a point already evaluated.

    Parameters
    ----------
    evaluate : callable
        (theta, 2, entries) -> Evaluation, None where the criterion does not exist.
    point : Point
        Start, with both derivatives.
    tol : float
        Stop when the predicted decrease is below ``tol * max(1, |f| / 1000)``.
    most : int
        Most evaluations in `steps`, those already in it included.
    steps : list of Step
        Every evaluation is appended.

    Returns
    -------
    point : Point
    converged : bool
    """
    correction: np.ndarray | None = None
    slow, count, radius = 0, 1, max(1.0, _norm(point.theta))
    while len(steps) < most:
        gradient, curvature = derivatives(point.at)
        model = curvature if correction is None else curvature + correction
        step, predicted, at_edge = trust_region_step(gradient, model, radius)
        scale = max(1.0, abs(point.at.value) / 1000)
        if predicted < tol * scale:
            worth = predicted > POLISH * tol * scale
            return (_polish(evaluate, point, step, radius, predicted, steps) if worth else point), True
        chart, trial = pivot(point.chart, point.theta + step)
        new = evaluate(trial, 2, chart.entries)
        count += 1
        length = _norm(step)
        if new is None:
            steps.append(Step(trial, np.inf, np.inf, radius, predicted, False, "newton"))
            radius = length / 4
            continue
        slope, new_curvature = derivatives(new)
        gain = (point.at.value - new.value) / predicted
        accept, shrinks = gain > 1e-4, _norm(slope) / max(_norm(gradient), np.finfo(float).tiny)
        steps.append(Step(trial, new.value, _norm(slope), radius, predicted, accept, "newton"))
        slow += count > SLOW_FROM and (not accept or shrinks > 0.5)
        if accept and predicted < NEAR * scale and shrinks > LINEAR:
            slow = max(slow, SLOW_STEPS)
        if chart is not point.chart:  # differences of gradients mean nothing across coordinates
            correction = None if accept else correction
        elif slow >= SLOW_STEPS:
            correction = _rank_one(correction, slope - gradient, new_curvature if accept else curvature, step)
        if gain < 0.25:
            radius = length / 4
        elif gain > 0.75 and at_edge:
            radius = max(radius, 2.5 * length)
        if accept:
            point = Point(chart, trial, new)
    return point, False


def derivatives(at: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and curvature of an evaluation that has both."""
    assert at.gradient is not None
    assert at.curvature is not None
    return at.gradient, at.curvature


def _polish(
    evaluate: Evaluate, point: Point, step: np.ndarray, radius: float, predicted: float, steps: list[Step]
) -> Point:
    """Take the last Newton step by its value alone: what it would promise next is below all rounding."""
    trial, scale = point.theta + step, max(1.0, abs(point.at.value))
    new = evaluate(trial, 0, point.chart.entries)
    if new is None:
        return point
    accept = new.value <= point.at.value + ROUNDING * scale
    steps.append(Step(trial, new.value, np.nan, radius, predicted, accept, "polish"))
    if not accept:
        return point
    gradient, curvature = derivatives(point.at)
    known = {"gradient": gradient + curvature @ step, "curvature": curvature}
    return Point(point.chart, trial, replace(new, **known, variance_gradient=point.at.variance_gradient))


def trust_region_step(
    gradient: np.ndarray, model: np.ndarray, radius: float
) -> tuple[np.ndarray, float, bool]:
    """Minimise g's + s'Bs/2 over |s| <= radius.

    Parameters
    ----------
    gradient : (m,)
    model : (m, m)
        B, symmetric, any signature.
    radius : float

    Returns
    -------
    step : (m,)
    predicted : float
        Decrease of the quadratic model.
    at_edge : bool
        Whether the curvature was shifted, B + shift I.

    Notes
    -----
    O(m^3), by the eigenvalues of B (More & Sorensen 1983); by its Cholesky factor where B is well
    conditioned and the step stays inside.
    """
    C, newton, info = dposv(model, gradient)
    if info == 0:
        pivots = C.diagonal()
        if pivots.min() > WELL_CONDITIONED * pivots.max() and _norm(newton) <= radius:
            return -newton, float(gradient @ newton) / 2, False
    w, V, _ = dsyevd(model)  # NumPy's own costs three times as much at this size
    along = V.T @ gradient
    scale = max(abs(w[0]), abs(w[-1]))
    shift = 0.0 if w[0] > 1e-10 * scale else 1e-8 * scale - w[0]
    length = _norm(along / (w + shift))
    while length > radius * (1 + 1e-3):  # Newton on 1/length: from the left it never overshoots
        shifted = w + shift
        shift += length**2 / float(along**2 @ shifted**-3) * (length - radius) / radius
        length = _norm(along / (w + shift))
    coordinates = -along / (w + shift)
    predicted = -float(along @ coordinates + (coordinates * w) @ coordinates / 2)
    return V @ coordinates, predicted, shift > 0


def _rank_one(
    correction: np.ndarray | None, change: np.ndarray, curvature: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Structured symmetric rank-one: the smallest C with (curvature + C) step = change of gradient."""
    if correction is None:
        correction = np.zeros_like(curvature)
    miss = change - (curvature + correction) @ step
    along = float(miss @ step)
    if abs(along) <= 1e-8 * _norm(miss) * _norm(step):
        return correction
    return correction + np.outer(miss, miss) / along


def _norm(x: np.ndarray) -> float:
    return math.sqrt(x.dot(x))
