"""BLAS in one thread while henderson's own threads share the dense work.

Threads of BLAS on top of ours oversubscribe the machine, wait for one another where it is busy, and round
differently with their number; small blocks lose more to their start than they gain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from threading import Lock
from typing import Any

from henderson.threads import sharing, threads

__all__ = ["NO_BLAS_BELOW", "blas_threads_for", "sharing", "threads"]

NO_BLAS_BELOW = 32
"""Matrices smaller than this run in one thread whatever is allowed, so the (slow) switch is spared."""


class _Limit:
    """The limit belongs to the process: set by the first that enters, lifted by the last to leave.

    Were each thread to restore what it found, the last one would restore the first one's limit for good.
    """

    def __init__(self) -> None:
        self.lock, self.inside = Lock(), 0
        self.limiter: Any = None

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                _take_control()
                self.limiter = _controller().limit(limits=1)
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0 and self.limiter is not None:
                _take_control()
                self.limiter.restore_original_limits()
                self.limiter = None
                _take_control()


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def _take_control() -> None:
    """Let the next thread that sets a limit be heard.

    From version 3.8 threadpoolctl listens to one thread until that one is done; ours may not be the one.
    """
    for library in _controller().lib_controllers:
        release = getattr(library, "clear_controlling_thread", None)
        if release is not None:
            release(force=True)


_limit = _Limit()


@contextmanager
def _single() -> Iterator[None]:
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


def blas_threads_for(tail: int) -> AbstractContextManager[None]:
    """Context for dense work on a tail of this size: BLAS runs in one thread, henderson in `threads()`."""
    return nullcontext() if tail < NO_BLAS_BELOW else _single()
