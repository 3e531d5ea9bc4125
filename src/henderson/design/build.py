"""Formula + data → Design: the one way in."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from henderson.data import Column, Factor, Frame, Numbers, label_text, open_frame
from henderson.data.align import align
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
from henderson.design.calls import CALLS
from henderson.design.checks import check_random, response_vector
from henderson.design.context import Context
from henderson.design.contrasts import Coding
from henderson.design.evaluate import evaluate_variable, is_name, number
from henderson.design.fixed import fixed_matrix, random_columns
from henderson.design.groupings import GroupingSpec, learn_grouping
from henderson.design.parts import coding_of_factor
from henderson.design.rank import alias_weights, independent_columns, keep_columns
from henderson.design.record import Design, Grouping, RandomTerm
from henderson.design.rows import Rows, complete_rows
from henderson.design.spec import CodedFactor, DesignSpec
from henderson.design.text_numbers import check_text
from henderson.errors import DataError, DesignError
from henderson.formula import ModelFormula, RandomPart, read_formula, read_sides


class Given(NamedTuple):
    """``weights=`` and ``offset=``: column and its name in the data, or None."""

    weights: tuple[Column, str | None] | None
    offset: tuple[Column, str | None] | None

    def columns(self) -> dict[str, Column]:
        """Return what was given, by argument."""
        return {what: given[0] for what, given in zip(self._fields, self, strict=True) if given is not None}


class Fixed(NamedTuple):
    """The fixed part: kept columns (n, p), names of all and of the kept, what was dropped, terms of all."""

    X: np.ndarray
    names: tuple[str, ...]
    kept_names: tuple[str, ...]
    dropped: tuple[str, ...]
    keys: list[Any]
    kept: tuple[int, ...]
    intercept: int | None
    assign: tuple[int, ...]
    aliases: tuple[tuple[float, ...], ...]


class Random(NamedTuple):
    """The random part in lme4's order; `places`: place in the formula and index of the grouping, per term."""

    terms: tuple[RandomTerm, ...]
    groupings: tuple[Grouping, ...]
    specs: tuple[GroupingSpec, ...]
    places: tuple[tuple[int, int], ...]


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


def _fixed(formula: ModelFormula, context: Context, codings: dict[str, Coding]) -> Fixed:
    """Build the fixed-effects matrix and leave out its aliased columns."""
    X, names, keys, assign = fixed_matrix(formula.fixed, context, codings)
    if codings:
        factors = {name for name, value in context.values.items() if isinstance(value, Factor)}
        check_codings(codings, factors, set(context.values))
    kept = independent_columns(X)
    intercept = 0 if formula.fixed.intercept and kept[:1] == [0] else None
    if len(kept) == len(names):
        return Fixed(X, tuple(names), tuple(names), (), keys, tuple(kept), intercept, tuple(assign), ())
    dropped = tuple(name for j, name in enumerate(names) if j not in set(kept))
    aliases = tuple(map(tuple, alias_weights(X, kept).T.tolist()))
    X = keep_columns(X, kept)
    kept_names = tuple(names[j] for j in kept)
    return Fixed(X, tuple(names), kept_names, dropped, keys, tuple(kept), intercept, tuple(assign), aliases)


def _random(formula: ModelFormula, context: Context, shared: dict[Any, np.ndarray]) -> Random:
    """Build groupings and random terms in lme4's order."""
    learnt: dict[str, tuple[Grouping, GroupingSpec]] = {}
    for part in formula.random:
        if part.grouping.name not in learnt:
            learnt[part.grouping.name] = learn_grouping(part.grouping, context)
    order = lme4_order([len(learnt[part.grouping.name][0].levels) for part in formula.random])
    names = list(dict.fromkeys(formula.random[i].grouping.name for i in order))
    places = tuple((i, names.index(formula.random[i].grouping.name)) for i in order)
    terms = tuple(RandomTerm(g, *random_columns(formula.random[i].terms, context, shared)) for i, g in places)
    return Random(
        terms, tuple(learnt[name][0] for name in names), tuple(learnt[name][1] for name in names), places
    )


def lme4_order(sizes: list[int]) -> list[int]:
    """Return lme4's order of random terms: as typed if the numbers of levels never rise, else sorted.

    When lme4 sorts, equal numbers of levels come out last typed first. That is the order of its theta, and is
    kept for the sake of comparing it.

    Examples
    --------
    >>> lme4_order([10, 60, 60]), lme4_order([60, 60, 10])
    ([2, 1, 0], [0, 1, 2])
    """
    if all(a >= b for a, b in itertools.pairwise(sizes)):
        return list(range(len(sizes)))
    return sorted(range(len(sizes)), key=sizes.__getitem__)[::-1]


