"""Variances of predictions: how far a combination x'beta + z'b of the estimates is from the truth.

With h = Lambda' z, the error x'(beta_hat - beta) + z'(b_hat - b) has the variance

    sigma^2 [ h' Omega^-1 h + |R_X^-T (x - X'WZ Lambda Omega^-1 h)|^2 ].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.inference.layout import grouping_columns
from henderson.inference.rows import NewRows
from henderson.inference.solver import refuse_iterative

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

WORK = 4_000_000
"""Most elements of a block of right-hand sides."""


def known_variance(design: Design, estimate: Estimate, rows: NewRows, chosen: tuple[int, ...]) -> np.ndarray:
    """Variance (r,) of x'(beta_hat - beta) + z'(b_hat - b) over the known levels of the chosen groupings.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    rows : NewRows
        r rows; levels that the fit has not seen do not take part.
    chosen : tuple of int
        Groupings that take part.

    Returns
    -------
    (r,) float64

    Notes
    -----
    One selected inverse, then O(r (K^2 + K p)). Pairs of levels that never met in the data cost one solve per
    level of the factor with fewer of them.
    """
    X = np.where(rows.missing[:, None], 0.0, rows.X)
    live = {f: (rows.codes[f] >= 0) & ~rows.missing for f in chosen}
    parts = [known_part(design, estimate, rows, f, mask) for f, mask in live.items() if mask.any()]
    if not parts:
        return combination_variance(design, estimate, X, None)
    refuse_iterative(
        estimate,
        "Standard errors of predictions for known levels",
        "Means do not: predict(newdata); nor does the population, predict(newdata, groups=None, se=True).",
    )
    diagonal, pairs = estimate.factor.selected()
    total, rest = np.zeros(rows.r), X
    for n, one in enumerate(parts):
        total += np.einsum("ra,rab,rb->r", one.h, diagonal[one.f][one.codes], one.h)
        rest = rest - np.einsum("ra,rap->rp", one.h, one.zx[one.codes])
        for two in parts[n + 1 :]:
            total += 2 * cross_product(estimate, pairs, one, two)
    return np.asarray(estimate.sigma**2 * (total + fixed_length(estimate, rest)))


@dataclass(frozen=True, slots=True, eq=False)
class KnownPart:
    """The known levels of one grouping in r rows.

    Attributes
    ----------
    f : int
        The grouping.
    codes : (r,) int64
        Levels; 0 where the level is unknown.
    h : (r, K) float64
        Lambda' z; zero where the level is unknown.
    zx : (levels, K, p) float64
        The grouping's part of Omega^-1 Lambda' Z'W X.
    start : int
        Where the grouping starts among the q effects.
    """

    f: int
    codes: np.ndarray
    h: np.ndarray
    zx: np.ndarray
    start: int


def known_part(design: Design, estimate: Estimate, rows: NewRows, f: int, live: np.ndarray) -> KnownPart:
    """Gather what `known_variance` needs of grouping `f`; `live` (r,) marks the rows that take part."""
    start, shape = sum(b.size for b in estimate.b[:f]), estimate.b[f].shape
    return KnownPart(
        f,
        np.where(live, rows.codes[f], 0).astype(np.int64),
        np.where(live[:, None], z_columns(design, rows, f) @ factor_of(design, estimate, f), 0.0),
        estimate.zx[start : start + shape[0] * shape[1]].reshape(*shape, design.p),
        start,
    )


def cross_product(estimate: Estimate, pairs: list[np.ndarray], one: KnownPart, two: KnownPart) -> np.ndarray:
    """Return h_1' (Omega^-1)_12 h_2 (r,): read off the pattern where the levels have met, else solved for."""
    n = next(n for n, p in enumerate(estimate.cross.pairs) if {p.first, p.second} == {one.f, two.f})
    pattern = estimate.cross.pairs[n]
    first, second = (one, two) if pattern.first == one.f else (two, one)
    levels = estimate.cross.levels[second.f]
    table = np.repeat(np.arange(len(pattern.start) - 1), np.diff(pattern.start)) * levels + pattern.partner
    wanted = first.codes * levels + second.codes
    at = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    met = table[at] == wanted
    apart = ~met & first.h.any(axis=1) & second.h.any(axis=1)
    out = np.zeros(len(wanted))
    out[met] = np.einsum("ra,rab,rb->r", first.h[met], pairs[n][at[met]], second.h[met])
    out[apart] = solved_product(estimate, first, second, np.flatnonzero(apart))
    return out


