"""Formula + data → Design: the one way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from henderson.data import Column, Frame, Numbers, open_frame
from henderson.data.suggest import did_you_mean
from henderson.design.arguments import (
    check_codings,
    check_env,
    check_formula,
    check_na_action,
    check_weights,
    read_codings,
    read_vector,
)
from henderson.design.checks import check_random, response_vector
from henderson.design.context import Context, Factor
from henderson.design.evaluate import evaluate_variable, is_name, number
from henderson.design.fixed import fixed_matrix, random_columns
from henderson.design.groupings import GroupingSpec, learn_grouping
from henderson.design.rank import independent_columns, keep_columns
from henderson.design.record import Design, Grouping, RandomTerm
from henderson.design.rows import Rows, complete_rows
from henderson.design.spec import DesignSpec
from henderson.errors import DataError, DesignError
from henderson.formula import ModelFormula, RandomPart, read_formula, read_sides


def _read(text: str, frame: Frame, env: dict[str, Any]) -> ModelFormula:
    names = frozenset(env)
    columns = frame.names() if read_sides(text, names).has_dot else None
    return read_formula(text, names, columns)


def raw_columns(formula: ModelFormula, frame: Frame, context: Context) -> dict[str, Column]:
    """Read the columns that a formula uses; names that are constants are left out."""
    columns: dict[str, Column] = {}
    for name in formula.names:
        column = frame.read(name)
        if column is not None:
            columns[name] = column
        elif not is_name(name, context):
            raise DataError(f"There is no column {name!r} in the data. {did_you_mean(name, frame.names())}")
    return columns


def _kind(column: Column) -> str:
    if isinstance(column, Numbers):
        return "number"
    return "truth" if column.logical else "factor"


def _random(
    formula: ModelFormula, context: Context, shared: dict[Any, np.ndarray]
) -> tuple[tuple[RandomTerm, ...], tuple[Grouping, ...], tuple[GroupingSpec, ...], tuple[tuple[int, int], ...]]:
    """Build groupings and random terms in lme4's order."""
    learnt: dict[str, tuple[Grouping, GroupingSpec]] = {}
    for part in formula.random:
        if part.grouping.name not in learnt:
            learnt[part.grouping.name] = learn_grouping(part.grouping, context)
    sizes = [len(learnt[part.grouping.name][0].levels) for part in formula.random]
    order = lme4_order(sizes)
    names = list(dict.fromkeys(formula.random[i].grouping.name for i in order))
    places = tuple((i, names.index(formula.random[i].grouping.name)) for i in order)
    terms = tuple(RandomTerm(g, *random_columns(formula.random[i].terms, context, shared)) for i, g in places)
    return terms, tuple(learnt[name][0] for name in names), tuple(learnt[name][1] for name in names), places


def lme4_order(sizes: list[int]) -> list[int]:
    """Return lme4's order of random terms: as typed if the numbers of levels never rise, else by decreasing number.

    When lme4 sorts, it reverses an increasing sort, so that equal numbers come out last typed first; this order is
    that of its theta, and is kept for the sake of comparing it.

    Examples
    --------
    >>> lme4_order([10, 60, 60]), lme4_order([60, 60, 10])
    ([2, 1, 0], [0, 1, 2])
    """
    if all(a >= b for a, b in zip(sizes, sizes[1:], strict=False)):
        return list(range(len(sizes)))
    return sorted(range(len(sizes)), key=sizes.__getitem__)[::-1]


def offset_total(formula: ModelFormula, context: Context, given: np.ndarray | None) -> np.ndarray | None:
    """Return the sum of ``offset()`` terms and ``offset=``; None when there is neither."""
    total = given
    for variable in formula.fixed.offsets:
        value = number(evaluate_variable(variable.name, variable.node, context), variable.node, context)
        total = value if total is None else total + value
    return total


def _check_parts(formula: ModelFormula) -> tuple[RandomPart, ...]:
    if not formula.random:
        raise DesignError("The formula has no random term such as (1 | g), so this is no mixed model. Add one, or fit ordinary "
                          "least squares, for example statsmodels.formula.api.ols.")  # fmt: skip
    return formula.random


