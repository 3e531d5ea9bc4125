"""The reference grid: every combination of the predictors' values, and the model's columns there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Column
from henderson.design.build import offset_total
from henderson.design.calls import CALLS
from henderson.design.context import Context
from henderson.design.fixed import fixed_matrix
from henderson.design.gathered import GatheredDesign
from henderson.design.predictors import OFFSET
from henderson.errors import DataError, OptionError
from henderson.inference.means.collapse import collapse, crossed, is_large
from henderson.inference.means.estimable import null_basis
from henderson.inference.means.nesting import nesting
from henderson.inference.means.predictors import Axis, Rows, axes, read_rows

if TYPE_CHECKING:
    from henderson.design.record import Design

MOST_NUMBERS = 20_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Combinations of predictor values.

    Attributes
    ----------
    axes : tuple of Axis
        The predictors.
    codes : (r, a) intp
        Which value of every axis each combination has; the first axis varies fastest.
    X : (r, P) float64
        All columns of the model matrix, dropped ones included.
    offset : (r,) float64
        Offset of every combination: the mean over the rows, unless `at` sets the columns it is made of.
    counts : (r,) float64
        Rows of the data in every combination (sums of their weights where there are any); NaN where the data
        are not at hand.
    null : (P, d) float64
        Basis of what the data cannot tell; d is the number of dropped columns.
    kept : (p,) intp
        Columns of `X` that were kept.
    nests : dict of str to tuple of str
        For nested factors: the factors they are nested in.
    interactions : dict of str to frozenset of str
        For every predictor: those it interacts with.
    averaged : tuple of str
        Factors that the rows of `X` are means over already.
    """

    axes: tuple[Axis, ...]
    codes: np.ndarray
    X: np.ndarray
    offset: np.ndarray
    counts: np.ndarray
    null: np.ndarray
    kept: np.ndarray
    nests: dict[str, tuple[str, ...]]
    interactions: dict[str, frozenset[str]]
    averaged: tuple[str, ...] = ()

    def axis(self, name: str) -> int:
        """Return the place of a predictor."""
        return [axis.name for axis in self.axes].index(name)


def reference_grid(
    design: Design,
    data: object,
    env: Mapping[str, Any] | None,
    at: Mapping[str, Any] | None = None,
    needed: tuple[str, ...] | None = None,
    weights: str = "equal",
) -> Grid:
    """Build the reference grid of a fit.

    Parameters
    ----------
    design : Design
    data : data frame or None
        The rows of the fit.
    env : mapping or None
        The caller's functions.
    at : mapping of str to values, optional
        Values of predictors to use instead of all levels or the mean.
    needed : tuple of str, optional
        Predictors that must stay where the grid is large: additive factors that are not among them are
        averaged over at once. None for all.
    weights : str
        How they are averaged, see `averages.average`.

    Returns
    -------
    Grid

    Raises
    ------
    OptionError
        `at` is wrong, or the grid is too large.
    DataError
        The predictors cannot be had.

    Notes
    -----
    O(n) for each predictor and O(r P) for the grid of r combinations; O(n P d) more where columns were
    dropped.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> grid = reference_grid(fit.design, fit.source.data, None)
    >>> grid.axes[0].values, grid.counts
    (('A', 'B', 'C'), array([18., 18., 18.]))
    """
    rows = read_rows(design, data, env)
    found, interactions, P = axes(design, rows, at), _interactions(rows), len(design.all_x_names)
    change, averaged = np.zeros(P), tuple[str, ...]()
    if needed is not None and _collapsible(rows, found, P, weights):
        found, change, averaged = collapse(
            found,
            interactions,
            needed,
            dict(at or {}),
            rows.weights,
            lambda columns, n: model_columns(design, rows, columns, n),
            P,
            by_frequency=weights != "equal",
        )
    _check_size(found, P)
    codes = combinations([len(axis.values) for axis in found])
    counts = _counts(found, codes, rows.weights, rows.complete)
    nests = nesting(rows.formula.fixed, found, counts, codes)
    occurring = _occurring(found, codes, counts, nests)
    if not occurring.all():
        codes, counts = codes[occurring], counts[occurring]
    columns = {axis.name: axis.column.take(codes[:, a]) for a, axis in enumerate(found)}
    X = model_columns(design, rows, columns, len(codes)) + change
    _check_finite(X, found, codes)
    null = null_basis(design, lambda: model_columns(design, rows, _training(design, rows), design.n))
    offset = _offset(design, rows, columns, len(codes), at)
    kept = np.array(design.spec.kept if design.spec else range(design.p), dtype=np.intp)
    return Grid(found, codes, X, offset, counts, null, kept, nests, interactions, averaged)


def _collapsible(rows: Rows, found: tuple[Axis, ...], p: int, weights: str) -> bool:
    """Whether additive factors should be averaged over one by one; their weights must not hang together."""
    if not is_large(found, p) or not rows.complete or weights not in ("equal", "proportional", "outer"):
        return False
    unknown, none = np.array([np.nan]), np.zeros((1, len(found)), dtype=np.intp)
    nested = nesting(rows.formula.fixed, found, unknown, none) or not all(crossed(a, found) for a in found)
    return weights != "proportional" or not nested


