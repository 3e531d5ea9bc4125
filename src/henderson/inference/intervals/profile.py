"""Profile likelihood: intervals and curves of every parameter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import FitError
from henderson.estimate import Estimate, fit_cross_products
from henderson.inference.fixed import check_level, normal_quantile
from henderson.inference.intervals.constrained import Target
from henderson.inference.intervals.coordinates import Frames
from henderson.inference.intervals.curve import Curve, curve_of
from henderson.inference.intervals.parameters import Parameter, chosen_parameters, parameters
from henderson.inference.intervals.path import LowerDevianceError, Point, Walk
from henderson.inference.intervals.targets import target_of, to_value
from henderson.inference.intervals.workers import in_threads, progress, workers
from henderson.inference.varcorr import varcorr
from henderson.model.units import from_search
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.design.record import Design

RISE, REACH = 0.62, 3.1
"""Distance in zeta between points of a curve, and how far a curve goes at least."""
BEYOND = 0.1
"""How far beyond a limit a walk goes, so that the limit lies between two points."""
MOST_RESTARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class ProfileRecord:
    """Profiles of r parameters.

    Attributes
    ----------
    terms : tuple of str, length r
    estimate, conf_low, conf_high : (r,) float64
        ML estimates and limits; NaN where a limit was not found, or a correlation does not exist.
    level : float
        Coverage.
    deviance : float
        -2 log-likelihood of the ML fit.
    refitted : bool
        Whether the fit is by REML, so that its ML refit was profiled.
    curves : tuple of r Curve or None
        None for a correlation with a variance of zero, and everywhere if only limits were asked for.
    every : tuple of str
        All parameters of the model: columns of `Curve.others`.
    evaluations : int
        Evaluations of the criterion.
    notes : tuple of str
        What there is to know beyond the numbers.
    """

    terms: tuple[str, ...]
    estimate: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    level: float
    deviance: float
    refitted: bool
    curves: tuple[Curve | None, ...]
    every: tuple[str, ...]
    evaluations: int
    notes: tuple[str, ...]

    def columns(self) -> dict[str, object]:
        """Return term, estimate, conf_low, conf_high."""
        names = ("estimate", "conf_low", "conf_high")
        return {"term": list(self.terms), **{name: getattr(self, name) for name in names}}

    def curve_columns(self) -> dict[str, object]:
        """Return the points of all curves: term, value, zeta."""
        drawn = [(name, curve) for name, curve in zip(self.terms, self.curves, strict=True) if curve]
        return {
            "term": [name for name, curve in drawn for _ in curve.value],
            "value": np.concatenate([curve.value for _, curve in drawn] or [np.empty(0)]),
            "zeta": np.concatenate([curve.zeta for _, curve in drawn] or [np.empty(0)]),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """What walking along one parameter found.

    Attributes
    ----------
    low, high : float
        Limits.
    curve : Curve or None
    evaluations : int
    note : str
        Empty where all went well.
    """

    low: float
    high: float
    curve: Curve | None
    evaluations: int
    note: str = ""


def profile(
    design: Design,
    estimate: Estimate,
    parm: str | int | Iterable[str | int] | None = None,
    level: float = 0.95,
    n_jobs: int | None = None,
    *,
    curves: bool = True,
) -> ProfileRecord:
    """Profile the ML deviance along every parameter.

    For a parameter phi, D(phi) is the least deviance with phi held; zeta = sign(phi - estimate) sqrt(D(phi) -
    D_min) is nearly normal, and the limits are where it is -+z, z the normal quantile.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit; a REML fit is refitted by ML from its cross-products.
    parm : name, position or list of them, optional
        Parameters, by default all; see `chosen_parameters`.
    level : float, default 0.95
        Coverage.
    n_jobs : int, optional
        Threads over parameters.
    curves : bool, default True
        Whether curves are wanted: they reach to a zeta of 3.1 at least. Limits alone need half the work.

    Returns
    -------
    ProfileRecord

    Raises
    ------
    OptionError
        For an unknown parameter, level or number of threads.
    FitError
        Where the deviance falls without bound along a profile.

    Notes
    -----
    Everything from the cross-products: about ten (limits alone) to twenty (curves) evaluations per parameter
    and side, each about three factorisations. No pass over the rows.
    """
    z = normal_quantile(check_level(level))
    chosen, every = chosen_parameters(design, parm), parameters(design)
    best, notes = maximum_likelihood(estimate), []
    jobs = workers(n_jobs, float(best.system.structure()["flops"]))
    for _ in range(MOST_RESTARTS):
        try:
            sides = _walk_all(chosen, every, best, z, jobs, curves)
            break
        except _BetterError as better:
            gain = best.criterion
            best = fit_cross_products(
                best.cross, best.theta_names, reml=False, start=better.theta, system=best.system
            )
            gain -= best.criterion
            notes.append(
                f"A profile met a deviance {gain:.3g} below that of the fit: the search had ended in another "
                "optimum. Estimates and limits here belong to the better one; refit with "
                f"start={np.array2string(best.theta, precision=4, separator=', ')} to have it."
            )
    else:
        raise FitError(
            "Every profile meets a deviance below that of the fit: the likelihood has many optima or none. "
            "fit.opt shows the search; drop a random-effects term, or give lmm() another start=."
        )
    notes += [side.note for side in sides if side.note]
    table = _values(design, best)
    return ProfileRecord(
        tuple(parameter.name for parameter in chosen),
        np.array([table[parameter.name] for parameter in chosen]),
        np.array([side.low for side in sides]),
        np.array([side.high for side in sides]),
        float(level),
        float(best.criterion),
        bool(estimate.reml),
        tuple(side.curve for side in sides),
        tuple(parameter.name for parameter in every),
        sum(side.evaluations for side in sides),
        tuple(notes),
    )


class _BetterError(Exception):
    """A better optimum, as lme4's theta."""

    def __init__(self, theta: np.ndarray):
        super().__init__()
        self.theta = theta


