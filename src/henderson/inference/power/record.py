"""What a power simulation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class PowerRecord:
    """Power at one or several sizes of a study.

    Attributes
    ----------
    n_groups : (m,) int64
        Groups of every setting.
    n_within : (m,) float64
        Rows per group, the mean where it varies.
    nobs : (m,) int64
        Rows.
    power : (m,) float64
        Share of replicates whose p-value is below `alpha`.
    conf_low, conf_high : (m,) float64
        Wilson's interval for it.
    failed : (m,) int64
        Replicates without a p-value; counted as not significant.
    not_converged : (m,) int64
        Replicates whose search stopped before an optimum; counted by the p-value they gave.
    n_sim : int
        Replicates of every setting.
    alpha, level : float
        Level of the tests; coverage of the interval.
    along : str
        Grouping factor that `n_groups` counts.
    test, method : str
        What is tested, and how.
    effect : tuple of (str, float)
        Fixed effects assumed, where they are not those of the fit.
    sigma : float
        Residual standard deviation assumed.
    p_values : (m, n_sim) float64
        Of every replicate; NaN where there is none.
    seed : int
        From which the studies were drawn.
    """

    n_groups: np.ndarray
    n_within: np.ndarray
    nobs: np.ndarray
    power: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    failed: np.ndarray
    not_converged: np.ndarray
    n_sim: int
    alpha: float
    level: float
    along: str
    test: str
    method: str
    effect: tuple[tuple[str, float], ...]
    sigma: float
    p_values: np.ndarray
    seed: int

    def columns(self) -> Mapping[str, Any]:
        """Return one row per setting."""
        names = ("n_groups", "n_within", "nobs", "power", "conf_low", "conf_high", "failed")
        return {name: getattr(self, name) for name in names}


def wilson(successes: np.ndarray, n: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval for a share.

    Parameters
    ----------
    successes : (m,) int
    n : int
        Out of how many.
    level : float
        Coverage.

    Returns
    -------
    (m,), (m,) float64

    Examples
    --------
    >>> low, high = wilson(np.array([80]), 100, 0.95)
    >>> low.round(4), high.round(4)
    (array([0.7112]), array([0.8666]))
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    share = np.asarray(successes) / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
