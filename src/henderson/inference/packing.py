"""Numbers, labels and arrays as JSON holds them, exactly."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from henderson.errors import DataError

TYPES = ("<f8", "<i4", "<i8")
Record = dict[str, Any]


def number(value: float) -> float | str:
    """Return A float as JSON allows it: infinities and NaN as text."""
    return float(value) if math.isfinite(value) else repr(float(value))


def packed(array: np.ndarray | None) -> Record | None:
    """Return an array as its type, shape and base64 of its little-endian bytes, in row order."""
    if array is None:
        return None
    kind = {"f": "<f8", "i": f"<i{array.dtype.itemsize}"}[array.dtype.kind]
    data = np.ascontiguousarray(array, dtype=kind).tobytes()
    return {"dtype": kind, "shape": list(array.shape), "base64": base64.b64encode(data).decode("ascii")}


def unpacked(record: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the array of a `packed` record, checked against the shape that it must have."""
    if not isinstance(record, Mapping) or record.get("dtype") not in TYPES:
        raise DataError(f"The stored fit is damaged: {name} is not an array of type {', '.join(TYPES)}.")
    try:
        flat = np.frombuffer(base64.b64decode(record["base64"], validate=True), dtype=record["dtype"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"The stored fit is damaged: {name} cannot be decoded ({error}).") from error
    if list(shape) != list(record.get("shape", [])) or flat.size != math.prod(shape):
        raise DataError(
            f"The stored fit is damaged: {name} has shape {record.get('shape')} and {flat.size} numbers; "
            f"{shape} is expected."
        )
    return np.array(flat.reshape(shape), dtype=np.dtype(record["dtype"]).newbyteorder("="))


def listed(values: Any, name: str, size: int) -> np.ndarray:
    """Return A list of `size` numbers as float64."""
    try:
        out = np.array([float(x) for x in values], dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"The stored fit is damaged: {name} is not a list of numbers.") from error
    if out.shape != (size,):
        raise DataError(f"The stored fit is damaged: {name} has {out.size} numbers; {size} are expected.")
    return out


def plain_label(value: Any) -> Any:
    """Return a label as JSON allows it."""
    value = value.item() if isinstance(value, np.generic) else value
    return (
        value
        if isinstance(value, (str, int, bool))
        else number(value)
        if isinstance(value, float)
        else str(value)
    )
