"""Partial pooling: what the mixed model says of every group, and how it predicts what it has not seen."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from henderson.crossprod.deletion import Deletions
from henderson.errors import FitError, HendersonWarning
from henderson.estimate import Estimate, fit_cross_products
from henderson.inference.influence.groups import not_determined
from henderson.inference.layout import term_slices
from henderson.inference.pooling.one_regression import without_rows
from henderson.inference.pooling.own_lines import Columns
from henderson.inference.pooling.record import Method
from henderson.inference.rows import NewRows
from henderson.inference.variance import factor_of, known_variance
from henderson.progress import progress
from henderson.solve.direct import analyse
from henderson.solve.threads import NO_BLAS_BELOW, blas_threads_for

if TYPE_CHECKING:
    from henderson.design.record import Design


def partial_pooling(
    design: Design,
    estimate: Estimate,
    f: int,
    table: Columns,
    fitted: np.ndarray,
    hat: np.ndarray,
    conditional: np.ndarray,
    refit: bool,
) -> Method:
    """Coefficients beta + b_g of every group, and predictions of rows and groups left out.

    Without a row (theta held) its residual is r / (1 - h), h its leverage; without a group the model is
    fitted again from the cross-products less those of the group.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    f : int
        The grouping.
    table : Columns
        What is reported of every group.
    fitted, hat : (n,) float64
        Fitted values and leverages.
    conditional : (G, K, K) float64
        Conditional covariances of the group's effects.
    refit : bool
        Whether to fit without each group; otherwise that column is NaN.

    Returns
    -------
    Method
    """
    L = table.lines.lines(len(table.names))
    X, Z = L[:, :, : design.p], L @ table.effects
    error = design.y - fitted
    return Method(
        name="partial",
        parameters=float(hat.sum()),
        sigma=estimate.sigma,
        df=np.nan,
        fitted=fitted,
        row_out=without_rows(error, hat),
        group_out=without_each_group(design, estimate, f) if refit else np.full(design.n, np.nan),
        terms=table.terms,
        coef=X @ estimate.beta + np.einsum("gtk,gk->gt", Z, estimate.b[f]),
        std_error=_errors(design, estimate, f, X, Z),
        shrinkage=_shrinkage(design, estimate, f, Z, conditional),
        population=estimate.beta,
        population_error=np.sqrt(np.diag(estimate.vcov)),
    )


def _errors(design: Design, estimate: Estimate, f: int, X: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Standard errors (G, t) of x'(beta_hat - beta) + z'(b_hat - b)."""
    groups, t = X.shape[:2]
    r = groups * t
    flat, nowhere = Z.reshape(r, -1), np.full(r, -1, dtype=np.int32)
    X = X.reshape(r, -1)
    missing = np.isnan(X).any(axis=1) | np.isnan(flat).any(axis=1)
    rows = NewRows(
        X=X,
        codes=tuple(
            np.repeat(np.arange(groups, dtype=np.int32), t) if i == f else nowhere
            for i in range(len(design.groupings))
        ),
        labels=(None,) * len(design.groupings),
        columns=tuple(
            tuple(np.nan_to_num(flat[:, cut]).T) if term.grouping == f else tuple(np.zeros((term.k, r)))
            for term, cut in zip(design.terms, term_slices(design), strict=True)
        ),
        offset=np.zeros(r),
        weights=np.ones(r),
        missing=missing,
    )
    variance = known_variance(design, estimate, rows, (f,))
    return np.where(missing, np.nan, np.sqrt(np.maximum(variance, 0.0))).reshape(groups, t)


def _shrinkage(
    design: Design, estimate: Estimate, f: int, Z: np.ndarray, conditional: np.ndarray
) -> np.ndarray:
    """Conditional over prior variance of z'b_g (G, t): 1 where the group has no effect of its own."""
    root = factor_of(design, estimate, f)
    prior = estimate.sigma**2 * ((Z @ root) ** 2).sum(axis=2)
    left = np.einsum("gtj,gjk,gtk->gt", Z, conditional, Z)
    return np.where(prior > 0, left / np.where(prior > 0, prior, 1.0), 1.0)


def without_each_group(design: Design, estimate: Estimate, f: int) -> np.ndarray:
    """Errors (n,) of predicting every group's rows by the model fitted to the other groups.

    NaN for groups without which the model is not determined.

    Notes
    -----
    About four evaluations of the criterion for every group, from cross-products: the rows are passed once. A
    progress bar after one second.
    """
    grouping = design.groupings[f]
    work = Deletions(design, estimate.cross, grouping.codes.astype(np.int64), len(grouping.levels))
    system = analyse(work.cross)
    out, bar = np.full(design.n, np.nan), progress(len(grouping.levels), f"without each {grouping.name}")
    # Many small problems in a row: threads would cost more than they bring, however small the tail.
    with blas_threads_for(max(estimate.factor.tail, NO_BLAS_BELOW)):
        for g in range(len(grouping.levels)):
            rows = work.rows(g)
            with work.without(g) as (cross, levels):
                if not not_determined(design, estimate.cross, cross, levels):
                    out[rows] = _prediction_errors(design, estimate, cross, system, rows)
            bar.update(1)
    bar.close()
    return out


def _prediction_errors(
    design: Design, estimate: Estimate, cross: object, system: object, rows: np.ndarray
) -> np.ndarray:
    """Errors of the rows by the model of `cross`; levels without rows left have effects of zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HendersonWarning)
        try:
            one = fit_cross_products(
                cross,  # type: ignore[arg-type]
                estimate.theta_names,
                reml=estimate.reml,
                start=estimate.theta,
                max_evaluations=estimate.search.max_evaluations,
                tol=estimate.search.tol,
                system=system,
            )
        except (FitError, np.linalg.LinAlgError):
            return np.full(len(rows), np.nan)
    out = design.y[rows] - design.X[rows] @ one.beta
    if design.offset is not None:
        out = out - design.offset[rows]
    for term, cut in zip(design.terms, term_slices(design), strict=True):
        effects = one.b[term.grouping][:, cut][design.groupings[term.grouping].codes[rows]]
        out = out - sum(c[rows] * e for c, e in zip(term.columns, effects.T, strict=True))
    return np.asarray(out)
