"""How the equations were solved, and what the iterative solver leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
