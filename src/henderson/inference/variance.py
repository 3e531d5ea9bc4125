"""Variances of predictions: how far a combination x'beta + z'b of the estimates is from the truth.

With h = Lambda' z, the error x'(beta_hat - beta) + z'(b_hat - b) has the variance

    sigma^2 [ h' Omega^-1 h + |R_X^-T (x - X'WZ Lambda Omega^-1 h)|^2 ].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.inference.layout import grouping_columns
from henderson.inference.rows import NewRows

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

WORK = 4_000_000
"""Most elements of a block of right-hand sides."""


def known_variance(design: Design, estimate: Estimate, rows: NewRows, chosen: tuple[int, ...]) -> np.ndarray:
    """Variance (r,) of x'(beta_hat - beta) + z'(b_hat - b) over the known levels of the chosen groupings.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    rows : NewRows
        r rows; levels that the fit has not seen do not take part.
    chosen : tuple of int
        Groupings that take part.

    Returns
    -------
    (r,) float64

    Notes
    -----
    With one grouping, O(r (k^2 + k p)) after one selected inverse; with several, one solve per row, in
    blocks.
    """
    live = [f for f in chosen if ((rows.codes[f] >= 0) & ~rows.missing).any()]
    X = np.where(rows.missing[:, None], 0.0, rows.X)
    if not live:
        return combination_variance(design, estimate, X, None)
    if len(live) == 1:
        return one_grouping_variance(design, estimate, X, rows, live[0])
    q = sum(b.size for b in estimate.b)
    known, out, step = known_columns(design, rows, chosen, q), np.empty(rows.r), max(1, WORK // q)
    for start in range(0, rows.r, step):
        cut = slice(start, start + step)
        out[cut] = combination_variance(design, estimate, X[cut], known[cut].toarray())
    return out


def one_grouping_variance(
    design: Design, estimate: Estimate, X: np.ndarray, rows: NewRows, f: int
) -> np.ndarray:
    """Return `known_variance` of rows that touch one grouping only, from its diagonal blocks."""
    live = (rows.codes[f] >= 0) & ~rows.missing
    codes = np.where(live, rows.codes[f], 0)
    h = np.where(live[:, None], z_columns(design, rows, f) @ factor_of(design, estimate, f), 0.0)
    diagonal = estimate.factor.selected()[0][f]
    before = sum(b.size for b in estimate.b[:f])
    zx = estimate.zx[before : before + estimate.b[f].size].reshape(*estimate.b[f].shape, design.p)
    total = np.einsum("ra,rab,rb->r", h, diagonal[codes], h)
    rest = X - np.einsum("ra,rap->rp", h, zx[codes])
    return np.asarray(estimate.sigma**2 * (total + fixed_length(estimate, rest)))


def combination_variance(
    design: Design, estimate: Estimate, X: np.ndarray, Z: np.ndarray | None
) -> np.ndarray:
    """Return the variance (r,) of combinations with rows x of `X` (r, p) and z of `Z` (r, q), by r solves."""
    if Z is None:
        return np.asarray(estimate.sigma**2 * fixed_length(estimate, X))
    H = scaled(design, estimate, Z)
    half = estimate.factor.half_solve(np.ascontiguousarray(H.T))
    total = (half**2).sum(axis=0) + fixed_length(estimate, X - H @ estimate.zx)
    return np.asarray(estimate.sigma**2 * total)


def fixed_length(estimate: Estimate, X: np.ndarray) -> np.ndarray:
    """|R_X^-T x|^2 for every row x of X, (r,)."""
    from scipy.linalg import solve_triangular

    if not X.shape[1]:
        return np.zeros(len(X))
    return np.asarray((solve_triangular(estimate.RX, X.T, trans="T") ** 2).sum(axis=0))


def factor_of(design: Design, estimate: Estimate, f: int) -> np.ndarray:
    """Lambda of one level of grouping `f`, (K, K): the blocks of its terms on the diagonal."""
    from scipy.linalg import block_diag

    return np.asarray(
        block_diag(*[s for t, s in zip(design.terms, estimate.lambdas, strict=True) if t.grouping == f])
    )


def z_columns(design: Design, rows: NewRows, f: int) -> np.ndarray:
    """Columns of the terms of grouping `f` side by side, (r, K)."""
    return np.column_stack(
        [c for t, cols in zip(design.terms, rows.columns, strict=True) if t.grouping == f for c in cols]
    )


def scaled(design: Design, estimate: Estimate, Z: np.ndarray) -> np.ndarray:
    """Rows of Z (r, q) times Lambda, grouping by grouping."""
    out, at = np.empty_like(Z), 0
    for f, g in enumerate(design.groupings):
        block = factor_of(design, estimate, f)
        size = len(g.levels) * len(block)
        out[:, at : at + size] = (Z[:, at : at + size].reshape(-1, len(block)) @ block).reshape(len(Z), size)
        at += size
    return out


def known_columns(design: Design, rows: NewRows, chosen: tuple[int, ...], q: int) -> Any:
    """Sparse Z of the known levels of the chosen groupings, (r, q), external order."""
    from scipy.sparse import csr_array

    at, row, col, val = 0, [], [], []
    for f, (g, names) in enumerate(zip(design.groupings, grouping_columns(design), strict=True)):
        if f in chosen:
            live = np.flatnonzero((rows.codes[f] >= 0) & ~rows.missing)
            columns, place = (
                z_columns(design, rows, f)[live],
                at + rows.codes[f][live].astype(np.int64) * len(names),
            )
            row.append(np.repeat(live, len(names)))
            col.append((place[:, None] + np.arange(len(names))).ravel())
            val.append(columns.ravel())
        at += len(g.levels) * len(names)
    if not val:
        return csr_array((rows.r, q))
    return csr_array((np.concatenate(val), (np.concatenate(row), np.concatenate(col))), shape=(rows.r, q))
