"""Whether one model is a special case of another, where the rows of both stayed elsewhere: by names."""

from __future__ import annotations

import numpy as np

from henderson.design.gathered import GatheredDesign
from henderson.design.record import Design
from henderson.errors import DataError

SAME = 1e-9
"""Relative difference of means and lengths up to which two columns are taken for one."""


def either_gathered(*designs: Design) -> bool:
    """Whether some of the designs have no rows."""
    return any(isinstance(design, GatheredDesign) for design in designs)


def check_same_rows(first: Design, second: Design, names: tuple[str, str]) -> None:
    """Stop unless two designs are of the same rows, as far as counts, means and lengths tell.

    Raises
    ------
    DataError
        With what differs, or because one of them has its rows and the other has not.
    """
    a, b = names
    why = "Likelihoods can be compared only when they are of the same numbers."
    if not (isinstance(first, GatheredDesign) and isinstance(second, GatheredDesign)):
        raise DataError(
            f"One of {a} and {b} was made from sums of products and the other from rows in memory: whether "
            f"they are of the same rows cannot be seen. {why} Fit both in one way."
        )
    if first.response != second.response or not _same_response(first, second):
        raise DataError(
            f"The response of {a} ({first.response}, {first.n} rows) is not that of {b} ({second.response}, "
            f"{second.n} rows), as their means and spreads tell. {why} Fit both to the same rows."
        )
    if first.weighted != second.weighted or first.has_offset != second.has_offset:
        raise DataError(f"{a} and {b} differ in weights or offset. {why} Fit both with the same.")


def _same_response(first: GatheredDesign, second: GatheredDesign) -> bool:
    if first.n != second.n:
        return False
    if first.products is None or second.products is None:
        return True
    a, b = first.products, second.products
    return bool(np.allclose([a.mean[-1], a.scale[-1]], [b.mean[-1], b.scale[-1]], rtol=SAME, atol=0))


def unexplained_by_name(small: Design, large: Design) -> list[str]:
    """Columns of X of the smaller model that the larger one does not have, with the same numbers."""
    place = {name: j for j, name in enumerate(large.x_names)}
    return [
        name
        for j, name in enumerate(small.x_names)
        if name not in place or not _same_column(small, j, large, place[name])
    ]


def _same_column(small: Design, j: int, large: Design, k: int) -> bool:
    if not (isinstance(small, GatheredDesign) and isinstance(large, GatheredDesign)):
        return True
    a, b = small.products, large.products
    if a is None or b is None:
        return True
    own, other = (a.mean[1 + j], a.scale[1 + j]), (b.mean[1 + k], b.scale[1 + k])
    return bool(np.allclose(own, other, rtol=1e-7, atol=1e-12))


def terms_within(small: Design, large: Design) -> list[tuple[int, tuple[int, ...]]] | None:
    """For every random term of the smaller model, a term of the larger and the places of its columns there.

    Returns
    -------
    list of (int, tuple of int), or None
        None where some term is in no term of the larger model, by grouping and names.
    """
    out: list[tuple[int, tuple[int, ...]]] = []
    used: list[set[str]] = [set() for _ in large.terms]  # (1 | g) + (0 + x | g) lies in (x | g)
    for term in small.terms:
        group = small.groupings[term.grouping].name
        found = next(
            (
                i
                for i, other in enumerate(large.terms)
                if used[i].isdisjoint(term.names)
                and large.groupings[other.grouping].name == group
                and set(term.names) <= set(other.names)
            ),
            None,
        )
        if found is None:
            return None
        used[found] |= set(term.names)
        out.append((found, tuple(large.terms[found].names.index(name) for name in term.names)))
    return out


def zero_variances(large: Design, within: list[tuple[int, tuple[int, ...]]]) -> int:
    """Variances of the larger model that are zero in the smaller one."""
    return sum(term.k for term in large.terms) - sum(len(places) for _, places in within)


def parameters(design: Design) -> int:
    """Elements of theta."""
    return sum(term.k * (term.k + 1) // 2 for term in design.terms)
