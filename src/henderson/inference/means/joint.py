"""Joint tests: for every factor and interaction, whether its contrasts of marginal means are all zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.inference.means.averages import Linear, average
from henderson.inference.means.confounded import NAME, confounded
from henderson.inference.means.estimable import estimable_part
from henderson.inference.means.grid import Grid, reference_grid
from henderson.inference.means.predictors import axes, read_rows
from henderson.inference.means.specs import Specs, check_specs
from henderson.inference.small_sample.contrasts import f_test
from henderson.inference.small_sample.record import SmallSample

if TYPE_CHECKING:
    from henderson.design.record import Design


Numbers = tuple[float, float, float, float, bool]
"""Statistic, both degrees of freedom, p-value, and whether part of the hypothesis was lost."""


@dataclass(frozen=True, slots=True, eq=False)
class JointTests:
    """One F test per factor or interaction, and group.

    Attributes
    ----------
    keys : dict of str to tuple, each of length t
        ``term``, and the groups.
    by : tuple of str
        Keys that make groups.
    statistic, num_df, den_df, p_value : (t,) float64
        F tests; chi-square where den_df is infinite.
    lost : (t,) bool
        Whether part of the hypothesis could not be estimated and was left out.
    ddf : str
        Kind of degrees of freedom.
    steps : tuple of (str, tuple of float)
        Covariates, and the values between which their effect is taken.
    nested : tuple of str
        Nested factors.
    note : str
        What to know of the degrees of freedom; empty mostly.
    """

    keys: dict[str, tuple[Any, ...]]
    by: tuple[str, ...]
    statistic: np.ndarray
    num_df: np.ndarray
    den_df: np.ndarray
    p_value: np.ndarray
    lost: np.ndarray
    ddf: str
    steps: tuple[tuple[str, tuple[float, ...]], ...]
    nested: tuple[str, ...]
    note: str = ""

    def columns(self) -> dict[str, Any]:
        """Return the table as named columns, tidy names."""
        keys = {name: list(values) for name, values in self.keys.items()}
        names = ("statistic", "num_df", "den_df", "p_value")
        return {**keys, **{name: getattr(self, name) for name in names}}


def joint_grid(
    design: Design,
    data: object,
    env: Mapping[str, Any] | None,
    at: Mapping[str, Any] | None,
    needed: tuple[str, ...] = (),
    weights: str = "equal",
) -> Grid:
    """Return the reference grid with two values for each covariate: one below and one above its mean.

    Where it is large, predictors that are not `needed` and interact with nothing are averaged over already.
    """
    where = dict(at or {})
    for axis in axes(design, read_rows(design, data, env), at):
        if not axis.categorical and len(axis.values) == 1:
            where[axis.name] = (axis.values[0] - 1.0, axis.values[0] + 1.0)
    return reference_grid(design, data, env, where, needed, weights)


def joint_tests(
    grid: Grid,
    sample: SmallSample,
    specs: Specs,
    weights: str = "equal",
    grid_with: Callable[[tuple[str, ...]], Grid] | None = None,
) -> JointTests:
    """Test every factor and interaction of a grid.

    For a set of predictors the means of their combinations are differenced along each of them; all these
    differences are zero if there is no effect. Other predictors are averaged over.

    Parameters
    ----------
    grid : Grid
    sample : SmallSample
    specs : Specs
        Predictors to test, and groups to test within.
    weights : str
        For averaging.
    grid_with : callable, optional
        Returns the grid with the predictors named, for those that `grid` is averaged over.

    Returns
    -------
    JointTests
        Interactions that the model does not have are left out.

    Notes
    -----
    O(r P) for every set of predictors that stand in a term together.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> grid = joint_grid(fit.design, fit.source.data, None, None)
    >>> joint_tests(grid, fit._small_sample(), every_predictor(grid, None)).statistic.round(3)
    array([20.576])
    """
    by = specs.by
    keys: dict[str, list[Any]] = {"term": [], **{name: [] for name in by}}
    results: list[Numbers] = []
    tested: dict[tuple[Any, ...], list[np.ndarray]] = {}

    def add(term: str, group: tuple[Any, ...], numbers: Numbers) -> None:
        results.append(numbers)
        keys["term"].append(term)
        for name, value in zip(by, group, strict=True):
            keys[name].append(value)

    for chosen in _sets(grid, specs):
        lacking = grid_with is not None and any(name in grid.averaged for name in chosen)
        here = grid_with((*chosen, *by)) if grid_with is not None and lacking else grid
        means = average(here, Specs(chosen, by, None), weights)
        for rows in means.groups():
            found = _test(here, sample, means, rows, chosen)
            if found is not None:
                group = tuple(means.keys[name][rows[0]] for name in by)
                add(":".join(chosen), group, found[0])
                tested.setdefault(group, []).append(found[1])
    if any(numbers[-1] for numbers in results) and not grid.averaged:
        for group, more in _confounded(grid, sample, specs, weights, tested):
            add(NAME, group, more)
    order = _group_order(keys, by)
    table = np.array(results, dtype=float).reshape(-1, 5)[order]
    F, df1, df2, p = table.T[:4]
    return JointTests(
        {name: tuple(values[i] for i in order) for name, values in keys.items()},
        by,
        F,
        df1,
        df2,
        p,
        table[:, 4].astype(bool),
        sample.ddf,
        tuple(
            (axis.name, axis.values) for axis in grid.axes if not axis.categorical and len(axis.values) > 1
        ),
        tuple(f"{inner} in {', '.join(outer)}" for inner, outer in grid.nests.items()),
        sample.note,
    )


def _confounded(
    grid: Grid, sample: SmallSample, specs: Specs, weights: str, tested: Mapping[Any, list[np.ndarray]]
) -> Iterator[tuple[tuple[Any, ...], Numbers]]:
    """For every group: its values, and the test of what no term has tested."""
    means = average(grid, specs, weights)
    for rows in means.groups():
        group = tuple(means.keys[name][rows[0]] for name in specs.by)
        test = confounded(grid, sample, means, rows, tested.get(group, []))
        if test is not None:
            yield group, (test.statistic, float(test.num_df), test.den_df, test.p_value, False)


def _group_order(keys: Mapping[str, list[Any]], by: tuple[str, ...]) -> list[int]:
    """Rows of one group together, terms in order within."""
    groups = list(zip(*(keys[name] for name in by), strict=True)) if by else [()] * len(keys["term"])
    first = {group: i for i, group in reversed(list(enumerate(groups)))}
    return sorted(range(len(groups)), key=lambda i: first[groups[i]])


def _sets(grid: Grid, specs: Specs) -> Iterator[tuple[str, ...]]:
    """Sets of predictors that stand in a term together, in the order of the grid, small ones first."""
    varied = [axis.name for axis in grid.axes if len(axis.values) > 1 or axis.name in grid.averaged]
    names = [name for name in varied if name in specs.factors]
    sets: list[tuple[str, ...]] = [(name,) for name in names]
    while sets:
        for chosen in sets:
            if all(outer in (*chosen, *specs.by) for name in chosen for outer in grid.nests.get(name, ())):
                yield chosen
        sets = [
            (*chosen, name)
            for chosen in sets
            for name in names[names.index(chosen[-1]) + 1 :]
            if all(name in grid.interactions[other] for other in chosen)
        ]


def _test(
    grid: Grid, sample: SmallSample, means: Linear, rows: np.ndarray, chosen: tuple[str, ...]
) -> tuple[Numbers, np.ndarray] | None:
    """F test of the differences of one group of means, and its rows; None where there is no such effect."""
    L = _differences(grid, means, rows, chosen)
    L = L[np.isfinite(L).all(axis=1)]
    real = np.abs(L).max(axis=1, initial=0.0) > 1e-10 * max(1.0, float(np.abs(grid.X).max()))
    L = L[real]
    if len(L) == 0:
        return None
    part = estimable_part(L, grid.null)
    lost = len(part) < np.linalg.matrix_rank(L)
    if len(part) == 0:
        return (np.nan, 0.0, np.nan, np.nan, True), np.zeros((0, sample.p))
    rows_tested = part[:, grid.kept]
    test = f_test(sample, rows_tested)
    return (test.statistic, float(test.num_df), test.den_df, test.p_value, bool(lost)), rows_tested


def _differences(grid: Grid, means: Linear, rows: np.ndarray, chosen: tuple[str, ...]) -> np.ndarray:
    """Differences from the first mean along every chosen predictor, within those that nest others."""
    outer = {name for inner in chosen for name in grid.nests.get(inner, ()) if name in chosen}
    inner = [name for name in chosen if name not in outer]
    within: dict[tuple[Any, ...], list[int]] = {}
    for i in rows:
        within.setdefault(tuple(means.keys[name][i] for name in chosen if name in outer), []).append(i)
    out = []
    for cells in within.values():
        values = [list(dict.fromkeys(means.keys[name][i] for i in cells)) for name in inner]
        shape = [len(v) for v in values]
        table = np.full((*shape, means.L.shape[1]), np.nan)
        for i in cells:
            place = tuple(v.index(means.keys[n][i]) for n, v in zip(inner, values, strict=True))
            table[place] = means.L[i]
        for axis in range(len(shape)):
            table = np.delete(table, 0, axis) - np.take(table, [0], axis)
        out.append(table.reshape(-1, means.L.shape[1]))
    return np.concatenate(out)


def every_predictor(grid: Grid, by: object) -> Specs:
    """Return the specification that tests every predictor of a grid, within the groups `by`."""
    from henderson.inference.means.specs import read_specs

    groups = read_specs([], by).by
    names = tuple(axis.name for axis in grid.axes if axis.name not in groups)
    return check_specs(Specs(names, groups, None), grid)
