"""Bootstrap of a fit: reproducible for any number of threads, resumable, failures counted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import FitError, OptionError
from henderson.inference.fixed import check_level, normal_quantile
from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.replicates import MakeFit, Run, block_of, check_kind, runner
from henderson.inference.intervals.responses import Streams
from henderson.inference.intervals.statistic import as_refits, measured, name_of, parameter_values
from henderson.inference.intervals.store import Store, fingerprint
from henderson.inference.intervals.workers import in_threads, progress, workers
from henderson.solve.direct import analyse
from henderson.solve.threads import blas_threads_for

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

TYPES = ("percentile", "basic", "normal")


@dataclass(frozen=True, slots=True, eq=False)
class BootstrapRecord:
    """Replicates of a statistic of s numbers.

    Attributes
    ----------
    terms : tuple of str, length s
    estimate : (s,) float64
        The statistic of the fit itself.
    replicates : (n, s) float64
        One row per replicate, NaN where the refit failed.
    kind : {"parametric", "residual", "cases"}
    seed : int
        Repeats the run.
    reml : bool
        Criterion of the refits: that of the fit.
    failures : tuple of (int, str)
        Replicates without an estimate, and why.
    singular : int
        How many refits were singular.
    level : float
        Coverage of the limits in `columns`.
    type : {"percentile", "basic", "normal"}
        Kind of those limits.
    """

    terms: tuple[str, ...]
    estimate: np.ndarray
    replicates: np.ndarray
    kind: str
    seed: int
    reml: bool
    failures: tuple[tuple[int, str], ...]
    singular: int
    level: float = 0.95
    type: str = "percentile"

    @property
    def bias(self) -> np.ndarray:
        """(s,) mean of the replicates minus the estimate."""
        return over(np.mean, self.replicates) - self.estimate

    @property
    def std_error(self) -> np.ndarray:
        """(s,) standard deviation of the replicates."""
        return over(lambda x: float(np.std(x, ddof=1)) if len(x) > 1 else np.nan, self.replicates)

    @property
    def reasons(self) -> dict[str, int]:
        """Why refits failed, and how often."""
        return dict(Counter(reason for _, reason in self.failures))

    def columns(self) -> dict[str, object]:
        """Return term, estimate, bias, std_error, conf_low, conf_high."""
        low, high = limits(self, self.level, self.type)
        return {
            "term": list(self.terms),
            "estimate": self.estimate,
            "bias": self.bias,
            "std_error": self.std_error,
            "conf_low": low,
            "conf_high": high,
        }


def over(function: Callable[[np.ndarray], float], replicates: np.ndarray) -> np.ndarray:
    """(s,) function of every column, missing values left out; NaN where nothing is left."""
    columns = [column[np.isfinite(column)] for column in replicates.T]
    return np.array([function(column) if len(column) else np.nan for column in columns])


def check_type(type: str) -> str:
    """Return a kind of interval, or an `OptionError` that lists them."""
    if type not in TYPES:
        raise OptionError(f"type={type!r}: choose among {', '.join(map(repr, TYPES))}.")
    return type


def limits(record: BootstrapRecord, level: float, type: str) -> tuple[np.ndarray, np.ndarray]:
    """Limits (s,) and (s,) from the replicates t* of an estimate t.

    percentile: quantiles of t*; basic: 2 t - quantiles of t*, in reverse; normal: t - bias -+ z sd(t*).
    Quantiles are those of (R + 1) p, as in R's boot (Davison & Hinkley 1997, chapter 5).

    Raises
    ------
    OptionError
        For an unknown type or level.
    """
    tail = (1 - check_level(level)) / 2
    if check_type(type) == "normal":
        half = normal_quantile(level) * record.std_error
        middle = record.estimate - record.bias
        return middle - half, middle + half

    def quantile(p: float) -> np.ndarray:
        return over(lambda column: float(np.quantile(column, p, method="weibull")), record.replicates)

    low, high = quantile(tail), quantile(1 - tail)
    return (low, high) if type == "percentile" else (2 * record.estimate - high, 2 * record.estimate - low)


def bootstrap(
    design: Design,
    estimate: Estimate,
    n: int = 1000,
    seed: int | np.random.Generator | None = None,
    kind: str = "parametric",
    statistic: Callable[[Any], Any] | None = None,
    n_jobs: int | None = None,
    file: str | os.PathLike[str] | None = None,
    *,
    make_fit: MakeFit | None = None,
    level: float = 0.95,
    type: str = "percentile",
) -> BootstrapRecord:
    """Refit a model to responses (or groups) drawn anew.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    n : int, default 1000
        Replicates.
    seed : int, numpy Generator or None
        Every replicate has a random stream of its own: the numbers depend on seed and replicate, on nothing
        else.
    kind : {"parametric", "residual", "cases"}
        Responses simulated from the fit; made of its own effects and residuals drawn with replacement; or
        whole groups drawn with replacement.
    statistic : callable, optional
        Function of a fit that returns a number, an array or a dict; by default all parameters.
    n_jobs : int, optional
        Threads.
    file : path, optional
        Replicates are kept there as they come, and those already there are not computed again.
    make_fit : callable, optional
        (Design, Estimate) -> the fit that `statistic` takes.
    level, type : float, str
        Of the limits in the table.

    Returns
    -------
    BootstrapRecord

    Raises
    ------
    OptionError
        For an unknown kind, a number of replicates that is none, a statistic that changes its length; for
        cases of crossed factors.
    FitError
        If no refit succeeded.

    Notes
    -----
    Parametric and residual: O(n_rows (p + K)) per replicate, then about five evaluations of the criterion.
    """
    total, name = check_count(n), name_of(statistic) if statistic is not None else "parameters"
    check_kind(kind, design)
    names, whole = measure(design, estimate, statistic, make_fit)
    facts = {"fit": fingerprint(design, estimate), "kind": kind, "statistic": name} if file else {}
    store = Store(file, {**facts, "seed": seed_number(seed)}, names, fresh_seed())
    run = runner(design, estimate, kind, statistic, make_fit, Streams(store.seed), names)
    size = block_of(design, estimate)
    blocks = [range(start, min(start + size, total)) for start in range(0, total, size)]
    left = [block for block in blocks if any(i not in store.done for i in block)]
    if left:
        compiled = statistic is None and kind != "cases"
        _run_all(run, left, store, estimate, n_jobs, total, compiled)
    rows = [store.done[i] for i in range(total)]
    failures = tuple((i, row.failure) for i, row in enumerate(rows) if row.failure)
    if len(failures) == total:
        raise FitError(f"None of the {total} refits succeeded. The first: {failures[0][1]}")
    return BootstrapRecord(
        names,
        whole,
        np.array([row.values for row in rows]),
        kind,
        store.seed,
        bool(estimate.reml),
        failures,
        sum(row.singular for row in rows),
        level,
        type,
    )


def _run_all(
    run: Run,
    blocks: list[range],
    store: Store,
    estimate: Estimate,
    n_jobs: int | None,
    total: int,
    compiled: bool,
) -> None:
    """Run blocks in threads; this thread keeps what comes back.

    Compiled refits leave Python's lock to others for whole blocks, so that threads pay for every model.
    """
    system = estimate.system if estimate.system is not None else analyse(estimate.cross)
    facts = system.structure()
    jobs, tail = workers(n_jobs, np.inf if compiled else float(facts["flops"])), facts["tail"]
    jobs = min(jobs, len(blocks))
    bar = progress(total, "bootstrap")
    try:
        bar.update(total - sum(map(len, blocks)))
        with blas_threads_for(tail):
            for block, rows in in_threads(run, blocks, jobs):
                store.append({i: row for i, row in zip(block, rows, strict=True) if i not in store.done})
                bar.update(len(block))
    finally:
        bar.close()


def measure(
    design: Design,
    estimate: Estimate,
    statistic: Callable[[Any], Any] | None,
    make_fit: MakeFit | None,
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and values of the statistic for the fit itself."""
    if statistic is None:
        every = parameters(design)
        return tuple(p.name for p in every), parameter_values(every, as_refits(estimate))[0]
    if not callable(statistic) or make_fit is None:
        raise OptionError(
            f"statistic={statistic!r} must be a function of a fit that returns a number, an array or a dict; "
            "leave it out for all parameters."
        )
    return measured(statistic(make_fit(design, estimate)), name_of(statistic))


def check_count(n: object) -> int:
    """Return a number of replicates, or an `OptionError`."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise OptionError(f"n={n!r}: the number of replicates must be a positive whole number, such as 1000.")
    return int(n)


def seed_number(seed: int | np.random.Generator | None) -> int | None:
    """Return a seed as a whole number, or None."""
    if seed is None:
        return None
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise OptionError(
            f"seed={seed!r}: give a whole number from 0, a numpy Generator, or None for new draws each time."
        )
    return int(seed)


def fresh_seed() -> int:
    """A seed that nobody chose, short enough to be typed again."""
    return int(np.random.SeedSequence().generate_state(1)[0])
