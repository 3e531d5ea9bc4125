"""Fitted values, residuals and predictions as columns of a lazy frame: the estimates go to the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import narwhals as nw
import numpy as np

from henderson.data import label_text, open_frame
from henderson.data.suggest import did_you_mean
from henderson.design.arguments import check_env
from henderson.design.calls import CALLS as IN_MEMORY
from henderson.design.context import Context
from henderson.design.groupings import replay_grouping
from henderson.design.spec import DesignSpec
from henderson.errors import DataError
from henderson.formula import read_formula
from henderson.lazy.beside import PREFIX, beside, renamed, upload
from henderson.lazy.columns import Columns, columns_of, context_of, joined
from henderson.lazy.engines import Lazy, open_lazy, run
from henderson.lazy.expressions import Scope, number
from henderson.lazy.functions import CALLS
from henderson.lazy.plan import CONSTANT, Atom, Key, kind_of, plan_of
from henderson.lazy.requests import fixed_keys
from henderson.lazy.stage import Stage, missing


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """What is needed of a fit.

    Attributes
    ----------
    spec : DesignSpec
        Replays its columns.
    beta : (p,) float64
    b : tuple of (levels, K) float64
        Effects of every grouping.
    sigma : float
    """

    spec: DesignSpec
    beta: np.ndarray
    b: tuple[np.ndarray, ...]
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows on the engine while columns are added to them."""

    stage: Stage
    estimates: Estimates
    context: Context
    frame: Any
    needed: tuple[str, ...]


def open_rows(
    estimates: Estimates, data: Any, env: Mapping[str, Any] | None, chosen: tuple[int, ...], *, response: bool
) -> _Rows:
    """Read the formula of a fit against a lazy frame.

    Parameters
    ----------
    estimates : Estimates
    data : lazy frame
    env : mapping or None
        The caller's constants.
    chosen : tuple of int
        Groupings that take part.
    response : bool
        Whether the response is needed.

    Raises
    ------
    DataError
        A column is missing, or of another kind than in the fit.
    """
    lazy, spec, caller = open_lazy(data), estimates.spec, check_env(env)
    formula = read_formula(spec.formula, frozenset(caller), spec.dot)
    variables = [*formula.fixed.variables, *formula.fixed.offsets]
    for place, g in spec.terms:
        if g in chosen:
            variables += [*formula.random[place].terms.variables, *formula.random[place].grouping.factors]
    if response:
        variables.append(formula.response)
    names = dict.fromkeys(name for v in variables for name in v.columns if name in spec.kinds)
    names |= {} if spec.offset is None else {spec.offset: None}
    for name in names:
        _check_column(name, spec, lazy)
    scope = Scope(lazy.types, caller, dict(spec.states), formula.text, lazy.engine, CALLS)
    plan = plan_of(formula, dict(spec.kinds), scope, None, spec.offset)
    test = ~reduce(lambda a, b: a | b, (missing(name, lazy.types) for name in names), nw.lit(False))
    context = Context({}, 0, formula.text, False, dict(spec.states), dict(spec.levels), caller, IN_MEMORY)
    return _Rows(Stage(lazy, plan, scope, test), estimates, context, lazy.frame, tuple(names))


def _check_column(name: str, spec: DesignSpec, lazy: Lazy) -> None:
    if name not in lazy.types:
        raise DataError(f"There is no column {name!r} in the lazy frame. {did_you_mean(name, lazy.types)}")
    kind, was = kind_of(name, lazy.types[name]), spec.kinds.get(name, "number")
    if was == "number" and kind == "factor":
        raise DataError(
            f"Column {name!r} held numbers in the fit; on {lazy.engine} it has the type {lazy.types[name]}."
        )


def _cells(rows: _Rows, keys: tuple[Key, ...], what: str) -> tuple[dict[str, Any], dict[Key, Any], int]:
    """Return the different combinations of keys of complete rows: as the engine gave them, and as columns."""
    lazy = rows.stage.lazy
    names = [f"{PREFIX}{i}" for i in range(len(keys))]
    query = lazy.frame.filter(rows.stage.complete).select(
        *(rows.stage.key(key).alias(name) for key, name in zip(keys, names, strict=True))
    )
    native = run(lazy, query.group_by(*names).agg(nw.len().alias("n")), f"the combinations of {what}")
    frame = open_frame(native)
    given = {name: native[name] for name in names}
    return given, {key: frame.column(name) for key, name in zip(keys, names, strict=True)}, frame.n


