"""The data group by group, with the lines that the model draws through them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from ..inference.fitted import fixed_part
from .canvas import (
    BLUE,
    FAINT,
    GREY,
    INK,
    LONGEST_LABEL,
    ORANGE,
    dress,
    grouping,
    label,
    new_axes,
    of_a_fit,
    pyplot,
    shorten,
    spread,
)
from .covariate import Covariate, covariate, group_along
from .lines import line_maker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

MOST_PANELS, _MOST_STRIPS = 24, 40
_TITLE = 15  # characters that fit above a panel of 1.55 inches
_UPRIGHT = 9  # characters below a panel of 1.5 inches
_FEW_VALUES = 4  # of a number, that are all written below the axis


@of_a_fit
def lattice(
    fit: LinearMixedFit,
    x: str | None = None,
    group: str | None = None,
    *,
    columns: int = 6,
    axes: np.ndarray | None = None,
) -> np.ndarray:
    """Draw one panel per group: its data, its fitted line, and the line of the population.

    The lines hold other variables at what is typical of the group; crossed factors are left out of them.

    Parameters
    ----------
    fit : LinearMixedFit
        A fit with a covariate.
    x : str, optional
        Variable of the data or column of the model to draw against; by default the first numeric variable,
        those that vary by group before the rest.
    group : str, optional
        Grouping factor; by default the first within whose levels `x` varies.
    columns : int
        Panels in a row.
    axes : array of Axes, optional
        One axes per panel, to draw into; by default a new figure is made. At most 24 groups are drawn, spread
        evenly over the levels.

    Returns
    -------
    ndarray of Axes
        One per panel drawn.

    Raises
    ------
    OptionError
        If the column or the grouping factor is not in the model, or if the model has no covariate.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> len(hd.plot.lattice(fit))
    18
    """
    found = covariate(fit, x)
    if found is None:
        raise OptionError("This model has no covariate to draw against. Use plot.strip(fit) instead.")
    values = found.values
    factor = group_along(fit, found, group)
    shown = spread(len(factor.levels), MOST_PANELS if axes is None else np.size(axes))
    drawn = panels(len(shown), columns) if axes is None else np.ravel(axes)[: len(shown)]
    lines = line_maker(fit, found, factor)
    for ax, level in zip(drawn, shown, strict=True):
        rows = factor.codes == level
        dress(ax).plot(values[rows], fit.design.y[rows], "o", ms=3.5, mfc="none", color=GREY, mew=0.9)
        at, own, population = lines(level)
        ax.plot(at, population, "--", color=ORANGE, lw=1.1)
        ax.plot(at, own, "-", color=BLUE, lw=1.7)
        ax.set_title(panel_title(str(factor.levels[level])), fontsize=9, color=INK, pad=3)
        name_values(ax, found)
    if axes is None:
        _legend(drawn[0].figure, factor.name, len(shown), len(factor.levels))
        drawn[0].figure.supxlabel(found.name, fontsize=10, color=INK)
        drawn[0].figure.supylabel(fit.design.response, fontsize=10, color=INK)
    return drawn


def panel_title(name: str) -> str:
    """Return a level's name in at most two lines that fit above a panel."""
    lines = textwrap.wrap(name, _TITLE)
    if len(lines) > 2:
        lines = [lines[0], shorten(" ".join(lines[1:]), _TITLE)]
    return "\n".join(lines)


def name_values(ax: Axes, found: Covariate) -> None:
    """Write the levels of a factor below the axis; of a number with few values, these."""
    if found.labels is None:
        _few_values(ax, found.values)
    else:
        upright = sum(len(name) + 1 for name in found.labels) > _TITLE
        names = shorten_all(found.labels, _UPRIGHT) if upright else found.labels
        ax.set_xticks(np.arange(len(names)), names, rotation=90 if upright else 0)
        ax.set_xlim(-0.4, len(found.labels) - 0.6)


def _few_values(ax: Axes, values: np.ndarray) -> None:
    """Put ticks where the data are, so that a 0/1 variable has two; none at 10.5 among whole numbers."""
    from matplotlib.ticker import MaxNLocator

    used = np.unique(values)
    if len(used) <= _FEW_VALUES:
        ax.set_xticks(used, [f"{value:.4g}".replace("-", "−") for value in used])
    elif (used == used.round()).all():
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def panels(count: int, columns: int) -> np.ndarray:
    """Return the axes (count,) of a new figure with equal scales, `columns` in a row."""
    across = min(columns, count)
    down = -(-count // across)
    _, grid = pyplot().subplots(
        down, across, figsize=(1.55 * across + 0.6, 1.5 * down + 0.9), sharex=True, sharey=True,
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for spare in grid.ravel()[count:]:
        spare.set_visible(False)
    for column in range(count % across if count % across else across, across):
        grid[-2, column].tick_params(labelbottom=True)
    return np.asarray(grid.ravel()[:count])


def _legend(figure: object, factor: str, shown: int, levels: int) -> None:
    from matplotlib.lines import Line2D

    some = "" if shown == levels else f" ({shown} of {levels} shown)"
    handles = [
        Line2D([], [], marker="o", mfc="none", ls="", color=GREY, label="data"),
        Line2D([], [], color=BLUE, lw=1.7, label=f"fit of each {factor}{some}"),
        Line2D([], [], color=ORANGE, lw=1.1, ls="--", label="population"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)  # type: ignore[attr-defined]


@of_a_fit
def strip(fit: LinearMixedFit, group: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the response by group as points, with the fitted mean of each group and that of the population.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    group : str, optional
        Grouping factor; by default the first of the model.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Groups in order of their fitted mean; at most 40 of them, spread evenly.

    Raises
    ------
    OptionError
        If the grouping factor is not in the model.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    >>> hd.plot.strip(fit).get_xlabel()
    'Yield'
    """
    _, factor = grouping(fit, group)
    counts = np.bincount(factor.codes, minlength=len(factor.levels))
    means = np.bincount(factor.codes, weights=np.asarray(fit.fitted)) / counts
    order = np.argsort(means)[spread(len(means), _MOST_STRIPS)]
    ax = new_axes(ax, 6.0, max(2.4, 0.24 * len(order) + 1.3))
    population = fixed_part(fit.design, fit.estimate).mean()
    ax.axvline(population, color=ORANGE, lw=1.1, ls="--", label="population")
    for place, level in enumerate(order):
        y = fit.design.y[factor.codes == level]
        ax.axhline(place, color=FAINT, lw=0.6, zorder=0)
        ax.plot(y, np.full(len(y), place), "o", ms=4, mfc="none", color=GREY, mew=0.9)
    ax.plot(
        means[order],
        np.arange(len(order)),
        "|",
        ms=13,
        mew=2.2,
        color=BLUE,
        label=f"fitted mean of {factor.name}",
    )
    names = shorten_all([str(factor.levels[level]) for level in order], LONGEST_LABEL)
    ax.set_yticks(np.arange(len(order)), names)
    ax.margins(y=0.6 / max(1, len(order)))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0)
    some = "" if len(order) == len(means) else f" ({len(order)} of {len(means)} shown)"
    return label(ax, x=fit.design.response, y=factor.name + some)
