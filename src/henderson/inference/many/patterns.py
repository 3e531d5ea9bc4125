"""Missing values that differ between responses: one design for all responses that miss the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.inference.many.read import Given

AT_ONCE = 8_000_000
"""Numbers looked at together."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Responses that miss the same rows.

    Attributes
    ----------
    missing : (n,) bool or None
        Rows of the data without a value; None where none of the rows in use is missing.
    responses : (r,) intp
        Places of the responses.
    """

    missing: np.ndarray | None
    responses: np.ndarray


def patterns(given: Given, n: int, kept: np.ndarray | None) -> tuple[list[Pattern], dict[int, str]]:
    """Sort responses by the rows that they miss, among the rows that the rest of the model can use.

    Parameters
    ----------
    given : Given
    n : int
        Rows of the data.
    kept : (m,) intp or None
        Rows without missing values in the other variables; None for all.

    Returns
    -------
    list of Pattern
        The complete one first, where there is one.
    dict of int to str
        Responses that cannot be used, and why.

    Notes
    -----
    One pass over the responses.
    """
    found: dict[bytes, list[int]] = {}
    wrong: dict[int, str] = {}
    step = max(1, AT_ONCE // max(n, 1))
    for first in range(0, len(given), step):
        places = np.arange(first, min(first + step, len(given)))
        values = given.take(places)
        values = values if kept is None else values[kept]
        complete = np.isfinite(values.sum(axis=0))
        found.setdefault(b"", []).extend(places[complete].tolist())
        for j in np.flatnonzero(~complete).tolist():
            column, place = values[:, j], int(places[j])
            infinite = np.flatnonzero(np.isinf(column))
            if len(infinite):
                wrong[place] = _infinite(infinite if kept is None else kept[infinite])
            else:
                missing = np.isnan(column)
                key = np.packbits(missing).tobytes() if missing.any() else b""
                found.setdefault(key, []).append(place)
    return [_pattern(key, places, n, kept) for key, places in found.items() if places], wrong


def _infinite(rows: np.ndarray) -> str:
    listed = ", ".join(map(str, rows[:5])) + (", …" if len(rows) > 5 else "")
    many = "s" * (len(rows) > 1)
    return f"The response holds infinite values in {len(rows)} row{many}: {listed} (counted from 0)."


def _pattern(key: bytes, places: list[int], n: int, kept: np.ndarray | None) -> Pattern:
    responses = np.array(sorted(places), dtype=np.intp)
    if not key:
        return Pattern(None, responses)
    count = n if kept is None else len(kept)
    among = np.unpackbits(np.frombuffer(key, dtype=np.uint8), count=count).astype(bool)
    missing = np.zeros(n, dtype=bool)
    missing[np.arange(n) if kept is None else kept] = among
    return Pattern(missing, responses)
