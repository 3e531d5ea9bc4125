"""Terms → columns of a matrix, in R's order: within an interaction the first variable varies fastest."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from henderson.design.parts import Part

_BLOCK = 1 << 16  # rows scattered at a time, so that temporaries stay in cache
_FEW = 12  # up to so many indicator columns are written one by one


def _positions(parts: list[Part]) -> Iterator[tuple[int, ...]]:
    """Count through the columns of a product, first part fastest."""
    sizes = [part.k for part in parts]
    for flat in range(prod(sizes)):
        place = []
        for size in sizes:
            flat, j = divmod(flat, size)
            place.append(j)
        yield tuple(place)


def term_names(parts: list[Part]) -> list[str]:
    """Return the column names of a term: ``x:fb``."""
    if len(parts) == 1:
        return list(parts[0].names)
    return [
        ":".join(part.names[j] for part, j in zip(parts, place, strict=True)) for place in _positions(parts)
    ]


def term_keys(parts: list[Part]) -> list[Any]:
    """Return what identifies the content of each column of a term."""
    if len(parts) == 1:
        return list(parts[0].keys)
    return [tuple(part.keys[j] for part, j in zip(parts, place, strict=True)) for place in _positions(parts)]


def term_width(parts: list[Part]) -> int:
    """Return the number of columns of a term."""
    return prod(part.k for part in parts)


def write_column(parts: list[Part], place: tuple[int, ...], out: np.ndarray) -> None:
    """Write one column of a product into `out`, (n,)."""
    out[:] = parts[0].column(place[0])
    for part, j in zip(parts[1:], place[1:], strict=True):
        np.multiply(out, part.column(j), out=out)


def _scatter(parts: list[Part], out: np.ndarray) -> None:
    """Write a product of indicators and single columns: one nonzero entry a row at most."""
    n = len(out)
    flat = out.T.reshape(-1)
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        place = np.zeros(rows.stop - start, dtype=np.int64)
        inside, value, stride = np.ones(len(place), dtype=bool), None, 1
        for part in parts:
            if part.index is not None:
                place += part.index[rows] * np.int64(stride)
                inside &= part.index[rows] >= 0
                stride *= part.k
            else:
                factor = part.column(0)[rows]
                value = factor if value is None else value * factor
        place = place * n + np.arange(start, rows.stop)
        if not inside.all():
            place, value = place[inside], value if value is None else value[inside]
        flat[place] = 1.0 if value is None else value


def write_term(parts: list[Part], out: np.ndarray) -> None:
    """Write the columns of a term.

    Parameters
    ----------
    parts : list of Part
        Its variables.
    out : (n, k) float64, contiguous columns, zero
        Where to.

    Notes
    -----
    Indicators times numbers cost O(n) whatever the number of levels (beyond touching the memory); other
    codings cost O(n) a column.
    """
    simple = all(part.index is not None or part.k == 1 for part in parts)
    if simple and out.shape[1] > _FEW:
        _scatter(parts, out)
        return
    for j, place in enumerate(_positions(parts)):
        write_column(parts, place, out[:, j])


def positions(parts: list[Part]) -> list[tuple[int, ...]]:
    """Return the column of each part behind each column of a term."""
    return list(_positions(parts))
