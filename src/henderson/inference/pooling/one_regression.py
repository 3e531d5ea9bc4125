"""Complete pooling: one regression for all rows, or for their averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.inference.pooling.record import Method

ALONE = 1e-9
"""What is left of a direction without a row or group, below which that row or group alone determines it."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows as least squares takes them.

    Attributes
    ----------
    X : (n, p) float64
        Fixed-effects columns.
    y : (n,) float64
        Response minus offset.
    offset : (n,) float64
    weights : (n,) float64
        Precision weights, 1 without.
    codes : (n,) int64
        Group of every row.
    groups : int
        G.
    """

    X: np.ndarray
    y: np.ndarray
    offset: np.ndarray
    weights: np.ndarray
    codes: np.ndarray
    groups: int

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)


def nothing(rows: Rows, terms: int = 0) -> np.ndarray:
    """NaN for every group and term, (G, terms)."""
    return np.full((rows.groups, terms), np.nan)


def complete_pooling(rows: Rows) -> Method:
    """One regression for all rows: least squares on X.

    Without a row its residual is r / (1 - h); without a group, r_g + Q_g (I - Q_g'Q_g)^-1 Q_g'r_g, with Q the
    orthonormal columns of X.

    Notes
    -----
    O(n p^2 + G p^3); no refits.
    """
    n, p = rows.X.shape
    root = np.sqrt(rows.weights)
    Q, R = np.linalg.qr(rows.X * root[:, None])
    along = Q.T @ (rows.y * root)
    beta = np.linalg.solve(R, along)
    fitted = rows.X @ beta
    error = rows.y - fitted
    df, rss = n - p, float((rows.weights * error**2).sum())
    sigma = float(np.sqrt(rss / df)) if df > 0 else np.nan
    return Method(
        name="complete",
        parameters=float(p),
        sigma=sigma,
        df=float(df),
        fitted=fitted + rows.offset,
        row_out=without_rows(error, (Q**2).sum(axis=1)),
        group_out=without_groups(Q, error * root, rows.codes, rows.groups) / root,
        terms=(),
        coef=nothing(rows),
        std_error=nothing(rows),
        shrinkage=nothing(rows),
        population=beta,
        population_error=sigma * np.sqrt((np.linalg.inv(R) ** 2).sum(axis=1)),
    )


def without_rows(residuals: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """Errors (n,) of predicting every row from the others, r / (1 - h); NaN where h is one."""
    left = 1 - leverage
    return np.asarray(np.where(left > ALONE, residuals / np.where(left > ALONE, left, 1.0), np.nan))


def without_groups(Q: np.ndarray, residuals: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Errors (n,) of predicting every group from the others.

    Parameters
    ----------
    Q : (n, p) float64
        Orthonormal columns of the regression, rows weighted.
    residuals : (n,) float64
        Weighted residuals.
    codes : (n,) int
        Groups of the rows.
    groups : int
        Their number.

    Returns
    -------
    (n,) float64
        Weighted; NaN for rows that rest on what only their group determines.
    """
    p = Q.shape[1]
    inner = np.empty((groups, p, p))
    for j in range(p):
        for k in range(j + 1):
            inner[:, j, k] = inner[:, k, j] = np.bincount(codes, weights=Q[:, j] * Q[:, k], minlength=groups)
    along = np.column_stack(
        [np.bincount(codes, weights=Q[:, j] * residuals, minlength=groups) for j in range(p)]
    )
    values, vectors = np.linalg.eigh(np.eye(p) - inner)
    alone = values < ALONE
    turned = np.einsum("gjk,gj->gk", vectors, along) / np.where(alone, np.inf, values)
    errors = residuals + np.einsum("np,np->n", Q, np.einsum("gjk,gk->gj", vectors, turned)[codes])
    lost = np.einsum("nj,njk->nk", Q, vectors[codes]) ** 2 * alone[codes]
    size = (Q**2).sum(axis=1)
    return np.where(lost.sum(axis=1) > 1e-12 * size, np.nan, errors)


def averaged(rows: Rows) -> Method | None:
    """Regress the mean response of rows with equal X, each mean counting once.

    It gives much the same line as one regression, and standard errors that know nothing of the groups. None
    where fewer than half of the rows share their X with others.

    Notes
    -----
    O(n p log n), and a regression of the means without each group.
    """
    cells, U = equal_rows(rows.X)
    count = len(U)
    p = rows.X.shape[1]
    if 2 * count > rows.n or count <= p:
        return None
    total = np.bincount(cells, weights=rows.weights, minlength=count)
    mean = np.bincount(cells, weights=rows.weights * rows.y, minlength=count) / total
    Q, R = np.linalg.qr(U)
    beta = np.linalg.solve(R, Q.T @ mean)
    df = count - p
    sigma = float(np.sqrt(((mean - U @ beta) ** 2).sum() / df))
    fitted = (U @ beta)[cells]
    return Method(
        name="averaged",
        parameters=float(p),
        sigma=sigma,
        df=float(df),
        fitted=fitted + rows.offset,
        row_out=_means_without_rows(rows, cells, mean, total, U @ beta, (Q**2).sum(axis=1)),
        group_out=_means_without_groups(rows, cells, U),
        terms=(),
        coef=nothing(rows),
        std_error=nothing(rows),
        shrinkage=nothing(rows),
        population=beta,
        population_error=sigma * np.sqrt((np.linalg.inv(R) ** 2).sum(axis=1)),
    )


def equal_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of X (n, p) are equal: the number of its value (n,), and the values (m, p)."""
    codes = np.zeros(len(X), dtype=np.int64)
    for column in X.T:
        values, place = np.unique(column, return_inverse=True)
        codes = np.unique(codes * len(values) + place, return_inverse=True)[1]
    first = np.unique(codes, return_index=True)[1]
    return codes, X[first]


def _means_without_rows(
    rows: Rows, cells: np.ndarray, mean: np.ndarray, total: np.ndarray, line: np.ndarray, hat: np.ndarray
) -> np.ndarray:
    """Taking a row out moves its mean, or takes the mean out where it is alone."""
    left = total[cells] - rows.weights
    alone = np.bincount(cells)[cells] == 1
    moved = rows.weights * (mean[cells] - rows.y) / np.where(alone, 1.0, left)
    shared = rows.y - line[cells] - hat[cells] * moved
    return np.where(alone, without_rows(rows.y - line[cells], hat[cells]), shared)


def _means_without_groups(rows: Rows, cells: np.ndarray, U: np.ndarray) -> np.ndarray:
    out, order = np.full(rows.n, np.nan), np.argsort(rows.codes, kind="stable")
    total = np.bincount(cells, weights=rows.weights, minlength=len(U))
    summed = np.bincount(cells, weights=rows.weights * rows.y, minlength=len(U))
    count = np.bincount(cells, minlength=len(U))
    for own in np.split(order, np.cumsum(np.bincount(rows.codes, minlength=rows.groups))[:-1]):
        at, w = cells[own], rows.weights[own]
        left = count - np.bincount(at, minlength=len(U)) > 0
        mean = (summed - np.bincount(at, weights=w * rows.y[own], minlength=len(U)))[left]
        mean = mean / (total - np.bincount(at, weights=w, minlength=len(U)))[left]
        beta, _, rank, _ = np.linalg.lstsq(U[left], mean, rcond=None)
        if rank == U.shape[1]:
            out[own] = rows.y[own] - rows.X[own] @ beta
    return out
