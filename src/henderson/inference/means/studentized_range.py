"""The distribution of the studentized range, of which Tukey's comparisons are made, by quadrature."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_STEP = 1 / 64
_ROWS = 256  # worked on at a time
_FURTHEST = 16.0  # a range this wide has probability below 1e-20 for up to 10,000 means
_LATTICE = 0.2


@lru_cache(maxsize=32)
def _table(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return log Pr(range of k standard normals > w) and its derivative, on a grid of w from 0.

    The tail is k times the integral of phi(z) [Phi(z)^(k-1) - (Phi(z) - Phi(z - w))^(k-1)] dz, z the largest
    of the k; the integrand is smooth and falls off like phi, so that equal steps converge geometrically.
    """
    from scipy.special import log_ndtr

    w = np.arange(0.0, _FURTHEST + _STEP, _STEP)[:, None]
    z = np.arange(-8.6, _FURTHEST, _LATTICE)[None, :]
    below, ratio = log_ndtr(z), np.exp(log_ndtr(z - w) - log_ndtr(z))
    with np.errstate(divide="ignore"):
        inside = np.log1p(-np.minimum(ratio, 1.0))  # log of the share of Phi(z) that lies within w of z
    density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    tail = k * _LATTICE * (np.exp(density + (k - 1) * below) * -np.expm1((k - 1) * inside)).sum(axis=1)
    shift = -0.5 * (z - w) ** 2 - 0.5 * np.log(2 * np.pi)
    slope = np.exp(density + shift + (k - 2) * (below + (inside if k > 2 else 0.0))).sum(axis=1)
    tail = np.maximum(tail, 1e-300)
    return np.log(np.minimum(tail, 1.0)), -k * (k - 1) * _LATTICE * slope / tail


def _log_tail(w: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return log Pr(range > w) and its derivative by cubic interpolation of the table; shapes of w."""
    value, slope = _table(k)
    at = np.minimum(w, _FURTHEST - _STEP) / _STEP
    i = at.astype(np.int64)
    t = at - i
    a, b, c, d = value[i], slope[i] * _STEP, value[i + 1], slope[i + 1] * _STEP
    low, high = 3 * (c - a) - 2 * b - d, 2 * (a - c) + b + d
    return a + t * (b + t * (low + t * high)), (b + t * (2 * low + 3 * t * high)) / _STEP


def _scale_nodes(df: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes s and weights of the distribution of sqrt(chi^2_df / df): equal steps of log s, (m, J).

    The density of log s is analytic and falls off at least exponentially, and so is the tail at q s, the
    more steeply the more means there are. Infinite degrees of freedom are the point 1.
    """
    from scipy.special import gammaln

    if np.isinf(df).all():
        return np.ones((len(df), 1)), np.ones((len(df), 1))
    sd = 1 / np.sqrt(2 * df)
    step = np.minimum(0.15, sd / 1.3) / (1 if k <= 10 else 2)
    left, right = -34 / df - 10 * sd, 7.5 * sd + 1.2 * sd**2
    v = left[:, None] + step[:, None] * np.arange(np.ceil((right - left) / step).max() + 1)
    constant = np.log(2) + df / 2 * np.log(df / 2) - gammaln(df / 2)
    half = df[:, None] / 2
    log_density = constant[:, None] + half * (2 * v - np.exp(2 * v))
    return np.exp(v), step[:, None] * np.exp(log_density)


def _tail(q: np.ndarray, k: int, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Pr(Q > q) and its derivative, (m,); rows of like degrees of freedom share their nodes."""
    out, slope = np.empty(len(q)), np.empty(len(q))
    order = np.argsort(df, kind="stable")
    finite = order[: np.count_nonzero(np.isfinite(df))]
    parts = [finite[i : i + _ROWS] for i in range(0, len(finite), _ROWS)]
    for here in (*parts, order[len(finite) :]):
        if len(here) == 0:
            continue
        s, weight = _scale_nodes(df[here], k)
        log_tail, change = _log_tail(np.maximum(q[here], 0.0)[:, None] * s, k)
        tail = np.exp(log_tail) * weight
        out[here], slope[here] = tail.sum(axis=1), (tail * change * s).sum(axis=1)
    return out, slope


def range_tail(q: np.ndarray, k: int, df: np.ndarray) -> np.ndarray:
    """Return the probability that a studentized range exceeds q.

    Pr(Q > q) is the mean over s of Pr(range of k normals > q s), s^2 distributed as chi^2_df / df.

    Parameters
    ----------
    q : (m,) float64
        Ranges; NaN gives NaN.
    k : int
        Number of means, at least 2.
    df : (m,) float64
        Degrees of freedom of the standard error; infinite for a known one.

    Returns
    -------
    (m,) float64
        Probabilities, to about 1e-9 of themselves, or 1e-20.

    Notes
    -----
    The tail for known s is tabulated once for every k (some 20 ms), then each q costs some 60 look-ups;
    4,950 of them take about 10 ms, where ``scipy.stats.studentized_range`` takes about 1 ms for one.

    Examples
    --------
    >>> range_tail(np.array([3.506, 4.0]), 3, np.array([21.0, np.inf])).round(4)
    array([0.0544, 0.013 ])
    """
    known = np.isfinite(q) & ~np.isnan(df)
    out = np.full(len(q), np.nan)
    out[known] = np.clip(_tail(q[known], k, df[known])[0], 0.0, 1.0)
    out[np.isposinf(q) & ~np.isnan(df)] = 0.0
    return out


def range_quantile(p: float, k: int, df: np.ndarray) -> np.ndarray:
    """Return the range that is exceeded with probability p, (m,) for df (m,).

    By Newton's method on log Pr(Q > q), which is close to a parabola and concave.

    Examples
    --------
    >>> range_quantile(0.05, 3, np.array([10.0, np.inf])).round(4)
    array([3.8768, 3.3145])
    """
    out = np.full(len(df), np.nan)
    known = ~np.isnan(df)
    if not known.any():
        return out
    different, back = np.unique(df[known], return_inverse=True)
    q = np.full(len(different), 3.0)
    for _ in range(60):
        tail, slope = _tail(q, k, different)
        step = np.clip((np.log(tail) - np.log(p)) * tail / -slope, -0.5 * q, q)
        q = q + step
        if np.all(np.abs(step) < 1e-10 * q):
            break
    out[known] = q[back]
    return out