def _env_used(formula: ModelFormula, env: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the caller's functions and constants that the formula mentions."""
    return tuple(name for name in env if name in formula.calls or name in formula.names) if env else ()


def _vector(column: Column | None, rows: Rows) -> np.ndarray | None:
    if column is None:
        return None
    assert isinstance(column, Numbers)
    values = column.values if rows.kept is None else column.values[rows.kept]
    return np.ascontiguousarray(values, dtype=np.float64)


def build(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    na_action: str = "drop",
    contrasts: Mapping[str, Any] | None = None,
    env: Mapping[str, Any] | None = None,
) -> Design:
    """Build the response, the fixed-effects matrix and the random terms of a model.

    Parameters
    ----------
    formula : str
        In lme4's language: ``y ~ x + (x | g)``.
    data : pandas or polars DataFrame, pyarrow Table, dict of arrays
        The data; only the columns of the formula are read.
    weights : str or (n,) array, optional
        Precision weights: the variance of a row is σ²/weight.
    offset : str or (n,) array, optional
        Known part of the mean, added to ``offset()`` terms.
    na_action : {"drop", "raise"}
        What to do with rows that have missing values in any column used.
    contrasts : dict, optional
        Coding of factors in the fixed part: ``{"A": "contr.sum"}`` or a matrix with one row per level.
    env : dict, optional
        Functions and constants that the formula may use besides the fixed vocabulary.

    Returns
    -------
    Design

    Raises
    ------
    FormulaError
        The formula cannot be read.
    DataError
        Columns are missing or hold values that cannot be used.
    DesignError
        The model cannot be identified from these rows.
    OptionError
        An argument has a value that is not allowed.

    Notes
    -----
    Cost O(n) for each column of the result and O(n p²) for the check of the rank.

    Examples
    --------
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0, 5.0, 5.5], "x": [0, 1, 2, 0, 1, 2], "g": list("aaabbb")}
    >>> design = build("y ~ x + (1 | g)", data)
    >>> design.x_names, design.groupings[0].levels
    (('(Intercept)', 'x'), ('a', 'b'))
    """
    text, action, caller = check_formula(formula), check_na_action(na_action), check_env(env)
    codings = read_codings(contrasts)
    frame = open_frame(data)
    with np.errstate(all="ignore"):
        return _build(_read(text, frame, caller), frame, action, caller, codings, weights, offset)


def _build(
    formula: ModelFormula, frame: Frame, action: str, env: dict[str, Any], codings: dict[str, Any], weights: Any, offset: Any
) -> Design:  # fmt: skip
    _check_parts(formula)
    context = Context({}, frame.n, formula.text, True, {}, {}, env)
    columns = raw_columns(formula, frame, context)
    given_weights, given_offset = read_vector(weights, "weights", frame), read_vector(offset, "offset", frame)
    used = dict(columns)
    if given_weights:
        used["weights"] = given_weights[0]
    if given_offset:
        used["offset"] = given_offset[0]
    rows = complete_rows(used, frame.n, action)
    context.columns = columns if rows.kept is None else {name: column.take(rows.kept) for name, column in columns.items()}
    context.n = frame.n if rows.kept is None else len(rows.kept)

    y = response_vector(evaluate_variable(formula.response.name, formula.response.node, context), formula.response.name)
    X, names, keys = fixed_matrix(formula.fixed, context, codings)
    if codings:
        factors = {name for name, value in context.values.items() if isinstance(value, Factor)}
        check_codings(codings, factors, set(context.values))
    kept = independent_columns(X)
    if len(kept) < len(names):
        X = keep_columns(X, kept)
    shared = {keys[j]: X[:, to] for to, j in enumerate(kept)}
    terms, groupings, grouping_specs, places = _random(formula, context, shared)
    check_random(groupings, terms, context.n)
    weight = _vector(given_weights[0] if given_weights else None, rows)
    if weight is not None:
        check_weights(weight)
    x_names = tuple(names[j] for j in kept) if len(kept) < len(names) else tuple(names)
    intercept = 0 if formula.fixed.intercept and kept[:1] == [0] else None
    spec = DesignSpec(
        formula=formula.text,
        dot=formula.dot,
        kinds={name: _kind(column) for name, column in columns.items()},
        levels=context.levels,
        states=context.states,
        codings=codings,
        kept=tuple(kept),
        all_x_names=tuple(names),
        x_names=x_names,
        intercept=intercept,
        groupings=grouping_specs,
        terms=places,
        weights=given_weights[1] if given_weights else None,
        offset=given_offset[1] if given_offset else None,
        env=_env_used(formula, env),
    )
    return Design(
        y=y,
        X=X,
        x_names=x_names,
        intercept=intercept,
        dropped=tuple(name for j, name in enumerate(names) if j not in kept) if len(kept) < len(names) else (),
        all_x_names=spec.all_x_names,
        offset=offset_total(formula, context, _vector(given_offset[0] if given_offset else None, rows)),
        weights=weight,
        groupings=groupings,
        terms=terms,
        response=formula.response.name,
        kept_rows=rows.kept,
        n_input=frame.n,
        spec=spec,
        missing=rows.missing,
    )
