"""Calls that give numbers row by row: elementwise maths, summaries that are remembered, choices."""

from __future__ import annotations

import numpy as np

from henderson.data import Factor
from henderson.design.call_arguments import column_argument, constant_argument, match_arguments, needed
from henderson.design.context import Context, Value
from henderson.design.evaluate import evaluate, evaluate_number, known_factor, trouble, truth
from henderson.design.functions import SUMMARIES, UNARY, r_round
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call
from henderson.formula.vocabulary import canonical


def call_unary(node: Call, context: Context) -> Value:
    """Evaluate a function of one argument."""
    return UNARY[canonical(node.function)](evaluate_number(node.arguments[0][1], context))


def call_summary(node: Call, context: Context) -> Value:
    """Evaluate ``mean(x)`` and the like: learnt on the training rows, remembered for new ones."""
    values = column_argument(node, context)
    learn = SUMMARIES[canonical(node.function)]
    return context.state(deparse(node), lambda: {"value": float(learn(values))})["value"]


def call_log(node: Call, context: Context) -> Value:
    """Evaluate ``log(x, base)``."""
    arguments = match_arguments(node)
    values = np.log(evaluate_number(needed(arguments, "x", node, context), context))
    return values / np.log(evaluate_number(arguments["base"], context)) if "base" in arguments else values


def call_round(node: Call, context: Context) -> Value:
    """Evaluate ``round(x, digits)``."""
    arguments = match_arguments(node)
    digits = constant_argument(arguments, "digits", 0.0, context)
    if not isinstance(digits, (int, float)) or not -300 < digits < 300:
        raise trouble("The argument 'digits' is a number.", node, context)
    return r_round(evaluate_number(needed(arguments, "x", node, context), context), digits)


def call_extreme(node: Call, context: Context) -> Value:
    """Evaluate ``pmin`` and ``pmax``."""
    pick = np.minimum if canonical(node.function) == "pmin" else np.maximum
    values = [evaluate_number(argument, context) for _, argument in node.arguments]
    result = values[0]
    for value in values[1:]:
        result = pick(result, value)
    return result


def call_ifelse(node: Call, context: Context) -> Value:
    """Evaluate ``ifelse(test, yes, no)``: numbers, or two labels that make a factor."""
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


def call_identity(node: Call, context: Context) -> Value:
    """Evaluate ``I(x)``: the value itself."""
    return evaluate(node.arguments[0][1], context)


def call_combine(node: Call, context: Context) -> Value:
    """Evaluate ``c(1, 2)`` or ``[1, 2]``: a list of constants."""
    values = [evaluate(argument, context) for _, argument in node.arguments]
    if not all(value is None or isinstance(value, (str, bool, int, float, np.floating)) for value in values):
        raise trouble("c() joins constants, not columns.", node, context)
    return tuple(
        value if isinstance(value, (str, bool)) or value is None else float(value) for value in values
    )
