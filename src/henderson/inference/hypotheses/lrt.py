"""Likelihood ratio tests between fitted models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from henderson import estimate as estimation
from henderson.design.record import Design
from henderson.errors import OptionError
from henderson.estimate import Estimate
from henderson.inference import criteria
from henderson.inference.hypotheses.boundary import mixture_p, plain_p, settled
from henderson.inference.hypotheses.nesting import Nesting, check_same_data, nesting, same_mean
from henderson.inference.hypotheses.simulated import Pair, check_n_sim, simulated_p, simulated_statistics
from henderson.inference.solver import criterion_error, criterion_note, same_search

SURELY = 3.0
"""Monte Carlo errors by which a larger model must fit worse before its search is blamed."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One model of a comparison.

    Attributes
    ----------
    name : str
        What to call it.
    formula : str
        As typed.
    design : Design
    estimate : Estimate
    """

    name: str
    formula: str
    design: Design
    estimate: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class LikelihoodRatios:
    """Models in order of size, each compared with the one before it.

    Attributes
    ----------
    models, formulas : (m,) tuple of str
    npar : (m,) int64
        Parameters: fixed effects, theta and sigma.
    aic, bic, loglik, deviance : (m,) float64
        Of the likelihood compared.
    statistic : (m,) float64
        2 (loglik - loglik of the model before); NaN in the first row.
    df : (m,) float64
        Difference of `npar`; NaN in the first row.
    p_value : (m,) float64
        By the chi-square distribution with `df`.
    p_boundary : (m,) float64
        By the mixture 0.5 chi2_{df-1} + 0.5 chi2_df where exactly one variance is tested, else NaN.
    p_simulated : (m,) float64
        From responses simulated under the smaller model; NaN where none were.
    zero_variances : (m,) tuple of int or None
        Variances that the smaller model sets to zero.
    restricted : bool
        Whether REML likelihoods were compared.
    refitted : int
        How many REML fits were refitted by maximum likelihood.
    n_sim : int
        Responses simulated for every comparison.
    notes : tuple of str
        What to know beyond the numbers.
    seed : int or None
        Of the simulated responses.
    """

    models: tuple[str, ...]
    formulas: tuple[str, ...]
    npar: np.ndarray
    aic: np.ndarray
    bic: np.ndarray
    loglik: np.ndarray
    deviance: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    p_boundary: np.ndarray
    p_simulated: np.ndarray
    zero_variances: tuple[int | None, ...]
    restricted: bool
    refitted: int
    n_sim: int
    notes: tuple[str, ...]
    seed: int | None = None

    def columns(self) -> Mapping[str, Any]:
        """Return the table, one row per model."""
        names = ["npar", "aic", "bic", "loglik", "deviance", "statistic", "df", "p_value", "p_boundary"]
        names += ["p_simulated"] if self.n_sim else []
        return {"model": list(self.models), **{name: getattr(self, name) for name in names}}


def likelihood_ratios(
    models: Sequence[Candidate],
    *,
    refit: bool = True,
    n_sim: int = 0,
    seed: int | None = None,
    n_jobs: int | None = None,
) -> LikelihoodRatios:
    """Compare nested models of the same data by their likelihoods.

    t = 2 (l_1 - l_0), chi-square with the difference of the numbers of parameters when the smaller model is
    true and no variance is zero in it.

    Parameters
    ----------
    models : sequence of Candidate
        Two or more, in any order.
    refit : bool, default True
        Refit REML fits by maximum likelihood; False compares REML likelihoods as they are.
    n_sim : int, default 0
        Responses to simulate under the smaller model of every comparison.
    seed : int or None
        Makes them repeatable.
    n_jobs : int or None
        Threads.

    Returns
    -------
    LikelihoodRatios

    Raises
    ------
    DataError
        The models are of different rows, responses, weights or offsets.
    DesignError
        One model is no special case of the next larger one.
    OptionError
        Fewer than two models; two of the same size; ``refit=False`` with REML and ML fits together, or with
        REML fits whose fixed effects differ.

    Notes
    -----
    A refit starts from the cross-products of the fit and does not go back to the rows. Checks of nesting cost
    O(n p^2).
    """
    count, ordered = check_n_sim(n_sim), _by_size(models)
    for small, large in pairwise(ordered):
        check_same_data(small.design, large.design, (small.name, large.name))
    if not refit:
        _check_comparable(ordered)
    steps = [
        nesting(small.design, large.design, (small.name, large.name)) for small, large in pairwise(ordered)
    ]
    estimates = [maximum_likelihood(m.estimate) if refit else m.estimate for m in ordered]
    fits = [(m.design, e) for m, e in zip(ordered, estimates, strict=True)]
    draws = [
        simulated_statistics(Pair(*pair), count, seed, i, n_jobs)
        for i, pair in enumerate(pairwise(fits))
        if count
    ]
    return replace(_table(ordered, estimates, steps, refit, draws), seed=seed if count else None)


def maximum_likelihood(estimate: Estimate) -> Estimate:
    """Return the ML fit of the same design from its cross-products (itself if it is one)."""
    return estimate if not estimate.reml else again(estimate, reml=False)


def again(estimate: Estimate, *, reml: bool) -> Estimate:
    """Fit the same cross-products anew, with the limits of the first search."""
    return estimation.fit_cross_products(
        estimate.cross,
        estimate.theta_names,
        reml=reml,
        system=estimate.system,
        **same_search(estimate),
    )


def _by_size(models: Sequence[Candidate]) -> list[Candidate]:
    if len(models) < 2:
        raise OptionError(
            f"A likelihood ratio compares two fits or more; got {len(models)}. Type: hd.lrt(fit0, fit1)."
        )
    ordered = sorted(models, key=lambda m: criteria.df(m.design, m.estimate))
    for small, large in pairwise(ordered):
        if _same(small, large):
            raise OptionError(
                f"{small.name} and {large.name} are the same model, {large.formula}, so there is nothing to "
                "test. Give a smaller one, such as one without a term."
            )
        if (size := criteria.df(small.design, small.estimate)) == criteria.df(large.design, large.estimate):
            raise OptionError(
                f"{small.name} and {large.name} have {size} parameters each, so neither is a special case of "
                "the other and no degrees of freedom are left for a test. Compare their .aic instead."
            )
    return ordered


def _same(a: Candidate, b: Candidate) -> bool:
    """Whether two fits, by REML or ML, are of one model."""
    if a.design is b.design:
        return True
    terms = [[(d.groupings[t.grouping].name, t.names) for t in d.terms] for d in (a.design, b.design)]
    return a.formula == b.formula and a.design.x_names == b.design.x_names and terms[0] == terms[1]


def _check_comparable(models: Sequence[Candidate]) -> None:
    kinds = {m.estimate.reml for m in models}
    if len(kinds) == 2:
        reml = ", ".join(m.name for m in models if m.estimate.reml)
        raise OptionError(
            f"refit=False, but {reml} is a REML fit and others are ML fits: these likelihoods cannot be "
            "compared. Leave refit out, or give fits of one kind (.with_ml(), .with_reml())."
        )
    if kinds == {True}:
        for small, large in pairwise(models):
            if not same_mean(small.design, large.design):
                raise OptionError(
                    f"refit=False, but the REML fits {small.name} and {large.name} differ in their fixed "
                    "effects: REML likelihoods are of the response with its fixed effects taken out, so "
                    "these are of different numbers. Leave refit out to compare them by maximum likelihood."
                )


def _table(
    models: list[Candidate],
    estimates: list[Estimate],
    steps: list[Nesting],
    refit: bool,
    draws: list[np.ndarray],
) -> LikelihoodRatios:
    deviance = np.array([e.criterion for e in estimates])
    statistic = [math.nan, *(settled(a - b, a) for a, b in pairwise(deviance.tolist()))]
    zero = (None, *(step.zero_variances for step in steps))
    df = [math.nan, *(float(step.df) for step in steps)]
    pairs = list(zip(statistic[1:], steps, strict=True))
    return LikelihoodRatios(
        models=tuple(m.name for m in models),
        formulas=tuple(m.formula for m in models),
        npar=np.array([criteria.df(m.design, e) for m, e in zip(models, estimates, strict=True)]),
        aic=np.array([criteria.aic(m.design, e) for m, e in zip(models, estimates, strict=True)]),
        bic=np.array([criteria.bic(m.design, e) for m, e in zip(models, estimates, strict=True)]),
        loglik=-deviance / 2,
        deviance=deviance,
        statistic=np.array(statistic),
        df=np.array(df),
        p_value=np.array([math.nan, *(plain_p(t, step.df) for t, step in pairs)]),
        p_boundary=np.array([math.nan, *(mixture_p(t, step.df, step.zero_variances) for t, step in pairs)]),
        p_simulated=np.array(
            [math.nan, *(map(simulated_p, statistic[1:], draws) if draws else [math.nan] * len(steps))]
        ),
        zero_variances=zero,
        restricted=estimates[0].reml,
        refitted=sum(m.estimate.reml for m in models) if refit else 0,
        n_sim=len(draws[0]) if draws else 0,
        notes=tuple(_notes(models, estimates, steps, statistic[1:], bool(draws)) + _failures(draws)),
    )


def _failures(draws: list[np.ndarray]) -> list[str]:
    failed = sum(int(np.isnan(each).sum()) for each in draws)
    return [f"{failed} simulated responses could not be fitted and are left out."] if failed else []


def _notes(
    models: list[Candidate],
    estimates: list[Estimate],
    steps: list[Nesting],
    statistics: list[float],
    simulated: bool,
) -> list[str]:
    out = []
    for i, (step, t) in enumerate(zip(steps, statistics, strict=True)):
        small, large = models[i].name, models[i + 1].name
        if (step.zero_variances or 0) > 1:
            out.append(
                f"{small} sets {step.zero_variances} variances of {large} to zero: the chi-square p-value is "
                "too large, and no mixture with known weights "
                f"holds.{'' if simulated else ' n_sim=1000 simulates one.'}"
            )
        if step.zero_variances is None:
            out.append(
                f"{large} can describe one covariance in several ways; its parameters are counted as typed."
            )
        if step.zero_variances == 1 and estimates[i].singular:
            out.append(f"{small} has a variance of zero itself, which the mixture does not allow for.")
        if t < -SURELY * criterion_error(*estimates):
            out.append(
                f"{large} fits worse than {small}, which it contains: its search has not reached the optimum."
            )
    stopped = [m.name for m, e in zip(models, estimates, strict=True) if not e.search.converged]
    if stopped:
        out.append(f"The search of {', '.join(stopped)} stopped before an optimum.")
    return out + criterion_note(*estimates)
