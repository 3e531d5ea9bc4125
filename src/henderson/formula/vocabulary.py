"""The functions that a formula may call: a fixed list, and what the caller adds with ``env=``."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from henderson.data.suggest import nearest
from henderson.errors import FormulaError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call, Node, children


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function may be called.

    Attributes
    ----------
    parameters : tuple of str
        Names of its arguments, in order.
    required : int
        How many of them must be given.
    more : bool
        Whether any number of arguments is allowed.
    """

    parameters: tuple[str, ...]
    required: int = 1
    more: bool = False


_UNARY = [
    "log2",
    "log10",
    "log1p",
    "exp",
    "expm1",
    "sqrt",
    "abs",
    "sign",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "floor",
    "ceiling",
    "trunc",
    "plogis",
    "qlogis",
]
_SUMMARIES = ["mean", "median", "sd", "var", "min", "max", "sum"]

FUNCTIONS: dict[str, Signature] = {name: Signature(("x",)) for name in _UNARY + _SUMMARIES}
FUNCTIONS |= {
    "log": Signature(("x", "base")),
    "round": Signature(("x", "digits")),
    "pmin": Signature((), 1, more=True),
    "pmax": Signature((), 1, more=True),
    "ifelse": Signature(("test", "yes", "no"), 3),
    "I": Signature(("x",)),
    "c": Signature((), 0, more=True),
    "as.numeric": Signature(("x",)),
    "as.factor": Signature(("x",)),
    "factor": Signature(("x", "levels", "labels", "ordered")),
    "ordered": Signature(("x", "levels", "labels")),
    "relevel": Signature(("x", "ref"), 2),
    "interaction": Signature((), 1, more=True),
    "C": Signature(("object", "contr", "base")),
    "poly": Signature(("x", "degree", "raw")),
    "bs": Signature(("x", "df", "knots", "degree", "intercept", "Boundary.knots")),
    "ns": Signature(("x", "df", "knots", "intercept", "Boundary.knots")),
    "cr": Signature(("x", "df", "knots")),
    "cc": Signature(("x", "df", "knots")),
    "scale": Signature(("x", "center", "scale")),
    "center": Signature(("x",)),
    "offset": Signature(("x",)),
}

_NUMPY = [
    "log",
    "log2",
    "log10",
    "log1p",
    "exp",
    "expm1",
    "sqrt",
    "abs",
    "sign",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "floor",
    "ceil",
    "trunc",
    "round",
    "arcsin",
    "arccos",
    "arctan",
    "arcsinh",
    "arccosh",
    "arctanh",
    "minimum",
    "maximum",
    "where",
]
_R_NAME = {
    "ceil": "ceiling",
    "minimum": "pmin",
    "maximum": "pmax",
    "where": "ifelse",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
}
ALIASES: dict[str, str] = {
    f"{module}.{name}": _R_NAME.get(name, name) for module in ("np", "numpy") for name in _NUMPY
}
ALIASES |= {"ceil": "ceiling", "as.ordered": "ordered", "as.integer": "trunc", "as.double": "as.numeric"}

_HINTS = {
    "cbind": "A response of several columns is not a linear mixed model.",
    "s": "For smooth curves use ns(x, df) or bs(x, df).",
    "te": "For smooth curves use ns(x, df) or bs(x, df).",
    "Surv": "Survival models are not linear mixed models.",
    "lambda": "Pass a function of your own with env={'f': f} and type f(x).",
    "cr": "Natural splines are ns(x, df).",
}


def canonical(function: str) -> str:
    """Return R's name of a function: ``np.arcsin`` is ``asin``."""
    return ALIASES.get(function, function)


def check_calls(node: Node, text: str, env: Container[str] = ()) -> None:
    """Check every call in an expression against the vocabulary.

    Parameters
    ----------
    node : Node
        An expression.
    text : str
        The whole formula, for messages.
    env : container of str
        Names that the caller passed.

    Raises
    ------
    FormulaError
        An unknown function (with the nearest known ones), a wrong number of arguments, an unknown keyword.
    """
    if isinstance(node, Call):
        if node.function not in env:
            _check(node, text)
        if (
            canonical(node.function) == "C" and node.arguments
        ):  # its second argument names a coding, it is not a call
            check_calls(node.arguments[0][1], text, env)
            return
    for child in children(node):
        check_calls(child, text, env)


def _check(node: Call, text: str) -> None:
    signature = FUNCTIONS.get(canonical(node.function))
    stop = node.start + max(len(node.function), 1)
    if signature is None:
        raise FormulaError(_unknown(node.function), text, node.start, stop)
    keywords = [keyword for keyword, _ in node.arguments if keyword is not None]
    for keyword in keywords:
        if keyword not in signature.parameters:
            known = ", ".join(signature.parameters) or "none"
            raise FormulaError(
                f"{node.function}() has no argument {keyword!r}. There are: {known}.",
                text,
                node.start,
                node.stop,
            )
    free = [argument for keyword, argument in node.arguments if keyword is None]
    if node.function == "poly" and "degree" in keywords and len(free) > 1:
        each = " + ".join(f"poly({deparse(argument)}, 2)" for argument in free)
        raise FormulaError(f"poly() takes one variable: type {each}.", text, node.start, node.stop)
    if len(set(keywords)) < len(keywords):
        raise FormulaError(f"An argument of {node.function}() is given twice.", text, node.start, node.stop)
    if len(node.arguments) < signature.required or (
        not signature.more and len(node.arguments) > len(signature.parameters)
    ):
        raise FormulaError(
            f"{node.function}() got {len(node.arguments)} arguments; it takes {_expected(signature)}.",
            text,
            node.start,
            node.stop,
        )


def _expected(signature: Signature) -> str:
    if signature.more:
        return f"{signature.required} or more"
    least, most = signature.required, len(signature.parameters)
    count = str(least) if least == most else f"{least} to {most}"
    return f"{count} ({', '.join(signature.parameters)})"


def _unknown(function: str) -> str:
    known = [*FUNCTIONS, *ALIASES]
    close = nearest(function, known)
    hint = _HINTS.get(function) or (
        f"Did you mean {' or '.join(close)}?" if close else f"There are: {', '.join(FUNCTIONS)}."
    )
    return (
        f"Unknown function {function}(). {hint} Functions of your own go in env={{{function!r}: {function}}}."
    )
