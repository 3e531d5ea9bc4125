"""P-values of likelihood ratios when a variance of the larger model is zero under the smaller one."""

from __future__ import annotations

import math

import numpy as np


def chi_square_p(statistic: float, df: int) -> float:
    """Return the upper tail of the chi-square distribution; with no degrees of freedom all mass is at zero.

    Parameters
    ----------
    statistic : float
        Likelihood ratio; values below zero count as zero.
    df : int
        Degrees of freedom, from 0.

    Examples
    --------
    >>> round(chi_square_p(3.841459, 1), 6)
    0.05
    >>> chi_square_p(0.0, 0), chi_square_p(0.1, 0)
    (1.0, 0.0)
    """
    from scipy.special import chdtrc

    if df == 0:
        return 1.0 if statistic <= 0 else 0.0
    return float(chdtrc(df, max(statistic, 0.0)))


def mixture_p(statistic: float, df: int, zero_variances: int | None) -> float:
    """P-value by the chi-bar-square mixture that holds when exactly one variance is zero.

    p = 0.5 P(chi2_{df-1} >= t) + 0.5 P(chi2_df >= t)

    Parameters
    ----------
    statistic : float
        Likelihood ratio t.
    df : int
        Difference of the numbers of parameters.
    zero_variances : int or None
        Directions of variance that the larger model has and the smaller one sets to zero; None for unknown.

    Returns
    -------
    float
        NaN unless exactly one variance is zero: with none of them the plain chi-square holds, and with
        several the weights of the mixture depend on the information matrix.

    Notes
    -----
    Adding (1 | g) is the mixture of chi2_0 and chi2_1, adding a slope with its covariance with r other
    columns that of chi2_r and chi2_{r+1}. All other variances are taken to be positive.

    References
    ----------
    Self & Liang (1987), J. Am. Stat. Assoc. 82, 605-610, case 5; Stram & Lee (1994), Biometrics 50,
    1171-1177.

    Examples
    --------
    >>> round(mixture_p(2.705543, 1, 1), 6)
    0.05
    >>> round(mixture_p(5.138, 2, 1), 4)
    0.05
    """
    if zero_variances != 1 or df < 1:
        return math.nan
    return 0.5 * chi_square_p(statistic, df - 1) + 0.5 * chi_square_p(statistic, df)


def settled(statistic: float, criterion: float) -> float:
    """Return the statistic, set to zero where it is below zero by no more than the search leaves.

    Parameters
    ----------
    statistic : float
        Difference of two criteria.
    criterion : float
        One of them, for its size.
    """
    return 0.0 if -1e-6 * max(1.0, abs(criterion) / 1000) < statistic < 0 else statistic


def plain_p(statistic: float, df: int) -> float:
    """Return the chi-square p-value; NaN where there are no degrees of freedom to test with."""
    return math.nan if df < 1 or not np.isfinite(statistic) else chi_square_p(statistic, df)
