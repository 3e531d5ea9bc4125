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
from .canvas import spread

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
    data, design = fit.source.data, fit.design
    named = design.offset is None or fit.source.offset is not None or "offset(" in fit.formula
    if data is None or design.spec is None or found.name not in design.spec.kinds or not named:
        return _from_rows(fit, found, factor)
    columns = _raw_columns(fit)
    return lambda level: _replayed(fit, found, factor, columns, np.flatnonzero(factor.codes == level))


def _raw_columns(fit: LinearMixedFit) -> dict[str, Any]:
    assert fit.design.spec is not None
    frame, rows = open_frame(fit.source.data), fit.design.kept_rows
    names = dict.fromkeys([*fit.design.spec.kinds, fit.source.weights, fit.source.offset])
    columns = {name: frame.read(name) for name in names if name is not None}
    return {n: c if rows is None else c.take(rows) for n, c in columns.items() if c is not None}


def _replayed(
    fit: LinearMixedFit, found: Covariate, factor: Grouping, columns: dict[str, Any], rows: np.ndarray
) -> Line:
    import pandas as pd

    at, first = np.unique(found.values[rows], return_index=True)
    chosen = spread(len(at), _MOST_PLACES)
    at, first = at[chosen], rows[first[chosen]]
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
