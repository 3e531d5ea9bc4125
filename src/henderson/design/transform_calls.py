"""Calls that learn from the training rows: polynomials, splines, scaling."""

from __future__ import annotations

from henderson.design.call_arguments import (
    column_argument,
    constant_argument,
    flag_argument,
    match_arguments,
    numbers_argument,
    whole_argument,
)
from henderson.design.context import Context, Matrix, Value
from henderson.design.evaluate import trouble
from henderson.design.regression_splines import apply_regression_spline, learn_regression_spline
from henderson.design.splines import apply_spline, learn_spline
from henderson.design.transforms import apply_poly, apply_scale, learn_poly, learn_scale, raw_powers
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call

MAX_DEGREE = 50


def _suffixes(k: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(k)) if k > 1 else ("",)


def call_poly(node: Call, context: Context) -> Value:
    """Evaluate ``poly(x, degree, raw)``."""
    arguments, x, name = match_arguments(node), column_argument(node, context), deparse(node)
    degree = whole_argument(arguments, "degree", 1, context) or 1
    if degree > MAX_DEGREE:
        raise trouble(f"The degree goes to {MAX_DEGREE}.", node, context)
    if flag_argument(arguments, "raw", False, context):
        return Matrix(raw_powers(x, degree), _suffixes(degree))
    state = context.state(name, lambda: learn_poly(x, degree, name))
    return Matrix(apply_poly(x, state), _suffixes(degree))


def call_spline(node: Call, context: Context) -> Value:
    """Evaluate ``bs`` and ``ns``."""
    arguments, x, name = match_arguments(node), column_argument(node, context), deparse(node)
    natural = node.function == "ns"
    boundary = numbers_argument(arguments, "Boundary.knots", context)
    if boundary is not None and len(boundary) != 2:
        raise trouble("The argument 'Boundary.knots' is two numbers: c(0, 10).", node, context)
    degree = 3 if natural else whole_argument(arguments, "degree", 3, context)
    if (degree or 0) > 20:
        raise trouble("The degree of a spline goes to 20.", node, context)
    state = context.state(
        name,
        lambda: learn_spline(
            x,
            name,
            df=whole_argument(arguments, "df", None, context),
            knots=numbers_argument(arguments, "knots", context),
            boundary=(min(boundary), max(boundary)) if boundary else None,
            degree=degree or 3,
            intercept=flag_argument(arguments, "intercept", False, context),
            natural=natural,
        ),
    )
    columns = apply_spline(x, state)
    return Matrix(columns, tuple(str(i + 1) for i in range(columns.shape[1])))


def call_regression_spline(node: Call, context: Context) -> Value:
    """Evaluate ``cr`` and ``cc``: cubic regression splines, natural and cyclic, centred."""
    arguments, x, name = match_arguments(node), column_argument(node, context), deparse(node)
    df, knots = whole_argument(arguments, "df", None, context), numbers_argument(arguments, "knots", context)
    if df is None and knots is None:
        raise trouble("It needs the number of columns: df = 4.", node, context)
    cyclic = node.function == "cc"
    state = context.state(name, lambda: learn_regression_spline(x, name, df=df, knots=knots, cyclic=cyclic))
    columns = apply_regression_spline(x, state)
    return Matrix(columns, _suffixes(columns.shape[1]))


def call_scale(node: Call, context: Context) -> Value:
    """Evaluate ``scale(x, center, scale)`` and ``center(x)``."""
    arguments, x, name = match_arguments(node), column_argument(node, context), deparse(node)
    center = constant_argument(arguments, "center", True, context)
    scale = constant_argument(arguments, "scale", node.function != "center", context)
    if isinstance(center, str) or isinstance(scale, str) or center is None or scale is None:
        raise trouble("The arguments 'center' and 'scale' are TRUE, FALSE or a number.", node, context)
    return apply_scale(x, context.state(name, lambda: learn_scale(x, center, scale, name)))
