"""The functions of a formula that are more than elementwise maths: factors, splines, polynomials, scaling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from henderson.data import Factor, Numbers, as_factor, label_text, recode
from henderson.design.context import Context, Matrix, Value
from henderson.design.contrasts import Coding, coding_from_name
from henderson.design.evaluate import evaluate, evaluate_number, known_factor, trouble, truth, unseen_levels
from henderson.design.functions import SUMMARIES, UNARY, r_round
from henderson.design.splines import apply_spline, learn_spline
from henderson.design.transforms import apply_poly, apply_scale, learn_poly, learn_scale, raw_powers
from henderson.errors import OptionError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call, Name, Node, Number, Text
from henderson.formula.vocabulary import FUNCTIONS, canonical

Arguments = dict[str, Node]


def match_arguments(node: Call) -> Arguments:
    """Match arguments to parameters as R does: by keyword first, the rest in order."""
    parameters = FUNCTIONS[canonical(node.function)].parameters
    matched = {keyword: argument for keyword, argument in node.arguments if keyword is not None}
    free = [name for name in parameters if name not in matched]
    matched.update(zip(free, (argument for keyword, argument in node.arguments if keyword is None), strict=False))
    return matched


def _need(arguments: Arguments, name: str, node: Call, context: Context) -> Node:
    if name not in arguments:
        raise trouble(f"{node.function}() needs its argument {name!r}.", node, context)
    return arguments[name]


def _column(node: Call, context: Context, name: str = "x") -> np.ndarray:
    """Evaluate the main argument: one number per row."""
    argument = _need(match_arguments(node), name, node, context)
    values = evaluate_number(argument, context)
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        raise trouble(f"{node.function}() needs a column here, not a constant.", argument, context)
    return values


def _constant(arguments: Arguments, name: str, default: Any, context: Context) -> Any:
    """Evaluate an argument that is one constant."""
    if name not in arguments:
        return default
    value = evaluate(arguments[name], context)
    if value is not None and not isinstance(value, (bool, int, float, np.floating, str)):
        raise trouble(f"The argument {name!r} is one constant.", arguments[name], context)
    return float(value) if isinstance(value, np.floating) else value


def _whole(arguments: Arguments, name: str, default: int | None, context: Context, least: int = 1) -> int | None:
    value = _constant(arguments, name, default, context)
    if value is None:
        return None
    if isinstance(value, (str, bool)) or value != int(value if abs(value) < 1e9 else -1) or value < least:
        raise trouble(f"The argument {name!r} is a whole number from {least}.", arguments[name], context)
    return int(value)


def _flag(arguments: Arguments, name: str, default: bool, context: Context) -> bool:
    value = _constant(arguments, name, default, context)
    if not isinstance(value, bool):
        raise trouble(f"The argument {name!r} is TRUE or FALSE.", arguments[name], context)
    return value


def _several(arguments: Arguments, name: str, context: Context) -> tuple[Any, ...] | None:
    if name not in arguments:
        return None
    value = evaluate(arguments[name], context)
    if value is None or isinstance(value, tuple):
        return value
    if isinstance(value, (str, bool, int, float, np.floating)):
        return (value,)
    raise trouble(f"The argument {name!r} is a list of constants: c(1, 2).", arguments[name], context)


def _floats(arguments: Arguments, name: str, context: Context) -> list[float] | None:
    values = _several(arguments, name, context)
    if values is None:
        return None
    if any(isinstance(value, (str, bool)) or value is None for value in values):
        raise trouble(f"The argument {name!r} is a list of numbers: c(1, 2).", arguments[name], context)
    return [float(value) for value in values]


# -- numbers ---------------------------------------------------------------------------------------------


def _unary(node: Call, context: Context) -> Value:
    return UNARY[canonical(node.function)](evaluate_number(node.arguments[0][1], context))


def _summary(node: Call, context: Context) -> Value:
    values = _column(node, context)
    learn = SUMMARIES[canonical(node.function)]
    return context.state(deparse(node), lambda: {"value": float(learn(values))})["value"]


def _log(node: Call, context: Context) -> Value:
    arguments = match_arguments(node)
    values = np.log(evaluate_number(_need(arguments, "x", node, context), context))
    return values / np.log(evaluate_number(arguments["base"], context)) if "base" in arguments else values


def _round(node: Call, context: Context) -> Value:
    arguments = match_arguments(node)
    digits = _constant(arguments, "digits", 0.0, context)
    if not isinstance(digits, (int, float)) or not -300 < digits < 300:
        raise trouble("The argument 'digits' is a number.", node, context)
    return r_round(evaluate_number(_need(arguments, "x", node, context), context), digits)


def _extreme(node: Call, context: Context) -> Value:
    pick = np.minimum if canonical(node.function) == "pmin" else np.maximum
    values = [evaluate_number(argument, context) for _, argument in node.arguments]
    result = values[0]
    for value in values[1:]:
        result = pick(result, value)
    return result


def _ifelse(node: Call, context: Context) -> Value:
    arguments = match_arguments(node)
    test = evaluate_number(arguments["test"], context)
    yes, no = evaluate(arguments["yes"], context), evaluate(arguments["no"], context)
    if isinstance(yes, str) and isinstance(no, str):
        chosen = truth(np.asarray(test != 0))
        if not isinstance(chosen, Factor):
            return yes if chosen else no
        levels = tuple(sorted({yes, no}))
        table = np.array([levels.index(no), levels.index(yes), -1], dtype=np.int32)
        return known_factor(Factor(table[chosen.codes], levels), deparse(node), context)
    yes, no = evaluate_number(arguments["yes"], context), evaluate_number(arguments["no"], context)
    return np.where(np.isnan(test), np.nan, np.where(test != 0, yes, no))


def _identity(node: Call, context: Context) -> Value:
    return evaluate(node.arguments[0][1], context)


def _combine(node: Call, context: Context) -> Value:
    values = [evaluate(argument, context) for _, argument in node.arguments]
    if not all(value is None or isinstance(value, (str, bool, int, float, np.floating)) for value in values):
        raise trouble("c() joins constants, not columns.", node, context)
    return tuple(value if isinstance(value, (str, bool)) or value is None else float(value) for value in values)


# -- transforms that remember ----------------------------------------------------------------------------


def _suffixes(k: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(k)) if k > 1 else ("",)


def _poly(node: Call, context: Context) -> Value:
    arguments, x, name = match_arguments(node), _column(node, context), deparse(node)
    degree = _whole(arguments, "degree", 1, context) or 1
    if _flag(arguments, "raw", False, context):
        if degree > 100:
            raise trouble("The degree goes to 100.", node, context)
        return Matrix(raw_powers(x, degree), _suffixes(degree))
    if degree >= len(x) and context.training:
        raise trouble(f"The degree must be less than the number of rows, {len(x)}.", node, context)
    state = context.state(name, lambda: learn_poly(x, degree, name))
    return Matrix(apply_poly(x, state), _suffixes(degree))


def _spline(node: Call, context: Context) -> Value:
    arguments, x, name = match_arguments(node), _column(node, context), deparse(node)
    natural = node.function == "ns"
    boundary = _floats(arguments, "Boundary.knots", context)
    if boundary is not None and len(boundary) != 2:
        raise trouble("The argument 'Boundary.knots' is two numbers: c(0, 10).", node, context)
    degree = 3 if natural else _whole(arguments, "degree", 3, context)
    if (degree or 0) > 20:
        raise trouble("The degree of a spline goes to 20.", node, context)
    state = context.state(name, lambda: learn_spline(
        x, name, df=_whole(arguments, "df", None, context), knots=_floats(arguments, "knots", context),
        boundary=(min(boundary), max(boundary)) if boundary else None, degree=degree or 3,
        intercept=_flag(arguments, "intercept", False, context), natural=natural))  # fmt: skip
    columns = apply_spline(x, state)
    return Matrix(columns, tuple(str(i + 1) for i in range(columns.shape[1])))


def _scale(node: Call, context: Context) -> Value:
    arguments, x, name = match_arguments(node), _column(node, context), deparse(node)
    center = _constant(arguments, "center", True, context)
    scale = _constant(arguments, "scale", node.function != "center", context)
    if isinstance(center, str) or isinstance(scale, str) or center is None or scale is None:
        raise trouble("The arguments 'center' and 'scale' are TRUE, FALSE or a number.", node, context)
    return apply_scale(x, context.state(name, lambda: learn_scale(x, center, scale, name)))


# -- factors ---------------------------------------------------------------------------------------------


def _as_factor(value: Value, node: Node, context: Context) -> Factor:
    if isinstance(value, Factor):
        return value
    if isinstance(value, np.ndarray):
        return as_factor(Numbers(value), deparse(node), warn=False)
    raise trouble(f"{deparse(node)} is not a column that could be a factor.", node, context)


def _raw_factor(node: Node, context: Context) -> Factor:
    """Evaluate as a factor, with the levels found in these rows rather than those of the fit."""
    if isinstance(node, Name) and isinstance(column := context.columns.get(node.text), Factor):
        return column.used() if context.training else column
    return _as_factor(evaluate(node, context), node, context)


def _given_levels(factor: Factor, levels: tuple[Any, ...], node: Call, context: Context) -> Factor:
    labels = tuple(level if isinstance(level, str) else float(level) for level in levels)
    codes, unseen = recode(factor, labels)
    if unseen and context.training:
        raise trouble(f"The list of levels leaves out {', '.join(map(label_text, unseen[:12]))}.", node, context)
    return Factor(codes, tuple(label_text(label) for label in labels))


def _factor(node: Call, context: Context) -> Value:
    arguments, name = match_arguments(node), deparse(node)
    factor = _raw_factor(_need(arguments, "x", node, context), context)
    levels, labels = _several(arguments, "levels", context), _several(arguments, "labels", context)
    if levels is not None:
        factor = _given_levels(factor, levels, node, context)
    ordered = canonical(node.function) == "ordered" or _flag(arguments, "ordered", False, context)
    plain = Factor(factor.codes, factor.levels, ordered or factor.ordered)
    if labels is None:
        return known_factor(plain, name, context)
    known = context.state(name, lambda: {"levels": list(plain.used().levels)})["levels"]
    if len(labels) != len(known):
        raise trouble(f"There are {len(labels)} labels for {len(known)} levels.", node, context)
    codes, unseen = recode(plain, tuple(known))
    if unseen:
        raise unseen_levels(name, unseen, tuple(known))
    return known_factor(Factor(codes, tuple(map(label_text, labels)), plain.ordered), name, context)


def _relevel(node: Call, context: Context) -> Value:
    arguments = match_arguments(node)
    factor = known_factor(_raw_factor(_need(arguments, "x", node, context), context), deparse(node) + "#", context)
    reference = label_text(_constant(arguments, "ref", None, context))
    labels = [label_text(level) for level in factor.levels]
    if reference not in labels:
        raise trouble(f"There is no level {reference}. Levels: {', '.join(labels[:12])}.", node, context)
    first = labels.index(reference)
    order = [first, *(i for i in range(len(labels)) if i != first)]
    table = np.array([*(order.index(i) for i in range(len(labels))), -1], dtype=np.int32)
    return Factor(table[factor.codes], tuple(factor.levels[i] for i in order), False)


def _interaction(node: Call, context: Context) -> Value:
    """Combine factors; as in R the first varies fastest and labels are joined by a dot."""
    factors = [_raw_factor(argument, context) for _, argument in node.arguments]
    codes, levels = factors[0].codes.astype(np.int64), [label_text(level) for level in factors[0].levels]
    for factor in factors[1:]:
        codes = np.where((codes < 0) | (factor.codes < 0), -1, codes + len(levels) * factor.codes.astype(np.int64))
        levels = [f"{first}.{label_text(level)}" for level in factor.levels for first in levels]
        if len(levels) > 1_000_000:
            raise trouble("interaction() would have more than a million levels; use (1 | a:b) for groups.", node, context)
    return known_factor(Factor(codes.astype(np.int32), tuple(levels)), deparse(node), context)


def _as_numeric(node: Call, context: Context) -> Value:
    value = evaluate(node.arguments[0][1], context)
    if isinstance(value, Factor) and not value.logical:
        try:
            table = np.array([*(float(level) for level in value.levels), np.nan])
        except (TypeError, ValueError):
            raise trouble("The labels of this factor are not numbers.", node, context) from None
        return table[value.codes]
    return evaluate_number(node.arguments[0][1], context)


def coding_of(node: Call, context: Context) -> Coding | None:
    """Read the second argument of ``C()``: a name such as ``contr.sum``, or a call such as ``contr.treatment(base = 2)``."""
    arguments = match_arguments(node)
    if "contr" not in arguments:
        return None
    asked, base = arguments["contr"], arguments.get("base")
    if isinstance(asked, Call):
        base = _base_argument(asked, context) or base
    name = asked.function if isinstance(asked, Call) else getattr(asked, "text", getattr(asked, "value", ""))
    try:
        coding = coding_from_name(str(name))
    except OptionError as error:
        raise trouble(str(error), asked, context) from None
    chosen = None if base is None else evaluate(base, context)
    if not (chosen is None or isinstance(chosen, (str, float))):
        raise trouble("The base of a coding is a level or its number.", node, context)
    return Coding(coding.kind, chosen, None, None, name == "contr.treatment" and not isinstance(chosen, str))


def _base_argument(asked: Call, context: Context) -> Node | None:
    """Find the base in ``contr.treatment(base = 2)``, ``contr.treatment(3, base = 2)``, ``Treatment("b")``."""
    for keyword, argument in asked.arguments:
        if keyword in ("base", "reference") or keyword is None and isinstance(argument, Text):
            return argument
        if keyword not in (None, "n") or not isinstance(argument, Number):
            raise trouble(f"{asked.function}() takes base = the level or its number.", argument, context)
    return None


def _coded(node: Call, context: Context) -> Value:
    arguments = match_arguments(node)
    target = _need(arguments, "object", node, context)
    factor = known_factor(_raw_factor(target, context), deparse(node), context)
    return Factor(factor.codes, factor.levels, factor.ordered, factor.logical, coding_of(node, context))


CALLS: dict[str, Callable[[Call, Context], Value]] = dict.fromkeys(UNARY, _unary) | dict.fromkeys(SUMMARIES, _summary)
CALLS |= {
    "log": _log, "round": _round, "pmin": _extreme, "pmax": _extreme, "ifelse": _ifelse, "I": _identity, "c": _combine,
    "as.numeric": _as_numeric, "as.factor": _factor, "factor": _factor, "ordered": _factor, "relevel": _relevel,
    "interaction": _interaction, "C": _coded, "poly": _poly, "bs": _spline, "ns": _spline, "scale": _scale,
    "center": _scale,
}  # fmt: skip


def call(node: Call, context: Context) -> Value:
    """Evaluate a call of the fixed vocabulary.

    Parameters
    ----------
    node : Call
        The call, checked against the vocabulary when the formula was read.
    context : Context
        Workspace.

    Returns
    -------
    (n,) float64, Factor, Matrix, or a constant
    """
    implementation = CALLS.get(canonical(node.function))
    if implementation is None:
        raise trouble(f"{node.function}() can only stand as a term of its own.", node, context)
    return implementation(node, context)
