"""Can this model be estimated from these rows? Refusals that name the factors and the counts."""

from __future__ import annotations

import numpy as np

from henderson.data import Factor, label_text
from henderson.design.context import Matrix, Value
from henderson.design.parts import Part
from henderson.design.record import Grouping, RandomTerm
from henderson.errors import DataError, DesignError

MAX_COLUMNS = 10_000


def response_numbers(value: Value, name: str) -> np.ndarray:
    """Return the response as (n,) contiguous numbers of its own; refuse text and categories."""
    if isinstance(value, Factor):
        if value.logical:
            raise DataError(
                f"The response {name} holds truth values; a linear mixed model needs numbers. "
                f"Type as.numeric({name}) if 0 and 1 are meant as numbers."
            )
        some = ", ".join(repr(label_text(level)) for level in value.levels[:3])
        raise DataError(
            f"The response {name} holds text or categories ({some}, …); a linear mixed model needs numbers. "
            "Convert it, for example with pandas.to_numeric(…)."
        )
    if isinstance(value, Matrix):
        if value.values.shape[1] != 1:
            raise DataError(f"The response {name} has {value.values.shape[1]} columns; one is needed.")
        value = value.values[:, 0]
    return np.array(value, dtype=np.float64)  # a copy: the caller may change the data in place later


def response_vector(value: Value, name: str) -> np.ndarray:
    """Return the response as numbers that differ; refuse text, categories and constants."""
    y = response_numbers(value, name)
    if y.min() == y.max():
        raise constant_response(name, float(y[0]), len(y))
    return y


def constant_response(name: str, value: float, n: int) -> DesignError:
    """Return the error for a response without variation."""
    return DesignError(
        f"The response {name} is constant ({value:g} in all {n} rows): there is nothing to explain."
    )


def check_width(p: int, parts: list[list[Part]]) -> None:
    """Refuse a fixed part with more columns than anybody can estimate; names the factor with most levels."""
    if p <= MAX_COLUMNS:
        return
    widest = max((part for term in parts for part in term), key=lambda part: part.k)
    raise DesignError(
        f"The fixed part has {p} columns; most come from a factor with columns {widest.names[0]}, "
        f"{widest.names[1]}, … ({widest.k} in all). A factor with so many levels is usually a grouping "
        "factor: put it right of a bar, (1 | g)."
    )


def check_random(groupings: tuple[Grouping, ...], terms: tuple[RandomTerm, ...], n: int) -> None:
    """Refuse random terms that the data cannot identify.

    Parameters
    ----------
    groupings : tuple of Grouping
        Grouping factors.
    terms : tuple of RandomTerm
        Random terms.
    n : int
        Rows used.

    Raises
    ------
    DesignError
        A factor with one level, or with as many levels as rows; a term with as many effects as rows.
    """
    for grouping in groupings:
        levels = len(grouping.levels)
        if levels < 2:
            raise DesignError(
                f"The grouping factor {grouping.name} has one level ({label_text(grouping.levels[0])}) in "
                f"the {n} rows used; a variance between groups needs at least two groups."
            )
        if levels >= n:
            raise DesignError(
                f"The grouping factor {grouping.name} has {levels} levels in {n} rows: with one row a group, "
                "its variance and the residual variance cannot be told apart. "
                "Leave the term out, or group by something that repeats."
            )
    for term in terms:
        grouping = groupings[term.grouping]
        effects = term.k * len(grouping.levels)
        if effects >= n:
            raise DesignError(
                f"The term ({' + '.join(term.names)} | {grouping.name}) has {term.k} × "
                f"{len(grouping.levels)} = {effects} random effects for {n} rows: they cannot be told apart "
                "from the residuals. Leave out a slope, or use || and fewer columns."
            )
