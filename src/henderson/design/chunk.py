"""One chunk of rows → the values that sums are made of, without learning from it what only all rows tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from henderson.data import Column, Factor, Frame, Numbers, as_factor, label_text, open_frame, recode
from henderson.design.arguments import check_weights, read_vector
from henderson.design.build import offset_total, random_part, raw_columns
from henderson.design.calls import CALLS
from henderson.design.checks import response_numbers
from henderson.design.context import Context, Matrix, State
from henderson.design.contrasts import Coding
from henderson.design.evaluate import evaluate_variable, refuse_nonfinite
from henderson.design.rows import refuse_infinite
from henderson.design.text_numbers import check_text
from henderson.design.wide import WidePlan, plan_of
from henderson.errors import DataError, DesignError
from henderson.formula import ModelFormula, Variable, read_formula, read_sides
from henderson.formula.nodes import Name


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What is asked of every chunk.

    Attributes
    ----------
    formula : str
        As typed.
    weights, offset : str, array or None
        Column names; arrays where there is one chunk only.
    na_action : {"drop", "raise"}
        What to do with rows with missing values.
    codings : dict of str to Coding
        Codings of factors of the fixed part.
    env : mapping
        The caller's functions and constants.
    levels : mapping of str to tuple
        Levels of columns, in order, where they are known beforehand.
    states : dict
        What functions of all rows remember, by expression, learnt in a pass before.
    """

    formula: str
    weights: Any = None
    offset: Any = None
    na_action: str = "drop"
    codings: dict[str, Coding] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ChunkValues:
    """The values of the complete rows of one chunk.

    Attributes
    ----------
    n_input : int
        Rows of the chunk.
    missing : dict of str to int
        Missing values per column.
    y : (n,) float64
        Response less offset.
    weights, offset : (n,) float64 or None
        The offset is out of `y` already.
    numbers : dict of str to (n,) float64 or Matrix
        Numeric variables of the formula.
    factors : dict of str to Factor
        Its factors, with the levels that the chunk knows of.
    groups : dict of str to Factor
        Variables right of the bars.
    raw : dict of str to Column
        Columns of the data that the fixed part uses.
    """

    n_input: int
    missing: dict[str, int]
    y: np.ndarray
    weights: np.ndarray | None
    offset: np.ndarray | None
    numbers: dict[str, np.ndarray | Matrix]
    factors: dict[str, Factor]
    groups: dict[str, Factor]
    raw: dict[str, Column]

    @property
    def n(self) -> int:
        """Number of complete rows."""
        return len(self.y)


def read_chunk(
    request: Request, data: Any, plan: WidePlan | None = None
) -> tuple[ChunkValues, WidePlan | None]:
    """Evaluate the variables of a formula on one chunk.

    Parameters
    ----------
    request : Request
        What is asked.
    data : data frame
        The rows.
    plan : WidePlan, optional
        Made from the first chunk that had complete rows; made here without one.

    Returns
    -------
    ChunkValues, WidePlan
        The plan is None as long as no complete row has been seen.

    Raises
    ------
    DataError
        A column is missing, of another kind than before, or holds values that cannot be used.
    """
    frame = open_frame(data)
    formula = read_request(request, frame, plan)
    random_part(formula)
    context = Context(
        {}, frame.n, formula.text, False, request.states, {}, request.env, CALLS, open_levels=True
    )
    columns, vectors, kept, missing = _usable(request, formula, frame, context)
    n = frame.n if kept is None else len(kept)
    columns = {name: same_kind(column, name, plan, n) for name, column in columns.items()}
    if n == 0:
        return ChunkValues(frame.n, missing, np.empty(0), None, None, {}, {}, {}, {}), plan
    if plan is None:
        check_text(formula, columns, data)
    context.columns, context.n, context.kept = columns, n, kept
    with np.errstate(all="ignore"):
        values = _values(formula, context, frame.n, missing, vectors)
    return values, plan_from(formula, columns, values, request) if plan is None else plan


