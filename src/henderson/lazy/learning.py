"""What functions such as scale() and poly() have to know about all rows, from totals on the engine."""

from __future__ import annotations

import math
from typing import Any

import narwhals as nw
import numpy as np

from henderson.errors import DataError
from henderson.formula.vocabulary import canonical
from henderson.lazy.engines import Lazy
from henderson.lazy.expressions import Scope, UnlearntError, Want, evaluate
from henderson.lazy.plan import Plan
from henderson.lazy.survey import one_row


def learn_states(lazy: Lazy, plan: Plan, scope: Scope, complete: Any) -> None:
    """Learn what stateful calls remember, inner ones first: one small query a round.

    Parameters
    ----------
    lazy : Lazy
    plan : Plan
    scope : Scope
        Its states are filled in.
    complete : narwhals expression
        Rows to learn from.
    """
    variables = [plan.formula.response, *plan.formula.fixed.offsets]
    variables += [*plan.numbers.values(), *plan.truths.values()]
    moments: dict[str, tuple[float, float, float]] = {}
    for _ in range(50):
        scope.wanted.clear()
        for variable in variables:
            try:
                evaluate(variable.node, scope)
            except UnlearntError:
                continue
        if not scope.wanted:
            return
        _learn_round(lazy, scope, complete, moments)


def _learn_round(
    lazy: Lazy, scope: Scope, complete: Any, moments: dict[str, tuple[float, float, float]]
) -> None:
    wanted = list(scope.wanted.items())
    inner = [_needed(want, moments.get(key)) for key, want in wanted]
    query = lazy.frame.filter(complete).select(
        *(e.alias(f"w{i}_{j}") for i, (es, _) in enumerate(inner) for j, e in enumerate(es))
    )
    totals = [nw.len().alias("n")] + [
        getattr(nw.col(f"w{i}_{j}"), how)(**({"ddof": 1} if how == "var" else {})).alias(f"t{i}_{j}_{how}")
        for i, (es, hows) in enumerate(inner)
        for j in range(len(es))
        for how in hows
    ]
    row = one_row(lazy, query.select(*totals), "means and scales")
    for i, (key, want) in enumerate(wanted):
        got = {name.split("_", 1)[1]: value for name, value in row.items() if name.startswith(f"t{i}_")}
        if not all(map(math.isfinite, got.values())):
            raise DataError(
                f"{key} cannot be learnt on {lazy.engine}: its column is not a finite number in some rows."
            )
        if canonical(want.node.function) == "poly" and key not in moments:
            moments[key] = (row["n"], got["0_mean"], math.sqrt(got["0_var"]))
        else:
            scope.states[key] = _state(key, want, row["n"], got, moments.get(key))


def _needed(want: Want, known: tuple[float, float, float] | None) -> tuple[list[Any], tuple[str, ...]]:
    """Return the columns to look at, and the totals of each."""
    function = canonical(want.node.function)
    if function == "poly" and known is not None:
        _, mean, deviation = known
        t, power, columns = (want.inner - mean) / (deviation or 1.0), None, []
        for _ in range(2 * int(want.arguments["degree"]) + 1):
            power = t if power is None else power * t
            columns.append(power)
        return columns, ("mean",)
    hows = {"mean": ("mean",), "sd": ("var",), "var": ("var",), "min": ("min",), "max": ("max",)}
    return [want.inner], hows.get(function, ("sum",) if function == "sum" else ("mean", "var"))


def _state(
    key: str, want: Want, n: float, got: dict[str, float], known: tuple[float, float, float] | None
) -> dict[str, Any]:
    function = canonical(want.node.function)
    if function == "poly":
        assert known is not None
        order = 2 * int(want.arguments["degree"]) + 1
        moments = np.array([1.0, *(got[f"{j}_mean"] for j in range(order))])
        return poly_state(key, n, known[1], known[2], moments)
    if function in ("scale", "center"):
        return _scale_state(key, want.arguments, n, got["0_mean"], got["0_var"])
    value = got["0_var" if function == "sd" else f"0_{function}"]
    return {"value": math.sqrt(value) if function == "sd" else value}


def _scale_state(key: str, given: dict[str, Any], n: float, mean: float, variance: float) -> dict[str, Any]:
    center, scale = given["center"], given["scale"]
    shift = mean if center is True else float(center)
    divisor = float(scale or 1.0)
    if scale is True:
        divisor = math.sqrt(variance + n * (mean - shift) ** 2 / max(1.0, n - 1))
    if divisor == 0.0:
        raise DataError(f"{key} divides by the spread of its column, which is zero: all values are equal.")
    return {"center": shift, "scale": divisor}


def poly_state(key: str, n: float, mean: float, deviation: float, moments: np.ndarray) -> dict[str, Any]:
    """Return the recurrence of orthogonal polynomials from moments.

    Parameters
    ----------
    key : str
        The call, for messages.
    n : float
        Rows.
    mean, deviation : float
        Of the column.
    moments : (2 degree + 2,) float64
        Means of the powers 0, 1, … of (x - mean) / deviation.

    Returns
    -------
    dict with ``alpha`` (degree,) and ``norm2`` (degree + 1,), as `design.transforms.learn_poly` gives
    """
    degree = (len(moments) - 2) // 2
    product = np.polynomial.polynomial.polymul

    def mean_of(coefficients: np.ndarray) -> float:
        return float(coefficients @ moments[: len(coefficients)])

    alpha, norm2 = [], [1.0]
    before, now = np.zeros(1), np.ones(1)
    for j in range(degree):
        square = product(now, now)
        alpha.append(mean_of(np.append(0.0, square)) / norm2[j])
        following = np.append(0.0, now) - np.pad(alpha[j] * now, (0, 1))
        if j:
            following -= np.pad(norm2[j] / norm2[j - 1] * before, (0, 2))
        before, now = now, following
        norm2.append(mean_of(product(now, now)))
        if not norm2[-1] > 1e-12 * abs(mean_of(np.append([0.0, 0.0], product(before, before)))):
            raise DataError(f"{key} needs more than {degree} different values. Use a lower degree.")
    scales = deviation ** (2.0 * np.arange(degree + 1))
    return {
        "alpha": [mean + deviation * a for a in alpha],
        "norm2": [float(n * value * scale) for value, scale in zip(norm2, scales, strict=True)],
    }
