"""Whether the quantiles of scaled residuals move with a variable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVELS = np.array([0.25, 0.5, 0.75])
MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A variable to look for trends along.

    Attributes
    ----------
    name : str
    basis : (n, d) float64
        Orthonormal columns, orthogonal to the constant: linear and quadratic in the ranks of a number,
        differences between the categories of a factor.
    """

    name: str
    basis: np.ndarray

    @classmethod
    def of_numbers(cls, name: str, values: np.ndarray) -> Predictor | None:
        """The linear and quadratic trend along the ranks of (n,) numbers; None for a constant."""
        _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(counts) < 2:
            return None
        middle = (np.cumsum(counts) - (counts + 1) / 2)[place] / len(values) - 0.5
        powers = [middle] if len(counts) == 2 else [middle, middle**2]
        return cls(name, _orthonormal(np.column_stack(powers)))

    @classmethod
    def of_categories(cls, name: str, codes: np.ndarray) -> Predictor | None:
        """Differences between the categories (n,); None for one category, or too many to be a factor."""
        count = int(codes.max()) + 1
        if not 2 <= count <= MOST_CATEGORIES:
            return None
        return cls(name, _orthonormal((codes[:, None] == np.arange(1, count)).astype(float)))


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    Q, R = np.linalg.qr(columns - columns.mean(axis=0))
    size = np.abs(np.diag(R))
    return np.asarray(Q[:, size > 1e-10 * size.max()])


def quantile_trend(normal: np.ndarray, basis: np.ndarray) -> float:
    """Score of trends in the quartiles.

    T = sum_tau |B' psi_tau|^2 / (tau (1 - tau)), psi_tau = tau - 1{u < tau}, over the three quartiles.

    Parameters
    ----------
    normal : (n,) float64
        Standardised residuals, Phi^-1(u).
    basis : (n, d) float64
        Orthonormal B.

    Returns
    -------
    float
        About 3 d when there is no trend.
    """
    from scipy.special import ndtri

    below = normal[:, None] < ndtri(LEVELS)
    return float((((basis.T @ (LEVELS - below)) ** 2).sum(axis=0) / (LEVELS * (1 - LEVELS))).sum())
