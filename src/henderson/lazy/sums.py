"""Tables of sums → the cross-products of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.accumulate import centre_and_scale, theta_entries, z_transform_of
from henderson.crossprod.basis import useful_basis
from henderson.crossprod.record import CrossProducts, PairBlocks
from henderson.data import label_text
from henderson.design.calls import CALLS
from henderson.design.context import Context
from henderson.design.gathered import GatheredDesign
from henderson.design.groupings import replay_grouping
from henderson.lazy.assemble import Entered, entered, pair_blocks, products, pseudo_rows, sum_cells
from henderson.lazy.columns import Cells, Columns, cells_of, columns_of, context_of, joined
from henderson.lazy.names import bare_design
from henderson.lazy.passes import Tables, changed
from henderson.lazy.plan import CONSTANT
from henderson.lazy.requests import fixed_atoms, fixed_keys
from henderson.lazy.sketch import Sketch, spread_of_columns, y_columns
from henderson.lazy.tables import Table


@dataclass(frozen=True, slots=True, eq=False)
class _Z:
    """Columns of one grouping: what they are, and how they enter."""

    transform: np.ndarray
    centre: np.ndarray
    scale: np.ndarray


def cross_products(model: Sketch, tables: Tables) -> CrossProducts:
    """Form the sufficient statistics of a model from its tables.

    Parameters
    ----------
    model : Sketch
    tables : Tables

    Returns
    -------
    CrossProducts
        As `crossprod.from_design` would form them from the rows.
    """
    design = bare_design(model)
    constant, intercept = model.constant, model.intercept
    x_centre, x_scale = centre_and_scale(list(model.spreads), intercept, constant is not None)
    y_centre = model.spreads[-1].mean if constant is not None else 0.0
    centre, scale = np.append(x_centre, y_centre), np.append(x_scale, 1.0)
    z = [_z_of(model, tables, f, design) for f in range(len(model.groupings))]
    basis = _basis(model, tables, x_centre, x_scale)
    zz, zx = zip(*(_single(model, tables, f, z[f], centre, scale, basis) for f in range(len(z))), strict=True)
    levels = tuple(len(grouping.levels) for grouping, _ in model.groupings)
    logs = tables.whole.log_weights
    return CrossProducts(
        n=int(tables.whole.n.sum()),
        p=len(model.kept),
        q=sum(b.shape[0] * b.shape[1] for b in zz),
        columns=tuple(len(each.scale) for each in z),
        levels=levels,
        zz=tuple(zz),
        pairs=_pairs(model, tables, z, levels),
        zx=np.concatenate([each.reshape(-1, each.shape[-1]) for each in zx]),
        xx=_whole(model, tables, centre, scale, basis),
        entries=theta_entries([t.grouping for t in design.terms], [t.k for t in design.terms]),
        z_transform=tuple(each.transform for each in z),
        x_centre=x_centre,
        x_scale=x_scale,
        y_centre=y_centre,
        constant=constant,
        intercept=intercept,
        sum_log_weights=0.0 if logs is None else float(logs.sum()),
        basis=basis,
    )


def _replayed(model: Sketch, cells: Cells, table: Table) -> Context:
    """Return the workspace of a table with the levels that the table of all products told."""
    base = model.base
    known = Context({}, 0, base.text, False, base.states, base.levels, base.env, CALLS)
    return context_of(model.stage.plan, table.keys, cells.first, known)


def _z_columns(model: Sketch, f: int, cells: Cells, table: Table) -> Columns:
    """Return the columns of one grouping on the combinations of a table."""
    plan, context = model.stage.plan, _replayed(model, cells, table)
    lists = [plan.formula.random[i].terms for i in model.random_terms(f)]
    return joined(*(columns_of(terms, plan, context, {}) for terms in lists))


def _x_columns(model: Sketch, cells: Cells, table: Table) -> Columns:
    """Return the kept columns of the fixed part, and the response, on the combinations of a table."""
    plan, context = model.stage.plan, _replayed(model, cells, table)
    x = columns_of(plan.formula.fixed, plan, context, model.codings).take(model.kept)
    return joined(x, y_columns(cells.count))


def _z_of(model: Sketch, tables: Tables, f: int, design: GatheredDesign) -> _Z:
    columns = joined(*(model.z[i] for i in model.random_terms(f)))
    spreads = spread_of_columns(columns, model.cells, tables)
    T = z_transform_of(design, [i for i, t in enumerate(design.terms) if t.grouping == f], list(spreads))
    scale = T.diagonal().copy()
    return _Z(T, -(T - np.diag(scale)).sum(axis=0) / scale, scale)


def _single(
    model: Sketch,
    tables: Tables,
    f: int,
    z: _Z,
    centre: np.ndarray,
    scale: np.ndarray,
    basis: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Z'WZ (levels, K, K) and Z'W[X y] (levels, K, p + 1) of one grouping."""
    plan, block, table = model.stage.plan, tables.blocks[model.blocks[f]], tables.single[model.blocks[f]]
    cells = cells_of(table.keys, tuple(dict.fromkeys((*fixed_keys(plan), *block.inner))), len(table.n))
    codes, levels = model.groupings[f][0].codes, len(model.groupings[f][0].levels)
    z_in = entered(
        _z_columns(model, f, cells, table),
        block.atoms,
        tables.centres,
        z.centre,
        z.scale,
    )
    x_numbers = tuple(dict.fromkeys((CONSTANT, *fixed_atoms(plan))))
    x_in = entered(_x_columns(model, cells, table), x_numbers, tables.centres, centre, scale)
    x_in = _by_basis(x_in, basis)
    zz = products(table.matrix(block.atoms, block.atoms), z_in.weights, z_in.weights, cells.which)
    zx = products(table.matrix(block.atoms, x_numbers), z_in.weights, x_in.weights, cells.which)
    zz = sum_cells(codes, levels, zz)
    return np.ascontiguousarray((zz + np.swapaxes(zz, 1, 2)) / 2), sum_cells(codes, levels, zx)


