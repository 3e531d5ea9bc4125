"""What to draw the groups against: a variable of the data where there is one, else a column of the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..data import Factor, Numbers, open_frame
from ..design.assign import fixed_terms
from ..errors import OptionError
from .canvas import grouping

if TYPE_CHECKING:
    from ..design.record import Grouping
    from ..results import LinearMixedFit


@dataclass(frozen=True, slots=True, eq=False)
class Covariate:
    """The horizontal axis of a picture.

    Attributes
    ----------
    name : str
        Variable of the data, or column of the model.
    values : (n,) float64
        Its values in the rows used; codes 0 … l-1 for a factor.
    labels : tuple of str or None
        Levels of a factor, else None.
    """

    name: str
    values: np.ndarray
    labels: tuple[str, ...] | None = None


def covariate(fit: LinearMixedFit, x: str | None = None) -> Covariate | None:
    """Return what to draw against, or None where the model has nothing that varies.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    x : str, optional
        A variable or column by name; by default the first numeric variable, those that vary by group
        before the rest, then factors.

    Raises
    ------
    OptionError
        If `x` is not a varying variable or column of the model; lists those that are.
    """
    known = {found.name: found for found in (*_columns(fit), *_variables(fit)) if np.ptp(found.values) > 0}
    if x is not None:
        if x in known:
            return known[x]
        raise OptionError(
            f"x={x!r} is not a varying column of the model. It has: {', '.join(map(repr, known)) or 'none'}."
        )
    words = set(re.findall(r"[\w.]+", " ".join(name for term in fit.design.terms for name in term.names)))
    variables = {found.name for found in _variables(fit)}

    def rank(found: Covariate) -> tuple[bool, bool, bool]:
        return found.labels is not None, found.name not in variables, found.name not in words

    candidates = [found for found in known.values() if found.name in variables or not _indicator(found)]
    return min(candidates or known.values(), key=rank, default=None)


def group_along(fit: LinearMixedFit, found: Covariate, name: str | None, level: object = None) -> Grouping:
    """Return the grouping factor whose groups are drawn along a covariate.

    By name; else the first within whose levels the covariate varies, as a line needs two places; among those
    that have a level of the name `level`, where one is given and some have.
    """
    if name is not None:
        return grouping(fit, name)[1]
    every = fit.design.groupings
    having = [g for g in every if level is None or str(level) in map(str, g.levels)] or list(every)
    return next((g for g in having if _varies(found.values, g)), having[0])


def _varies(values: np.ndarray, factor: Grouping) -> bool:
    """Whether values differ within at least half of the levels."""
    order = np.lexsort((values, factor.codes))
    codes = factor.codes[order]
    starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    ends = np.r_[starts[1:], len(codes)] - 1
    return bool(2 * np.count_nonzero(values[order][ends] > values[order][starts]) >= len(starts))


def variable_names(fit: LinearMixedFit) -> list[str]:
    """Return the variables of the data that the model uses, other than response and grouping factors."""
    return [found.name for found in _variables(fit)]


def fixed_words(fit: LinearMixedFit) -> list[str]:
    """Return every name that occurs in the fixed part."""
    variables = " ".join(name for term in fixed_terms(fit.design) for name in term.variables)
    return re.findall(r"[\w.]+", variables)


def _indicator(found: Covariate) -> bool:
    return bool(np.isin(found.values, (0.0, 1.0)).all())


def _columns(fit: LinearMixedFit) -> Iterator[Covariate]:
    for term in fit.design.terms:
        for name, values in zip(term.names, term.columns, strict=True):
            yield Covariate(name, np.asarray(values))
    for j, name in enumerate(fit.design.x_names):
        yield Covariate(name, fit.design.X[:, j])


def _variables(fit: LinearMixedFit) -> Iterator[Covariate]:
    design, data = fit.design, fit.source.data
    if data is None or design.spec is None:
        return
    other = set(re.findall(r"[\w.]+", design.response)) | {
        design.response,
        fit.source.weights,
        fit.source.offset,
    }
    grouped = {part for group in design.groupings for part in (group.name, *group.name.split(":"))}
    other |= grouped - set(fixed_words(fit))
    frame = open_frame(data)
    for name in design.spec.kinds:
        column = None if name in other else frame.read(name)
        rows = slice(None) if design.kept_rows is None else design.kept_rows
        if isinstance(column, Numbers):
            yield Covariate(name, np.asarray(column.values, dtype=float)[rows])
        elif isinstance(column, Factor):
            used, codes = np.unique(column.codes[rows], return_inverse=True)
            yield Covariate(name, codes.astype(float), tuple(str(column.levels[code]) for code in used))
