"""Trust-region Newton with average-information curvature.

The curvature is nearly the Hessian, so a handful of steps suffice; where the mean is misspecified or directions are flat
the two differ, and a structured symmetric rank-one correction learns the difference from the gradients seen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henderson.optim.record import Step
from henderson.solve.direct import Evaluation

POLISH = 1e-4
"""Share of the tolerance below which a last step is not worth an evaluation: standard errors have their digits."""
SLOW_FROM = 4
"""Evaluations after which steps count as slow."""
SLOW_STEPS = 2
"""Slow steps after which the rank-one correction is kept."""

NEAR, LINEAR = 1e-3, 0.02
"""Close to the end (predicted decrease below the first) a gradient that shrinks by less than the second shows that the
curvature is off by that much; differences of gradients there are exact enough to learn it."""


def minimise(
    evaluate: Callable[[np.ndarray, int], Evaluation | None],
    theta: np.ndarray,
    at: Evaluation,
    *,
    tol: float,
    most: int,
    steps: list[Step],
    stage: str = "newton",
) -> tuple[np.ndarray, Evaluation, bool]:
    """Minimise the criterion from a point already evaluated.

    Parameters
    ----------
    evaluate : callable
        (theta, 2) -> Evaluation, None where the criterion does not exist.
    theta : (n_theta,)
        Start.
    at : Evaluation
        Criterion, gradient and curvature there.
    tol : float
        Stop when the predicted decrease is below ``tol * max(1, |f| / 1000)``.
    most : int
        Most evaluations in `steps`, those already in it included.
    steps : list of Step
        Every evaluation is appended.
    stage : str
        Name of this phase in the record.

    Returns
    -------
    theta : (n_theta,)
    at : Evaluation
    converged : bool
    """
    correction: np.ndarray | None = None
    slow, radius = 0, max(1.0, _norm(theta))
    count = 1
    while len(steps) < most:
        gradient, curvature = at.gradient, at.curvature
        assert gradient is not None and curvature is not None
        model = curvature if correction is None else curvature + correction
        step, predicted, at_edge = trust_region_step(gradient, model, radius)
        scale = max(1.0, abs(at.value) / 1000)
        if predicted < tol * scale:
            if predicted > POLISH * tol * scale and len(steps) < most:
                theta, at = _polish(evaluate, theta, at, theta + step, radius, predicted, steps, stage)
            return theta, at, True
        trial = theta + step
        new = evaluate(trial, 2)
        count += 1
        if new is None:
            steps.append(Step(trial, np.inf, np.inf, radius, predicted, False, stage))
            radius = _norm(step) / 4
            continue
        assert new.gradient is not None and new.curvature is not None
        gain = (at.value - new.value) / predicted
        accept = gain > 1e-4
        steps.append(Step(trial, new.value, _norm(new.gradient), radius, predicted, accept, stage))
        if count > SLOW_FROM and (not accept or _norm(new.gradient) > _norm(gradient) / 2):
            slow += 1
        if accept and predicted < NEAR * scale and _norm(new.gradient) > LINEAR * _norm(gradient):
            slow = SLOW_STEPS
        if slow >= SLOW_STEPS:
            correction = _rank_one(correction, new.gradient - gradient, new.curvature if accept else curvature, step)
        if gain < 0.25:
            radius = _norm(step) / 4
        elif gain > 0.75 and at_edge:
            radius = max(radius, 2.5 * _norm(step))
        if accept:
            theta, at = trial, new
    return theta, at, False


def _polish(
    evaluate: Callable[[np.ndarray, int], Evaluation | None],
    theta: np.ndarray,
    at: Evaluation,
    trial: np.ndarray,
    radius: float,
    predicted: float,
    steps: list[Step],
    stage: str,
) -> tuple[np.ndarray, Evaluation]:
    """The last Newton step, judged by its gradient: the criterion itself no longer resolves it."""
    new = evaluate(trial, 2)
    if new is None:
        return theta, at
    assert at.gradient is not None and new.gradient is not None
    accept = _norm(new.gradient) < _norm(at.gradient)
    steps.append(Step(trial, new.value, _norm(new.gradient), radius, predicted, accept, stage))
    return (trial, new) if accept else (theta, at)


def trust_region_step(gradient: np.ndarray, model: np.ndarray, radius: float) -> tuple[np.ndarray, float, bool]:
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
    O(m^3), by the eigenvalues of B (More & Sorensen 1983).
    """
    w, V = np.linalg.eigh(model)
    along = V.T @ gradient
    scale = max(abs(w[0]), abs(w[-1]))
    shift = 0.0 if w[0] > 1e-10 * scale else 1e-8 * scale - w[0]
    length = _norm(along / (w + shift))
    if length > radius:
        low, high = shift, shift + _norm(along) / radius + scale
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if _norm(along / (w + middle)) > radius else (low, middle)
        shift = high
    coordinates = -along / (w + shift)
    predicted = -float(along @ coordinates + (coordinates * w) @ coordinates / 2)
    return V @ coordinates, predicted, shift > 0


def _rank_one(correction: np.ndarray | None, change: np.ndarray, curvature: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Structured symmetric rank-one: the smallest C with (curvature + C) step = change of gradient."""
    if correction is None:
        correction = np.zeros_like(curvature)
    miss = change - (curvature + correction) @ step
    along = float(miss @ step)
    if abs(along) <= 1e-8 * _norm(miss) * _norm(step):
        return correction
    return correction + np.outer(miss, miss) / along


def _norm(x: np.ndarray) -> float:
    return float(np.sqrt(x @ x))
