"""Threads for work that takes more than a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np

from henderson.errors import OptionError
from henderson.progress import progress
from henderson.solve.threads import sharing, threads
from henderson.threads import refuse_too_many

__all__ = ["in_threads", "progress", "workers"]

T = TypeVar("T")
R = TypeVar("R")

WORTH_THREADS = 2e6
"""Operations of one factorisation from which threads gain: below, Python's own work is most of it."""


def workers(n_jobs: int | None, flops: float) -> int:
    """How many threads to use.

    Parameters
    ----------
    n_jobs : int or None
        As asked for; -1 for as many as `henderson.get_threads()`; None decides by `flops`.
    flops : float
        Operations of one factorisation, which runs outside Python's lock.

    Raises
    ------
    OptionError
        For 0, less than -1, what is no whole number, or a number far beyond the processors that there are.
    """
    if n_jobs is None:
        return threads() if flops > WORTH_THREADS else 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0 or n_jobs < -1:
        raise OptionError(
            f"n_jobs={n_jobs!r} must be a positive number of threads, -1 for one per core, or None to let "
            "the size of the model decide."
        )
    if n_jobs == -1:
        return threads()
    refuse_too_many(int(n_jobs), f"n_jobs={n_jobs!r}")
    return int(n_jobs)


def in_threads(do: Callable[[T], R], tasks: Iterable[T], jobs: int) -> Iterator[tuple[T, R]]:
    """Results of `do` as they come; with one job in this thread, in order.

    At most two tasks per thread are under way, so that a stop (Ctrl-C) loses little; the first error ends it.
    """
    if jobs == 1:
        for task in tasks:
            yield task, do(task)
        return
    waiting: dict[Future[R], T] = {}
    left = iter(tasks)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for task in left:
                waiting[pool.submit(_shared, do, task, jobs)] = task
                if len(waiting) >= 2 * jobs:
                    yield from _done(waiting)
            while waiting:
                yield from _done(waiting)
        finally:
            for future in waiting:
                future.cancel()


def _shared(do: Callable[[T], R], task: T, jobs: int) -> R:
    with sharing(jobs):
        return do(task)


def _done(waiting: dict[Future[R], T]) -> list[tuple[T, R]]:
    ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
    return [(waiting.pop(future), future.result()) for future in ready]
