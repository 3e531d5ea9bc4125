"""Which group meets which: the design as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from .canvas import INK, LONGEST_LABEL, label, new_axes, of_a_fit, spread
from .covariate import Covariate, covariate, variable_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

_MOST_CELLS, _MOST_LABELS, _MOST_COUNTS, _MOST_VALUES = 400, 40, 250, 60


@of_a_fit
def design(
    fit: LinearMixedFit, rows: str | None = None, columns: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how many rows every pair of groups has; white where two never meet.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    rows : str, optional
        Grouping factor down the side; by default the first of the model.
    columns : str, optional
        Another grouping factor, or a variable with at most 60 values; by default the second grouping factor,
        or the first variable.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        At most 400 levels of each, evenly spread; counts are written where there is room.

    Raises
    ------
    OptionError
        If a name is not in the model.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))
    >>> hd.plot.design(fit).get_ylabel()
    'plate'
    """
    down = _factor(fit, rows, 0, "rows")
    across = _across(fit, columns, down)
    table = np.zeros((len(down.labels or ()), len(across.labels or ())))
    np.add.at(table, (down.values.astype(int), across.values.astype(int)), 1.0)
    i, j = (spread(size, _MOST_CELLS) for size in table.shape)
    shown = table[np.ix_(i, j)]
    ax = new_axes(
        ax, float(np.clip(0.32 * len(j) + 2.2, 3.6, 9.0)), float(np.clip(0.22 * len(i) + 1.4, 2.6, 8.0))
    )
    top = max(shown.max(initial=1.0), 1.0)
    ax.imshow(np.where(shown > 0, shown, np.nan), cmap="Blues", vmin=0, vmax=1.6 * top, aspect="auto")
    ax.set_facecolor("white")
    _write_counts(ax, shown)
    _name(ax.set_yticks, down, i)
    _name(ax.set_xticks, across, j, rotate=True)
    return label(ax, x=_counted(across, j), y=_counted(down, i), title=_met(table))


def _met(table: np.ndarray) -> str:
    met, low, high = int((table > 0).sum()), int(table[table > 0].min()), int(table.max())
    pairs = "All pairs meet" if met == table.size else f"{met} of {table.size} pairs meet"
    each = f"{low} row{'s' if low > 1 else ''} each" if low == high else f"{low} to {high} rows each"
    return f"{pairs}, {each}"


def _factor(fit: LinearMixedFit, name: str | None, default: int, what: str) -> Covariate:
    names = [g.name for g in fit.design.groupings]
    if name is not None and name not in names:
        raise OptionError(
            f"{what}={name!r} is no grouping factor. The model has: {', '.join(map(repr, names))}."
        )
    found = fit.design.groupings[default if name is None else names.index(name)]
    return Covariate(found.name, found.codes.astype(float), tuple(str(level) for level in found.levels))


def _across(fit: LinearMixedFit, name: str | None, down: Covariate) -> Covariate:
    names = [g.name for g in fit.design.groupings]
    others = [other for other in names if other != down.name]
    if name in names or (name is None and others):
        return _factor(fit, name or others[0], 0, "columns")
    try:
        found = covariate(fit, name)
    except OptionError:
        known = ", ".join(map(repr, [*others, *variable_names(fit)]))
        raise OptionError(
            f"columns={name!r} is not in the model. It has: {known or 'nothing else'}."
        ) from None
    if found is None:  # nothing but one grouping factor: how many rows it has
        return Covariate("rows", np.zeros(fit.design.n), ("",))
    if found.labels is not None:
        return found
    values, codes = np.unique(found.values, return_inverse=True)
    if len(values) <= _MOST_VALUES:
        return Covariate(found.name, codes.astype(float), tuple(f"{v:.6g}" for v in values))
    if name is not None:
        raise OptionError(f"columns={name!r} has {len(values)} values; at most {_MOST_VALUES} can be drawn.")
    return Covariate("rows", np.zeros(fit.design.n), ("",))


def _write_counts(ax: Axes, shown: np.ndarray) -> None:
    if shown.size > _MOST_COUNTS:
        return
    for (r, c), count in np.ndenumerate(shown):
        if count:
            ax.text(c, r, f"{count:.0f}", ha="center", va="center", fontsize=7.5, color=INK)


def _name(set_ticks: object, found: Covariate, places: np.ndarray, *, rotate: bool = False) -> None:
    labels = found.labels or ()
    if len(places) > _MOST_LABELS:
        set_ticks([])  # type: ignore[operator]
        return
    names = shorten_all([labels[g] for g in places], LONGEST_LABEL if not rotate else 14)
    turn = rotate and sum(map(len, names)) > 45
    set_ticks(np.arange(len(names)), names, rotation=90 if turn else 0)  # type: ignore[operator]


def _counted(found: Covariate, places: np.ndarray) -> str:
    count = len(found.labels or ())
    if len(places) < count:
        return f"{found.name} ({len(places)} of {count} shown)"
    return f"{found.name} ({count} levels)" if count > _MOST_LABELS else found.name
