"""What a model is called: the design without rows, and the specification that replays it."""

from __future__ import annotations

import numpy as np

from henderson.design.checks import check_random
from henderson.design.gathered import GatheredDesign, Products
from henderson.design.spec import DesignSpec
from henderson.lazy.assemble import entered, products, sum_cells
from henderson.lazy.columns import joined
from henderson.lazy.passes import Tables
from henderson.lazy.predictors import predictors_of
from henderson.lazy.requests import all_atoms
from henderson.lazy.sketch import Sketch, one_column, spread_of_columns, y_columns
from henderson.lazy.survey import Count


def bare_design(model: Sketch) -> GatheredDesign:
    """Return a design with no more than names, levels and terms."""
    design = GatheredDesign(
        n=model.n,
        x_names=model.x_names,
        intercept=model.intercept,
        groupings=tuple((grouping.name, grouping.levels) for grouping, _ in model.groupings),
        terms=tuple((g, model.z[i].names) for i, g in model.places()),
        response=model.stage.plan.formula.response.name,
    )
    check_random(design.groupings, design.terms, model.n)
    return design


def design_of(model: Sketch, tables: Tables, count: Count) -> GatheredDesign:
    """Return the design of a model whose rows stayed on their engine."""
    plan, stage = model.stage.plan, model.stage
    bare = bare_design(model)
    kept = set(model.kept)
    parts = bare.parts() | {
        "n_input": count.n_input,
        "spec": _spec(model),
        "dropped": tuple(name for j, name in enumerate(model.columns.names) if j not in kept),
        "all_x_names": model.columns.names,
        "missing": count.missing,
        "weighted": plan.weights is not None,
        "has_offset": plan.offset is not None or bool(plan.formula.fixed.offsets),
        "products": _plain_products(model, tables),
        "predictors": predictors_of(stage, tables),
        "level_rows": level_rows(model, tables),
        "where": stage.lazy.where,
    }
    return GatheredDesign(**parts)


def level_rows(model: Sketch, tables: Tables) -> tuple[np.ndarray, ...]:
    """(l,) int64 rows of every level of every grouping factor."""
    return tuple(
        np.rint(np.bincount(g.codes, weights=tables.single[b].n, minlength=len(g.levels))).astype(np.int64)
        for b, (g, _) in zip(model.blocks, model.groupings, strict=True)
    )


def _plain_products(model: Sketch, tables: Tables) -> Products:
    """Return sums of products of all columns and the response without weights."""
    cells, whole = model.cells, tables.whole
    columns = joined(one_column(cells.count), model.x, model.z_columns(), y_columns(cells.count))
    spread = spread_of_columns(columns, cells, tables)
    mean = np.array([s.mean for s in spread])
    scale = np.array([1 / s.deviation if s.deviation > 0 else 1.0 for s in spread])
    numbers = all_atoms(model.stage.plan, tables.blocks)
    moments = sum_cells(cells.which, cells.count, whole.matrix(numbers, numbers, plain=True))
    centre = np.append(0.0, mean[1:])
    on = entered(columns, numbers, tables.centres, centre, scale).weights
    sums = products(moments, on, on, np.arange(cells.count)).sum(axis=0)
    return Products(len(model.kept), mean, scale, (sums + sums.T) / 2)


def _spec(model: Sketch) -> DesignSpec:
    plan, base = model.stage.plan, model.base
    formula = plan.formula
    table_levels = base.levels
    env = dict(base.env)
    return DesignSpec(
        formula=formula.text,
        dot=formula.dot,
        kinds=dict(plan.kinds),
        levels=dict(table_levels),
        states=dict(base.states),
        codings=model.codings,
        kept=model.kept,
        all_x_names=model.columns.names,
        x_names=model.x_names,
        intercept=model.intercept,
        groupings=tuple(spec for _, spec in model.groupings),
        terms=model.places(),
        weights=plan.weights,
        offset=plan.offset,
        env=tuple(name for name in env if name in formula.calls or name in formula.names),
        assign=model.columns.assign,
        factors=model.factors,
        aliases=tuple(map(tuple, model.aliases.T.tolist())),
    )
