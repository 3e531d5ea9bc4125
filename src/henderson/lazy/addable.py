"""Tables of sums → sums over blocks, which add to those of other places and are saved.

Where `lazy.sums` forms the cross-products of one design, everything about levels is left open here: every
number is put into the cells of its block, as `crossprod.chunk_sums` does with rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np

from henderson.crossprod.chunk_sums import level_list, pairs_of_keys, used_codes, z_units
from henderson.crossprod.sums import GroupSums, LevelList, PairSums, Sums, Unit, sizes_of, starts_of
from henderson.data import Column, Factor, label_text, recode
from henderson.design.calls import CALLS
from henderson.design.chunk import grouping_factor, used_variables, with_given_levels
from henderson.design.context import Context
from henderson.design.contrasts import Coding
from henderson.design.evaluate import evaluate_variable
from henderson.design.wide import Block, Number, WidePlan
from henderson.design.wide import plan_of as wide_plan_of
from henderson.formula import Variable
from henderson.lazy.columns import context_of
from henderson.lazy.passes import Tables, changed
from henderson.lazy.plan import CONSTANT, RESPONSE, Atom
from henderson.lazy.predictors import with_extremes
from henderson.lazy.stage import Stage
from henderson.lazy.survey import Count
from henderson.lazy.tables import Table

Levels = Mapping[str, tuple[Any, ...]]


class _Entry(NamedTuple):
    """A block of columns on the cells of a table: which column, and the atoms it is made of."""

    columns: np.ndarray
    atoms: tuple[tuple[Atom, float], ...]


class _Coded(NamedTuple):
    """Cells of a table: their levels of the factors, and of the groupings."""

    factors: dict[str, np.ndarray]
    groups: tuple[np.ndarray, ...]


class _Frame(NamedTuple):
    """What all tables share."""

    stage: Stage
    plan: WidePlan
    tables: Tables
    units: dict[Number, Unit]
    y_unit: Unit
    levels: dict[str, LevelList]
    given: Levels


def addable_sums(
    stage: Stage, tables: Tables, count: Count, codings: dict[str, Coding], levels: Levels
) -> Sums:
    """Put the tables of a model into the cells of its blocks.

    Parameters
    ----------
    stage : Stage
    tables : Tables
        Read with `requests.wide_request` for every grouping factor.
    count : Count
        Rows, and missing values.
    codings : dict of str to Coding
        That the caller asked for.
    levels : mapping of str to tuple
        Levels of columns, in order, where they are given.

    Returns
    -------
    Sums

    Raises
    ------
    DataError
        Tables disagree: the data changed while they were read. Levels that are not among those given.

    Notes
    -----
    O(cells m^2) for m blocks; nothing depends on the rows.
    """
    plan = wide_plan(stage, codings)
    units = {a: _unit(tables, a) for a in {b.number for b in (*plan.x, *sum(plan.z, ())) if b.number}}
    context = _context(stage, tables.whole, levels)
    factors = {name: level_list(factor) for name, factor in _factors(stage, context, plan).items()}
    frame = _Frame(stage, plan, tables, units, _unit(tables, RESPONSE), factors, levels)
    groups = [_learn_groups(frame, f) for f in range(len(plan.groupings))]
    xx = _whole(frame, plain=False)
    weighted, logs = stage.plan.weights is not None, tables.whole.log_weights
    return Sums(
        plan=plan,
        n=int(tables.whole.n.sum()),
        n_input=count.n_input,
        missing=dict(count.missing),
        levels=factors,
        units=units,
        y_unit=frame.y_unit,
        xx=xx,
        plain=_whole(frame, plain=True) if weighted else xx,
        groups=tuple(_single(frame, f, groups) for f in range(len(groups))),
        pairs=tuple(_pair(frame, f, g, groups) for f, g in sorted(tables.pairs)),
        sum_log_weights=0.0 if logs is None else float(logs.sum()),
        tables=with_extremes(stage, tables),
    )


def wide_plan(stage: Stage, codings: dict[str, Coding]) -> WidePlan:
    """Return what is summed, as `design.chunk` would settle it from rows."""
    plan, env = stage.plan, stage.scope.env
    formula = plan.formula
    used = {variable.name for variable in used_variables(formula)}
    suffixes = {
        name: tuple(str(j + 1) for j in range(width)) if width > 1 else ("",)
        for name, width in plan.widths.items()
        if name in used
    }
    return wide_plan_of(
        formula,
        kinds=dict(plan.kinds),
        numbers=suffixes,
        codings=codings,
        env=tuple(name for name in env if name in formula.calls or name in formula.names),
        weights=plan.weights,
        offset=plan.offset,
        states=dict(stage.scope.states),
    )


def _unit(tables: Tables, a: Atom) -> Unit:
    """How a number enters: less the centre that the engine subtracted, in units of its spread."""
    whole, centre = tables.whole, tables.centres[a]
    n = float(whole.n.sum())
    shift = float(whole.matrix((CONSTANT,), (a,), plain=True).sum()) / n
    square = float(whole.matrix((a,), (a,), plain=True).sum()) / n
    spread = sqrt(max(square - shift * shift, 0.0))
    size = spread if spread > 1e-12 * abs(centre) else abs(centre)
    return Unit(centre, 1 / size if size > 0 else 1.0)


# -- levels of the cells -------------------------------------------------------------------------------------


def _context(stage: Stage, table: Table, given: Levels) -> Context:
    """The workspace of all cells of a table; factors have the levels that occur, or that were given."""
    text, scope = stage.plan.formula.text, stage.scope
    base = Context({}, 0, text, False, scope.states, {}, scope.env, CALLS, open_levels=True)
    keys: dict[Any, Column] = {
        key: column if key.node is not None else with_given_levels(column, key.name, given)
        for key, column in table.keys.items()
    }
    return context_of(stage.plan, keys, np.arange(len(table.n)), base)


def _factors(stage: Stage, context: Context, plan: WidePlan) -> dict[str, Factor]:
    variables = {variable.name: variable for variable in used_variables(stage.plan.formula)}
    out = {}
    for name in plan.factors:
        value = evaluate_variable(name, variables[name].node, context)
        assert isinstance(value, Factor)
        out[name] = value
    return out


def _codes(frame: _Frame, table: Table, groups: tuple[int, ...], known: list[_Groups]) -> _Coded:
    """Levels of every cell of a table, in the numbers of the table that told them."""
    context = _context(frame.stage, table, frame.given)
    keys = {key.name for key in table.keys}
    there = {v.name: v for v in used_variables(frame.stage.plan.formula) if v.name in frame.levels}
    factors = {
        name: _recoded(frame, evaluate_variable(name, v.node, context), frame.levels[name].labels, name)
        for name, v in there.items()
        if keys.issuperset(key.name for key in frame.stage.plan.keys_of([v]))
    }
    return _Coded(factors, tuple(_group_codes(frame, context, known[f]) for f in groups))


def _recoded(frame: _Frame, factor: Any, labels: tuple[Any, ...], name: str) -> np.ndarray:
    codes, unseen = recode(factor, labels)
    if unseen or (codes < 0).any():
        shown = ", ".join(label_text(label) for label in unseen[:5]) or "a missing label"
        raise changed(frame.stage, f"{name} has levels that another pass did not meet: {shown}")
    return np.asarray(codes, dtype=np.int64)


class _Groups(NamedTuple):
    """Levels of one grouping factor, from its own table."""

    variables: tuple[Variable, ...]
    factors: tuple[LevelList, ...]
    combos: np.ndarray
    rows: np.ndarray


def _learn_groups(frame: _Frame, f: int) -> _Groups:
    table = frame.tables.single[f]
    variables = frame.tables.blocks[f].grouping.factors
    context = _context(frame.stage, table, frame.given)
    found = [grouping_factor(variable, context) for variable in variables]
    codes, combos = used_codes([(factor.codes, len(factor.levels)) for factor in found])
    rows = np.rint(np.bincount(codes, weights=table.n, minlength=len(combos))).astype(np.int64)
    return _Groups(variables, tuple(map(level_list, found)), combos, rows)


def _group_codes(frame: _Frame, context: Context, known: _Groups) -> np.ndarray:
    """(cells,) place of every cell among the levels of a grouping factor."""
    cell, name = np.zeros(context.n, dtype=np.int64), ":".join(v.name for v in known.variables)
    row = np.zeros(len(known.combos), dtype=np.int64)
    for variable, levels, column in zip(known.variables, known.factors, known.combos.T, strict=True):
        codes = _recoded(frame, grouping_factor(variable, context), levels.labels, variable.name)
        cell, row = cell * len(levels.labels) + codes, row * len(levels.labels) + column
    order = np.argsort(row, kind="stable")
    at = np.minimum(np.searchsorted(row[order], cell), len(row) - 1)
    if (row[order][at] != cell).any():
        raise changed(frame.stage, f"{name} has levels that another pass did not meet")
    return np.asarray(order[at])


# -- tables into cells ---------------------------------------------------------------------------------------


def _entries(
    frame: _Frame, blocks: tuple[Block, ...], units: dict[Number, Unit], cells: _Coded, *, response: bool
) -> list[_Entry]:
    """Columns of blocks on the cells of a table, the response behind them."""
    sizes = sizes_of(frame.levels)
    starts, out, centres = starts_of(blocks, sizes), [], frame.tables.centres
    for block, start in zip(blocks, starts, strict=False):
        place = np.zeros(1, dtype=np.int64)
        for name in block.factors:
            place = place * sizes[name] + cells.factors[name]
        unit = units[block.number] if block.number else Unit(0.0, 1.0)
        shift = (centres[block.number] - unit.centre) * unit.scale if block.number else 0.0
        atoms = [(block.number, unit.scale), *([(CONSTANT, shift)] if shift else [])]
        out.append(_Entry(start + place, tuple(atoms)))
    if response:
        out.append(_Entry(np.array([starts[-1]]), ((RESPONSE, frame.y_unit.scale),)))
    return out


def _put(
    table: Table, rows: np.ndarray, shape: tuple[int, int, int], first: list[_Entry], second: list[_Entry],
    *, plain: bool = False,
) -> np.ndarray:  # fmt: skip
    """Add the products of two lists of columns to the cells that they belong to."""
    out = np.zeros(prod(shape))
    for a in first:
        for b in second:
            value = sum(
                u * v * table.matrix((x,), (y,), plain=plain)[:, 0, 0] for x, u in a.atoms for y, v in b.atoms
            )
            at = (rows * shape[1] + a.columns) * shape[2] + b.columns
            np.add.at(out, np.broadcast_to(at, len(table.n)), value)
    return out.reshape(shape)


def _columns(frame: _Frame, blocks: tuple[Block, ...]) -> int:
    return starts_of(blocks, sizes_of(frame.levels))[-1]


def _whole(frame: _Frame, *, plain: bool) -> np.ndarray:
    table, plan = frame.tables.whole, frame.plan
    x = _entries(frame, plan.x, frame.units, _codes(frame, table, (), []), response=True)
    m = _columns(frame, plan.x) + 1
    return _put(table, np.zeros(1, dtype=np.int64), (1, m, m), x, x, plain=plain)[0]


def _z_entries(frame: _Frame, f: int, cells: _Coded) -> list[_Entry]:
    blocks = frame.plan.z[f]
    return _entries(frame, blocks, z_units(blocks, frame.units), cells, response=False)


def _single(frame: _Frame, f: int, known: list[_Groups]) -> GroupSums:
    table, plan, own = frame.tables.single[f], frame.plan, known[f]
    cells = _codes(frame, table, (f,), known)
    z = _z_entries(frame, f, cells)
    x = _entries(frame, plan.x, frame.units, cells, response=True)
    l, k, m = len(own.rows), _columns(frame, plan.z[f]), _columns(frame, plan.x) + 1
    rows = cells.groups[0]
    return GroupSums(
        own.factors,
        own.combos,
        own.rows,
        _put(table, rows, (l, k, k), z, z),
        _put(table, rows, (l, k, m), z, x),
    )


def _pair(frame: _Frame, f: int, g: int, known: list[_Groups]) -> PairSums:
    table = frame.tables.pairs[f, g]
    cells = _codes(frame, table, (f, g), known)
    for group, codes in zip((f, g), cells.groups, strict=True):
        rows = np.rint(np.bincount(codes, weights=table.n, minlength=len(known[group].rows)))
        if (rows != known[group].rows).any():
            name = frame.plan.groupings[group]
            raise changed(frame.stage, f"the levels of {name} have other numbers of rows in two passes")
    keys, rows = np.unique(cells.groups[0] << 32 | cells.groups[1], return_inverse=True)
    shape = (len(keys), _columns(frame, frame.plan.z[f]), _columns(frame, frame.plan.z[g]))
    blocks = _put(table, rows, shape, _z_entries(frame, f, cells), _z_entries(frame, g, cells))
    return PairSums(f, g, pairs_of_keys(keys), blocks)