def _usable(
    request: Request, formula: ModelFormula, frame: Frame, context: Context
) -> tuple[dict[str, Column], dict[str, Column], np.ndarray | None, dict[str, int]]:
    """Columns of the formula, weights and offset on complete rows; which rows these are; missing values."""
    columns = {
        name: _known(column, name, request.levels)
        for name, column in raw_columns(formula, frame, context).items()
    }
    vectors = {
        what: given[0]
        for what in ("weights", "offset")
        if (given := read_vector(getattr(request, what), what, frame)) is not None
    }
    kept, missing = _complete(columns | vectors, frame.n, request.na_action)
    return _taken(columns, kept), _taken(vectors, kept), kept, missing


def complete_columns(
    request: Request, formula: ModelFormula, frame: Frame, context: Context
) -> tuple[dict[str, Column], np.ndarray | None]:
    """Columns of the formula on complete rows, and which rows these are; None for all."""
    columns, _, kept, _ = _usable(request, formula, frame, context)
    return columns, kept


def read_request(request: Request, frame: Frame, plan: WidePlan | None) -> ModelFormula:
    """Return the formula, its dot replaced by the columns of the first chunk."""
    env = frozenset(request.env)
    if plan is not None:
        return read_formula(request.formula, env, plan.dot)
    return read_formula(
        request.formula, env, frame.names() if read_sides(request.formula, env).has_dot else None
    )


def plan_from(
    formula: ModelFormula, columns: dict[str, Column], values: ChunkValues, request: Request
) -> WidePlan:
    """Settle the plan by the kinds of the columns of the first chunk."""
    widths = {
        name: value.suffixes if isinstance(value, Matrix) else ("",) for name, value in values.numbers.items()
    }
    return plan_of(
        formula,
        kinds={name: kind_of(column) for name, column in columns.items()},
        numbers=widths,
        codings=request.codings,
        env=tuple(name for name in request.env if name in formula.calls or name in formula.names),
        weights=_name(request.weights),
        offset=_name(request.offset),
        states=request.states,
    )


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def kind_of(column: Column) -> str:
    """``number``, ``truth`` or ``factor``."""
    if isinstance(column, Numbers):
        return "number"
    return "truth" if column.logical else "factor"


def same_kind(column: Column, name: str, plan: WidePlan | None, n: int) -> Column:
    """Refuse a column that is of another kind than in the chunks before."""
    if plan is None or name not in plan.kinds or n == 0:
        return column
    kind, wanted = kind_of(column), plan.kinds[name]
    if kind == wanted:
        return column
    if wanted == "number" and kind == "truth":
        assert isinstance(column, Factor)
        return Numbers(column.codes.astype(np.float64))
    words = {"number": "numbers", "truth": "truth values", "factor": "text or categories"}
    example = ""
    if isinstance(column, Factor) and column.levels:
        example = f" such as {label_text(column.levels[int(column.codes.max())])!r}"
    raise DataError(
        f"Column {name!r} holds {words[kind]}{example}, but in the chunks before it held {words[wanted]}. "
        "Write the files with one type for it, or convert it while reading."
    )


def _known(column: Column, name: str, levels: Mapping[str, tuple[Any, ...]]) -> Column:
    refuse_infinite(column, name)
    return with_given_levels(column, name, levels)


def with_given_levels(column: Column, name: str, given: Mapping[str, tuple[Any, ...]]) -> Column:
    """Return a column in the levels that were given for it; a DataError for others."""
    if name not in given:
        return column
    levels = given[name]
    codes, unseen = recode(column, levels)
    if unseen:
        some = ", ".join(repr(label_text(level)) for level in unseen[:5])
        raise DataError(
            f"Column {name!r} holds {some}, not among its levels= ({len(levels)} given). Add to levels what "
            "belongs there, or mend the data."
        )
    before = column if isinstance(column, Factor) else None
    return Factor(codes, levels, bool(before and before.ordered), bool(before and before.logical))


