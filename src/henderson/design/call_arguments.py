"""The arguments of a call: matched as R matches them, evaluated, and held to the kind that is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.design.context import Context
from henderson.design.evaluate import evaluate, evaluate_number, trouble
from henderson.formula.nodes import Call, Node
from henderson.formula.vocabulary import FUNCTIONS, canonical

Arguments = dict[str, Node]


def match_arguments(node: Call) -> Arguments:
    """Match arguments to parameters as R does: by keyword first, the rest in order."""
    parameters = FUNCTIONS[canonical(node.function)].parameters
    matched = {keyword: argument for keyword, argument in node.arguments if keyword is not None}
    free = [name for name in parameters if name not in matched]
    matched.update(
        zip(free, (argument for keyword, argument in node.arguments if keyword is None), strict=False)
    )
    return matched


def needed(arguments: Arguments, name: str, node: Call, context: Context) -> Node:
    """Return an argument that has no default; a FormulaError where it is not given."""
    if name not in arguments:
        raise trouble(f"{node.function}() needs its argument {name!r}.", node, context)
    return arguments[name]


def column_argument(node: Call, context: Context, name: str = "x") -> np.ndarray:
    """Evaluate the main argument: one number per row."""
    argument = needed(match_arguments(node), name, node, context)
    values = evaluate_number(argument, context)
    if not isinstance(values, np.ndarray) or values.ndim != 1:
        raise trouble(f"{node.function}() needs a column here, not a constant.", argument, context)
    return values


def constant_argument(arguments: Arguments, name: str, default: Any, context: Context) -> Any:
    """Evaluate an argument that is one constant."""
    if name not in arguments:
        return default
    value = evaluate(arguments[name], context)
    if value is not None and not isinstance(value, (bool, int, float, np.floating, str)):
        raise trouble(f"The argument {name!r} is one constant.", arguments[name], context)
    return float(value) if isinstance(value, np.floating) else value


def whole_argument(
    arguments: Arguments, name: str, default: int | None, context: Context, least: int = 1
) -> int | None:
    """Return an argument that is one constant: a number, TRUE, text or NULL."""
    value = constant_argument(arguments, name, default, context)
    if value is None:
        return None
    if isinstance(value, (str, bool)) or value != int(value if abs(value) < 1e9 else -1) or value < least:
        raise trouble(f"The argument {name!r} is a whole number from {least}.", arguments[name], context)
    return int(value)


def flag_argument(arguments: Arguments, name: str, default: bool, context: Context) -> bool:
    """Return an argument that is TRUE or FALSE."""
    value = constant_argument(arguments, name, default, context)
    if not isinstance(value, bool):
        raise trouble(f"The argument {name!r} is TRUE or FALSE.", arguments[name], context)
    return value


def list_argument(arguments: Arguments, name: str, context: Context) -> tuple[Any, ...] | None:
    """Return an argument that is a list of constants; None where it is not given or NULL."""
    if name not in arguments:
        return None
    value = evaluate(arguments[name], context)
    if value is None or isinstance(value, tuple):
        return value
    if isinstance(value, (str, bool, int, float, np.floating)):
        return (value,)
    raise trouble(f"The argument {name!r} is a list of constants: c(1, 2).", arguments[name], context)


def numbers_argument(arguments: Arguments, name: str, context: Context) -> list[float] | None:
    """Return an argument that is a list of numbers; None where it is not given or NULL."""
    values = list_argument(arguments, name, context)
    if values is None:
        return None
    if any(isinstance(value, (str, bool)) or value is None for value in values):
        raise trouble(f"The argument {name!r} is a list of numbers: c(1, 2).", arguments[name], context)
    return [float(value) for value in values]
