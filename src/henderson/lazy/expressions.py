"""Expressions of a formula → expressions of an engine, by the same vocabulary as in memory.

What leaves the numbers (the logarithm of -1, a division by zero) becomes NaN on every engine, so that it is
found and reported alike; engines themselves give NULL, NaN, infinity or an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import narwhals as nw
import numpy as np

from henderson.data import label_text
from henderson.design.functions import ARITHMETIC
from henderson.errors import FormulaError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Binary, Call, Constant, Name, Node, Number, Paren, Sum, Text, Unary
from henderson.formula.vocabulary import canonical

NAN = float("nan")
NAMED = {"pi": math.pi, "T": True, "F": False, "np.pi": math.pi, "numpy.pi": math.pi, "np.e": math.e}


class Quantity(NamedTuple):
    """A value on the engine.

    Attributes
    ----------
    kind : {"number", "truth", "labels", "constant", "columns"}
        What it is.
    value : narwhals expression, Python constant, or tuple of expressions
        Its expression; of ``columns`` one for each.
    """

    kind: str
    value: Any


class Want(NamedTuple):
    """Something about all rows that an expression has to know first.

    Attributes
    ----------
    node : Call
        The call that wants it.
    inner : narwhals expression
        Of which column.
    arguments : dict
        Constants of the call.
    """

    node: Call
    inner: Any
    arguments: dict[str, Any]


class UnlearntError(Exception):
    """An expression has to wait for something about all rows; see `Scope.wanted`."""


@dataclass(slots=True)
class Scope:
    """What expressions mean.

    Attributes
    ----------
    types : mapping of str to narwhals type
        Columns.
    env : mapping
        The caller's constants.
    states : dict
        What stateful calls remember, as in memory.
    text : str
        The formula, for messages.
    engine : str
        For messages.
    calls : mapping
        The code behind the vocabulary.
    wanted : dict of str to Want
        What was asked for and is not known yet.
    """

    types: Mapping[str, Any]
    env: Mapping[str, Any]
    states: dict[str, dict[str, Any]]
    text: str
    engine: str
    calls: Mapping[str, Callable[[Call, Scope], Quantity]]
    wanted: dict[str, Want] = field(default_factory=dict)

    def state(self, node: Call, inner: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what a stateful call remembers; ask for it where it is not known yet."""
        key = deparse(node)
        if key not in self.states:
            self.wanted[key] = Want(node, inner, arguments)
            raise UnlearntError
        return self.states[key]


def refuse(node: Node, scope: Scope, why: str = "") -> NoReturn:
    """Raise the error for what an engine cannot express; points at the characters."""
    term = deparse(node)
    raise FormulaError(
        f"{term} cannot be computed on {scope.engine}{why}. Make it a column there and name that column in "
        "the formula, or collect the rows into memory and fit them.",
        scope.text,
        node.start,
        node.stop,
    )


def trouble(message: str, node: Node, scope: Scope) -> FormulaError:
    """Return a FormulaError that points at `node`."""
    return FormulaError(message, scope.text, node.start, node.stop)


def is_number_type(dtype: Any) -> bool:
    """Return whether a column of this type holds numbers."""
    return bool(dtype.is_numeric())


def column(name: str, scope: Scope) -> Quantity:
    """Return a column as what it is: numbers in floating point, truth values, or labels."""
    dtype = scope.types[name]
    if dtype == nw.Boolean:
        return Quantity("truth", nw.col(name))
    if is_number_type(dtype):
        plain = nw.col(name)
        return Quantity("number", plain if dtype == nw.Float64 else plain.cast(nw.Float64))
    return Quantity("labels", nw.col(name).cast(nw.String))


def evaluate(node: Node, scope: Scope) -> Quantity:
    """Translate an expression.

    Parameters
    ----------
    node : Node
        Expression of a formula.
    scope : Scope
        Columns and what is known about all rows.

    Returns
    -------
    Quantity

    Raises
    ------
    FormulaError
        What the engine cannot express, or what means nothing in memory either.
    UnlearntError
        Something about all rows has to be known first.
    """
    if isinstance(node, Name):
        if node.text in scope.types:
            return column(node.text, scope)
        value = scope.env.get(node.text, NAMED.get(node.text))
        return Quantity("constant", tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else value)
    if isinstance(node, (Number, Text, Constant)):
        return Quantity("constant", node.value)
    if isinstance(node, Paren):
        return evaluate(node.inner, scope)
    if isinstance(node, Call):
        if node.function in scope.env:
            refuse(node, scope, ": it is a function of your own")
        call = scope.calls.get(canonical(node.function))
        return call(node, scope) if call is not None else refuse(node, scope)
    if isinstance(node, Sum):
        return _sum(node, scope)
    if isinstance(node, Unary):
        return _unary(node, scope)
    assert isinstance(node, Binary)
    return _binary(node, scope)


def number(node: Node, scope: Scope) -> Any:
    """Translate an expression that must be numeric: an expression, or a Python float."""
    kind, value = evaluate(node, scope)
    if kind == "number":
        return value
    if kind == "truth":
        return nw.when(value).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    if kind == "columns" and len(value) == 1:
        return value[0]
    if kind == "constant" and isinstance(value, (bool, int, float, np.floating)):
        return float(value)
    what = {"labels": "categories", "columns": "several columns"}.get(kind, "no number")
    raise trouble(f"Numbers are needed here, but {deparse(node)} holds {what}.", node, scope)


def is_constant(*values: Any) -> bool:
    """Return whether values are numbers rather than expressions."""
    return all(isinstance(value, float) for value in values)


