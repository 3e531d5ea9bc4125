"""Nested factors: whose levels mean something only within a level of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.formula import TermList
    from henderson.inference.means.predictors import Axis


def nesting(
    fixed: TermList, axes: tuple[Axis, ...], counts: np.ndarray, codes: np.ndarray
) -> dict[str, tuple[str, ...]]:
    """Return for every nested factor the factors it is nested in.

    A factor is nested in another if it never stands in a term without it while the other does (``a + a:b``,
    ``a/b``), or if each of its levels occurs with one level of the other only, and it has more of them.

    Parameters
    ----------
    fixed : TermList
        Fixed terms.
    axes : tuple of Axis
        Predictors.
    counts : (r,) float64
        Rows of the data in every combination; NaN where unknown.
    codes : (r, a) intp
        The combinations.

    Returns
    -------
    dict of str to tuple of str
    """
    factors = [axis for axis in axes if axis.categorical and len(axis.values) > 1]
    names = {axis.name for axis in factors}
    terms = [{c for v in term for c in fixed.variables[v].columns if c in names} for term in fixed.terms]
    terms = [term for term in terms if term]
    place = {axis.name: a for a, axis in enumerate(axes)}
    out: dict[str, tuple[str, ...]] = {}
    for inner in factors:
        outer = [
            axis.name
            for axis in factors
            if axis is not inner
            and (_by_terms(inner.name, axis.name, terms) or _by_data(inner, axis, place, counts, codes))
        ]
        if outer:
            out[inner.name] = tuple(outer)
    return out


def _by_terms(inner: str, outer: str, terms: list[set[str]]) -> bool:
    within = all(outer in term for term in terms if inner in term)
    return within and any(outer in term and inner not in term for term in terms)


def _by_data(inner: Axis, outer: Axis, place: dict[str, int], counts: np.ndarray, codes: np.ndarray) -> bool:
    if np.isnan(counts).any() or len(inner.values) <= len(outer.values):
        return False
    cell = codes[:, place[inner.name]] * len(outer.values) + codes[:, place[outer.name]]
    size = len(inner.values) * len(outer.values)
    occurs = (np.bincount(cell, counts, size) > 0).reshape(len(inner.values), len(outer.values))
    return bool((occurs.sum(axis=1) <= 1).all() and (occurs.sum(axis=0) > 0).all())
