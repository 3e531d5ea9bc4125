"""Means over the reference grid: which combinations are averaged, with which weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference.means.estimable import estimable
from henderson.inference.means.grid import Grid
from henderson.inference.means.specs import Specs

WEIGHTS = ("equal", "proportional", "outer", "cells", "flat")


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Named linear combinations of the fixed effects.

    Attributes
    ----------
    keys : dict of str to tuple, each of length m
        What each row stands for, column by column; predictors, or ``contrast``.
    by : tuple of str
        Those of the keys that make groups.
    L : (m, P) float64
        Coefficients, in all columns of the model matrix; NaN where a mean has no rows to be made of.
    offset : (m,) float64
        Known part.
    estimable : (m,) bool
        Whether the data can tell.
    null : (P, d) float64
        What the data cannot tell.
    kept : (p,) intp
        Columns that were kept.
    role : str
        ``mean``, ``trend`` or ``contrast``.
    averaged : tuple of str
        Predictors averaged over.
    misleading : tuple of str
        Of these, the ones that interact with what stays.
    nested : tuple of str
        Sentences on nested factors: ``b in a``.
    family : str
        Of contrasts: which.
    sets : tuple of int, or empty
        Of pairwise contrasts: how many means every group has.
    variable : str
        Of trends: the covariate.
    off_zero : tuple of str
        Of contrasts: those whose numbers do not add up to zero.
    response : str
        The response as typed, where it is more than a column.
    constants : tuple of (str, float)
        Covariates and the values they are held at.
    weights : str
        How it was averaged.
    """

    keys: dict[str, tuple[Any, ...]]
    by: tuple[str, ...]
    L: np.ndarray
    offset: np.ndarray
    estimable: np.ndarray
    null: np.ndarray
    kept: np.ndarray
    role: str = "mean"
    averaged: tuple[str, ...] = ()
    misleading: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    family: str = ""
    sets: tuple[int, ...] = ()
    variable: str = ""
    off_zero: tuple[str, ...] = ()
    response: str = ""
    constants: tuple[tuple[str, float], ...] = ()
    weights: str = "equal"

    @property
    def m(self) -> int:
        """Number of rows."""
        return len(self.L)

    def groups(self) -> list[np.ndarray]:
        """Return the rows of every combination of the `by` keys, in order of appearance."""
        if not self.by:
            return [np.arange(self.m)]
        place: dict[tuple[Any, ...], list[int]] = {}
        for i, group in enumerate(zip(*(self.keys[name] for name in self.by), strict=True)):
            place.setdefault(group, []).append(i)
        return [np.array(rows) for rows in place.values()]


def check_weights(weights: object) -> str:
    """Return the name of a weighting, its first letters understood, or an `OptionError` that lists them.

    >>> check_weights("prop")
    'proportional'
    """
    text = str(weights).lower()
    found = [name for name in WEIGHTS if len(text) > 1 and name.startswith(text)]
    if len(found) == 1:
        return found[0]
    raise OptionError(
        f"weights={weights!r}: choose one of {', '.join(map(repr, WEIGHTS))}: every combination alike, by "
        "the frequencies of the factors averaged over together, by the products of their frequencies, by the "
        "frequencies within each mean, or alike over the combinations that occur."
    )


def average(
    grid: Grid, specs: Specs, weights: str = "equal", X: np.ndarray | None = None, response: str = ""
) -> Linear:
    """Average the grid over everything that `specs` does not name.

    mean = sum over combinations of weight x (row of X), the weights of one mean adding up to 1.

    Parameters
    ----------
    grid : Grid
        r combinations.
    specs : Specs
        Checked.
    weights : str
        One of `WEIGHTS`.
    X : (r, P) float64, optional
        To average in place of the grid's own columns, without offset (slopes).
    response : str
        What the means are of, where that is more than a column.

    Returns
    -------
    Linear
        One row per combination of the names in `specs`, groups outermost.

    Raises
    ------
    OptionError
        Weights by frequency where the data are not at hand.

    Notes
    -----
    O(r P).

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> from henderson.inference.means.grid import reference_grid
    >>> average(reference_grid(fit.design, fit.source.data, None), Specs((), (), None)).L.round(3)
    array([[1.   , 0.333, 0.333]])
    """
    if check_weights(weights) != "equal" and np.isnan(grid.counts).any():
        raise OptionError(f"weights={weights!r} needs the rows of the fit: pass data=frame.")
    names = [axis.name for axis in grid.axes]
    keys = [names.index(name) for name in specs.keys]
    order, group = _cells(grid.codes[:, keys])
    out = _groups_outermost(order, len(specs.factors))
    order, group = order[out], np.argsort(out)[group]
    weight = _weights(grid, keys, weights)
    total = np.bincount(group, weight, len(order))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = weight / total[group]
    L, offset = _sums(group, share, grid.X if X is None else X, grid.offset, len(order))
    averaged = [a for a, axis in enumerate(grid.axes) if a not in keys and len(axis.values) > 1]
    over = (*(names[a] for a in averaged), *grid.averaged)
    values = {
        name: tuple(grid.axes[a].values[i] for i in order[:, j])
        for j, (name, a) in enumerate(zip(specs.keys, keys, strict=True))
    }
    return Linear(
        keys=values,
        by=specs.by,
        L=L,
        offset=offset if X is None else np.zeros(len(order)),
        estimable=_estimable(L, grid.null),
        null=grid.null,
        kept=grid.kept,
        averaged=over,
        weights=weights,
        response=response,
        misleading=_misleading(grid, specs, over),
        nested=tuple(f"{inner} in {', '.join(outer)}" for inner, outer in grid.nests.items()),
        constants=tuple(
            (axis.name, float(axis.values[0]))
            for a, axis in enumerate(grid.axes)
            if not axis.categorical and len(axis.values) == 1 and a not in keys
        ),
    )


