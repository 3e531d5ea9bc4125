"""The query that all tables start from: complete rows, with keys, numbers and weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import narwhals as nw

from henderson.data import label_text
from henderson.errors import DataError
from henderson.formula.deparse import deparse
from henderson.lazy.engines import Lazy
from henderson.lazy.expressions import Scope, evaluate, number, where
from henderson.lazy.plan import CONSTANT, RESPONSE, Atom, Key, Plan

WEIGHT = "henderson_w"


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Complete rows on the engine, and the names that their columns have there.

    Attributes
    ----------
    lazy : Lazy
        All rows.
    plan : Plan
    scope : Scope
        With the states that expressions remember.
    complete : narwhals expression
        Whether a row has all that is used.
    """

    lazy: Lazy
    plan: Plan
    scope: Scope
    complete: Any

    def rows(self, keys: tuple[Key, ...], atoms: Iterable[Atom], *, weighted: bool = True) -> Any:
        """Return a query of the complete rows with keys ``k0, …``, atoms ``u0, …`` and the weight.

        Parameters
        ----------
        keys : tuple of Key
        atoms : iterable of Atom
            Sorted; the constant is left out.
        weighted : bool
            Whether the weight is wanted, where there is one.
        """
        plan, atoms = self.plan, [a for a in atoms if a != CONSTANT]
        names = sorted({name for a in atoms if a != RESPONSE for name, _ in a})
        columns = [self.key(key).alias(f"k{i}") for i, key in enumerate(keys)]
        numbers = {name: f"v{i}" for i, name in enumerate(names)}
        for name in names:
            for j, expression in enumerate(self.columns(name)):
                columns.append(expression.alias(f"{numbers[name]}_{j}"))
        if RESPONSE in atoms:
            columns.append(self.response().alias("y"))
        if weighted and plan.weights is not None:
            columns.append(nw.col(plan.weights).cast(nw.Float64).alias(WEIGHT))
        if not columns:
            columns.append(nw.lit(1).alias("row"))
        products = [
            reduce(lambda a, b: a * b, (nw.col(f"{numbers[name]}_{j}") for name, j in a)) if a != RESPONSE
            else nw.col("y")
            for a in atoms
        ]  # fmt: skip
        query = self.lazy.frame.filter(self.complete).select(*columns)
        return added(query, [p.alias(f"u{i}") for i, p in enumerate(products)])

    def key(self, key: Key) -> Any:
        """Return the expression of a key."""
        return nw.col(key.name) if key.node is None else evaluate(key.node, self.scope).value

    def columns(self, name: str) -> tuple[Any, ...]:
        """Return the expressions of the columns of a numeric variable."""
        variable = self.plan.numbers[name]
        value = evaluate(variable.node, self.scope)
        return value.value if value.kind == "columns" else (as_expression(number(variable.node, self.scope)),)

    def response(self) -> Any:
        """Return the response less the offset."""
        formula = self.plan.formula
        value = response_value(formula.response.node, formula.response.name, self.scope)
        for offset in formula.fixed.offsets:
            value = value - number(offset.node, self.scope)
        if self.plan.offset is not None:
            value = value - nw.col(self.plan.offset).cast(nw.Float64)
        return value


def added(query: Any, columns: list[Any]) -> Any:
    """Return a query with further columns, if any."""
    return query.with_columns(*columns) if columns else query


def as_expression(value: Any) -> Any:
    """Return a number as an expression."""
    return nw.lit(value) if isinstance(value, float) else value


def response_value(node: Any, name: str, scope: Scope) -> Any:
    """Return the response as an expression; refuse text, categories and truth values as in memory."""
    value = evaluate(node, scope)
    if value.kind == "truth":
        raise DataError(
            f"The response {name} holds truth values; a linear mixed model needs numbers. "
            f"Type as.numeric({name}) if 0 and 1 are meant as numbers."
        )
    if value.kind == "labels":
        raise DataError(
            f"The response {name} holds text or categories; a linear mixed model needs numbers. "
            f"Cast the column to a number on {scope.engine}."
        )
    if value.kind == "constant":
        raise DataError(f"The response {deparse(node)} is a constant ({label_text(value.value)}).")
    return number(node, scope)


def missing(name: str, types: Any) -> Any:
    """Return the expression for a missing value: NULL, or NaN in a column of floating point."""
    column = nw.col(name)
    return column.is_null() | column.is_nan() if types[name].is_float() else column.is_null()


def complete(plan: Plan, types: Any) -> Any:
    """Return the expression for rows that have all that a model uses."""
    return ~reduce(lambda a, b: a | b, (missing(name, types) for name in plan.raw()))


def count_where(test: Any) -> Any:
    """Return the expression that counts the rows where a test holds."""
    return where(test, 1.0, 0.0).sum()
