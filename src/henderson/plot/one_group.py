"""One group by itself: its data, its own line and the mixed model's, with their equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError
from .canvas import BLUE, GREY, INK, ORANGE, label, new_axes, of_a_fit
from .covariate import covariate, group_along
from .groups import name_values
from .lines import line_maker

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

GREEN = "#009E73"
STRAIGHT = 1e-6


@of_a_fit
def one(
    fit: LinearMixedFit,
    level: object,
    x: str | None = None,
    group: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw one group: its data, the least-squares line through them, and the lines of the mixed model.

    Parameters
    ----------
    fit : LinearMixedFit
        A fit with a covariate.
    level : label
        Which group.
    x : str, optional
        What to draw against; by default the first numeric variable.
    group : str, optional
        Grouping factor; by default the first that has the level, and within whose levels `x` varies.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Straight lines have their equations in the legend.

    Raises
    ------
    OptionError
        If the label, the column or the grouping factor is not in the model.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> print(hd.plot.one(fit, "308").get_legend().get_texts()[0].get_text())
    alone: Reaction = 21.76 · Days + 244.19
    """
    found = covariate(fit, x)
    if found is None:
        raise OptionError("This model has no covariate to draw against. Use plot.strip(fit) instead.")
    factor = group_along(fit, found, group, level)
    names = [str(each) for each in factor.levels]
    if str(level) not in names:
        shown = ", ".join(map(repr, factor.levels[:5])) + (", …" if len(names) > 5 else "")
        raise OptionError(f"level={level!r} is no level of {factor.name}. It has: {shown}.")
    g = names.index(str(level))
    rows = factor.codes == g
    own, y = found.values[rows], fit.design.y[rows]
    ax = new_axes(ax)
    ax.plot(own, y, "o", ms=5, mfc="none", color=GREY, mew=1.1)
    if found.labels is None and len(np.unique(own)) > 1:
        slope, start = np.polyfit(
            own, y, 1, w=None if fit.design.weights is None else fit.design.weights[rows] ** 0.5
        )
        ends = np.array([own.min(), own.max()])
        words = equation(fit.design.response, found.name, slope, start)
        ax.plot(ends, start + slope * ends, color=GREEN, ls=(0, (1.2, 1.2)), lw=1.8, label=f"alone: {words}")
    at, mixed, population = line_maker(fit, found, factor)(g)
    for values, colour, style, name in (
        (mixed, BLUE, "-", "mixed model"), (population, ORANGE, (0, (5, 2.5)), "population"),
    ):  # fmt: skip
        words = _words(fit.design.response, found.name, at, values) if found.labels is None else ""
        ax.plot(at, values, color=colour, ls=style, lw=1.7, label=f"{name}{words}")
    name_values(ax, found)
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0
    )
    return label(ax, x=found.name, y=f"{fit.design.response} of {factor.name} {level}")


def equation(response: str, name: str, slope: float, start: float) -> str:
    """Return a straight line as text, two decimals or four digits.

    >>> equation("Reaction", "Days", -2.881, 263.03)
    'Reaction = -2.88 · Days + 263.03'
    """
    return f"{response} = {_number(slope)} · {name} {'+' if start >= 0 else '-'} {_number(abs(start))}"


def _number(value: float) -> str:
    return f"{value:.2f}" if 0.1 <= abs(value) < 1e6 or value == 0 else f"{value:.4g}"


def _words(response: str, name: str, at: np.ndarray, values: np.ndarray) -> str:
    """Return the equation of a line that is straight, else nothing."""
    if len(at) < 2:
        return ""
    slope, start = np.polyfit(at, values, 1)
    off = np.abs(values - start - slope * at).max()
    if off > STRAIGHT * max(np.ptp(values), np.abs(values).max()):
        return ""
    return f": {equation(response, name, slope, start)}"
