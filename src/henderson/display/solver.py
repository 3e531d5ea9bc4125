"""How the report on the solver reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.display.sentences import percent
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.solver import SolverRecord
    from henderson.model.sampled_search import MonteCarlo


def solver_view(record: SolverRecord) -> TableView:
    """Return theta with its errors; sentences say how it was solved."""
    title = {"direct": "Solved directly, by a sparse factor", "iterative": "Solved iteratively"}[
        record.solver
    ]
    errors = record.monte_carlo
    if errors is None:
        rows = [[term, f"{value:.6g}"] for term, value in zip(record.terms, record.estimate, strict=True)]
        return TableView(title, ["theta", "estimate"], rows, notes=[_reason(record)])
    rows = [
        [term, f"{value:.6g}", f"{se:.3g}", f"{mc:.2g}", percent(mc / se) if se > 0 else ""]
        for term, value, se, mc in zip(
            record.terms, record.estimate, errors.theta_std_error, errors.theta_error, strict=True
        )
    ]
    heads = ["theta", "estimate", "std. error", "Monte Carlo error", "share"]
    return TableView(title, heads, rows, notes=[_reason(record), *_notes(errors)])


def _reason(record: SolverRecord) -> str:
    return f"Why: {record.reason}" + ("." if record.asked == "auto" else f", solver={record.asked!r}.")


def _notes(errors: MonteCarlo) -> list[str]:
    reached = "reached" if errors.share <= errors.wanted else "not reached with the most probes"
    parts = [f"{errors.probes} random probes"] if errors.probes else []
    parts += [f"{errors.exact} direction{'s' * (errors.exact > 1)} taken exactly"] if errors.exact else []
    counts = " and ".join(parts) or "One grouping factor, eliminated exactly"
    return [
        f"{counts}, {errors.iterations} conjugate-gradient iterations in all.",
        _criterion(errors),
        (
            f"Wanted: a Monte Carlo error of {percent(errors.wanted)} of the standard error at most (tol=); "
            f"{reached}."
        ),
    ]


def _criterion(errors: MonteCarlo) -> str:
    if errors.lanczos_steps == 0 and errors.criterion_error == 0:
        return "Criterion exact: its determinant was computed, not estimated."
    return (
        f"Criterion by {errors.lanczos_steps} Lanczos steps: Monte Carlo error {errors.criterion_error:.2g}."
    )
