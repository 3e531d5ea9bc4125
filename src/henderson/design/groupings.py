"""Grouping factors: combinations of factors that occur, coded 0 … l-1 in lme4's order of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Column, Factor, as_factor, label_text, recode
from henderson.data.factors import factor_from_integers
from henderson.design.context import Context
from henderson.design.evaluate import evaluate_variable
from henderson.design.record import Grouping
from henderson.errors import DesignError
from henderson.formula import GroupingExpression, Variable
from henderson.formula.nodes import Name


@dataclass(frozen=True, slots=True, eq=False)
class GroupingSpec:
    """What is needed to code a grouping factor on new data.

    Attributes
    ----------
    name : str
        As lme4 prints it.
    factors : tuple of tuple
        Levels of each factor of the combination.
    combinations : (l,) int64 or None
        Which combinations occur, as mixed-radix numbers (last factor fastest); None for a single factor.
    levels : tuple, length l
        Labels.
    """

    name: str
    factors: tuple[tuple[Any, ...], ...]
    combinations: np.ndarray | None
    levels: tuple[Any, ...]


def _raw(variable: Variable, context: Context) -> Column:
    if isinstance(variable.node, Name) and (column := context.columns.get(variable.node.text)) is not None:
        return column
    value = evaluate_variable(variable.name, variable.node, context)
    if isinstance(value, Factor):
        return value
    if isinstance(value, np.ndarray):
        from henderson.data import Numbers

        return Numbers(value)
    raise DesignError(f"{variable.name} has several columns; a grouping factor is one column of labels.")


def _used(column: Column, name: str) -> Factor:
    factor = as_factor(column, name)
    return Factor(factor.codes, factor.levels).used()


def _combine(codes: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    """Return mixed-radix numbers, last factor fastest; -1 where any part is negative."""
    combined = codes[0].astype(np.int64)
    for more, size in zip(codes[1:], sizes[1:], strict=True):
        combined = combined * size + more
    for part in codes:
        if len(part) and part.min() < 0:
            combined[part < 0] = -1
    return combined


def learn_grouping(expression: GroupingExpression, context: Context) -> tuple[Grouping, GroupingSpec]:
    """Code a grouping factor on the training rows.

    Parameters
    ----------
    expression : GroupingExpression
        What stands right of the bar.
    context : Context
        Workspace.

    Returns
    -------
    Grouping, GroupingSpec

    Notes
    -----
    The levels of a combination are ordered by its first factor, then its second, as in lme4. Cost O(n).
    """
    factors = [_used(_raw(variable, context), variable.name) for variable in expression.factors]
    levels = tuple(factor.levels for factor in factors)
    if len(factors) == 1:
        only = factors[0]
        return Grouping(expression.name, only.codes, only.levels), GroupingSpec(
            expression.name, levels, None, only.levels
        )
    sizes = [len(part) for part in levels]
    combined = _combine([factor.codes for factor in factors], sizes)
    found = factor_from_integers(combined)
    numbers = np.array(found.levels, dtype=np.int64)
    labels = joined_labels(numbers, levels)
    spec = GroupingSpec(expression.name, levels, numbers, labels)
    return Grouping(expression.name, found.codes, labels), spec


def joined_labels(numbers: np.ndarray, levels: tuple[tuple[Any, ...], ...]) -> tuple[str, ...]:
    """Return the joined labels of mixed-radix numbers, last factor fastest."""
    parts = []
    for part in reversed(levels):
        numbers, codes = np.divmod(numbers, len(part))
        texts = [label_text(level) for level in part]
        parts.append([texts[code] for code in codes.tolist()])
    return tuple(map(":".join, zip(*reversed(parts), strict=True)))


def replay_grouping(
    expression: GroupingExpression, spec: GroupingSpec, context: Context
) -> tuple[np.ndarray, tuple[Any, ...], np.ndarray | None]:
    """Code a grouping factor on new data.

    Parameters
    ----------
    expression : GroupingExpression
        What stands right of the bar.
    spec : GroupingSpec
        Levels of the fit.
    context : Context
        Workspace of the new data.

    Returns
    -------
    codes : (r,) int32
        -1 where the level is unseen or missing.
    labels : tuple, length u
        Unseen labels.
    unseen : (r,) int32 or None
        Which unseen label each row has; -1 for none; None when there are no unseen labels.
    """
    groups = context.for_groups()
    columns = [
        as_factor(_raw(variable, groups), variable.name, warn=False) for variable in expression.factors
    ]
    coded = [recode(column, levels)[0] for column, levels in zip(columns, spec.factors, strict=True)]
    if spec.combinations is None:
        codes = np.maximum(coded[0], -1)
    else:
        combined = _combine(coded, [len(part) for part in spec.factors])
        known = spec.combinations
        at = np.minimum(np.searchsorted(known, combined), len(known) - 1)
        codes = np.where((known[at] == combined) & (combined >= 0), at, -1).astype(np.int32)
    missing = np.logical_or.reduce([column.codes == -1 for column in columns])
    strange = (codes < 0) & ~missing
    if not strange.any():
        return codes, (), None
    return codes, *_unseen(columns, strange)


def _unseen(columns: list[Factor], strange: np.ndarray) -> tuple[tuple[Any, ...], np.ndarray]:
    """Return the labels of rows whose group is unknown, and which of them each row has."""
    which = np.full(len(strange), -1, dtype=np.int32)
    levels = tuple(column.levels for column in columns)
    found = factor_from_integers(
        _combine([column.codes[strange] for column in columns], [len(part) for part in levels])
    )
    which[strange] = found.codes
    if len(columns) == 1:
        return tuple(levels[0][code] for code in found.levels), which
    return joined_labels(np.array(found.levels, dtype=np.int64), levels), which
