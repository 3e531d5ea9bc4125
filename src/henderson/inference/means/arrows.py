"""Comparison arrows: how far means reach towards each other before they differ significantly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.inference.means.contrasts import contrast
from henderson.inference.means.evaluate import Evaluated, Question, evaluate
from henderson.inference.means.multiplicity import Family, half_widths
from henderson.inference.small_sample.record import SmallSample


@dataclass(frozen=True, slots=True, eq=False)
class Arrows:
    """Ends of the arrows of every mean.

    Attributes
    ----------
    left, right : (m,) float64
        On the scale of the means as shown; NaN where there is no arrow in that direction.
    unclear : int
        Pairs whose arrows overlap although they differ, or do not although they do not differ.
    """

    left: np.ndarray
    right: np.ndarray
    unclear: int


def comparison_arrows(means: Evaluated, sample: SmallSample, alpha: float = 0.05) -> Arrows:
    """Return arrows that overlap where two means of a group do not differ significantly.

    For every pair with estimates a < b the arrow of a to the right and that of b to the left are to add up to
    the least significant difference; the lengths are fitted by least squares, weighted towards the pairs for
    which it matters: those whose difference is near it.

    Parameters
    ----------
    means : Evaluated
        Means or trends.
    sample : SmallSample
        What they rest on.
    alpha : float
        Level of significance, by Tukey's comparisons.

    Returns
    -------
    Arrows

    Notes
    -----
    O(k^4) for groups of k means at worst.
    """
    linear = means.linear
    pairs = evaluate(contrast(linear, "pairwise"), sample, Question(level=1 - alpha, adjust="tukey"))
    eta = linear.L[:, linear.kept] @ sample.beta + linear.offset
    left, right = np.full(linear.m, np.nan), np.full(linear.m, np.nan)
    start = unclear = 0
    for rows in linear.groups():
        k = len(rows)
        here = slice(start, start + k * (k - 1) // 2)
        start = here.stop
        family = Family(pairs.statistic[here], pairs.df[here], np.zeros((0, 1)), k, "two")
        needed = half_widths(family, "tukey", 1 - alpha) * pairs.std_error[here]
        reach_left, reach_right, wrong = _reaches(eta[rows], needed)
        left[rows], right[rows], unclear = eta[rows] - reach_left, eta[rows] + reach_right, unclear + wrong
    if means.transform is not None and means.back:
        ends = means.transform.inverse(left), means.transform.inverse(right)
        return Arrows(*ends, unclear)
    return Arrows(left, right, unclear)


def _reaches(eta: np.ndarray, needed: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Lengths to the left and to the right of k means, from the least significant differences of pairs."""
    from scipy.optimize import nnls

    k = len(eta)
    first, second = np.triu_indices(k, 1)
    known = np.isfinite(needed) & np.isfinite(eta[first]) & np.isfinite(eta[second])
    first, second, needed = first[known], second[known], needed[known]
    low = np.where(eta[first] <= eta[second], first, second)
    high = np.where(eta[first] <= eta[second], second, first)
    gap = eta[high] - eta[low]
    weight = 1 / (0.05 + np.abs(gap / needed - 1)) if len(gap) else gap
    A = np.zeros((len(gap), 2 * k))
    A[np.arange(len(gap)), low], A[np.arange(len(gap)), k + high] = 1.0, 1.0
    ridge = 1e-3 * np.eye(2 * k)  # arrows that nothing decides are of ordinary length
    usual = np.full(2 * k, needed.mean() / 2 if len(gap) else 0.0)
    lengths = nnls(np.vstack([A * weight[:, None], ridge]), np.concatenate([needed * weight, 1e-3 * usual]))[
        0
    ]
    right, left = lengths[:k], lengths[k:]
    wrong = int(((right[low] + left[high] < gap) != (gap > needed)).sum())
    right = np.where(np.isin(np.arange(k), low), right, np.nan)
    left = np.where(np.isin(np.arange(k), high), left, np.nan)
    return left, right, wrong
