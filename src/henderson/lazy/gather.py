"""Formula + lazy frame → a design without rows and its cross-products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.crossprod.sums import Sums
from henderson.data.suggest import did_you_mean
from henderson.design.arguments import check_env, check_formula, check_na_action, read_codings
from henderson.design.build import random_part
from henderson.design.contrasts import Coding
from henderson.design.gathered import GatheredDesign
from henderson.errors import DataError, OptionError
from henderson.formula import ModelFormula, read_formula
from henderson.formula.model import read_sides
from henderson.lazy.addable import addable_sums
from henderson.lazy.engines import Lazy, open_lazy
from henderson.lazy.expressions import Scope
from henderson.lazy.functions import CALLS
from henderson.lazy.learning import learn_states
from henderson.lazy.names import design_of
from henderson.lazy.passes import Tables, read_tables
from henderson.lazy.plan import plan_of, raw_kinds
from henderson.lazy.requests import Block, blocks_of
from henderson.lazy.sketch import sketch
from henderson.lazy.stage import Stage, complete
from henderson.lazy.sums import cross_products
from henderson.lazy.survey import Count, check_weights, count_rows
from henderson.lazy.text_numbers import check_text


class Gathered(NamedTuple):
    """What comes back from an engine: a design without rows, its sums, and the rows of every level."""

    design: GatheredDesign
    cross: CrossProducts
    stage: Stage
    rows: dict[str, np.ndarray]


def column_name(value: Any, what: str, lazy: Lazy) -> str | None:
    """Return the column that ``weights=`` or ``offset=`` names; an OptionError for arrays."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise OptionError(
            f"{what} is the name of a column when the data are {lazy.where}; got {type(value).__name__}. "
            f"Add it as a column on {lazy.engine}."
        )
    if value not in lazy.types:
        raise DataError(f"There is no column {value!r} in the data. {did_you_mean(value, lazy.types)}")
    if not lazy.types[value].is_numeric():
        raise DataError(f"{what} must be numbers; {value} holds other values.")
    return value


def read_model(text: str, lazy: Lazy, env: dict[str, Any]) -> ModelFormula:
    """Read a formula, with the columns of a lazy frame for its dot."""
    names = frozenset(env)
    columns = tuple(lazy.types) if read_sides(text, names).has_dot else None
    formula = read_formula(text, names, columns)
    random_part(formula)
    return formula


def gather(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    na_action: str = "drop",
    contrasts: Mapping[str, Any] | str | None = None,
    env: Mapping[str, Any] | None = None,
) -> Gathered:
    """Sum on an engine what a model needs of its rows.

    Parameters
    ----------
    formula : str
        As in `henderson.lmm`.
    data : lazy frame
        polars LazyFrame, DuckDB relation, Dask or Spark DataFrame, Ibis table.
    weights, offset : str, optional
        Column names.
    na_action, contrasts, env
        As in `henderson.lmm`; functions in `env` can take the levels of factors only.

    Returns
    -------
    Gathered

    Raises
    ------
    FormulaError
        A term that the engine cannot compute.
    DataError, DesignError
        As in memory; and where the engine fails, or the data change while they are read.

    Notes
    -----
    On the engine: the first 10,000 complete rows, a grouped sum for every grouping factor and for every pair
    of them (fewer where one table tells what another would), and a count. In this process: the cells of these
    tables, whatever the number of rows.
    """
    read = _read(formula, data, weights, offset, na_action, contrasts, env)
    tables = read_tables(read.stage, read.blocks)
    check_text(read.stage, tables.whole, stacklevel=7)  # the line that called lmm()
    count = _counted(read, tables)
    stage = read.stage
    with np.errstate(all="ignore"):
        model_of = sketch(stage, tables, read.codings, read.env)
        cross = cross_products(model_of, tables)
    rows = {
        grouping.name: np.bincount(grouping.codes, weights=tables.single[block].n)
        for block, (grouping, _) in zip(model_of.blocks, model_of.groupings, strict=True)
    }
    return Gathered(design_of(model_of, tables, count), cross, stage, rows)


