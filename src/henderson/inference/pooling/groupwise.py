"""A least-squares regression in every group, many groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

RANK = 1e-10
"""Singular values (columns scaled to length one) below this share of the largest count as zero."""
ESTIMABLE = 1e-8
TINY = np.finfo(float).tiny
WORK = 4_000_000
"""Most numbers of a block of groups."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupRegressions:
    """Least squares in each of G groups.

    Attributes
    ----------
    coef : (G, p) float64
        NaN where the group's rows do not determine the coefficient.
    std_error : (G, p) float64
        With the group's own residual variance; NaN where no degrees of freedom are left.
    rank : (G,) int64
        Coefficients that the rows determine.
    df : (G,) int64
        Rows minus rank.
    sigma : (G,) float64
        Residual standard deviation; NaN without degrees of freedom.
    fitted, leverage : (n,) float64
        Projection of the response on the group's columns, and the diagonal of the projection.
    """

    coef: np.ndarray
    std_error: np.ndarray
    rank: np.ndarray
    df: np.ndarray
    sigma: np.ndarray
    fitted: np.ndarray
    leverage: np.ndarray


def regress_by_group(
    X: np.ndarray, y: np.ndarray, weights: np.ndarray | None, codes: np.ndarray, groups: int
) -> GroupRegressions:
    """Regress y on X within every group.

    beta_g = (X_g'W_g X_g)^+ X_g'W_g y_g by singular values; a coefficient is kept where its unit vector lies
    in the row space of X_g.

    Parameters
    ----------
    X : (n, p) float64
        Columns.
    y : (n,) float64
        Response.
    weights : (n,) float64 or None
        Precision weights.
    codes : (n,) int
        Group of every row, 0 … G-1.
    groups : int
        G; every group has rows.

    Returns
    -------
    GroupRegressions

    Notes
    -----
    O(n p^2); groups of one size are decomposed together.
    """
    n, p = X.shape
    root = np.ones(n) if weights is None else np.sqrt(weights)
    out = GroupRegressions(
        np.full((groups, p), np.nan), np.full((groups, p), np.nan),
        np.zeros(groups, np.int64), np.zeros(groups, np.int64), np.full(groups, np.nan),
        np.zeros(n), np.zeros(n),
    )  # fmt: skip
    for members, rows in same_size(codes, groups, p):
        _regress(out, members, rows, X[rows] * root[rows][..., None], y[rows] * root[rows], root[rows])
    return out


def same_size(codes: np.ndarray, groups: int, p: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of groups with one number of rows: their numbers (m,) and their rows (m, size)."""
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, minlength=groups)
    start = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        same = np.flatnonzero(sizes == size)
        step = max(1, WORK // int(size * max(p, 1)))
        for first in range(0, len(same), step):
            members = same[first : first + step]
            yield members, order[start[members][:, None] + np.arange(size)]


def _regress(
    out: GroupRegressions,
    members: np.ndarray,
    rows: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    root: np.ndarray,
) -> None:
    """Fill in the groups `members`, X (m, s, p) and y (m, s) already weighted."""
    scale = np.sqrt((X**2).sum(axis=1))
    scale[scale == 0] = 1.0
    U, S, Vt = np.linalg.svd(X / scale[:, None, :], full_matrices=False)
    live = S / S.max(axis=1, initial=TINY, keepdims=True) > RANK
    U, S = U * live[:, None, :], np.where(live, S, 1.0)
    Vt = Vt * live[:, :, None]
    along = np.einsum("msk,ms->mk", U, y)
    fitted = np.einsum("msk,mk->ms", U, along)
    rank = live.sum(axis=1)
    df = y.shape[1] - rank
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.sqrt(np.where(df > 0, ((y - fitted) ** 2).sum(axis=1) / df, np.nan))
    known = (Vt**2).sum(axis=1) > 1 - ESTIMABLE
    coef = np.einsum("mkp,mk->mp", Vt, along / S) / scale
    length = np.sqrt(((Vt / S[:, :, None]) ** 2).sum(axis=1)) / scale
    out.coef[members] = np.where(known, coef, np.nan)
    out.std_error[members] = np.where(known, length * sigma[:, None], np.nan)
    out.rank[members], out.df[members], out.sigma[members] = rank, df, sigma
    out.fitted[rows] = fitted / root
    out.leverage[rows] = (U**2).sum(axis=2)


def repeated_columns(X: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Columns that repeat earlier ones, in every single group.

    Such are predictors of whole groups, which an intercept repeats within each, and their interactions.

    Parameters
    ----------
    X : (n, p) float64
        Columns in order.
    codes : (n,) int
        Groups of the rows.
    groups : int
        Number of groups.

    Returns
    -------
    (p,) bool
    """
    repeated = np.ones(X.shape[1], bool)
    for _, rows in same_size(codes, groups, X.shape[1] ** 2):
        if repeated.any():
            repeated &= _dependent(X[rows]).all(axis=0)
    return repeated


def _dependent(X: np.ndarray) -> np.ndarray:
    """Which columns of X (m, s, p) depend on those before them, (m, p), by Gram and Schmidt, twice."""
    m, s, p = X.shape
    Q, out = np.zeros((m, s, p)), np.ones((m, p), bool)
    for j in range(p):
        rest = X[:, :, j]
        before = np.sqrt((rest**2).sum(axis=1))
        for _ in range(2):
            rest = rest - np.einsum("msk,mk->ms", Q, np.einsum("msk,ms->mk", Q, rest))
        left = np.sqrt((rest**2).sum(axis=1))
        out[:, j] = left <= 1e-9 * before
        Q[:, :, j] = np.where(out[:, j], 0.0, 1.0 / np.where(left > 0, left, 1.0))[:, None] * rest
    return out
