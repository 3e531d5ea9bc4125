"""DesignSpec + new data → the same columns: states, levels and kept columns are those of the fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from henderson.data import Column, Factor, Frame, Numbers, label_text, open_frame
from henderson.data.align import align
from henderson.data.suggest import did_you_mean
from henderson.design.arguments import check_env, check_weights, read_vector
from henderson.design.build import offset_total
from henderson.design.calls import CALLS
from henderson.design.context import Context
from henderson.design.evaluate import evaluate_variable, is_name, number
from henderson.design.fixed import fixed_matrix, random_columns
from henderson.design.groupings import replay_grouping
from henderson.design.record import NewDesign, NewGrouping, RandomTerm
from henderson.design.rows import refuse_infinite
from henderson.design.spec import DesignSpec
from henderson.errors import DataError, OptionError
from henderson.formula import ModelFormula, Variable, read_formula


def asked_groupings(spec: DesignSpec, groups: bool | str | Iterable[str] | None) -> list[bool]:
    """Return for every grouping factor of the fit whether it is asked for.

    Parameters
    ----------
    spec : DesignSpec
        Of the fit.
    groups : bool, str, iterable of str or None
        True for all, False or None for none, else names.

    Returns
    -------
    list of bool

    Raises
    ------
    OptionError
        A name that is no grouping factor of the fit.
    """
    names = [grouping.name for grouping in spec.groupings]
    if groups is None or isinstance(groups, bool):
        return [bool(groups)] * len(names)
    wanted = [groups] if isinstance(groups, str) else list(groups)
    for name in wanted:
        if name not in names:
            raise OptionError(
                f"{name!r} is not a grouping factor of this model. {did_you_mean(str(name), names)}"
            )
    return [name in wanted for name in names]


def _variables(
    formula: ModelFormula, spec: DesignSpec, asked: list[bool], wanted: list[bool], need_response: bool
) -> list[Variable]:
    variables = [*formula.fixed.variables, *formula.fixed.offsets]
    if need_response:
        variables.append(formula.response)
    for place, grouping in spec.terms:
        part = formula.random[place]
        if wanted[grouping]:
            variables += part.terms.variables
        if asked[grouping]:
            variables += part.grouping.factors
    return variables


def _columns(
    variables: list[Variable], spec: DesignSpec, frame: Frame, context: Context, called: str
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name in dict.fromkeys(name for variable in variables for name in variable.columns):
        if name not in spec.kinds:  # a constant when the model was fitted
            if not is_name(name, context):
                raise OptionError(f"The formula uses {name!r} from env; pass env={{{name!r}: …}} here too.")
            continue
        column = frame.read(name)
        if column is None:
            raise DataError(f"There is no column {name!r} in {called}. {did_you_mean(name, frame.names())}")
        refuse_infinite(column, name)
        columns[name] = _same_kind(column, name, spec)
    return columns


def _same_kind(column: Column, name: str, spec: DesignSpec) -> Column:
    """Return a column as the kind it was in the fit, where that loses nothing.

    A column without any value has no kind of its own: frames report it as numbers.
    """
    kind = spec.kinds[name]
    if isinstance(column, Numbers):
        return _no_labels(column, logical=kind == "truth") if kind != "number" else column
    if kind != "number":
        return column
    if column.logical:
        values = column.codes.astype(np.float64)
        values[column.codes < 0] = np.nan
        return Numbers(values)
    return column


def _no_labels(column: Numbers, *, logical: bool) -> Column:
    """Return a column of nothing but missing values as a factor; any other as it is."""
    mask = column.missing()
    if mask is None or not mask.all():
        return column
    codes = np.full(len(mask), -1, dtype=np.int32)
    return Factor(codes, (False, True) if logical else (), logical=logical)


def _refuse_text(columns: dict[str, Column], formula: ModelFormula, spec: DesignSpec) -> None:
    grouping_only = {factor.name for part in formula.random for factor in part.grouping.factors}
    numeric = {
        name
        for variable in (
            *formula.fixed.variables,
            *formula.fixed.offsets,
            formula.response,
            *(v for part in formula.random for v in part.terms.variables),
        )
        for name in variable.columns
    }
    for name, column in columns.items():
        if (
            spec.kinds[name] == "number"
            and isinstance(column, Factor)
            and (name in numeric or name not in grouping_only)
        ):
            some = ", ".join(repr(label_text(level)) for level in column.levels[:3])
            raise DataError(
                f"Column {name!r} held numbers in the fit; the new data hold {some or 'nothing'}."
            )


def _incomplete(columns: Iterable[Column], r: int) -> np.ndarray:
    bad = np.zeros(r, dtype=bool)
    for column in columns:
        mask = column.missing()
        if mask is not None:
            bad |= mask
    return bad


def _check_env(spec: DesignSpec, env: dict[str, Any]) -> None:
    lacking = [name for name in spec.env if name not in env]
    if lacking:
        raise OptionError(
            f"The formula uses functions of the caller: pass env={{{lacking[0]!r}: {lacking[0]}}} here too."
        )


def _vector(value: Any, what: str, frame: Frame) -> np.ndarray | None:
    given = read_vector(value, what, frame)
    if given is None:
        return None
    assert isinstance(given[0], Numbers)
    refuse_infinite(given[0], value if isinstance(value, str) else what)
    return given[0].values.astype(np.float64, copy=False)


def replay(
    spec: DesignSpec,
    newdata: Any,
    *,
    groups: bool | str | Iterable[str] | None = True,
    columns_of: Iterable[str] = (),
    need_response: bool = False,
    weights: Any = None,
    offset: Any = None,
    env: Mapping[str, Any] | None = None,
    called: str = "the new data",
) -> NewDesign:
    """Build the columns of a fitted design from new data.

    Parameters
    ----------
    spec : DesignSpec
        Of the fit.
    newdata : pandas or polars DataFrame, pyarrow Table, dict of arrays
        New rows; needs the columns of the fixed part and of the groups asked for.
    groups : bool, str, iterable of str or None
        Which grouping factors: True for all, False or None for none, else their names.
    columns_of : iterable of str
        Further grouping factors: the columns of their terms are built, their levels are not needed.
    need_response : bool
        Whether to evaluate the response too.
    weights, offset : str or (r,) array, optional
        As in `build`; a column name used in the fit is the default for `offset`.
    env : dict, optional
        The functions that the formula uses besides the fixed vocabulary.
    called : str
        What messages call `newdata`.

    Returns
    -------
    NewDesign
        Row for row; rows with missing values are NaN and not `complete`.

    Raises
    ------
    DataError
        A missing column, text for numbers, infinite values, weights that are not positive, or a level of a
        fixed factor that the fit has not seen.
    OptionError
        An unknown grouping factor, or a function of the caller that is not passed.
    """
    caller = check_env(env)
    _check_env(spec, caller)
    frame = open_frame(newdata)
    formula = read_formula(spec.formula, frozenset(caller), spec.dot)
    asked = asked_groupings(spec, groups)
    wanted = [a or b for a, b in zip(asked, asked_groupings(spec, columns_of), strict=True)]
    context = Context({}, frame.n, formula.text, False, dict(spec.states), dict(spec.levels), caller, CALLS)
    variables = _variables(formula, spec, asked, wanted, need_response)
    columns = _columns(variables, spec, frame, context, called)
    _refuse_text(columns, formula, spec)
    context.columns = columns
    weights, offset = align(weights, "weights", newdata), align(offset, "offset", newdata)
    with np.errstate(all="ignore"):
        return _replay(formula, spec, context, frame, asked, wanted, need_response, weights, offset)


def _replay(
    formula: ModelFormula,
    spec: DesignSpec,
    context: Context,
    frame: Frame,
    asked: list[bool],
    wanted: list[bool],
    need_response: bool,
    weights: Any,
    offset: Any,
) -> NewDesign:
    incomplete = _incomplete(context.columns.values(), context.n)
    X, _, keys, _ = fixed_matrix(formula.fixed, context, spec.codings)
    X = X if len(spec.kept) == X.shape[1] else np.asfortranarray(X[:, list(spec.kept)])
    X[incomplete] = np.nan
    shared = {keys[j]: X[:, to] for to, j in enumerate(spec.kept)}
    groupings = _groupings(formula, spec, context, asked)
    terms = tuple(
        RandomTerm(g, *random_columns(formula.random[place].terms, context, shared)) if wanted[g] else None
        for place, g in spec.terms
    )
    given = _vector(offset if offset is not None else spec.offset, "offset", frame)
    response = formula.response
    given_weights = _vector(weights, "weights", frame)
    if given_weights is not None:
        check_weights(given_weights)
    for extra in (given, given_weights):
        incomplete |= False if extra is None else np.isnan(extra)
    y = None
    if need_response:
        y = number(evaluate_variable(response.name, response.node, context), response.node, context)
    return NewDesign(
        X,
        groupings,
        terms,
        ~incomplete,
        offset_total(formula, context, given),
        given_weights,
        y,
    )


def _groupings(
    formula: ModelFormula, spec: DesignSpec, context: Context, asked: list[bool]
) -> tuple[NewGrouping | None, ...]:
    expressions = {grouping: formula.random[place].grouping for place, grouping in spec.terms}
    result: list[NewGrouping | None] = []
    for i, known in enumerate(spec.groupings):
        if not asked[i]:
            result.append(None)
            continue
        codes, unseen, unseen_codes = replay_grouping(expressions[i], known, context)
        which = np.full(context.n, -1, dtype=np.int32) if unseen_codes is None else unseen_codes
        result.append(NewGrouping(known.name, codes, unseen, which))
    return tuple(result)
