"""B-splines and natural splines, with the numbers of R's ``splines::bs`` and ``splines::ns``."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.errors import DataError

State = dict[str, Any]

MAX_KNOTS = 500


def _interior_knots(x: np.ndarray, count: int, boundary: tuple[float, float]) -> list[float]:
    inside = x[(x >= boundary[0]) & (x <= boundary[1])]
    return np.quantile(inside, np.linspace(0, 1, count + 2)[1:-1]).tolist() if count else []


def learn_spline(
    x: np.ndarray,
    name: str,
    *,
    df: int | None,
    knots: list[float] | None,
    boundary: tuple[float, float] | None,
    degree: int,
    intercept: bool,
    natural: bool,
) -> State:
    """Settle the knots of a spline basis.

    Parameters
    ----------
    x : (n,) float64
        Values.
    name : str
        For messages.
    df : int, optional
        Number of columns; sets the number of interior knots, placed at quantiles.
    knots : list of float, optional
        Interior knots; they win over `df`.
    boundary : pair of float, optional
        Boundary knots; default the range of `x`.
    degree : int
        Of the pieces; 3 for natural splines.
    intercept : bool
        Whether the constant is within the span.
    natural : bool
        Whether the spline is linear beyond the boundary.

    Returns
    -------
    dict with ``knots`` (with the repeated boundary), ``degree``, ``intercept``, ``natural``

    Raises
    ------
    DataError
        Too few columns asked for, more columns than values, or all values equal.
    """
    low, high = boundary or (float(x.min()), float(x.max()))
    if not low < high:
        raise DataError(f"{name} needs boundary knots that differ; they are {low:g} and {high:g}.")
    if knots is None:
        least = (1 if natural else degree) + intercept
        count = 0 if df is None else df - least
        if not 0 <= count < MAX_KNOTS:
            raise DataError(
                f"{name}: df = {df} is out of reach; it goes from {least} to {least + MAX_KNOTS - 1}."
            )
        knots = _interior_knots(x, count, (low, high))
    elif any(not low < knot < high for knot in knots):
        raise DataError(f"{name}: interior knots must lie between the boundary knots {low:g} and {high:g}.")
    full = sorted([low] * (degree + 1) + [float(knot) for knot in knots] + [high] * (degree + 1))
    return {"knots": full, "degree": degree, "intercept": bool(intercept), "natural": bool(natural)}


def _basis(x: np.ndarray, knots: np.ndarray, degree: int, order: int = 0) -> np.ndarray:
    """B-splines or their derivatives; beyond the boundary the end pieces continue; (n, m)."""
    from scipy.interpolate import BSpline

    if order == 0:
        return np.asarray(BSpline.design_matrix(x, knots, degree, extrapolate=True).toarray())
    return np.asarray(BSpline(knots, np.eye(len(knots) - degree - 1), degree)(x, nu=order))


def _natural(x: np.ndarray, knots: np.ndarray, intercept: bool) -> np.ndarray:
    low, high = knots[0], knots[-1]
    ends = np.array([low, high])
    first = 0 if intercept else 1
    bends = _basis(ends, knots, 3, 2)[:, first:]
    rotation = np.linalg.qr(bends.T, mode="complete")[0][
        :, 2:
    ]  # the combinations without curvature at the ends
    basis = _basis(np.clip(x, low, high), knots, 3)
    for end, slope in zip(ends, _basis(ends, knots, 3, 1), strict=True):
        beyond = x < low if end == low else x > high
        basis[beyond] += np.outer(x[beyond] - end, slope)
    return basis[:, first:] @ rotation


def apply_spline(x: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the basis of `learn_spline`.

    Parameters
    ----------
    x : (n,) float64
        Values; rows with NaN give NaN.
    state : dict
        From `learn_spline`.

    Returns
    -------
    (n, k) float64

    Notes
    -----
    Cost O(n·m) for m columns.
    """
    knots, degree = np.asarray(state["knots"], dtype=np.float64), int(state["degree"])
    missing = np.isnan(x)
    filled = np.where(missing, knots[0], x) if missing.any() else x
    if state["natural"]:
        out = _natural(filled, knots, state["intercept"])
    else:
        out = _basis(filled, knots, degree)[:, 0 if state["intercept"] else 1 :]
    out = np.asfortranarray(out)
    out[missing] = np.nan
    return out