def maximum_likelihood(estimate: Estimate) -> Estimate:
    """The ML fit of the same cross-products (itself if it is one), with its system."""
    if not estimate.reml and estimate.system is not None:
        return estimate
    options: dict[str, Any] = {"reml": False, "start": estimate.theta, "solver": "direct"}
    return fit_cross_products(estimate.cross, estimate.theta_names, system=estimate.system, **options)


def _values(design: Design, estimate: Estimate) -> dict[str, float]:
    """Estimates by name."""
    table, out = varcorr(design, estimate), {}
    for parameter in parameters(design):
        if parameter.kind == "sigma":
            out[parameter.name] = estimate.sigma
        elif parameter.kind == "beta":
            out[parameter.name] = float(estimate.beta[parameter.rows[0]])
        else:
            term, (a, *rest) = table.terms[parameter.term], parameter.rows
            out[parameter.name] = float(term.corr[a, rest[0]] if rest else term.sd[a])
    return out


def _walk_all(
    chosen: tuple[Parameter, ...],
    every: tuple[Parameter, ...],
    best: Estimate,
    z: float,
    jobs: int,
    curves: bool,
) -> list[Side]:
    frames, bar = Frames(best), progress(len(chosen), "profile")
    if any(parameter.kind in ("sd", "cor") for parameter in chosen):
        frames.plain()  # before threads share it
    tail, found = best.system.structure()["tail"], {}

    def walk(parameter: Parameter) -> Side:
        return walk_both(parameter, every, frames, z, curves)

    try:
        with blas_threads_for(tail):
            for parameter, side in in_threads(walk, chosen, jobs):
                found[parameter.name] = side
                bar.update(1)
    finally:
        bar.close()
    return [found[parameter.name] for parameter in chosen]


def walk_both(
    parameter: Parameter, every: tuple[Parameter, ...], frames: Frames, z: float, curves: bool
) -> Side:
    """Limits and curve of one parameter.

    Parameters
    ----------
    parameter : Parameter
    every : tuple of Parameter
        All of the model.
    frames : Frames
    z : float
        Normal quantile of the level.
    curves : bool
        Whether the curve is wanted.
    """
    made = target_of(parameter, frames)
    if made is None:
        note = f"{parameter.name} does not exist where one of its standard deviations is zero."
        return Side(-1.0, 1.0, None, 0, note)
    target, frame, column = made
    points, limits, count = [], [], 0
    try:
        for direction in (-1, 1):
            bound = target.bounds[direction > 0]
            if target.phi == bound:
                limits.append(bound)
                continue
            walk, limit = _walk_side(target, frames.estimate.criterion, direction, z, curves)
            limits.append(np.nan if limit is None else limit.phi)
            points += walk.points if limit is None else [*walk.points, limit]
            count += walk.secants.evaluations
    except LowerDevianceError as lower:
        raise _BetterError(from_search(frame.cross, frame.chart, lower.local.theta)) from None
    low, high = to_value(parameter, np.array(limits)).tolist()
    note = _not_reached(parameter, low, high, points[-1].zeta if points else 0.0)
    curve = None
    if curves and len(points) > 1:
        curve = curve_of(parameter, every, frames.estimate, frame, column, points)
    return Side(low, high, curve, count, note)


def _walk_side(
    target: Target, least: float, direction: int, z: float, curves: bool
) -> tuple[Walk, Point | None]:
    """Walk one side; where long strides lose the way, again with short ones."""
    reach = max(REACH, z + BEYOND) if curves else z + BEYOND
    for rise in (RISE,) if curves else (reach / 2, RISE):
        walk = Walk(target, least, direction)
        while walk.points and walk.extend(rise, reach):
            pass
        limit = walk.limit(z) if walk.points else None
        if limit is not None:
            break
    return walk, limit


def _not_reached(parameter: Parameter, low: float, high: float, zeta: float) -> str:
    missing = [name for name, x in (("lower", low), ("upper", high)) if np.isnan(x)]
    if not missing:
        return ""
    return (
        f"The {' and the '.join(missing)} limit of {parameter.name} was not found: its profile could not be "
        f"followed beyond zeta = {zeta:.2f}."
    )
