"""Bootstrap replicates as pictures: a histogram of every parameter with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ..inference.intervals.bootstrap import check_type
from ..inference.intervals.confint import of_replicates
from .canvas import BLUE, GREY, INK, ORANGE, dress, few_ticks, label, made_from, shorten
from .profile_curves import TITLE, panels

if TYPE_CHECKING:
    from ..results.intervals import Bootstrap

MOST_BINS = 60


def bootstrap(
    result: Bootstrap,
    *,
    parm: Any = None,
    level: float | None = None,
    type: str | None = None,
    axes: Any = None,
) -> np.ndarray:
    """Draw the replicates of a bootstrap, one histogram a parameter.

    The line below is the interval, the dashed line the estimate of the fit.

    Parameters
    ----------
    result : Bootstrap
        From ``fit.bootstrap()``.
    parm : name, position or list of them, optional
        Of the statistic's numbers, by default all.
    level : float, optional
        Coverage of the interval; by default that of the bootstrap.
    type : {"percentile", "basic", "normal"}, optional
        Kind of interval; by default that of the bootstrap.
    axes : array of Axes, optional
        One per panel; by default a new figure is made.

    Returns
    -------
    ndarray of Axes

    Raises
    ------
    OptionError
        For a parameter, level or kind that does not exist, or when every refit failed.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    >>> axes = hd.plot.bootstrap(fit.bootstrap(200, seed=1))
    >>> [ax.get_title("left") for ax in axes]
    ['sd_(Intercept)|Batch', 'sigma', '(Intercept)']
    """
    record = made_from(result, "record.replicates", what="the replicates of fit.bootstrap()").record
    level, kind = record.level if level is None else level, check_type(type or record.type)
    limits: Any = of_replicates(record, level, kind, parm)
    grid = panels(len(limits["term"]), axes)
    for ax, name, low, high in zip(
        grid, limits["term"], limits["conf_low"], limits["conf_high"], strict=False
    ):
        place = record.terms.index(name)
        _histogram(ax, name, record.replicates[:, place], float(record.estimate[place]), (low, high))
    label(grid[0], y=f"{len(record.replicates)} refits, {100 * level:g} % {kind}")
    return grid


def _histogram(ax: Any, name: str, drawn: np.ndarray, estimate: float, interval: tuple[float, float]) -> None:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        raise OptionError(f"There is nothing to draw: no number among the replicates of {name}.")
    dress(ax)
    heights = ax.hist(drawn, bins=bins(drawn), color=BLUE, alpha=0.35, linewidth=0)[0]
    below = -0.05 * heights.max()
    ax.plot(interval, [below, below], color=ORANGE, linewidth=2.4, solid_capstyle="butt")
    ax.axvline(estimate, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    ax.set_ylim(2.2 * below, 1.05 * heights.max())
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_title(shorten(name, TITLE), fontsize=9.5, color=INK, loc="left")
    few_ticks(ax)


def bins(drawn: np.ndarray) -> np.ndarray:
    """Edges of equal width by the rule of Freedman and Diaconis, ends included; one bin for a constant.

    >>> bins(np.array([2.0, 2.0, 2.0])).round(3)
    array([1.9, 2.1])
    """
    low, high = float(drawn.min()), float(drawn.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        half = 0.05 * abs(low) or 0.5
        return np.array([low - half, high + half])
    quarter, three = np.quantile(drawn, [0.25, 0.75])
    width = 2 * (three - quarter) / len(drawn) ** (1 / 3) or (high - low) / 10
    return np.linspace(low, high, int(np.clip(np.ceil((high - low) / width), 5, MOST_BINS)) + 1)
