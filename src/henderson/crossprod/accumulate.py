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

    The response is shifted by its mean and the columns of X are centred when the constant is in their span (without the
    shift data like NIST's SmLs07-09 lose every digit); columns of X and Z are scaled to unit size (without the scaling a
    slope on a covariate of scale 1e5 stalls the search). Both are undone exactly by `estimate`.

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
    from henderson.solve.core import core

    terms_of, z_columns = _columns_by_grouping(design)
    z_scale = tuple(np.array([_one_over_rms(c) for c in columns]) for columns in z_columns)
    z_given = [_constant_as_none(columns) for columns in z_columns]
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
            grouping.codes, len(grouping.levels), z_given[f], z_scale[f], xy, centre, scale, design.weights
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
        pairs=_pairs(design, levels, z_given, z_scale),
        zx=zx[0] if len(zx) == 1 else np.concatenate(zx),
        xx=xx,
        entries=_theta_entries(design, terms_of),
        z_scale=z_scale,
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
    from henderson.solve.core import core

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
        _, sums = core().grouped_products(
            grouping.codes, cross.levels[f], _constant_as_none(z_columns[f]), cross.z_scale[f], [weighted], nothing, one, None
        )
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


def _one_over_rms(column: np.ndarray) -> float:
    square = float(column @ column) / len(column)
    return 1 / np.sqrt(square) if square > 0 else 1.0


def _constant_as_none(columns: list[np.ndarray]) -> list[np.ndarray | None]:
    """A lone constant column needs no arithmetic: the kernels count instead of multiplying."""
    if len(columns) == 1 and columns[0][0] == 1.0 and columns[0].min() == columns[0].max() == 1.0:
        return [None]
    return list(columns)


def _centre_and_scale(design: Design, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    X, p = design.X, design.p
    centre, scale = np.zeros(p), np.ones(p)
    for j in range(p):
        column = X[:, j]
        if j == design.intercept:
            continue
        mean = float(column.mean())
        square = float(column @ column) / design.n
        if centred and design.intercept is not None:
            centre[j] = mean
            spread = square - mean * mean
            if spread < 1e-6 * square:  # cancellation: take the differences themselves
                spread = float(((column - mean) ** 2).mean())
            square = spread
        scale[j] = 1 / np.sqrt(square) if square > 0 else 1.0
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
    design: Design, levels: tuple[int, ...], z: list[list[np.ndarray | None]], z_scale: tuple[np.ndarray, ...]
) -> tuple[PairBlocks, ...]:
    from henderson.solve.core import core

    out = []
    for a in range(len(levels)):
        for b in range(a + 1, len(levels)):
            i, j = (a, b) if levels[a] >= levels[b] else (b, a)
            gi, gj = design.groupings[i], design.groupings[j]
            pattern = core().pair_products(
                gi.codes, levels[i], z[i], z_scale[i], gj.codes, levels[j], z[j], z_scale[j], design.weights
            )
            out.append(PairBlocks(i, j, *pattern))
    return tuple(out)
