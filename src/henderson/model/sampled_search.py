"""The same Newton search on an estimated gradient, with as many probes as the wanted accuracy takes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.model.criterion import profiled
from henderson.model.iterative import ROUGH_TOL, IterativeCriterion
from henderson.model.sampled import Sampled, floored, relative_blocks
from henderson.model.units import from_search
from henderson.optim.chart import Chart
from henderson.optim.newton import Point
from henderson.optim.record import SearchRecord, Step
from henderson.optim.rectify import KKT
from henderson.optim.search import Found, search
from henderson.progress import Counted
from henderson.solve.complement import Complement, buffers_for
from henderson.solve.direct import Evaluation
from henderson.solve.iterative import DENSE, TOL, IterativeFactor
from henderson.solve.lanczos import LogDeterminant, log_determinant
from henderson.solve.levels import LANES, Layout
from henderson.solve.probes import Probes, draw_probes, exact_directions
from henderson.solve.traces import blockwise_where_exact

DEFAULT_ERROR = 0.01
"""Monte Carlo error of every theta, in units of its standard error, unless another is asked for."""
FEWEST = 10
"""Random vectors at least in the end: their spread is the error that is reported."""
FOR_THE_CRITERION = 60
"""Random vectors at least for log|Omega|: forms have heavy tails, and few say too little of the spread."""
ROUGH = 1e-2
"""What a step may promise where a rough search ends, with few probes and loose solves."""
ROUGH_STEPS = 30
"""Evaluations after which a rough search has done what it can."""
MOST_PROBES = 2_000
FORMED = 3_000
"""Rows of the rest up to which all are taken, in place of more random vectors than an eighth of them: to form
the complement takes one product a row, to solve for a vector ten to a hundred."""
SHARE_OF_ERROR = 1e-3
"""The search ends where a step promises this share of the squared error: a thirtieth of the error itself."""
LEAST_TOL = 1e-10
"""What a step may promise at the end at least: less is below the residuals of the solves."""
SPARE = 1.3
"""Probes are added for an error smaller than asked by the root of this."""


@dataclass(frozen=True, slots=True, eq=False)
class MonteCarlo:
    """What the probes leave open.

    Attributes
    ----------
    theta_error : (n_theta,) float64
        Monte Carlo standard error of theta, lme4's order and units.
    theta_std_error : (n_theta,) float64
        Standard error of theta by the average information, to compare with.
    share : float
        Largest ratio of the two.
    wanted : float
        What that ratio was to be.
    probes, exact : int
        Random vectors, and directions taken exactly: rows of small groupings, constants of the others.
    iterations : int
        Of the conjugate gradients, all solves together.
    criterion_error : float
        Monte Carlo standard error of the criterion.
    lanczos_steps : int
    """

    theta_error: np.ndarray
    theta_std_error: np.ndarray
    share: float
    wanted: float
    probes: int
    exact: int
    iterations: int
    criterion_error: float
    lanczos_steps: int


@dataclass(frozen=True, slots=True, eq=False)
class SampledFit:
    """Where the search ended, and how well that is known.

    Attributes
    ----------
    point : Point
        `at.value` is the criterion, by Lanczos quadrature.
    record : SearchRecord
        Values of the steps are those of the integral of the gradient, shifted to the final criterion.
    kkt : KKT
    monte_carlo : MonteCarlo
    """

    point: Point
    record: SearchRecord
    kkt: KKT
    monte_carlo: MonteCarlo


def search_by_probes(
    layout: Layout,
    chart: Chart,
    theta: np.ndarray,
    *,
    reml: bool,
    error: float,
    most: int,
    seed: int = 0,
) -> SampledFit | None:
    """Minimise the criterion with gradients from probes; more probes until their error is small enough.

    Parameters
    ----------
    layout : Layout
    chart, theta : Chart, (n_theta,)
        Start.
    reml : bool
    error : float
        Wanted Monte Carlo error of theta in units of its standard error.
    most : int
        Most evaluations.
    seed : int
        Of the probes; they are the same at every theta.

    Returns
    -------
    SampledFit or None
        None where the criterion cannot be evaluated at the start.
    """
    basis, steps, iterations = exact_directions(layout), list[Step](), 0
    others = layout.cross.p + 1 + basis.shape[1]
    count, rough, last = _filling(others, 1), True, None
    while True:
        probes = draw_probes(basis, layout.q if layout.q <= DENSE else count, seed)
        rough = rough and probes.drawn > 0
        evaluate = IterativeCriterion(layout, reml, probes, ROUGH_TOL if rough else TOL, last)
        counted = Counted(evaluate, "fit")
        tol = ROUGH if rough else max(SHARE_OF_ERROR * error**2, LEAST_TOL)
        left = most - len(steps)
        found = search(counted, chart, theta, tol=tol, most=min(left, ROUGH_STEPS) if rough else left)
        counted.close()
        if found.point is None or evaluate.last is None:
            return None
        iterations, last = iterations + evaluate.iterations, evaluate.last
        steps += _chained(steps, found.record)
        chart, theta = found.point.chart, found.point.theta
        if rough and (found.record.converged or len(steps) < most):
            count, rough = _filling(others, FEWEST), False
            continue
        accuracy = _accuracy(layout.cross, chart, theta, last)
        more = _next_count(accuracy[2], error, probes)
        if more is None or not found.record.converged:
            return _finish(layout, found, steps, probes, accuracy, error, iterations, reml, seed)
        count = more


def _filling(others: int, least: int) -> int:
    """Random probes, at least so many, that fill the last panel beside other right-hand sides."""
    return least + -(others + least) % LANES


def _next_count(share: float, wanted: float, probes: Probes) -> int | None:
    """How many random probes to go on with; None when there are enough."""
    if share <= wanted or probes.drawn == 0 or probes.drawn >= MOST_PROBES:
        return None
    needed, q = probes.drawn * (share / wanted) ** 2 * SPARE, len(probes.vectors)
    if q <= FORMED and needed > q / LANES:
        return q
    return min(MOST_PROBES, probes.drawn + LANES * math.ceil((needed - probes.drawn) / LANES))


def _chained(before: list[Step], record: SearchRecord) -> list[Step]:
    """Steps of a further search: its values go on where the last one ended."""
    if not before:
        return list(record.steps)
    level = min(s.value for s in before if s.accepted) - record.steps[0].value
    first, *rest = (replace(s, value=s.value + level) for s in record.steps)
    return [replace(first, stage="more probes"), *rest]


def _accuracy(
    cross: CrossProducts, chart: Chart, theta: np.ndarray, sampled: Sampled
) -> tuple[np.ndarray, np.ndarray, float]:
    """Monte Carlo error and standard error of theta in lme4's units, and the largest ratio of the two.

    Where probes are random at all, the error counts the Newton step that the search has left undone: where
    they leave little, that is most of it.
    """
    assert sampled.at.curvature is not None
    assert sampled.at.gradient is not None
    inverse = np.linalg.pinv(sampled.at.curvature, rcond=1e-10, hermitian=True)
    J = _jacobian(cross, chart, theta)
    spread = J @ inverse @ sampled.gradient_covariance @ inverse @ J.T
    undone = (J @ inverse @ sampled.at.gradient) ** 2 * bool(sampled.gradient_covariance.any())
    variance = np.maximum(np.diag(2 * J @ inverse @ J.T), 0.0)
    error, std_error = np.sqrt(np.maximum(np.diag(spread), 0.0) + undone), np.sqrt(variance)
    inside = std_error > 0
    share = float((error[inside] / std_error[inside]).max(initial=0.0))
    return error, std_error, share


def _jacobian(cross: CrossProducts, chart: Chart, theta: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """(n_theta, n_theta) derivative of lme4's theta by the coordinates of the search."""
    columns = []
    for j in range(len(theta)):
        move = np.zeros(len(theta))
        move[j] = step * max(1.0, abs(theta[j]))
        ends = [from_search(cross, chart, theta + sign * move) for sign in (1, -1)]
        columns.append((ends[0] - ends[1]) / (2 * move[j]))
    return np.array(columns).T


