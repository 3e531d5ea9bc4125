"""The line that a model draws through one group, and the population's line beside it.

A line holds the other variables at what is typical of the group, and counts the random effects of the group
and of every factor that the group lies in, so that crossed factors do not make it jump from row to row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Factor, open_frame
from ..inference.fitted import fixed_part
from ..inference.layout import nested
from .canvas import spread
from .covariate import variable_names

if TYPE_CHECKING:
    from ..design.record import Grouping
    from ..results import LinearMixedFit
    from .covariate import Covariate

Line = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # places (m,), line of the group (m,), of the population (m,)

_MOST_PLACES = 200


def line_maker(fit: LinearMixedFit, found: Covariate, factor: Grouping) -> Callable[[int], Line]:
    """Return a function from the number of a level to the lines there.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    found : Covariate
        The horizontal axis.
    factor : Grouping
        Whose levels are asked for.
    """
    if not replays(fit, found):
        return _from_rows(fit, found, factor)
    columns = raw_columns(fit)
    return lambda level: _replayed(fit, found, factor, columns, np.flatnonzero(factor.codes == level))


def held(fit: LinearMixedFit, found: Covariate, factor: Grouping) -> str:
    """Return in words where the lines hold everything but `found`; empty if there is nothing else."""
    others = [name for name in variable_names(fit) if name != found.name]
    crossed = [g.name for g in fit.design.groupings if not nested(factor, g)]
    words = []
    if not replays(fit, found):
        words.append(f"The lines are means of the fitted values in rows that share {found.name}.")
    elif others:
        words.append(
            f"Held at what is typical of each {factor.name} (the median, or the most frequent level): "
            f"{', '.join(others)}."
        )
    if crossed and replays(fit, found):
        words.append(f"Effects of {', '.join(crossed)} are left out of the lines.")
    return " ".join(words)


def replays(fit: LinearMixedFit, found: Covariate) -> bool:
    """Whether lines can be drawn from rows made up for them: the data are at hand, and `found` is in them."""
    design, source = fit.design, fit.source
    named = design.offset is None or source.offset is not None or "offset(" in fit.formula
    return source.data is not None and design.spec is not None and found.name in design.spec.kinds and named


def raw_columns(fit: LinearMixedFit) -> dict[str, Any]:
    """Return the raw columns that the formula uses, of the rows used."""
    assert fit.design.spec is not None
    frame, rows = open_frame(fit.source.data), fit.design.kept_rows
    names = dict.fromkeys([*fit.design.spec.kinds, fit.source.weights, fit.source.offset])
    columns = {name: frame.read(name) for name in names if name is not None}
    return {n: c if rows is None else c.take(rows) for n, c in columns.items() if c is not None}


def typical_rows(
    found: Covariate, columns: dict[str, Any], rows: np.ndarray, places: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the places of some rows on the axis (m,), and rows there that are typical of them otherwise.

    Parameters
    ----------
    found : Covariate
        The horizontal axis.
    columns : dict of str to Column
        Raw columns of the rows used, from `raw_columns`.
    rows : (r,) int
        Positions among the rows used.
    places : (s,) int, optional
        Rows whose places on the axis are taken; by default the same.
    """
    import pandas as pd

    across = rows if places is None else places
    at, first = np.unique(found.values[across], return_index=True)
    chosen = spread(len(at), _MOST_PLACES)
    at, first = at[chosen], across[first[chosen]]
    new: dict[str, Any] = {}
    for name, column in columns.items():
        if isinstance(column, Factor):
            common = np.bincount(column.codes[rows]).argmax()
            codes = column.codes[first] if name == found.name else np.full(len(at), common)
            new[name] = pd.Categorical.from_codes(codes, list(column.levels), ordered=column.ordered)
        else:
            new[name] = (
                column.values[first]
                if name == found.name
                else np.full(len(at), np.median(column.values[rows]))
            )
    return at, new


def _replayed(
    fit: LinearMixedFit, found: Covariate, factor: Grouping, columns: dict[str, Any], rows: np.ndarray
) -> Line:
    at, new = typical_rows(found, columns, rows)
    around = [g.name for g in fit.design.groupings if g is factor or len(np.unique(g.codes[rows])) == 1]
    return at, np.asarray(fit.predict(new, groups=around)), np.asarray(fit.predict(new, groups=None))


def _from_rows(fit: LinearMixedFit, found: Covariate, factor: Grouping) -> Callable[[int], Line]:
    # Without the data nothing can be held at a typical value: average the fitted values of rows that share x.
    fitted, population = np.asarray(fit.fitted), fixed_part(fit.design, fit.estimate)

    def line(level: int) -> Line:
        rows = factor.codes == level
        at, position = np.unique(found.values[rows], return_inverse=True)
        counts = np.bincount(position)
        means = [np.bincount(position, weights=values[rows]) / counts for values in (fitted, population)]
        return at, means[0], means[1]

    return line
