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
from henderson.inference.solver import search_by_factor
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

    Where groups lie in others (locations in counties), the effects of those are added: beta + b_g + b_h(g).
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
    X, Z = L[:, :, : design.p], {h: L @ effects for h, effects in table.effects.items()}
    at = levels_around(design, f, tuple(Z))
    own = sum(np.einsum("gtk,gk->gt", Z[h], estimate.b[h][at[h]]) for h in Z)
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
        coef=X @ estimate.beta + own,
        std_error=_errors(design, estimate, at, X, Z),
        shrinkage=_shrinkage(design, estimate, f, Z[f], conditional),
        population=estimate.beta,
        population_error=np.sqrt(np.diag(estimate.vcov)),
    )


def levels_around(design: Design, f: int, groupings: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Level (G,) of each of some groupings in which every group of `f` lies; its own for `f`."""
    first = np.unique(design.groupings[f].codes, return_index=True)[1]
    return {h: design.groupings[h].codes[first].astype(np.int32) for h in groupings}


def _errors(
    design: Design, estimate: Estimate, at: dict[int, np.ndarray], X: np.ndarray, Z: dict[int, np.ndarray]
) -> np.ndarray:
    """Standard errors (G, t) of x'(beta_hat - beta) + z'(b_hat - b)."""
    groups, t = X.shape[:2]
    r = groups * t
    flat = {h: part.reshape(r, -1) for h, part in Z.items()}
    X, nowhere = X.reshape(r, -1), np.full(r, -1, dtype=np.int32)
    missing = np.isnan(X).any(axis=1) | np.any([np.isnan(part).any(axis=1) for part in flat.values()], axis=0)
    rows = NewRows(
        X=X,
        codes=tuple(np.repeat(at[h], t) if h in at else nowhere for h in range(len(design.groupings))),
        labels=(None,) * len(design.groupings),
        columns=tuple(
            tuple(np.nan_to_num(flat[term.grouping][:, cut]).T)
            if term.grouping in flat
            else tuple(np.zeros((term.k, r)))
            for term, cut in zip(design.terms, term_slices(design), strict=True)
        ),
        offset=np.zeros(r),
        weights=np.ones(r),
        missing=missing,
    )
    variance = known_variance(design, estimate, rows, tuple(at))
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
                system=system,
                **search_by_factor(estimate),
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