def _with_table(
    rows: _Rows, keys: tuple[Key, ...], given: dict[str, Any], values: dict[str, np.ndarray]
) -> _Rows:
    """Put columns that depend on keys beside the rows."""
    lazy, names = rows.stage.lazy, list(given)
    columns = [_joinable(rows, key).alias(name) for key, name in zip(keys, names, strict=True)]
    frame = beside(
        rows.frame.with_columns(*columns), upload(lazy, _texts(given) | values), names, lazy.engine
    )
    return replace(rows, frame=frame.drop(*names))


def _joinable(rows: _Rows, key: Key) -> Any:
    """Return a key in a type that any engine joins by: text for categories."""
    value = rows.stage.key(key)
    dtype = rows.stage.lazy.types.get(key.name)
    return value.cast(nw.String) if key.node is None and dtype in (nw.Categorical, nw.Enum) else value


def _texts(given: dict[str, Any]) -> dict[str, Any]:
    """Return categories as text, other columns as they are."""
    out = {}
    for name, values in given.items():
        series = nw.from_native(values, series_only=True, allow_series=True)
        is_label = series.dtype in (nw.Categorical, nw.Enum)
        out[name] = (series.cast(nw.String) if is_label else series).to_native()
    return out


def _by_atom(columns: Columns, weights: np.ndarray) -> dict[Atom, np.ndarray]:
    """Return (C,) coefficients of every number: columns times weights (C, k), summed over equal numbers."""
    out: dict[Atom, np.ndarray] = {}
    for j, a in enumerate(columns.atoms):
        out[a] = out.get(a, 0.0) + columns.coefficients[:, j] * weights[..., j]
    return out


def _number(rows: _Rows, a: Atom) -> Any:
    """Return a number as an expression of the rows."""
    factors = [rows.stage.columns(name)[j] for name, j in a]
    return reduce(lambda x, y: x * y, factors)


def _total(rows: _Rows, coefficients: dict[Atom, Any]) -> Any:
    """Return the sum of coefficients times numbers."""
    terms = [c if a == CONSTANT else _number(rows, a) * c for a, c in coefficients.items()]
    return reduce(lambda x, y: x + y, terms, nw.lit(0.0))


def with_fixed(rows: _Rows, name: str) -> _Rows:
    """Add the population mean X beta + offset as a column."""
    plan = rows.stage.plan
    keys, kept = fixed_keys(plan), rows.estimates.spec.kept
    if not keys:
        columns = columns_of(
            plan.formula.fixed, plan, context_of(plan, {}, np.zeros(1, int), rows.context), {}
        )
        found = _by_atom(columns.take(kept), rows.estimates.beta[None, :])
        value = _total(rows, {a: float(c[0]) for a, c in found.items()})
        return replace(rows, frame=rows.frame.with_columns((value + _offset(rows)).alias(name)))
    given, cells, count = _cells(rows, keys, "the factors of the fixed part")
    context = context_of(plan, cells, np.arange(count), rows.context)
    columns = columns_of(plan.formula.fixed, plan, context, rows.estimates.spec.codings).take(kept)
    found = _by_atom(columns, rows.estimates.beta[None, :])
    names = {a: f"{PREFIX}x{i}" for i, a in enumerate(found)}
    rows = _with_table(rows, keys, given, {names[a]: values for a, values in found.items()})
    value = _total(rows, {a: nw.col(column) for a, column in names.items()})
    frame = rows.frame.with_columns((value + _offset(rows)).alias(name)).drop(*names.values())
    return replace(rows, frame=frame)


def _offset(rows: _Rows) -> Any:
    plan, total = rows.stage.plan, nw.lit(0.0)
    for offset in plan.formula.fixed.offsets:
        total = total + number(offset.node, rows.stage.scope)
    return total if plan.offset is None else total + nw.col(plan.offset).cast(nw.Float64)


