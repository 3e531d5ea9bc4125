"""No pooling: a regression for every group by itself."""

from __future__ import annotations

import numpy as np

from henderson.inference.pooling.groupwise import GroupRegressions, regress_by_group
from henderson.inference.pooling.one_regression import Rows, nothing, without_rows
from henderson.inference.pooling.own_lines import Columns
from henderson.inference.pooling.record import Method


def no_pooling(rows: Rows, table: Columns) -> tuple[Method, np.ndarray]:
    """Regress within every group, on the columns that vary within groups.

    Parameters
    ----------
    rows : Rows
    table : Columns
        The columns; those of the random effects are among them.

    Returns
    -------
    Method
    (G, s) object
        Why a coefficient is not determined by its group, or empty.

    Notes
    -----
    O(n p^2); leaving out a row has a closed form.
    """
    terms, own = table.terms, table.X[:, table.lines.own]
    each = regress_by_group(own, rows.y, rows.weights, rows.codes, rows.groups)
    df = int(each.df.sum())
    error = rows.y - each.fitted
    method = Method(
        name="none",
        parameters=float(each.rank.sum()),
        sigma=float(np.sqrt((rows.weights * error**2).sum() / df)) if df > 0 else np.nan,
        df=float(df),
        fitted=each.fitted + rows.offset,
        row_out=without_rows(error, each.leverage),
        group_out=np.full(rows.n, np.nan),
        terms=terms,
        coef=each.coef,
        std_error=each.std_error,
        shrinkage=nothing(rows, len(terms)),
        population=np.full(rows.X.shape[1], np.nan),
        population_error=np.full(rows.X.shape[1], np.nan),
    )
    return method, _reasons(rows, own, each, terms)


def _reasons(rows: Rows, X: np.ndarray, each: GroupRegressions, terms: tuple[str, ...]) -> np.ndarray:
    """Say of every coefficient without a value why, (G, s)."""
    out = np.full(each.coef.shape, "", dtype=object)
    size = np.bincount(rows.codes, minlength=rows.groups)
    for g, j in np.argwhere(np.isnan(each.coef)):
        own = X[rows.codes == g, j]
        if size[g] < len(terms):
            plural = "" if size[g] == 1 else "s"
            out[g, j] = f"{size[g]} row{plural} for {len(terms)} coefficients"
        elif not own.any():
            out[g, j] = f"{terms[j]} does not occur in this group"
        elif np.ptp(own) == 0:
            out[g, j] = f"{terms[j]} has one value in this group"
        else:
            out[g, j] = "not told from the other columns in this group"
    return out
