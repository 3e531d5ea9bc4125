"""The arguments of `build`, checked: options, weights, offset, contrasts, the caller's functions."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from henderson.data import Column, Frame, Numbers, open_frame
from henderson.data.suggest import did_you_mean
from henderson.design.contrasts import Coding, coding_from_matrix, coding_from_name
from henderson.errors import DataError, FormulaError, OptionError

NA_ACTIONS = ("drop", "raise")
EVERY_FACTOR = "*"
_RESERVED = ("C", "I", "Q", "offset", "c")


def check_formula(formula: Any) -> str:
    """Return the formula; a FormulaError where it is not text."""
    if not isinstance(formula, str):
        raise FormulaError(f"The formula is text, such as 'y ~ x + (1 | g)'; got {type(formula).__name__}.")
    return formula


def check_na_action(na_action: Any) -> str:
    """Return the option; an OptionError that lists the allowed ones."""
    if na_action not in NA_ACTIONS:
        allowed = " or ".join(repr(option) for option in NA_ACTIONS)
        raise OptionError(f"na_action is {allowed}; got {na_action!r}.")
    return str(na_action)


def check_env(env: Any) -> dict[str, Any]:
    """Return the caller's functions and constants by name."""
    if env is None:
        return {}
    if not isinstance(env, Mapping):
        raise OptionError(f"env is a dict of functions, such as {{'f': f}}; got {type(env).__name__}.")
    for name in env:
        if name in _RESERVED:
            raise OptionError(f"env cannot redefine {name}(), which is part of the formula language.")
    for name, value in env.items():
        constant = isinstance(value, (Real, str, list, tuple, np.ndarray))
        if not isinstance(name, str) or not (callable(value) or constant):
            raise OptionError(
                f"env[{name!r}] is {type(value).__name__}; env holds functions and constants by their names."
            )
    return {
        name: float(value) if type(value) is not bool and isinstance(value, Real) else value
        for name, value in env.items()
    }


def read_codings(contrasts: Any) -> dict[str, Coding]:
    """Return the codings that ``contrasts=`` asks for.

    Parameters
    ----------
    contrasts : mapping of str to (str or matrix), str or None
        For example ``{"A": "contr.sum"}``; one name is for every unordered factor.

    Returns
    -------
    dict of str to Coding

    Raises
    ------
    OptionError
        Not a mapping, or an unknown name.
    """
    if contrasts is None:
        return {}
    if isinstance(contrasts, str):
        return {EVERY_FACTOR: coding_from_name(contrasts)}
    if not isinstance(contrasts, Mapping):
        raise OptionError(
            "contrasts is a dict from factor to coding, such as {'A': 'contr.sum'}; "
            f"got {type(contrasts).__name__}."
        )
    return {
        str(name): coding_from_name(value) if isinstance(value, str) else coding_from_matrix(value, str(name))
        for name, value in contrasts.items()
    }


def check_codings(codings: Mapping[str, Coding], factors: set[str], known: set[str]) -> None:
    """Refuse codings of what is not a factor of the fixed part."""
    for name in codings:
        if name not in factors and name != EVERY_FACTOR:
            kind = "is not a factor" if name in known else "is not in the fixed part of the formula"
            raise OptionError(
                f"contrasts names {name!r}, which {kind}. {did_you_mean(name, sorted(factors))}"
            )


def read_vector(value: Any, what: str, frame: Frame) -> tuple[Column, str | None] | None:
    """Read ``weights=`` or ``offset=``: a column name or one number per row.

    Parameters
    ----------
    value : str, array-like or None
        As the caller gave it.
    what : str
        Name of the argument.
    frame : Frame
        The data.

    Returns
    -------
    (column, name) or None
        The name is None for an array.

    Raises
    ------
    DataError
        Missing column, wrong length, not numeric.
    """
    if value is None:
        return None
    column = frame.column(value) if isinstance(value, str) else _array(value, what)
    if not isinstance(column, Numbers):
        raise DataError(
            f"{what} must be numbers; {value if isinstance(value, str) else 'the array'} holds other values."
        )
    if len(column.values) != frame.n:
        raise DataError(f"{what} has {len(column.values)} values; the data have {frame.n} rows.")
    return column, value if isinstance(value, str) else None


def _array(value: Any, what: str) -> Column:
    if isinstance(value, (Mapping, Real)) or not hasattr(value, "__len__"):
        raise OptionError(f"{what} is a column name or one number per row; got {type(value).__name__}.")
    return open_frame({what: value}).column(what)


def check_weights(weights: np.ndarray, kept: np.ndarray | None = None) -> None:
    """Refuse weights that are not positive: they divide the variance; `kept` are their rows in the data."""
    bad = weights <= 0
    if bad.any():
        rows = np.flatnonzero(bad) if kept is None else kept[bad]
        listed = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
        raise DataError(
            f"{len(rows)} weights are zero or negative, in rows {listed} (counted from 0). The "
            "variance of a row is σ² divided by its weight; leave out rows that should not count."
        )
