"""Fit the covariance parameters: by the library's own search, or with some of them tied or held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson import crossprod
from henderson import estimate as estimation
from henderson.adapters.statsmodels.blocks import Blocks
from henderson.crossprod.record import CrossProducts
from henderson.design.record import Design
from henderson.model.criterion import criterion
from henderson.model.start import moment_start
from henderson.model.units import from_search, gradient_as_typed, to_search

STEP = 1e-4
TOLERANCE = 1e-9
"""Largest gradient at which a search with ties counts as converged, relative to the criterion."""
SAME = 1e-6
"""Difference of two criteria below which they are those of one maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Covariance parameters in units of the scale.

    Attributes
    ----------
    root : (k_re, k_re) float64
        Square root of the covariance of the random coefficients.
    vcomp : (k_vc,) float64
        Variance components.
    converged : bool
        Whether the search met its criterion.
    evaluations : int
        Of the likelihood.
    estimate : Estimate or None
        The library's own, where nothing is tied or held.
    """

    root: np.ndarray
    vcomp: np.ndarray
    converged: bool
    evaluations: int
    estimate: estimation.Estimate | None

    @property
    def cov_re(self) -> np.ndarray:
        """(k_re, k_re) covariance of the random coefficients, in units of the scale."""
        return self.root @ self.root.T


def fit_free(blocks: Blocks, k_re: int, k_vc: int, *, reml: bool, **options: Any) -> Found:
    """Fit all parameters with the library's search.

    Parameters
    ----------
    blocks : Blocks
        The design; no variance is shared.
    k_re, k_vc : int
        Random coefficients and variance components.
    reml : bool
        Restricted likelihood or not.
    **options
        For `henderson.estimate.fit`.

    Notes
    -----
    A fit that ends on the boundary is searched once more from where statsmodels starts, and the better of the
    two taken.
    """
    estimate = estimation.fit(blocks.design, reml=reml, **options)
    count = len(estimate.search.steps)
    if estimate.singular and "start" not in options:  # small samples may have a second maximum inside
        other = estimation.fit(blocks.design, reml=reml, start=unit_start(blocks.design), **options)
        count += len(other.search.steps)
        if other.search.converged and other.criterion < estimate.criterion - SAME:
            estimate = other
    root, vcomp = unpack(blocks, estimate.theta, k_re, k_vc)
    return Found(root, vcomp, estimate.search.converged, count, estimate)


def unit_start(design: Design) -> np.ndarray:
    """Where statsmodels' search starts: independent effects with the variance of the residuals, as theta."""
    return np.array([float(a == b) for term in design.terms for a, b in _by_columns(term.k)])


