"""Leave out every fixed term in turn, as far as marginality allows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henderson import estimate as estimation
from henderson.design.assign import CONSTANT, FixedTerm, fixed_terms
from henderson.design.record import Design
from henderson.errors import DesignError, OptionError
from henderson.estimate import Estimate
from henderson.inference.hypotheses.boundary import plain_p, settled
from henderson.inference.hypotheses.lrt import maximum_likelihood
from henderson.inference.hypotheses.rebuild import keeps_coding, without_term
from henderson.inference.hypotheses.reduced import Outcome, fit_reduced, without_columns
from henderson.inference.hypotheses.restriction import restriction
from henderson.inference.small_sample import SmallSample, f_test
from henderson.inference.solver import same_search

TESTS = ("lrt", "F")


@dataclass(frozen=True, slots=True, eq=False)
class TermLikelihoods:
    """Likelihood ratio tests of fixed terms, the full model in the first row.

    Attributes
    ----------
    terms : (m,) tuple of str
        What was left out; ``<none>`` in the first row.
    npar : (m,) int64
        Parameters left out; 0 in the first row.
    loglik, aic : (m,) float64
        Of the ML fit without it.
    statistic, p_value : (m,) float64
        Likelihood ratio, chi-square with `npar` degrees of freedom; NaN in the first row.
    kept : tuple of str
        Terms that stay because an interaction with them is in the model.
    refitted : bool
        Whether the fit was a REML one.
    notes : tuple of str
        What to know beyond the numbers.
    """

    terms: tuple[str, ...]
    npar: np.ndarray
    loglik: np.ndarray
    aic: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    kept: tuple[str, ...]
    refitted: bool
    notes: tuple[str, ...]

    def columns(self) -> Mapping[str, Any]:
        """Return the table, one row per term left out."""
        df = np.where(np.isnan(self.statistic), math.nan, self.npar)
        return {
            "term": list(self.terms),
            "loglik": self.loglik,
            "aic": self.aic,
            "statistic": self.statistic,
            "df": df,
            "p_value": self.p_value,
        }


@dataclass(frozen=True, slots=True, eq=False)
class TermFTests:
    """F tests of the fixed terms that can be left out.

    Attributes
    ----------
    terms : (m,) tuple of str
        What is tested.
    statistic, num_df, den_df, p_value : (m,) float64
        F and its degrees of freedom.
    ddf : str
        How `den_df` was found.
    kept : tuple of str
        Terms that stay because an interaction with them is in the model.
    note : str
        What to know of the degrees of freedom; empty mostly.
    """

    terms: tuple[str, ...]
    statistic: np.ndarray
    num_df: np.ndarray
    den_df: np.ndarray
    p_value: np.ndarray
    ddf: str
    kept: tuple[str, ...]
    note: str = ""

    def columns(self) -> Mapping[str, Any]:
        """Return the table, one row per term."""
        names = ("statistic", "num_df", "den_df", "p_value")
        return {"term": list(self.terms), **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a design can be made from again.

    Attributes
    ----------
    data : data frame or None
    env : mapping or None
    """

    data: object = None
    env: Mapping[str, Any] | None = None


def scope(design: Design) -> tuple[tuple[FixedTerm, ...], tuple[str, ...]]:
    """Return the terms that may be left out, and the names of those that interactions hold.

    Raises
    ------
    DesignError
        There is nothing to leave out.
    """
    terms = [t for t in fixed_terms(design) if t.name != CONSTANT]
    free = [t for t in terms if not any(set(t.variables) < set(other.variables) for other in terms)]
    free = [t for t in free if len(t.columns)]
    if not free:
        raise DesignError(
            f"The fixed part of {design.response} ~ … has the constant only, so drop1() has no term to leave "
            "out; ranova() tests the random terms."
        )
    return tuple(free), tuple(t.name for t in terms if t not in free and len(t.columns))


