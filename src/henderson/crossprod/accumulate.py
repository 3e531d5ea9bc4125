"""One pass over the rows of a design."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.crossprod.record import CrossProducts, PairBlocks

if TYPE_CHECKING:
    from henderson.design.record import Design

_COINCIDE = 1e-12


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
    z_transform = tuple(_z_transform(design, terms) for terms in terms_of)
    z = [_as_given(columns, T) for columns, T in zip(z_columns, z_transform, strict=True)]
    constant = _constant_in_span(design)
    x_centre, x_scale = _centre_and_scale(design, constant is not None)
    y = design.y if design.offset is None else design.y - design.offset
    y_centre = float(y.mean()) if constant is not None else 0.0

    X = [design.X[:, j] for j in range(design.p)]
    xy = [*X, y]
    centre, scale = np.append(x_centre, y_centre), np.append(x_scale, 1.0)
    xx = core().cross_products(xy, centre, scale, design.weights, design.n)
    zz, zx = [], []
    for f, grouping in enumerate(design.groupings):
        blocks, sums = core().grouped_products(
            grouping.codes, len(grouping.levels), *z[f], xy, centre, scale, design.weights
        )
        zz.append(blocks)
        zx.append(sums)
    levels = tuple(len(g.levels) for g in design.groupings)
    return CrossProducts(
        n=design.n,
        p=design.p,
        q=sum(b.shape[0] * b.shape[1] for b in zz),
        columns=tuple(len(c) for c in z_columns),
        levels=levels,
        zz=tuple(zz),
        pairs=_pairs(design, levels, z),
        zx=zx[0] if len(zx) == 1 else np.concatenate(zx),
        xx=xx,
        entries=_theta_entries(design, terms_of),
        z_transform=z_transform,
        x_centre=x_centre,
        x_scale=x_scale,
        y_centre=y_centre,
        constant=constant,
        intercept=design.intercept,
        sum_log_weights=0.0 if design.weights is None else float(np.log(design.weights).sum()),
    )


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
    y_centre = float(y.mean()) if cross.constant is not None else 0.0
    shifted = y - y_centre
    weighted = shifted if design.weights is None else shifted * design.weights
    xx, zx = cross.xx.copy(), cross.zx.copy()
    xy = (weighted @ design.X - cross.x_centre * weighted.sum()) * cross.x_scale
    xx[-1, :-1] = xx[:-1, -1] = xy
    xx[-1, -1] = weighted @ shifted
    nothing, one = np.zeros(1), np.ones(1)
    at = 0
    for f, grouping in enumerate(design.groupings):
        rows = cross.levels[f] * cross.columns[f]
        z = _as_given(z_columns[f], cross.z_transform[f])
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


def _theta_entries(design: Design, terms_of: list[list[int]]) -> np.ndarray:
    """Free entries of the blocks of Lambda: term by term, lower triangle column by column."""
    first = {}
    for terms in terms_of:
        at = 0
        for i in terms:
            first[i] = at
            at += design.terms[i].k
    return np.array(
        [
            (term.grouping, first[i] + a, first[i] + b, i)
            for i, term in enumerate(design.terms)
            for b in range(term.k)
            for a in range(b, term.k)
        ],
        dtype=np.int32,
    )


def _z_transform(design: Design, terms: list[int]) -> np.ndarray:
    """(K, K) of one grouping: unit size, and mean zero where the term has a constant column to take it up."""
    columns = [c for i in terms for c in design.terms[i].columns]
    T, at = np.zeros((len(columns), len(columns))), 0
    for i in terms:
        term = design.terms[i].columns
        constant = next((j for j, c in enumerate(term) if _is_one(c)), None)
        for j, column in enumerate(term):
            mean, spread = _mean_and_spread(column) if constant not in (None, j) else (0.0, 0.0)
            if spread == 0.0:
                mean, spread = 0.0, _size(column)
            T[at + j, at + j] = 1 / spread if spread > 0 else 1.0
            if mean != 0.0 and constant is not None:
                T[at + constant, at + j] = -mean * T[at + j, at + j]
        at += len(term)
    return T


def _is_one(column: np.ndarray) -> bool:
    return bool(column[0] == 1.0 and column[-1] == 1.0 and column.min() == column.max())


def _size(column: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(column @ column / len(column)))


def _mean_and_spread(column: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; differences are taken only where squares would cancel."""
    mean, square = float(column.mean()), float(column @ column) / len(column)
    variance = square - mean * mean
    if variance < 1e-6 * square:
        variance = float(((column - mean) ** 2).mean())
    return mean, float(np.sqrt(max(variance, 0.0)))


def _as_given(
    columns: list[np.ndarray], T: np.ndarray
) -> tuple[list[np.ndarray | None], np.ndarray, np.ndarray]:
    """Columns, centres and scales as the kernels take them; a lone constant is None, which they count."""
    scale = T.diagonal().copy()
    if len(columns) == 1 and _is_one(columns[0]):
        return [None], np.zeros(1), scale
    beside = T - np.diag(scale)  # apart from the diagonal, which dwarfs it when a covariate's unit is tiny
    return list(columns), -beside.sum(axis=0) / scale, scale


def _centre_and_scale(design: Design, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    X, p = design.X, design.p
    centre, scale = np.zeros(p), np.ones(p)
    for j in range(p):
        column = X[:, j]
        if j == design.intercept:
            continue
        mean, spread = (
            _mean_and_spread(column) if centred and design.intercept is not None else (0.0, _size(column))
        )
        centre[j], scale[j] = mean, 1 / spread if spread > 0 else 1.0
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
) -> tuple[PairBlocks, ...]:
    from henderson.core import core

    out = []
    for a in range(len(levels)):
        for b in range(a + 1, len(levels)):
            i, j = (a, b) if levels[a] >= levels[b] else (b, a)
            first, second = design.groupings[i].codes, design.groupings[j].codes
            pattern = core().pair_products(first, levels[i], *z[i], second, levels[j], *z[j], design.weights)
            out.append(PairBlocks(i, j, *pattern))
    return tuple(out)
