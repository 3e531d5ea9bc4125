"""How the equations were solved, and what the iterative solver leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import FitError

if TYPE_CHECKING:
    from henderson.estimate import Estimate
    from henderson.model.sampled_search import MonteCarlo


@dataclass(frozen=True, slots=True, eq=False)
class SolverRecord:
    """Solver, reason, and per covariance parameter its errors.

    Attributes
    ----------
    solver, reason, asked : str
        ``direct`` or ``iterative``; why; what was asked for.
    terms : tuple of str, length n_theta
    estimate : (n_theta,) float64
        theta, lme4's order and units.
    monte_carlo : MonteCarlo or None
        None for the direct solver, which leaves no Monte Carlo error.
    """

    solver: str
    reason: str
    asked: str
    terms: tuple[str, ...]
    estimate: np.ndarray
    monte_carlo: MonteCarlo | None

    def columns(self) -> dict[str, object]:
        """Columns term, estimate, std_error and mc_error; NaN where the direct solver has none."""
        nothing, errors = np.full(len(self.terms), np.nan), self.monte_carlo
        return {
            "term": list(self.terms),
            "estimate": self.estimate,
            "std_error": nothing if errors is None else errors.theta_std_error,
            "mc_error": np.zeros(len(self.terms)) if errors is None else errors.theta_error,
        }


def solver_record(estimate: Estimate) -> SolverRecord:
    """Gather how an estimate was solved."""
    choice = estimate.choice
    return SolverRecord(
        choice.solver, choice.reason, choice.asked, estimate.theta_names, estimate.theta, estimate.monte_carlo
    )


def is_iterative(estimate: Estimate) -> bool:
    """Whether the equations were solved without a factor, so that no inverse is at hand."""
    return estimate.choice.solver == "iterative"


def refuse_iterative(estimate: Estimate, what: str, instead: str = "") -> None:
    """Stop where an iterative fit lacks the inverse that something needs.

    Parameters
    ----------
    estimate : Estimate
    what : str
        What is asked for, in the plural.
    instead : str
        What can be had, as a sentence.
    """
    if is_iterative(estimate):
        raise FitError(
            f"{what} need the inverse of the mixed-model equations, which the iterative solver does not "
            f"form.{instead and ' ' + instead} If memory allows, fit with lmm(..., solver='direct')."
        )


def same_search(estimate: Estimate) -> dict[str, Any]:
    """Options with which `fit_cross_products` searches as the fit did: its solver and its limits.

    The limit of an iterative search is the Monte Carlo error that it leaves, not what a step promises.
    """
    search, errors = estimate.search, estimate.monte_carlo
    return {
        "solver": estimate.choice.solver,
        "max_evaluations": search.max_evaluations,
        "tol": search.tol if errors is None else errors.wanted,
    }


def search_by_factor(estimate: Estimate) -> dict[str, Any]:
    """Options with which `fit_cross_products` searches directly, whatever solver the fit had."""
    exact = estimate.monte_carlo is None
    return {
        "solver": "direct",
        "max_evaluations": estimate.search.max_evaluations,
        "tol": estimate.search.tol if exact else None,
    }


def criterion_error(*estimates: Estimate) -> float:
    """Largest Monte Carlo error among the criteria of some fits; zero where all are exact."""
    errors = [e.monte_carlo.criterion_error for e in estimates if e.monte_carlo is not None]
    return max(errors, default=0.0)


def criterion_note(*estimates: Estimate) -> list[str]:
    """Say that likelihoods of iterative fits are estimates; nothing where all are exact."""
    error = criterion_error(*estimates)
    if error == 0:
        return []
    words = (
        f"Solved iteratively: criteria (-2 logLik) have a Monte Carlo error of about {error:.2g}, which all "
        "but cancels between models with the same random terms."
    )
    return [words]
