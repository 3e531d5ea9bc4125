"""Leaving out one group at a time: from the cross-products, with no second pass over the data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.crossprod.deletion import Deletions
from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError, HendersonWarning
from henderson.estimate import Estimate, fit_cross_products
from henderson.inference.influence.record import Influence
from henderson.inference.intervals.workers import in_threads, workers
from henderson.inference.layout import term_labels
from henderson.inference.solver import search_by_factor
from henderson.model.criterion import criterion
from henderson.model.units import to_search
from henderson.progress import progress
from henderson.solve.direct import Factor, analyse

if TYPE_CHECKING:
    from henderson.design.record import Design

DEPENDENT = 1e-11
"""Columns of X count as dependent when the least eigenvalue of their correlations is below this."""
VANISHED = 1e-12
"""A column counts as gone when less than this share of its sum of squares is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Without:
    """Estimates without one group.

    Attributes
    ----------
    beta, se : (p,) float64
        Fixed effects and their standard errors.
    logdet : float
        log det of their covariance matrix.
    theta : (n_theta,) float64
    sigma : float
    """

    beta: np.ndarray
    se: np.ndarray
    logdet: float
    theta: np.ndarray
    sigma: float


def influence_of_groups(
    design: Design,
    estimate: Estimate,
    by: str,
    codes: np.ndarray,
    labels: tuple[object, ...],
    exact: bool = True,
) -> Influence:
    """Estimate the model without each group of rows.

    The group's sums are taken from the cross-products, A_(g) = A - A_g, and the criterion is minimised from
    the full estimate; the rows are passed once for all groups together.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    by : str
        What the groups are called.
    codes : (n,) int
        Group of every row.
    labels : tuple of length m
        Names of the groups.
    exact : bool
        Whether theta is estimated anew; otherwise it stays, and beta and sigma follow from one factorisation.

    Returns
    -------
    Influence
        NaN with a reason where the remaining rows do not determine the model.

    Notes
    -----
    O(n (p + K)^2) for the sums, then about 4 evaluations (3 factorisations each) per group, or 1 without
    derivatives when theta stays. In threads where one factorisation is worth it, each with a copy of the
    cross-products; the results do not depend on their number. A progress bar after one second.
    """
    whole = Deletions(design, estimate.cross, codes, len(labels))
    system = analyse(whole.cross)
    jobs = min(workers(None, float(system.structure()["flops"])), len(labels))
    benches: SimpleQueue[tuple[Deletions, Any]] = SimpleQueue()  # a copy of the sums for every thread
    benches.put((whole, system))
    for _ in range(jobs - 1):
        other = Deletions(design, estimate.cross, codes, len(labels))
        benches.put((other, analyse(other.cross)))

    def one(g: int) -> tuple[Without | None, str]:
        bench = benches.get()
        try:
            return _without_group(design, estimate, *bench, g, exact)
        finally:
            benches.put(bench)

    found: list[tuple[Without | None, str]] = [(None, "")] * len(labels)
    bar = progress(len(labels), f"without each {by}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HendersonWarning)
        for g, result in in_threads(one, range(len(labels)), jobs):
            found[g] = result
            bar.update(1)
    bar.close()
    sizes = np.bincount(codes, minlength=len(labels))
    each, reasons = [result for result, _ in found], tuple(reason for _, reason in found)
    return _gather(design, estimate, by, labels, sizes, each, reasons, exact)


def _without_group(
    design: Design, estimate: Estimate, work: Deletions, system: Any, g: int, exact: bool
) -> tuple[Without | None, str]:
    """The model without one group, or why there is none."""
    with work.without(g) as (cross, levels):
        reason = not_determined(design, estimate.cross, cross, levels)
        return (None, reason) if reason else _estimate(estimate, cross, system, exact)


def not_determined(
    design: Design, whole: CrossProducts, cross: CrossProducts, levels: tuple[int, ...]
) -> str:
    """Why the remaining rows do not determine the model; empty when they do.

    Parameters
    ----------
    design : Design
        Names.
    whole, cross : CrossProducts
        With and without the group.
    levels : tuple of int
        Levels of every grouping that are left.
    """
    if cross.n <= cross.p:
        return f"{cross.n} rows are left for {cross.p} fixed effects"
    for f, grouping in enumerate(design.groupings):
        if levels[f] < 2:
            return f"one level of {grouping.name} is left, which has no variance between levels"
        widest = max(term.k for term in design.terms if term.grouping == f)
        if levels[f] * widest >= cross.n:
            return f"{cross.n} rows are left for {levels[f] * widest} effects of {grouping.name}"
    lost = dependent_columns(whole.xx[:-1, :-1], cross.xx[:-1, :-1])
    if len(lost):
        names = [design.x_names[j] for j in lost if j != design.intercept] or ["(Intercept)"]
        return f"the rows left do not determine {', '.join(names)}"
    return ""


def dependent_columns(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Columns that a deletion makes zero or dependent, from the cross-products (p, p) before and after."""
    if not len(after):
        return np.array([], dtype=int)
    size = np.diag(after)
    gone = size <= VANISHED * np.diag(before)
    if gone.any():
        return np.flatnonzero(gone)
    values, vectors = np.linalg.eigh(after / np.sqrt(np.outer(size, size)))
    if values[0] > DEPENDENT:
        return np.array([], dtype=int)
    weight = np.abs(vectors[:, 0])
    return np.flatnonzero(weight > 1e-3 * weight.max())


def _estimate(
    estimate: Estimate, cross: CrossProducts, system: Any, exact: bool
) -> tuple[Without | None, str]:
    try:
        return (_anew if exact else _at_theta)(estimate, cross, system), ""
    except (FitError, np.linalg.LinAlgError) as error:
        return None, str(error).partition(":")[0]


def _anew(estimate: Estimate, cross: CrossProducts, system: Any) -> Without:
    one = fit_cross_products(
        cross,
        estimate.theta_names,
        reml=estimate.reml,
        start=estimate.theta,
        system=system,
        **search_by_factor(estimate),
    )
    return _without(one.beta, one.vcov, one.theta, one.sigma)


def _at_theta(estimate: Estimate, cross: CrossProducts, system: Any) -> Without:
    chart, theta = to_search(cross, estimate.theta)
    at = criterion(cross, reml=estimate.reml, system=system)(theta, 0, chart.entries)
    if at is None:
        raise FitError("the equations cannot be solved")
    beta = cross.coefficients(at.beta)
    sigma = float(np.sqrt(at.r2 / (cross.n - cross.p if estimate.reml else cross.n)))
    used = zip(cross.z_transform, estimate.grouping_lambdas, strict=True)
    factor = Factor(cross, tuple(np.linalg.solve(T, lam) for T, lam in used), system)
    inverse = cross.x_transform @ np.linalg.inv(factor.rx())
    return _without(beta, sigma**2 * inverse @ inverse.T, estimate.theta, sigma)


def _without(beta: np.ndarray, vcov: np.ndarray, theta: np.ndarray, sigma: float) -> Without:
    return Without(beta, np.sqrt(np.diag(vcov)), float(np.linalg.slogdet(vcov)[1]), theta, sigma)


def _gather(
    design: Design,
    estimate: Estimate,
    by: str,
    labels: tuple[object, ...],
    rows: np.ndarray,
    found: list[Without | None],
    reasons: tuple[str, ...],
    exact: bool,
) -> Influence:
    p, k = design.p, len(estimate.theta)
    nothing = Without(np.full(p, np.nan), np.full(p, np.nan), np.nan, np.full(k, np.nan), np.nan)
    each = [nothing if one is None else one for one in found]
    beta = np.array([one.beta for one in each]).reshape(len(each), p)
    theta, sigma = np.array([one.theta for one in each]), np.array([one.sigma for one in each])
    change = (beta - estimate.beta) @ estimate.RX.T
    logdet = float(np.linalg.slogdet(estimate.vcov)[1])
    return Influence(
        by=by,
        levels=labels,
        rows=rows,
        terms=design.x_names,
        beta=estimate.beta,
        fixef_deleted=beta,
        se_deleted=np.array([one.se for one in each]).reshape(len(each), p),
        cooks_distance=(change**2).sum(axis=1) / (p * estimate.sigma**2) if p else np.full(len(each), np.nan),
        covratio=np.exp(np.array([one.logdet for one in each]) - logdet),
        parameters=parameter_names(design),
        sd=standard_deviations(estimate, estimate.theta[None], np.array([estimate.sigma]))[0],
        sd_deleted=standard_deviations(estimate, theta, sigma),
        theta_deleted=theta,
        reasons=reasons,
        exact=exact,
    )


def parameter_names(design: Design) -> tuple[str, ...]:
    """Names of the standard deviations, ``Subject.Days``, and sigma."""
    labels = zip(term_labels(design), design.terms, strict=True)
    return (*(f"{label}.{name}" for label, term in labels for name in term.names), "sigma")


def standard_deviations(estimate: Estimate, theta: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """(m, v) standard deviations of the random effects, and sigma, from theta (m, n_theta) and sigma (m,)."""
    out = []
    for block in estimate.blocks:
        for row in block.positions:
            out.append(sigma * np.sqrt((theta[:, row[row >= 0]] ** 2).sum(axis=1)))
    return np.column_stack([*out, sigma])