def _complete(columns: Mapping[str, Column], n: int, action: str) -> tuple[np.ndarray | None, dict[str, int]]:
    """Rows without missing values (None for all), and missing values per column."""
    masks = {name: mask for name, column in columns.items() if (mask := column.missing()) is not None}
    counts = {name: int(mask.sum()) for name, mask in masks.items()}
    if not masks:
        return None, {}
    bad = np.logical_or.reduce(list(masks.values()))
    if action == "raise":
        listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
        raise DataError(
            f"{int(bad.sum())} of {n} rows have missing values: {listed}. "
            "Fill them, or use na_action='drop' to leave these rows out."
        )
    return np.flatnonzero(~bad), counts


def _taken(columns: Mapping[str, Column], kept: np.ndarray | None) -> dict[str, Column]:
    return dict(columns) if kept is None else {name: column.take(kept) for name, column in columns.items()}


def _values(
    formula: ModelFormula,
    context: Context,
    n_input: int,
    missing: dict[str, int],
    vectors: Mapping[str, Column],
) -> ChunkValues:
    """Evaluate the response, the variables and the groups on complete rows."""
    y = response_numbers(_value(formula.response, context), formula.response.name)
    offset, weights = (_vector(vectors.get(what)) for what in ("offset", "weights"))
    offset = offset_total(formula, context, offset)
    if weights is not None:
        check_weights(weights, context.kept)
    numbers: dict[str, np.ndarray | Matrix] = {}
    factors: dict[str, Factor] = {}
    for variable in used_variables(formula):
        value = _value(variable, context)
        if isinstance(value, Factor):
            factors[variable.name] = value
        else:
            numbers[variable.name] = value
    used = {c for v in (*formula.fixed.variables, *formula.fixed.offsets) for c in v.columns}
    return ChunkValues(
        n_input=n_input,
        missing=missing,
        y=y if offset is None else y - offset,
        weights=weights,
        offset=offset,
        numbers=numbers,
        factors=factors,
        groups={
            v.name: grouping_factor(v, context) for part in formula.random for v in part.grouping.factors
        },
        raw={name: column for name, column in context.columns.items() if name in used},
    )


def used_variables(formula: ModelFormula) -> list[Variable]:
    """Variables that some term uses; those taken away again with a minus are not among them."""
    lists = [formula.fixed, *(part.terms for part in formula.random)]
    found = {
        terms.variables[v].name: terms.variables[v] for terms in lists for term in terms.terms for v in term
    }
    return list(found.values())


def _value(variable: Variable, context: Context) -> Any:
    try:
        value = evaluate_variable(variable.name, variable.node, context)
    except KeyError as error:
        raise needs_all_rows(variable.name) from error
    if not isinstance(variable.node, Name):
        refuse_nonfinite(value, variable.name, variable.node, context)
    return value


def needs_all_rows(name: str) -> DataError:
    """Return the error for a term whose meaning depends on all rows at once."""
    return DataError(
        f"The term {name} depends on all rows at once, which one chunk cannot tell. Give what it learns from "
        "them: scale(x, 50, 10) with the mean and the standard deviation, ns(x, knots = c(…), "
        "Boundary.knots = c(…)), factor levels by levels={…}; or make it a column of the data."
    )


def _vector(column: Column | None) -> np.ndarray | None:
    if column is None:
        return None
    assert isinstance(column, Numbers)
    return column.values.astype(np.float64)


def grouping_factor(variable: Variable, context: Context) -> Factor:
    """Return a variable right of a bar as labels."""
    if isinstance(variable.node, Name) and variable.node.text in context.columns:
        return as_factor(context.columns[variable.node.text], variable.name)
    value = _value(variable, context)
    if isinstance(value, Matrix):
        raise DesignError(f"{variable.name} has several columns; a grouping factor is one column of labels.")
    return value if isinstance(value, Factor) else as_factor(Numbers(value), variable.name)
