"""How many threads henderson may use: one number for everything, asked for with `threads()`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .errors import OptionError

FEWEST_REFUSED, PER_PROCESSOR = 64, 4
"""Threads that are never refused, and how many more than processors are not."""

_chosen: int | None = None


class _Share(threading.local):
    """What the present thread may use, when it is one of several at work; None otherwise."""

    threads: int | None = None


_share = _Share()


class Setting:
    """What `set_threads` answers: ends the choice when used in a ``with`` block, and prints it."""

    __slots__ = ("_before", "threads")

    def __init__(self, before: int | None) -> None:
        self._before, self.threads = before, get_threads()

    def __repr__(self) -> str:
        return f"henderson uses {self.threads} thread{'s' if self.threads > 1 else ''}"

    def __enter__(self) -> Setting:
        return self

    def __exit__(self, *exception: Any) -> None:
        global _chosen
        _chosen = self._before


def set_threads(n: int | None = None) -> Setting:
    """Choose how many threads henderson uses, in all its parts and from now on.

    Results do not depend on it: work is cut into the same pieces, added in the same order, however many
    threads share it.

    Parameters
    ----------
    n : int, optional
        At least 1. None goes back to one thread for every processor that this process may use.

    Returns
    -------
    Setting
        Prints the choice; used in a ``with`` block, the earlier choice returns at its end.

    Raises
    ------
    OptionError
        When `n` is not a whole number, less than 1, or far beyond the processors that there are.

    Notes
    -----
    Costs nothing by itself; threads are started where there is work for them. The choice belongs to the
    process. BLAS runs in one thread while henderson's own are at work, so that they do not compete.

    Examples
    --------
    >>> import henderson as hd
    >>> with hd.set_threads(1):
    ...     hd.get_threads()
    1
    """
    global _chosen
    if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
        raise OptionError(
            f"set_threads({n!r}): the number of threads must be a whole number of at least 1. Leave it out "
            f"for one per available processor, which are {available()} here."
        )
    if n is not None:
        refuse_too_many(int(n), f"set_threads({n!r})")
    before, _chosen = _chosen, None if n is None else int(n)
    return Setting(before)


def refuse_too_many(n: int, call: str) -> None:
    """Stop at a number of threads that can only be a slip.

    More threads than processors gain nothing, but a number meant for a larger machine does no harm.

    Parameters
    ----------
    n : int
        At least 1.
    call : str
        What was typed.
    """
    most = max(FEWEST_REFUSED, PER_PROCESSOR * available())
    if n > most:
        raise OptionError(
            f"{call}: this process may use {available()} processor{'s' if available() > 1 else ''}, and more "
            f"than {most} threads here would only take memory. Leave the number out for one thread per "
            f"processor, or give one up to {most}."
        )


def get_threads() -> int:
    """How many threads henderson uses: what `set_threads` chose, or one per available processor.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> import henderson as hd
    >>> hd.get_threads() >= 1
    True
    """
    return available() if _chosen is None else _chosen


def threads() -> int:
    """How many threads the work at hand may start: `get_threads()`, or this thread's share of them."""
    return get_threads() if _share.threads is None else _share.threads


def available() -> int:
    """Processors that this process may run on; where the system does not say, those that there are."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


@contextmanager
def sharing(workers: int) -> Iterator[None]:
    """Context of one of several threads at work: each may use its share of the threads.

    Parameters
    ----------
    workers : int
        How many work side by side.
    """
    before, _share.threads = _share.threads, max(1, threads() // workers)
    try:
        yield
    finally:
        _share.threads = before
