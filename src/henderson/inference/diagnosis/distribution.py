"""Checks of the distributions: normal residuals and random effects, equal variance, no curve left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.diagnosis.outliers import Standardised
from henderson.inference.diagnosis.record import Check

if TYPE_CHECKING:
    from henderson.design.record import Design

RARE = 0.005
"""Chance of a false alarm of one check."""
WEAK = 0.1
"""A correlation below this does not matter, however many rows make it certain."""
SKEWED, HEAVY = 0.3, 0.7
"""Skewness and excess kurtosis below these do not matter either."""
FEWEST = 20
"""Numbers without which a test of shape says nothing."""


def shape(x: np.ndarray) -> tuple[float, float, float]:
    """Skewness, excess kurtosis, and the p-value of both together against a normal distribution.

    Notes
    -----
    Transformed to normal scores as D'Agostino (1970) and Anscombe and Glynn (1983); O(n).
    """
    from scipy.special import chdtrc

    n, c = len(x), x - x.mean()
    m2 = float((c**2).mean())
    if not m2 > 0:
        return 0.0, 0.0, 1.0
    if n < 9:
        return 0.0, 0.0, 1.0
    skew, kurt = float((c**3).mean()) / m2**1.5, float((c**4).mean()) / m2**2
    p = float(chdtrc(2, _skew_score(skew, n) ** 2 + _kurtosis_score(kurt, n) ** 2))
    return skew, kurt - 3, p


def _skew_score(skew: float, n: int) -> float:
    y = skew * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = np.sqrt(2 * (beta - 1)) - 1
    return float(np.arcsinh(y / np.sqrt(2 / (w2 - 1))) / np.sqrt(0.5 * np.log(w2)))


def _kurtosis_score(kurt: float, n: int) -> float:
    mean = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurt - mean) / np.sqrt(variance)
    size = np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    third = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * size
    a = 6 + 8 / third * (2 / third + np.sqrt(1 + 4 / third**2))
    inside = (1 - 2 / a) / (1 + x * np.sqrt(2 / (a - 4)))
    return float((1 - 2 / (9 * a) - np.cbrt(inside)) / np.sqrt(2 / (9 * a)))


def check_residuals(studentised: np.ndarray) -> Check | None:
    """Check the studentised residuals (n,) for a normal shape."""
    x = studentised[np.isfinite(studentised)]
    if len(x) < FEWEST:
        return None
    advice = (
        "Fixed effects stand this well; prediction intervals and tests of variances do not. Look at "
        "hd.plot.qq(fit), and consider a transformation."
    )
    return _normal("residuals", *shape(x), advice)


def check_effects(design: Design, modes: tuple[Standardised, ...]) -> list[Check]:
    """Check the standardised conditional modes for a normal shape, grouping by grouping."""
    out = []
    for grouping, one in zip(design.groupings, modes, strict=True):
        live = np.abs(one.z).max(axis=0) > 0
        if len(grouping.levels) < FEWEST or not live.any():
            continue
        found = [shape(column[column != 0]) for column in one.z[:, live].T]
        worst = min(found, key=lambda s: s[2])
        skew, kurt, p = worst[0], worst[1], min(1.0, worst[2] * len(found))
        advice = (
            "Fixed effects stand this well; predictions for new groups do not. Look for a predictor of the "
            f"groups that is missing, and at hd.plot.caterpillar(fit, {grouping.name!r})."
        )
        out.append(_normal(f"effects of {grouping.name}", skew, kurt, p, advice))
    return out


def _normal(topic: str, skew: float, kurt: float, p: float, advice: str) -> Check:
    numbers = f"skewness {skew:+.2f}, excess kurtosis {kurt:+.2f}, p = {p:.2g}"
    if p >= RARE or (abs(skew) < SKEWED and abs(kurt) < HEAVY):
        return Check(topic, "ok", f"Near normal: {numbers}.", "", p, RARE)
    return Check(topic, "note", f"Not normal: {numbers}.", advice, p, RARE)


def check_spread(studentised: np.ndarray, fitted: np.ndarray) -> Check | None:
    """Check whether the size of the residuals moves with the fitted values, by their ranks."""
    live = np.isfinite(studentised)
    if live.sum() < FEWEST or np.ptp(fitted[live]) == 0:
        return None
    r, p = correlation(ranks(np.abs(studentised[live])), ranks(fitted[live]))
    words = f"rank correlation of their size with the fitted values {r:+.2f}, p = {p:.2g}"
    if p >= RARE or abs(r) < WEAK:
        return Check("equal variance", "ok", f"Residuals spread about evenly: {words}.", "", p, RARE)
    way = "grow" if r > 0 else "shrink"
    finding = f"Residuals {way} with the fitted values: {words}."
    advice = (
        "Consider the logarithm or another transformation of the response, or weights=; standard errors are "
        "off otherwise. See hd.plot.residuals(fit)."
    )
    return Check("equal variance", "look", finding, advice, p, RARE)


def check_curve(studentised: np.ndarray, predicted: np.ndarray) -> Check | None:
    """Check whether a curve along the population's prediction is left in the residuals."""
    live = np.isfinite(studentised)
    x = predicted[live]
    spread = np.std(x)
    if live.sum() < FEWEST or not spread > 1e-10 * max(np.abs(x).max(), 1e-300):
        return None
    x = (x - x.mean()) / spread
    basis = np.linalg.qr(np.column_stack([np.ones_like(x), x, x**2]))[0]
    if len(np.unique(x.round(9))) < 3:
        return None
    r, p = correlation(studentised[live], basis[:, 2] * np.sign(basis[:, 2] @ x**2))
    words = f"correlation with the square of the predicted mean {r:+.2f}, p = {p:.2g}"
    if p >= RARE or abs(r) < WEAK:
        return Check("curve", "ok", f"No curve to speak of is left in the residuals: {words}.", "", p, RARE)
    advice = "Add a quadratic term or a spline, poly(x, 2) or ns(x, 3), and compare with fit.compare()."
    return Check("curve", "look", f"The residuals bend along the prediction: {words}.", advice, p, RARE)


def ranks(x: np.ndarray) -> np.ndarray:
    """Average ranks (n,)."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place])


def correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Correlation of two (n,) arrays and its two-sided p-value by Fisher's transformation."""
    from scipy.special import ndtr

    r = float(np.corrcoef(x, y)[0, 1])
    z = np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)) * np.sqrt(max(len(x) - 3, 1))
    return r, float(2 * ndtr(-abs(z)))
