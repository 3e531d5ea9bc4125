"""From the name of a parameter to the deviance with it held, and back to the units people read."""

from __future__ import annotations

import math

import numpy as np

from henderson.estimate import Estimate
from henderson.inference.intervals.constrained import Target
from henderson.inference.intervals.coordinates import Frame, Frames
from henderson.inference.intervals.deviance import (
    Held,
    holding_column,
    holding_correlation,
    holding_sd,
    holding_sigma,
)
from henderson.inference.intervals.fixed_column import HeldColumn, held_column
from henderson.inference.intervals.parameters import Parameter

UNDEFINED = 1e-7
"""A standard deviation below this share of sigma (columns of unit size) leaves its correlations undefined."""


def target_of(parameter: Parameter, frames: Frames) -> tuple[Target, Frame, HeldColumn | None] | None:
    """What it takes to walk along a parameter.

    Parameters
    ----------
    parameter : Parameter
    frames : Frames
        Of the ML estimate.

    Returns
    -------
    (Target, Frame, HeldColumn or None), or None for a correlation with a variance that is zero.
    """
    estimate = frames.estimate
    if parameter.kind == "sigma":
        frame = frames.usual()
        return _target(frame, holding_sigma(frame), math.log(estimate.sigma), frame.theta), frame, None
    if parameter.kind == "beta":
        (j,), frame = parameter.rows, frames.usual()
        column = held_column(estimate.cross, j, estimate.sigma**2 / float(estimate.vcov[j, j]))
        phi = float(estimate.beta[j])
        return _target(frame, holding_column(frame, column), phi, frame.theta), frame, column
    frame = frames.pinning(parameter)
    k = frame.chart.blocks[parameter.term].k
    if parameter.kind == "sd":
        phi, x = sd_start(frame, estimate)
        return _target(frame, holding_sd(frame), phi, x, parameter.term, (0.0, math.inf), k > 1), frame, None
    first = frame.theta[frame.chart.blocks[parameter.term].positions[0, 0]]
    t = math.hypot(*frame.theta[list(frame.pinned)])
    if min(abs(first), t) < UNDEFINED:
        return None
    phi, x = correlation_start(frame, t)
    ends = (-math.pi / 2, math.pi / 2)
    head = int(frame.chart.blocks[parameter.term].positions[0, 0])
    floors = (0, 1 + head - sum(place < head for place in frame.pinned))
    return (
        _target(frame, holding_correlation(frame), phi, x, parameter.term, ends, k > 2, floors),
        frame,
        None,
    )


def sd_start(frame: Frame, estimate: Estimate) -> tuple[float, np.ndarray]:
    """The standard deviation, and (log sigma, theta without theta_1)."""
    (j,) = frame.pinned
    return float(frame.theta[j]) * estimate.sigma * frame.unit, np.concatenate(
        [[math.log(estimate.sigma)], np.delete(frame.theta, j)]
    )


def correlation_start(frame: Frame, t: float) -> tuple[float, np.ndarray]:
    """The angle, and (length t, theta without the pair)."""
    j, k = frame.pinned
    phi = math.atan2(frame.theta[j], abs(frame.theta[k]))
    ends = math.pi / 2
    phi = math.copysign(ends, phi) if abs(abs(phi) - ends) < 1e-12 else phi
    return phi, np.concatenate([[t], np.delete(frame.theta, [j, k])])


def _target(
    frame: Frame,
    held: Held,
    phi: float,
    x: np.ndarray,
    term: int = -1,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    loose: bool = False,
    floors: tuple[int, ...] = (),
) -> Target:
    """Gather; theta but for what is pinned stands at the end of x."""
    free = np.delete(np.arange(len(frame.theta)), frame.pinned)
    longest = math.inf
    if bounds[0] == 0.0:  # a standard deviation: its own size, or that of sigma in its units
        longest = max(phi, math.exp(x[0]) * frame.unit)
    elif math.isfinite(bounds[0]):
        longest = 0.5
    return Target(
        held,
        phi,
        x,
        frame.chart,
        frame.pinned,
        term,
        len(x) - len(free),
        free,
        bounds,
        loose,
        floors,
        longest,
    )


def to_value(parameter: Parameter, phi: np.ndarray) -> np.ndarray:
    """Values that people read, from coordinates of the walk."""
    if parameter.kind == "sigma":
        return np.exp(phi)
    return np.sin(phi) if parameter.kind == "cor" else np.asarray(phi, dtype=float)


def by_value(parameter: Parameter, phi: np.ndarray) -> np.ndarray:
    """d phi / d value."""
    if parameter.kind == "sigma":
        return np.exp(-phi)
    if parameter.kind == "cor":
        with np.errstate(divide="ignore"):
            return 1 / np.cos(phi)
    return np.ones_like(phi)
