"""What functions learn from all rows, learnt chunk by chunk: from counts, powers and extremes of an argument.

``scale``, ``center``, ``poly``, ``mean``, ``sd``, ``var``, ``sum``, ``min`` and ``max`` need no more than
these. Knots at quantiles do, and so does ``median``: those are refused, with the way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from henderson.data import Frame, Numbers
from henderson.design.call_arguments import (
    column_argument,
    constant_argument,
    flag_argument,
    match_arguments,
    numbers_argument,
    whole_argument,
)
from henderson.design.calls import CALLS
from henderson.design.chunk import Request, complete_columns, needs_all_rows
from henderson.design.context import Context, State
from henderson.design.predictors import NumberTable, moments_of
from henderson.design.splines import learn_spline
from henderson.design.transforms import learn_scale
from henderson.errors import DataError
from henderson.formula import ModelFormula
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call, Node, children
from henderson.formula.terms import names_in
from henderson.formula.vocabulary import canonical

BY_MOMENTS = ("scale", "center", "poly", "mean", "sd", "var", "sum", "min", "max")
OTHERS = ("ns", "bs", "cr", "cc", "median")
HIGHEST = 8
"""Degree up to which orthogonal polynomials are made from sums of powers."""


class Powers:
    """Sums of powers of one argument, about a provisional centre, and its extremes.

    Parameters
    ----------
    node : Call
        Whose argument.
    highest : int
        Largest power.
    """

    __slots__ = ("centre", "highest", "largest", "least", "node", "scale", "sums")

    def __init__(self, node: Call, highest: int) -> None:
        self.node, self.highest = node, highest
        self.sums = np.zeros(highest + 1)
        self.centre, self.scale, self.least, self.largest = 0.0, 1.0, np.inf, -np.inf

    def add(self, x: np.ndarray) -> None:
        """Take in the values of a chunk."""
        if self.sums[0] == 0:
            spread = float(x.std())
            self.centre, self.scale = float(x.mean()), spread if spread > 0 else 1.0
        t = (x - self.centre) / self.scale
        power = np.ones_like(t)
        for k in range(self.highest + 1):
            self.sums[k] += power.sum()
            power = power * t
        self.least, self.largest = min(self.least, float(x.min())), max(self.largest, float(x.max()))

    @property
    def n(self) -> float:
        """Rows."""
        return float(self.sums[0])

    @property
    def mean(self) -> float:
        """Of the argument."""
        return self.centre + self.scale * float(self.sums[1]) / self.n

    def squares(self, about: float) -> float:
        """Sum of squares about a value."""
        d = (about - self.centre) / self.scale
        return self.scale**2 * float(self.sums[2] - 2 * d * self.sums[1] + self.n * d * d)


def unlearnt_calls(formula: ModelFormula, states: Mapping[str, State]) -> list[Call]:
    """Calls of a formula that learn from all rows and have not, inner ones first."""
    found: dict[str, Call] = {}
    variables = [formula.response, *formula.fixed.variables, *formula.fixed.offsets]
    for part in formula.random:
        variables += [*part.terms.variables, *part.grouping.factors]
    for variable in variables:
        for node in _calls_below(variable.node):
            if deparse(node) not in states and _learns(node):
                found.setdefault(deparse(node), node)
    return list(found.values())


def check_level_calls(formula: ModelFormula, levels: Mapping[str, Any]) -> None:
    """Refuse calls that order levels by what one chunk holds, unless the levels of their columns are given.

    Raises
    ------
    DataError
        Naming the term and the way out.
    """
    variables = [formula.response, *formula.fixed.variables]
    for part in formula.random:
        variables += [*part.terms.variables, *part.grouping.factors]
    for variable in variables:
        for node in _calls_below(variable.node):
            name = canonical(node.function)
            spelt = name in ("factor", "as.factor", "ordered") and len(match_arguments(node)) > 1
            unknown = [column for column in names_in(node) if column not in levels]
            if spelt or (name in ("relevel", "interaction") and unknown):
                raise DataError(
                    f"The term {deparse(node)} orders levels that one chunk may not hold. Give the levels in "
                    f"the order they shall have, levels={{{(*unknown, *names_in(node))[0]!r}: […]}}"
                    + (", and leave the call out of the formula." if spelt else ".")
                )


def _calls_below(node: Node) -> list[Call]:
    out = [call for child in children(node) for call in _calls_below(child)]
    return [*out, node] if isinstance(node, Call) else out


def _learns(node: Call) -> bool:
    name = canonical(node.function)
    if name in OTHERS:
        return True
    if name not in BY_MOMENTS:
        return False
    arguments, context = match_arguments(node), _empty()
    if name == "poly":
        return not flag_argument(arguments, "raw", False, context)
    return True


def _empty() -> Context:
    return Context({}, 0, "", False, {}, {}, {}, CALLS)


def given_states(formula: ModelFormula, states: Mapping[str, State]) -> dict[str, State]:
    """States that the formula spells out: scale with numbers, splines with all knots.

    Raises
    ------
    DataError
        A term whose knots, or median, only all rows at once can tell.
    """
    out = dict(states)
    for node in unlearnt_calls(formula, states):
        name, arguments = canonical(node.function), match_arguments(node)
        if name in ("scale", "center"):
            centre, scale = _scale_arguments(node)
            if centre is not True and scale is not True:
                out[deparse(node)] = learn_scale(np.zeros(1), centre, scale, deparse(node))
        elif name in OTHERS:
            knots, boundary = (numbers_argument(arguments, a, _empty()) for a in ("knots", "Boundary.knots"))
            if name not in ("ns", "bs") or knots is None or boundary is None or len(boundary) != 2:
                raise needs_all_rows(deparse(node))
            out[deparse(node)] = learn_spline(
                np.array(sorted(boundary)),
                deparse(node),
                df=None,
                knots=knots,
                boundary=(min(boundary), max(boundary)),
                degree=3 if name == "ns" else whole_argument(arguments, "degree", 3, _empty()) or 3,
                intercept=flag_argument(arguments, "intercept", False, _empty()),
                natural=name == "ns",
            )
    return out


def _scale_arguments(node: Call) -> tuple[Any, Any]:
    arguments, context = match_arguments(node), _empty()
    return (
        constant_argument(arguments, "center", True, context),
        constant_argument(arguments, "scale", canonical(node.function) != "center", context),
    )


def collectors(formula: ModelFormula, states: Mapping[str, State]) -> list[Powers]:
    """What to collect in the next pass: for calls whose own arguments are known."""
    waiting = unlearnt_calls(formula, states)
    names = {deparse(node) for node in waiting}
    return [
        Powers(node, 2 * _degree(node))
        for node in waiting
        if not any(deparse(call) in names for call in _calls_below(node) if call is not node)
    ]


def _degree(node: Call) -> int:
    if canonical(node.function) != "poly":
        return 1
    degree = whole_argument(match_arguments(node), "degree", 1, _empty()) or 1
    if degree > HIGHEST:
        raise DataError(
            f"{deparse(node)}: of data that are read in chunks, orthogonal polynomials go to degree "
            f"{HIGHEST}. Use poly(x, degree, raw = TRUE) of a covariate near zero."
        )
    return degree


def collect(
    request: Request, formula: ModelFormula, frame: Frame, found: list[Powers], seen: dict[str, NumberTable]
) -> int:
    """Take one chunk into the collectors, and its columns of numbers into `seen`.

    Parameters
    ----------
    request : Request
    formula : ModelFormula
    frame : Frame
        The rows.
    found : list of Powers
    seen : dict of str to NumberTable
        Moments of the columns, by which a later pass can tell whether it meets the same rows.

    Returns
    -------
    int
        Complete rows.
    """
    context = Context(
        {}, frame.n, formula.text, False, request.states, {}, request.env, CALLS, open_levels=True
    )
    context.columns, kept = complete_columns(request, formula, frame, context)
    context.n, context.kept = frame.n if kept is None else len(kept), kept
    if context.n:
        with np.errstate(all="ignore"):
            for powers in found:
                powers.add(column_argument(powers.node, context))
        for name, column in context.columns.items():
            if isinstance(column, Numbers):
                here = moments_of(column.values)
                seen[name] = seen[name].plus(here) if name in seen else here
    return context.n


def state_of(powers: Powers) -> State:
    """Return what a call remembers, from sums of powers."""
    node, n = powers.node, powers.n
    name, called = canonical(node.function), deparse(node)
    if name == "poly":
        return _poly(powers, powers.highest // 2, called)
    if name in ("scale", "center"):
        centre, scale = _scale_arguments(node)
        shift = powers.mean if centre is True else float(centre)
        divisor = np.sqrt(powers.squares(shift) / max(1.0, n - 1)) if scale is True else float(scale or 1.0)
        if divisor == 0.0:
            raise DataError(
                f"{called} divides by the spread of its column, which is zero: all values are equal."
            )
        return {"center": shift, "scale": float(divisor)}
    variance = powers.squares(powers.mean) / (n - 1) if n > 1 else np.nan
    values = {
        "mean": powers.mean,
        "sd": float(np.sqrt(variance)),
        "var": float(variance),
        "sum": powers.mean * n,
        "min": powers.least,
        "max": powers.largest,
    }
    return {"value": values[name]}


def _poly(powers: Powers, degree: int, called: str) -> State:
    """Three-term recurrence of `learn_poly`, the polynomials held by their coefficients about the mean."""
    sums, s = _about_mean(powers), powers.scale
    before, now = np.zeros(1), np.ones(1)
    alpha, norm2 = [], [float(sums[0])]
    for j in range(degree):
        shift = _inner(np.append(0.0, now), now, sums) / norm2[j]
        following = np.append(0.0, now)
        following[: len(now)] -= shift * now
        following[: len(before)] -= (norm2[j] / norm2[j - 1] if j else 0.0) * before
        before, now = now, following
        alpha.append(shift)
        norm2.append(_inner(now, now, sums))
        if not norm2[-1] > 1e-12 * sums[2 * (j + 1)]:
            raise DataError(f"{called} needs more than {degree} different values. Use a lower degree.")
    return {
        "alpha": [powers.mean + s * a for a in alpha],
        "norm2": [v * s ** (2 * j) for j, v in enumerate(norm2)],
    }


def _about_mean(powers: Powers) -> np.ndarray:
    """Sums of powers about the mean, in units of the scale."""
    from math import comb

    d = powers.sums[1] / powers.sums[0]
    return np.array(
        [
            sum(comb(k, i) * powers.sums[i] * (-d) ** (k - i) for i in range(k + 1))
            for k in range(len(powers.sums))
        ]
    )


def _inner(a: np.ndarray, b: np.ndarray, sums: np.ndarray) -> float:
    product = np.convolve(a, b)
    return float(product @ sums[: len(product)])
