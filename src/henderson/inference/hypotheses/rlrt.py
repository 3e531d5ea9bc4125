"""Exact (restricted) likelihood ratio test of one variance, by simulating its spectral form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.design.record import Design
from henderson.errors import OptionError
from henderson.estimate import Estimate
from henderson.inference.hypotheses.boundary import mixture_p, settled
from henderson.inference.hypotheses.lrt import again
from henderson.inference.hypotheses.ranova import random_deletions
from henderson.inference.hypotheses.reduced import outcome, term_shapes, with_terms
from henderson.inference.simulate import generator

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


@dataclass(frozen=True, slots=True, eq=False)
class ExactTest:
    """Test of one variance.

    Attributes
    ----------
    term : str
        What is left out.
    statistic : float
        2 (l - l_without), REML or ML.
    p_value : float
        (1 + draws at least as large) / (1 + draws).
    std_error : float
        Of `p_value`, from the number of draws.
    p_boundary : float
        By the mixture 0.5 chi2_0 + 0.5 chi2_1, for comparison.
    at_zero : float
        Share of draws that are zero; the mixture says one half.
    n_sim : int
        Number of draws.
    restricted : bool
        Whether by REML.
    approximate : bool
        Whether other random terms are in the model, so that the distribution is that of Greven et al. (2008).
    refitted : bool
        Whether the fit was by the other criterion and was refitted.
    """

    term: str
    statistic: float
    p_value: float
    std_error: float
    p_boundary: float
    at_zero: float
    n_sim: int
    restricted: bool
    approximate: bool
    refitted: bool

    def columns(self) -> Mapping[str, Any]:
        """Return the test as a table of one row."""
        names = ("statistic", "p_value", "std_error", "p_boundary")
        return {"term": [self.term], **{name: [getattr(self, name)] for name in names}}


def exact_test(
    design: Design,
    estimate: Estimate,
    term: str | None,
    *,
    n_sim: int,
    seed: int | np.random.Generator | None,
    restricted: bool,
) -> ExactTest:
    """Test whether one variance is zero.

    RLRT = sup_lambda (n - p) log(1 + N/D) - sum log(1 + lambda mu_s), with N = sum lambda mu_s w_s^2 /
    (1 + lambda mu_s), D = sum w_s^2 / (1 + lambda mu_s) + sum of the other w^2, w independent standard normal
    (Crainiceanu and Ruppert 2004, eq. 9); for ML n takes the place of n - p before the logarithm and the
    eigenvalues of Z'Z that of mu_s after it.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    term : str or None
        Label, grouping factor or theta name of the term; None where there is one only.
    n_sim : int
        Draws.
    seed : int, numpy Generator or None
        Makes them repeatable.
    restricted : bool
        REML, or ML.

    Returns
    -------
    ExactTest

    Notes
    -----
    Eigenvalues as in `eigenvalues`, O(n_sim x distinct eigenvalues x 120) for the draws. With further random
    terms the statistic is that of the whole model, and its distribution is taken as if their effects were
    known (Greven, Crainiceanu, Kuechenhoff and Peters 2008).
    """
    count, rng = _count(n_sim), generator(seed)
    i, label = chosen_term(design, term)
    refitted = estimate.reml is not restricted
    whole = again(estimate, reml=restricted) if refitted else estimate
    maps = [None if j == i else np.eye(t.k) for j, t in enumerate(design.terms)]
    without = outcome(with_terms(whole.cross, maps), whole, reml=restricted)
    statistic = max(0.0, settled(without.criterion - whole.criterion, whole.criterion))
    draws = null_draws(spectrum(whole.cross, i, restricted=restricted), count, rng)
    p = (1 + int((draws >= statistic).sum())) / (1 + count)
    return ExactTest(
        term=label,
        statistic=statistic,
        p_value=p,
        std_error=math.sqrt(p * (1 - p) / count),
        p_boundary=mixture_p(statistic, 1, 1),
        at_zero=float((draws <= 0).mean()),
        n_sim=count,
        restricted=restricted,
        approximate=len(design.terms) > 1,
        refitted=refitted,
    )


def chosen_term(design: Design, term: str | None) -> tuple[int, str]:
    """Return place and label of the term to test, or say what can be named."""
    labels = {d.term: d.label for d in random_deletions(design, reduce_terms=False)}
    single = {i: label for i, label in labels.items() if design.terms[i].k == 1}
    if term is None and len(labels) == 1:
        term = next(iter(labels.values()))
    known = [i for i in labels if term in _names(design, i, labels[i])]
    if len(known) != 1:
        offered = ", ".join(map(repr, single.values())) or "none"
        what = (
            "Say which variance: this model has several"
            if term is None
            else f"term={term!r} names no one term"
        )
        raise OptionError(f"{what}. Those of terms with one column can be tested: {offered}.")
    if known[0] not in single:
        names = " + ".join(design.terms[known[0]].names[1:])
        group = design.groupings[design.terms[known[0]].grouping].name
        raise OptionError(
            f"{labels[known[0]]} has {design.terms[known[0]].k} variances and their covariances, and the "
            f"exact test is of one variance. Fit ({names} || {group}) and name one of its terms, or use "
            "ranova()."
        )
    return known[0], single[known[0]]


def _names(design: Design, i: int, label: str) -> set[str]:
    group, name = design.groupings[design.terms[i].grouping].name, design.terms[i].names[0]
    alone = sum(t.grouping == design.terms[i].grouping for t in design.terms) == 1
    return {label, label.replace(" ", ""), f"{group}.{name}"} | ({group} if alone else set())


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


def _count(n_sim: object) -> int:
    if isinstance(n_sim, bool) or not isinstance(n_sim, (int, np.integer)) or n_sim < 1:
        raise OptionError(f"n_sim={n_sim!r}: the number of draws must be a positive integer, such as 10000.")
    return int(n_sim)
