"""One simulated study after another: draw a response, refit, test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from henderson import crossprod
from henderson import estimate as estimation
from henderson.design.record import Design
from henderson.errors import FitError
from henderson.estimate import Estimate
from henderson.inference.hypotheses.boundary import chi_square_p
from henderson.inference.simulate import simulate
from henderson.inference.small_sample import f_test, small_sample
from henderson.solve.direct import analyse

Decide = Callable[[Design, Estimate], float]
"""From a replicate's design (its response filled in) and estimate to a p-value."""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A study to be simulated.

    Attributes
    ----------
    design : Design
        Its rows; the response is of no account.
    truth : Estimate
        The parameters assumed, with the cross-products and the symbolic analysis of the design.
    """

    design: Design
    truth: Estimate


def study(design: Design, parameters: Estimate, *, reml: bool) -> Study:
    """Prepare a design for many responses: one pass over its rows, one symbolic analysis.

    Parameters
    ----------
    design : Design
    parameters : Estimate
        beta, theta and sigma to assume, and the limits of the search.
    reml : bool
        Criterion of the refits.
    """
    cross = crossprod.from_design(design)
    return Study(design, replace(parameters, reml=reml, cross=cross, system=analyse(cross)))


def replicate(of: Study, seed: np.random.SeedSequence, decide: Decide) -> tuple[float, bool]:
    """Simulate a study once.

    Parameters
    ----------
    of : Study
    seed : SeedSequence
        Of this replicate alone.
    decide : callable
        p-value of a design and an estimate.

    Returns
    -------
    p_value : float
        NaN where the model could not be fitted or tested.
    converged : bool
        Whether the search ended at an optimum.

    Notes
    -----
    O(n (p + K)) for the response and its products, then the search from the assumed theta.
    """
    y = simulate(of.design, of.truth, 1, np.random.default_rng(seed))[0]
    drawn = replace(of.design, y=y)
    try:
        fit = estimation.refit(of.truth, drawn, y)
        return float(decide(drawn, fit)), fit.search.converged
    except (FitError, np.linalg.LinAlgError):
        return float("nan"), True


def by_f(L: np.ndarray, null: np.ndarray, ddf: str) -> Decide:
    """Decide by the F test (chi-square for ``ddf="none"``) of L beta = null."""

    def decide(design: Design, estimate: Estimate) -> float:
        return f_test(small_sample(design, estimate, ddf), L, null).p_value

    return decide


def by_likelihood(of: Study, L: np.ndarray, null: np.ndarray) -> Decide:
    """Decide by the likelihood ratio with the model under L beta = null, both by maximum likelihood.

    With beta = b_0 + N a, N spanning what L lets free, the smaller model has the columns X N and the offset
    X b_0.
    """
    start = np.linalg.lstsq(L, null, rcond=None)[0]
    rank = int(np.linalg.matrix_rank(L))
    smaller = study(_restricted(of.design, L, rank), of.truth, reml=False)
    shift = of.design.X @ start

    def decide(design: Design, estimate: Estimate) -> float:
        y = design.y - shift
        without = estimation.refit(smaller.truth, replace(smaller.design, y=y), y)
        return chi_square_p(without.criterion - estimate.criterion, rank)

    return decide


def _restricted(design: Design, L: np.ndarray, rank: int) -> Design:
    touched = np.flatnonzero(np.abs(L).max(axis=0) > 0)
    if rank == len(
        touched
    ):  # whole coefficients go: the others keep their columns, and with them the constant
        keep = np.setdiff1d(np.arange(design.p), touched)
        X, names = design.X[:, keep], tuple(design.x_names[j] for j in keep)
        constant = design.intercept if design.intercept is not None and design.intercept in keep else None
        intercept = None if constant is None else int(np.searchsorted(keep, constant))
    else:
        free = np.linalg.svd(L)[2][rank:].T
        X, intercept = design.X @ free, None
        names = tuple(f"free{j}" for j in range(free.shape[1]))
    return replace(design, X=np.asfortranarray(X), x_names=names, intercept=intercept)
