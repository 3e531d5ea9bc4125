"""What a model is called: the design without rows, and the specification that replays it."""

from __future__ import annotations

import numpy as np

from henderson.design.checks import check_random
from henderson.design.gathered import GatheredDesign, Products
from henderson.design.spec import DesignSpec
from henderson.lazy.assemble import entered, products, sum_cells
from henderson.lazy.columns import cells_of, columns_of, context_of, joined
from henderson.lazy.passes import Tables
from henderson.lazy.plan import CONSTANT
from henderson.lazy.requests import fixed_atoms
from henderson.lazy.sketch import Sketch, y_columns
from henderson.lazy.survey import Count


def bare_design(model: Sketch, tables: Tables) -> GatheredDesign:
    """Return a design with no more than names, levels and terms."""
    formula, n = model.stage.plan.formula, int(tables.whole.n.sum())
    names: dict[int, tuple[str, ...]] = {}
    for f in range(len(model.groupings)):
        block, table = tables.blocks[model.blocks[f]], tables.single[model.blocks[f]]
        cells = cells_of(table.keys, block.inner, len(table.n))
        for i in model.random_terms(f):
            context = context_of(model.stage.plan, table.keys, cells.first, model.base)
            names[i] = columns_of(formula.random[i].terms, model.stage.plan, context, {}).names
    design = GatheredDesign(
        n=n,
        x_names=model.x_names,
        intercept=model.intercept,
        groupings=tuple((grouping.name, grouping.levels) for grouping, _ in model.groupings),
        terms=tuple((g, names[i]) for i, g in model.places()),
        response=formula.response.name,
    )
    check_random(design.groupings, design.terms, n)
    return design


def design_of(model: Sketch, tables: Tables, count: Count) -> GatheredDesign:
    """Return the design of a model whose rows stayed on their engine."""
    plan, stage = model.stage.plan, model.stage
    bare = bare_design(model, tables)
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
        "where": stage.lazy.where,
    }
    return GatheredDesign(**parts)


def _plain_products(model: Sketch, tables: Tables) -> Products:
    """Return sums of products of X and the response without weights."""
    spread = model.spreads
    centre = np.array([s.mean for s in spread])
    scale = np.array([1 / s.deviation if s.deviation > 0 else 1.0 for s in spread])
    names = (*model.x_names, "(response)")
    first = 1 if model.intercept is not None else 0
    table, cells = tables.whole, model.cells
    numbers = tuple(dict.fromkeys((CONSTANT, *fixed_atoms(model.stage.plan))))
    moments = sum_cells(cells.which, cells.count, table.matrix(numbers, numbers, plain=True))
    x_in = entered(joined(model.x, y_columns(cells.count)), numbers, tables.centres, centre, scale).weights
    one = np.zeros((cells.count, len(numbers), 1))
    one[:, 0, 0] = 1.0
    with_one = np.concatenate([one, x_in[:, :, first:]], axis=2)
    sums = products(moments, with_one, with_one, np.arange(cells.count)).sum(axis=0)
    return Products(
        ("(Intercept)", *names[first:]), np.append(0.0, centre[first:]), np.append(1.0, scale[first:]), sums
    )


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
