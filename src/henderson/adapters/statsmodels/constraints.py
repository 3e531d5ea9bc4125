"""Linear hypotheses in words or matrices → R and q of R params = q."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import Any

import numpy as np

from henderson.errors import FormulaError


def linear_constraints(hypothesis: Any, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read hypotheses about parameters.

    Parameters
    ----------
    hypothesis : str, (r, k) array, or (array, values)
        ``"Days = 0"``, ``"2*a + b = 1, c = d"``, a matrix whose combinations are zero, or a matrix and the
        values of its combinations.
    names : list of str, length k
        The parameters.

    Returns
    -------
    R : (r, k) float64
    q : (r,) float64

    Raises
    ------
    FormulaError
        Words that are no linear equation of the parameters.
    ValueError
        A matrix with another number of columns.

    Examples
    --------
    >>> R, q = linear_constraints("Days = 10, Intercept - Days", ["Intercept", "Days"])
    >>> R.tolist(), q.tolist()
    ([[0.0, 1.0], [1.0, -1.0]], [10.0, 0.0])
    """
    names = list(map(str, names))
    if isinstance(hypothesis, str):
        hypothesis = [hypothesis]
    if isinstance(hypothesis, dict):
        hypothesis = [f"{name} = {value}" for name, value in hypothesis.items()]
    if isinstance(hypothesis, (list, tuple)) and hypothesis and all(isinstance(h, str) for h in hypothesis):
        pairs = [pair for text in hypothesis for pair in _read(text, names)]
        return np.array([row for row, _ in pairs]), np.array([0.0 - constant for _, constant in pairs])
    values: Any = 0.0
    if isinstance(hypothesis, tuple):
        hypothesis, values = hypothesis
    R = np.atleast_2d(np.asarray(hypothesis, dtype=float))
    if R.shape[1] != len(names):
        raise ValueError(f"wrong shape for coefs: {R.shape[1]} columns for {len(names)} parameters")
    return R, np.broadcast_to(np.asarray(values, dtype=float).reshape(-1), (len(R),)).copy()


def _read(text: str, names: list[str]) -> list[tuple[np.ndarray, float]]:
    """Return coefficients and constant of left minus right, for every equation in a text."""
    order = sorted(range(len(names)), key=lambda j: -len(names[j]))
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(names[j])}(?!\w)" for j in order))
    plain = pattern.sub(lambda found: f"_p{names.index(found.group())}", text)
    out = []
    for part in plain.split(","):
        sides = [_linear(side, text, names) for side in part.split("=")]
        for left, right in pairwise(sides):
            out.append((left[0] - right[0], left[1] - right[1]))
        if len(sides) == 1:
            out.append(sides[0])
    return out


def _linear(side: str, text: str, names: list[str]) -> tuple[np.ndarray, float]:
    try:
        value = _combine(ast.parse(side.strip(), mode="eval").body, len(names))
    except (SyntaxError, ValueError):
        raise FormulaError(
            f"The hypothesis {text!r} is no linear equation of the parameters {', '.join(names)}."
        ) from None
    return value[:-1], float(value[-1])


def _combine(node: ast.expr, k: int) -> np.ndarray:
    """Return coefficients of the parameters, and the constant last, (k + 1,)."""
    out = np.zeros(k + 1)
    if isinstance(node, ast.Name) and re.fullmatch(r"_p\d+", node.id):
        out[int(node.id[2:])] = 1.0
        return out
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        out[-1] = node.value
        return out
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return _combine(node.operand, k) * (-1 if isinstance(node.op, ast.USub) else 1)
    if isinstance(node, ast.BinOp):
        left, right = _combine(node.left, k), _combine(node.right, k)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult) and not (left[:-1].any() and right[:-1].any()):
            return left * right[-1] if left[:-1].any() else right * left[-1]
        if isinstance(node.op, ast.Div) and not right[:-1].any() and right[-1] != 0:
            return left / right[-1]
    raise ValueError(ast.dump(node))
