"""Search and rectify: Newton, then signs, zeros and the conditions of a minimum over covariance matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from henderson.optim.newton import minimise, trust_region_step
from henderson.optim.record import SearchRecord, Step
from henderson.optim.rectify import KKT, Block, add_variance, fix_signs, snap, steepest_variance
from henderson.solve.direct import Evaluation

Evaluate = Callable[[np.ndarray, int], "Evaluation | None"]

FLAT = 1e-4
"""A derivative by a variance above minus this is not worth a step (its square bounds the decrease)."""


def search(
    evaluate: Evaluate, theta: np.ndarray, blocks: tuple[Block, ...], *, tol: float, most: int
) -> tuple[np.ndarray, Evaluation | None, SearchRecord, KKT | None]:
    """Minimise the criterion over theta.

    Parameters
    ----------
    evaluate : callable
        (theta, 2) -> Evaluation, None where the criterion does not exist.
    theta : (n_theta,)
        Start, on the scaled columns.
    blocks : tuple of Block
        Where each term sits in theta.
    tol : float
        Stop when the predicted decrease is below ``tol * max(1, |f| / 1000)``.
    most : int
        Most evaluations.

    Returns
    -------
    theta : (n_theta,)
        Diagonals not negative, small ones snapped to zero where the criterion does not rise.
    at : Evaluation or None
        There; None when not even the start is feasible.
    record : SearchRecord
    kkt : KKT or None
    """
    steps: list[Step] = []
    at = evaluate(theta, 2)
    if at is None:
        return theta, None, SearchRecord((), False, "The start is not feasible.", tol, most), None
    steps.append(Step(theta, at.value, _norm(at.gradient), np.inf, 0.0, True, "start"))
    while True:
        theta, at, converged = minimise(evaluate, theta, at, tol=tol, most=most, steps=steps)
        theta, at = _snap(evaluate, fix_signs(theta, blocks), at, blocks, steps, tol)
        slopes = steepest_variance(theta, at.variance_gradient, blocks)
        moved = _leave_boundary(evaluate, theta, at, blocks, slopes, steps, most) if converged else None
        if moved is None:
            break
        theta, at = moved
    return theta, at, _record(steps, converged, tol, most), _conditions(at, slopes, converged)


def _snap(
    evaluate: Evaluate, theta: np.ndarray, at: Evaluation, blocks: tuple[Block, ...], steps: list[Step], tol: float
) -> tuple[np.ndarray, Evaluation]:
    snapped = snap(theta, blocks)
    new = None if snapped is None else evaluate(snapped, 2)
    if snapped is None or new is None:
        return theta, at
    accept = new.value <= at.value + tol * max(1.0, abs(at.value) / 1000)
    steps.append(Step(snapped, new.value, _norm(new.gradient), 0.0, 0.0, accept, "snap"))
    return (snapped, new) if accept else (theta, at)


def _leave_boundary(
    evaluate: Evaluate,
    theta: np.ndarray,
    at: Evaluation,
    blocks: tuple[Block, ...],
    slopes: tuple[tuple[float, np.ndarray], ...],
    steps: list[Step],
    most: int,
) -> tuple[np.ndarray, Evaluation] | None:
    """A better point with variance added where the criterion falls with it; None when there is none."""
    worst = min(range(len(slopes)), key=lambda i: slopes[i][0])
    slope, direction = slopes[worst]
    if slope >= -FLAT:
        return None
    for size in (0.3, 0.1, 0.03):
        if len(steps) >= most:
            return None
        trial = add_variance(theta, blocks[worst], direction, size)
        new = evaluate(trial, 2)
        accept = new is not None and new.value < at.value
        value, norm = (np.inf, np.inf) if new is None else (new.value, _norm(new.gradient))
        steps.append(Step(trial, value, norm, size, -slope * size**2, accept, "leave boundary"))
        if accept and new is not None:
            return trial, new
    return None


def _conditions(at: Evaluation, slopes: tuple[tuple[float, np.ndarray], ...], converged: bool) -> KKT:
    assert at.gradient is not None and at.curvature is not None
    predicted = trust_region_step(at.gradient, at.curvature, np.inf)[1]
    smallest = tuple(slope for slope, _ in slopes)
    return KKT(float(np.abs(at.gradient).max()), predicted, smallest, converged and min(smallest) >= -FLAT)


def _record(steps: list[Step], converged: bool, tol: float, most: int) -> SearchRecord:
    message = (
        f"Converged in {len(steps)} evaluations: a further step promises less than {tol:g}."
        if converged
        else f"Stopped at the limit of {most} evaluations before convergence; give a larger max_evaluations."
    )
    return SearchRecord(tuple(steps), converged, message, tol, most)


def _norm(x: np.ndarray | None) -> float:
    return np.inf if x is None else float(np.sqrt(x @ x))
