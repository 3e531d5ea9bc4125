"""Expression → value, by walking the tree over a fixed vocabulary, never by Python's own evaluator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from henderson.data import Factor, Numbers, label_text, recode
from henderson.data.arrays import column_from_array, column_from_truth
from henderson.design.context import Context, Matrix, Value
from henderson.design.functions import ARITHMETIC, COMPARISONS, LOGIC
from henderson.errors import DataError, FormulaError, HendersonError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Binary, Call, Constant, Name, Node, Number, Paren, Sum, Text, Unary
from henderson.formula.terms import names_in
from henderson.formula.vocabulary import canonical

_NAMED = {"pi": math.pi, "T": True, "F": False, "np.pi": math.pi, "numpy.pi": math.pi, "np.e": math.e}
_MAX_LABELS = 12


def trouble(message: str, node: Node, context: Context) -> FormulaError:
    """Return a FormulaError that points at `node`."""
    return FormulaError(message, context.text, node.start, node.stop)


def unseen_levels(name: str, unseen: tuple[Any, ...], known: tuple[Any, ...]) -> DataError:
    """Return the error for levels of a fixed-effects factor that the fit has not seen."""
    labels = ", ".join(label_text(level) for level in unseen[:_MAX_LABELS])
    seen = ", ".join(label_text(level) for level in known[:_MAX_LABELS]) + (
        ", …" if len(known) > _MAX_LABELS else ""
    )
    return DataError(
        f"The factor {name} has levels that the fit has not seen: {labels}. "
        f"There is no coefficient for them. Known levels: {seen}."
    )


def is_name(text: str, context: Context) -> bool:
    """Return whether a name is a constant rather than a column."""
    return text in _NAMED or text in context.env


def _name(node: Name, context: Context) -> Value:
    column = context.columns.get(node.text)
    if isinstance(column, Numbers):
        return column.values.astype(np.float64, copy=False)
    if column is not None:
        return known_factor(column, node.text, context)
    if not is_name(node.text, context):
        raise trouble(f"The name {node.text} means nothing here.", node, context)
    value = context.env.get(node.text, _NAMED.get(node.text))
    if callable(value):
        raise trouble(f"{node.text} is a function: type {node.text}(x).", node, context)
    return tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else value


def known_factor(factor: Factor, key: str, context: Context) -> Factor:
    """Return a factor with the levels of the training rows: learnt when training, imposed on new data."""
    if context.training:
        lost = int(np.count_nonzero(factor.codes < 0))
        if lost:
            raise DataError(f"{key} has no value in {lost} of {context.n} rows, although its columns have.")
        used = factor.used()
        context.levels[key] = used.levels
        if used.ordered:  # new data may hold the labels as plain text
            context.states[f"ordered {key}"] = {"ordered": True}
        return used
    if context.open_levels:
        return factor
    levels = context.levels[key]
    codes, unseen = recode(factor, levels)
    if unseen:
        raise unseen_levels(key, unseen, levels)
    return Factor(codes, levels, f"ordered {key}" in context.states, factor.logical, factor.coding)


def number(value: Value, node: Node, context: Context) -> Any:
    """Return a value as numbers: (n,) float64, or one float; truth counts 0 and 1."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, Factor) and value.logical:
        return (
            np.where(value.codes < 0, np.nan, value.codes)
            if (value.codes < 0).any()
            else value.codes.astype(np.float64)
        )
    if isinstance(value, (bool, int, float, np.floating)):
        return np.float64(value)
    if isinstance(value, Matrix) and value.values.shape[1] == 1:
        return value.values[:, 0]
    kind = {Factor: "categories", Matrix: "several columns", str: "text", tuple: "several values"}.get(
        type(value), "nothing"
    )
    raise trouble(f"Numbers are needed here, but {deparse(node)} holds {kind}.", node, context)


def evaluate_number(node: Node, context: Context) -> Any:
    """Evaluate an expression that must be numeric."""
    return number(evaluate(node, context), node, context)


def truth(values: Any) -> Value:
    """Return the result of a comparison: a two-level factor, or one bool."""
    return column_from_truth(values) if isinstance(values, np.ndarray) and values.ndim else bool(values)


def _match_labels(factor: Factor, labels: tuple[Any, ...]) -> np.ndarray:
    wanted = {label_text(label) for label in labels}
    table = np.array([*(label_text(level) in wanted for level in factor.levels), False], dtype=bool)
    return table[factor.codes]


def _compare(node: Binary, context: Context) -> Value:
    left, right = evaluate(node.left, context), evaluate(node.right, context)
    if isinstance(right, Factor) and isinstance(left, (str, float)):
        left, right = right, left
    if isinstance(left, Factor) and (
        isinstance(right, str) or (not left.logical and isinstance(right, (float, bool)))
    ):
        if node.operator not in ("==", "!="):
            raise trouble("Categories can only be compared with == and !=.", node, context)
        same = _match_labels(left, (right,))
        return truth(same if node.operator == "==" else ~same)
    return truth(
        COMPARISONS[node.operator](number(left, node.left, context), number(right, node.right, context))
    )


def _member(node: Binary, context: Context) -> Value:
    left, right = evaluate(node.left, context), evaluate(node.right, context)
    wanted = right if isinstance(right, tuple) else (right,)
    if not all(isinstance(value, (str, float, bool)) for value in wanted):
        raise trouble("The right side of %in% is a list of values: c(1, 2).", node, context)
    if isinstance(left, Factor) and not left.logical:
        return truth(_match_labels(left, wanted))
    values = np.array([float(value) for value in wanted if not isinstance(value, str)])
    return truth(np.isin(number(left, node.left, context), values))


