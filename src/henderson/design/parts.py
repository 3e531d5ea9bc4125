"""One variable of one term → the columns it contributes, without building them before they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Factor, label_text
from henderson.design.arguments import EVERY_FACTOR
from henderson.design.context import Context, Matrix
from henderson.design.contrasts import POLYNOMIAL, TREATMENT, Coding, contrast_columns
from henderson.design.evaluate import evaluate_variable
from henderson.errors import DesignError
from henderson.formula import TermList, Variable

Codings = Mapping[str, Coding]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The columns that one variable contributes to a term.

    Attributes
    ----------
    names : tuple of str, length k
        Column names.
    keys : tuple, length k
        What identifies the content of a column, so that equal columns are stored once.
    numbers : (n, k) float64, (n,) float64, or None
        The columns of a numeric variable.
    index : (n,) int32 or None
        For indicator columns: which column is one in each row; negative for none.
    codes, matrix : (n,) int32 and (l, k) float64, or None
        For other codings: column j is ``matrix[codes, j]``.
    """

    names: tuple[str, ...]
    keys: tuple[Any, ...]
    numbers: np.ndarray | None = None
    index: np.ndarray | None = None
    codes: np.ndarray | None = None
    matrix: np.ndarray | None = None

    @property
    def k(self) -> int:
        """Number of columns."""
        return len(self.names)

    def column(self, j: int) -> np.ndarray:
        """Return column j, (n,) numeric or bool."""
        if self.numbers is not None:
            return self.numbers if self.numbers.ndim == 1 else self.numbers[:, j]
        if self.index is not None:
            return self.index == j
        assert self.matrix is not None
        assert self.codes is not None
        return self.matrix[:, j].take(self.codes)


def coding_of_factor(name: str, factor: Factor, codings: Codings) -> Coding:
    """Return how a factor becomes columns: its own coding, the one asked for, or the usual one."""
    default = POLYNOMIAL if factor.ordered else codings.get(EVERY_FACTOR, TREATMENT)
    coding: Coding = factor.coding or codings.get(name) or default
    return coding


def _factor_part(name: str, factor: Factor, full: bool, codings: Codings) -> Part:
    labels = tuple(label_text(level) for level in factor.levels)
    if full:
        names = tuple(name + label for label in labels)
        return Part(names, names, index=factor.codes)
    if len(labels) < 2:
        only = f" (only {labels[0]!r})" if labels else ""
        raise DesignError(
            f"The factor {name} has one level in the rows used{only}, so nothing can be compared. "
            f"Leave {name} out of the formula, or use more of the data."
        )
    coding = coding_of_factor(name, factor, codings)
    if coding.kind == "treatment" and coding.base is None and not coding.numbered:
        names = tuple(name + label for label in labels[1:])
        return Part(names, names, index=factor.codes - np.int32(1))
    matrix, suffixes = contrast_columns(coding, labels)
    names = tuple(name + suffix for suffix in suffixes)
    return Part(names, tuple((each, coding) for each in names), codes=factor.codes, matrix=matrix)


def part_of(variable: Variable, full: bool, context: Context, codings: Codings) -> Part:
    """Return the columns of a variable within a term.

    Parameters
    ----------
    variable : Variable
        The variable.
    full : bool
        Whether a factor gets one indicator for every level.
    context : Context
        Workspace.
    codings : mapping of str to Coding
        Codings that the caller asked for, by factor.

    Returns
    -------
    Part
    """
    value = evaluate_variable(variable.name, variable.node, context)
    if isinstance(value, Factor):
        return _factor_part(variable.name, value, full, codings)
    if isinstance(value, Matrix):
        names = tuple(variable.name + suffix for suffix in value.suffixes)
        return Part(names, names, numbers=value.values)
    return Part((variable.name,), (variable.name,), numbers=value)


def _first_factor(terms: TermList, context: Context) -> tuple[int, int] | None:
    """Find the factor that stands in for the constant: the first one met in the terms."""
    for t, term in enumerate(terms.terms):
        for place, v in enumerate(term):
            variable = terms.variables[v]
            if isinstance(evaluate_variable(variable.name, variable.node, context), Factor):
                return t, place
    return None


def parts_of(terms: TermList, context: Context, codings: Codings) -> list[list[Part]]:
    """Return the parts of every term, the constant not included.

    Parameters
    ----------
    terms : TermList
        Terms with R's rule for dummy coding.
    context : Context
        Workspace.
    codings : mapping of str to Coding
        Codings that the caller asked for.

    Returns
    -------
    list (terms) of list (variables) of Part
    """
    whole = None if terms.intercept else _first_factor(terms, context)
    return [
        [
            part_of(terms.variables[v], full or whole == (t, place), context, codings)
            for place, (v, full) in enumerate(zip(term, terms.full[t], strict=True))
        ]
        for t, term in enumerate(terms.terms)
    ]
