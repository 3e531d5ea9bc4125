"""Tables of sums → levels, columns, rank and order of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.crossprod.accumulate import Spread
from henderson.data import Factor, label_text
from henderson.design.arguments import check_codings
from henderson.design.build import lme4_order
from henderson.design.calls import CALLS
from henderson.design.context import Context
from henderson.design.contrasts import Coding
from henderson.design.groupings import GroupingSpec, learn_grouping
from henderson.design.parts import coding_of_factor
from henderson.design.rank import alias_weights, independent_columns
from henderson.design.record import Grouping
from henderson.design.spec import CodedFactor
from henderson.errors import DesignError
from henderson.lazy.assemble import pseudo_rows, spreads_of, sum_cells
from henderson.lazy.columns import Cells, Columns, cells_of, columns_of, context_of, joined
from henderson.lazy.passes import Tables
from henderson.lazy.plan import CONSTANT, RESPONSE, Atom
from henderson.lazy.requests import whole_keys
from henderson.lazy.stage import Stage

_COINCIDE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A model as its tables tell it: everything but the sums.

    Attributes
    ----------
    stage : Stage
    n : int
        Rows used.
    base : Context
        Levels and states learnt.
    codings : dict of str to Coding
    columns : Columns
        Of the fixed part, aliased ones included, on the combinations of `cells`.
    factors : dict of str to CodedFactor
        Variables of the fixed part that are factors.
    z : dict of int to Columns
        Of the random terms, by their place in the formula, on the same combinations.
    cells : Cells
        Combinations in the table of all products.
    kept : tuple of int
        Columns that are kept.
    aliases : (p, dropped) float64
    spreads : tuple of Spread
        Of the kept columns, and of the response.
    constant : (p,) float64 or None
        Combination of the kept columns that is the constant one.
    order : tuple of int
        Random terms of the formula in lme4's order.
    blocks : tuple of int
        Grouping factors (as they appear) in order of first use by the terms.
    groupings : tuple of (Grouping, GroupingSpec)
        Beside `blocks`; codes are those of the cells of its table.
    """

    stage: Stage
    n: int
    base: Context
    codings: dict[str, Coding]
    columns: Columns
    factors: dict[str, CodedFactor]
    z: dict[int, Columns]
    cells: Cells
    kept: tuple[int, ...]
    aliases: np.ndarray
    spreads: tuple[Spread, ...]
    constant: np.ndarray | None
    order: tuple[int, ...]
    blocks: tuple[int, ...]
    groupings: tuple[tuple[Grouping, GroupingSpec], ...]

    @property
    def x(self) -> Columns:
        """The kept columns of the fixed part."""
        return self.columns.take(self.kept)

    @property
    def x_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.columns.names[j] for j in self.kept)

    @property
    def intercept(self) -> int | None:
        """Which of them is the constant."""
        return 0 if self.stage.plan.formula.fixed.intercept and self.kept[:1] == (0,) else None

    def places(self) -> tuple[tuple[int, int], ...]:
        """Return, per random term in lme4's order, its place in the formula and its grouping."""
        names = [grouping.name for grouping, _ in self.groupings]
        random = self.stage.plan.formula.random
        return tuple((i, names.index(random[i].grouping.name)) for i in self.order)

    def z_columns(self) -> Columns:
        """Return the columns of all random terms in lme4's order."""
        return joined(*(self.z[i] for i in self.order))

    def random_terms(self, f: int) -> list[int]:
        """Return the places in the formula of the terms of one grouping, in lme4's order."""
        return [i for i, g in self.places() if g == f]


def y_columns(cells: int) -> Columns:
    """Return the response as a column."""
    return Columns(("(response)",), ["(response)"], (0,), np.ones((cells, 1)), (RESPONSE,))


def one_column(cells: int) -> Columns:
    """Return the constant as a column."""
    return Columns(("(Intercept)",), ["(Intercept)"], (0,), np.ones((cells, 1)), (CONSTANT,))


