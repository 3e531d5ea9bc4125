"""The response before any model: its histogram, and the course of every group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError
from ..inference.fitted import fixed_part
from .canvas import BLUE, GREY, INK, ORANGE, label, new_axes, of_a_fit, shorten, spread
from .covariate import covariate, group_along
from .groups import name_values
from .power_curve import COLOURS, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

_MOST_LINES, _MOST_MARKED, _MOST_SLICES = 200, 6, 40


@of_a_fit
def histogram(fit: LinearMixedFit, *, ax: Axes | None = None) -> Axes:
    """Draw the histogram of the response, with its mean and median.

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
    >>> hd.plot.histogram(fit).get_xlabel()
    'Reaction'
    """
    y = fit.design.y
    ax = new_axes(ax)
    ax.hist(y, bins="auto", color=BLUE, alpha=0.55, edgecolor="white")
    mean, median = float(np.mean(y)), float(np.median(y))
    ax.axvline(mean, color=ORANGE, lw=1.6, label=f"mean {mean:.4g}")
    ax.axvline(median, color=INK, lw=1.2, ls=(0, (4, 3)), label=f"median {median:.4g}")
    ax.legend(frameon=False, fontsize=9)
    return label(ax, x=fit.design.response, y="rows", title=f"{fit.design.n} rows")


@of_a_fit
def spaghetti(
    fit: LinearMixedFit,
    x: str | None = None,
    group: str | None = None,
    *,
    mark: Iterable[object] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the course of every group as a thin line, over it the mean that the fixed effects give.

    Parameters
    ----------
    fit : LinearMixedFit
        A fit with a covariate.
    x : str, optional
        What to draw against; by default the first numeric variable.
    group : str, optional
        Grouping factor; by default the first within whose levels `x` varies.
    mark : list of labels
        Groups to draw in colour, at most 6.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        At most 200 groups, evenly spread; those that are marked always.

    Raises
    ------
    OptionError
        If the column or the grouping factor is not in the model, or a label not among its levels.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.spaghetti(fit, mark=["308", "309"]).get_ylabel()
    'Reaction'
    """
    found = covariate(fit, x)
    if found is None:
        raise OptionError("This model has no covariate to draw against. Use plot.strip(fit) instead.")
    factor = group_along(fit, found, group)
    names = [str(level) for level in factor.levels]
    marked = _marked(names, mark, factor.name)
    shown = np.union1d(spread(len(names), _MOST_LINES), marked).astype(int)
    ax = new_axes(ax)
    faint = float(np.clip(25 / max(1, len(shown)), 0.15, 0.55))
    for g in [*(g for g in shown if g not in marked), *marked]:
        rows = np.flatnonzero(factor.codes == g)
        at, place = np.unique(found.values[rows], return_inverse=True)
        y = np.bincount(place, weights=fit.design.y[rows]) / np.bincount(place)
        dot = "o" if len(at) == 1 or g in marked else ""
        if g in marked:
            i = marked.index(g)
            colour, style, width, name = COLOURS[i], STYLES[i % len(STYLES)], 1.8, shorten(names[g], 20)
        else:
            colour, style, width, name = GREY, "-", 0.6, ""
        ax.plot(
            at, y, style, color=colour, lw=width, marker=dot, ms=3.5, alpha=0.9 if name else faint, label=name
        )
    at, mean = _mean_curve(found.values, fixed_part(fit.design, fit.estimate))
    ax.plot(at, mean, color=INK, lw=2.4, label="population (mean of the fixed part)")
    name_values(ax, found)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, fontsize=9, borderaxespad=0)
    some = "" if len(shown) == len(names) else f" ({len(shown)} of {len(names)} {factor.name} shown)"
    return label(ax, x=found.name + some, y=fit.design.response)


def _mean_curve(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of x (n,) and y (n,) at every value of x, or in slices with equally many rows."""
    values, place = np.unique(x, return_inverse=True)
    if len(values) > _MOST_SLICES:
        place = np.searchsorted(np.quantile(x, np.linspace(0, 1, _MOST_SLICES + 1)[1:-1]), x)
        place = np.unique(place, return_inverse=True)[1]
    count = np.bincount(place)
    return np.bincount(place, weights=x) / count, np.bincount(place, weights=y) / count


def _marked(names: list[str], mark: Iterable[object], factor: str) -> list[int]:
    wanted = [str(label) for label in ([mark] if isinstance(mark, str) else mark)]
    for name in wanted:
        if name not in names:
            shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
            raise OptionError(f"{name!r} is no level of {factor}. It has: {shown}.")
    if len(wanted) > _MOST_MARKED:
        raise OptionError(f"mark= has {len(wanted)} labels; at most {_MOST_MARKED} can be told apart.")
    return [names.index(name) for name in wanted]
