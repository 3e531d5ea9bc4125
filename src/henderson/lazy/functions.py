"""The functions of a formula as expressions of an engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import narwhals as nw
import numpy as np

from henderson.design.functions import SUMMARIES, UNARY
from henderson.formula.nodes import Call, Node, Paren
from henderson.formula.vocabulary import FUNCTIONS, canonical
from henderson.lazy.expressions import (
    Quantity,
    Scope,
    divide,
    evaluate,
    floor,
    is_constant,
    number,
    power,
    refuse,
    trouble,
    where,
)


def _log1p(x: Any) -> Any:
    """Return log(1 + x) without the loss of digits at small x (Kahan)."""
    up = where(1.0 + x > 0.0, 1.0 + x)
    return where(up == 1.0, x, up.log() * x / where(up != 1.0, up - 1.0, 1.0))


def _expm1(x: Any) -> Any:
    up = x.exp()
    log = where(up > 0.0, up, 1.0).log()
    near = (up - 1.0) * x / where(log != 0.0, log, 1.0)
    return where(up == 1.0, x, where(x.abs() < 0.5, near, up - 1.0))


def _positive_log(x: Any) -> Any:
    return where(x > 0.0, x).log()


def _trunc(x: Any) -> Any:
    return where(x < 0.0, 0.0 - floor(0.0 - x), floor(x))


_ENGINE_UNARY: dict[str, Callable[[Any], Any]] = {
    "log2": lambda x: _positive_log(x) / math.log(2.0),
    "log10": lambda x: _positive_log(x) / math.log(10.0),
    "log1p": _log1p,
    "exp": lambda x: x.exp(),
    "expm1": _expm1,
    "sqrt": lambda x: where(x >= 0.0, x).sqrt(),
    "abs": lambda x: x.abs(),
    "sign": lambda x: where(x > 0.0, 1.0, where(x < 0.0, -1.0, 0.0)),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.sin() / x.cos(),
    "sinh": lambda x: (x.exp() - (0.0 - x).exp()) / 2.0,
    "cosh": lambda x: (x.exp() + (0.0 - x).exp()) / 2.0,
    "floor": floor,
    "ceiling": lambda x: x.ceil().cast(nw.Float64),
    "trunc": _trunc,
    "plogis": lambda x: 1.0 / (1.0 + (0.0 - x).exp()),
    "qlogis": lambda x: _positive_log(divide(x, 1.0 - x)),
}


def constants(node: Call, scope: Scope, *names: str) -> dict[str, Any]:
    """Return arguments of a call that are constants, by name."""
    given, out = matched(node), {}
    for name in names:
        if name in given:
            kind, value = evaluate(given[name], scope)
            if kind != "constant":
                raise trouble(f"The argument {name!r} is one constant.", given[name], scope)
            out[name] = value
    return out


def matched(node: Call) -> dict[str, Node]:
    """Match arguments to parameters as R does: by keyword first, the rest in order."""
    parameters = FUNCTIONS[canonical(node.function)].parameters
    given = {keyword: argument for keyword, argument in node.arguments if keyword is not None}
    free = [name for name in parameters if name not in given]
    rest = (argument for keyword, argument in node.arguments if keyword is None)
    return given | dict(zip(free, rest, strict=False))


def _elementwise(node: Call, scope: Scope) -> Quantity:
    function = canonical(node.function)
    operand = number(node.arguments[0][1], scope)
    if is_constant(operand):
        return Quantity("constant", float(UNARY[function](operand)))
    if function not in _ENGINE_UNARY:
        refuse(node, scope)
    return Quantity("number", _ENGINE_UNARY[function](operand))


def _log(node: Call, scope: Scope) -> Quantity:
    given = matched(node)
    x = number(given["x"], scope)
    base = constants(node, scope, "base").get("base")
    if is_constant(x):
        return Quantity("constant", math.log(x) / (math.log(base) if base else 1.0))
    value = _positive_log(x)
    return Quantity("number", value if base is None else value / math.log(base))


def _round(node: Call, scope: Scope) -> Quantity:
    x = number(matched(node)["x"], scope)
    scale = 10.0 ** int(constants(node, scope, "digits").get("digits", 0))
    if is_constant(x):
        refuse(node, scope)
    below, above = floor(x * scale), (x * scale).ceil().cast(nw.Float64)
    to_below, to_above = x - below / scale, above / scale - x
    half = below / 2.0
    tie = where(floor(half) == half, below, above)
    return Quantity(
        "number", where(to_below == to_above, tie, where(to_below < to_above, below, above)) / scale
    )


def _extreme(node: Call, scope: Scope) -> Quantity:
    smallest = canonical(node.function) == "pmin"
    values = [number(argument, scope) for _, argument in node.arguments]
    if is_constant(*values):
        return Quantity("constant", min(values) if smallest else max(values))
    out = values[0]
    for value in values[1:]:
        first, second = (out, value) if not isinstance(out, float) else (value, out)
        out = where(first <= second if smallest else first >= second, first, second)
    return Quantity("number", out)


def _ifelse(node: Call, scope: Scope) -> Quantity:
    given = matched(node)
    test = evaluate(given["test"], scope)
    condition = test.value if test.kind == "truth" else number(given["test"], scope) != 0.0
    if isinstance(condition, (bool, np.bool_)):
        refuse(node, scope)
    yes, no = number(given["yes"], scope), number(given["no"], scope)
    return Quantity("number", where(condition, yes, no))


def _identity(node: Call, scope: Scope) -> Quantity:
    return evaluate(node.arguments[0][1], scope)


def _as_numeric(node: Call, scope: Scope) -> Quantity:
    kind, value = evaluate(node.arguments[0][1], scope)
    if kind == "labels":
        return Quantity("number", value.cast(nw.Float64))
    return Quantity("number", number(node.arguments[0][1], scope))


def _combine(node: Call, scope: Scope) -> Quantity:
    values = [evaluate(argument, scope) for _, argument in node.arguments]
    if any(value.kind != "constant" for value in values):
        raise trouble("c() joins constants, not columns.", node, scope)
    return Quantity("constant", tuple(value.value for value in values))


# -- functions that learn from all rows ----------------------------------------------------------------------


def _column_of(node: Call, scope: Scope) -> Any:
    inner = number(matched(node)["x"], scope)
    if is_constant(inner):
        raise trouble(f"{node.function}() needs a column here, not a constant.", node, scope)
    return inner


def _summary(node: Call, scope: Scope) -> Quantity:
    if canonical(node.function) == "median":
        refuse(node, scope, " exactly")
    return Quantity("constant", scope.state(node, _column_of(node, scope), {})["value"])


def _scale(node: Call, scope: Scope) -> Quantity:
    inner, given = _column_of(node, scope), constants(node, scope, "center", "scale")
    given = {"center": True, "scale": node.function != "center"} | given
    if any(isinstance(value, str) or value is None for value in given.values()):
        raise trouble("The arguments 'center' and 'scale' are TRUE, FALSE or a number.", node, scope)
    state = scope.state(node, inner, given)
    return Quantity("number", (inner - state["center"]) / state["scale"])


def _poly(node: Call, scope: Scope) -> Quantity:
    inner, given = _column_of(node, scope), {"degree": 1.0, "raw": False}
    given |= constants(node, scope, "degree", "raw")
    degree = given["degree"]
    if isinstance(degree, (str, bool)) or degree is None or degree != int(degree) or degree < 1:
        raise trouble("The argument 'degree' is a whole number from 1.", node, scope)
    if given["raw"]:
        return Quantity("columns", tuple(power(inner, float(j)) for j in range(1, int(degree) + 1)))
    if degree > MAX_DEGREE:
        refuse(node, scope, f" beyond degree {MAX_DEGREE}")
    return Quantity("columns", polynomials(inner, scope.state(node, inner, given)))


MAX_DEGREE = 8
"""Moments of twice this order still have digits to spare."""


def polynomials(x: Any, state: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the columns of ``poly`` from their recurrence, as expressions."""
    alpha, norm2 = state["alpha"], state["norm2"]
    before, now, out = None, None, []
    for j, shift in enumerate(alpha):
        following = (x - shift) if now is None else (x - shift) * now
        if j == 1:
            following = following - norm2[1] / norm2[0]
        elif j > 1:
            following = following - (norm2[j] / norm2[j - 1]) * before
        before, now = now, following
        out.append(now / math.sqrt(norm2[j + 1]))
    return tuple(out)


def width(node: Node, scope: Scope) -> int:
    """Return how many columns a variable has, by looking at its outermost call."""
    while isinstance(node, Paren) or (isinstance(node, Call) and canonical(node.function) == "I"):
        node = node.inner if isinstance(node, Paren) else node.arguments[0][1]
    if not isinstance(node, Call) or canonical(node.function) != "poly":
        return 1
    degree = constants(node, scope, "degree").get("degree", 1.0)
    if isinstance(degree, (str, bool)) or degree is None or not 1 <= degree <= 50 or degree != int(degree):
        raise trouble("The argument 'degree' is a whole number from 1.", node, scope)
    return int(degree)


CALLS: Mapping[str, Callable[[Call, Scope], Quantity]] = MappingProxyType(
    {
        **dict.fromkeys(UNARY, _elementwise),
        "log": _log,
        "round": _round,
        "pmin": _extreme,
        "pmax": _extreme,
        "ifelse": _ifelse,
        "I": _identity,
        "as.numeric": _as_numeric,
        "c": _combine,
        "scale": _scale,
        "center": _scale,
        "poly": _poly,
        **dict.fromkeys(SUMMARIES, _summary),
    }
)
