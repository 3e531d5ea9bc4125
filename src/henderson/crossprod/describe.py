"""The design that sums are of: names, levels, specification and plain products; no rows."""

from __future__ import annotations

import numpy as np

from henderson.crossprod.coding import expanded
from henderson.crossprod.fixed_columns import FixedPart, moments_of_response
from henderson.crossprod.moments import moments_of
from henderson.crossprod.random_columns import RandomPart
from henderson.crossprod.sums import GroupSums, LevelList, Sums, constant_columns, sizes_of
from henderson.data import Factor, label_text
from henderson.design.contrasts import Coding
from henderson.design.gathered import GatheredDesign, Products
from henderson.design.groupings import GroupingSpec, joined_labels
from henderson.design.parts import coding_of_factor
from henderson.design.spec import CodedFactor, DesignSpec
from henderson.formula import ModelFormula


def gathered_design(
    sums: Sums, formula: ModelFormula, fixed: FixedPart, random: RandomPart, spec: DesignSpec, where: str
) -> GatheredDesign:
    """Return the design that goes with the cross-products of `sums`."""
    names = tuple(column.name for column in fixed.columns)
    return GatheredDesign(
        n=sums.n,
        x_names=tuple(names[j] for j in fixed.kept),
        intercept=fixed.intercept,
        dropped=tuple(name for j, name in enumerate(names) if j not in set(fixed.kept)),
        all_x_names=names,
        groupings=tuple((g.name, g.levels) for g in spec.groupings),
        terms=random.terms,
        response=formula.response.name,
        n_input=sums.n_input,
        spec=spec,
        missing=_missing(sums),
        weighted=sums.xx is not sums.plain,
        has_offset=bool(sums.plan.offset) or bool(formula.fixed.offsets),
        products=_products(sums, fixed, random),
        predictors=sums.tables,
        level_rows=tuple(sums.groups[f].rows for f in random.order),
        where=where,
    )


def _missing(sums: Sums) -> tuple[tuple[str, int], ...]:
    """Columns with missing values, in the order of the formula."""
    names = dict.fromkeys([*sums.plan.kinds, *sums.missing])
    return tuple((name, sums.missing[name]) for name in names if sums.missing.get(name))


def _products(sums: Sums, fixed: FixedPart, random: RandomPart) -> Products:
    columns = [*(fixed.columns[j] for j in fixed.kept), *(c for term in random.columns for c in term)]
    X = moments_of(sums, expanded(columns, sums.plan.x, sums.levels, sums.units))
    mean, deviation = moments_of_response(sums, sums.plan.read())
    e = constant_columns(sums.plan.x, sizes_of(sums.levels))
    scale = np.array([1.0, *(1 / np.where(X.deviation > 0, X.deviation, 1.0)), 1 / deviation])
    m = len(e)
    T = np.zeros((m + 1, len(scale)))
    T[:m, 0] = e
    T[:m, 1:-1] = X.centred * scale[1:-1]
    T[m, -1] = scale[-1] / sums.y_unit.scale
    T[:m, -1] = -e * (mean - sums.y_unit.centre) * scale[-1]
    return Products(len(fixed.kept), np.array([1.0, *X.mean, mean]), scale, T.T @ sums.plain @ T)


def design_spec(sums: Sums, formula: ModelFormula, fixed: FixedPart, random: RandomPart) -> DesignSpec:
    """Return what replays the design on rows: the same as that of a design made from all rows at once."""
    plan, names = sums.plan, tuple(column.name for column in fixed.columns)
    ordered = {f"ordered {name}": {"ordered": True} for name, each in sums.levels.items() if each.ordered}
    return DesignSpec(
        formula=plan.formula,
        dot=plan.dot,
        kinds=dict(plan.kinds),
        levels={name: each.labels for name, each in sums.levels.items()},
        states={**plan.states, **ordered},
        codings=dict(plan.codings),
        kept=tuple(fixed.kept),
        all_x_names=names,
        x_names=tuple(names[j] for j in fixed.kept),
        intercept=fixed.intercept,
        groupings=tuple(grouping_spec(plan.groupings[f], sums.groups[f]) for f in random.order),
        terms=random.places,
        weights=plan.weights,
        offset=plan.offset,
        env=plan.env,
        assign=tuple(column.term for column in fixed.columns),
        factors={
            v.name: _coded_factor(v.name, sums.levels[v.name], plan.codings)
            for v in formula.fixed.variables
            if v.name in sums.levels
        },
        aliases=fixed.aliases,
    )


def _coded_factor(name: str, each: LevelList, codings: dict[str, Coding]) -> CodedFactor:
    factor = Factor(np.zeros(0, np.int32), each.labels, each.ordered, each.logical, each.coding)
    return CodedFactor(tuple(map(label_text, each.labels)), coding_of_factor(name, factor, codings))


def grouping_spec(name: str, group: GroupSums) -> GroupingSpec:
    """Levels of a grouping factor as a design knows them; of every factor only those that occur."""
    factors, codes = [], []
    for c, each in enumerate(group.factors):
        found, inverse = np.unique(group.combos[:, c], return_inverse=True)
        factors.append(tuple(each.labels[i] for i in found.tolist()))
        codes.append(inverse)
    if len(factors) == 1:
        return GroupingSpec(name, tuple(factors), None, factors[0])
    numbers = np.zeros(len(group.combos), dtype=np.int64)
    for labels, code in zip(factors, codes, strict=True):
        numbers = numbers * len(labels) + code
    return GroupingSpec(name, tuple(factors), numbers, joined_labels(numbers, tuple(factors)))
