"""Conditional covariance of the random effects and leverages, from the inverse on the pattern of Z'WZ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.solver import refuse_iterative

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

_ROWS_AT_ONCE = 1 << 16


def conditional_covariance(estimate: Estimate) -> tuple[np.ndarray, ...]:
    """Covariance of the random effects of each level given the data, theta and beta.

    Var(b_g | y) = sigma^2 Lambda (Omega^-1)_gg Lambda' (lme4's ``condVar``; Bates et al. 2015, eq. 58).

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    tuple of (levels, K, K)
        One array per grouping, in squared units of the response.

    Raises
    ------
    FitError
        Of an iterative fit.

    Notes
    -----
    One selected inverse: about two factorisations.
    """
    refuse_iterative(
        estimate,
        "Conditional covariances of the random effects",
        "The effects themselves are there: fit.ranef['group'].values or .to_frame().",
    )
    diagonal, _ = estimate.factor.selected()
    return tuple(
        estimate.sigma**2 * np.einsum("ab,lbc,dc->lad", lam, block, lam)
        for lam, block in zip(estimate.grouping_lambdas, diagonal, strict=True)
    )


def hat_values(design: Design, estimate: Estimate) -> np.ndarray:
    """Leverages: the diagonal of the matrix that maps the response to the fitted values.

    h_i = w_i (z'Lambda Omega^-1 Lambda'z + |R_X^-T (x - X'WZ Lambda Omega^-1 Lambda'z)|^2); their sum is the
    effective number of parameters of the mean.

    Parameters
    ----------
    design : Design
    estimate : Estimate

    Returns
    -------
    (n,)

    Raises
    ------
    FitError
        Of an iterative fit.

    Notes
    -----
    One selected inverse and p solves; O(n (K^2 + K p)) beyond that, because the levels that meet in a row are
    neighbours in the pattern of Z'WZ.
    """
    refuse_iterative(estimate, "Leverages", "Residuals without them are there: fit.residuals('scaled').")
    diagonal, off_diagonal = estimate.factor.selected()
    zx = estimate.zx
    inverse_rx = np.linalg.inv(estimate.RX)
    starts = np.cumsum(
        [0, *(l * k for l, k in zip(estimate.cross.levels, estimate.cross.columns, strict=True))]
    )
    out = np.empty(design.n)
    for first in range(0, design.n, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, design.n))
        z = spherical_columns(design, estimate, rows)
        codes = [g.codes[rows].astype(np.int64) for g in design.groupings]
        h = sum(np.einsum("na,nab,nb->n", zf, S[c], zf) for zf, S, c in zip(z, diagonal, codes, strict=True))
        for pair, S in zip(estimate.cross.pairs, off_diagonal, strict=True):
            entry = _entries(
                pair.start,
                pair.partner,
                estimate.cross.levels[pair.second],
                codes[pair.first],
                codes[pair.second],
            )
            h += 2 * np.einsum("na,nab,nb->n", z[pair.first], S[entry], z[pair.second])
        rest = design.X[rows].copy()
        for f, (zf, c) in enumerate(zip(z, codes, strict=True)):
            block = zx[starts[f] : starts[f + 1]].reshape(
                estimate.cross.levels[f], estimate.cross.columns[f], -1
            )
            rest -= np.einsum("na,nap->np", zf, block[c])
        out[rows] = h + ((rest @ inverse_rx) ** 2).sum(axis=1)
    return out if design.weights is None else out * design.weights


def spherical_columns(design: Design, estimate: Estimate, rows: slice) -> list[np.ndarray]:
    """(rows, K) Lambda'z of every grouping: the coefficients of u in the linear predictor."""
    columns: list[list[np.ndarray]] = [[] for _ in design.groupings]
    for term in design.terms:
        columns[term.grouping].extend(c[rows] for c in term.columns)
    return [np.column_stack(c) @ lam for c, lam in zip(columns, estimate.grouping_lambdas, strict=True)]


def _entries(
    start: np.ndarray, partner: np.ndarray, levels: int, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Where the pair (first, second) of every row stands in the compressed rows."""
    row = np.repeat(np.arange(len(start) - 1), np.diff(start))
    return np.searchsorted(row * levels + partner, first * levels + second)
