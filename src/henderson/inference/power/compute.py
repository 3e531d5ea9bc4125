"""Power over a grid of study sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from henderson.design.record import Design
from henderson.errors import OptionError
from henderson.estimate import Estimate
from henderson.inference.intervals.workers import in_threads, workers
from henderson.inference.power.extend import extended
from henderson.inference.power.record import PowerRecord, wilson
from henderson.inference.power.replicate import Decide, Study, replicate, study
from henderson.progress import progress

METHODS = ("satterthwaite", "kenward-roger", "z", "lrt")
Sizes = Sequence[tuple[int | None, int | None]]


def simulate_power(
    design: Design,
    parameters: Estimate,
    deciding: Callable[[Study], Decide],
    *,
    along: int,
    sizes: Sizes,
    n_sim: int,
    seed: object,
    n_jobs: int | None,
    show: bool,
    reml: bool,
) -> tuple[list[Design], np.ndarray, np.ndarray]:
    """Simulate every size of a study `n_sim` times.

    Parameters
    ----------
    design : Design
        Of the fit.
    parameters : Estimate
        What is assumed to be true.
    deciding : callable
        From the prepared study to the function that gives the p-value of a replicate.
    along : int
        Grouping factor whose levels are the groups.
    sizes : sequence of (int or None, int or None)
        Groups and rows per group of every setting.
    n_sim : int
        Replicates of each.
    seed : int or None
        Of the whole; every replicate has a stream of its own, so that the result does not depend on `n_jobs`.
    n_jobs : int or None
        Threads.
    show : bool
        Whether a progress bar may appear.
    reml : bool
        Criterion of the refits.

    Returns
    -------
    designs : list of Design
    p_values : (m, n_sim) float64
    converged : (m, n_sim) bool

    Notes
    -----
    One pass over the rows per setting; each replicate costs O(n (p + K)) and a few evaluations.
    """
    designs = [extended(design, along, groups, rows) for groups, rows in sizes]
    p, converged = np.full((len(sizes), n_sim), np.nan), np.ones((len(sizes), n_sim), dtype=bool)
    entropy = np.random.SeedSequence(seed).entropy  # type: ignore[arg-type]
    bar = progress(len(sizes) * n_sim, "power") if show else None
    try:
        for s, each in enumerate(designs):
            prepared = study(each, parameters, reml=reml)
            decide = deciding(prepared)
            jobs = workers(n_jobs, prepared.truth.system.structure()["flops"])
            work = _Work(prepared, decide, entropy, s)
            for r, (value, ended) in in_threads(work, range(n_sim), jobs):
                p[s, r], converged[s, r] = value, ended
                if bar is not None:
                    bar.update(1)
    finally:
        if bar is not None:
            bar.close()
    return designs, p, converged


class _Work:
    """One replicate of one setting, by its number."""

    def __init__(self, prepared: Study, decide: Decide, entropy: Any, setting: int) -> None:
        self.prepared, self.decide, self.entropy, self.setting = prepared, decide, entropy, setting

    def __call__(self, r: int) -> tuple[float, bool]:
        seed = np.random.SeedSequence(self.entropy, spawn_key=(self.setting, r))
        return replicate(self.prepared, seed, self.decide)


def summarised(
    designs: list[Design],
    p: np.ndarray,
    converged: np.ndarray,
    *,
    along: int,
    alpha: float,
    level: float,
    words: dict[str, Any],
) -> PowerRecord:
    """Count the replicates below alpha, with Wilson's interval.

    Parameters
    ----------
    designs : list of Design
        Of every setting.
    p : (m, n_sim) float64
    converged : (m, n_sim) bool
    along : int
        Grouping factor that is counted.
    alpha, level : float
    words : dict
        test, method, effect, sigma and seed of the record.
    """
    below, n_sim = (p < alpha).sum(axis=1), p.shape[1]
    low, high = wilson(below, n_sim, level)
    groups = np.array([len(d.groupings[along].levels) for d in designs])
    nobs = np.array([d.n for d in designs])
    return PowerRecord(
        n_groups=groups,
        n_within=nobs / groups,
        nobs=nobs,
        power=below / n_sim,
        conf_low=low,
        conf_high=high,
        failed=np.isnan(p).sum(axis=1),
        not_converged=(~converged).sum(axis=1),
        n_sim=n_sim,
        alpha=alpha,
        level=level,
        along=designs[0].groupings[along].name,
        p_values=p,
        **words,
    )


def sizes_of(n_groups: object, n_within: object) -> list[tuple[int | None, int | None]]:
    """Return every pair of the numbers asked for.

    Raises
    ------
    OptionError
        What is no positive integer, or list of them.
    """
    groups, rows = _numbers(n_groups, "n_groups", 2), _numbers(n_within, "n_within", 1)
    return [(g, w) for w in rows for g in groups]


def _numbers(value: object, name: str, least: int) -> list[int | None]:
    if value is None:
        return [None]
    try:
        given = [value] if isinstance(value, (int, np.integer)) else list(value)  # type: ignore[call-overload]
    except TypeError:
        given = [value]
    if not given or any(
        isinstance(v, bool) or not isinstance(v, (int, np.integer)) or v < least for v in given
    ):
        raise OptionError(f"{name}={value!r}: give a whole number from {least}, or a list of such numbers.")
    return [int(v) for v in given]


def check_method(method: object) -> str:
    """Return the method, or say which there are."""
    name = {"kr": "kenward-roger", "none": "z"}.get(str(method).lower(), str(method).lower())
    if name not in METHODS:
        raise OptionError(f"method={method!r} is none of {', '.join(map(repr, METHODS))}.")
    return name


def check_share(value: object, name: str) -> float:
    """Return a number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 < float(value) < 1:
        raise OptionError(f"{name}={value!r} must lie between 0 and 1.")
    return float(value)
