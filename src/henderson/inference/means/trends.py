"""Slopes of a covariate, averaged like means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Column, Numbers
from henderson.data.suggest import did_you_mean
from henderson.design.evaluate import evaluate_variable
from henderson.errors import FormulaError, OptionError
from henderson.formula import Variable, read_formula
from henderson.inference.means.averages import Linear, average
from henderson.inference.means.grid import Grid, formula_context, model_columns, reference_grid
from henderson.inference.means.predictors import Rows, number_spread, numeric_names, read_rows
from henderson.inference.means.specs import Specs, check_specs

if TYPE_CHECKING:
    from henderson.design.record import Design

SHARE = 1e-3
"""Length of the difference quotient, as a share of the covariate's range."""


def trends(
    design: Design,
    data: object,
    env: Mapping[str, Any] | None,
    specs: Specs,
    var: str,
    at: Mapping[str, Any] | None = None,
    weights: str = "equal",
) -> tuple[Linear, Grid]:
    """Return the slopes of the mean response in a covariate.

    (x(v + h/2) - x(v - h/2))' beta / h, averaged over the reference grid: exact for straight lines and
    parabolas.

    Parameters
    ----------
    design : Design
    data : data frame or None
        The rows of the fit.
    env : mapping or None
        The caller's functions.
    specs : Specs
        Not checked yet.
    var : str
        A numeric column, or an expression of one such as ``log(x)``: then the slope is by that.
    at : mapping, optional
        Where the other predictors, or the covariate itself, are held.
    weights : str
        As in `averages.average`.

    Returns
    -------
    Linear
        With the role ``trend``.
    Grid
        That it was averaged over.

    Raises
    ------
    OptionError
        `var` is no numeric predictor.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> fit = hd.lmm("Reaction ~ Days + I(Days^2) + (1 | Subject)", sleep)
    >>> linear, _ = trends(fit.design, sleep, None, Specs((), (), None), "Days", at={"Days": [0, 9]})
    >>> linear.L.round(6)
    array([[0., 1., 9.]])
    """
    rows = read_rows(design, data, env)
    variable = _variable(var, rows, env)
    name = variable.columns[0]
    where = dict(at or {})
    mean, width = number_spread(rows, name)
    where.setdefault(name, mean)
    grid = reference_grid(design, data, env, where, specs.keys, weights)
    X = _quotients(design, rows, grid, name, variable)
    span = width or 1.0  # what can be estimated is seen in the units of means
    out = average(grid, check_specs(specs, grid, tuple(g.name for g in design.groupings)), weights, X * span)
    bends = tuple(other for other in out.averaged if name in grid.interactions[other])
    return replace(out, L=out.L / span, role="trend", variable=var, misleading=bends), grid


def _variable(var: object, rows: Rows, env: Mapping[str, Any] | None) -> Variable:
    numeric = numeric_names(rows)
    if not isinstance(var, str):
        raise OptionError(f"var={var!r}: name one numeric predictor, such as {numeric[:1]!r}.")
    if var in numeric:
        return Variable(var, _parse(var, env).node, (var,))
    if var in rows.names:
        raise OptionError(
            f"var={var!r} is not numeric; slopes are by one of: {', '.join(numeric) or 'none'}."
        )
    variable = _call(var, env)
    inside = [] if variable is None else [name for name in variable.columns if name in numeric]
    if variable is None or len(inside) != 1:
        raise OptionError(f"var={var!r} is no predictor of the fixed part. {did_you_mean(var, numeric)}")
    return Variable(var, variable.node, (inside[0],))


def _call(var: str, env: Mapping[str, Any] | None) -> Variable | None:
    """Return an expression such as ``log(x)``; None for what is none."""
    try:
        return _parse(var, env) if "(" in var else None
    except FormulaError:
        return None


def _parse(var: str, env: Mapping[str, Any] | None) -> Variable:
    text = f"`{var}`" if not var.isidentifier() and "(" not in var else var
    return read_formula(f".y ~ {text} + (1 | .g)", frozenset(env or ())).fixed.variables[0]


def _quotients(design: Design, rows: Rows, grid: Grid, name: str, variable: Variable) -> np.ndarray:
    """Difference quotients of all columns of the model on the grid, (r, P)."""
    r, a = len(grid.codes), grid.axis(name)
    columns: dict[str, Column] = {
        axis.name: axis.column.take(grid.codes[:, j]) for j, axis in enumerate(grid.axes)
    }
    centre = np.array([float(v) for v in grid.axes[a].values])[grid.codes[:, a]]
    half = 0.5 * SHARE * (number_spread(rows, name)[1] or 1.0)
    X, by = [], []
    for side in (-half, half):
        columns[name] = Numbers(centre + side)
        X.append(model_columns(design, rows, columns, r))
        context = formula_context(design, rows, columns, r)
        with np.errstate(all="ignore"):
            by.append(np.asarray(evaluate_variable(variable.name, variable.node, context), dtype=float))
    return np.asarray((X[1] - X[0]) / (by[1] - by[0])[:, None])