def sketch(stage: Stage, tables: Tables, codings: dict[str, Coding], env: dict[str, Any]) -> Sketch:
    """Learn levels, columns, rank and order of a model from its tables.

    Parameters
    ----------
    stage : Stage
    tables : Tables
    codings : dict of str to Coding
        That the caller asked for.
    env : dict
        The caller's functions and constants.

    Returns
    -------
    Sketch

    Raises
    ------
    DesignError, DataError, OptionError
        As in memory.
    """
    plan, whole = stage.plan, tables.whole
    base = Context({}, 0, plan.formula.text, True, stage.scope.states, {}, env, CALLS)
    cells = cells_of(whole.keys, whole_keys(plan, tables.blocks), len(whole.n))
    context = context_of(plan, whole.keys, cells.first, base)
    columns = columns_of(plan.formula.fixed, plan, context, codings)
    if codings:
        found = {name for name, value in context.values.items() if isinstance(value, Factor)}
        check_codings(codings, found, set(context.values))
    z = {i: columns_of(part.terms, plan, context, {}) for i, part in enumerate(plan.formula.random)}
    factors = coded(context.values, tuple(v.name for v in plan.formula.fixed.variables), codings)
    kept, aliases = _rank(columns, cells, tables)
    learnt = [
        learn_grouping(block.grouping, context_of(plan, table.keys, np.arange(len(table.n)), base))
        for block, table in zip(tables.blocks, tables.single, strict=True)
    ]
    sizes = {grouping.name: len(grouping.levels) for grouping, _ in learnt}
    order = lme4_order([sizes[part.grouping.name] for part in plan.formula.random])
    names = [grouping.name for grouping, _ in learnt]
    used = dict.fromkeys(names.index(plan.formula.random[i].grouping.name) for i in order)
    chosen = columns.take(kept)
    spreads = spread_of_columns(joined(chosen, y_columns(cells.count)), cells, tables)
    check_response(stage, tables, spreads[-1])
    return Sketch(
        stage, int(whole.n.sum()), base, codings, columns, factors, z, cells, kept, aliases, spreads,
        _constant(plan.formula.fixed.intercept and kept[:1] == (0,), chosen, cells, tables),
        tuple(order), tuple(used), tuple(learnt[i] for i in used),
    )  # fmt: skip


def check_response(stage: Stage, tables: Tables, spread: Spread) -> None:
    """Refuse a response without variation."""
    if spread.deviation == 0.0:
        raise DesignError(
            f"The response {stage.plan.formula.response.name} is constant ({spread.mean:g} in all "
            f"{int(tables.whole.n.sum())} rows): there is nothing to explain."
        )


def _x_numbers(tables: Tables, columns: Columns) -> tuple[Atom, ...]:
    return tuple(dict.fromkeys((CONSTANT, *columns.atoms)))


def _rank(columns: Columns, cells: Cells, tables: Tables) -> tuple[tuple[int, ...], np.ndarray]:
    """Return the columns to keep and what the others are combinations of, from rows with the same sums."""
    if not columns.names:
        return (), np.zeros((0, 0))
    numbers = _x_numbers(tables, columns)
    moments = sum_cells(cells.which, cells.count, tables.whole.matrix(numbers, numbers, plain=True))
    rows = pseudo_rows(moments) @ columns.on(numbers, tables.centres)
    X = np.asfortranarray(rows.reshape(-1, len(columns.names)))
    kept = independent_columns(X)
    return tuple(kept), alias_weights(X, kept)


def spread_of_columns(columns: Columns, cells: Cells, tables: Tables) -> tuple[Spread, ...]:
    """Return means and sizes of columns on the combinations of the table of all products."""
    numbers, whole = tuple(dict.fromkeys((CONSTANT, *columns.atoms))), tables.whole
    moments = np.stack(
        [
            np.stack([whole.n] * len(numbers), axis=1),
            whole.matrix((CONSTANT,), numbers, plain=True)[:, 0, :],
            np.stack([whole.plain[(a, a)] for a in numbers], axis=1),
        ],
        axis=1,
    )
    return spreads_of(columns, sum_cells(cells.which, cells.count, moments), numbers, tables.centres)


def _constant(is_column: bool, columns: Columns, cells: Cells, tables: Tables) -> np.ndarray | None:
    """Return coefficients a with X a = 1, or None."""
    p = len(columns.names)
    if is_column:
        return np.eye(p)[0]
    if p == 0:
        return None
    numbers = _x_numbers(tables, columns)
    moments = sum_cells(cells.which, cells.count, tables.whole.matrix(numbers, numbers, plain=True))
    on = columns.on(numbers, tables.centres)
    rows = pseudo_rows(moments)
    one = rows[:, :, 0].reshape(-1)
    X = (rows @ on).reshape(-1, p)
    a = np.linalg.lstsq(X, one, rcond=None)[0]
    return a if float(((X @ a - one) ** 2).sum()) < _COINCIDE * float(one @ one) else None


def coded(
    values: dict[str, Any], names: tuple[str, ...], codings: dict[str, Coding]
) -> dict[str, CodedFactor]:
    """Return the factors of the fixed part with their codings."""
    return {
        name: CodedFactor(tuple(map(label_text, value.levels)), coding_of_factor(name, value, codings))
        for name in names
        if isinstance(value := values.get(name), Factor)
    }
