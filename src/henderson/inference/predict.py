"""Predictions for new rows, with standard errors, confidence and prediction intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.inference.fixed import check_level, normal_quantile
from henderson.inference.rows import NewRows, check_levels, linear_predictor, prior_variance
from henderson.inference.variance import known_variance

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

INTERVALS = (None, "confidence", "prediction")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predicted means of r rows and, where asked for, their uncertainty.

    Attributes
    ----------
    mean : (r,) float64
        Predicted mean; NaN for rows with missing values.
    std_error : (r,) float64 or None
        Standard error of the mean.
    low, high : (r,) float64 or None
        Ends of the interval.
    interval : {None, "confidence", "prediction"}
        What the ends enclose: the mean, or a new observation.
    """

    mean: np.ndarray
    std_error: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    interval: str | None = None

    def columns(self) -> dict[str, np.ndarray]:
        """Tidy columns: estimate, std_error and conf_low, conf_high or pred_low, pred_high."""
        out = {"estimate": self.mean}
        if self.std_error is not None:
            out["std_error"] = self.std_error
        if self.low is not None and self.high is not None:
            stem = "conf" if self.interval == "confidence" else "pred"
            out |= {f"{stem}_low": self.low, f"{stem}_high": self.high}
        return out


def check_interval(interval: object) -> None:
    """Stop at an unknown kind of interval."""
    if interval not in INTERVALS:
        raise OptionError(f"interval={interval!r}: choose None, 'confidence' or 'prediction'.")


def predict(
    design: Design,
    estimate: Estimate,
    rows: NewRows,
    chosen: tuple[int, ...],
    *,
    new_levels: str = "error",
    se: bool = False,
    interval: str | None = None,
    level: float = 0.95,
) -> Prediction:
    """Predict the mean of new rows given the chosen groupings' effects.

    mean = x'beta + offset + z'b, the sum over the chosen groupings; a level not seen contributes zero.

    Its variance is that of the prediction error x'(beta_hat - beta) + z'(b_hat - b), from the mixed-model
    equations, plus
    z' Sigma z for every chosen grouping whose level is new: its own effect is unknown. A prediction interval
    adds
    sigma^2 / w and the variance z' Sigma z of every grouping left out, because a new observation belongs to
    some level.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    rows : NewRows
        r new rows.
    chosen : tuple of int
        Groupings that take part, see `chosen_groupings`.
    new_levels : {"error", "population"}
        What to do with levels the fit has not seen.
    se : bool
        Whether standard errors are wanted.
    interval : {None, "confidence", "prediction"}
        Interval for the mean, or for a new observation.
    level : float
        Coverage.

    Returns
    -------
    Prediction

    Raises
    ------
    DataError
        At unseen levels under ``new_levels="error"``.
    OptionError
        For an unknown `interval` or a `level` outside (0, 1).

    Notes
    -----
    Means cost O(r (p + k)); standard errors as `known_variance`. theta is taken as known.
    """
    check_interval(interval)
    check_levels(design, rows, chosen, new_levels)
    mean = linear_predictor(design, estimate, rows, chosen)
    if not se and interval is None:
        return Prediction(_blank(mean, rows))
    variance = known_variance(design, estimate, rows, chosen)
    for f in chosen:
        variance += np.where(rows.codes[f] < 0, prior_variance(design, estimate, rows, f), 0.0)
    return with_limits(design, estimate, rows, chosen, mean, variance, interval, level)


def with_limits(
    design: Design,
    estimate: Estimate,
    rows: NewRows,
    chosen: tuple[int, ...],
    mean: np.ndarray,
    variance: np.ndarray,
    interval: str | None,
    level: float,
) -> Prediction:
    """Return errors and interval ends from the variance of the mean; NaN for rows with missing values."""
    half = normal_quantile(check_level(level))
    total = variance
    if interval == "prediction":
        total = variance + estimate.sigma**2 / rows.weights
        for f in range(len(design.groupings)):
            if f not in chosen:
                total = total + prior_variance(design, estimate, rows, f)
    mean, std_error = _blank(mean, rows), _blank(np.sqrt(variance), rows)
    if interval is None:
        return Prediction(mean, std_error)
    reach = half * np.sqrt(total)
    return Prediction(mean, std_error, mean - reach, mean + reach, interval)


def _blank(values: np.ndarray, rows: NewRows) -> np.ndarray:
    return np.where(rows.missing, np.nan, values) if rows.missing.any() else values


def rows_of_fit(design: Design) -> NewRows:
    """Return the rows the model was fitted to, as new rows (for standard errors of the fitted values)."""
    n = design.n
    return NewRows(
        X=design.X,
        codes=tuple(g.codes for g in design.groupings),
        labels=(None,) * len(design.groupings),
        columns=tuple(t.columns for t in design.terms),
        offset=np.zeros(n) if design.offset is None else design.offset,
        weights=np.ones(n) if design.weights is None else design.weights,
        missing=np.zeros(n, bool),
    )