def _on_the_boundary(layout: Layout, lambdas: tuple[np.ndarray, ...], point: Point) -> Evaluation:
    """The evaluation, its solution exact where derivatives were taken at a floor of small pivots."""
    if np.array_equal(floored(point.chart.entries, point.theta), point.theta):
        return point.at
    factor = IterativeFactor(layout.cross, lambdas, layout)
    logdet_rx = 2 * float(np.log(np.abs(np.diag(factor.rx()))).sum())
    return replace(point.at, r2=factor.r2(), beta=factor.beta(), logdet_rx=logdet_rx)


def _slow_directions(C: Complement, constants: np.ndarray) -> np.ndarray:
    """(q2, m) orthonormal, E' times the constants: where the preconditioned complement is smallest."""
    return np.linalg.qr(C.preconditioner.multiply_transposed(constants))[0]


def _finish(
    layout: Layout,
    found: Found,
    steps: list[Step],
    probes: Probes,
    accuracy: tuple[np.ndarray, np.ndarray, float],
    wanted: float,
    iterations: int,
    reml: bool,
    seed: int,
) -> SampledFit:
    """The criterion at the end, by Lanczos quadrature."""
    assert found.point is not None
    assert found.kkt is not None
    cross, point = layout.cross, found.point
    lambdas = relative_blocks(cross, point.chart.entries, point.theta)
    C = blockwise_where_exact(Complement(layout, tuple(lambdas), buffers_for(layout)))
    if probes.drawn:
        slow = _slow_directions(C, exact_directions(layout))
        vectors, plain = _filling(slow.shape[1], FOR_THE_CRITERION), not C.layout.nested
        rest = log_determinant(C.product, slow, vectors=vectors, seed=seed, unit_diagonal=plain)
        logdet = C.logdet_first + C.preconditioner.logdet + rest.value
    else:
        rest, logdet = LogDeterminant(0.0, 0.0, 0), C.logdet
    at = _on_the_boundary(layout, tuple(lambdas), point)
    value = profiled(cross, reml, logdet, at.logdet_rx, at.r2)
    shift = value - next(s.value for s in reversed(steps) if s.accepted)
    at = replace(at, value=value, logdet_omega=logdet)
    shifted = tuple(replace(s, value=s.value + shift) for s in steps)
    counts = f"in {len(found.record.steps)} evaluations", f"in {len(steps)} evaluations"
    record = replace(found.record, steps=shifted, message=found.record.message.replace(*counts))
    monte_carlo = MonteCarlo(
        *accuracy, wanted, probes.drawn, probes.exact, iterations, rest.error, rest.steps
    )
    return SampledFit(Point(point.chart, point.theta, at), record, found.kkt, monte_carlo)
