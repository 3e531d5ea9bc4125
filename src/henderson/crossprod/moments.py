"""Means and lengths of columns that are combinations of the columns of blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.coding import Expanded
from henderson.crossprod.sums import Sums


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Of P columns over all rows, without weights.

    Attributes
    ----------
    shift, level : (P,) float64
        Means of the deviations from the centres, and of the levels.
    mean : (P,) float64
        Their sum.
    deviation : (P,) float64
        Standard deviation; 0 for columns without variation.
    size : (P,) float64
        Root mean square.
    centred, raw : (m, P) float64
        Weights of the columns less their means, and as they are.
    """

    shift: np.ndarray
    level: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    size: np.ndarray
    centred: np.ndarray
    raw: np.ndarray


def moments_of(sums: Sums, columns: Expanded) -> Moments:
    """Mean and lengths of columns.

    Parameters
    ----------
    sums : Sums
    columns : Expanded
        On the columns of `sums.plan.x`.

    Returns
    -------
    Moments

    Notes
    -----
    O(m^2 P).
    """
    P = sums.plain[:-1, :-1]
    total = P @ columns.constant
    shift, level = total @ columns.deviation / sums.n, total @ columns.level / sums.n
    centred = columns.centred(shift, level)
    variance = np.einsum("ij,ij->j", centred, P @ centred) / sums.n
    mean = shift + level
    tiny = 1e-28 * (mean**2 + np.einsum("ij,ij->j", centred, np.diagonal(P)[:, None] * centred) / sums.n)
    deviation = np.sqrt(np.where(variance > tiny, variance, 0.0))
    return Moments(shift, level, mean, deviation, np.sqrt(deviation**2 + mean**2), centred, columns.raw())
