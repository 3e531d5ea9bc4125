"""The exact null distribution of one variance's likelihood ratio: its spectrum, and draws from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.errors import OptionError
from henderson.inference.hypotheses.reduced import term_shapes

GRID = 120
"""Points of log lambda at which every draw is looked at before its best one is refined."""

LARGEST = 3_000
"""Most rows of a matrix whose eigenvalues are computed."""

AT_ONCE = 1 << 23
"""Numbers held at once."""

SAME = 1e-8
"""Eigenvalues this close, relative to the largest, are drawn together."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """What the null distribution depends on.

    Attributes
    ----------
    mu : (s,) float64
        Distinct eigenvalues of Z'(I - X(X'X)^-1 X')Z, weights taken in.
    times : (s,) int64
        How often each occurs.
    rest : int
        Directions of the residual space that Z does not touch.
    xi : (s',) float64
        Eigenvalues whose log(1 + lambda xi) are taken off: `mu` with repeats for REML, those of Z'Z for ML.
    nu : int
        n - p for REML, n for ML.
    """

    mu: np.ndarray
    times: np.ndarray
    rest: int
    xi: np.ndarray
    nu: int


def spectrum(cross: CrossProducts, term: int, *, restricted: bool) -> Spectrum:
    """Eigenvalues that the null distribution of one variance's likelihood ratio depends on.

    Parameters
    ----------
    cross : CrossProducts
    term : int
        A random term of one column.
    restricted : bool
        REML or ML.
    """
    shapes = term_shapes(cross)
    f = shapes[term][0]
    column = sum(k for g, k in shapes[:term] if g == f)
    levels, K, p = cross.levels[f], cross.columns[f], cross.p
    start = sum(n * k for n, k in zip(cross.levels[:f], cross.columns[:f], strict=True))
    zx = cross.zx[start + column : start + levels * K : K, :p]
    zz = cross.zz[f][:, column, column]
    root = np.linalg.cholesky(cross.xx[:p, :p])
    values = eigenvalues(zz, np.linalg.solve(root, zx.T).T, levels)
    mu = np.sort(values)[::-1][: cross.n - p]
    mu = np.where(mu > 1e-10 * mu[0], mu, 0.0)
    first = np.flatnonzero(np.append(True, -np.diff(mu) > SAME * mu[0]))
    times = np.diff(np.append(first, len(mu)))
    distinct = np.add.reduceat(mu, first) / times
    return Spectrum(
        distinct, times, cross.n - p - len(mu), mu if restricted else zz, cross.n - (p if restricted else 0)
    )


def eigenvalues(d: np.ndarray, B: np.ndarray, levels: int) -> np.ndarray:
    """Eigenvalues of diag(d) - B B'.

    Levels with the same d may be rotated among one another: of m of them all but p have the eigenvalue d, and
    the others see the triangular factor of their rows of B.

    Parameters
    ----------
    d : (l,) float64
    B : (l, p) float64
    levels : int
        For the message.

    Returns
    -------
    (l,) float64

    Raises
    ------
    OptionError
        More than 3,000 rows are left.

    Notes
    -----
    O(l p^2 + r^3), r the rows left: p times the different values of d, or all levels where they all differ.

    Examples
    --------
    >>> eigenvalues(np.array([2.0, 2.0, 2.0]), np.array([[0.6], [0.8], [0.0]]), 3).round(6)
    array([2., 2., 1.])
    """
    order = np.argsort(d)
    cuts = np.flatnonzero(np.diff(d[order]) > 1e-12 * np.abs(d).max()) + 1
    plain, diagonal, rows, p = [], [], [], B.shape[1]
    for group in np.split(order, cuts):
        small = np.linalg.qr(B[group], mode="r") if len(group) > p else B[group]
        plain.append(np.full(len(group) - len(small), d[group[0]]))
        diagonal.append(np.full(len(small), d[group[0]]))
        rows.append(small)
    rest, R = np.concatenate(diagonal), np.concatenate(rows)
    if len(rest) > LARGEST:
        raise OptionError(
            f"The exact test needs the eigenvalues of a matrix of {len(rest)} rows for these {levels} "
            f"levels; up to {LARGEST} are computed. With so many levels the mixture of ranova() is close."
        )
    return np.concatenate([*plain, np.linalg.eigvalsh(np.diag(rest) - R @ R.T)])


def null_draws(found: Spectrum, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw from the distribution of the likelihood ratio when the variance is zero.

    Parameters
    ----------
    found : Spectrum
    count : int
        How many.
    rng : numpy Generator

    Returns
    -------
    (count,) float64
        Not negative; zero where the variance is estimated as zero.
    """
    step = max(1, AT_ONCE // max(GRID, len(found.mu)))
    sizes = [min(step, count - at) for at in range(0, count, step)]
    return np.concatenate([_draw(found, size, rng) for size in sizes])


def _draw(found: Spectrum, count: int, rng: np.random.Generator) -> np.ndarray:
    w2 = rng.chisquare(found.times, size=(count, len(found.mu)))
    total = w2.sum(axis=1) + (rng.chisquare(found.rest, size=count) if found.rest else 0.0)
    positive = found.mu[found.mu > 0]
    if not len(positive):
        return np.zeros(count)
    grid = np.linspace(math.log(1e-4 / positive[0]), math.log(1e5 / positive[-1]), GRID)
    shrunk = np.exp(grid)[:, None] * found.mu
    values = -found.nu * np.log1p(-(w2 @ (shrunk / (1 + shrunk)).T) / total[:, None])
    values -= _taken_off(found, grid)
    best = np.clip(values.argmax(axis=1), 1, GRID - 2)
    rows = np.arange(count)
    below, here, above = (values[rows, best + d] for d in (-1, 0, 1))
    bend = below - 2 * here + above
    shift = np.where(bend < 0, 0.5 * (below - above) / np.where(bend < 0, bend, -1.0), 0.0)
    at = grid[best] + np.clip(shift, -1, 1) * (grid[1] - grid[0])
    refined = np.exp(at)[:, None] * found.mu
    N = (w2 * (refined / (1 + refined))).sum(axis=1)
    top = -found.nu * np.log1p(-N / total) - _taken_off(found, at)
    out = np.maximum(top, values.max(axis=1))
    return np.where(out > 1e-6, out, 0.0)


def _taken_off(found: Spectrum, log_lambda: np.ndarray) -> np.ndarray:
    """Sum of log(1 + lambda xi) at every lambda."""
    xi, times = np.unique(np.round(found.xi, 12), return_counts=True)
    return np.array([times @ np.log1p(math.exp(value) * xi) for value in log_lambda])
