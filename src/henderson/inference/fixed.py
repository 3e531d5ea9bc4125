"""Fixed effects: estimates, covariance, standard errors, the coefficient table and Wald intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class CoefficientTable:
    """One row per fixed-effects column, in formula order; columns that were dropped hold NaN.

    Attributes
    ----------
    terms : tuple of str, length r
        Names, dropped columns included (r >= p).
    estimate, std_error, statistic, conf_low, conf_high : (r,) float64
        Estimate, its standard error, their ratio, and the ends of the Wald interval.
    level : float
        Coverage of the interval.
    """

    terms: tuple[str, ...]
    estimate: np.ndarray
    std_error: np.ndarray
    statistic: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    level: float

    def columns(self) -> dict[str, object]:
        """Return the table as named columns, tidy names."""
        names = ("estimate", "std_error", "statistic", "conf_low", "conf_high")
        return {"term": list(self.terms), **{name: getattr(self, name) for name in names}}


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


def coefficient_table(design: Design, estimate: Estimate, level: float = 0.95) -> CoefficientTable:
    """Estimates, standard errors, t ratios and Wald limits of the fixed effects.

    beta_j +- z se_j, z the normal quantile, as ``confint(method = "Wald")`` of lme4.

    Parameters
    ----------
    design : Design
        Names of the columns, kept and dropped.
    estimate : Estimate
        Holds `beta` (p,) and `vcov` (p, p).
    level : float, default 0.95
        Coverage.

    Returns
    -------
    CoefficientTable

    Raises
    ------
    OptionError
        If `level` is not strictly between 0 and 1.

    Notes
    -----
    Cost O(p). No degrees of freedom are involved.
    """
    half = normal_quantile(check_level(level))
    beta, se = expand(design, estimate.beta), expand(design, standard_errors(estimate))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = beta / se
    return CoefficientTable(
        design.all_x_names, beta, se, statistic, beta - half * se, beta + half * se, float(level)
    )


def confidence_intervals(design: Design, estimate: Estimate, method: str, level: float) -> dict[str, object]:
    """Columns term, conf_low, conf_high of the fixed effects; ``method="wald"`` is the only one so far."""
    if method != "wald":
        raise OptionError(f"confint(method={method!r}): the method offered is 'wald'.")
    columns = coefficient_table(design, estimate, level).columns()
    return {name: columns[name] for name in ("term", "conf_low", "conf_high")}


def expand(design: Design, values: np.ndarray) -> np.ndarray:
    """Values of the kept columns (p,) at the places of `all_x_names`, NaN for the dropped ones."""
    if not design.dropped:
        return np.asarray(values, dtype=float)
    at = dict(zip(design.x_names, values, strict=True))
    return np.array([at.get(name, np.nan) for name in design.all_x_names])
