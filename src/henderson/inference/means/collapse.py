"""Large grids made small: a factor that interacts with nothing is averaged over before the grid is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from henderson.data import Column
from henderson.inference.means.predictors import Axis

FEW_NUMBERS = 2_000_000
"""Grids of no more numbers than this are made as they are."""

Columns = Callable[[Mapping[str, Column], int], np.ndarray]


def is_large(axes: tuple[Axis, ...], p: int) -> bool:
    """Whether a grid of all combinations, p numbers each, is worth making smaller."""
    return prod(len(axis.values) for axis in axes) * p > FEW_NUMBERS


def collapse(
    axes: tuple[Axis, ...],
    interactions: Mapping[str, frozenset[str]],
    needed: tuple[str, ...],
    chosen: Mapping[str, object],
    frequencies: np.ndarray | None,
    columns: Columns,
    p: int,
    *,
    by_frequency: bool,
) -> tuple[tuple[Axis, ...], np.ndarray, tuple[str, ...]]:
    """Average over factors that are additive and not asked for.

    The row of the model at a combination is that at the factor's first level plus a change that depends on
    the factor alone, so that its mean is that row plus the mean change: sums of levels in place of products.

    Parameters
    ----------
    axes : tuple of Axis
        Predictors.
    interactions : mapping
        For every predictor those it interacts with.
    needed : tuple of str
        What is asked for: names, or expressions that hold them.
    chosen : mapping
        Predictors whose values were chosen; factors among them stay.
    frequencies : (n,) float64 or None
        Weights of the rows.
    columns : callable
        ``columns(predictors, rows)`` returns the model's columns (rows, P).
    p : int
        P.
    by_frequency : bool
        Whether levels count by how often they occur, or alike.

    Returns
    -------
    axes : tuple of Axis
        The averaged ones with their first level only.
    change : (P,) float64
        What to add to every row of the model.
    names : tuple of str
        What was averaged over.

    Notes
    -----
    O(n) for each pair of factors, to see that they are not nested, and O(v P) for each factor averaged over.
    """
    change, out, names = np.zeros(p), list(axes), []
    first = {axis.name: axis.column.take(np.zeros(1, dtype=np.intp)) for axis in axes}
    for a, axis in enumerate(axes):
        asked = (axis.name in chosen and axis.categorical) or any(axis.name in name for name in needed)
        alone = not interactions[axis.name] and (axis.codes is not None or not axis.categorical)
        if asked or not alone or len(axis.values) == 1 or not crossed(axis, axes):
            continue
        levels = len(axis.values)
        varied = {name: column.take(np.zeros(levels, dtype=np.intp)) for name, column in first.items()}
        X = columns(varied | {axis.name: axis.column}, levels)
        share = np.full(levels, 1 / levels)
        if by_frequency and axis.codes is not None:
            share = np.bincount(axis.codes, frequencies, levels) / (
                len(axis.codes) if frequencies is None else frequencies.sum()
            )
        change += share @ X - X[0]
        out[a] = Axis(axis.name, axis.values[:1], first[axis.name], None, axis.categorical)
        names.append(axis.name)
    return tuple(out), change, tuple(names)


def crossed(axis: Axis, axes: tuple[Axis, ...]) -> bool:
    """Whether a factor is neither nested in another nor another in it, as far as the data show."""
    return not any(
        other is not axis
        and axis.codes is not None
        and other.codes is not None
        and len(other.values) > 1
        and (_nested(axis, other) or _nested(other, axis))
        for other in axes
    )


def _nested(inner: Axis, outer: Axis) -> bool:
    if inner.codes is None or outer.codes is None or len(inner.values) <= len(outer.values):
        return False
    cell = inner.codes.astype(np.int64) * len(outer.values) + outer.codes
    inside = (inner.codes >= 0) & (outer.codes >= 0)  # others have values that were not chosen
    occurs = np.bincount(cell[inside], minlength=len(inner.values) * len(outer.values)) > 0
    return bool((occurs.reshape(len(inner.values), -1).sum(axis=1) <= 1).all())
