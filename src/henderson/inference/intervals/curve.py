"""One profile as a curve: zeta as a smooth function of the parameter, and all parameters along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.estimate import Estimate
from henderson.inference.intervals.coordinates import Frame
from henderson.inference.intervals.fixed_column import HeldColumn
from henderson.inference.intervals.parameters import Parameter
from henderson.inference.intervals.path import Point
from henderson.inference.intervals.targets import by_value, to_value


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The profile of one parameter at m points, ascending.

    Attributes
    ----------
    parameter : Parameter
    phi : (m,) float64
        Coordinate of the walk: the value itself, log sigma, or the arcsine of a correlation.
    value : (m,) float64
        The parameter, as people read it.
    zeta : (m,) float64
        Signed root of the rise of the deviance.
    slope : (m,) float64
        d zeta / d phi.
    others : (m, r) float64
        All r parameters of the model at every point, in the order of `parameters`.
    """

    parameter: Parameter
    phi: np.ndarray
    value: np.ndarray
    zeta: np.ndarray
    slope: np.ndarray
    others: np.ndarray

    def dense(self, count: int = 201) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, zeta and d zeta / d value at `count` places between the ends, each (count,).

        By the cubic through neighbouring points with the slopes there.
        """
        phi = np.linspace(self.phi[0], self.phi[-1], count)
        zeta, slope = hermite(self.phi, self.zeta, self.slope, phi)
        return to_value(self.parameter, phi), zeta, slope * by_value(self.parameter, phi)

    def at_zeta(self, zeta: np.ndarray) -> np.ndarray:
        """Values where the profile has the given zeta; the ends where it does not get there."""
        grid = np.linspace(self.phi[0], self.phi[-1], 2001)
        rising = np.maximum.accumulate(hermite(self.phi, self.zeta, self.slope, grid)[0])
        return to_value(self.parameter, np.interp(zeta, rising, grid))


def hermite(x: np.ndarray, y: np.ndarray, slope: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cubic between neighbours with given slopes: values and slopes at `at`, within the range of x.

    Where y rises, slopes are cut at three times that of the chord, so that the cubic rises too (Fritsch &
    Carlson 1980).
    """
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    h = x[i + 1] - x[i]
    t = (at - x[i]) / h
    a, b = slope[i] * h, slope[i + 1] * h
    d = y[i + 1] - y[i]
    a, b = (np.where(d >= 0, np.minimum(s, 3 * d), s) for s in (a, b))
    value = y[i] + t * (a + t * (3 * d - 2 * a - b + t * (a + b - 2 * d)))
    change = (a + t * (2 * (3 * d - 2 * a - b) + 3 * t * (a + b - 2 * d))) / h
    return value, change


def curve_of(
    parameter: Parameter,
    every: tuple[Parameter, ...],
    estimate: Estimate,
    frame: Frame,
    column: HeldColumn | None,
    points: list[Point],
) -> Curve:
    """Gather the points of both sides into a curve."""
    points = sorted({point.phi: point for point in points}.values(), key=lambda point: point.phi)
    phi = np.array([point.phi for point in points])
    zeta = np.array([point.zeta for point in points])
    slope = np.array([point.slope for point in points])
    centre = int(np.argmin(np.abs(zeta)))
    slope[centre] = slope_at(phi, zeta, slope, centre)
    others = along(every, estimate, frame, column, phi, points)
    return Curve(parameter, phi, to_value(parameter, phi), zeta, slope, others)


def slope_at(phi: np.ndarray, zeta: np.ndarray, slope: np.ndarray, centre: int) -> float:
    """d zeta / d phi at the estimate, where the formula is 0 / 0: from the two nearest points' own."""
    near = sorted((i for i in range(len(phi)) if i != centre), key=lambda i: abs(phi[i] - phi[centre]))[:2]
    if not near:
        return float(slope[centre])
    d, power = phi[near] - phi[centre], np.arange(1, 2 * len(near) + 1)
    scale = float(np.abs(d).max())
    t = d[:, None] / scale
    A = np.vstack([t**power, power * t ** (power - 1)])
    found = np.linalg.solve(A, np.concatenate([zeta[near], slope[near] * scale]))[0] / scale
    return float(found) if found > 0 else float(slope[centre])


def along(
    every: tuple[Parameter, ...],
    estimate: Estimate,
    frame: Frame,
    column: HeldColumn | None,
    phi: np.ndarray,
    points: list[Point],
) -> np.ndarray:
    """(m, r) all parameters at the points of one walk."""
    theta = np.array([point.local.theta for point in points])
    sigma = np.array([point.local.sigma for point in points])
    raw = np.array([point.local.beta for point in points])
    roots = [user_roots(frame, theta, i) for i in range(len(frame.chart.blocks))]
    if column is None:
        fixed = user_coefficients(estimate, raw)
    else:
        fixed = np.column_stack([raw, phi]) @ column.back.T + column.shift
    return np.column_stack([_one(parameter, roots, sigma, fixed) for parameter in every])


def user_roots(frame: Frame, theta: np.ndarray, term: int) -> np.ndarray:
    """(m, k, k) roots of Lambda_i Lambda_i' for the user's columns, from theta (m, n_theta) in the chart."""
    block = frame.chart.blocks[term]
    at = slice(block.first, block.first + block.k)
    T = frame.cross.z_transform[block.grouping][at, at]
    out = np.empty((len(theta), block.k, block.k))
    out[:, block.order] = np.where(block.positions >= 0, theta[:, block.positions], 0.0)
    return T @ out


def user_coefficients(estimate: Estimate, raw: np.ndarray) -> np.ndarray:
    """(m, p) coefficients of the user's columns from those of the centred and scaled ones."""
    return estimate.cross.coefficients(raw)


def _one(parameter: Parameter, roots: list[np.ndarray], sigma: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    if parameter.kind == "sigma":
        return sigma
    if parameter.kind == "beta":
        return fixed[:, parameter.rows[0]]
    rows = [roots[parameter.term][:, row] for row in parameter.rows]
    lengths = [np.sqrt((row**2).sum(axis=1)) for row in rows]
    if parameter.kind == "sd":
        return sigma * lengths[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip((rows[0] * rows[1]).sum(axis=1) / (lengths[0] * lengths[1]), -1.0, 1.0)
