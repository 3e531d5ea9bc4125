"""Transforms that remember: polynomials, centring, scaling. Learn on the training rows, apply to any."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.errors import DataError

State = dict[str, Any]


def learn_poly(x: np.ndarray, degree: int, name: str) -> State:
    """Learn the three-term recurrence of the polynomials orthogonal over the values of `x`.

    With p₀ = 1 and p₋₁ = 0, p_{j+1} = (x − α_j) p_j − (ν_j/ν_{j−1}) p_{j−1}, where α_j = Σ x p_j²/ν_j and
    ν_j = Σ p_j²; column j is p_j/√ν_j, which has a positive leading coefficient as R's ``poly`` has.

    Parameters
    ----------
    x : (n,) float64
        Values.
    degree : int
        Highest power.
    name : str
        For messages.

    Returns
    -------
    dict with ``alpha`` (degree,) and ``norm2`` (degree + 1,)

    Raises
    ------
    DataError
        Too few different values for the degree.
    """
    alpha, norm2 = [], [float(len(x))]
    before, now = np.zeros_like(x), np.ones_like(x)
    for j in range(degree):
        alpha.append(float(np.dot(x * now, now)) / norm2[j])
        following = (x - alpha[j]) * now - (norm2[j] / norm2[j - 1] * before if j else 0.0)
        before, now = now, following
        norm2.append(float(np.dot(now, now)))
        spread = float(np.dot((x - alpha[0]) * before, (x - alpha[0]) * before))
        if not norm2[-1] > 1e-20 * spread or not np.isfinite(norm2[-1]):
            raise DataError(
                f"{name} needs more than {degree} different values; there are {len(np.unique(x))}. "
                "Use a lower degree."
            )
    return {"alpha": alpha, "norm2": norm2}


def apply_poly(x: np.ndarray, state: State) -> np.ndarray:
    """Evaluate the orthogonal polynomials of `learn_poly`; returns (n, degree)."""
    alpha, norm2 = state["alpha"], state["norm2"]
    out = np.empty((len(x), len(alpha)), order="F")
    before, now = np.zeros_like(x), np.ones_like(x)
    for j, shift in enumerate(alpha):
        following = (x - shift) * now - (norm2[j] / norm2[j - 1] * before if j else 0.0)
        before, now = now, following
        out[:, j] = now / np.sqrt(norm2[j + 1])
    return out


def raw_powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Return x, x², …; (n, degree)."""
    out = np.empty((len(x), degree), order="F")
    out[:, 0] = x
    for j in range(1, degree):
        np.multiply(out[:, j - 1], x, out=out[:, j])
    return out


def learn_scale(x: np.ndarray, center: bool | float, scale: bool | float, name: str) -> State:
    """Learn the shift and the divisor of R's ``scale``.

    Parameters
    ----------
    x : (n,) float64
        Values.
    center : bool or float
        True for the mean, a number for itself.
    scale : bool or float
        True for the root of Σ(x − shift)²/(n − 1) (the standard deviation when centred), a number for itself.
    name : str
        For messages.

    Returns
    -------
    dict with ``center`` and ``scale``
    """
    shift = float(x.mean()) if center is True else float(center)
    divisor = (
        float(np.sqrt(np.square(x - shift).sum() / max(1, len(x) - 1)))
        if scale is True
        else float(scale or 1.0)
    )
    if divisor == 0.0:
        raise DataError(f"{name} divides by the spread of its column, which is zero: all values are equal.")
    return {"center": shift, "scale": divisor}


def apply_scale(x: np.ndarray, state: State) -> np.ndarray:
    """Return (x − center)/scale."""
    return (x - state["center"]) / state["scale"]