def gather_sums(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    na_action: str = "drop",
    contrasts: Mapping[str, Any] | str | None = None,
    env: Mapping[str, Any] | None = None,
    levels: Mapping[str, tuple[Any, ...]] | None = None,
    states: Mapping[str, dict[str, Any]] | None = None,
) -> tuple[Sums, Lazy]:
    """Sum on an engine what a model needs of its rows, in a form that adds to the sums of other places.

    Parameters
    ----------
    formula, data, weights, offset, na_action, contrasts, env
        As in `gather`.
    levels : mapping of str to tuple, optional
        Levels of columns, in the order that they shall have.
    states : mapping, optional
        What functions such as ``scale`` learnt from the rows of another place.

    Returns
    -------
    Sums, Lazy

    Raises
    ------
    FormulaError, DataError, DesignError
        As in `gather`.

    Notes
    -----
    As `gather`, but the table of every grouping factor is by the factors of all terms.
    """
    given = levels or {}
    read = _read(formula, data, weights, offset, na_action, contrasts, env, states, given)
    tables = read_tables(read.stage, read.blocks, wide=True)
    check_text(read.stage, tables.whole, stacklevel=6)  # the line that called cross_products()
    count = _counted(read, tables)
    with np.errstate(all="ignore"):
        sums = addable_sums(read.stage, tables, count, read.codings, given)
    return sums, read.stage.lazy


class _Read(NamedTuple):
    """A model and the stage on which it is summed."""

    stage: Stage
    blocks: tuple[Block, ...]
    codings: dict[str, Coding]
    env: dict[str, Any]
    action: str


def _read(
    formula: str,
    data: Any,
    weights: Any,
    offset: Any,
    na_action: str,
    contrasts: Mapping[str, Any] | str | None,
    env: Mapping[str, Any] | None,
    states: Mapping[str, dict[str, Any]] | None = None,
    levels: Mapping[str, tuple[Any, ...]] | None = None,
) -> _Read:
    """Check what was asked, and learn what functions of all rows have to know."""
    text, action, caller = check_formula(formula), check_na_action(na_action), check_env(env)
    codings, lazy = read_codings(contrasts), open_lazy(data)
    model = read_model(text, lazy, caller)
    scope = Scope(lazy.types, caller, dict(states or {}), model.text, lazy.engine, CALLS)
    names = column_name(weights, "weights", lazy), column_name(offset, "offset", lazy)
    kinds = _given_kinds(raw_kinds(model, lazy.types, caller), levels or {})
    plan = plan_of(model, kinds, scope, *names)
    test = complete(plan, lazy.types)
    learn_states(lazy, plan, scope, test)
    stage = Stage(lazy, plan, scope, test)
    check_weights(stage)
    return _Read(stage, blocks_of(plan), codings, caller, action)


def _given_kinds(kinds: dict[str, str], levels: Mapping[str, tuple[Any, ...]]) -> dict[str, str]:
    """Kinds of columns, where numbers whose levels are given are labels."""
    for name in levels:
        if name not in kinds:
            raise OptionError(
                f"levels= names {name!r}, which the formula does not. It has: {', '.join(kinds)}."
            )
    return {name: "factor" if name in levels and kind == "number" else kind for name, kind in kinds.items()}


def _counted(read: _Read, tables: Tables) -> Count:
    """Count all rows; refuse missing values where that was asked for."""
    n = int(tables.whole.n.sum())
    count = count_rows(read.stage, n)
    if read.action == "raise" and count.missing:
        listed = ", ".join(f"{name} ({lost})" for name, lost in count.missing)
        raise DataError(
            f"{count.n_input - n} of {count.n_input} rows have missing values: {listed}. "
            "Fill them, or use na_action='drop' to leave these rows out."
        )
    return count