def unpack(blocks: Blocks, theta: np.ndarray, k_re: int, k_vc: int) -> tuple[np.ndarray, np.ndarray]:
    """theta → square root of the covariance (k_re, k_re), and variance components (k_vc,)."""
    root, vcomp, at = np.zeros((k_re, k_re)), np.zeros(k_vc), 0
    for term, target in zip(blocks.design.terms, blocks.targets, strict=True):
        k = term.k
        block = theta[at : at + k * (k + 1) // 2]
        at += len(block)
        if target.component is not None:
            vcomp[target.component] = block[0] ** 2
            continue
        for value, (a, b) in zip(block, _by_columns(k), strict=True):
            root[target.columns[a], target.columns[b]] = value
    return root, vcomp


def _by_columns(k: int) -> list[tuple[int, int]]:
    """Rows and columns of a lower triangle in the order of theta."""
    return [(a, b) for b in range(k) for a in range(b, k)]


def entry_table(blocks: Blocks, k_re: int) -> list[tuple[str, int, int]]:
    """What every theta stands for: ("re", row, column) of the root, or ("vc", component, 0)."""
    out: list[tuple[str, int, int]] = []
    for term, target in zip(blocks.design.terms, blocks.targets, strict=True):
        if target.component is not None:
            out.append(("vc", target.component, 0))
        else:
            out += [("re", int(target.columns[a]), int(target.columns[b])) for a, b in _by_columns(term.k)]
    return out


def fit_held(
    blocks: Blocks,
    k_re: int,
    k_vc: int,
    *,
    reml: bool,
    root: np.ndarray | None = None,
    vcomp: np.ndarray | None = None,
    free_root: np.ndarray | None = None,
    free_vcomp: np.ndarray | None = None,
    cross: CrossProducts | None = None,
) -> Found:
    """Fit with entries of the root of the covariance held, and with variances shared by several columns.

    Parameters
    ----------
    blocks : Blocks
        The design.
    k_re, k_vc : int
        Random coefficients and variance components.
    reml : bool
        Restricted likelihood or not.
    root, vcomp : (k_re, k_re), (k_vc,) float64, optional
        Start, in units of the scale; what is held stays there.
    free_root, free_vcomp : arrays of bool, optional
        What may move: entries of the lower triangular root, components.
    cross : CrossProducts, optional
        Of the design, where they are known.

    Returns
    -------
    Found
        Without an estimate of the library's own.

    Notes
    -----
    BFGS and then Newton with differences of the analytic gradient, a handful of evaluations per parameter.
    """
    cross = crossprod.from_design(blocks.design) if cross is None else cross
    table = entry_table(blocks, k_re)
    keys = sorted(set(table))
    start = _start(cross, table, keys, root, vcomp)
    moves = np.array([_is_free(key, free_root, free_vcomp) for key in keys], dtype=bool)
    spread = np.array([[float(key == entry) for key in keys] for entry in table])
    objective = _objective(cross, spread, moves, start, reml)
    x, converged, count = _minimise(objective, start[moves])
    full = start.copy()
    full[moves] = x
    values = dict(zip(keys, full, strict=True))
    out_root, out_vcomp = np.zeros((k_re, k_re)), np.zeros(k_vc)
    for (kind, a, b), value in values.items():
        if kind == "re":
            out_root[a, b] = value
        else:
            out_vcomp[a] = value**2
    return Found(out_root, out_vcomp, converged, count, None)


def _start(
    cross: CrossProducts,
    table: list[tuple[str, int, int]],
    keys: list[tuple[str, int, int]],
    root: np.ndarray | None,
    vcomp: np.ndarray | None,
) -> np.ndarray:
    theta = from_search(cross, *moment_start(cross))
    out = np.array([np.mean([t for t, e in zip(theta, table, strict=True) if e == key]) for key in keys])
    for n, (kind, a, b) in enumerate(keys):
        if kind == "re" and root is not None:
            out[n] = root[a, b]
        if kind == "vc" and vcomp is not None:
            out[n] = np.sqrt(vcomp[a])
    return out


def _is_free(key: tuple[str, int, int], free_root: np.ndarray | None, free_vcomp: np.ndarray | None) -> bool:
    kind, a, b = key
    mask = free_root if kind == "re" else free_vcomp
    return mask is None or bool(mask[a, b] if kind == "re" else mask[a])


Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


def _objective(
    cross: CrossProducts, spread: np.ndarray, moves: np.ndarray, start: np.ndarray, reml: bool
) -> Objective:
    """Return half the criterion and its gradient by what may move."""
    evaluate = criterion(cross, reml=reml)

    def at(x: np.ndarray) -> tuple[float, np.ndarray]:
        full = start.copy()
        full[moves] = x
        theta = spread @ full
        chart, coordinates = to_search(cross, theta)
        found = evaluate(coordinates, 2, chart.entries)
        if found is None:
            return np.inf, np.zeros(len(x))
        slope = gradient_as_typed(cross, theta, found.variance_gradient)
        return found.value / 2, (slope @ spread)[moves] / 2

    return at


def _minimise(objective: Objective, x: np.ndarray) -> tuple[np.ndarray, bool, int]:
    if not len(x):
        return x, True, 1
    from scipy.optimize import minimize

    found = minimize(objective, x, jac=True, method="BFGS", options={"gtol": 1e-5})
    x, count = found.x, int(found.nfev)
    value, slope = objective(x)
    for _ in range(4):  # Newton: BFGS stops where differences of the likelihood drown in rounding
        if np.abs(slope).max() < TOLERANCE * max(1.0, abs(value)):
            break
        step, used = _newton_step(objective, x, slope)
        new, new_slope = objective(x + step)
        count += used + 1
        if not np.abs(new_slope).max() < np.abs(slope).max() or new > value + 1e-7:
            break
        x, value, slope = x + step, new, new_slope
    return x, bool(np.abs(slope).max() < 1e-5 * max(1.0, abs(value))), count


def _newton_step(objective: Objective, x: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, int]:
    rows = []
    for j in range(len(x)):
        move = np.zeros_like(x)
        move[j] = STEP * max(abs(x[j]), 1e-2)
        rows.append((objective(x + move)[1] - objective(x - move)[1]) / (2 * move[j]))
    H = np.array(rows)
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    values = np.maximum(np.abs(values), 1e-10 * np.abs(values).max())
    return -vectors @ ((vectors.T @ slope) / values), 2 * len(x)
