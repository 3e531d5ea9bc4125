"""The group as a fixed effect: an intercept for every group in one regression; and the means."""

from __future__ import annotations

import numpy as np

from henderson.inference.pooling.groupwise import regress_by_group
from henderson.inference.pooling.one_regression import Rows, nothing, without_rows
from henderson.inference.pooling.own_lines import Columns
from henderson.inference.pooling.record import Method

CONSTANT = "(Intercept)"
DEPENDENT = 1e-9


def group_means(rows: Rows, p: int) -> Method:
    """Predict every row by the mean of its group, and no more."""
    alone = regress_by_group(np.ones((rows.n, 1)), rows.y, rows.weights, rows.codes, rows.groups)
    return Method(
        name="means",
        parameters=float(rows.groups),
        sigma=_sigma(rows, rows.y - alone.fitted, rows.n - rows.groups),
        df=float(rows.n - rows.groups),
        fitted=alone.fitted + rows.offset,
        row_out=without_rows(rows.y - alone.fitted, alone.leverage),
        group_out=np.full(rows.n, np.nan),
        terms=(CONSTANT,),
        coef=alone.coef,
        std_error=alone.std_error,
        shrinkage=nothing(rows, 1),
        population=np.full(p, np.nan),
        population_error=np.full(p, np.nan),
    )


def group_dummies(rows: Rows, table: Columns, constant: np.ndarray | None) -> Method:
    """One regression with an intercept for every group.

    Least squares on the columns minus their means in the group (Frisch, Waugh and Lovell), then a_g = mean(y)
    - mean(x)'beta. Without a row its residual is r / (1 - h), h = w / W_g + |q|^2.

    Parameters
    ----------
    rows : Rows
    table : Columns
        What is reported of every group.
    constant : (p,) float64 or None
        Combination of the columns that is the constant one.

    Returns
    -------
    Method
        Coefficients of columns that the intercepts repeat are in these.

    Notes
    -----
    O(n p^2).
    """
    total = np.bincount(rows.codes, weights=rows.weights, minlength=rows.groups)
    x_mean = np.column_stack([_mean(rows, column, total) for column in rows.X.T])
    y_mean = _mean(rows, rows.y, total)
    root = np.sqrt(rows.weights)
    within = (rows.X - x_mean[rows.codes]) * root[:, None]
    kept = _independent(within, rows.X * root[:, None])
    Q, R = np.linalg.qr(within[:, kept])
    p = rows.X.shape[1]
    beta = np.zeros(p)
    beta[kept] = np.linalg.solve(R, Q.T @ ((rows.y - y_mean[rows.codes]) * root))
    intercepts = y_mean - x_mean @ beta
    fitted = intercepts[rows.codes] + rows.X @ beta
    df = rows.n - rows.groups - len(kept)
    sigma = _sigma(rows, rows.y - fitted, df)
    root_cov = np.zeros((p, len(kept)))
    root_cov[kept] = np.linalg.inv(R)
    terms, L, share = _combinations(table, p, constant)
    moved = L - share[:, :, None] * x_mean[:, None, :]
    variance = (np.einsum("gsp,pk->gsk", moved, root_cov) ** 2).sum(axis=2) + share**2 / total[:, None]
    unknown = np.full(p, np.nan)
    return Method(
        name="dummies",
        parameters=float(rows.groups + len(kept)),
        sigma=sigma,
        df=float(df),
        fitted=fitted + rows.offset,
        row_out=without_rows(rows.y - fitted, rows.weights / total[rows.codes] + (Q**2).sum(axis=1)),
        group_out=np.full(rows.n, np.nan),
        terms=terms,
        coef=L @ beta + share * intercepts[:, None],
        std_error=sigma * np.sqrt(variance),
        shrinkage=nothing(rows, len(terms)),
        population=unknown,
        population_error=unknown,
    )


def _combinations(
    table: Columns, p: int, constant: np.ndarray | None
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names (s), combinations of beta (G, s, p), and the share of the group's intercept in each (G, s)."""
    L = table.lines.lines(len(table.names))[:, :, :p]
    if constant is not None:
        return table.terms, L, L @ constant
    empty, share = np.zeros((len(L), 1, p)), np.zeros(L.shape[:2])
    ones = np.ones((len(L), 1))
    terms = (CONSTANT, *table.terms)
    return terms, np.concatenate([empty, L], axis=1), np.concatenate([ones, share], axis=1)


def _mean(rows: Rows, values: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.bincount(rows.codes, weights=rows.weights * values, minlength=rows.groups) / total


def _sigma(rows: Rows, error: np.ndarray, df: int) -> float:
    return float(np.sqrt((rows.weights * error**2).sum() / df)) if df > 0 else np.nan


def _independent(within: np.ndarray, whole: np.ndarray) -> list[int]:
    """Columns of `within` (n, c) that do not depend on earlier ones; sizes are judged beside `whole`."""
    kept: list[int] = []
    Q = np.zeros((len(within), 0))
    for j, column in enumerate(within.T):
        rest = column - Q @ (Q.T @ column)
        rest = rest - Q @ (Q.T @ rest)
        length = np.sqrt((rest**2).sum())
        if length > DEPENDENT * np.sqrt((whole[:, j] ** 2).sum()):
            kept.append(j)
            Q = np.column_stack([Q, rest / length])
    return kept
