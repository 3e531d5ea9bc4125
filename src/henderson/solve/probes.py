"""Vectors whose solves estimate traces of an inverse, and what their spread says about the error.

tr(M) = E z'Mz for random signs z (Hutchinson 1990). Rows of small groupings get unit vectors instead, which
make their part exact: few levels have large standard errors to match, and cost few solves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EXACT_ROWS = 16
"""Rows of the rest that are taken one by one, the smallest groupings first."""


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Columns z with E sum of weight z z' = I.

    Attributes
    ----------
    vectors : (q, s) float64
        Unit vectors first, then random signs (zero where there are unit vectors).
    exact : int
        How many are unit vectors.
    """

    vectors: np.ndarray
    exact: int

    @property
    def drawn(self) -> int:
        """Number of random ones."""
        return self.vectors.shape[1] - self.exact

    def mean(self, forms: np.ndarray) -> np.ndarray:
        """Estimate of a trace from (s, ...) values z'Mz: unit vectors add up, the others are averaged."""
        total = np.asarray(forms[: self.exact].sum(axis=0))
        return total + forms[self.exact :].mean(axis=0) if self.drawn else total

    def covariance_of_mean(self, forms: np.ndarray) -> np.ndarray:
        """(m, m) Monte Carlo covariance of `mean` for (s, m) values; zero when all is exact."""
        m = forms.shape[1]
        if self.drawn < 2:
            return np.zeros((m, m)) if self.drawn == 0 else np.full((m, m), np.inf)
        return np.cov(forms[self.exact :], rowvar=False).reshape(m, m) / self.drawn


def draw_probes(sizes: tuple[int, ...], count: int, seed: int) -> Probes:
    """Probes for a vector made of groupings.

    Parameters
    ----------
    sizes : tuple of int
        Rows of every grouping, in order.
    count : int
        Random vectors wanted; when that is not less than what is left, all rows are taken one by one.
    seed : int
        The first `count` random vectors do not depend on `count`.

    Returns
    -------
    Probes
    """
    q, at = sum(sizes), np.cumsum([0, *sizes])
    unit = np.zeros(q, dtype=bool)
    for i in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        if unit.sum() + sizes[i] <= EXACT_ROWS:
            unit[at[i] : at[i + 1]] = True
    if q == 0 or count >= q - int(unit.sum()):
        return Probes(np.eye(q), q)
    signs = np.stack([_signs(seed, i, q) for i in range(count)], axis=1)
    signs[unit] = 0.0
    exact = int(unit.sum())
    units = np.zeros((q, exact))
    units[np.flatnonzero(unit), np.arange(exact)] = 1.0
    return Probes(np.concatenate([units, signs], axis=1), exact)


def _signs(seed: int, i: int, q: int) -> np.ndarray:
    return np.random.default_rng((seed, i)).integers(0, 2, q, dtype=np.int8) * 2.0 - 1.0
