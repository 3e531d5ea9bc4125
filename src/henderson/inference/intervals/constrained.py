"""The least deviance with one parameter held: Newton that learns along the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dposv

from henderson.inference.intervals.deviance import Held, Local
from henderson.optim.chart import Chart
from henderson.optim.newton import trust_region_step

MOST_EVALUATIONS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One parameter to walk along.

    Attributes
    ----------
    held : callable
    phi : float
        Its estimate.
    x : (m,)
        Estimates of the others.
    bounds : tuple of two floats
        Ends of what phi can be.
    chart : Chart
    pinned : tuple of int
        Places in theta of what stands alone.
    term : int
        The term they belong to; -1 for none.
    before : int
        How much of x comes before theta.
    free : (m - before,) int
        Places in theta of the rest of x.
    loose : bool
        Whether x is not unique where phi is at a bound.
    floors : tuple of int
        Places in x of what must not be negative: a correlation changes its sign with that of a deviation.
    longest : float
        Longest first step, for deviances that hardly change near the estimate.
    """

    held: Held
    phi: float
    x: np.ndarray
    chart: Chart
    pinned: tuple[int, ...]
    term: int
    before: int
    free: np.ndarray
    bounds: tuple[float, float] = (-math.inf, math.inf)
    loose: bool = False
    floors: tuple[int, ...] = ()
    longest: float = math.inf


class Secants:
    """What the average information misses, learnt from differences of gradients along one path.

    A structured symmetric rank-one correction C: (curvature + C) step = change of gradient, over (phi, x).
    """

    __slots__ = ("C", "evaluations", "gradient", "y")

    def __init__(self, size: int):
        self.C = np.zeros((size, size))
        self.y: np.ndarray | None = None
        self.gradient: np.ndarray | None = None
        self.evaluations = 0

    def learn(self, phi: float, x: np.ndarray, here: Local) -> None:
        """Take in one evaluation."""
        y = np.empty(len(x) + 1)
        y[0], y[1:] = phi, x
        self.evaluations += 1
        if self.y is not None and self.gradient is not None:
            step, change = y - self.y, here.gradient - self.gradient
            miss = change - (here.curvature + self.C) @ step
            along, size = float(miss @ step), math.sqrt(float((miss @ miss) * (step @ step)))
            if abs(along) > 1e-6 * size and size > 0:
                self.C = self.C + miss[:, None] * (miss / along)
        self.y, self.gradient = y, here.gradient

    def forget(self) -> None:
        """Start anew from the average information."""
        self.C[:] = 0.0


@dataclass(slots=True, eq=False)
class Step:
    """Newton step of the others at fixed phi, and how the optimum moves with phi.

    Attributes
    ----------
    x : (m,)
    predicted : float
        Decrease of the deviance.
    tangent : (m,)
        dx / dphi.
    slope : float
        d D / dphi of the optimum, to first order.
    bend : float
        d2 D / dphi2 of the optimum.
    """

    x: np.ndarray
    predicted: float
    tangent: np.ndarray
    slope: float
    bend: float


Settled = tuple[np.ndarray, Local, Step]
"""x of a constrained optimum, the deviance around it, and the step that was not worth taking."""


def newton_step(here: Local, secants: Secants, radius: float, still: list[int] | None = None) -> Step:
    """Solve the model of the deviance in x; where that is no bowl or the step too long, within a radius.

    Places in `still` do not move.
    """
    g = here.gradient
    for correction in (secants.C, None):
        model = here.curvature if correction is None else here.curvature + correction
        if still:
            g, model = _held_still(g, model, still)
        right = np.empty((len(model) - 1, 2), order="F")
        right[:, 0], right[:, 1] = g[1:], model[1:, 0]
        if len(right) == 0:
            return Step(right[:, 0], 0.0, right[:, 1], float(g[0]), float(model[0, 0]))
        _, solved, failed = dposv(model[1:, 1:], right)
        if not failed and math.sqrt(float(solved[:, 0] @ solved[:, 0])) <= radius:
            down, tangent = solved[:, 0], solved[:, 1]
            predicted = float(g[1:] @ down) / 2
            slope, bend = float(g[0] - model[0, 1:] @ down), float(model[0, 0] - model[0, 1:] @ tangent)
            return Step(-down, predicted, -tangent, slope, bend)
    secants.forget()
    step, predicted, _ = trust_region_step(g[1:], model[1:, 1:], radius)
    return Step(step, predicted, np.zeros_like(step), float(g[0]), float(model[0, 0]))


def _held_still(g: np.ndarray, model: np.ndarray, still: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The same system with some of x held: their equations read step = 0."""
    g, model = g.copy(), model.copy()
    for place in still:
        g[1 + place] = model[1 + place] = model[:, 1 + place] = 0.0
        model[1 + place, 1 + place] = 1.0
    return g, model


def settle(target: Target, phi: float, x: np.ndarray, secants: Secants, tol: float) -> Settled | None:
    """Minimise the deviance over x at fixed phi.

    Parameters
    ----------
    target : Target
    phi : float
    x : (m,)
        Start.
    secants : Secants
    tol : float
        Predicted decrease at which to stop.

    Returns
    -------
    (x, Local, Step) of the optimum, or None where it was not reached.
    """
    x = above(target.floors, x)
    here = target.held(phi, x)
    if here is None:
        return None
    secants.learn(phi, x, here)
    radius = 1.0 + math.sqrt(float(x @ x))
    tol *= max(1.0, abs(here.value) / 1000)
    for _ in range(MOST_EVALUATIONS):
        step = newton_step(here, secants, radius, at_floor(target.floors, x, here))
        if step.predicted <= tol:
            return x, here, step
        trial = above(target.floors, x + step.x)
        new = target.held(phi, trial)
        length = math.sqrt(float(step.x @ step.x))
        if new is None or not math.isfinite(new.value):
            radius = length / 4
            continue
        secants.learn(phi, trial, new)
        gain = (here.value - new.value) / step.predicted
        if gain < 0.25:
            radius = length / 4
        elif length > 0.9 * radius:
            radius *= 2
        if gain > 1e-4:
            x, here = trial, new
        elif step.predicted < 1e3 * tol or length < 1e-12:  # rounding
            return x, here, step
    return None


def above(floors: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    """x with what must not be negative at zero or above."""
    low = [place for place in floors if x[place] < 0]
    if low:
        x = x.copy()
        x[low] = 0.0
    return x


def at_floor(floors: tuple[int, ...], x: np.ndarray, here: Local) -> list[int]:
    """Places at zero from which the deviance does not fall."""
    return [place for place in floors if x[place] == 0.0 and here.gradient[1 + place] >= 0]
