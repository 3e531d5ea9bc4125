"""Fit one design to many responses: patterns of missing values → blocks → threads → arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henderson.design.record import Design
from henderson.errors import HendersonError
from henderson.inference.design_notes import design_notes
from henderson.inference.intervals.workers import in_threads, progress
from henderson.inference.layout import term_labels
from henderson.inference.many.adjusted import kenward_roger_block
from henderson.inference.many.block import Prepared, Tidy, block_size, fit_block
from henderson.inference.many.designs import Recipe, check_same_columns, place_columns, prepare
from henderson.inference.many.found import Limits
from henderson.inference.many.patterns import Pattern, patterns
from henderson.inference.many.read import Given
from henderson.inference.many.record import ManyRecord, false_discovery_rates
from henderson.solve.threads import NO_BLAS_BELOW, blas_threads_for
from henderson.threads import refuse_too_many


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Some responses of one pattern.

    Attributes
    ----------
    ready : Prepared or None
        None where the pattern has a design of its own that is built with the task.
    missing : (n,) bool or None
    places : (r,) intp
    """

    ready: Prepared | None
    missing: np.ndarray | None
    places: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What a task found, or why nothing.

    Attributes
    ----------
    tidy : Tidy or None
    columns : (p of its design,) intp
        Places of its coefficients.
    n : int
        Rows used.
    problem : str
    """

    tidy: Tidy | None
    columns: np.ndarray
    n: int
    problem: str = ""


def fit_many(
    given: Given,
    how: Recipe,
    *,
    reml: bool,
    ddf: str,
    jobs: int,
    limits: Limits,
    refuse_missing: bool = False,
    weights: Given | None = None,
) -> ManyRecord:
    """Fit one design to many responses.

    Parameters
    ----------
    given : Given
        R responses.
    how : Recipe
        Of the design.
    reml : bool
    ddf : {"satterthwaite", "kenward-roger", "residual", "none"}
    jobs : int
        Threads; the numbers do not depend on it.
    limits : Limits
        Of the searches.
    refuse_missing : bool
        Whether a response with missing values counts as failed.
    weights : Given, optional
        Weights of every response its own, one column each.

    Returns
    -------
    ManyRecord

    Raises
    ------
    HendersonError
        The design cannot be built; what is wrong with single responses is written down.

    Notes
    -----
    One analysis per set of rows. Memory for one block of responses per thread and the result.
    """
    whole = how.design()
    ready = prepare(whole, reml=reml)
    sorted_out, wrong = patterns(given, how.frame.n, whole.kept_rows)
    out = _Result.empty(whole, len(given))
    for place, text in wrong.items():
        out.tidy.messages[place] = text
    if refuse_missing:
        sorted_out = out.refuse_missing(sorted_out)
    bar = progress(len(given), "lmm_many")
    tail = ready.system.structure()["tail"]

    def work(task: Task) -> Done:
        with np.errstate(all="ignore"):  # what overflows in one response is NaN, and said to be
            return _work(task, given, weights, how, whole, reml, ddf, limits)

    try:
        bar.update(len(wrong))
        with blas_threads_for(max(NO_BLAS_BELOW, tail)):
            for task, done in in_threads(work, _tasks(ready, how, sorted_out, whole), jobs):
                out.take(task.places, done)
                bar.update(len(task.places))
    finally:
        bar.close()
    return _record(out, given, how, whole, reml, ddf, len(sorted_out), design_notes(whole, ready.cross))


def _tasks(ready: Prepared, how: Recipe, sorted_out: list[Pattern], whole: Design) -> Iterator[Task]:
    """Blocks of responses; a pattern with several blocks has its design made once."""
    for pattern in sorted_out:
        size = block_size(ready.cross, len(pattern.responses))
        shared = ready if pattern.missing is None else None
        for first in range(0, len(pattern.responses), size):
            places = pattern.responses[first : first + size]
            if shared is None and len(pattern.responses) > size:
                shared = _shared(how, whole, pattern.missing, ready.reml)
            yield Task(shared, pattern.missing, places)


def _shared(how: Recipe, whole: Design, missing: np.ndarray | None, reml: bool) -> Prepared | None:
    try:
        return _of_some_rows(how, whole, missing, reml)
    except HendersonError:
        return None  # the task meets it again, and writes it down


def _of_some_rows(how: Recipe, whole: Design, missing: np.ndarray | None, reml: bool) -> Prepared:
    design = how.design(missing)
    check_same_columns(whole, design)
    return prepare(design, reml=reml)


def _work(
    task: Task,
    given: Given,
    weights: Given | None,
    how: Recipe,
    whole: Design,
    reml: bool,
    ddf: str,
    limits: Limits,
) -> Done:
    try:
        ready = task.ready or _of_some_rows(how, whole, task.missing, reml)
        columns = place_columns(whole, ready.design)
    except HendersonError as error:
        return Done(None, np.zeros(0, dtype=np.intp), 0, str(error))
    rows = ready.design.kept_rows
    Y = _rows(given, task.places, rows)
    if weights is None:
        return Done(_fitted(ready, Y, limits, ddf), columns, ready.design.n)
    each = [
        _weighted(ready, *one, limits, ddf) for one in zip(Y, _rows(weights, task.places, rows), strict=True)
    ]
    return Done(Tidy.joined(each), columns, ready.design.n)


def _rows(given: Given, places: np.ndarray, rows: np.ndarray | None) -> np.ndarray:
    """(r, m) columns of what was given as rows, without the rows of the data that are left out."""
    values = given.take(places)
    return np.ascontiguousarray((values if rows is None else values[rows]).T)


def _fitted(ready: Prepared, Y: np.ndarray, limits: Limits, ddf: str) -> Tidy:
    """Fits of a block; where one response spoils it, of its responses one by one."""
    try:
        tidy = fit_block(ready, Y, limits, satterthwaite=ddf == "satterthwaite")
        return kenward_roger_block(ready, Y, tidy) if ddf == "kenward-roger" else tidy
    except (HendersonError, np.linalg.LinAlgError) as error:
        if len(Y) == 1:
            return Tidy.nothing(ready.design, str(error))
        return Tidy.joined([_fitted(ready, y[None], limits, ddf) for y in Y])


def _weighted(ready: Prepared, y: np.ndarray, weights: np.ndarray, limits: Limits, ddf: str) -> Tidy:
    """One response with weights of its own: cross-products and analysis of its own."""
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        bad = int((~(np.isfinite(weights) & (weights > 0))).sum())
        return Tidy.nothing(ready.design, f"{bad} of its weights are not positive numbers.")
    own = prepare(replace(ready.design, weights=weights), reml=ready.reml)
    return _fitted(own, y[None], limits, ddf)


@dataclass(slots=True, eq=False)
class _Result:
    """What the tasks fill: `Tidy` over all responses, and the rows of each (R,)."""

    tidy: Tidy
    nobs: np.ndarray

    @classmethod
    def empty(cls, design: Design, count: int) -> _Result:
        sizes = [term.k for term in design.terms]
        return cls(Tidy.empty(design.p, sizes, count), np.zeros(count, dtype=np.int32))

    def refuse_missing(self, found: list[Pattern]) -> list[Pattern]:
        for pattern in found:
            if pattern.missing is not None:
                text = f"The response has missing values: {int(pattern.missing.sum())}."
                self.tidy.messages.update(dict.fromkeys(pattern.responses.tolist(), text))
        return [pattern for pattern in found if pattern.missing is None]

    def take(self, places: np.ndarray, done: Done) -> None:
        whole, part = self.tidy, done.tidy
        if part is None:
            whole.messages.update(dict.fromkeys(places.tolist(), done.problem))
            return
        at = np.ix_(places, done.columns)
        for name in ("estimate", "std_error", "df"):
            getattr(whole, name)[at] = getattr(part, name)
        for name in ("sigma", "criterion", "evaluations", "converged", "singular", "failed"):
            getattr(whole, name)[places] = getattr(part, name)
        for kept, lam in zip(whole.lambdas, part.lambdas, strict=True):
            kept[places] = lam
        whole.messages.update({int(places[i]): text for i, text in part.messages.items()})
        self.nobs[places] = done.n


def _record(
    out: _Result,
    given: Given,
    how: Recipe,
    whole: Design,
    reml: bool,
    ddf: str,
    designs: int,
    notes: tuple[str, ...],
) -> ManyRecord:
    from scipy.special import stdtr

    tidy = out.tidy
    df = _degrees(tidy, out.nobs, ddf)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(tidy.std_error > 0, tidy.estimate / tidy.std_error, np.nan)
    p_value = 2 * stdtr(df, -np.abs(statistic))
    components, vcov, sdcor = _components(whole, tidy)
    return ManyRecord(
        formula=how.right,
        responses=given.labels,
        terms=whole.x_names,
        estimate=tidy.estimate,
        std_error=tidy.std_error,
        df=df,
        statistic=statistic,
        p_value=p_value,
        q_value=false_discovery_rates(p_value),
        components=components,
        vcov=vcov,
        sdcor=sdcor,
        sigma=tidy.sigma,
        criterion=tidy.criterion,
        nobs=out.nobs,
        evaluations=tidy.evaluations,
        converged=tidy.converged,
        singular=tidy.singular,
        failed=tidy.failed,
        messages=dict(sorted(tidy.messages.items())),
        reml=reml,
        ddf=ddf,
        n_variances=sum(term.k * (term.k + 1) // 2 for term in whole.terms) + 1,
        designs=designs,
        dropped=whole.dropped,
        notes=notes,
    )


def _degrees(tidy: Tidy, nobs: np.ndarray, ddf: str) -> np.ndarray:
    """(R, p) degrees of freedom: those found, residual ones, or infinite ones."""
    known = np.isfinite(tidy.estimate)
    if ddf == "none":
        return np.where(known, np.inf, np.nan)
    if ddf == "residual":
        return np.where(known, (nobs - known.sum(axis=1))[:, None], np.nan)
    return tidy.df


def _components(
    design: Design, tidy: Tidy
) -> tuple[tuple[tuple[str, str, str | None], ...], np.ndarray, np.ndarray]:
    """Variances and covariances (R, c) in lme4's order, with their labels; and sds and correlations."""
    labels: list[tuple[str, str, str | None]] = []
    vcov, sdcor = [], []
    for label, term, lam in zip(term_labels(design), design.terms, tidy.lambdas, strict=True):
        cov = tidy.sigma[:, None, None] ** 2 * (lam @ lam.transpose(0, 2, 1))
        sd = np.sqrt(np.einsum("rkk->rk", cov))
        for a, name in enumerate(term.names):
            labels.append((label, name, None))
            vcov.append(cov[:, a, a])
            sdcor.append(sd[:, a])
        for b in range(term.k):
            for a in range(b + 1, term.k):
                labels.append((label, term.names[b], term.names[a]))
                vcov.append(cov[:, a, b])
                with np.errstate(divide="ignore", invalid="ignore"):
                    sdcor.append(np.clip(cov[:, a, b] / (sd[:, a] * sd[:, b]), -1.0, 1.0))
    return tuple(labels), np.column_stack(vcov), np.column_stack(sdcor)


def jobs_of(threads: Any, available: int) -> int:
    """How many threads to start: as asked for, or all that are available."""
    from henderson.errors import OptionError

    if threads is None:
        return available
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise OptionError(
            f"threads={threads!r} must be a whole number of at least 1; leave it out for one per core."
        )
    refuse_too_many(int(threads), f"threads={threads!r}")
    return int(threads)
