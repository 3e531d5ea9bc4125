"""Fixed effects: standard errors, correlations, Wald intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


def standard_errors(estimate: Estimate) -> np.ndarray:
    """Return standard errors of the fixed effects, (p,): roots of the diagonal of sigma^2 (X'V^-1 X)^-1."""
    return np.sqrt(np.diag(estimate.vcov))


def correlation(estimate: Estimate) -> np.ndarray:
    """Correlation matrix of the estimated fixed effects, (p, p)."""
    se = standard_errors(estimate)
    return np.asarray(estimate.vcov / np.outer(se, se))


def check_level(level: object) -> float:
    """Return A coverage strictly between 0 and 1, or an `OptionError` that says so."""
    if isinstance(level, (int, float, np.floating)) and not isinstance(level, bool) and 0 < level < 1:
        return float(level)
    hint = " Type 0.95 for 95 %." if level == 95 else ""
    raise OptionError(f"level must be a number between 0 and 1 (such as 0.95), not {level!r}.{hint}")


def normal_quantile(level: float) -> float:
    """Half-width of a central normal interval in standard errors: 1.959964 for 0.95."""
    from statistics import NormalDist  # costs milliseconds to load

    return NormalDist().inv_cdf(0.5 + level / 2)


def expand(design: Design, values: np.ndarray) -> np.ndarray:
    """Values of the kept columns (p,) at the places of `all_x_names`, NaN for the dropped ones."""
    if not design.dropped:
        return np.asarray(values, dtype=float)
    at = dict(zip(design.x_names, values, strict=True))
    return np.array([at.get(name, np.nan) for name in design.all_x_names])
