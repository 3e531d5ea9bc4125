"""Exact (restricted) likelihood ratio test of one variance, by simulating its spectral form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.design.record import Design
from henderson.errors import OptionError
from henderson.estimate import Estimate
from henderson.inference.hypotheses.boundary import mixture_p, settled
from henderson.inference.hypotheses.lrt import again
from henderson.inference.hypotheses.null_distribution import null_draws, spectrum
from henderson.inference.hypotheses.ranova import random_deletions
from henderson.inference.hypotheses.reduced import outcome, with_terms
from henderson.inference.intervals.bootstrap import fresh_seed, seed_number
from henderson.inference.simulate import generator


@dataclass(frozen=True, slots=True, eq=False)
class ExactTest:
    """Test of one variance.

    Attributes
    ----------
    term : str
        What is left out.
    statistic : float
        2 (l - l_without), REML or ML.
    p_value : float
        (1 + draws at least as large) / (1 + draws).
    std_error : float
        Of `p_value`, from the number of draws.
    p_boundary : float
        By the mixture 0.5 chi2_0 + 0.5 chi2_1, for comparison.
    at_zero : float
        Share of draws that are zero; the mixture says one half.
    n_sim : int
        Number of draws.
    restricted : bool
        Whether by REML.
    approximate : bool
        Whether other random terms are in the model, so that the distribution is that of Greven et al. (2008).
    refitted : bool
        Whether the fit was by the other criterion and was refitted.
    seed : int
        Of the draws.
    """

    term: str
    statistic: float
    p_value: float
    std_error: float
    p_boundary: float
    at_zero: float
    n_sim: int
    restricted: bool
    approximate: bool
    refitted: bool
    seed: int

    def columns(self) -> Mapping[str, Any]:
        """Return the test as a table of one row."""
        names = ("statistic", "p_value", "std_error", "p_boundary")
        return {"term": [self.term], **{name: [getattr(self, name)] for name in names}}


def exact_test(
    design: Design,
    estimate: Estimate,
    term: str | None,
    *,
    n_sim: int,
    seed: int | np.random.Generator | None,
    restricted: bool,
) -> ExactTest:
    """Test whether one variance is zero.

    RLRT = sup_lambda (n - p) log(1 + N/D) - sum log(1 + lambda mu_s), with N = sum lambda mu_s w_s^2 /
    (1 + lambda mu_s), D = sum w_s^2 / (1 + lambda mu_s) + sum of the other w^2, w independent standard normal
    (Crainiceanu and Ruppert 2004, eq. 9); for ML n takes the place of n - p before the logarithm and the
    eigenvalues of Z'Z that of mu_s after it.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    term : str or None
        Label, grouping factor or theta name of the term; None where there is one only.
    n_sim : int
        Draws.
    seed : int, numpy Generator or None
        Makes them repeatable.
    restricted : bool
        REML, or ML.

    Returns
    -------
    ExactTest

    Notes
    -----
    Eigenvalues as in `eigenvalues`, O(n_sim x distinct eigenvalues x 120) for the draws. With further random
    terms the statistic is that of the whole model, and its distribution is taken as if their effects were
    known (Greven, Crainiceanu, Kuechenhoff and Peters 2008).
    """
    count, given = _count(n_sim), seed_number(seed)
    used = fresh_seed() if given is None else given
    i, label = chosen_term(design, term)
    refitted = estimate.reml is not restricted
    whole = again(estimate, reml=restricted) if refitted else estimate
    maps = [None if j == i else np.eye(t.k) for j, t in enumerate(design.terms)]
    without = outcome(with_terms(whole.cross, maps), whole, reml=restricted)
    statistic = max(0.0, settled(without.criterion - whole.criterion, whole.criterion))
    draws = null_draws(spectrum(whole.cross, i, restricted=restricted), count, generator(used))
    p = (1 + int((draws >= statistic).sum())) / (1 + count)
    return ExactTest(
        term=label,
        statistic=statistic,
        p_value=p,
        std_error=math.sqrt(p * (1 - p) / count),
        p_boundary=mixture_p(statistic, 1, 1),
        at_zero=float((draws <= 0).mean()),
        n_sim=count,
        restricted=restricted,
        approximate=len(design.terms) > 1,
        refitted=refitted,
        seed=used,
    )


def chosen_term(design: Design, term: str | None) -> tuple[int, str]:
    """Return place and label of the term to test, or say what can be named."""
    labels = {d.term: d.label for d in random_deletions(design, reduce_terms=False)}
    single = {i: label for i, label in labels.items() if design.terms[i].k == 1}
    if term is None and len(labels) == 1:
        term = next(iter(labels.values()))
    known = [i for i in labels if term in _names(design, i, labels[i])]
    if len(known) != 1:
        offered = ", ".join(map(repr, single.values())) or "none; (x || g) makes such terms of (x | g)"
        what = (
            "Say which variance: this model has several"
            if term is None
            else f"term={term!r} names no one term"
        )
        raise OptionError(f"{what}. Those of terms with one column can be tested: {offered}.")
    if known[0] not in single:
        names = " + ".join(design.terms[known[0]].names[1:])
        group = design.groupings[design.terms[known[0]].grouping].name
        raise OptionError(
            f"{labels[known[0]]} has {design.terms[known[0]].k} variances and their covariances, and the "
            f"exact test is of one variance. Fit ({names} || {group}) and name one of its terms, or use "
            "ranova()."
        )
    return known[0], single[known[0]]


def _names(design: Design, i: int, label: str) -> set[str]:
    group, name = design.groupings[design.terms[i].grouping].name, design.terms[i].names[0]
    alone = sum(t.grouping == design.terms[i].grouping for t in design.terms) == 1
    turned = ":".join(reversed(group.split(":")))
    return {label, label.replace(" ", ""), f"{group}.{name}"} | ({group, turned} if alone else set())


def _count(n_sim: object) -> int:
    if isinstance(n_sim, bool) or not isinstance(n_sim, (int, np.integer)) or n_sim < 1:
        raise OptionError(f"n_sim={n_sim!r}: the number of draws must be a positive integer, such as 10000.")
    return int(n_sim)