def with_random(rows: _Rows, f: int, name: str, new_levels: str) -> _Rows:
    """Add the effects z'b of one grouping to a column.

    Parameters
    ----------
    rows : _Rows
    f : int
        Which grouping of the fit.
    name : str
        The column.
    new_levels : {"error", "population"}
        What to do with levels that the fit has not seen.

    Raises
    ------
    DataError
        Unseen levels under ``"error"``.
    """
    plan, spec = rows.stage.plan, rows.estimates.spec
    places = [place for place, g in spec.terms if g == f]
    lists = [plan.formula.random[place].terms for place in places]
    grouping = plan.formula.random[places[0]].grouping
    inner = plan.keys_of(v for terms in lists for v in terms.variables)
    keys = tuple(dict.fromkeys((*plan.grouping_keys(grouping), *inner)))
    given, cells, count = _cells(rows, keys, grouping.name)
    context = context_of(plan, cells, np.arange(count), rows.context)
    codes, unseen, _ = replay_grouping(grouping, spec.groupings[f], context)
    if unseen and new_levels == "error":
        shown = ", ".join(map(label_text, unseen[:12])) + (", …" if len(unseen) > 12 else "")
        raise DataError(
            f"{grouping.name} has {len(unseen)} level{'s' * (len(unseen) > 1)} that the fit has not seen on "
            f"{rows.stage.lazy.engine}: {shown}. Use new_levels='population' to predict them as "
            "new draws, or groups=None."
        )
    b = rows.estimates.b[f]
    effects = np.where((codes >= 0)[:, None], b[np.maximum(codes, 0)], 0.0)
    columns = joined(*(columns_of(terms, plan, context, {}) for terms in lists))
    found = _by_atom(columns, effects)
    names = {a: f"{PREFIX}z{i}" for i, a in enumerate(found)}
    rows = _with_table(rows, keys, given, {names[a]: values for a, values in found.items()})
    value = nw.col(name) + _total(rows, {a: nw.col(column) for a, column in names.items()})
    return replace(rows, frame=rows.frame.with_columns(value.alias(name)).drop(*names.values()))


def predicted(
    estimates: Estimates,
    data: Any,
    *,
    chosen: tuple[int, ...],
    name: str = "estimate",
    new_levels: str = "error",
    env: Mapping[str, Any] | None = None,
) -> Any:
    """Add predictions to a lazy frame.

    Parameters
    ----------
    estimates : Estimates
    data : lazy frame
        Any engine, whatever the fit was made from.
    chosen : tuple of int
        Groupings whose effects take part.
    name : str
        Of the column to add.
    new_levels : {"error", "population"}
        What to do with levels that the fit has not seen.
    env : mapping or None
        The caller's constants.

    Returns
    -------
    lazy frame of the same kind
        All its columns and `name`; NULL where a value is missing.

    Notes
    -----
    On the engine: the combinations of levels, once for the fixed part and once for each grouping. The rows
    are touched when the result is.
    """
    rows = open_rows(estimates, data, env, chosen, response=False)
    _refuse_name(rows, name)
    rows = with_fixed(rows, name)
    for f in chosen:
        rows = with_random(rows, f, name, new_levels)
    value = nw.when(rows.stage.complete).then(nw.col(name))
    return rows.frame.with_columns(value.alias(name)).to_native()


def augmented(
    estimates: Estimates,
    data: Any,
    *,
    wanted: tuple[str, ...],
    kind: str = "response",
    weights: str | None = None,
    env: Mapping[str, Any] | None = None,
) -> Any:
    """Add fitted values and residuals to the rows that a fit used.

    Parameters
    ----------
    estimates : Estimates
    data : lazy frame
        That the fit was made from.
    wanted : tuple of {".fitted", ".resid", ".fixed"}
        Columns to add, in this order.
    kind : {"response", "pearson", "scaled"}
        Of the residuals.
    weights : str or None
        Their column, for residuals other than of the response.
    env : mapping or None
        The caller's constants.

    Returns
    -------
    lazy frame of the same kind
        The complete rows.
    """
    chosen = tuple(range(len(estimates.b)))
    rows = open_rows(estimates, data, env, chosen, response=True)
    for name in wanted:
        _refuse_name(rows, name)
    complete = (
        rows.stage.complete
        if weights is None
        else rows.stage.complete & ~missing(weights, rows.stage.lazy.types)
    )
    inner = {name: f"{PREFIX}{name[1:]}" for name in (".fixed", ".fitted", ".resid")}
    rows = with_fixed(replace(rows, frame=rows.frame.filter(complete)), inner[".fixed"])
    rows = replace(rows, frame=rows.frame.with_columns(nw.col(inner[".fixed"]).alias(inner[".fitted"])))
    for f in chosen:
        rows = with_random(rows, f, inner[".fitted"], "error")
    formula = rows.stage.plan.formula
    residual = number(formula.response.node, rows.stage.scope) - nw.col(inner[".fitted"])
    if kind != "response" and weights is not None:
        residual = residual * nw.col(weights).cast(nw.Float64).sqrt()
    if kind == "scaled":
        residual = residual / estimates.sigma
    frame = rows.frame.with_columns(residual.alias(inner[".resid"]))
    frame = frame.select(*rows.stage.lazy.types, *(inner[name] for name in wanted))
    return renamed(frame, {inner[name]: name for name in wanted}, rows.stage.lazy.engine)


def _refuse_name(rows: _Rows, name: str) -> None:
    if name in rows.stage.lazy.types:
        raise DataError(
            f"The lazy frame has a column {name!r} already; rename it on {rows.stage.lazy.engine}."
        )
