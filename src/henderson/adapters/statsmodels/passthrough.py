"""Everything else that statsmodels offers, taken from statsmodels where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from henderson.errors import MissingDependencyError


def installed(module: str) -> Any:
    """Return a module of statsmodels.

    Raises
    ------
    MissingDependencyError
        If statsmodels is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingDependencyError(
            "henderson.adapters.statsmodels has mixed models only; everything else is statsmodels' own, and "
            "that is not installed. Type: pip install statsmodels"
        ) from error


def look_up(name: str) -> Any:
    """Return what ``statsmodels.formula.api`` or ``statsmodels.api`` calls `name`.

    Raises
    ------
    AttributeError
        If neither has it.
    MissingDependencyError
        If statsmodels is not installed.
    """
    for module in ("statsmodels.formula.api", "statsmodels.api"):
        found = getattr(installed(module), name, None)
        if found is not None:
            return found
    raise AttributeError(f"Neither henderson.adapters.statsmodels nor statsmodels has {name!r}.")
