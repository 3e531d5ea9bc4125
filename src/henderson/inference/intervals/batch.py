"""Refits to a block of responses at once: the compiled search, one response after the other.

The compiled loop takes the plain way only (see `core/block_newton.hpp`). A response whose search is not plain
sailing (a long or uphill step, a zero variance that would rather grow) is left to the search that every fit
uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError, HendersonError
from henderson.estimate import DEFAULT_TOL, Estimate, fit_cross_products
from henderson.inference.intervals.coordinates import Frame
from henderson.inference.intervals.curve import user_coefficients
from henderson.inference.intervals.responses import Products
from henderson.inference.many.roots import roots_of
from henderson.model.criterion import constant
from henderson.optim.rectify import off_the_boundary

MOST = 25
"""Evaluations after which a search is no longer plain."""
PLAIN, SNAPPED, CAREFUL = 0, 1, 2
"""How a compiled search ended: regular, with variances of zero, or undecided."""


@dataclass(slots=True, eq=False)
class Refits:
    """Estimates for R responses, user's units.

    Attributes
    ----------
    roots : list of (R, k_i, k_i)
        Per term a root of Lambda_i Lambda_i'.
    sigma : (R,) float64
    beta : (R, p) float64
    singular : (R,) bool
    careful : int
        How many needed the careful search.
    failed : dict of int to str
        Why a response has no estimate (its rows are NaN).
    """

    roots: list[np.ndarray]
    sigma: np.ndarray
    beta: np.ndarray
    singular: np.ndarray
    careful: int
    failed: dict[int, str]


def refit_block(estimate: Estimate, frame: Frame, block: Products, count: int) -> Refits:
    """Refit a model to the first `count` responses of a block.

    Parameters
    ----------
    estimate : Estimate
        Of the original response: its criterion (REML or ML) is used, and its theta starts the search.
    frame : Frame
        Its coordinates.
    block : Products
    count : int

    Notes
    -----
    About five evaluations of the criterion each, outside Python's lock. Owns its workspace: several threads
    may call it.
    """
    start = np.tile(off_the_boundary(frame.chart, frame.theta), (count, 1))
    numbers = np.arange(count, dtype=np.int32)
    run = compiled_block(frame.cross, frame.system, block, reml=estimate.reml)
    theta, rows, _, r2, raw, outcome, _ = run.search(
        frame.chart.entries[None], np.zeros(count, dtype=np.int32), numbers, start, DEFAULT_TOL, MOST
    )
    out = Refits(
        [roots_of(frame.cross, each, theta, rows) for each in frame.chart.blocks],
        np.sqrt(r2 / estimate.nu),
        user_coefficients(estimate, raw),
        outcome == SNAPPED,
        int((outcome == CAREFUL).sum()),
        {},
    )
    for i in np.flatnonzero(outcome == CAREFUL).tolist():
        _carefully(estimate, frame, block, i, out)
    return out


def compiled_block(cross: CrossProducts, system: Any, block: Products, *, reml: bool) -> Any:
    """The compiled searches and evaluations for a block of responses; for one thread at a time."""
    nu = float(cross.n - cross.p if reml else cross.n)
    return core().ResponseBlock(
        system, cross.zx, cross.xx, block.zy, block.xy, block.yy, nu, reml, constant(cross, reml)
    )


def _carefully(estimate: Estimate, frame: Frame, block: Products, i: int, out: Refits) -> None:
    try:
        found = fit_cross_products(
            block.of(i, frame.cross), estimate.theta_names, reml=estimate.reml, system=frame.system
        )
        if not found.search.converged:
            raise FitError("the search was stopped at its limit of evaluations")
    except HendersonError as error:
        out.failed[i] = str(error).split(". ")[0]
        out.sigma[i] = out.beta[i] = np.nan
        for root in out.roots:
            root[i] = np.nan
        return
    out.sigma[i], out.beta[i], out.singular[i] = found.sigma, found.beta, found.singular
    for root, lam in zip(out.roots, found.lambdas, strict=True):
        root[i] = lam
