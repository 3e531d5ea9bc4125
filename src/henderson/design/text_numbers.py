"""Numbers that arrive as text because a few values are none: say which, before they become levels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from henderson.data import Column, Factor
from henderson.errors import DataError, HendersonWarning
from henderson.formula import ModelFormula
from henderson.formula.nodes import Name

_MANY = 20  # levels: hardly a factor of which some labels happen to be numbers
_FEW = 3  # numbers among the labels: fewer say nothing


def is_number(label: Any) -> bool:
    """Return whether a label spells a number."""
    try:
        float(label)
    except ValueError:
        return False
    return True


def _declared(data: Any, name: str) -> bool:
    """Return whether a column was made categorical on purpose."""
    try:
        dtype = data[name].dtype
    except (AttributeError, KeyError, TypeError):
        return False
    return hasattr(dtype, "categories") or "Categorical" in str(dtype)


def _message(name: str, factor: Factor, numeric: np.ndarray) -> str:
    there = factor.codes >= 0
    good = numeric[factor.codes] & there
    total, rest = int(there.sum()), np.flatnonzero(there & ~good)
    found = f"all {total} values are numbers"
    if len(rest):
        first = factor.levels[factor.codes[rest[0]]]
        found = (
            f"{int(good.sum())} of {total} values are numbers; the first that is not is {first!r} "
            f"(row {rest[0]}, counted from 0)"
        )
    remedy = f"pandas.to_numeric(data[{name!r}], errors='coerce')"
    return f"{name} is text: {found}. Convert it, for example {remedy}."


def check_text(formula: ModelFormula, columns: dict[str, Column], data: Any) -> None:
    """Refuse text where numbers must have been meant; warn where they may have been.

    Parameters
    ----------
    formula : ModelFormula
        Its response and the terms left of the bars are looked at; grouping factors never are.
    columns : dict of str to Column
        All rows, as read.
    data : data frame
        Tells text from declared categories.

    Raises
    ------
    DataError
        Most labels are numbers, and there are too many for a factor, or it is the response.

    Warns
    -----
    HendersonWarning
        Most labels are numbers, one is not, and there are few.
    """
    variables = [*formula.fixed.variables, *(v for part in formula.random for v in part.terms.variables)]
    names = {v.node.text: None for v in variables if isinstance(v.node, Name)}
    for name in names:
        if _is_text(columns.get(name)):
            _check(name, columns[name], data, response=False)
    node = formula.response.node
    if isinstance(node, Name) and _is_text(columns.get(node.text)):
        _check(node.text, columns[node.text], data, response=True)


def _is_text(column: Column | None) -> bool:
    return isinstance(column, Factor) and bool(column.levels) and isinstance(column.levels[0], str)


def numbers_meant(levels: int, numbers: int, rows: int, *, response: bool) -> str:
    """Tell whether a column of text was meant as numbers.

    Parameters
    ----------
    levels, numbers, rows : int
        Different labels; those that spell numbers; rows.
    response : bool
        Whether it is the response.

    Returns
    -------
    {"yes", "perhaps", "no"}
    """
    if numbers < _FEW or 2 * numbers <= levels:
        return "no"
    many = 2 * levels >= rows and levels > _FEW + 1
    if numbers == levels:  # digits as labels are a factor, unless hardly one repeats
        return "yes" if many and not response else "no"
    return "yes" if response or many or levels > _MANY else "perhaps"


def _check(name: str, column: Column, data: Any, *, response: bool) -> None:
    assert isinstance(column, Factor)
    levels = len(column.levels)
    numeric = np.array([is_number(label) for label in column.levels])
    rows = int(np.count_nonzero(column.codes >= 0))
    meant = numbers_meant(levels, int(numeric.sum()), rows, response=response)
    if meant == "no" or _declared(data, name):
        return
    if meant == "yes":
        raise DataError(_message(name, column, numeric))
    warnings.warn(
        f"{_message(name, column, numeric)} It is used as a factor of {levels} levels; if that is meant, "
        "make it a categorical.",
        HendersonWarning,
        stacklevel=7,  # the line that called lmm()
    )
