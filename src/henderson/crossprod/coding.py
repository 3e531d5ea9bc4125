"""Columns of a model matrix as combinations of the columns of blocks, once all levels are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from henderson.crossprod.sums import LevelList, Sizes, Unit, cells_in, sizes_of, starts_of
from henderson.data import Factor
from henderson.design.calls import CALLS
from henderson.design.checks import check_width
from henderson.design.context import Context, Matrix
from henderson.design.contrasts import Coding
from henderson.design.encode import positions, term_names
from henderson.design.fixed import CONSTANT
from henderson.design.parts import Part, parts_of
from henderson.design.wide import Block, Number, WidePlan
from henderson.formula import ModelFormula, TermList


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One column: a number times a coding of cells.

    Attributes
    ----------
    name : str
        As R prints it.
    term : int
        The term it belongs to, from 1; 0 for the constant.
    number : Number
        Numeric variables multiplied.
    factors : tuple of str
        Sorted.
    weights : (l_1, …, l_f) float64
        Value in every cell of the factors.
    """

    name: str
    term: int
    number: Number
    factors: tuple[str, ...]
    weights: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Expanded:
    """Columns on the columns of blocks: column = (deviations) + (level), deviations of mean near zero.

    Attributes
    ----------
    deviation : (m, P) float64
        Weights of the centred numbers.
    level : (m, P) float64
        Weights of the indicators of cells: values at the centres.
    ones : (m, P) 0/1
        The constant on the indicators that `level` of the column uses.
    constant : (m,) 0/1
        The constant on the indicators that stand for it.
    """

    deviation: np.ndarray
    level: np.ndarray
    ones: np.ndarray
    constant: np.ndarray

    def raw(self) -> np.ndarray:
        """(m, P) weights of the columns as they are."""
        return self.deviation + self.level

    def centred(self, shift: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(m, P) weights of columns less their means, given the means of both parts (P,).

        Equal levels leave exactly nothing.
        """
        rest = self.level - self.ones * level
        used = self.ones > 0
        least = np.where(used, self.level, np.inf).min(axis=0, initial=np.inf)
        same = least == np.where(used, self.level, -np.inf).max(axis=0, initial=-np.inf)
        rest[:, same] = 0.0
        return np.asarray(self.deviation - np.outer(self.constant, shift) + rest)


def level_context(plan: WidePlan, formula: ModelFormula, levels: Mapping[str, LevelList]) -> Context:
    """A workspace in which every factor runs through its levels once and every number is one."""
    context = Context({}, 1, formula.text, False, dict(plan.states), {}, {}, CALLS)
    for name, each in levels.items():
        codes = np.arange(len(each.labels), dtype=np.int32)
        context.values[name] = Factor(codes, each.labels, each.ordered, each.logical, each.coding)
    for name, suffixes in plan.numbers.items():
        context.values[name] = (
            np.ones(1) if suffixes == ("",) else Matrix(np.ones((1, len(suffixes))), suffixes)
        )
    return context


def coded_columns(terms: TermList, context: Context, codings: Mapping[str, Coding]) -> list[Coded]:
    """Return the columns of the fixed part or of a random term, in R's order."""
    parts = parts_of(terms, context, codings)
    out = [Coded(CONSTANT, 0, (), (), np.ones(()))] if terms.intercept else []
    check_width(len(out) + sum(int(np.prod([p.k for p in term])) for term in parts), parts)
    for t, (term, variables) in enumerate(zip(parts, terms.terms, strict=True), 1):
        names = [terms.variables[v].name for v in variables]
        for name, place in zip(term_names(term), positions(term), strict=True):
            out.append(_coded(name, t, names, term, place))
    return out


def _coded(name: str, t: int, names: list[str], term: list[Part], place: tuple[int, ...]) -> Coded:
    number: list[tuple[str, int]] = []
    tables: dict[str, np.ndarray] = {}
    for variable, part, j in zip(names, term, place, strict=True):
        if part.numbers is not None:
            number.append((variable, j))
        else:
            tables[variable] = np.asarray(part.column(j), dtype=np.float64)
    factors = tuple(sorted(tables))
    weights = np.ones(())
    for factor in factors:
        weights = np.multiply.outer(weights, tables[factor])
    return Coded(name, t, tuple(sorted(number)), factors, weights)


def expanded(
    columns: list[Coded],
    blocks: tuple[Block, ...],
    levels: Mapping[str, LevelList],
    units: Mapping[Number, Unit],
) -> Expanded:
    """Express columns on the columns of blocks.

    Parameters
    ----------
    columns : list of Coded, length P
    blocks : tuple of Block
        That span them; m columns in all cells.
    levels : mapping of str to LevelList
    units : mapping of Number to Unit
        How numbers entered.

    Returns
    -------
    Expanded
    """
    sizes: Sizes = sizes_of(dict(levels))
    m, P = starts_of(blocks, sizes)[-1], len(columns)
    deviation, level, ones, constant = (np.zeros((m, P)) for _ in range(4))
    for j, column in enumerate(columns):
        at = cells_in(blocks, sizes, column.number, column.factors)
        weights = np.broadcast_to(column.weights[..., None], at.shape)
        unit = units[column.number] if column.number else Unit(1.0, 1.0)
        if column.number:
            deviation[at, j] = weights / unit.scale
        if not column.number or unit.centre != 0.0:
            at = cells_in(blocks, sizes, (), column.factors)
            level[at, j] = np.broadcast_to(column.weights[..., None], at.shape) * unit.centre
            ones[at, j] = 1.0
    if any(not block.number for block in blocks):
        constant[cells_in(blocks, sizes, (), ()), :1] = 1.0
    return Expanded(deviation, level, ones, constant[:, 0] if P else np.zeros(m))
