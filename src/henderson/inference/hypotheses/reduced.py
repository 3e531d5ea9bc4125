"""Smaller models made from the cross-products of a larger one, without a second pass over the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from henderson import estimate as estimation
from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.estimate import Estimate
from henderson.inference.solver import same_search
from henderson.model.criterion import constant


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The criterion that a smaller model reaches.

    Attributes
    ----------
    criterion : float
        REML criterion or ML deviance.
    npar : int
        Its parameters.
    converged : bool
        Whether its search ended at an optimum.
    """

    criterion: float
    npar: int
    converged: bool


def without_columns(cross: CrossProducts, drop: np.ndarray) -> CrossProducts | None:
    """Leave columns of X out of the cross-products.

    Parameters
    ----------
    cross : CrossProducts
        Of p columns.
    drop : (d,) int
        Columns to leave out.

    Returns
    -------
    CrossProducts or None
        None where the constant column, by which the others are centred, would leave the span of X.

    Notes
    -----
    O(q p): blocks of Z'WZ are shared.
    """
    cross = cross.in_columns()
    keep = np.setdiff1d(np.arange(cross.p), drop)
    if cross.constant is not None and np.abs(cross.constant[drop]).max(initial=0.0) > 1e-9:
        return None
    both = np.append(keep, cross.p)
    return replace(
        cross,
        p=len(keep),
        zx=np.ascontiguousarray(cross.zx[:, both]),
        xx=np.ascontiguousarray(cross.xx[np.ix_(both, both)]),
        x_centre=cross.x_centre[keep],
        x_scale=cross.x_scale[keep],
        constant=None if cross.constant is None else cross.constant[keep],
        intercept=None if cross.intercept is None else int(np.searchsorted(keep, cross.intercept)),
    )


def with_terms(cross: CrossProducts, maps: Sequence[np.ndarray | None]) -> CrossProducts | None:
    """Replace the columns of every random term by combinations of them.

    Z_new = Z M, hence Z_new'WZ_new = M'Z'WZ M, level by level.

    Parameters
    ----------
    cross : CrossProducts
    maps : sequence of (k_i, k_i') float64 or None
        One per term, in the user's columns; None drops the term.

    Returns
    -------
    CrossProducts or None
        None where no random term is left.

    Notes
    -----
    O(entries of Z'WZ).
    """
    shapes = term_shapes(cross)
    members = [[i for i, (g, _) in enumerate(shapes) if g == f] for f in range(len(cross.levels))]
    kept = [any(maps[i] is not None for i in each) for each in members]
    rotations = [
        _rotation(cross, f, [(shapes[i][1], maps[i]) for i in members[f]]) if kept[f] else None
        for f in range(len(kept))
    ]
    left = [f for f, there in enumerate(kept) if there]
    if not left:
        return None
    zz, zx, transforms = [], [], []
    starts = np.cumsum([0, *(n * k for n, k in zip(cross.levels, cross.columns, strict=True))])
    for f in left:
        R, T = rotations[f] or (np.eye(0), np.eye(0))
        zz.append(np.ascontiguousarray(np.einsum("ka,lkm,mb->lab", R, cross.zz[f], R)))
        rows = cross.zx[starts[f] : starts[f + 1]].reshape(cross.levels[f], cross.columns[f], -1)
        zx.append(np.einsum("ka,lkp->lap", R, rows).reshape(-1, cross.p + 1))
        transforms.append(T)
    return replace(
        cross,
        q=sum(block.shape[0] * block.shape[1] for block in zz),
        columns=tuple(block.shape[1] for block in zz),
        levels=tuple(cross.levels[f] for f in left),
        zz=tuple(zz),
        zx=np.ascontiguousarray(np.concatenate(zx)),
        pairs=tuple(
            _pair(pair, rotations, left) for pair in cross.pairs if pair.first in left and pair.second in left
        ),
        z_transform=tuple(transforms),
        entries=_entries(
            [(left.index(shapes[i][0]), M.shape[1]) for i, M in enumerate(maps) if M is not None]
        ),
    )


def term_shapes(cross: CrossProducts) -> list[tuple[int, int]]:
    """Return grouping and number of columns of every random term."""
    out: dict[int, tuple[int, int]] = {}
    for f, row, column, i in cross.entries.tolist():
        out[i] = (f, out.get(i, (f, 0))[1] + (row == column))
    return [out[i] for i in sorted(out)]