def solved_product(estimate: Estimate, first: KnownPart, second: KnownPart, rows: np.ndarray) -> np.ndarray:
    """`cross_product` for the given rows by one solve per level of the side that has fewer of them there."""
    few, many = sorted((first, second), key=lambda part: len(np.unique(part.codes[rows])))
    levels, which = np.unique(few.codes[rows], return_inverse=True)
    q, k, wide = len(estimate.zx), few.h.shape[1], many.h.shape[1]
    out, step = np.empty(len(rows)), max(1, WORK // (q * k))
    for begin in range(0, len(levels), step):
        block = levels[begin : begin + step]
        unit = np.zeros((q, len(block) * k))
        unit[few.start + (block[:, None] * k + np.arange(k)).ravel(), np.arange(len(block) * k)] = 1.0
        solved = estimate.factor.solve(unit)
        mine = np.flatnonzero((which >= begin) & (which < begin + step))
        place = many.start + many.codes[rows[mine]][:, None, None] * wide + np.arange(wide)[:, None]
        columns = (which[mine] - begin)[:, None, None] * k + np.arange(k)
        out[mine] = np.einsum("ra,rab,rb->r", many.h[rows[mine]], solved[place, columns], few.h[rows[mine]])
    return out


def combination_variance(
    design: Design, estimate: Estimate, X: np.ndarray, Z: np.ndarray | None
) -> np.ndarray:
    """Return the variance (r,) of combinations with rows x of `X` (r, p) and z of `Z` (r, q), by r solves."""
    if Z is None:
        return np.asarray(estimate.sigma**2 * fixed_length(estimate, X))
    H = scaled(design, estimate, Z)
    refuse_iterative(estimate, "Standard errors of combinations with random effects")
    half = estimate.factor.half_solve(np.ascontiguousarray(H.T))
    total = (half**2).sum(axis=0) + fixed_length(estimate, X - H @ estimate.zx)
    return np.asarray(estimate.sigma**2 * total)


def fixed_length(estimate: Estimate, X: np.ndarray) -> np.ndarray:
    """|R_X^-T x|^2 for every row x of X, (r,)."""
    from scipy.linalg import solve_triangular

    if not X.shape[1]:
        return np.zeros(len(X))
    return np.asarray((solve_triangular(estimate.RX, X.T, trans="T") ** 2).sum(axis=0))


def factor_of(design: Design, estimate: Estimate, f: int) -> np.ndarray:
    """Lambda of one level of grouping `f`, (K, K): the blocks of its terms on the diagonal."""
    from scipy.linalg import block_diag

    return np.asarray(
        block_diag(*[s for t, s in zip(design.terms, estimate.lambdas, strict=True) if t.grouping == f])
    )


def z_columns(design: Design, rows: NewRows, f: int) -> np.ndarray:
    """Columns of the terms of grouping `f` side by side, (r, K)."""
    return np.column_stack(
        [c for t, cols in zip(design.terms, rows.columns, strict=True) if t.grouping == f for c in cols]
    )


def scaled(design: Design, estimate: Estimate, Z: np.ndarray) -> np.ndarray:
    """Rows of Z (r, q) times Lambda, grouping by grouping."""
    out, at = np.empty_like(Z), 0
    for f, g in enumerate(design.groupings):
        block = factor_of(design, estimate, f)
        size = len(g.levels) * len(block)
        out[:, at : at + size] = (Z[:, at : at + size].reshape(-1, len(block)) @ block).reshape(len(Z), size)
        at += size
    return out


def known_columns(design: Design, rows: NewRows, chosen: tuple[int, ...], q: int) -> Any:
    """Sparse Z of the known levels of the chosen groupings, (r, q), external order."""
    from scipy.sparse import csr_array

    at, row, col, val = 0, [], [], []
    for f, (g, names) in enumerate(zip(design.groupings, grouping_columns(design), strict=True)):
        if f in chosen:
            live = np.flatnonzero((rows.codes[f] >= 0) & ~rows.missing)
            columns, place = (
                z_columns(design, rows, f)[live],
                at + rows.codes[f][live].astype(np.int64) * len(names),
            )
            row.append(np.repeat(live, len(names)))
            col.append((place[:, None] + np.arange(len(names))).ravel())
            val.append(columns.ravel())
        at += len(g.levels) * len(names)
    if not val:
        return csr_array((rows.r, q))
    return csr_array((np.concatenate(val), (np.concatenate(row), np.concatenate(col))), shape=(rows.r, q))