def offset_total(formula: ModelFormula, context: Context, given: np.ndarray | None) -> np.ndarray | None:
    """Return the sum of ``offset()`` terms and ``offset=``; None when there is neither."""
    total = given
    for variable in formula.fixed.offsets:
        value = number(evaluate_variable(variable.name, variable.node, context), variable.node, context)
        total = value if total is None else total + value
    return total


def random_part(formula: ModelFormula) -> tuple[RandomPart, ...]:
    """Return the random terms of a formula; a DesignError without any."""
    if not formula.random:
        raise DesignError(
            "The formula has no random term such as (1 | g), so this is no mixed model. Add one, or fit "
            "ordinary least squares, for example statsmodels.formula.api.ols."
        )
    return formula.random


def _env_used(formula: ModelFormula, env: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the caller's functions and constants that the formula mentions."""
    return tuple(name for name in env if name in formula.calls or name in formula.names) if env else ()


def _vector(given: tuple[Column, str | None] | None, rows: Rows) -> np.ndarray | None:
    if given is None:
        return None
    column = given[0]
    assert isinstance(column, Numbers)
    values = column.values if rows.kept is None else column.values[rows.kept]
    return np.array(values, dtype=np.float64)  # a copy: the caller may change the data in place later


def build(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    na_action: str = "drop",
    contrasts: Mapping[str, Any] | str | None = None,
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
    contrasts : dict or str, optional
        Coding of factors in the fixed part: ``{"A": "contr.sum"}`` or a matrix with one row per level;
        one name is for every unordered factor.
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
    frame = data if isinstance(data, Frame) else open_frame(data)
    weights, offset = align(weights, "weights", data), align(offset, "offset", data)
    with np.errstate(all="ignore"):
        return _build(_read(text, frame, caller), frame, action, caller, codings, weights, offset, data)


def _build(
    formula: ModelFormula,
    frame: Frame,
    action: str,
    env: dict[str, Any],
    codings: dict[str, Coding],
    weights: Any,
    offset: Any,
    data: Any,
) -> Design:
    random_part(formula)
    context = Context({}, frame.n, formula.text, True, {}, {}, env, CALLS)
    given = Given(read_vector(weights, "weights", frame), read_vector(offset, "offset", frame))
    columns = raw_columns(formula, frame, context)
    check_text(formula, columns, data)
    rows = complete_rows(columns | given.columns(), frame.n, action)
    context.columns = (
        columns if rows.kept is None else {name: column.take(rows.kept) for name, column in columns.items()}
    )
    context.n = frame.n if rows.kept is None else len(rows.kept)
    context.kept = rows.kept

    y = response_vector(
        evaluate_variable(formula.response.name, formula.response.node, context), formula.response.name
    )
    fixed = _fixed(formula, context, codings)
    random = _random(formula, context, dict(zip((fixed.keys[j] for j in fixed.kept), fixed.X.T, strict=True)))
    check_random(random.groupings, random.terms, context.n)
    weight = _vector(given.weights, rows)
    if weight is not None:
        check_weights(weight, rows.kept)
    return Design(
        y=y,
        X=fixed.X,
        x_names=fixed.kept_names,
        intercept=fixed.intercept,
        dropped=fixed.dropped,
        all_x_names=fixed.names,
        offset=offset_total(formula, context, _vector(given.offset, rows)),
        weights=weight,
        groupings=random.groupings,
        terms=random.terms,
        response=formula.response.name,
        kept_rows=rows.kept,
        n_input=frame.n,
        spec=_spec(formula, columns, context, codings, fixed, random, given),
        missing=rows.missing,
    )


def _spec(
    formula: ModelFormula,
    columns: dict[str, Column],
    context: Context,
    codings: dict[str, Coding],
    fixed: Fixed,
    random: Random,
    given: Given,
) -> DesignSpec:
    return DesignSpec(
        formula=formula.text,
        dot=formula.dot,
        kinds={name: _kind(column) for name, column in columns.items()},
        levels=context.levels,
        states=context.states,
        codings=codings,
        kept=fixed.kept,
        all_x_names=fixed.names,
        x_names=fixed.kept_names,
        intercept=fixed.intercept,
        groupings=random.specs,
        terms=random.places,
        weights=given.weights[1] if given.weights else None,
        offset=given.offset[1] if given.offset else None,
        env=_env_used(formula, dict(context.env)),
        assign=fixed.assign,
        factors={
            variable.name: CodedFactor(
                tuple(map(label_text, value.levels)), coding_of_factor(variable.name, value, codings)
            )
            for variable in formula.fixed.variables
            if isinstance(value := context.values.get(variable.name), Factor)
        },
        aliases=fixed.aliases,
    )
