"""How a fit was solved, as plain numbers and text, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import DataError

if TYPE_CHECKING:
    from henderson.estimate import Estimate
    from henderson.model.sampled_search import MonteCarlo
    from henderson.solve.choose import Choice

ARRAYS = ("theta_error", "theta_std_error")


def solver_record(estimate: Estimate) -> dict[str, Any]:
    """Return the choice of the solver and, for the iterative one, the Monte Carlo errors."""
    choice, errors = estimate.choice, estimate.monte_carlo
    out: dict[str, Any] = {"solver": choice.solver, "reason": choice.reason, "asked": choice.asked}
    if errors is not None:
        fields = {name: getattr(errors, name) for name in type(errors).__dataclass_fields__}
        out["monte_carlo"] = fields | {name: fields[name].tolist() for name in ARRAYS}
    return out


def read_solver(record: dict[str, Any] | None, size: int) -> tuple[Choice, MonteCarlo | None]:
    """Return what `solver_record` wrote; fits stored without it were direct."""
    from henderson.estimate import DIRECT
    from henderson.model.sampled_search import MonteCarlo
    from henderson.solve.choose import Choice

    if record is None:
        return DIRECT, None
    try:
        choice = Choice(str(record["solver"]), str(record["reason"]), str(record["asked"]))
        if choice.solver == "direct":
            return choice, None
        stored = record["monte_carlo"]
        arrays = {name: np.array(stored[name], dtype=float).reshape(size) for name in ARRAYS}
        errors = MonteCarlo(**{**stored, **arrays})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"The stored fit is damaged: its solver cannot be read ({error}).") from error
    return choice, errors
