"""Denominator degrees of freedom of joint tests: Fai and Cornelius, Kenward and Roger."""

from __future__ import annotations

import numpy as np

from henderson.inference.small_sample.record import SmallSample

NOUGHT = 1e-10
"""What is below this counts as zero in the moments of Kenward and Roger."""


def fai_cornelius(rank: int, df: np.ndarray) -> float:
    """Return the denominator degrees of freedom of an F statistic that is a mean of squared t statistics.

    With E = sum df_i / (df_i - 2), the F statistic has mean E / r, and so has F with 2 E / (E - r) degrees of
    freedom (Fai & Cornelius 1996).

    Parameters
    ----------
    rank : int
        Number of directions r.
    df : (r,) float64
        Degrees of freedom of each.

    Returns
    -------
    float
        Their common value where they agree; 2 where one of them is 2 or less, as that mean is infinite then.

    Examples
    --------
    >>> round(fai_cornelius(2, np.array([10.0, 14.0])), 4)
    11.6
    """
    if np.isnan(df).any():
        return float("nan")
    if df.max() - df.min() < 1e-8 * max(1.0, df.max()):
        return float(df.mean())
    if df.min() <= 2:
        return 2.0
    E = float(np.sum(df / (df - 2)))
    return 2 * E / (E - rank)


def kenward_roger_scale(sample: SmallSample, L: np.ndarray) -> tuple[float, float]:
    """Return the factor on F and the denominator degrees of freedom of Kenward and Roger (1997).

    Parameters
    ----------
    sample : SmallSample
        With Phi, its gradient and the covariance of the variance parameters.
    L : (r, p) float64
        Hypothesis of full rank r.

    Returns
    -------
    scale, df : float
        lambda and m of the paper.

    References
    ----------
    Kenward & Roger (1997), Biometrics 53, 983-997, section 3.
    """
    r = len(L)
    root = np.linalg.inv(np.linalg.cholesky(L @ sample.plain @ L.T)) @ L
    parts = root @ sample.gradient @ root.T
    trace = np.einsum("iaa->i", parts)
    A1 = float(trace @ sample.parameter_vcov @ trace)
    A2 = float(np.einsum("ij,iab,jba->", sample.parameter_vcov, parts, parts, optimize=True))
    if A2 <= 0:
        return 1.0, np.inf
    B = (A1 + 6 * A2) / (2 * r)
    g = ((r + 1) * A1 - (r + 4) * A2) / ((r + 2) * A2)
    base = 3 * r + 2 * (1 - g)
    c1, c2, c3 = g / base, (r - g) / base, (r + 2 - g) / base
    left, below = 1 - A2 / r, 1 - c3 * B
    ratio = left / (1 - c2 * B) if abs(1 - c2 * B) > NOUGHT else 1.0  # both go to zero together
    if abs(below) < NOUGHT:
        return 2 * left, 4.0  # the variance is infinite
    m = 4 + (r + 2) / (ratio**2 * (1 + c1 * B) / below - 1)
    return (m * left / (m - 2) if abs(m - 2) > NOUGHT else 1.0), m
