"""Vectors whose solves estimate traces of an inverse, and what their spread says about the error.

tr(M) = E z'Mz for random signs z (Hutchinson 1990). Some directions are taken exactly instead, one solve
each, and the random vectors are projected on what is left:

* the rows of small groupings: few levels have large standard errors to match, and cost few solves;
* the constants of every other grouping. Crossed factors are told apart only by their priors there (raise all
  items, lower all users), so an inverse is largest in just these directions, and so would be the noise. A
  grouping nested in a small one (items in a few genres) has a constant in every level of that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.solve.levels import Layout

EXACT_ROWS = 16
"""Rows of the rest that are taken one by one, the smallest groupings first."""


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Columns z whose exact and mean random z z' add up to I.

    Attributes
    ----------
    vectors : (q, s) float64
        An orthonormal basis of the exact directions first, then random signs without their part in these.
    exact : int
        Dimension of that basis.
    """

    vectors: np.ndarray
    exact: int

    @property
    def drawn(self) -> int:
        """Number of random ones."""
        return self.vectors.shape[1] - self.exact

    def mean(self, forms: np.ndarray) -> np.ndarray:
        """Estimate of a trace from (s, ...) values z'Mz: exact directions add up, the others are averaged."""
        total = np.asarray(forms[: self.exact].sum(axis=0))
        return total + forms[self.exact :].mean(axis=0) if self.drawn else total

    def covariance_of_mean(self, forms: np.ndarray) -> np.ndarray:
        """(m, m) Monte Carlo covariance of `mean` for (s, m) values; zero when all is exact."""
        m = forms.shape[1]
        if self.drawn < 2:
            return np.zeros((m, m)) if self.drawn == 0 else np.full((m, m), np.inf)
        return np.cov(forms[self.exact :], rowvar=False).reshape(m, m) / self.drawn


def small_groupings(sizes: tuple[int, ...]) -> set[int]:
    """Groupings whose rows are taken one by one, of those with so many rows."""
    small, taken = set[int](), 0
    for i in sorted(range(len(sizes)), key=lambda i: sizes[i]):
        taken += sizes[i]
        if taken <= EXACT_ROWS:
            small.add(i)
    return small


def exact_directions(layout: Layout) -> np.ndarray:
    """(q2, m) orthonormal basis of what is not left to chance."""
    sizes, columns = layout.shape_of_rest
    small, basis = small_groupings(sizes), [np.zeros((layout.q, 0))]
    partners = {n.first: n.partner for n in layout.nested if n.second in small}
    for i, (rows, size, k) in enumerate(zip(layout.rows, sizes, columns, strict=True)):
        levels = size // k
        part = np.eye(size) if i in small else _constants(partners.get(i, np.zeros(levels, np.int32)), k)
        basis.append(np.zeros((layout.q, part.shape[1])))
        basis[-1][rows] = part
    return np.concatenate(basis, axis=1)


def _constants(partner: np.ndarray, k: int) -> np.ndarray:
    """(levels k, levels of the partner times k) orthonormal: the same in all levels with one partner."""
    inside = partner[:, None] == np.unique(partner)
    return np.kron(inside / np.sqrt(inside.sum(axis=0)), np.eye(k))


def draw_probes(basis: np.ndarray, count: int, seed: int) -> Probes:
    """Probes for a vector, some directions exact.

    Parameters
    ----------
    basis : (q, m) float64
        Orthonormal columns to be taken exactly.
    count : int
        Random vectors wanted; when that is not less than what is left, all rows are taken one by one.
    seed : int
        The first `count` random vectors do not depend on `count`.

    Returns
    -------
    Probes
    """
    q, m = basis.shape
    if count >= q - m:
        return Probes(np.eye(q), q)
    signs = np.stack([_signs(seed, i, q) for i in range(count)], axis=1)
    return Probes(np.concatenate([basis, signs - basis @ (basis.T @ signs)], axis=1), m)


def _signs(seed: int, i: int, q: int) -> np.ndarray:
    return np.random.default_rng((seed, i)).integers(0, 2, q, dtype=np.int8) * 2.0 - 1.0
