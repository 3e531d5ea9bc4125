"""The mean of the population along one variable, with its band and the data behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Factor, Numbers
from ..errors import OptionError
from .canvas import FAINT, GREY, INK, label, new_axes, of_a_fit
from .covariate import Covariate, fixed_words
from .groups import name_values
from .lines import raw_columns
from .power_curve import COLOURS, STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

_PLACES, _MOST_POINTS, _MOST_LINES = 101, 5000, 8


@of_a_fit
def effect(
    fit: LinearMixedFit,
    x: str | None = None,
    by: str | None = None,
    *,
    data: bool = True,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw the population's mean along one variable, with a confidence band, over the data.

    Other variables are held at what is typical: the median, or the most frequent level.

    Parameters
    ----------
    fit : LinearMixedFit
        A fit made from a data frame.
    x : str, optional
        Variable of the data; by default the first of the fixed part, numeric ones first.
    by : str, optional
        A second variable, with a line for each of its levels, or of its quartiles.
    data : bool, default True
        Whether the responses are drawn behind.
    level : float, default 0.95
        Coverage of the band.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A curve for a number, points with bars for a factor.

    Raises
    ------
    OptionError
        If a variable is not in the fixed part, or the fit has no data.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))
    >>> ax = hd.plot.effect(fit, "age", by="Sex")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['Sex = Male', 'Sex = Female']
    """
    columns = raw_columns(fit) if fit.source.data is not None and fit.design.spec is not None else {}
    across = _variable(fit, columns, x, "x")
    beside = None if by is None else _variable(fit, columns, by, "by")
    ax = new_axes(ax)
    lines = [(None, "")] if beside is None else _values(beside, columns[beside])
    if data:
        _points(ax, fit, columns, across, beside, len(lines))
    shift = np.linspace(-0.12, 0.12, len(lines)) if len(lines) > 1 else np.zeros(1)
    for i, (value, words) in enumerate(lines):
        new, at = _rows(columns, across, beside, value)
        _line(ax, fit, columns[across], new, at, i, words, level, float(shift[i]))
    column = columns[across]
    if isinstance(column, Factor):
        used = [str(column.levels[code]) for code in np.unique(column.codes)]
        ax.set_xticks(np.arange(len(used)), used)
    else:
        name_values(ax, Covariate(across, np.asarray(column.values, dtype=float)))
    if beside is not None:
        ax.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return label(ax, x=across + _held(fit, columns, (across, beside)), y=fit.design.response)


def _held(fit: LinearMixedFit, columns: dict[str, Any], drawn: tuple[str | None, ...]) -> str:
    """Say where the other variables of the fixed part are held."""
    words = []
    for name in fixed_variables(fit, columns):
        column = columns[name]
        if name in drawn:
            continue
        if isinstance(column, Factor):
            words.append(f"{name} = {column.levels[_typical(column)]}")
        else:
            words.append(f"{name} = {np.median(np.asarray(column.values, float)):.4g}")
    return f" (at {', '.join(words)})" if words else ""


def fixed_variables(fit: LinearMixedFit, columns: dict[str, Any]) -> list[str]:
    """Return the variables of the data in the fixed part, numeric ones first."""
    words = set(fixed_words(fit))
    names = [name for name in columns if name in words and name != fit.design.response]
    return sorted(names, key=lambda name: isinstance(columns[name], Factor))


def _variable(fit: LinearMixedFit, columns: dict[str, Any], name: str | None, what: str) -> str:
    known = fixed_variables(fit, columns)
    if name is None and known:
        return known[0]
    if name in known:
        return str(name)
    if not known:
        why = "the fixed part holds no variable" if columns else "this fit has no data to take variables from"
        way = "Use plot.strip(fit) instead." if columns else "fit.emmeans() and emtrends() need no rows."
        raise OptionError(f"There is no effect to draw, as {why}. {way}")
    have = ", ".join(map(repr, known))
    raise OptionError(f"{what}={name!r} is not a variable of the fixed part. It has: {have}.")


def _values(name: str, column: Numbers | Factor) -> list[tuple[Any, str]]:
    """Levels of a factor by number, or quartiles, with words for the legend."""
    if isinstance(column, Factor):
        used = np.unique(column.codes)[:_MOST_LINES]
        return [(int(code), f"{name} = {column.levels[code]}") for code in used]
    quartiles = np.unique(np.quantile(np.asarray(column.values, float), [0.25, 0.5, 0.75]))
    return [(float(value), f"{name} = {value:.4g}") for value in quartiles]


def _rows(
    columns: dict[str, Any], across: str, beside: str | None, value: Any
) -> tuple[dict[str, Any], np.ndarray]:
    """New rows along `across`, typical otherwise, and where they are on the axis."""
    import pandas as pd

    column = columns[across]
    if isinstance(column, Factor):
        codes = np.unique(column.codes)
        at = np.arange(len(codes), dtype=float)
    else:
        numbers = np.asarray(column.values, dtype=float)
        at = np.linspace(numbers.min(), numbers.max(), _PLACES)
    new: dict[str, Any] = {}
    for name, other in columns.items():
        if isinstance(other, Factor):
            own = codes if name == across else np.full(len(at), _typical(other) if name != beside else value)
            new[name] = pd.Categorical.from_codes(own, list(other.levels), ordered=other.ordered)
        else:
            typical = value if name == beside else float(np.median(np.asarray(other.values, dtype=float)))
            new[name] = at if name == across else np.full(len(at), typical)
    return new, at


def _typical(column: Factor) -> int:
    return int(np.bincount(column.codes).argmax())


def _line(
    ax: Axes,
    fit: LinearMixedFit,
    column: Numbers | Factor,
    new: dict[str, Any],
    at: np.ndarray,
    i: int,
    words: str,
    level: float,
    shift: float,
) -> None:
    offset = fit.design.offset if fit.source.array_offset else None  # no column holds it
    known = None if offset is None else float(np.median(offset))
    found = fit.predict(new, groups=None, interval="confidence", level=level, offset=known)
    mean, low, high = (np.asarray(found[name], float) for name in ("estimate", "conf_low", "conf_high"))
    colour, style = COLOURS[i % len(COLOURS)], STYLES[i % len(STYLES)]
    if isinstance(column, Factor):
        ax.vlines(at + shift, low, high, color=colour, lw=2.0)
        ax.plot(at + shift, mean, "o", ms=7, color=colour, label=words)
        return
    ax.fill_between(at, low, high, color=colour, alpha=0.18, lw=0)
    ax.plot(at, mean, ls=style, color=colour, lw=1.9, label=words)


def _points(
    ax: Axes, fit: LinearMixedFit, columns: dict[str, Any], across: str, beside: str | None, lines: int
) -> None:
    column, step = columns[across], -(-fit.design.n // _MOST_POINTS)
    if isinstance(column, Factor):
        place = np.unique(column.codes, return_inverse=True)[1]
        jitter = np.random.default_rng(1).uniform(-0.2, 0.2, len(place))
        x = place + jitter
    else:
        x = np.asarray(column.values, dtype=float)
    split = columns[beside] if beside is not None else None
    colour: Any = np.full(fit.design.n, GREY, dtype=object)
    if isinstance(split, Factor):
        codes = np.unique(split.codes, return_inverse=True)[1]
        colour = np.array([COLOURS[i % len(COLOURS)] if i < lines else FAINT for i in codes], dtype=object)
    ax.scatter(
        x[::step], fit.design.y[::step], s=14, facecolors="none", edgecolors=colour[::step].tolist(),
        linewidths=0.8, alpha=0.55, zorder=1,
    )  # fmt: skip
