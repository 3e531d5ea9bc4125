"""Everything that a printed summary shows, gathered in one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.gathered import GatheredDesign, has_offset, is_weighted
from henderson.inference import criteria
from henderson.inference.coefficients import CoefficientTable
from henderson.inference.design_notes import repeated_terms
from henderson.inference.fixed import correlation
from henderson.inference.singular import singular_notes
from henderson.inference.varcorr import VarCorr, varcorr

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate
    from henderson.model.sampled_search import MonteCarlo


@dataclass(frozen=True, slots=True, eq=False)
class SummaryRecord:
    """Numbers and names of a printed summary.

    Attributes
    ----------
    formula : str
        As typed.
    reml : bool
        REML or maximum likelihood.
    criterion : float
        REML criterion or deviance at the estimate.
    aic, bic, loglik, deviance : float
        Information criteria; `deviance` is on the ML scale.
    df_residual, nobs, rows_dropped : int
        Residual degrees of freedom, rows used, rows left out because of missing values.
    missing : tuple of (str, int)
        Columns with missing values, and how many.
    quantiles : (5,) float64 or None
        Minimum, quartiles and maximum of the scaled residuals; None where the rows stayed elsewhere.
    varcorr : VarCorr
        Variance components.
    ngroups : tuple of (str, int)
        Grouping factors and their numbers of levels.
    coefficients : CoefficientTable
        Fixed effects, dropped columns included.
    x_names : tuple of str, length p
        Names of the kept columns.
    correlation : (p, p) float64
        Correlation of the fixed effects.
    dropped : tuple of str
        Columns left out because they are combinations of others.
    singular : tuple of str
        Sentences about lost directions.
    evaluations : int
        Evaluations of the criterion.
    converged : bool
        Whether the search ended at an optimum.
    message : str
        What the search says of its end.
    weighted, offset : bool
        Whether the model has weights, or an offset.
    where : str or None
        Where the rows stayed, of a fit made from sums of products.
    repeated : str
        Random terms that say the same twice; empty mostly.
    monte_carlo : MonteCarlo or None
        Errors left by the probes of the iterative solver.
    """

    formula: str
    reml: bool
    criterion: float
    aic: float
    bic: float
    loglik: float
    deviance: float
    df_residual: int
    nobs: int
    rows_dropped: int
    missing: tuple[tuple[str, int], ...]
    quantiles: np.ndarray | None
    varcorr: VarCorr
    ngroups: tuple[tuple[str, int], ...]
    coefficients: CoefficientTable
    x_names: tuple[str, ...]
    correlation: np.ndarray
    dropped: tuple[str, ...]
    singular: tuple[str, ...]
    evaluations: int
    converged: bool
    message: str
    weighted: bool
    offset: bool
    where: str | None = None
    repeated: str = ""
    monte_carlo: MonteCarlo | None = None


def summarise(
    design: Design,
    estimate: Estimate,
    formula: str,
    scaled: np.ndarray | None,
    coefficients: CoefficientTable,
) -> SummaryRecord:
    """Gather the summary of a fit.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    formula : str
        As typed.
    scaled : (n,) float64 or None
        Scaled residuals; None where the rows stayed elsewhere.
    coefficients : CoefficientTable
        Of the fixed effects.

    Returns
    -------
    SummaryRecord

    Notes
    -----
    Cost O(n) for the quantiles, O(p^2) for the correlations.
    """
    search = estimate.search
    return SummaryRecord(
        formula=formula,
        reml=estimate.reml,
        criterion=float(estimate.criterion),
        aic=criteria.aic(design, estimate),
        bic=criteria.bic(design, estimate),
        loglik=criteria.loglik(estimate),
        deviance=criteria.deviance(design, estimate),
        df_residual=criteria.df_residual(design, estimate),
        nobs=design.n,
        rows_dropped=design.n_input - design.n,
        missing=design.missing,
        quantiles=None if scaled is None else np.quantile(scaled, [0, 0.25, 0.5, 0.75, 1]),
        varcorr=varcorr(design, estimate),
        ngroups=tuple((g.name, len(g.levels)) for g in design.groupings),
        coefficients=coefficients,
        x_names=design.x_names,
        correlation=correlation(estimate),
        dropped=design.dropped,
        singular=singular_notes(design, estimate),
        evaluations=int(search.evaluations),
        converged=bool(search.converged),
        message=str(search.message),
        weighted=is_weighted(design),
        offset=has_offset(design),
        repeated=repeated_terms(design, estimate.cross),
        where=design.where if isinstance(design, GatheredDesign) else None,
        monte_carlo=estimate.monte_carlo,
    )