def where(test: Any, value: Any, otherwise: Any = NAN) -> Any:
    """Return `value` where `test` holds, else `otherwise`."""
    value, otherwise = (nw.lit(v) if isinstance(v, float) else v for v in (value, otherwise))
    return nw.when(test).then(value).otherwise(otherwise)


# -- operators -------------------------------------------------------------------------------------------


def _sum(node: Sum, scope: Scope) -> Quantity:
    total = number(node.items[0][1], scope)
    for sign, item in node.items[1:]:
        value = number(item, scope)
        total = total + value if sign == "+" else total - value
    return Quantity("constant" if is_constant(total) else "number", total)


def _unary(node: Unary, scope: Scope) -> Quantity:
    operand = number(node.operand, scope)
    if node.operator == "!":
        return Quantity("constant" if is_constant(operand) else "truth", operand == 0.0)
    value = -operand if node.operator == "-" else operand
    if not is_constant(operand) and node.operator == "-":
        value = 0.0 - operand
    return Quantity("constant" if is_constant(operand) else "number", value)


def power(base: Any, exponent: Any) -> Any:
    """Return base ** exponent; small whole exponents as products, which are exact and fast."""
    if isinstance(exponent, float) and exponent == int(exponent) and 1 <= exponent <= 8:
        out = base
        for _ in range(int(exponent) - 1):
            out = out * base
        return out
    if isinstance(exponent, float) and exponent == -1.0:
        return divide(1.0, base)
    if isinstance(exponent, float) and exponent == 0.5:
        return where(base >= 0.0, base).sqrt()
    if isinstance(base, float):
        return (exponent * math.log(base)).exp() if base > 0 else exponent * NAN
    safe = where(base > 0.0, base)
    if isinstance(exponent, float):
        even = exponent == int(exponent) and int(exponent) % 2 == 0
        if exponent != int(exponent):
            return where(base == 0.0, 0.0 if exponent > 0 else NAN, safe**exponent)
        size = where(base != 0.0, base).abs() ** exponent
        signed = size if even else where(base < 0.0, 0.0 - size, size)
        return where(base == 0.0, 0.0, signed) if exponent > 0 else signed
    return safe**exponent


def divide(top: Any, bottom: Any) -> Any:
    """Return top / bottom, NaN where bottom is zero."""
    if isinstance(bottom, float):
        return top * (1.0 / bottom) if bottom and math.frexp(bottom)[0] in (0.5, -0.5) else _over(top, bottom)
    return top / where(bottom != 0.0, bottom)


def _over(top: Any, bottom: float) -> Any:
    return top / bottom if bottom else top * NAN


def _binary(node: Binary, scope: Scope) -> Quantity:
    operator = node.operator
    if operator in ("==", "!=", "<", "<=", ">", ">="):
        return _compare(node, scope)
    if operator == "%in%":
        return _member(node, scope)
    left, right = number(node.left, scope), number(node.right, scope)
    if operator in ("&", "&&", "|", "||"):
        return _logic(operator, left, right, node, scope)
    if operator not in ARITHMETIC:
        raise trouble(f"The operator {operator} has no meaning inside a function.", node, scope)
    if is_constant(left, right):
        return Quantity("constant", float(ARITHMETIC[operator](left, right)))
    value = {
        "*": lambda: left * right,
        "/": lambda: divide(left, right),
        "^": lambda: power(left, right),
        "%%": lambda: left - floor(divide(left, right)) * right,
        "%/%": lambda: floor(divide(left, right)),
    }[operator]()
    return Quantity("number", value)


def floor(value: Any) -> Any:
    """Round down, in floating point."""
    return value.floor().cast(nw.Float64)


def _logic(operator: str, left: Any, right: Any, node: Node, scope: Scope) -> Quantity:
    if is_constant(left) or is_constant(right):
        refuse(node, scope)
    a, b = left != 0.0, right != 0.0
    return Quantity("truth", a & b if operator[0] == "&" else a | b)


def _compare(node: Binary, scope: Scope) -> Quantity:
    left, right, operator = evaluate(node.left, scope), evaluate(node.right, scope), node.operator
    if right.kind == "labels" and left.kind == "constant":
        left, right = right, left
    if left.kind == "labels" and right.kind == "constant":
        if operator not in ("==", "!="):
            raise trouble("Categories can only be compared with == and !=.", node, scope)
        same = left.value == label_text(right.value)
        return Quantity("truth", same if operator == "==" else ~same)
    if left.kind == right.kind == "labels":
        refuse(node, scope)
    a, b = number(node.left, scope), number(node.right, scope)
    compared = {
        "==": lambda: a == b, "!=": lambda: a != b, "<": lambda: a < b,
        "<=": lambda: a <= b, ">": lambda: a > b, ">=": lambda: a >= b,
    }[operator]()  # fmt: skip
    return Quantity("constant" if is_constant(a, b) else "truth", compared)


def _member(node: Binary, scope: Scope) -> Quantity:
    left, (kind, wanted) = evaluate(node.left, scope), evaluate(node.right, scope)
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    if kind != "constant" or not all(isinstance(value, (str, float, bool)) for value in values):
        raise trouble("The right side of %in% is a list of values: c(1, 2).", node, scope)
    if left.kind == "labels":
        return Quantity("truth", left.value.is_in([label_text(value) for value in values]))
    numbers = [float(value) for value in values if not isinstance(value, str)]
    return Quantity("truth", number(node.left, scope).is_in(numbers))