def _check_finite(X: np.ndarray, found: tuple[Axis, ...], codes: np.ndarray) -> None:
    """Refuse values at which the formula has none, such as log(x) at x = -1."""
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if len(bad):
        where = ", ".join(
            f"{axis.name} = {axis.values[codes[bad[0], a]]:.6g}"
            for a, axis in enumerate(found)
            if not axis.categorical
        )
        raise OptionError(f"The formula has no finite value at {where}: choose other values with at=.")


def combinations(sizes: list[int]) -> np.ndarray:
    """Return all combinations of 0 … size-1, (r, a) intp, the first varying fastest.

    >>> combinations([2, 2]).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    r, out, repeat = prod(sizes), np.zeros((prod(sizes), len(sizes)), dtype=np.intp), 1
    for a, size in enumerate(sizes):
        out[:, a] = np.arange(r) // repeat % size
        repeat *= size
    return out


def _check_size(found: tuple[Axis, ...], p: int) -> None:
    r = prod(len(axis.values) for axis in found)
    if r * p > MOST_NUMBERS:
        sizes = ", ".join(f"{axis.name} {len(axis.values)}" for axis in found if len(axis.values) > 1)
        raise OptionError(
            f"The reference grid would have {r:,} combinations ({sizes}) of {p} columns. "
            "Choose fewer values with at=, such as at={'name': [...]}, or ask with weights='equal'."
        )


def formula_context(design: Design, rows: Rows, columns: Mapping[str, Column], n: int) -> Context:
    """Return the workspace that evaluates the formula on n rows of predictors, as the fit learnt it."""
    spec = design.spec
    assert spec is not None
    states, levels = dict(spec.states), dict(spec.levels)
    return Context(columns, n, rows.formula.text, False, states, levels, rows.env, CALLS)


def model_columns(design: Design, rows: Rows, columns: Mapping[str, Column], n: int) -> np.ndarray:
    """Evaluate the fixed part on n rows of predictors: all its columns, dropped ones included, (n, P)."""
    assert design.spec is not None
    with np.errstate(all="ignore"):
        return fixed_matrix(
            rows.formula.fixed, formula_context(design, rows, columns, n), design.spec.codings
        )[0]


def _offset(
    design: Design, rows: Rows, columns: Mapping[str, Column], n: int, at: Mapping[str, Any] | None
) -> np.ndarray:
    """Return the offset on the grid, (n,): its mean over the rows, unless `at` sets what it is made of."""
    names = {name for variable in rows.formula.fixed.offsets for name in variable.columns}
    if names & set(at or {}):
        total = offset_total(rows.formula, formula_context(design, rows, columns, n), None)
        return np.broadcast_to(np.asarray(total, dtype=float), (n,))
    return np.full(n, mean_offset(design))


def mean_offset(design: Design) -> float:
    """Mean offset of the rows, of any design; 0 where there is none."""
    if not isinstance(design, GatheredDesign):
        return 0.0 if design.offset is None else float(design.offset.mean())
    if not design.has_offset:
        return 0.0
    if design.predictors is None:
        raise DataError(
            f"The model has an offset, and its mean is not known, as the rows stayed in {design.where}. "
            "Choose the values of its columns with at=, or read the rows into a data frame and fit that."
        )
    return design.predictors.numbers[OFFSET].mean


def _training(design: Design, rows: Rows) -> Mapping[str, Column]:
    if not rows.complete:
        dropped = ", ".join(design.dropped[:5])
        raise OptionError(
            f"Columns were dropped from this fit ({dropped}); which means can be estimated is known only "
            "with its data: pass data=frame."
        )
    return rows.columns


def _counts(
    found: tuple[Axis, ...], codes: np.ndarray, weights: np.ndarray | None, complete: bool
) -> np.ndarray:
    """Rows, or sums of weights, in every combination of the levels; covariates do not count."""
    if not complete:
        return np.full(len(codes), np.nan)
    n, total, inside, place = 0, 1, np.array(True), np.array(0)
    at = np.zeros(len(codes), dtype=np.intp)
    for a, axis in enumerate(found):
        if axis.codes is not None:
            n, inside = len(axis.codes), inside & (axis.codes >= 0)
            place = place + axis.codes.astype(np.int64) * total
            at += codes[:, a] * total
            total *= len(axis.values)
    if n == 0:
        return np.ones(len(codes))
    weight = None if weights is None else weights[inside]
    return np.bincount(place[inside], weight, total).astype(float)[at]


def _occurring(
    found: tuple[Axis, ...], codes: np.ndarray, counts: np.ndarray, nests: Mapping[str, tuple[str, ...]]
) -> np.ndarray:
    """Which combinations exist: a level of a nested factor only with the levels it is found in."""
    names = [axis.name for axis in found]
    out = np.ones(len(codes), dtype=bool)
    for inner, outer in nests.items():
        chosen = [names.index(name) for name in (inner, *outer)]
        _, cell = np.unique(codes[:, chosen], axis=0, return_inverse=True)
        if not np.isnan(counts).any():
            out &= np.bincount(cell.ravel(), counts)[cell.ravel()] > 0
    return out


def _interactions(rows: Rows) -> dict[str, frozenset[str]]:
    fixed = rows.formula.fixed
    out: dict[str, set[str]] = {name: set() for name in rows.names}
    for term in fixed.terms:
        together = {c for v in term for c in fixed.variables[v].columns if c in out}
        for name in together if len(term) > 1 else ():
            out[name] |= together - {name}
    return {name: frozenset(others) for name, others in out.items()}
