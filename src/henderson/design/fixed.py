"""The fixed-effects matrix and the columns of the random terms, sharing what is equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.design.checks import check_width
from henderson.design.context import Context
from henderson.design.encode import positions, term_keys, term_names, term_width, write_column, write_term
from henderson.design.parts import Codings, Part, parts_of
from henderson.errors import DataError, DesignError
from henderson.formula import TermList

CONSTANT = "(Intercept)"


def _names(parts: list[list[Part]], intercept: bool) -> tuple[list[str], list[Any]]:
    names: list[str] = [CONSTANT] if intercept else []
    keys: list[Any] = [CONSTANT] if intercept else []
    for term in parts:
        names += term_names(term)
        keys += term_keys(term)
    return names, keys


def fixed_matrix(
    terms: TermList, context: Context, codings: Codings
) -> tuple[np.ndarray, list[str], list[Any], list[int]]:
    """Build the model matrix of the fixed part.

    Parameters
    ----------
    terms : TermList
        Fixed terms.
    context : Context
        Workspace.
    codings : mapping of str to Coding
        Codings that the caller asked for.

    Returns
    -------
    X : (n, p) float64, Fortran order
        All columns, aliased ones included.
    names : list of str, length p
        Names as R prints them.
    keys : list, length p
        What identifies the content of each column.
    assign : list of int, length p
        The term that each column belongs to, counted from 1; 0 for the constant.

    Notes
    -----
    O(n) a column at most; a factor with many levels costs about as much as touching its memory.
    """
    parts = parts_of(terms, context, codings)
    p = terms.intercept + sum(term_width(term) for term in parts)
    check_width(p, parts)
    names, keys = _names(parts, terms.intercept)
    X = np.zeros((context.n, p), order="F")
    at = 0
    if terms.intercept:
        X[:, 0] = 1.0
        at = 1
    for term in parts:
        width = term_width(term)
        write_term(term, X[:, at : at + width])
        if context.training and sum(part.numbers is not None for part in term) > 1:
            for j in range(at, at + width):
                check_finite(X[:, j], names[j])
        at += width
    assign = [0] * terms.intercept + [t for t, term in enumerate(parts, 1) for _ in range(term_width(term))]
    return X, names, keys, assign


def check_finite(column: np.ndarray, name: str) -> None:
    """Refuse a product of columns that left the range of floating point."""
    if not np.isfinite(column.sum()) and not np.isfinite(column).all():
        raise DataError(
            f"The column {name} is too large for floating point; rescale the columns it is made of."
        )


def random_columns(
    terms: TermList, context: Context, shared: dict[Any, np.ndarray]
) -> tuple[tuple[str, ...], tuple[np.ndarray, ...]]:
    """Build the columns of one random term.

    Parameters
    ----------
    terms : TermList
        What varies by group.
    context : Context
        Workspace.
    shared : dict
        Columns that exist already, by content; new ones are added.

    Returns
    -------
    names : tuple of str, length k
    columns : tuple of (n,) float64, length k

    Notes
    -----
    ``contrasts=`` does not reach random terms, as in lme4: they have treatment or polynomial coding.
    """
    parts = parts_of(terms, context, {})
    names, keys = _names(parts, terms.intercept)
    if terms.intercept and CONSTANT not in shared:
        shared[CONSTANT] = np.ones(context.n)
    for term in parts:
        if len(term) * term_width(term) > 2_000:
            raise DesignError(
                f"A random term has {term_width(term)} columns ({names[-1]}, …); that many variances "
                "cannot be estimated. Put the factor right of the bar: (1 | g:f)."
            )
        for name, key, place in zip(term_names(term), term_keys(term), positions(term), strict=True):
            if key not in shared:
                shared[key] = np.empty(context.n)
                write_column(term, place, shared[key])
                if len(term) > 1 and context.training:
                    check_finite(shared[key], name)
    return tuple(names), tuple(shared[key] for key in keys)
