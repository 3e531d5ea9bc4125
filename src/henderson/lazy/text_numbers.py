"""Columns of text on an engine that hold numbers but for a few values: said before they become levels."""

from __future__ import annotations

import warnings

import narwhals as nw
import numpy as np

from henderson.data import Factor
from henderson.design.text_numbers import is_number, numbers_meant
from henderson.errors import DataError, HendersonWarning
from henderson.formula.nodes import Name
from henderson.lazy.plan import Key
from henderson.lazy.stage import Stage
from henderson.lazy.tables import Table


def check_text(stage: Stage, whole: Table, stacklevel: int) -> None:
    """Refuse text where numbers must have been meant; warn where they may have been: the rule in memory.

    Parameters
    ----------
    stage : Stage
    whole : Table
        By all factors that the columns of X and Z depend on.
    stacklevel : int
        Of the warning, as seen from here.

    Raises
    ------
    DataError
        Most labels are numbers, and there are too many for a factor.

    Warns
    -----
    HendersonWarning
        Most labels are numbers, one is not, and there are few.
    """
    formula = stage.plan.formula
    variables = [*formula.fixed.variables, *(v for part in formula.random for v in part.terms.variables)]
    for name in dict.fromkeys(v.node.text for v in variables if isinstance(v.node, Name)):
        column = whole.keys.get(Key(name))
        if isinstance(column, Factor) and stage.lazy.types[name] == nw.String:
            _check(name, column, whole.n, stage.lazy.engine, stacklevel + 1)


def _check(name: str, column: Factor, n: np.ndarray, engine: str, stacklevel: int) -> None:
    rows = np.bincount(column.codes, weights=n, minlength=len(column.levels))
    numeric = np.array([is_number(label) for label in column.levels])
    meant = numbers_meant(len(column.levels), int(numeric.sum()), int(rows.sum()), response=False)
    if meant == "no":
        return
    others = [str(label) for label, good in zip(column.levels, numeric, strict=True) if not good]
    found = f"all {rows.sum():.0f} values are numbers"
    if others:
        shown = ", ".join(map(repr, others[:3])) + (", …" if len(others) > 3 else "")
        found = f"{rows[numeric].sum():.0f} of {rows.sum():.0f} values are numbers; {shown} is not"
    said = (
        f"{name} is text on {engine}: {found}. Make it a number there, for example "
        f"TRY_CAST({name} AS DOUBLE), or col({name!r}).cast(Float64, strict=False) of polars."
    )
    if meant == "yes":
        raise DataError(said)
    warnings.warn(
        f"{said} It is used as a factor of {len(column.levels)} levels; if that is meant, make it a "
        "categorical.",
        HendersonWarning,
        stacklevel=stacklevel,
    )
