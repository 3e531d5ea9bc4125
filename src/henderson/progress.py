"""Progress bars for work over a second, by tqdm; silence where it is missing or the work is short."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

DELAY = 1.0
"""Seconds before a bar shows itself."""


def progress(total: int, what: str) -> Any:
    """A progress bar that shows itself after one second; one that does nothing where tqdm is missing.

    Parameters
    ----------
    total : int
        Steps in all.
    what : str
        Shown before the bar.

    Returns
    -------
    object with ``update(steps)`` and ``close()``
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Silent()
    return tqdm(total=total, desc=what, delay=DELAY, leave=False)


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

    __slots__ = ("bar", "function", "start", "what")

    def __init__(self, function: Callable[..., Any], what: str) -> None:
        self.function, self.what, self.bar, self.start = function, what, None, time.perf_counter()

    def __call__(self, *args: Any) -> Any:
        """Call the function and count."""
        out = self.function(*args)
        if self.bar is None and time.perf_counter() - self.start > DELAY:
            self.bar = self._open()
        if self.bar is not None:
            self.bar.update(1)
        return out

    def _open(self) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _Silent()
        return tqdm(desc=self.what, unit=" evaluations", leave=False)

    def close(self) -> None:
        """Take the bar away, if one was shown."""
        if self.bar is not None:
            self.bar.close()