def _binary(node: Binary, context: Context) -> Value:
    operator = node.operator
    if operator in COMPARISONS:
        return _compare(node, context)
    if operator == "%in%":
        return _member(node, context)
    if operator not in ARITHMETIC and operator not in LOGIC:
        raise trouble(f"The operator {operator} has no meaning inside a function.", node, context)
    left, right = evaluate_number(node.left, context), evaluate_number(node.right, context)
    if operator in LOGIC:
        return truth(LOGIC[operator](left != 0, right != 0))
    return ARITHMETIC[operator](left, right)


def _sum(node: Sum, context: Context) -> Value:
    total = evaluate_number(node.items[0][1], context)
    for sign, item in node.items[1:]:
        total = ARITHMETIC[sign](total, evaluate_number(item, context))
    return total


def _unary(node: Unary, context: Context) -> Value:
    operand = evaluate_number(node.operand, context)
    if node.operator == "!":
        return truth(operand == 0)
    return -operand if node.operator == "-" else operand


def _call(node: Call, context: Context) -> Value:
    if node.function in context.env:
        return _own_function(node, context)
    implementation = context.calls.get(canonical(node.function))
    if implementation is None:
        raise trouble(f"{node.function}() can only stand as a term of its own.", node, context)
    return implementation(node, context)


def _own_function(node: Call, context: Context) -> Value:
    function = context.env[node.function]
    if not callable(function):
        raise trouble(f"env[{node.function!r}] is {type(function).__name__}, not a function.", node, context)
    given = [(keyword, _plain(evaluate(argument, context))) for keyword, argument in node.arguments]
    try:
        result = function(
            *(value for keyword, value in given if keyword is None),
            **{keyword: value for keyword, value in given if keyword is not None},
        )
    except HendersonError:
        raise
    except Exception as error:
        raise DataError(f"{deparse(node)} failed: {type(error).__name__}: {error}") from error
    return _own_result(result, node, context)


def _plain(value: Value) -> Any:
    """Return what a function of the caller gets to see: arrays."""
    if isinstance(value, Factor):
        labels = np.array([*value.levels, None], dtype=object)[np.maximum(value.codes, -1)]
        return value.codes.astype(bool) if value.logical else labels
    return value.values if isinstance(value, Matrix) else value


def _own_result(result: Any, node: Call, context: Context) -> Value:
    array = np.asarray(result)
    if array.ndim == 0 and array.dtype.kind in "iufb":
        return float(array)
    if array.shape[:1] != (context.n,) or array.ndim > 2:
        raise DataError(
            f"{deparse(node)} returned shape {array.shape}; it must return {context.n} values, one a row."
        )
    if array.ndim == 2:
        suffixes = tuple(str(i + 1) for i in range(array.shape[1])) if array.shape[1] > 1 else ("",)
        return Matrix(array.astype(np.float64), suffixes)
    column = column_from_array(array, deparse(node))
    return (
        known_factor(column, deparse(node), context)
        if isinstance(column, Factor)
        else column.values.astype(np.float64)
    )


def evaluate(node: Node, context: Context) -> Value:
    """Evaluate an expression.

    Parameters
    ----------
    node : Node
        The expression.
    context : Context
        Columns, states and the caller's functions.

    Returns
    -------
    (n,) float64, Factor, Matrix, or a constant

    Raises
    ------
    FormulaError, DataError
        An operation that the values do not allow.
    """
    if isinstance(node, Name):
        return _name(node, context)
    if isinstance(node, (Number, Text, Constant)):
        return node.value
    if isinstance(node, Paren):
        return evaluate(node.inner, context)
    if isinstance(node, Call):
        return _call(node, context)
    if isinstance(node, Sum):
        return _sum(node, context)
    if isinstance(node, Unary):
        return _unary(node, context)
    assert isinstance(node, Binary)
    return _binary(node, context)


def evaluate_variable(name: str, node: Node, context: Context) -> Value:
    """Evaluate a variable of the model once; the value has one entry per row.

    Parameters
    ----------
    name : str
        As R prints it; the key of the result.
    node : Node
        The expression.
    context : Context
        Workspace.

    Returns
    -------
    (n,) float64, Factor or Matrix

    Raises
    ------
    DataError
        Values that are not finite although the columns are.
    FormulaError
        A constant where a column is needed.
    """
    if name in context.values:
        return context.values[name]
    value = evaluate(node, context)
    if (isinstance(value, np.ndarray) and value.ndim == 1) or isinstance(value, (Factor, Matrix)):
        if not isinstance(node, Name) and context.training:
            refuse_nonfinite(value, name, node, context)
        context.values[name] = value
        return value
    raise trouble(f"{name} is a constant; a term of a model has one value per row.", node, context)


def refuse_nonfinite(value: Value, name: str, node: Node, context: Context) -> None:
    """Refuse values that are not finite although the columns they are made of are."""
    numbers = value.values if isinstance(value, Matrix) else value
    if isinstance(numbers, Factor) or math.isfinite(numbers.sum()):
        return
    bad = ~np.isfinite(numbers if numbers.ndim == 1 else numbers.sum(axis=1))
    if bad.any():
        rows = np.flatnonzero(bad)
        where = _values_at(rows[0], node, context)
        raise DataError(
            f"{name} is not a finite number in {len(rows)} of {len(bad)} rows, first in row "
            f"{context.row_of_data(rows[0])} of the data (counted from 0){where}. "
            "Change the expression or leave these rows out."
        )


def _values_at(row: int, node: Node, context: Context) -> str:
    """Say what an expression was computed from in one row: ``, where x is -1``."""
    columns = ((name, context.columns.get(name)) for name in names_in(node))
    values = [f"{name} is {column.values[row]:g}" for name, column in columns if isinstance(column, Numbers)]
    return f", where {' and '.join(values)}" if values else ""
