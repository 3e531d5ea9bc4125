"""Whole groups drawn with replacement: designs in which a group drawn twice counts as two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.record import Grouping
from henderson.errors import OptionError

if TYPE_CHECKING:
    from henderson.design.record import Design


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The rows of every top-level group.

    Attributes
    ----------
    top : int
        The grouping whose levels are drawn.
    order : (n,) int
        Rows, group by group.
    start : (levels + 1,) int
        Rows of group g are ``order[start[g]:start[g + 1]]``.
    """

    top: int
    order: np.ndarray
    start: np.ndarray


def top_groups(design: Design) -> Groups:
    """The grouping factor in whose levels all others are nested.

    Raises
    ------
    OptionError
        Where there is none: levels of crossed factors cannot be drawn apart.
    """
    fewest = min(range(len(design.groupings)), key=lambda f: len(design.groupings[f].levels))
    top = design.groupings[fewest]
    for grouping in design.groupings:
        pairs = np.unique(grouping.codes.astype(np.int64) * len(top.levels) + top.codes)
        if len(pairs) > len(grouping.levels):
            raise OptionError(
                f"kind='cases' draws whole groups, but {grouping.name!r} and {top.name!r} are crossed: a row "
                "belongs to a level of each, so no group stands alone. Use kind='parametric' or 'residual'."
            )
    order = np.argsort(top.codes, kind="stable")
    start = np.searchsorted(top.codes[order], np.arange(len(top.levels) + 1))
    return Groups(fewest, order, start)


def resampled(design: Design, groups: Groups, rng: np.random.Generator) -> Design:
    """The design of as many groups as there are, drawn with replacement; every draw is a new level.

    Notes
    -----
    O(n (p + K)): the rows are copied.
    """
    count = len(groups.start) - 1
    drawn = rng.integers(0, count, count)
    sizes = np.diff(groups.start)[drawn]
    rows = np.concatenate([groups.order[groups.start[g] : groups.start[g + 1]] for g in drawn])
    place = np.repeat(np.arange(count), sizes)
    groupings = []
    for grouping in design.groupings:
        key = place * len(grouping.levels) + grouping.codes[rows]
        met, codes = np.unique(key, return_inverse=True)
        labels = tuple(
            f"{grouping.levels[k % len(grouping.levels)]}#{k // len(grouping.levels)}" for k in met
        )
        groupings.append(Grouping(grouping.name, codes.astype(np.int32), labels))
    return replace(
        design,
        y=design.y[rows],
        X=np.asfortranarray(design.X[rows]),
        offset=None if design.offset is None else design.offset[rows],
        weights=None if design.weights is None else design.weights[rows],
        groupings=tuple(groupings),
        terms=tuple(
            replace(term, columns=tuple(np.ascontiguousarray(column[rows]) for column in term.columns))
            for term in design.terms
        ),
        kept_rows=None,
        n_input=len(rows),
        spec=None,
    )