def drop_by_likelihood(design: Design, estimate: Estimate, given: Given) -> TermLikelihoods:
    """Refit without every term by maximum likelihood.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit; a REML fit is refitted by maximum likelihood first.
    given : Given
        The caller's data, for terms without which others would be coded anew.

    Returns
    -------
    TermLikelihoods

    Notes
    -----
    One search per term, from the cross-products of the fit; only where other terms would be coded anew are
    the rows read again.
    """
    free, held = scope(design)
    whole = maximum_likelihood(estimate)
    found = [_without(design, whole, term, given) for term in free]
    full = design.p + len(estimate.theta) + 1
    lost = [full - o.npar for o in found]
    statistic = [settled(o.criterion - whole.criterion, whole.criterion) for o in found]
    values = np.array([whole.criterion, *(o.criterion for o in found)])
    npar = np.array([full, *(o.npar for o in found)])
    stopped = [t.name for t, o in zip(free, found, strict=True) if not o.converged]
    return TermLikelihoods(
        terms=("<none>", *(t.name for t in free)),
        npar=full - npar,
        loglik=-values / 2,
        aic=values + 2 * npar,
        statistic=np.array([math.nan, *statistic]),
        p_value=np.array([math.nan, *(plain_p(t, k) for t, k in zip(statistic, lost, strict=True))]),
        kept=held,
        refitted=estimate.reml,
        notes=(f"Without {', '.join(stopped)} the search stopped before an optimum.",) if stopped else (),
    )


def drop_by_f(design: Design, sample: SmallSample, given: Given) -> TermFTests:
    """Test every term by F, without refitting.

    Parameters
    ----------
    design : Design
    sample : SmallSample
        Of the fit.
    given : Given
        The caller's data, for terms without which others would be coded anew.

    Returns
    -------
    TermFTests
    """
    free, held = scope(design)
    tests = [f_test(sample, _hypothesis(design, term, given)) for term in free]
    return TermFTests(
        terms=tuple(t.name for t in free),
        statistic=np.array([t.statistic for t in tests]),
        num_df=np.array([float(t.num_df) for t in tests]),
        den_df=np.array([t.den_df for t in tests]),
        p_value=np.array([t.p_value for t in tests]),
        ddf=sample.ddf,
        kept=held,
        note=sample.note,
    )


def check_test(test: object) -> str:
    """Return the test asked for, or say which there are."""
    test = {"chisq": "lrt", "lr": "lrt", "lrt": "lrt", "f": "F"}.get(str(test).lower(), test)
    if test not in TESTS:
        raise OptionError(
            f"drop1(test={test!r}): choose 'lrt' (refits by maximum likelihood) or 'F' (no refits, with "
            "ddf=)."
        )
    return str(test)


def _without(design: Design, whole: Estimate, term: FixedTerm, given: Given) -> Outcome:
    smaller = without_columns(whole.cross, term.columns)
    if smaller is not None and keeps_coding(design, fixed_terms(design), term):
        fit = fit_reduced(smaller, whole, reml=False)
        return Outcome(fit.criterion, smaller.p + smaller.n_theta + 1, fit.search.converged)
    rest = _rest(design, term, given)
    fit = estimation.fit(rest, reml=False, **same_search(whole))
    return Outcome(fit.criterion, rest.p + len(fit.theta) + 1, fit.search.converged)


def _hypothesis(design: Design, term: FixedTerm, given: Given) -> np.ndarray:
    if keeps_coding(design, fixed_terms(design), term):
        return np.eye(design.p)[term.columns]
    return restriction(_rest(design, term, given).X, design.X)


def _rest(design: Design, term: FixedTerm, given: Given) -> Design:
    if not keeps_coding(design, fixed_terms(design), term):
        return without_term(design, term, given.data, given.env)
    keep = np.setdiff1d(np.arange(design.p), term.columns)
    return replace(
        design,
        X=np.asfortranarray(design.X[:, keep]),
        x_names=tuple(design.x_names[j] for j in keep),
        intercept=None if design.intercept is None else int(np.searchsorted(keep, design.intercept)),
    )
