"""One pass over the rows of a design."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from henderson.crossprod.basis import basis_of
from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.threads import sharing, threads

if TYPE_CHECKING:
    from henderson.design.record import Design

_COINCIDE = 1e-12
NEAR = 1e-4, 1e-3
"""Share of a column that those before it leave, between which columns enter by a basis.

Above, products lose less than six digits. Below, the columns are named to the user, with what to type.
"""
WORTH_THREADS = 200_000
"""Rows from which the sums of several groupings are formed side by side."""


def from_design(design: Design) -> CrossProducts:
    """Form the sufficient statistics of a design.

    The response is shifted by its mean and the columns of X are centred when the constant is in their span
    (without the shift data like NIST's SmLs07-09 lose every digit); columns of X and Z are scaled to unit
    size (without the scaling a slope on a covariate of scale 1e5 stalls the search). All of it is undone
    exactly by `estimate`.

    Parameters
    ----------
    design : Design
        n rows, p fixed-effects columns.

    Returns
    -------
    CrossProducts

    Notes
    -----
    O(n (p + K)^2) time; memory for the result and one block of rows, no copy of the columns.
    """
    from henderson.core import core

    terms_of, z_columns = _columns_by_grouping(design)
    y = design.y if design.offset is None else design.y - design.offset
    xy = [*design.X.T, y]
    x_spreads, z_spreads = _spreads(xy, z_columns)
    z_transform = tuple(z_transform_of(design, *each) for each in zip(terms_of, z_spreads, strict=True))
    z = [
        _as_given(columns, T, len(columns) == 1 and spreads[0].is_one)
        for columns, T, spreads in zip(z_columns, z_transform, z_spreads, strict=True)
    ]
    constant = _constant_in_span(design)
    x_centre, x_scale = centre_and_scale(x_spreads, design.intercept, constant is not None)
    y_centre = x_spreads[-1].mean if constant is not None else 0.0

    centre, scale = np.append(x_centre, y_centre), np.append(x_scale, 1.0)
    levels, weights = tuple(len(g.levels) for g in design.groupings), design.weights
    grouped = [
        partial(core().grouped_products, grouping.codes, levels[f], *z[f], xy, centre, scale, weights)
        for f, grouping in enumerate(design.groupings)
    ]
    whole = partial(core().cross_products, xy, centre, scale, weights, design.n)
    pairs = _pairs(design, levels, z)
    done = _side_by_side([*pairs, *grouped, whole], bool(pairs) and design.n >= WORTH_THREADS)
    zz, zx = zip(*done[len(pairs) : -1], strict=True)
    xx, basis = done[-1], _basis(design, done[-1], x_centre, x_scale)
    if basis is not None:
        xy, centre, scale = entering(design.X, x_centre, x_scale, basis, y, y_centre)
        for f, grouping in enumerate(design.groupings):
            sums = core().grouped_products(grouping.codes, levels[f], *z[f], xy, centre, scale, weights)
            zx = (*zx[:f], sums[1], *zx[f + 1 :])
        xx = core().cross_products(xy, centre, scale, weights, design.n)
    return CrossProducts(
        n=design.n,
        p=design.p,
        q=sum(b.shape[0] * b.shape[1] for b in zz),
        columns=tuple(len(c) for c in z_columns),
        levels=levels,
        zz=zz,
        pairs=tuple(done[: len(pairs)]),
        zx=zx[0] if len(zx) == 1 else np.concatenate(zx),
        xx=xx,
        entries=theta_entries([t.grouping for t in design.terms], [t.k for t in design.terms]),
        z_transform=z_transform,
        x_centre=x_centre,
        x_scale=x_scale,
        y_centre=y_centre,
        constant=constant,
        intercept=design.intercept,
        sum_log_weights=0.0 if design.weights is None else float(np.log(design.weights).sum()),
        basis=basis,
    )


def _basis(design: Design, xx: np.ndarray, x_centre: np.ndarray, x_scale: np.ndarray) -> np.ndarray | None:
    """What each column of X adds to those before it, where their products would lose that."""
    if design.X.shape[1] <= 1 + (design.intercept is not None):  # the mean is subtracted: nothing to lose
        return None
    products = xx[:-1, :-1]
    size = np.sqrt(products.diagonal())
    if not size.min() > 0:
        return None
    try:
        least = (np.linalg.cholesky(products).diagonal() / size).min()
    except np.linalg.LinAlgError:
        return None
    return basis_of((design.X - x_centre) * x_scale) if NEAR[0] < least < NEAR[1] else None


def entering(
    X: np.ndarray,
    x_centre: np.ndarray,
    x_scale: np.ndarray,
    basis: np.ndarray | None,
    y: np.ndarray,
    y_centre: float,
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Columns of X and the response, centres and scales as the kernels take them.

    Parameters
    ----------
    X : (n, p) float64
    x_centre, x_scale, basis, y_centre
        As in `CrossProducts`. By a basis, columns are written out: what is left of them is small beside them.
    y : (n,) float64
        Response less offset.
    """
    if basis is None:
        return [*np.ascontiguousarray(X.T), y], np.append(x_centre, y_centre), np.append(x_scale, 1.0)
    columns = np.ascontiguousarray((((X - x_centre) * x_scale) @ basis).T)
    p = len(columns)
    return [*columns, y], np.append(np.zeros(p), y_centre), np.ones(p + 1)


def with_response(cross: CrossProducts, design: Design, y: np.ndarray) -> CrossProducts:
    """Replace the response: only the last row and column of A change.

    Parameters
    ----------
    cross : CrossProducts
        Of the same design.
    design : Design
        Its rows, weights and offset.
    y : (n,) float64
        New response.

    Notes
    -----
    O(n (p + K)).
    """
    from henderson.core import core

    _, z_columns = _columns_by_grouping(design)
    y = y if design.offset is None else y - design.offset
    y_centre = core().moments([y])[0][0] if cross.constant is not None else 0.0
    shifted = y - y_centre
    weighted = shifted if design.weights is None else shifted * design.weights
    xx, zx = cross.xx.copy(), cross.zx.copy()
    xy = cross.by_basis((weighted @ design.X - cross.x_centre * weighted.sum()) * cross.x_scale)
    xx[-1, :-1] = xx[:-1, -1] = xy
    xx[-1, -1] = weighted @ shifted
    nothing, one = np.zeros(1), np.ones(1)
    at = 0
    for f, grouping in enumerate(design.groupings):
        rows = cross.levels[f] * cross.columns[f]
        lone = len(z_columns[f]) == 1 and _spread_of(z_columns[f])[0].is_one
        z = _as_given(z_columns[f], cross.z_transform[f], lone)
        _, sums = core().grouped_products(grouping.codes, cross.levels[f], *z, [weighted], nothing, one, None)
        zx[at : at + rows, -1] = sums[:, 0]
        at += rows
    return replace(cross, xx=xx, zx=zx, y_centre=y_centre)


def _columns_by_grouping(design: Design) -> tuple[list[list[int]], list[list[np.ndarray]]]:
    terms_of: list[list[int]] = [[] for _ in design.groupings]
    columns: list[list[np.ndarray]] = [[] for _ in design.groupings]
    for i, term in enumerate(design.terms):
        terms_of[term.grouping].append(i)
        columns[term.grouping].extend(term.columns)
    return terms_of, columns


def theta_entries(groupings: list[int], sizes: list[int]) -> np.ndarray:
    """Free entries of the blocks of Lambda: term by term, lower triangle column by column.

    Parameters
    ----------
    groupings, sizes : list of int
        Grouping and number of columns of every term.

    Returns
    -------
    (n_theta, 4) int32
        As `CrossProducts.entries`.
    """
    used: dict[int, int] = {}
    out = []
    for i, (grouping, k) in enumerate(zip(groupings, sizes, strict=True)):
        first = used.get(grouping, 0)
        used[grouping] = first + k
        out += [(grouping, first + a, first + b, i) for b in range(k) for a in range(b, k)]
    return np.array(out, dtype=np.int32)


class Spread(NamedTuple):
    """Mean, standard deviation and root mean square of a column, and whether it is the constant one."""

    mean: float
    deviation: float
    size: float
    is_one: bool


def _spread_of(columns: list[np.ndarray]) -> list[Spread]:
    """Differences from the mean are taken only where mean squares would cancel."""
    from henderson.core import core

    out = []
    for column, (mean, square, least, largest) in zip(columns, core().moments(columns), strict=True):
        variance = square - mean * mean
        if variance < 1e-6 * square and least < largest:
            variance = float(((column - mean) ** 2).mean())
        deviation = math.sqrt(max(variance, 0.0)) if least < largest else 0.0
        out.append(Spread(mean, deviation, math.sqrt(square), least == largest == 1.0))
    return out


def _spreads(
    xy: list[np.ndarray], z_columns: list[list[np.ndarray]]
) -> tuple[list[Spread], list[list[Spread]]]:
    """Of the columns of X and the response, and of Z per grouping; columns met twice are read once."""
    every = _spread_of([*xy, *itertools.chain(*z_columns)])
    rest = iter(every[len(xy) :])
    return every[: len(xy)], [list(itertools.islice(rest, len(columns))) for columns in z_columns]


def z_transform_of(design: Design, terms: list[int], spreads: list[Spread]) -> np.ndarray:
    """(K, K) of one grouping: unit size, and mean zero where the term has a constant column to take it up."""
    T, at = np.zeros((len(spreads), len(spreads))), 0
    for i in terms:
        here = range(at, at + design.terms[i].k)
        constant = next((j for j in here if spreads[j].is_one), None)
        for j in here:
            centred = constant not in (None, j) and spreads[j].deviation > 0
            size = spreads[j].deviation if centred else spreads[j].size
            T[j, j] = 1 / size if size > 0 else 1.0
            if centred:
                T[constant, j] = -spreads[j].mean * T[j, j]
        at += len(here)
    return T


def _as_given(
    columns: list[np.ndarray], T: np.ndarray, lone_constant: bool
) -> tuple[list[np.ndarray | None], np.ndarray, np.ndarray]:
    """Columns, centres and scales as the kernels take them; a lone constant is None, which they count."""
    scale = T.diagonal().copy()
    if lone_constant:
        return [None], np.zeros(1), scale
    beside = T - np.diag(scale)  # apart from the diagonal, which dwarfs it when a covariate's unit is tiny
    return list(columns), -beside.sum(axis=0) / scale, scale


def centre_and_scale(
    spreads: list[Spread], intercept: int | None, centred: bool
) -> tuple[np.ndarray, np.ndarray]:
    """(p,) centres and scales of the columns of X; the last spread is the response's."""
    p = len(spreads) - 1
    centre, scale = np.zeros(p), np.ones(p)
    for j, spread in enumerate(spreads[:p]):
        if j == intercept:
            continue
        use_mean = centred and intercept is not None
        size = spread.deviation if use_mean else spread.size
        centre[j], scale[j] = spread.mean if use_mean else 0.0, 1 / size if size > 0 else 1.0
    return centre, scale


def _constant_in_span(design: Design) -> np.ndarray | None:
    """Coefficients a with X a = 1, or None."""
    X, p = design.X, design.p
    if design.intercept is not None:
        a = np.zeros(p)
        a[design.intercept] = 1.0
        return a
    if p == 0:
        return None
    sums = X.sum(axis=0)
    a = np.linalg.lstsq(X.T @ X, sums, rcond=None)[0]
    return a if float(((X @ a - 1) ** 2).max()) < _COINCIDE else None


def _pairs(
    design: Design, levels: tuple[int, ...], z: list[tuple[list[np.ndarray | None], np.ndarray, np.ndarray]]
) -> list[Callable[[], PairBlocks]]:
    """One task for every two groupings."""
    from henderson.core import core

    def pair(i: int, j: int) -> PairBlocks:
        first, second = design.groupings[i].codes, design.groupings[j].codes
        pattern = core().pair_products(first, levels[i], *z[i], second, levels[j], *z[j], design.weights)
        return PairBlocks(i, j, *pattern)

    return [
        partial(pair, a, b) if levels[a] >= levels[b] else partial(pair, b, a)
        for a, b in itertools.combinations(range(len(levels)), 2)
    ]


def _side_by_side(tasks: list[Callable[[], Any]], worth: bool) -> list[Any]:
    """What the tasks answer, in their order; in several threads where that is worth while."""
    workers = min(threads(), len(tasks))
    if workers == 1 or not worth:
        return [task() for task in tasks]

    def shared(task: Callable[[], Any]) -> Any:
        with sharing(workers):
            return task()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(shared, tasks))
