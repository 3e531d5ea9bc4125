"""The random part from sums: terms in lme4's order, and how their columns enter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from henderson.crossprod.chunk_sums import z_units
from henderson.crossprod.coding import Coded, coded_columns, expanded
from henderson.crossprod.moments import moments_of
from henderson.crossprod.sums import Sums
from henderson.design.build import lme4_order
from henderson.design.context import Context
from henderson.formula import ModelFormula


class RandomPart(NamedTuple):
    """Random terms in lme4's order; per grouping the transforms."""

    terms: tuple[tuple[int, tuple[str, ...]], ...]
    places: tuple[tuple[int, int], ...]
    order: list[int]
    maps: list[np.ndarray]
    transforms: tuple[np.ndarray, ...]
    columns: list[list[Coded]]


def random_part(sums: Sums, formula: ModelFormula, context: Context) -> RandomPart:
    """Settle the random part: order of the terms, and how their columns enter the cross-products.

    Parameters
    ----------
    sums : Sums
    formula : ModelFormula
        Of `sums.plan`.
    context : Context
        From `level_context`.

    Returns
    -------
    RandomPart
    """
    plan = sums.plan
    count = {name: len(g.rows) for name, g in zip(plan.groupings, sums.groups, strict=True)}
    order = lme4_order([count[part.grouping.name] for part in formula.random])
    names = list(dict.fromkeys(formula.random[i].grouping.name for i in order))
    places = tuple((i, names.index(formula.random[i].grouping.name)) for i in order)
    columns: list[list[Coded]] = [coded_columns(formula.random[i].terms, context, {}) for i in order]
    maps, transforms = [], []
    for g, name in enumerate(names):
        mine = [c for c, (_, grouping) in zip(columns, places, strict=True) if grouping == g]
        entered, T = _z_columns(sums, plan.groupings.index(name), mine)
        maps.append(entered)
        transforms.append(T)
    terms = tuple((g, tuple(c.name for c in mine)) for (_, g), mine in zip(places, columns, strict=True))
    return RandomPart(
        terms, places, [plan.groupings.index(name) for name in names], maps, tuple(transforms), columns
    )


def _z_columns(sums: Sums, f: int, terms: list[list[Coded]]) -> tuple[np.ndarray, np.ndarray]:
    """(K', K) weights of what enters on the columns of a grouping, and T of `CrossProducts.z_transform`."""
    plan, flat = sums.plan, [column for term in terms for column in term]
    X = moments_of(sums, expanded(flat, plan.x, sums.levels, sums.units))
    units = z_units(plan.z[f], sums.units)
    Z = expanded(flat, plan.z[f], sums.levels, units)
    inside = np.array([not c.number or units[c.number].centre != 0.0 for c in flat])
    shift, level = np.where(inside, X.shift, X.mean), np.where(inside, X.level, 0.0)
    centred, raw = Z.centred(shift, level), Z.raw()
    entered, T, at = np.zeros_like(raw), np.zeros((len(flat), len(flat))), 0
    for term in terms:
        here = range(at, at + len(term))
        one = next((j for j in here if X.deviation[j] == 0 and X.mean[j] == 1.0), None)
        for j in here:
            if one not in (None, j) and X.deviation[j] > 0:
                T[j, j] = 1 / X.deviation[j]
                T[one, j] = -X.mean[j] * T[j, j]
                entered[:, j] = centred[:, j] * T[j, j]
            else:
                T[j, j] = 1 / X.size[j] if X.size[j] > 0 else 1.0
                entered[:, j] = raw[:, j] * T[j, j]
        at += len(term)
    return entered, T
