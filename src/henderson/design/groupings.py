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


@dataclass(frozen=True, slots=True)
class GroupingSpec:
    """What is needed to code a grouping factor on new data.

    Attributes
    ----------
    name : str
        As lme4 prints it.
    factors : tuple of tuple
        Levels of each factor of the combination.
    combinations : tuple of int, length l, or None
        Which combinations occur, as mixed-radix numbers (last factor fastest); None for a single factor.
    levels : tuple, length l
        Labels.
    """

    name: str
    factors: tuple[tuple[Any, ...], ...]
    combinations: tuple[int, ...] | None
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
    labels = tuple(_label(number, levels) for number in found.levels)
    spec = GroupingSpec(expression.name, levels, found.levels, labels)
    return Grouping(expression.name, found.codes, labels), spec


def _label(number: int, levels: tuple[tuple[Any, ...], ...]) -> str:
    parts = []
    for part in reversed(levels):
        number, i = divmod(number, len(part))
        parts.append(label_text(part[i]))
    return ":".join(reversed(parts))


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
    columns = [
        as_factor(_raw(variable, context), variable.name, warn=False) for variable in expression.factors
    ]
    coded = [recode(column, levels)[0] for column, levels in zip(columns, spec.factors, strict=True)]
    if spec.combinations is None:
        codes = np.maximum(coded[0], -1)
    else:
        combined = _combine(coded, [len(part) for part in spec.factors])
        known = np.array(spec.combinations, dtype=np.int64)
        at = np.minimum(np.searchsorted(known, combined), len(known) - 1)
        codes = np.where((known[at] == combined) & (combined >= 0), at, -1).astype(np.int32)
    missing = np.logical_or.reduce([column.codes == -1 for column in columns])
    strange = (codes < 0) & ~missing
    if not strange.any():
        return codes, (), None
    return codes, *_unseen(columns, strange)


def _unseen(columns: list[Factor], strange: np.ndarray) -> tuple[tuple[Any, ...], np.ndarray]:
    rows = np.flatnonzero(strange)
    which = np.full(len(strange), -1, dtype=np.int32)
    found: dict[Any, int] = {}
    for row in rows:
        parts = [column.levels[column.codes[row]] for column in columns]
        label = parts[0] if len(parts) == 1 else ":".join(map(label_text, parts))
        which[row] = found.setdefault(label, len(found))
    return tuple(found), which
