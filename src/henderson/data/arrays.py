"""One array or list → one column."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.data.columns import Column, Factor, Numbers
from henderson.data.factors import factor_from_labels
from henderson.errors import DataError

_USE_INSTEAD = {
    "datetime": "Make a number of it first, for example days since a date: (d - d.min()).dt.days; "
    "for groups make it text: d.astype(str).",
    "duration": "Make a number of it first, for example td.dt.total_seconds().",
    "complex": "Use its real part, its modulus or its argument.",
}


def unusable(name: str, what: str) -> DataError:
    """Return the error for a column of a type that no model can use."""
    if what in ("Unknown", "Null"):
        return DataError(
            f"Column {name!r} has no type known here: perhaps all of its values are missing. Leave it "
            "out, or give it a type (a cast to number or text)."
        )
    advice = next(
        (text for kind, text in _USE_INSTEAD.items() if kind in what),
        "Use numbers, text, truth values or categories.",
    )
    return DataError(
        f"Column {name!r} holds {what} values, which are neither numbers nor categories. {advice}"
    )


def column_from_truth(values: np.ndarray, missing: np.ndarray | None = None) -> Factor:
    """Turn truth values into a factor with levels False and True, as R does with logicals.

    Parameters
    ----------
    values : (n,) bool
        Truth values; anything where missing.
    missing : (n,) bool, optional
        Which are missing.

    Returns
    -------
    Factor
    """
    codes = values.astype(np.int32)
    if missing is not None:
        codes[missing] = -1
    return Factor(codes, (False, True), logical=True)


def _from_objects(values: np.ndarray, name: str) -> Column:
    import pandas as pd

    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in ("string", "empty"):
        return factor_from_labels(values) if kind == "string" else Numbers(np.full(len(values), np.nan))
    missing = pd.isna(values)
    if kind == "boolean":
        return column_from_truth(np.where(missing, False, values).astype(bool), missing)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        numbers = np.full(len(values), np.nan)
        numbers[~missing] = values[~missing].astype(np.float64)
        return Numbers(numbers)
    if kind.startswith("mixed"):
        types = sorted({type(value).__name__ for value in values[~missing]})
        raise DataError(
            f"Column {name!r} mixes values of the types {', '.join(types[:5])}; a column has one kind. "
            "Convert it, for example with .astype(str) or pandas.to_numeric(…)."
        )
    raise unusable(
        name, {"date": "datetime", "datetime64": "datetime", "timedelta": "duration"}.get(kind, kind)
    )


def column_from_array(values: Any, name: str) -> Column:
    """Turn an array or a list into a column.

    Parameters
    ----------
    values : array-like, (n,)
        Numbers, truth values, or labels; None and NaN are missing.
    name : str
        For messages.

    Returns
    -------
    Numbers or Factor

    Raises
    ------
    DataError
        More than one dimension, mixed types, dates, complex numbers.
    """
    array = values if isinstance(values, np.ndarray) else _as_array(values, name)
    if np.ma.isMaskedArray(array):
        array = np.ma.filled(array.astype(np.float64 if array.dtype.kind in "iuf" else object), np.nan)
    if array.ndim != 1:
        raise DataError(
            f"Column {name!r} has {array.ndim} dimensions (shape {array.shape}); a column has one."
        )
    kind = array.dtype.kind
    if kind == "f":
        return Numbers(array if array.dtype == np.float64 else array.astype(np.float64))
    if kind in "iu":
        return Numbers(array)
    if kind == "b":
        return column_from_truth(array)
    if kind in "UO":
        return _from_objects(array.astype(object) if kind == "U" else array, name)
    raise unusable(
        name, {"M": "datetime", "m": "duration", "c": "complex", "S": "bytes"}.get(kind, str(array.dtype))
    )


def _as_array(values: Any, name: str) -> np.ndarray:
    if isinstance(values, (str, bytes)) or (
        not hasattr(values, "__len__") and not hasattr(values, "__array__")
    ):
        raise DataError(f"Column {name!r} is {type(values).__name__}, not a column: give one value per row.")
    if isinstance(values, (list, tuple)) and any(value is None or isinstance(value, str) for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"Column {name!r} cannot be read as one value per row: {error}.") from error
