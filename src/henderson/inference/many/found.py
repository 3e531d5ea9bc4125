"""Many responses of one design, searched: theta, and what the factor at theta says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError, HendersonError
from henderson.inference.intervals.batch import CAREFUL, compiled_block
from henderson.inference.intervals.responses import Products
from henderson.inference.many.roots import chart_table
from henderson.inference.many.start import moment_starts
from henderson.model.criterion import criterion, explain_failure
from henderson.model.start import moment_start
from henderson.optim.again import BETTER, FEW_ROWS, search_again, unit_theta
from henderson.optim.chart import chart_as_typed
from henderson.optim.rectify import SMALL_PIVOT
from henderson.optim.search import search
from henderson.solve.direct import FAILURES


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """Where the searches of R responses ended; rows of responses that failed mean nothing.

    Attributes
    ----------
    theta : (R, n_theta) float64
        On the centred and scaled columns.
    rows : (R, n_theta) int32
        Rows of the entries, see `roots.scaled_roots`.
    evaluations : (R,) int32
    converged : (R,) bool
    failed : dict of int to str
        Why a response has no estimate.
    """

    theta: np.ndarray
    rows: np.ndarray
    evaluations: np.ndarray
    converged: np.ndarray
    failed: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """What the factor at theta says of R responses, on the centred and scaled columns.

    Attributes
    ----------
    criterion, r2 : (R,) float64
    beta : (R, p) float64
    root : (R, p, p) float64
        Upper triangular R_XX.
    scores : list of (R, K, K) float64
        Per grouping, sum over levels of e_g e_g', e = Z'V^-1 (y - X beta) times sigma^2.
    products : list of (R, K, K, p, p) float64
        Per grouping, sums over levels of products of rows a and b of Z'V^-1 X R_XX^-1.
    status : (R,) int
        Zero where the equations could be solved.
    """

    criterion: np.ndarray
    r2: np.ndarray
    beta: np.ndarray
    root: np.ndarray
    scores: list[np.ndarray]
    products: list[np.ndarray]
    status: np.ndarray


@dataclass(slots=True, eq=False)
class Limits:
    """When a search stops.

    Attributes
    ----------
    tol : float
    most : int
        Evaluations.
    """

    tol: float
    most: int


def search_block(
    cross: CrossProducts, system: Any, block: Products, good: np.ndarray, limits: Limits, *, reml: bool
) -> tuple[Any, Searches]:
    """Search for theta of the responses `good` of a block, each from its own start by moments.

    Parameters
    ----------
    cross, system : CrossProducts, compiled System
        Of the design, with any response.
    block : Products
        R responses.
    good : (R,) bool
        Which responses can be searched.
    limits : Limits
    reml : bool

    Returns
    -------
    run : compiled block
        For evaluations beside the estimates.
    Searches

    Notes
    -----
    The compiled search takes the steps of `optim.search`; what it leaves undecided goes there.
    """
    run = compiled_block(cross, system, block, reml=reml)
    start, number = moment_starts(cross, block), np.flatnonzero(good).astype(np.int32)
    theta, rows = start.theta.copy(), np.zeros(start.theta.shape, dtype=np.int32)
    rows[:] = cross.entries[:, 1]
    spent, converged = np.zeros(len(good), dtype=np.int32), good.copy()
    theta[good], rows[good], value, _, _, outcome, spent[good] = run.search(
        start.charts, start.which[good], number, start.theta[good], limits.tol, limits.most
    )
    out, careful = Searches(theta, rows, spent, converged, {}), number[outcome == CAREFUL]
    if cross.n <= FEW_ROWS:
        plain = outcome != CAREFUL
        careful = np.union1d(careful, _again(run, cross, number[plain], value[plain], limits, out))
    for i in careful.tolist():
        _carefully(cross, system, block, i, limits, reml, out)
    return run, out


def _again(
    run: Any, cross: CrossProducts, number: np.ndarray, value: np.ndarray, limits: Limits, out: Searches
) -> np.ndarray:
    """Search responses on the boundary again, as `search_again`; returns those that it leaves undecided."""
    typed = chart_as_typed(cross.entries)
    pivots = np.concatenate([each.positions.diagonal() for each in typed.blocks])
    zeros = (np.abs(out.theta[np.ix_(number, pivots)]) < SMALL_PIVOT).any(axis=1)
    number, value = number[zeros].astype(np.int32), value[zeros]
    start = np.tile(unit_theta(typed), (len(number), 1))
    theta, rows, other, _, _, outcome, spent = run.search(
        typed.entries[None], np.zeros(len(number), dtype=np.int32), number, start, limits.tol, limits.most
    )
    spent = spent + out.evaluations[number]
    better = (outcome != CAREFUL) & (other < value - BETTER) & (spent <= limits.most)
    out.theta[number[better]], out.rows[number[better]] = theta[better], rows[better]
    out.evaluations[number] = np.minimum(spent, limits.most)
    return number[outcome == CAREFUL]


def _carefully(
    cross: CrossProducts, system: Any, block: Products, i: int, limits: Limits, reml: bool, out: Searches
) -> None:
    one = block.of(i, cross)
    try:
        chart, theta = moment_start(one)
        evaluate = criterion(one, reml=reml, system=system)
        found = search(evaluate, chart, theta, tol=limits.tol, most=limits.most)
        if cross.n <= FEW_ROWS:
            found = search_again(evaluate, found, tol=limits.tol, most=limits.most)
        if found.point is None:
            raise explain_failure(one, theta, chart.entries, reml=reml, system=system)
    except (HendersonError, np.linalg.LinAlgError) as error:
        out.failed[i] = str(error) if isinstance(error, FitError) else f"The search failed: {error}"
        return
    out.theta[i], out.rows[i] = found.point.theta, found.point.chart.entries[:, 1]
    out.evaluations[i], out.converged[i] = len(found.record.steps), found.record.converged


def finish(run: Any, cross: CrossProducts, found: Searches, which: np.ndarray) -> Finished:
    """Evaluate the responses `which` (R',) of a block at their estimates."""
    charts, chart = chart_table(cross, found.rows[which])
    status, numbers, beta, rx, scores, products = run.finish(
        charts, chart, which.astype(np.int32), found.theta[which]
    )
    p, count = cross.p, len(which)
    sizes = np.cumsum([0, *(k * k for k in cross.columns)])
    between = list(zip(sizes[:-1].tolist(), sizes[1:].tolist(), cross.columns, strict=True))
    flat = products.reshape(count, int(sizes[-1]), p, p)
    return Finished(
        numbers[:, 0],
        numbers[:, 1],
        beta,
        np.tril(rx[:, :p, :p]).transpose(0, 2, 1),
        [scores[:, a:b].reshape(count, k, k) for a, b, k in between],
        [flat[:, a:b].reshape(count, k, k, p, p) for a, b, k in between],
        status,
    )


def why_not(status: int) -> str:
    """Why the equations could not be solved at an estimate."""
    return FAILURES.get(int(status), "unknown reason")
