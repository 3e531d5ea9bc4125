"""The power curve of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from .canvas import BLUE, FAINT, GREY, INK, ORANGE, label, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results.power import Power

# Beside blue and orange, from the same palette; line styles tell them apart as well.
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
STYLES = ("-", "--", "-.", ":")


def power(result: Power, *, target: float = 0.8, ax: Axes | None = None) -> Axes:
    """Draw power against the number of groups, or of rows in each where only those vary.

    Parameters
    ----------
    result : Power
        From `henderson.power`.
    target : float, default 0.8
        Where to draw a line across.
    ax : matplotlib Axes, optional
        To draw in; by default those of a new figure.

    Returns
    -------
    Axes
        One line for each number of rows per group; bars are the interval of every point.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> found = hd.power(fit, effect={"Days": 5}, n_groups=[6, 12, 18], n_sim=50, seed=1)
    >>> ax = hd.plot.power(found)
    >>> ax.get_xlabel()
    'Number of levels of Subject'
    """
    from ..inference.power.record import PowerRecord

    if not isinstance(getattr(result, "record", None), PowerRecord):
        raise OptionError(f"plot.power() draws what hd.power(fit) returns, not {type(result).__name__}.")
    record, axes = result.record, new_axes(ax)
    from matplotlib.ticker import MaxNLocator

    by_groups = len(set(record.n_groups.tolist())) > 1 or len(record.power) == 1
    x, series = (record.n_groups, record.n_within) if by_groups else (record.n_within, record.n_groups)
    axes.axhline(target, color=FAINT, linewidth=1.2, zorder=0)
    axes.axhline(record.alpha, color=FAINT, linewidth=0.8, linestyle=":", zorder=0)
    values = sorted(set(np.round(series, 1).tolist()))
    for i, value in enumerate(values):
        rows = np.flatnonzero(np.round(series, 1) == value)
        _line(axes, record, x, rows[np.argsort(x[rows])], i, f"{value:g} rows each" if by_groups else "")
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks(np.linspace(0, 1, 6), [f"{p} %" for p in range(0, 101, 20)])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(values) > 1:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    _name_lines(axes, target, record.alpha)
    what = f"Number of levels of {record.along}" if by_groups else f"Rows in each level of {record.along}"
    return label(axes, x=what, y="Power", title=f"Power of the test of {record.test}")


def _line(axes: Axes, record: Any, x: np.ndarray, rows: np.ndarray, i: int, name: str) -> None:
    error = [record.power[rows] - record.conf_low[rows], record.conf_high[rows] - record.power[rows]]
    colour = COLOURS[i % len(COLOURS)]
    axes.errorbar(
        x[rows],
        record.power[rows],
        np.maximum(error, 0.0),
        color=colour,
        linestyle=STYLES[i % len(STYLES)],
        marker="o",
        markersize=5,
        linewidth=1.6,
        elinewidth=1.0,
        capsize=2.5,
        label=name,
    )


def _name_lines(axes: Axes, target: float, alpha: float) -> None:
    place = axes.get_yaxis_transform()
    for height, words in ((target, f"{100 * target:g} %"), (alpha, f"level {alpha:g}")):
        axes.text(
            1.0,
            height,
            f" {words}",
            transform=place,
            va="center",
            ha="left",
            fontsize=8,
            color=GREY,
            clip_on=False,
        )
