"""Progress bars for work over a second, by tqdm; silence where it is missing or the work is short."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

DELAY = 1.0
"""Seconds before a bar shows itself."""

_shown: WeakSet[Any] = WeakSet()
"""Bars on the screen: work inside of work that is counted already shows none of its own."""


def _opened(**options: Any) -> Any:
    """A bar of tqdm; silence without tqdm, and below another bar."""
    if _shown:
        return _Silent()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Silent()
    bar = tqdm(leave=False, **options)
    _shown.add(bar)
    return bar


def _close(bar: Any) -> None:
    if bar is not None:
        bar.close()
        _shown.discard(bar)


def progress(total: int | None, what: str) -> Any:
    """A progress bar that shows itself after one second; one that does nothing where tqdm is missing.

    Parameters
    ----------
    total : int or None
        Steps in all; None where nobody knows.
    what : str
        Shown before the bar.

    Returns
    -------
    object with ``update(steps)`` and ``close()``
    """
    return _Late(total, what)


class _Late:
    """Counts; loads tqdm, which takes half a second, only once there has been something to wait for."""

    __slots__ = ("bar", "done", "start", "total", "what")

    def __init__(self, total: int | None, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.bar: Any = None
        self.start = time.perf_counter()

    def update(self, steps: int) -> None:
        """Count steps."""
        self.done += steps
        if self.bar is not None:
            self.bar.update(steps)
        elif time.perf_counter() - self.start > DELAY and (self.total is None or self.done < self.total):
            self.bar = self._open()

    def _open(self) -> Any:
        return _opened(total=self.total, initial=self.done, desc=self.what)

    def close(self) -> None:
        """Take the bar away, if one was shown."""
        _close(self.bar)


class _Silent:
    def update(self, _: int) -> None:
        """Take no notice."""

    def close(self) -> None:
        """Nothing to close."""


class Counted:
    """A function whose calls are counted in a bar once they have taken a second together.

    Parameters
    ----------
    function : callable
        Called as it is.
    what : str
        Shown before the count.

    Notes
    -----
    A tenth of a microsecond per call; tqdm is not even imported before there is something to show.
    """

    __slots__ = ("bar", "calls", "function", "start", "what")

    def __init__(self, function: Callable[..., Any], what: str) -> None:
        self.function, self.what, self.calls = function, what, 0
        self.bar: Any = None
        self.start = time.perf_counter()

    def __call__(self, *args: Any) -> Any:
        """Call the function and count."""
        out = self.function(*args)
        self.calls += 1
        if self.bar is not None:
            self.bar.update(1)
        elif time.perf_counter() - self.start > DELAY:
            self.bar = self._open()
        return out

    def _open(self) -> Any:
        words = "{desc}: {n_fmt} evaluations, {elapsed}"
        return _opened(desc=self.what, initial=self.calls, bar_format=words)

    def close(self) -> None:
        """Take the bar away, if one was shown."""
        _close(self.bar)
