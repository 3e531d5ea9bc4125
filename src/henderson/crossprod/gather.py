"""Sums over blocks → the cross-products of one design: levels, coding, ranks and centres settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.accumulate import theta_entries
from henderson.crossprod.coding import level_context
from henderson.crossprod.describe import design_spec, gathered_design
from henderson.crossprod.fixed_columns import FixedPart, fixed_part, moments_of_response, with_response
from henderson.crossprod.random_columns import RandomPart, random_part
from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.crossprod.sums import PairSums, Sums
from henderson.crossprod.used_levels import used_levels
from henderson.design.checks import check_random
from henderson.design.gathered import GatheredDesign
from henderson.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """A design without rows and its cross-products."""

    design: GatheredDesign
    cross: CrossProducts


def gather(sums: Sums, where: str = "the source") -> Gathered:
    """Settle design and cross-products from sums.

    Parameters
    ----------
    sums : Sums
        Of all rows.
    where : str
        Where the rows are, for messages.

    Returns
    -------
    Gathered

    Raises
    ------
    DataError
        No complete rows.
    DesignError
        The model cannot be identified from these rows.

    Notes
    -----
    O(q K m + e K^2) for q random effects and e pairs of levels that meet; nothing depends on the rows.
    """
    if sums.n == 0:
        raise DataError(f"No rows are left: every one of the {sums.n_input} rows has a missing value.")
    sums = used_levels(sums)
    formula = sums.plan.read()
    context = level_context(sums.plan, formula, sums.levels)
    y = moments_of_response(sums, formula)
    fixed = fixed_part(sums, formula, context)
    y_centre = y[0] if fixed.constant is not None else 0.0
    TX = with_response(sums, fixed, y_centre)
    random = random_part(sums, formula, context)
    spec = design_spec(sums, formula, fixed, random)
    design = gathered_design(sums, formula, fixed, random, spec, where)
    check_random(design.groupings, design.terms, sums.n)
    return Gathered(design, _cross(sums, fixed, random, TX, y_centre))


def _cross(
    sums: Sums, fixed: FixedPart, random: RandomPart, TX: np.ndarray, y_centre: float
) -> CrossProducts:
    groups = [sums.groups[f] for f in random.order]
    levels = tuple(len(g.rows) for g in groups)
    k = [T.shape[0] for T in random.transforms]
    zz = tuple(_turned(g.zz, C, C) for g, C in zip(groups, random.maps, strict=True))
    zx = [_turned(g.zx, C, TX).reshape(-1, TX.shape[1]) for g, C in zip(groups, random.maps, strict=True)]
    sizes = [len(names) for _, names in random.terms]
    return CrossProducts(
        n=sums.n,
        p=len(fixed.kept),
        q=sum(n * each for n, each in zip(levels, k, strict=True)),
        columns=tuple(k),
        levels=levels,
        zz=zz,
        pairs=_pairs(sums, random, levels),
        zx=np.ascontiguousarray(np.concatenate(zx)),
        xx=TX.T @ sums.xx @ TX,
        entries=theta_entries([grouping for grouping, _ in random.terms], sizes),
        z_transform=random.transforms,
        x_centre=fixed.centre,
        x_scale=fixed.scale,
        y_centre=y_centre,
        constant=fixed.constant,
        intercept=fixed.intercept,
        sum_log_weights=sums.sum_log_weights,
        basis=fixed.basis,
    )


def _turned(A: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.matmul(np.matmul(left.T, A), right))


def _pairs(sums: Sums, random: RandomPart, levels: tuple[int, ...]) -> tuple[PairBlocks, ...]:
    met: dict[tuple[int, int], PairSums] = {(p.first, p.second): p for p in sums.pairs}
    out = []
    for a in range(len(levels)):
        for b in range(a + 1, len(levels)):
            i, j = (a, b) if levels[a] >= levels[b] else (b, a)
            f, g = random.order[i], random.order[j]
            pair = met[min(f, g), max(f, g)]
            at, blocks = (pair.at, pair.blocks) if f < g else (pair.at[:, ::-1], pair.blocks.swapaxes(1, 2))
            if f > g:
                order = np.lexsort((at[:, 1], at[:, 0]))
                at, blocks = at[order], blocks[order]
            start = np.concatenate([[0], np.cumsum(np.bincount(at[:, 0], minlength=levels[i]))])
            blocks = _turned(blocks, random.maps[i], random.maps[j])
            partner = np.ascontiguousarray(at[:, 1], dtype=np.int32)
            out.append(PairBlocks(i, j, start.astype(np.int64), partner, blocks))
    return tuple(out)
