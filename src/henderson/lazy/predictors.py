"""What marginal means ask of the rows: which combinations of labels occur, and means of covariates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np

from henderson.data import Factor, Numbers
from henderson.design.predictors import FEW, MANY, MOST_CELLS, OFFSET, Cells, NumberTable, Tables
from henderson.lazy.columns import cells_of
from henderson.lazy.engines import run
from henderson.lazy.expressions import number
from henderson.lazy.passes import Tables as Sums
from henderson.lazy.plan import CONSTANT, Key, numbers_outside_factors
from henderson.lazy.requests import fixed_keys
from henderson.lazy.stage import WEIGHT, Stage, as_expression
from henderson.lazy.survey import one_row, read_numbers

NAN = float("nan")


def predictors_of(stage: Stage, sums: Sums) -> Tables:
    """Return what is known of the raw columns of the fixed part.

    Parameters
    ----------
    stage : Stage
    sums : passes.Tables
        The tables of the model; most is in them already.

    Returns
    -------
    design.predictors.Tables

    Notes
    -----
    One more query where a covariate stands only inside a function or there is an offset, and one where a
    number has at most two values.
    """
    plan = stage.plan
    variables = (*plan.formula.fixed.variables, *plan.formula.fixed.offsets)
    used = dict.fromkeys(name for v in variables for name in v.columns if name in plan.kinds)
    numbers = [name for name in used if plan.kinds[name] == "number"]
    keys = [key for key in fixed_keys(plan) if key.node is None]
    outside = {name for v in variables if numbers_outside_factors(v.node, plan.kinds) for name in v.columns}
    made = [key.name for key in keys if plan.kinds[key.name] == "number" and key.name not in outside]
    few = [name for name in numbers if ((name, 0),) in sums.few and Key(name) not in keys]
    cells = _cells(stage, sums, keys, few)
    limits = {name: MANY if name in made else FEW for name in numbers}
    counted = (*(key.name for key in keys), *few)
    return Tables(_means(stage, sums, numbers), limits, counted, cells)


def with_extremes(stage: Stage, sums: Sums) -> Tables:
    """Return what is known of the raw columns, least and largest values too: sums that add keep them.

    Parameters
    ----------
    stage : Stage
    sums : passes.Tables
    """
    tables = predictors_of(stage, sums)
    offset = _offset(stage)
    ask = {name: offset if name == OFFSET else nw.col(name).cast(nw.Float64) for name in tables.numbers}
    if not ask:
        return tables
    rows = stage.lazy.frame.filter(stage.complete)
    query = rows.select(*(value.alias(f"m{i}") for i, value in enumerate(ask.values())))
    both = [getattr(nw.col(f"m{i}"), e)().alias(f"m{i}_{e}") for i in range(len(ask)) for e in ("min", "max")]
    found = one_row(stage.lazy, query.select(*both), "extremes of covariates")
    numbers = {
        name: replace(tables.numbers[name], least=found[f"m{i}_min"], largest=found[f"m{i}_max"])
        for i, name in enumerate(ask)
    }
    return replace(tables, numbers=numbers)


def _means(stage: Stage, sums: Sums, numbers: list[str]) -> dict[str, NumberTable]:
    """Return means of covariates: those that are in the model as they are come from its sums."""
    n, out, ask = float(sums.whole.n.sum()), {}, {}
    for name in numbers:
        atom = ((name, 0),)
        if atom in sums.centres:
            mean = sums.centres[atom] + float(sums.whole.plain[(CONSTANT, atom)].sum()) / n
            out[name] = NumberTable(int(n), mean, NAN, NAN)
        else:
            ask[name] = nw.col(name).cast(nw.Float64)
    offset = _offset(stage)
    if offset is not None:
        ask[OFFSET] = offset
    if ask:
        rows = stage.lazy.frame.filter(stage.complete)
        query = rows.select(*(value.alias(f"m{i}") for i, value in enumerate(ask.values())))
        found = one_row(stage.lazy, query.select(nw.all().mean()), "means of covariates")
        out |= {name: NumberTable(int(n), found[f"m{i}"], NAN, NAN) for i, name in enumerate(ask)}
    return out


def _offset(stage: Stage) -> Any:
    plan = stage.plan
    parts = [number(offset.node, stage.scope) for offset in plan.formula.fixed.offsets]
    parts += [] if plan.offset is None else [nw.col(plan.offset).cast(nw.Float64)]
    if not parts:
        return None
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return as_expression(total)


def _cells(stage: Stage, sums: Sums, keys: list[Key], few: list[str]) -> Cells | None:
    """Return rows and sums of weights by combinations of labels, of the model's own table where it tells."""
    from henderson.data import open_frame

    weighted = stage.plan.weights is not None
    if few:
        every = (*keys, *(Key(name) for name in few))
        names = [f"k{i}" for i in range(len(every))]
        totals = [nw.len().alias("n"), *([nw.col(WEIGHT).sum()] if weighted else [])]
        query = stage.rows(every, ()).group_by(*names).agg(*totals)
        frame = open_frame(run(stage.lazy, query, "the combinations of predictors"))
        columns = [frame.column(name) for name in names]
        n = read_numbers(frame, "n")
        weights = read_numbers(frame, WEIGHT) if weighted else n
    else:
        whole = sums.whole
        columns, n = [whole.keys[key] for key in keys], whole.n
        weights = whole.sums[(CONSTANT, CONSTANT)]
    return counted_cells(columns, n, weights)


def counted_cells(columns: list[Any], n: np.ndarray, weights: np.ndarray) -> Cells | None:
    """Return rows and sums of weights by combinations of labels; None where there are too many of these."""
    labelled = {Key(str(i)): column for i, column in enumerate(columns)}
    cells = cells_of(labelled, tuple(labelled), len(n))
    if cells.count > MOST_CELLS:
        return None
    rows, total = np.bincount(cells.which, weights=n), np.bincount(cells.which, weights=weights)
    labels = [_labels(column.take(cells.first)) for column in columns]
    keys = zip(*labels, strict=True) if labels else [()] * cells.count
    return {
        key: (int(each), weight)
        for key, each, weight in zip(keys, rows.tolist(), total.tolist(), strict=True)
    }


def _labels(column: Any) -> list[Any]:
    if isinstance(column, Numbers):
        return [float(value) for value in column.values.tolist()]
    assert isinstance(column, Factor)
    return [column.levels[code] for code in column.codes.tolist()]
