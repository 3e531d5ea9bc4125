"""Drop every random term in turn: likelihood ratio tests of the random effects."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.design.record import Design, RandomTerm
from henderson.estimate import Estimate
from henderson.formula import TermList, read_formula
from henderson.inference import criteria
from henderson.inference.hypotheses.boundary import mixture_p, plain_p, settled
from henderson.inference.hypotheses.reduced import Outcome, outcome, with_terms
from henderson.inference.solver import criterion_note

CONSTANT = "(Intercept)"


@dataclass(frozen=True, slots=True, eq=False)
class Deletion:
    """One thing to leave out of the random part.

    Attributes
    ----------
    label : str
        ``(1 | Subject)``, or ``Days in (1 + Days | Subject)``.
    term : int
        The random term it is taken from.
    map : (k, k') float64 or None
        What is left of the term's columns, as combinations of them; None for nothing.
    """

    label: str
    term: int
    map: np.ndarray | None


@dataclass(frozen=True, slots=True, eq=False)
class RandomTermTests:
    """Likelihood ratio tests of the random terms, the full model in the first row.

    Attributes
    ----------
    terms : (m,) tuple of str
        What was left out; ``<none>`` in the first row.
    npar : (m,) int64
        Parameters: fixed effects, theta and sigma.
    loglik, aic : (m,) float64
        Of the model without it.
    statistic : (m,) float64
        Likelihood ratio; NaN in the first row.
    df : (m,) float64
        Parameters left out.
    p_value : (m,) float64
        By the chi-square distribution.
    p_boundary : (m,) float64
        By 0.5 chi2_{df-1} + 0.5 chi2_df where one variance is left out, else NaN.
    reml : bool
        Which likelihood.
    notes : tuple of str
        What to know beyond the numbers.
    """

    terms: tuple[str, ...]
    npar: np.ndarray
    loglik: np.ndarray
    aic: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    p_boundary: np.ndarray
    reml: bool
    notes: tuple[str, ...]

    def columns(self) -> Mapping[str, Any]:
        """Return the table, one row per term left out."""
        names = ("npar", "loglik", "aic", "statistic", "df", "p_value", "p_boundary")
        return {"term": list(self.terms), **{name: getattr(self, name) for name in names}}


def random_term_tests(design: Design, estimate: Estimate, *, reduce_terms: bool = True) -> RandomTermTests:
    """Test every random term by the likelihood ratio with the model without it.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit; its criterion (REML or ML) is kept.
    reduce_terms : bool, default True
        Take slopes out of a term one by one: ``(Days | Subject)`` becomes ``(1 | Subject)``, and
        ``(0 + f | g)`` with a factor f becomes ``(1 | g)``. With False terms go as a whole.

    Returns
    -------
    RandomTermTests

    Notes
    -----
    One search per row, all from the cross-products of the fit. A term goes only where no interaction with it
    remains.
    """
    deletions = random_deletions(design, reduce_terms=reduce_terms)
    found = [_without(design, estimate, deletion) for deletion in deletions]
    full = criteria.df(design, estimate)
    npar = np.array([full, *(o.npar for o in found)])
    values = np.array([estimate.criterion, *(o.criterion for o in found)])
    statistic = [math.nan, *(settled(o.criterion - estimate.criterion, estimate.criterion) for o in found)]
    df = [math.nan, *(float(full - o.npar) for o in found)]
    lost = [design.terms[d.term].k - (0 if d.map is None else d.map.shape[1]) for d in deletions]
    tests = list(zip(statistic[1:], df[1:], lost, strict=True))
    return RandomTermTests(
        terms=("<none>", *(d.label for d in deletions)),
        npar=npar,
        loglik=-values / 2,
        aic=values + 2 * npar,
        statistic=np.array(statistic),
        df=np.array(df),
        p_value=np.array([math.nan, *(plain_p(t, int(d)) for t, d, _ in tests)]),
        p_boundary=np.array([math.nan, *(mixture_p(t, int(d), k) for t, d, k in tests)]),
        reml=estimate.reml,
        notes=(*_notes(list(deletions), found, lost), *criterion_note(estimate)),
    )


def _without(design: Design, estimate: Estimate, deletion: Deletion) -> Outcome:
    maps = [deletion.map if i == deletion.term else np.eye(term.k) for i, term in enumerate(design.terms)]
    return outcome(with_terms(estimate.cross, maps), estimate, reml=estimate.reml)


def _notes(deletions: list[Deletion], found: list[Outcome], lost: list[int]) -> list[str]:
    out = []
    several = [d.label for d, k in zip(deletions, lost, strict=True) if k > 1]
    if several:
        out.append(
            f"{', '.join(several)}: more than one variance is left out, so the chi-square p-value is too "
            "large and no mixture with known weights holds."
        )
    stopped = [d.label for d, o in zip(deletions, found, strict=True) if not o.converged]
    if stopped:
        out.append(f"Without {', '.join(stopped)} the search stopped before an optimum.")
    return out


def random_deletions(design: Design, *, reduce_terms: bool = True) -> tuple[Deletion, ...]:
    """List what can be left out of the random part, in the order of the formula.

    Parameters
    ----------
    design : Design
    reduce_terms : bool, default True
        Whether slopes go one by one, or terms as a whole.

    Returns
    -------
    tuple of Deletion
    """
    spec = design.spec
    if spec is None:
        return tuple(
            Deletion(f"({' + '.join(t.names)} | {design.groupings[t.grouping].name})", i, None)
            for i, t in enumerate(design.terms)
        )
    parts = read_formula(spec.formula, frozenset(spec.env), spec.dot).random
    places = [place for place, _ in spec.terms]
    out: list[Deletion] = []
    for i in sorted(range(len(places)), key=places.__getitem__):
        out += _of_term(design, i, parts[places[i]].terms, reduce_terms)
    return tuple(out)


def _of_term(design: Design, i: int, terms: TermList, reduce_terms: bool) -> list[Deletion]:
    term = design.terms[i]
    names = [":".join(terms.variables[v].name for v in each) for each in terms.terms]
    whole = f"({' + '.join([str(int(terms.intercept))] * (terms.intercept or bool(names)) + names)} | "
    whole += f"{design.groupings[term.grouping].name})"
    if not names or not reduce_terms:
        return [Deletion(whole, i, None)]
    owner = _owners(term, terms)
    out = []
    for t, each in enumerate(terms.terms):
        if any(set(each) < set(other) for other in terms.terms):
            continue  # an interaction with it remains
        keep = [j for j in range(term.k) if owner[j] != t]
        rest = np.eye(term.k)[:, keep] if keep else _constant(design, i)
        if keep and _passes_on_the_constant(design, terms, t) and (one := _combination(term)) is not None:
            rest = np.column_stack([one, np.eye(term.k)[:, keep]])
        out.append(Deletion(f"{names[t]} in {whole}", i, rest))
    return out


def _passes_on_the_constant(design: Design, terms: TermList, t: int) -> bool:
    """Whether a factor stands in for the constant, and another would: ``0 + a + b`` without a."""
    assert design.spec is not None
    known = design.spec.levels
    with_factor = [
        i for i, each in enumerate(terms.terms) if any(terms.variables[v].name in known for v in each)
    ]
    return not terms.intercept and len(with_factor) > 1 and with_factor[0] == t


def _owners(term: RandomTerm, terms: TermList) -> list[int]:
    """Which of the terms each column comes from, -1 for the constant, by the names of the columns."""
    variables = [[terms.variables[v].name for v in each] for each in terms.terms]
    patterns = [re.compile(".*:".join(map(re.escape, each)) + ".*", re.DOTALL) for each in variables]
    out = []
    for name in term.names:
        exact = [t for t, each in enumerate(variables) if ":".join(each) == name]
        match = exact or [t for t, pattern in enumerate(patterns) if pattern.fullmatch(name)]
        out.append(max(match, key=lambda t: (len(variables[t]), sum(map(len, variables[t]))), default=-1))
    return out


def _constant(design: Design, i: int) -> np.ndarray | None:
    """(k, 1) weights that add a term up to the constant; None if none do, or another term has it."""
    term = design.terms[i]
    beside = [t for j, t in enumerate(design.terms) if j != i and t.grouping == term.grouping]
    if any(CONSTANT in t.names for t in beside):
        return None
    return _combination(term)


def _combination(term: RandomTerm) -> np.ndarray | None:
    """(k, 1) weights with which the columns of a term add up to the constant; None if there are none."""
    Z = np.column_stack(term.columns)
    a = np.linalg.lstsq(Z.T @ Z, Z.sum(axis=0), rcond=None)[0]
    return a[:, None] if float(np.abs(Z @ a - 1).max()) < 1e-9 else None
