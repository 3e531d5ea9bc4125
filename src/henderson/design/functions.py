"""The elementwise functions of a formula, on arrays and on numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _plogis(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def _qlogis(x: Any) -> Any:
    return np.log(x / (1.0 - x))


UNARY: dict[str, Callable[[Any], Any]] = {
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "floor": np.floor,
    "ceiling": np.ceil,
    "trunc": np.trunc,
    "plogis": _plogis,
    "qlogis": _qlogis,
}

SUMMARIES: dict[str, Callable[[np.ndarray], Any]] = {
    "mean": np.mean,
    "median": np.median,
    "sd": lambda x: np.std(x, ddof=1),
    "var": lambda x: np.var(x, ddof=1),
    "min": np.min,
    "max": np.max,
    "sum": np.sum,
}


def r_round(x: Any, digits: float = 0.0) -> Any:
    """Round to a number of decimals as R does: to the nearer candidate, in a tie to the even one."""
    power = 10.0 ** int(digits)
    below, above = np.floor(x * power), np.ceil(x * power)
    to_below, to_above = x - below / power, above / power - x
    nearer = np.where(to_below < to_above, below, above)
    return np.where(to_below == to_above, np.where(below % 2 == 0, below, above), nearer) / power


def _modulo(x: Any, y: Any) -> Any:
    return x - np.floor(x / y) * y


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "%%": _modulo,
    "%/%": lambda x, y: np.floor(x / y),
}

COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}

LOGIC: dict[str, Callable[[Any, Any], Any]] = {
    "&": np.logical_and,
    "&&": np.logical_and,
    "|": np.logical_or,
    "||": np.logical_or,
}
