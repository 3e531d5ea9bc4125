"""Profiles as pictures: zeta, the density that it implies, and pairs of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ..inference.fixed import normal_quantile
from .canvas import BLUE, FAINT, GREY, INK, ORANGE, dress, few_ticks, label, made_from, pyplot, shorten

if TYPE_CHECKING:
    from ..inference.intervals.curve import Curve
    from ..results import LinearMixedFit
    from ..results.intervals import Profile

KINDS = ("zeta", "density", "pairs")
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)
MOST_PAIRS = 8
TITLE = 26  # characters that fit above a panel


def profile(
    profile: Profile | LinearMixedFit, kind: str = "zeta", *, parm: Any = None, axes: Any = None
) -> np.ndarray:
    """Draw the profiles of the parameters of a fit.

    Parameters
    ----------
    profile : Profile or LinearMixedFit
        From ``fit.profile()``; a fit is profiled first, along the chosen parameters.
    kind : {"zeta", "density", "pairs"}
        zeta against the parameter, with intervals of 50, 80, 90, 95 and 99 % (a straight line means that the
        likelihood is normal on this scale); the density phi(zeta) abs(d zeta / d parameter); or, for every
        pair of parameters, contours of the likelihood of 50, 80, 90, 95 and 99 % on the zeta scales with the
        traces of both profiles.
    parm : name, position or list of them, optional
        Parameters, by default all; at most 8 for pairs.
    axes : array of Axes, optional
        One per panel (k x k for k parameters in pairs); by default a new figure is made.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    OptionError
        For an unknown kind or parameter, or if there is nothing to draw.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    >>> axes = hd.plot.profile(fit.profile(), "density")
    >>> len(axes)
    3
    """
    if kind not in KINDS:
        raise OptionError(f"kind={kind!r}: choose among {', '.join(map(repr, KINDS))}.")
    drawn: Any = profile
    if hasattr(profile, "estimate"):
        drawn, parm = drawn.profile(parm), None
    made_from(drawn, "record.curves", "a fit made by hd.lmm() or what its profile() returned")
    curves = chosen_curves(drawn, parm)
    if kind == "pairs":
        return pairs(drawn, curves, axes)
    grid = panels(len(curves), axes)
    for ax, curve in zip(grid, curves, strict=False):
        (_zeta if kind == "zeta" else _density)(ax, curve)
        ax.set_title(shorten(curve.parameter.name, TITLE), fontsize=9.5, color=INK, loc="left")
        few_ticks(ax)
    return grid


def chosen_curves(profile: Profile, parm: Any) -> list[Curve]:
    """The curves asked for, by name or position; those that do not exist are left out."""
    record = profile.record
    if parm is None:
        places: list[Any] = list(range(len(record.terms)))
    else:
        asked = [parm] if isinstance(parm, str | int) else list(parm)
        aliases = {curve.parameter.alias: i for i, curve in enumerate(record.curves) if curve is not None}
        names = {**aliases, **{name: i for i, name in enumerate(record.terms)}}
        unknown = [one for one in asked if not isinstance(one, int) and one not in names]
        if unknown:
            raise OptionError(
                f"parm={unknown[0]!r} is not among the profiles: {', '.join(map(repr, record.terms))}."
            )
        places = [one if isinstance(one, int) else names[one] for one in asked]
    found = [record.curves[place] for place in places]
    drawn = [curve for curve in found if curve is not None]
    if not drawn:
        raise OptionError("There is no profile to draw: the parameters do not exist in this fit.")
    return drawn


def panels(count: int, axes: Any) -> np.ndarray:
    """Panels in rows of three, in a new figure or in the axes given."""
    if axes is not None:
        return np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    across = min(3, count)
    down = -(-count // across)
    size = (2.9 * across + 0.3, 2.4 * down + 0.2)
    figure, grid = pyplot().subplots(down, across, figsize=size, squeeze=False, layout="constrained")
    for spare in grid.ravel()[count:]:
        figure.delaxes(spare)
    return np.asarray(grid.ravel()[:count])


def _zeta(ax: Any, curve: Curve) -> None:
    """zeta with its intervals as steps, as Bates and Watts draw them."""
    dress(ax)
    value, zeta, _ = curve.dense()
    ax.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for level in LEVELS:
        z = normal_quantile(level)
        low, high = curve.at_zeta(np.array([-z, z]))
        reached = [(x, y) for x, y in ((low, -z), (high, z)) if zeta.min() <= y <= zeta.max()]
        for x, y in reached:
            ax.plot([x, x], [0, y], color=ORANGE, linewidth=0.9, alpha=0.9)
        if len(reached) == 2:
            ax.plot([low, high], [0, 0], color=ORANGE, linewidth=0.9)
    ax.plot(value, zeta, color=BLUE, linewidth=1.6)
    ax.plot(curve.value, curve.zeta, ".", color=BLUE, markersize=3.5)
    ax.margins(x=0.03)
    label(ax, y="ζ")


def _density(ax: Any, curve: Curve) -> None:
    dress(ax)
    value, zeta, slope = curve.dense(401)
    density = np.exp(-(zeta**2) / 2) / np.sqrt(2 * np.pi) * slope
    fine = np.isfinite(density) & (density >= 0)
    if curve.parameter.kind == "cor":  # at -1 and 1 a quotient of two numbers that vanish
        fine &= np.abs(value) < 0.999
    value, zeta, density = value[fine], zeta[fine], density[fine]
    z = normal_quantile(0.95)
    inside = np.abs(zeta) <= z
    ax.fill_between(value[inside], density[inside], color=BLUE, alpha=0.15, linewidth=0)
    ax.plot(value, density, color=BLUE, linewidth=1.6)
    estimate = float(curve.value[np.argmin(np.abs(curve.zeta))])
    ax.axvline(estimate, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    top = np.percentile(density, 99.5) if len(density) else 1.0
    ax.set_ylim(0, max(float(top) * 1.15, 1e-300))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.02)


def pairs(profile: Profile, curves: list[Curve], axes: Any = None) -> np.ndarray:
    """Contours and traces of every pair below the diagonal, in the units of the parameters.

    The trace of i on j is parameter j along the profile of i. On the zeta scales the contour of height h
    meets each trace where its own zeta is +-h; between, it is interpolated as in Bates & Watts (1988),
    appendix 6.
    """
    if len(curves) > MOST_PAIRS:
        raise OptionError(
            f"kind='pairs' with {len(curves)} parameters would draw {len(curves) * (len(curves) - 1) // 2} "
            f"panels; name up to {MOST_PAIRS} of them: parm=['sigma', ...]."
        )
    k = len(curves)
    if k < 2:
        raise OptionError("kind='pairs' needs two parameters or more; kind='zeta' draws one.")
    if axes is None:
        _, axes = pyplot().subplots(
            k, k, figsize=(1.9 * k + 0.4, 1.7 * k + 0.3), squeeze=False, layout="constrained"
        )
    grid = np.asarray(axes, dtype=object).reshape(k, k)
    every = list(profile.record.every)
    for i in range(k):
        for j in range(k):
            ax = dress(grid[i, j])
            if i < j:
                ax.set_visible(False)
                continue
            if i == j:
                _density(ax, curves[i])
            else:
                _pair(ax, curves[j], curves[i], every)
            ax.tick_params(labelsize=7)
            few_ticks(ax, 3)
            if j == 0 and i > 0:
                ax.set_ylabel(shorten(curves[i].parameter.name, 20), fontsize=8, color=INK)
            if i == k - 1:
                ax.set_xlabel(shorten(curves[j].parameter.name, 20), fontsize=8, color=INK)
    return grid


def _pair(ax: Any, across: Curve, up: Curve, every: list[str]) -> None:
    trace_up = across.others[:, every.index(up.parameter.name)]
    trace_across = up.others[:, every.index(across.parameter.name)]
    for level in LEVELS:
        contour = contour_of(across, up, trace_up, trace_across, float(np.sqrt(-2 * np.log(1 - level))))
        if contour is not None:
            strong = level == 0.95
            ax.plot(*contour, color=BLUE if strong else GREY, linewidth=1.3 if strong else 0.6)
    ax.plot(across.value, trace_up, color=ORANGE, linewidth=1.0)
    ax.plot(trace_across, up.value, color=ORANGE, linewidth=1.0, linestyle=(0, (4, 2)))


def contour_of(
    across: Curve, up: Curve, trace_up: np.ndarray, trace_across: np.ndarray, h: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Points (x, y) of the contour of height h (a chi-square of 2 degrees of freedom, root), or None.

    zeta_x = h cos(a + d(a) / 2) and zeta_y = h cos(a - d(a) / 2), a from -pi to pi; the four places where the
    traces meet the contour give a and d, a periodic spline the rest.
    """
    from scipy.interpolate import CubicSpline

    if min(-across.zeta.min(), across.zeta.max(), -up.zeta.min(), up.zeta.max()) < h:
        return None
    other_up = _zeta_of(up, _along(across.zeta, trace_up, np.array([-h, h]))) / h
    other_across = _zeta_of(across, _along(up.zeta, trace_across, np.array([-h, h]))) / h
    if not np.isfinite([*other_up, *other_across]).all():
        return None
    low_up, high_up = np.arccos(np.clip(other_up, -1, 1))
    low_across, high_across = np.arccos(np.clip(other_across, -1, 1))
    # (angle of x, angle of y) at x = +h, y = +h, x = -h, y = -h
    met = [(0.0, high_up), (high_across, 0.0), (np.pi, low_up), (low_across, np.pi)]
    angle = np.array([(a + b) / 2 for a, b in met])
    apart = np.array([a - b for a, b in met])
    turned = apart < 0  # the cosine is even: every point may be written with a positive difference
    angle, apart = np.where(turned, -angle, angle), np.abs(apart)
    order = np.argsort(angle)
    a, d = angle[order], apart[order]
    if np.diff(a).min() < 1e-9:
        return None
    spline = CubicSpline(np.append(a, a[0] + 2 * np.pi), np.append(d, d[0]), bc_type="periodic")
    turn = np.linspace(-np.pi, np.pi, 181)
    gap = spline(np.where(turn < a[0], turn + 2 * np.pi, turn))
    return across.at_zeta(h * np.cos(turn + gap / 2)), up.at_zeta(h * np.cos(turn - gap / 2))


def _along(zeta: np.ndarray, trace: np.ndarray, at: np.ndarray) -> np.ndarray:
    fine = np.isfinite(trace)
    if fine.sum() < 2:
        return np.full(len(at), np.nan)
    return np.asarray(np.interp(at, zeta[fine], trace[fine]))


def _zeta_of(curve: Curve, value: np.ndarray) -> np.ndarray:
    dense, zeta, _ = curve.dense(401)
    return np.asarray(np.interp(value, dense, zeta))
