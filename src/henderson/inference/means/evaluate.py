"""Linear combinations → estimates, standard errors, tests and limits, adjusted within groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference.fixed import check_level
from henderson.inference.means.averages import Linear
from henderson.inference.means.multiplicity import (
    Family,
    adjusted_p,
    check_adjust,
    check_side,
    half_widths,
    usable,
)
from henderson.inference.means.response import Transform
from henderson.inference.small_sample.contrasts import contrast_df
from henderson.inference.small_sample.record import SmallSample


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """How estimates are to be judged.

    Attributes
    ----------
    level : float
        Coverage.
    adjust : str
        For several comparisons, within every group.
    side : str
        Alternative: ``two``, ``greater`` or ``less``.
    null : float
        Value tested, on the scale of the linear predictor.
    delta : float
        Threshold of equivalence or non-inferiority; 0 for ordinary tests.
    """

    level: float = 0.95
    adjust: str = "none"
    side: str = "two"
    null: float = 0.0
    delta: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """Estimates with tests and limits.

    Attributes
    ----------
    linear : Linear
        What is estimated.
    question : Question
        How it is judged.
    ddf : str
        Kind of degrees of freedom.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : (m,) float64
        On the scale of the response where `transform` is not None; the statistics are those of the linear
        scale. NaN where the data cannot tell.
    transform : Transform or None
        What the response was transformed by.
    back : str
        ``""`` (linear scale), ``response`` or ``ratio``.
    remarks : tuple of str
        Why an adjustment was changed, and what to know of the degrees of freedom.
    """

    linear: Linear
    question: Question
    ddf: str
    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    transform: Transform | None
    back: str
    remarks: tuple[str, ...]

    def columns(self) -> dict[str, Any]:
        """Return the table as named columns, tidy names."""
        names = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
        if self.linear.role != "contrast":  # that a mean is zero is seldom a question
            names = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
        keys = {name: list(values) for name, values in self.linear.keys.items()}
        return {**keys, **{name: getattr(self, name) for name in names}}


def ask(
    level: object = 0.95,
    adjust: object = "none",
    side: object = "two",
    null: object = 0.0,
    delta: object = 0.0,
) -> Question:
    """Return a checked question."""
    numbers = []
    for name, value in (("null", null), ("delta", delta)):
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float, np.number))
            or not np.isfinite(value)
        ):
            raise OptionError(f"{name}={value!r} must be a number.")
        numbers.append(float(value))
    if numbers[1] < 0:
        raise OptionError(f"delta={delta!r} is a threshold: give a positive number, or 0 for ordinary tests.")
    return Question(check_level(level), check_adjust(adjust), check_side(side), numbers[0], numbers[1])


def evaluate(
    linear: Linear, sample: SmallSample, question: Question, transform: Transform | None = None
) -> Evaluated:
    """Estimate linear combinations and judge them.

    estimate = L beta + offset, std_error^2 = L Phi L', t = (estimate - null) / std_error with degrees of
    freedom of each combination; p-values and limits are adjusted within every group.

    Parameters
    ----------
    linear : Linear
        m combinations.
    sample : SmallSample
        Fixed effects, their covariance and what degrees of freedom are made of.
    question : Question
        Level, adjustment, side, null.
    transform : Transform, optional
        Given, means are returned on the scale of the response, with standard errors by the delta method and
        limits by the inverse; differences of logarithms as ratios.

    Returns
    -------
    Evaluated

    Notes
    -----
    O(m p^2) for each variance parameter; adjustment "mvt" more, see `maximum`.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> found = evaluate(fit.emmeans("Machine").linear, fit._small_sample(), ask(adjust="sidak"))
    >>> found.estimate.round(3), found.df.round(2)
    (array([52.356, 60.322, 66.272]), array([8.52, 8.52, 8.52]))
    """
    known = linear.estimable
    L = np.where(known[:, None], linear.L[:, linear.kept], 0.0)
    eta = _masked(L @ sample.beta + np.where(known, linear.offset, 0.0), known)
    error = _masked(np.sqrt(np.maximum(np.einsum("mp,mp->m", L @ sample.vcov, L), 0.0)), known)
    df = np.full(linear.m, np.nan)
    if known.any():
        df[known] = contrast_df(sample, L[known])
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > 0, (eta - question.null) / error, np.nan)
    judged, p, half, remarks = _judge(linear, sample, L, error, statistic, df, question)
    low = _masked(eta - half * error if question.side != "less" else -np.inf, known)
    high = _masked(eta + half * error if question.side != "greater" else np.inf, known)
    back = _direction(linear, transform)
    if transform is not None and back:
        eta, error, low, high = _back(transform, back, eta, error, low, high)
    return Evaluated(
        linear=linear,
        question=question,
        ddf=sample.ddf,
        estimate=eta,
        std_error=error,
        df=df,
        statistic=judged,
        p_value=p,
        conf_low=low,
        conf_high=high,
        transform=transform,
        back=back,
        remarks=(*remarks, *([sample.note] if sample.note else [])),
    )


def _masked(values: np.ndarray | float, known: np.ndarray) -> np.ndarray:
    return np.where(known, values, np.nan)


def _direction(linear: Linear, transform: Transform | None) -> str:
    """Return how results go back to the scale of the response, "" for not at all."""
    if transform is None or linear.role == "trend":
        return ""
    if linear.role == "mean":
        return "response"
    return "ratio" if transform.ratios and not linear.off_zero else ""


def _back(
    transform: Transform, back: str, eta: np.ndarray, error: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Estimate, standard error by the delta method, and limits on the scale of the response."""
    if back == "ratio":
        inverse = transform.ratio
        slope = transform.scale / transform.factor * transform.ratio(eta)
    else:
        inverse, slope = transform.inverse, transform.slope(eta)
    falling = np.asarray(slope < 0)
    ends = inverse(low), inverse(high)
    lower, upper = np.where(falling, ends[1], ends[0]), np.where(falling, ends[0], ends[1])
    return inverse(eta), np.abs(slope) * error, lower, upper


