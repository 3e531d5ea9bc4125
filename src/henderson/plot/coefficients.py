"""Fixed effects as a forest of points with intervals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from .canvas import BLUE, FAINT, GREY, LONGEST_LABEL, label, new_axes, of_a_fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

PALE = "#7FB8D8"
CONSTANT = "(Intercept)"


@of_a_fit
def forest(
    fit: LinearMixedFit,
    terms: Iterable[str] | None = None,
    *,
    standardised: bool = False,
    level: float = 0.95,
    ddf: str = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the fixed effects with their intervals; those that leave out zero are dark.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    terms : list of str, optional
        Coefficients to draw; by default all but the intercept, which would dwarf the others.
    standardised : bool, default False
        Whether to multiply every coefficient by the standard deviation of its column, so that effects of
        variables in different units can be compared.
    level : float, default 0.95
        Coverage.
    ddf : str
        Degrees of freedom, as in `LinearMixedFit.coeftable`.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        In the order of the formula, from the top.

    Raises
    ------
    OptionError
        If a term is not in the model.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))
    >>> [name.get_text() for name in hd.plot.forest(fit).get_yticklabels()]
    ['age', 'SexFemale', 'age:SexFemale']
    """
    table = fit.coeftable(level=level, ddf=ddf)
    names = [str(name) for name in np.asarray(table["term"])]
    shown = _chosen(names, terms)
    unit = _units(fit, names) if standardised else np.ones(len(names))
    value, low, high = (np.asarray(table[c], float) * unit for c in ("estimate", "conf_low", "conf_high"))
    ax = new_axes(ax, 6.0, max(1.9, 0.32 * len(shown) + 1.2))
    place = np.arange(len(shown))
    ax.axvline(0, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
    clear = (low[shown] > 0) | (high[shown] < 0)
    for mask, colour in ((~clear, PALE), (clear, BLUE)):
        rows = shown[mask]
        ax.hlines(place[mask], low[rows], high[rows], color=colour, lw=2.0)
        ax.plot(value[rows], place[mask], "o", ms=6, color=colour)
    ax.set_yticks(place, shorten_all([names[j] for j in shown], LONGEST_LABEL))
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.grid(axis="y", color=FAINT, lw=0.6)
    ax.set_axisbelow(True)
    what = "effect per sd of its column" if standardised else "effect"
    title = f"Fixed effects on {fit.design.response}"
    return label(ax, x=f"{what} and {100 * level:g} % interval", title=title)


def _chosen(names: list[str], terms: Iterable[str] | None) -> np.ndarray:
    if terms is None:
        others = [j for j, name in enumerate(names) if name != CONSTANT]
        return np.array(others or range(len(names)))
    wanted = [terms] if isinstance(terms, str) else list(terms)
    for name in wanted:
        if name not in names:
            raise OptionError(f"terms: no coefficient {name!r}. The fit has {', '.join(map(repr, names))}.")
    return np.array([names.index(name) for name in wanted])


def _units(fit: LinearMixedFit, names: list[str]) -> np.ndarray:
    sd = dict(zip(fit.design.x_names, np.std(fit.design.X, axis=0), strict=True))
    return np.array([sd.get(name, np.nan) for name in names])
