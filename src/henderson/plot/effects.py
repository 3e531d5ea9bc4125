"""Random effects of the levels with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from ..inference.solver import is_iterative
from .canvas import BLUE, FAINT, GREY, LONGEST_LABEL, grouping, label, new_axes, of_a_fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

_MOST_LABELS = 50


@of_a_fit
def caterpillar(
    fit: LinearMixedFit,
    group: str | None = None,
    effect: str | None = None,
    *,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the conditional modes of one effect in increasing order, with conditional intervals.

    The intervals are mode ± z · conditional standard deviation; those that leave out zero are drawn dark.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    group : str, optional
        Grouping factor; by default the first of the model.
    effect : str, optional
        Column of the random effects, such as ``"Days"``; by default the first.
    level : float
        Coverage of the intervals, in (0, 1).
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Levels are labelled up to 50 of them, and counted beyond.

    Raises
    ------
    OptionError
        If the grouping factor or the effect is not in the model, or `level` is outside (0, 1).
    MissingDependencyError
        If matplotlib is not installed.

    Notes
    -----
    Iterative fits have no conditional intervals: the effects stand alone, and the axis says so.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.caterpillar(fit, effect="Days").get_title(loc="left")
    'Days by Subject'
    """
    from scipy.special import ndtri

    _, factor = grouping(fit, group)
    effects = fit.ranef[factor.name]
    column = effect_column(effects.names, effect, factor.name)
    if not 0 < level < 1:
        raise OptionError(f"level={level} must lie between 0 and 1, for example 0.95.")
    order = np.argsort(effects.values[:, column])
    mode, known = effects.values[order, column], not is_iterative(fit.estimate)
    half = ndtri(0.5 + level / 2) * effects.sd[order, column] if known else np.zeros(len(order))
    many = len(order) > _MOST_LABELS
    ax = new_axes(ax, 5.2, 5.2 if many else max(2.4, 0.17 * len(order) + 1.2))
    place, clear = np.arange(len(order)), (np.abs(mode) > half) & known
    ax.axvline(0, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
    for mask, colour in ((~clear, "#7FB8D8"), (clear, BLUE)):
        ax.hlines(
            place[mask], (mode - half)[mask], (mode + half)[mask], color=colour, lw=0.6 if many else 1.6
        )
        ax.plot(mode[mask], place[mask], "o", ms=1.5 if many else 4, color=colour)
    _name_levels(ax, [str(factor.levels[i]) for i in order])
    return label(
        ax,
        x="effect"
        + (f" and {100 * level:g} % conditional interval" if known else " (iterative: no interval)"),
        y=factor.name,
        title=f"{effects.names[column]} by {factor.name}",
    )


def effect_column(names: tuple[str, ...], effect: str | None, factor: str) -> int:
    """Return the position of an effect of a grouping factor, by default the first."""
    if effect is None:
        return 0
    if effect not in names:
        raise OptionError(f"effect={effect!r}: {factor!r} has the effects {', '.join(map(repr, names))}.")
    return names.index(effect)


def _name_levels(ax: Axes, names: list[str]) -> None:
    if len(names) <= _MOST_LABELS:
        ax.set_yticks(np.arange(len(names)), shorten_all(names, LONGEST_LABEL))
        ax.grid(axis="y", color=FAINT, lw=0.6)
        ax.set_axisbelow(True)
        ax.set_ylim(-0.6, len(names) - 0.4)
    else:
        ax.set_yticks([])
        ax.annotate(
            f"{len(names)} levels", (0.02, 0.96), xycoords="axes fraction", color=GREY, fontsize=9, va="top"
        )
        ax.margins(y=0.02)
