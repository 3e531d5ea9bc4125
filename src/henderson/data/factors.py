"""Labels → codes, by hashing; and codes of one factor expressed in the levels of another."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from henderson.data.columns import Column, Factor, Numbers, label_text
from henderson.errors import HendersonWarning


def _rank(uniques: Any) -> tuple[list[int], tuple[Any, ...]]:
    """Return the position of each distinct label in sorted order, and the sorted labels."""
    order = sorted(range(len(uniques)), key=uniques.__getitem__)
    position = [0] * len(uniques)
    for place, i in enumerate(order):
        position[i] = place
    return position, tuple(uniques[i] for i in order)


def factor_from_labels(values: Any) -> Factor:
    """Turn labels of one kind into a factor with sorted levels; missing labels get code -1.

    Parameters
    ----------
    values : (n,) array of str, or of numbers
        Labels.

    Returns
    -------
    Factor

    Notes
    -----
    One hash table, O(n); the sort is over distinct labels only.
    """
    import pandas as pd

    codes, uniques = pd.factorize(values)
    position, levels = _rank(list(uniques.tolist() if hasattr(uniques, "tolist") else uniques))
    if not levels:
        return Factor(codes.astype(np.int32), ())
    table = np.array([*position, -1], dtype=np.int32)
    return Factor(table[codes], levels)


def factor_from_integers(values: np.ndarray) -> Factor:
    """Turn integers into a factor with levels in numerical order.

    Parameters
    ----------
    values : (n,) integer
        Labels.

    Returns
    -------
    Factor

    Notes
    -----
    A lookup table where the range of the integers is of the order of n, else a hash table.
    """
    if len(values) == 0:
        return Factor(np.zeros(0, np.int32), ())
    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1000:
        return factor_from_labels(values)
    wide = values if values.dtype.itemsize == 8 else values.astype(np.int64)  # narrow types would overflow
    shifted = wide if low == 0 else wide - wide.dtype.type(low)
    present = np.zeros(high - low + 1, dtype=bool)
    present[shifted] = True
    levels = (np.flatnonzero(present) + low).tolist()
    if len(levels) == len(present):
        return Factor(shifted.astype(np.int32), tuple(levels))
    return Factor((np.cumsum(present, dtype=np.int32) - np.int32(1))[shifted], tuple(levels))


def factor_from_numbers(values: np.ndarray, name: str, *, warn: bool = True) -> Factor:
    """Turn a numeric column into a factor with levels in numerical order.

    Parameters
    ----------
    values : (n,) integer or float64
        Labels; NaN is missing.
    name : str
        Of the column, for the warning.
    warn : bool
        Whether to warn about numbers that do not look like labels.

    Returns
    -------
    Factor

    Warns
    -----
    HendersonWarning
        Numbers with decimals: they are seldom labels.
    """
    if values.dtype.kind in "iu":
        return factor_from_integers(values)
    missing = np.isnan(values)
    whole = values[~missing] if missing.any() else values
    if np.array_equal(whole, np.rint(whole)) and (not len(whole) or np.abs(whole).max() < 2**53):
        inner = factor_from_integers(whole.astype(np.int64))
        codes = np.full(len(values), -1, dtype=np.int32)
        codes[~missing] = inner.codes
        return Factor(codes, inner.levels)
    factor = factor_from_labels(values)
    if warn:
        message = (
            f"The grouping column {name!r} holds {len(factor.levels)} different numbers with decimals "
            f"({factor.levels[0]:g}, …), which are seldom labels; every different number is one group. "
            "If that is meant, make it a column of text or a categorical."
        )
        warnings.warn(message, HendersonWarning, stacklevel=2)
    return factor


def as_factor(column: Column, name: str, *, warn: bool = True) -> Factor:
    """Return a column as a factor.

    Parameters
    ----------
    column : Numbers or Factor
        The column.
    name : str
        For warnings.
    warn : bool
        Whether to warn about numbers that do not look like labels.

    Returns
    -------
    Factor
    """
    return column if isinstance(column, Factor) else factor_from_numbers(column.values, name, warn=warn)


def recode(column: Column, levels: tuple[Any, ...]) -> tuple[np.ndarray, tuple[Any, ...]]:
    """Express a column in known levels, by the text of the labels.

    Parameters
    ----------
    column : Numbers or Factor
        New data.
    levels : tuple
        Known levels.

    Returns
    -------
    codes : (n,) int32
        -1 where missing, -2 where the level is unknown.
    unseen : tuple
        Unknown labels that occur.
    """
    factor = as_factor(column, "", warn=False)
    if factor.levels == levels:
        return factor.codes, ()
    known = {label_text(level): i for i, level in enumerate(levels)}
    table = np.array([*(known.get(label_text(level), -2) for level in factor.levels), -2, -1], dtype=np.int32)
    codes = table[factor.codes]
    if not (codes == -2).any():
        return codes, ()
    occurring = np.bincount(factor.codes[codes == -2], minlength=len(factor.levels))
    return codes, tuple(level for level, count in zip(factor.levels, occurring, strict=True) if count)


__all__ = [
    "Numbers",
    "as_factor",
    "factor_from_integers",
    "factor_from_labels",
    "factor_from_numbers",
    "recode",
]