def _estimable(L: np.ndarray, null: np.ndarray) -> np.ndarray:
    known = np.isfinite(L).all(axis=1)
    return known & estimable(np.where(known[:, None], L, 0.0), null)


def _cells(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different rows of codes, the last column outermost, and which of them every row is."""
    if codes.shape[1] == 0:
        return np.zeros((1, 0), dtype=np.intp), np.zeros(len(codes), dtype=np.intp)
    cells, group = np.unique(codes[:, ::-1], axis=0, return_inverse=True)
    return cells[:, ::-1], group.ravel()


def _groups_outermost(cells: np.ndarray, factors: int) -> np.ndarray:
    """Order cells by the `by` codes, first `by` fastest, then by the factors, first fastest."""
    return np.lexsort([cells[:, j] for j in range(cells.shape[1])]) if cells.shape[1] else np.arange(1)


def _sums(
    group: np.ndarray, share: np.ndarray, X: np.ndarray, offset: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of the rows of X and of the offset in every group."""
    if count == len(group) and np.array_equal(share, np.ones(count)):
        back = np.argsort(group)
        return X[back], offset[back]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(count))
    used = share[order] != 0  # NaN marks a mean without rows: it stays NaN
    rows = np.where(used[:, None], X[order], 0.0) * share[order][:, None]
    return np.add.reduceat(rows, starts, axis=0), np.add.reduceat((offset * share)[order], starts)


def _misleading(grid: Grid, specs: Specs, averaged: tuple[str, ...]) -> tuple[str, ...]:
    """Which predictors averaged over, or held at their mean, interact with those that stay."""
    stays = set(specs.keys)
    others = [axis.name for axis in grid.axes if axis.name not in stays]
    return tuple(
        name
        for name in others
        if grid.interactions[name] & stays and not set(grid.nests.get(name, ())) & stays
    )


def _weights(grid: Grid, keys: list[int], weights: str) -> np.ndarray:
    """Return the weight of every combination of the grid, (r,), within its mean."""
    free = [a for a in range(len(grid.axes)) if a not in keys]
    if weights == "cells":
        return grid.counts
    if weights == "flat":
        return (grid.counts > 0).astype(float)
    if weights == "proportional":
        return _frequency(grid, [free])
    if weights == "outer":
        return _frequency(grid, [[a] for a in free])
    return _equal(grid, free)


def _with_nests(grid: Grid, chosen: list[int]) -> list[int]:
    """Axes, and those that they are nested in."""
    outer = [grid.axis(name) for a in chosen for name in grid.nests.get(grid.axes[a].name, ())]
    return list(dict.fromkeys([*chosen, *outer]))


def _frequency(grid: Grid, sets: list[list[int]]) -> np.ndarray:
    """Product over sets of axes of how often their combinations occur, (r,)."""
    out = np.ones(len(grid.codes))
    for chosen in sets:
        _, group = _cells(grid.codes[:, _with_nests(grid, chosen)])
        out = out * np.bincount(group, grid.counts)[group]
    return out


def _equal(grid: Grid, free: list[int]) -> np.ndarray:
    """Equal weights; levels of a nested factor share the weight of the level they are nested in."""
    out = np.ones(len(grid.codes))
    for a in free:
        outer = _with_nests(grid, [a])[1:]
        if outer:
            both, group = _cells(grid.codes[:, [a, *outer]])
            _, within = _cells(both[:, 1:])
            out = out / np.bincount(within)[within][group]
    return out


def regrouped(linear: Linear, by: tuple[str, ...]) -> Linear:
    """Return the same rows in other groups, which come outermost."""
    changed = replace(linear, by=by)
    order = np.concatenate(changed.groups()) if linear.m else np.arange(0)
    return replace(
        changed,
        keys={name: tuple(values[i] for i in order) for name, values in linear.keys.items()},
        L=linear.L[order],
        offset=linear.offset[order],
        estimable=linear.estimable[order],
    )