def _basis(model: Sketch, tables: Tables, centre: np.ndarray, scale: np.ndarray) -> np.ndarray | None:
    """Return what each column of X adds to those before it, where their products would lose it."""
    if not model.kept:
        return None
    cells, numbers = model.cells, tuple(dict.fromkeys((CONSTANT, *fixed_atoms(model.stage.plan))))
    moments = sum_cells(cells.which, cells.count, tables.whole.matrix(numbers, numbers, plain=True))
    weights = entered(model.x, numbers, tables.centres, centre, scale).weights
    return useful_basis(moments, (pseudo_rows(moments) @ weights).reshape(-1, len(model.kept)), weights)


def _by_basis(columns: Entered, basis: np.ndarray | None) -> Entered:
    """Return columns of X and the response with X by a basis."""
    if basis is None:
        return columns
    x, y = columns.weights[..., :-1] @ basis, columns.weights[..., -1:]
    return Entered(columns.numbers, np.concatenate([x, y], axis=2))


def _whole(
    model: Sketch, tables: Tables, centre: np.ndarray, scale: np.ndarray, basis: np.ndarray | None
) -> np.ndarray:
    """Return [X y]'W[X y], (p + 1, p + 1)."""
    table, cells = tables.whole, model.cells
    numbers = tuple(dict.fromkeys((CONSTANT, *fixed_atoms(model.stage.plan))))
    moments = sum_cells(cells.which, cells.count, table.matrix(numbers, numbers))
    x_in = entered(joined(model.x, y_columns(cells.count)), numbers, tables.centres, centre, scale)
    x_in = _by_basis(x_in, basis)
    out = products(moments, x_in.weights, x_in.weights, np.arange(cells.count)).sum(axis=0)
    return np.ascontiguousarray((out + out.T) / 2)


def _pairs(model: Sketch, tables: Tables, z: list[_Z], levels: tuple[int, ...]) -> tuple[PairBlocks, ...]:
    out = []
    for a in range(len(levels)):
        for b in range(a + 1, len(levels)):
            i, j = (a, b) if levels[a] >= levels[b] else (b, a)
            out.append(_pair(model, tables, z, (i, j)))
    return tuple(out)


def _pair(model: Sketch, tables: Tables, z: list[_Z], places: tuple[int, int]) -> PairBlocks:
    one, two = (model.blocks[f] for f in places)
    table = tables.pairs[min(one, two), max(one, two)]
    first, second = tables.blocks[one], tables.blocks[two]
    cells = cells_of(table.keys, tuple(dict.fromkeys((*first.inner, *second.inner))), len(table.n))
    entering = [
        entered(
            _z_columns(model, f, cells, table), block.atoms, tables.centres,
            z[f].centre, z[f].scale,
        )
        for f, block in zip(places, (first, second), strict=True)
    ]  # fmt: skip
    blocks = products(
        table.matrix(first.atoms, second.atoms), entering[0].weights, entering[1].weights, cells.which
    )
    codes = _codes(model, table, tables, places[0]), _codes(model, table, tables, places[1])
    sizes = len(model.groupings[places[0]][0].levels), len(model.groupings[places[1]][0].levels)
    return pair_blocks(*places, codes, sizes, blocks)


def _codes(model: Sketch, table: Table, tables: Tables, f: int) -> np.ndarray:
    """Return the level of every cell of a table; refuse levels that the pass before has not met."""
    grouping, spec = model.groupings[f]
    if table is tables.single[model.blocks[f]]:
        return grouping.codes
    base = model.base
    known = Context({}, 0, base.text, False, base.states, base.levels, base.env, CALLS)
    context = context_of(model.stage.plan, table.keys, np.arange(len(table.n)), known)
    codes, unseen, _ = replay_grouping(tables.blocks[model.blocks[f]].grouping, spec, context)
    if unseen or (codes < 0).any():
        shown = ", ".join(label_text(label) for label in unseen[:5]) or "a missing label"
        raise changed(model.stage, f"{grouping.name} has levels that the pass before did not meet: {shown}")
    single = tables.single[model.blocks[f]]
    here = np.bincount(codes, weights=table.n, minlength=len(grouping.levels))
    if (here != np.bincount(grouping.codes, weights=single.n, minlength=len(grouping.levels))).any():
        raise changed(model.stage, f"the levels of {grouping.name} have other numbers of rows in two passes")
    return codes