def _judge(
    linear: Linear,
    sample: SmallSample,
    L: np.ndarray,
    error: np.ndarray,
    statistic: np.ndarray,
    df: np.ndarray,
    question: Question,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Statistic, p-values and half-widths, group by group, and remarks on the adjustment."""
    p, half = np.full(linear.m, np.nan), np.full(linear.m, np.nan)
    tested, side = _thresholded(statistic, error, question)
    root = _roots(sample.vcov, L, error) if question.adjust in ("mvt", "scheffe") else np.zeros((linear.m, 1))
    remarks: dict[str, None] = {}
    for g, rows in enumerate(linear.groups()):
        means = linear.sets[g] if linear.sets else 0
        family = Family(tested[rows], df[rows], root[rows], means, side)
        adjust, why = usable(question.adjust, means, side, limits=False)
        p[rows] = adjusted_p(family, adjust)
        limits, other = usable(question.adjust, means, question.side, limits=True)
        both = Family(statistic[rows], df[rows], root[rows], means, question.side)
        half[rows] = half_widths(both, limits, question.level)
        remarks.update(dict.fromkeys(text for text in (why, other) if text))
    return tested, p, half, tuple(remarks)


def _thresholded(statistic: np.ndarray, error: np.ndarray, question: Question) -> tuple[np.ndarray, str]:
    """Return statistic and side of a test of equivalence or non-inferiority, where there is a threshold."""
    if question.delta == 0:
        return statistic, question.side
    with np.errstate(divide="ignore", invalid="ignore"):
        margin = question.delta / error
    if question.side == "two":  # equivalent: the distance from null is less than delta
        return np.abs(statistic) - margin, "less"
    return (statistic + margin, "greater") if question.side == "greater" else (statistic - margin, "less")


def _roots(vcov: np.ndarray, L: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Rows of length one whose inner products are the correlations of the combinations, (m, p)."""
    values, vectors = np.linalg.eigh(vcov)
    root = L @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    return root / np.where(error > 0, error, 1.0)[:, None]
