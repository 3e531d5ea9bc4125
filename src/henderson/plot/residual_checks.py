"""Residuals: how their spread moves, and how they lie by group and by predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from .canvas import BLUE, FAINT, GREY, LONGEST_LABEL, ORANGE, label, new_axes, of_a_fit, of_rows, spread
from .covariate import covariate, variable_names
from .diagnostics import cloud

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

_MOST_GROUPS = 40


@of_a_fit
def scale_location(fit: LinearMixedFit, *, ax: Axes | None = None) -> Axes:
    """Draw the root of the size of the residuals against fitted values: a level smooth means equal spread.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.scale_location(fit).get_xlabel()
    'fitted Reaction'
    """
    fitted, size = of_rows(fit.fitted), np.sqrt(np.abs(of_rows(fit.residuals("scaled"))))
    ax = new_axes(ax)
    cloud(ax, fitted, size, 0.8222)  # mean of sqrt|z| for a normal z
    ax.set_ylim(bottom=0)
    return label(ax, x=f"fitted {fit.design.response}", y="√|residual / σ|", title="Spread of the residuals")


@of_a_fit
def residuals_by(fit: LinearMixedFit, by: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw residuals by group, or along a predictor with a smooth.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    by : str, optional
        A grouping factor, a variable of the data, or a column of the model; by default the first grouping
        factor.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Groups in order of the spread of their residuals, at most 40, evenly spread; factors by level.

    Raises
    ------
    OptionError
        If `by` is none of these.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.residuals_by(fit, "Days").get_xlabel()
    'Days'
    """
    scaled = of_rows(fit.residuals("scaled"))
    names = [g.name for g in fit.design.groupings]
    if by is None or by in names:
        grouping = fit.design.groupings[names.index(by) if by else 0]
        return _by_level(grouping.name, grouping.codes, [str(x) for x in grouping.levels], scaled, True, ax)
    try:
        found = covariate(fit, by)
    except OptionError:
        known = ", ".join(map(repr, [*names, *variable_names(fit)]))
        raise OptionError(f"by={by!r} is no group or variable of the model. It has: {known}.") from None
    assert found is not None
    if found.labels is not None:
        return _by_level(found.name, found.values.astype(int), list(found.labels), scaled, False, ax)
    ax = new_axes(ax)
    cloud(ax, found.values, scaled, 0)
    return label(ax, x=found.name, y="residual / σ", title=f"Residuals by {found.name}")


def _by_level(
    name: str, codes: np.ndarray, levels: list[str], scaled: np.ndarray, by_spread: bool, ax: Axes | None
) -> Axes:
    """Draw strips with medians and quartiles, levels from the bottom."""
    parts = np.split(scaled[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1])
    quartiles = np.array([np.quantile(part, [0.25, 0.5, 0.75]) for part in parts])
    order = np.argsort(quartiles[:, 2] - quartiles[:, 0]) if by_spread else np.arange(len(levels))[::-1]
    order = order[spread(len(order), _MOST_GROUPS)]
    ax = new_axes(ax, 6.0, max(2.4, 0.22 * len(order) + 1.2))
    ax.axvline(0, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
    for height, g in enumerate(order):
        ax.axhline(height, color=FAINT, lw=0.5, zorder=0)
        ax.plot(parts[g], np.full(len(parts[g]), height), "o", ms=3.5, mfc="none", color=GREY, mew=0.8)
    place = np.arange(len(order))
    ax.hlines(place, quartiles[order, 0], quartiles[order, 2], color=BLUE, lw=3.0, alpha=0.75)
    ax.plot(quartiles[order, 1], place, "|", ms=11, mew=2.2, color=ORANGE)
    ax.set_yticks(place, shorten_all([levels[g] for g in order], LONGEST_LABEL))
    ax.margins(y=0.6 / max(1, len(order)))
    some = "" if len(order) == len(levels) else f" ({len(order)} of {len(levels)} shown)"
    title = f"Residuals by {name}: quartiles and median"
    return label(ax, x="residual / σ", y=name + some, title=title)
