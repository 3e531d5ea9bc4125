"""Cubic regression splines ``cr`` and ``cc`` as formulaic (and patsy) compute them.

Their columns are values of the curve at the knots. They are always centred, so that they stand beside an
intercept without being aliased with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.errors import DataError

State = dict[str, Any]

MAX_DF = 500


def learn_regression_spline(
    x: np.ndarray, name: str, *, df: int | None, knots: list[float] | None, cyclic: bool
) -> State:
    """Settle knots and centring.

    Parameters
    ----------
    x : (n,) float64
        Values, none missing.
    name : str
        For messages.
    df : int, optional
        Number of columns; sets the number of interior knots, placed at quantiles.
    knots : list of float, optional
        Interior knots.
    cyclic : bool
        Whether value and two derivatives agree at both ends (``cc``).

    Returns
    -------
    dict of numbers and lists

    Raises
    ------
    DataError
        `df` and `knots` do not fit together, or the values do not allow so many columns.
    """
    if df is not None and not 2 <= df <= MAX_DF:
        raise DataError(f"{name}: df = {df} is out of reach; it goes from 2 to {MAX_DF}.")
    if not x.min() < x.max():
        raise DataError(f"{name} needs values that differ; all are {x.min():g}.")
    state: State = {}
    try:
        columns = _evaluate(x, state, df=df, knots=knots, cyclic=cyclic, constraints="center")
    except (ValueError, IndexError, np.linalg.LinAlgError) as why:
        reason = str(why).rstrip(".")
        raise DataError(f"{name} cannot be formed: {reason}. Ask for fewer columns or other knots.") from None
    if not np.isfinite(columns).all():
        raise DataError(f"{name} cannot be formed: knots coincide. Ask for fewer columns or other knots.")
    return {key: np.asarray(value).tolist() for key, value in state.items()}


def apply_regression_spline(x: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the basis of `learn_regression_spline`: (n, df), NaN where x is."""
    kept = {key: np.asarray(value) if key == "constraints" else value for key, value in state.items()}
    missing = np.isnan(x)
    columns = _evaluate(x[~missing], kept)
    out = np.full((len(x), columns.shape[1]), np.nan, order="F")
    out[~missing] = columns
    return out


def _evaluate(x: np.ndarray, state: State, **options: Any) -> np.ndarray:
    from formulaic.transforms import TRANSFORMS

    columns = TRANSFORMS["cr"](x, **options, _state=state)
    return np.column_stack([np.asarray(column) for column in columns.values()])
