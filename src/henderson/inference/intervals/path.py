"""Along a profile: the least deviance for every value of one parameter, and where it has risen enough.

With zeta = sign(phi - estimate) sqrt(D(phi) - D_min) and dD/dphi the partial derivative at the constrained
optimum (the others do not matter there), a limit is a root of zeta(phi) -+ z. It is found together with the
constrained optimum: each evaluation gives a Newton step for both (Venzon & Moolgavkar 1988).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from henderson.inference.intervals.constrained import (
    MOST_EVALUATIONS,
    Secants,
    Settled,
    Target,
    above,
    at_floor,
    newton_step,
    settle,
)
from henderson.inference.intervals.deviance import Local
from henderson.inference.intervals.release import SIZES, released

SETTLED = 1e-6
"""Predicted decrease at which a point of the curve counts as optimal (it is then subtracted)."""
EXACT = 1e-9
"""The same for limits, and the error of zeta allowed there."""
NEARLY = 0.05
"""How far short of its reach a side may end."""
LOWER = 1e-6
"""A deviance this far below the minimum of the fit is a better fit."""
MOST_STEPS = 60


class LowerDevianceError(Exception):
    """The path has met a better optimum than that of the fit, at this point."""

    def __init__(self, local: Local):
        super().__init__(local.value)
        self.local = local


@dataclass(slots=True, eq=False)
class Point:
    """One constrained optimum.

    Attributes
    ----------
    phi : float
    x : (m,)
        Optimum of the others.
    zeta : float
        Signed root of the rise of the deviance.
    slope : float
        d zeta / d phi.
    tangent : (m,)
        dx / dphi.
    local : Local
    """

    phi: float
    x: np.ndarray
    zeta: float
    slope: float
    tangent: np.ndarray
    local: Local


class Walk:
    """One side of a profile, from the estimate outwards.

    Parameters
    ----------
    target : Target
    least : float
        D_min.
    direction : {-1, 1}
    """

    __slots__ = ("bound", "direction", "held", "least", "points", "secants", "target", "without")

    def __init__(self, target: Target, least: float, direction: int) -> None:
        self.target, self.held, self.least, self.direction = target, target.held, least, direction
        self.bound = target.bounds[direction > 0]
        self.secants = Secants(len(target.x) + 1)
        self.points: list[Point] = []
        self.without: list[tuple[float, np.ndarray]] | None = None
        here = self.held(target.phi, target.x)
        if here is not None:
            self.secants.learn(target.phi, target.x, here)
            step = newton_step(here, self.secants, 1e3)
            slope = math.sqrt(max(step.bend, 0.0) / 2)
            self.points.append(Point(target.phi, target.x, 0.0, slope, step.tangent, here))

    def point(self, phi: float, x: np.ndarray, tol: float = SETTLED) -> Point | None:
        """The constrained optimum at phi, from a start x."""
        found = settle(self.target, phi, x, self.secants, tol)
        found = None if found is None else self._without_false_zeros(phi, found, tol)
        found = None if found is None else self._or_without_deviation(phi, found, tol)
        if found is None:
            return None
        x, here, step = found
        if here.value < self.least - LOWER * max(1.0, abs(self.least) / 1000):
            raise LowerDevianceError(here)
        rise = here.value - step.predicted - self.least
        zeta = self.direction * math.sqrt(max(rise, 0.0))
        slope = step.slope / (2 * zeta) if zeta else self.points[0].slope
        return Point(phi, x, zeta, slope, step.tangent, here)

    def _without_false_zeros(self, phi: float, found: Settled, tol: float) -> Settled:
        """A better optimum with variance where this one has none, as long as there is one."""
        for size in SIZES:
            moved = released(self.target, found[1], size)
            if moved is None:
                break
            moved[: self.target.before] = found[0][: self.target.before]
            self.secants.forget()
            again = settle(self.target, phi, moved, self.secants, tol)
            if again is not None and again[1].value < found[1].value:
                found = again
        return found

    def _or_without_deviation(self, phi: float, found: Settled, tol: float) -> Settled:
        """The optimum where one standard deviation is zero, if that is lower.

        There a correlation does not matter, so that its profile never rises above that deviance, which is
        the same for every phi; a path of local optima may.
        """
        if self.without is None:
            self.without = [each for f in self.target.floors if (each := self._at_zero(phi, found, f, tol))]
        for value, start in self.without:
            if value < found[1].value - SETTLED:
                again = settle(self.target, phi, start, self.secants, tol)
                if again is not None and again[1].value < found[1].value:
                    found = again
        return found

    def _at_zero(self, phi: float, found: Settled, floor: int, tol: float) -> tuple[float, np.ndarray] | None:
        """The optimum with x[floor] kept at zero, even where the deviance falls away from there."""

        def kept(phi: float, x: np.ndarray) -> Local | None:
            here = self.held(phi, x)
            if here is None:
                return None
            gradient = here.gradient.copy()
            gradient[1 + floor] = 0.0
            return replace(here, gradient=gradient)

        x = found[0].copy()
        x[floor] = 0.0
        self.secants.forget()
        settled = settle(replace(self.target, held=kept), phi, x, self.secants, tol)
        self.secants.forget()
        return None if settled is None else (settled[1].value, settled[0])

    def guess(self, phi: float) -> np.ndarray:
        """x at phi by a polynomial through the points nearest to it (with one point, along its tangent)."""
        usable = self.points
        if self.target.loose and len(usable) > 1:
            usable = [point for point in usable if point.phi not in self.target.bounds]
        near = sorted(usable, key=lambda point: abs(point.phi - phi))[:4]
        first = near[0]
        if len(near) == 1:
            return first.x + (phi - first.phi) * first.tangent
        weights = lagrange([point.phi for point in near], phi)
        out = weights[0] * first.x
        for weight, point in zip(weights[1:], near[1:], strict=True):
            out = out + weight * point.x
        return out

    def extend(self, rise: float, reach: float) -> bool:
        """Add the next point, about `rise` further in zeta; False at the end of the side."""
        last = self.points[-1]
        if last.phi == self.bound or abs(last.zeta) >= reach - NEARLY or len(self.points) > MOST_STEPS:
            return False
        want = min(rise, max(reach - abs(last.zeta), NEARLY) + NEARLY / 2)
        before = self.points[-2].phi if len(self.points) > 1 else None
        longest = abs(last.phi - before) * 3 if before is not None else self.target.longest
        delta = want / last.slope if last.slope > 0 else longest
        if not math.isfinite(delta):
            return False
        delta = min(delta, longest)
        for _ in range(8):
            phi = last.phi + self.direction * delta
            if (phi - self.bound) * self.direction >= 0 or abs(phi - self.bound) < 0.05 * delta:
                phi = self.bound
            new = self.point(phi, self.guess(phi))
            if new is not None:
                self.points.append(new)
                return True
            delta /= 4
            self.secants.forget()
        return False

    def limit(self, z: float) -> Point | None:
        """The point with |zeta| = z; the bound where zeta stays below, None where the walk ended before."""
        beyond = next((i for i, point in enumerate(self.points) if abs(point.zeta) >= z), None)
        if beyond is None:
            last = self.points[-1]
            return last if last.phi == self.bound else None
        low, high = self.points[beyond - 1], self.points[beyond]
        return self._root(z, low, high)

    def _root(self, z: float, low: Point, high: Point) -> Point | None:
        """Newton on the limit and the others at once; where that does not settle, one after the other."""
        zeta = self.direction * z
        phi = inverse(low, high, zeta)
        x = self.guess(phi)
        for _ in range(8):
            x = above(self.target.floors, x)
            here = self.held(phi, x)
            if here is None:
                break
            self.secants.learn(phi, x, here)
            still = at_floor(self.target.floors, x, here)
            step = newton_step(here, self.secants, 1.0 + math.sqrt(float(x @ x)), still)
            rise = max(here.value - step.predicted - self.least, 0.0)
            slope = step.slope / (2 * self.direction * math.sqrt(rise)) if rise else 0.0
            miss = z - math.sqrt(rise)
            if step.predicted < EXACT and abs(miss) < EXACT:
                return Point(phi, x, zeta, slope, step.tangent, here)
            move = self.direction * miss / slope if slope > 0 else math.inf
            if not min(low.phi, high.phi) <= phi + move <= max(low.phi, high.phi):
                break
            x, phi = x + step.x + move * step.tangent, phi + move
        self.secants.forget()
        return self._bracketed(zeta, low, high)

    def _bracketed(self, zeta: float, low: Point, high: Point) -> Point | None:
        for turn in range(MOST_EVALUATIONS):
            phi = inverse(low, high, zeta) if turn % 3 < 2 else (low.phi + high.phi) / 2
            new = self.point(phi, self.guess(phi), EXACT)
            if new is None:
                return None
            self.points = sorted([*self.points, new], key=lambda point: abs(point.zeta))
            if abs(new.zeta - zeta) < EXACT or abs(high.phi - low.phi) < 1e-14 * abs(high.phi):
                return new
            low, high = (new, high) if abs(new.zeta) < abs(zeta) else (low, new)
        return None


def lagrange(at: list[float], phi: float) -> list[float]:
    """Weights at phi of the polynomial through points at `at` (plain numbers: they are at most four)."""
    out = []
    for i, a in enumerate(at):
        weight = 1.0
        for j, b in enumerate(at):
            if j != i:
                weight *= (phi - b) / (a - b)
        out.append(weight)
    return out


def inverse(low: Point, high: Point, zeta: float) -> float:
    """Phi at a zeta between two points, by the cubic through both with their slopes, kept between them."""
    width = high.zeta - low.zeta
    t = (zeta - low.zeta) / width
    if low.slope > 0 and high.slope > 0:
        rise = high.phi - low.phi
        a, b = width / low.slope - rise, rise - width / high.slope
        phi = low.phi + t * rise + t * (1 - t) * (a * (1 - t) + b * t)
        if min(low.phi, high.phi) < phi < max(low.phi, high.phi):
            return phi
    return low.phi + t * (high.phi - low.phi)
