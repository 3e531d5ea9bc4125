"""Columns of X and Z as combinations of numbers, with coefficients that depend on the levels of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data import Column, Factor
from henderson.design.calls import CALLS
from henderson.design.context import Context, Matrix
from henderson.design.encode import positions, term_keys, term_names, term_width
from henderson.design.evaluate import known_factor
from henderson.design.fixed import CONSTANT as CONSTANT_NAME
from henderson.design.parts import Codings, Part, parts_of
from henderson.errors import DesignError
from henderson.formula import TermList
from henderson.lazy.plan import CONSTANT, Atom, Key, Plan, atom
from henderson.lazy.survey import codes_of


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of a table, and the different combinations of some of their keys.

    Attributes
    ----------
    which : (cells,) int
        Combination of every cell.
    first : (C,) int
        A cell of every combination.
    """

    which: np.ndarray
    first: np.ndarray

    @property
    def count(self) -> int:
        """Number of combinations."""
        return len(self.first)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of a model matrix on C combinations of levels.

    Attributes
    ----------
    names : tuple of str, length p
    keys : list, length p
        What identifies the content of each column.
    assign : tuple of int, length p
        Term of each column, counted from 1; 0 for the constant.
    coefficients : (C, p) float64
        Column j is ``coefficients[c, j]`` times its number.
    atoms : tuple of Atom, length p
        The number of each column.
    """

    names: tuple[str, ...]
    keys: list[Any]
    assign: tuple[int, ...]
    coefficients: np.ndarray
    atoms: tuple[Atom, ...]

    def take(self, kept: tuple[int, ...]) -> Columns:
        """Return some of the columns."""
        at = list(kept)
        return Columns(
            tuple(self.names[j] for j in at), [self.keys[j] for j in at], tuple(self.assign[j] for j in at),
            self.coefficients[:, at], tuple(self.atoms[j] for j in at),
        )  # fmt: skip

    def on(self, numbers: tuple[Atom, ...], centres: dict[Atom, float]) -> np.ndarray:
        """(C, D, p) weights of each column on the centred numbers; the constant takes up their centres."""
        at = {a: i for i, a in enumerate(numbers)}
        out = np.zeros((len(self.coefficients), len(numbers), len(self.names)))
        for j, a in enumerate(self.atoms):
            out[:, at[a], j] = self.coefficients[:, j]
            if a != CONSTANT:
                out[:, at[CONSTANT], j] += self.coefficients[:, j] * centres[a]
        return out


def distinct(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the different integers from 0 to size - 1 in order, and which of them each value is.

    Parameters
    ----------
    values : (n,) int64
    size : int

    Notes
    -----
    A lookup table where `size` is of the order of n, which for 2e6 cells takes a fifth of the time of a sort.
    """
    if size > 4 * len(values) + 1000:
        found, which = np.unique(values, return_inverse=True)
        return found, which
    met = np.zeros(size, dtype=bool)
    met[values] = True
    return np.flatnonzero(met), (np.cumsum(met) - 1)[values]


def cells_of(columns: dict[Key, Column], keys: tuple[Key, ...], cells: int) -> Cells:
    """Find the different combinations of keys among the cells of a table.

    Parameters
    ----------
    columns : dict of Key to Column
        Labels of the cells.
    keys : tuple of Key
        Which to look at.
    cells : int
        How many cells there are.

    Returns
    -------
    Cells
    """
    which, count = np.zeros(cells, dtype=np.int64), min(cells, 1)
    for key in keys:
        more = codes_of(columns[key])
        more = more - min(int(more.min(initial=0)), 0)  # a truth value can be neither
        sizes = int(more.max(initial=0)) + 1
        found, which = distinct(which * sizes + more, count * sizes)
        count = len(found)
    first = np.empty(count, dtype=np.int64)
    first[which[::-1]] = np.arange(cells - 1, -1, -1)  # the last one written stays
    return Cells(which, first)


def context_of(plan: Plan, columns: dict[Key, Column], at: np.ndarray, base: Context) -> Context:
    """Return the workspace of some cells: raw columns are keys, numbers of the engine are placeholders."""
    raw = {key.name: column.take(at) for key, column in columns.items() if key.node is None}
    context = Context(
        raw, len(at), base.text, base.training, base.states, base.levels, base.env, CALLS,
        open_levels=base.open_levels,
    )  # fmt: skip
    for key, column in columns.items():
        if key.node is not None:
            assert isinstance(column, Factor)
            context.values[key.name] = known_factor(column.take(at), key.name, context)
    for name, width in plan.widths.items():
        suffixes = tuple(str(j + 1) for j in range(width)) if width > 1 else ("",)
        context.values[name] = Matrix(np.zeros((len(at), width)), suffixes)
    return context


def columns_of(terms: TermList, plan: Plan, context: Context, codings: Codings) -> Columns:
    """Write the columns of some terms as coefficients times numbers.

    Parameters
    ----------
    terms : TermList
    plan : Plan
        Which variables are numbers of the engine.
    context : Context
        From `context_of`.
    codings : mapping of str to Coding
        Codings that the caller asked for.

    Returns
    -------
    Columns
    """
    names: list[str] = [CONSTANT_NAME] if terms.intercept else []
    keys: list[Any] = [CONSTANT_NAME] if terms.intercept else []
    atoms: list[Atom] = [CONSTANT] if terms.intercept else []
    values = [np.ones(context.n)] if terms.intercept else []
    assign = [0] * len(names)
    for t, (term, parts) in enumerate(zip(terms.terms, parts_of(terms, context, codings), strict=True), 1):
        variables = [terms.variables[v].name for v in term]
        if term_width(parts) > 10_000:
            raise DesignError(
                f"A term has {term_width(parts)} columns ({parts[-1].names[0]}, …). A factor with so many "
                "levels is usually a grouping factor: put it right of a bar, (1 | g)."
            )
        names += term_names(parts)
        keys += term_keys(parts)
        assign += [t] * term_width(parts)
        for place in positions(parts):
            value, number = _column(parts, variables, place, plan, context.n)
            values.append(value)
            atoms.append(number)
    coefficients = np.column_stack(values) if values else np.zeros((context.n, 0))
    return Columns(tuple(names), keys, tuple(assign), coefficients, tuple(atoms))


def joined(*several: Columns) -> Columns:
    """Return columns side by side."""
    return Columns(
        tuple(name for each in several for name in each.names),
        [key for each in several for key in each.keys],
        tuple(t for each in several for t in each.assign),
        np.concatenate([each.coefficients for each in several], axis=1),
        tuple(a for each in several for a in each.atoms),
    )


def _column(
    parts: list[Part], variables: list[str], place: tuple[int, ...], plan: Plan, n: int
) -> tuple[np.ndarray, Atom]:
    value, numbers = np.ones(n), []
    for part, name, j in zip(parts, variables, place, strict=True):
        if name in plan.numbers:
            numbers.append((name, j))
        else:
            value = value * part.column(j)
    return value, atom(numbers)
