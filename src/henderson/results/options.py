"""Misspelt options answered with the list of those that exist."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from henderson.errors import OptionError
from henderson.results.elsewhere import OPTIONS, foreign_option

F = TypeVar("F", bound=Callable[..., Any])


def named_options(function: F) -> F:
    """Make a function answer a call that does not fit with an `OptionError` that lists its options.

    Parameters
    ----------
    function : callable
        Without ``**kwargs`` of its own.

    Returns
    -------
    callable
        The same function, about 0.3 microseconds slower.
    """
    signature = inspect.signature(function)
    names = tuple(signature.parameters)
    known, shown = frozenset(names), ", ".join(name for name in names if name != "self")

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if not known.issuperset(options):
            wrong = next(name for name in options if name not in known)
            foreign = OPTIONS.get(function.__name__, {}).get(wrong) or foreign_option(wrong, known)
            near = [] if foreign else difflib.get_close_matches(wrong.lower(), names, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" {foreign}" if foreign else ""
            raise OptionError(f"{function.__name__}() has no option {wrong!r}.{hint} It takes: {shown}.")
        try:
            return function(*args, **options)
        except TypeError:
            try:
                signature.bind(*args, **options)
            except TypeError as error:  # the call itself is wrong, not something within
                what = str(error).replace("too many positional arguments", "too many values without a name")
                raise OptionError(f"{function.__name__}(): {what}. It takes: {shown}.") from None
            raise

    return call  # type: ignore[return-value]
