"""The fixed part from sums: its columns, which of them are kept, centres and scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from henderson.crossprod.basis import root, useful_basis
from henderson.crossprod.coding import Coded, coded_columns, expanded
from henderson.crossprod.moments import Moments, moments_of
from henderson.crossprod.ranks import combinations, independent, least_left
from henderson.crossprod.sums import Sums, constant_columns, sizes_of
from henderson.design.arguments import check_codings
from henderson.design.checks import constant_response
from henderson.design.context import Context
from henderson.formula import ModelFormula

_COINCIDE = 1e-12


class FixedPart(NamedTuple):
    """Columns of X: all of them, the kept ones, and how they enter."""

    columns: list[Coded]
    kept: list[int]
    aliases: tuple[tuple[float, ...], ...]
    intercept: int | None
    constant: np.ndarray | None
    transform: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    basis: np.ndarray | None


def fixed_part(sums: Sums, formula: ModelFormula, context: Context) -> FixedPart:
    """Settle the fixed part: coding, columns to keep, and how they enter the cross-products.

    Parameters
    ----------
    sums : Sums
    formula : ModelFormula
        Of `sums.plan`.
    context : Context
        From `level_context`.

    Returns
    -------
    FixedPart

    Notes
    -----
    O(m^2 P + P^3) for P columns.
    """
    plan = sums.plan
    columns = coded_columns(formula.fixed, context, plan.codings)
    if plan.codings:
        check_codings(plan.codings, set(plan.factors), {*plan.factors, *plan.numbers})
    X = moments_of(sums, expanded(columns, plan.x, sums.levels, sums.units))
    first, R = formula.fixed.intercept, root(sums.plain[:-1, :-1]) / np.sqrt(sums.n)
    length = X.deviation if first else X.size
    size = np.where(length > 0, length, 1.0)
    rows, least = R @ ((X.centred if first else X.raw) / size), least_left(X.deviation, X.size) / size
    if first:
        rest = independent(rows[:, 1:], least[1:])
        kept, inner = [0, *(j + 1 for j in rest)], combinations(rows[:, 1:], rest)
    else:
        kept = independent(rows, least)
        inner = combinations(rows, kept)
    aliases = _aliases(X, size, kept, inner, first)
    constant = _constant(sums, R, X, kept, first)
    if first:
        transform = X.centred[:, kept] / size[kept]
        transform[:, 0] = constant_columns(plan.x, sizes_of(sums.levels))
        centre, scale = np.where(np.arange(len(kept)) > 0, X.mean[kept], 0.0), 1 / size[kept]
        scale[0] = 1.0
    else:
        transform, centre, scale = X.raw[:, kept] / size[kept], np.zeros(len(kept)), 1 / size[kept]
    basis = useful_basis(sums.plain[:-1, :-1], R @ transform, transform)
    entering = transform if basis is None else transform @ basis
    return FixedPart(columns, kept, aliases, 0 if first else None, constant, entering, centre, scale, basis)


def _aliases(
    X: Moments, size: np.ndarray, kept: list[int], inner: np.ndarray, first: bool
) -> tuple[tuple[float, ...], ...]:
    """Weights of the kept columns, in the user's units, in every dropped one."""
    dropped = [j for j in range(len(size)) if j not in set(kept)]
    out = []
    for i, j in enumerate(dropped):
        slopes = kept[1:] if first else kept
        share = np.where(np.abs(inner[:, i]) < _COINCIDE, 0.0, inner[:, i])
        slope = share * size[j] / size[slopes] if X.deviation[j] > 0 or not first else np.zeros(len(slopes))
        if first:
            constant = X.mean[j] - float(slope @ X.mean[slopes])
            slope = np.append(0.0 if abs(constant) < _COINCIDE * X.size[j] else constant, slope)
        out.append(tuple(slope.tolist()))
    return tuple(out)


def _constant(sums: Sums, R: np.ndarray, X: Moments, kept: list[int], first: bool) -> np.ndarray | None:
    """Coefficients a with X a = 1, or None."""
    a = np.zeros(len(kept))
    if first:
        a[0] = 1.0
        return a
    if not kept:
        return None
    e = R @ constant_columns(sums.plan.x, sizes_of(sums.levels))
    columns = R @ (X.raw[:, kept] / X.size[kept])
    a = np.linalg.lstsq(columns, e, rcond=None)[0]
    rest = columns @ a - e
    return a / X.size[kept] if float(rest @ rest) < _COINCIDE else None


def moments_of_response(sums: Sums, formula: ModelFormula) -> tuple[float, float]:
    """Mean and standard deviation of the response less offset; refuses a constant one."""
    e, P = constant_columns(sums.plan.x, sizes_of(sums.levels)), sums.plain
    shift = float(P[-1, :-1] @ e) / sums.n
    variance = float(P[-1, -1]) / sums.n - shift * shift
    mean = sums.y_unit.centre + shift / sums.y_unit.scale
    if not variance > 1e-24 * max(1.0, shift * shift):
        raise constant_response(formula.response.name, mean, sums.n)
    return mean, float(np.sqrt(variance)) / sums.y_unit.scale


def with_response(sums: Sums, fixed: FixedPart, y_centre: float) -> np.ndarray:
    """(m + 1, p + 1) transform of the columns and the response."""
    e, unit = constant_columns(sums.plan.x, sizes_of(sums.levels)), sums.y_unit
    m, p = fixed.transform.shape
    out = np.zeros((m + 1, p + 1))
    out[:m, :p] = fixed.transform
    shift = float(sums.plain[-1, :-1] @ e) / sums.n
    out[:m, p] = e * (-shift / unit.scale if fixed.constant is not None else unit.centre)
    out[m, p] = 1 / unit.scale
    return out