def _rotation(
    cross: CrossProducts, f: int, maps: list[tuple[int, np.ndarray | None]]
) -> tuple[np.ndarray, np.ndarray]:
    """(K, K') from the stored to the new stored columns of a grouping, and its new transform (K', K')."""
    T, at, blocks = cross.z_transform[f], 0, []
    for k, new in maps:
        if new is not None:
            block = np.zeros((len(T), new.shape[1]))
            block[at : at + k] = new
            blocks.append(block)
        at += k
    M = np.concatenate(blocks, axis=1)
    rows = [int(np.argmax(np.abs(column))) for column in M.T]
    chosen = np.zeros_like(M)
    chosen[rows, range(len(rows))] = 1.0
    T_new = T[np.ix_(rows, rows)]
    if not np.array_equal(chosen, M) or not np.allclose(T @ chosen, M @ T_new):
        total = np.einsum("lab->ab", cross.zz[f])
        stored = np.linalg.solve(T, M)
        size = np.sqrt(np.einsum("ka,km,ma->a", stored, total, stored) / cross.n)
        T_new = np.diag(1 / np.where(size > 0, size, 1.0))
    return np.linalg.solve(T, M @ T_new), T_new


def _pair(
    pair: PairBlocks, rotations: list[tuple[np.ndarray, np.ndarray] | None], left: list[int]
) -> PairBlocks:
    first, second = rotations[pair.first], rotations[pair.second]
    assert first is not None
    assert second is not None
    blocks = np.ascontiguousarray(np.einsum("ka,ekm,mb->eab", first[0], pair.blocks, second[0]))
    return PairBlocks(left.index(pair.first), left.index(pair.second), pair.start, pair.partner, blocks)


def _entries(terms: list[tuple[int, int]]) -> np.ndarray:
    """(n_theta, 4) grouping, row, column and term of theta, from grouping and width of every term."""
    at: dict[int, int] = {}
    out = []
    for i, (f, k) in enumerate(terms):
        first = at.get(f, 0)
        out += [(f, first + a, first + b, i) for b in range(k) for a in range(b, k)]
        at[f] = first + k
    return np.array(out, dtype=np.int32)


def outcome(cross: CrossProducts | None, whole: Estimate, *, reml: bool) -> Outcome:
    """Fit a reduced model and say what it reaches.

    Parameters
    ----------
    cross : CrossProducts or None
        Reduced cross-products; None for the linear model that is left without any random term.
    whole : Estimate
        The fit it came from: its fixed effects for the linear model, and the limits of the search.
    reml : bool
        Which criterion.

    Returns
    -------
    Outcome
    """
    if cross is None:
        return Outcome(linear_criterion(whole.cross, reml=reml), whole.cross.p + 1, True)
    fit = fit_reduced(cross, whole, reml=reml)
    return Outcome(fit.criterion, cross.p + cross.n_theta + 1, fit.search.converged)


def fit_reduced(cross: CrossProducts, whole: Estimate, *, reml: bool) -> Estimate:
    """Fit reduced cross-products within the limits of the first search; theta is numbered, not named."""
    same = cross.zz is whole.cross.zz  # then the symbolic analysis holds as well
    return estimation.fit_cross_products(
        cross,
        tuple(f"theta{i}" for i in range(cross.n_theta)),
        reml=reml,
        system=whole.system if same else None,
        **same_search(whole),
    )


def linear_criterion(cross: CrossProducts, *, reml: bool) -> float:
    """-2 log-likelihood of the linear model without random effects.

    [log|X'WX|] + nu (1 + log(2 pi r^2 / nu)) - sum log w, the bracket and nu = n - p for REML.

    Parameters
    ----------
    cross : CrossProducts
    reml : bool

    Notes
    -----
    O(p^3).
    """
    p, nu = cross.p, cross.n - cross.p if reml else cross.n
    R = np.linalg.cholesky(cross.xx[:p, :p])
    c = np.linalg.solve(R, cross.xx[:p, p])
    r2 = float(cross.xx[p, p] - c @ c)
    determinant = 2 * float(np.log(np.diag(R)).sum()) if reml else 0.0
    return determinant + nu * (1 + math.log(2 * math.pi * r2 / nu)) + constant(cross, reml)
