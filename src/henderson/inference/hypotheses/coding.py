"""The fixed terms with one column per cell of their factors: what SAS states its hypotheses in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from henderson.design.assign import FixedTerm, fixed_terms
from henderson.design.contrasts import contrast_columns
from henderson.design.record import Design
from henderson.design.spec import DesignSpec
from henderson.formula import read_formula


@dataclass(frozen=True, slots=True, eq=False)
class CellCoding:
    """Coefficients of the model from those with an indicator for every cell, beta = Q beta_cells.

    Attributes
    ----------
    terms : tuple of FixedTerm
        In model order.
    Q : (p, P) float64
        P columns: for every term its cells times its covariates.
    columns : tuple of slice
        Columns of `Q` of every term.
    differences : tuple of (m, c) float64
        For every term: differences of its cells to the first level of each factor.
    """

    terms: tuple[FixedTerm, ...]
    Q: np.ndarray
    columns: tuple[slice, ...]
    differences: tuple[np.ndarray, ...]


def contains(outer: FixedTerm, inner: FixedTerm) -> bool:
    """Whether a term contains another in SAS's sense: the same covariates, and more factors with all of its.

    The constant is contained in every term of factors alone.
    """
    if outer is inner:
        return False
    return covariates(outer) == covariates(inner) and set(inner.factors) < set(outer.factors)


def covariates(term: FixedTerm) -> frozenset[str]:
    """Return the variables of a term that are no factors."""
    return frozenset(term.variables) - frozenset(term.factors)


def cell_coding(design: Design) -> CellCoding:
    """Express the coefficients in those of indicators of every cell.

    Every indicator is a combination of the columns of the term and of the terms that it contains; what the
    columns left out are combinations of is known from the data.

    Parameters
    ----------
    design : Design

    Returns
    -------
    CellCoding

    Notes
    -----
    O(cells^3) for each term, cells the product of the numbers of levels of its factors; free of the rows.
    """
    terms, spec = fixed_terms(design), design.spec
    if spec is None or len(spec.assign) != len(design.all_x_names):
        own = tuple(slice(t.columns[0], t.columns[-1] + 1) if len(t.columns) else slice(0, 0) for t in terms)
        return CellCoding(terms, np.eye(design.p), own, tuple(np.eye(len(t.columns)) for t in terms))
    shapes = [_Shape.of(term, spec) for term in terms]
    blocks = [_indicators(shape, shapes, len(design.all_x_names)) for shape in shapes]
    ends = np.cumsum([0, *(block.shape[1] for block in blocks)]).tolist()
    whole = np.hstack(blocks) if blocks else np.zeros((0, 0))
    kept = list(spec.kept)
    dropped = [j for j in range(len(whole)) if j not in set(kept)]
    Q = whole[kept]
    if dropped:
        Q = Q + np.array(spec.aliases).T @ whole[dropped]
    columns = tuple(slice(a, b) for a, b in pairwise(ends))
    return CellCoding(terms, Q, columns, tuple(_differences(shape) for shape in shapes))


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """One term as an array of columns.

    Attributes
    ----------
    term : FixedTerm
    factors : tuple of str
        Sorted.
    codings : tuple of (levels, k) float64
        Beside `factors`.
    columns : (covariates, k, k, ...) int64
        Places among all columns: the covariates as one axis, then one axis per factor.
    """

    term: FixedTerm
    factors: tuple[str, ...]
    codings: tuple[np.ndarray, ...]
    columns: np.ndarray

    @classmethod
    def of(cls, term: FixedTerm, spec: DesignSpec) -> _Shape:
        full = _full_coding(spec).get(term.name, ())
        codings = {name: _coding(spec, name, name in full) for name in term.factors}
        numbers = [v for v in term.variables if v not in codings]
        left = len(term.all_columns) // prod(c.shape[1] for c in codings.values())
        widths = dict(zip(numbers, _widths(spec, numbers, left), strict=True))
        sizes = [codings[v].shape[1] if v in codings else widths[v] for v in term.variables]
        grid = term.all_columns.reshape(sizes[::-1]).T if sizes else term.all_columns
        names = tuple(sorted(term.factors))
        order = [
            *(term.variables.index(v) for v in sorted(numbers)),
            *(term.variables.index(v) for v in names),
        ]
        grid = grid.transpose(order) if sizes else grid
        shape = (left, *(codings[v].shape[1] for v in names))
        return cls(term, names, tuple(codings[v] for v in names), grid.reshape(shape))


def _coding(spec: DesignSpec, name: str, full: bool) -> np.ndarray:
    factor = spec.factors[name]
    return np.eye(len(factor.levels)) if full else contrast_columns(factor.coding, factor.levels)[0]


def _full_coding(spec: DesignSpec) -> dict[str, tuple[str, ...]]:
    """For every term: the factors that have an indicator of every level there."""
    fixed = read_formula(spec.formula, frozenset(spec.env), spec.dot).fixed
    out: dict[str, tuple[str, ...]] = {}
    waiting = not fixed.intercept  # for the factor that stands in for the constant
    for term, flags in zip(fixed.terms, fixed.full, strict=True):
        names, full = [fixed.variables[v].name for v in term], []
        for name, flag in zip(names, flags, strict=True):
            if name in spec.factors and (flag or waiting):
                full.append(name)
            waiting = waiting and name not in spec.factors
        out[":".join(names)] = tuple(full)
    return out


def _widths(spec: DesignSpec, numbers: list[str], total: int) -> list[int]:
    """Columns of every covariate of a term: known where it stands alone, else what is left of the product."""
    fixed = read_formula(spec.formula, frozenset(spec.env), spec.dot).fixed
    alone = {
        fixed.variables[term[0]].name: spec.assign.count(t)
        for t, term in enumerate(fixed.terms, 1)
        if len(term) == 1
    }
    out = [alone.get(name, 0) for name in numbers]
    left = total // max(1, prod(w for w in out if w))
    for j, width in enumerate(out):
        if not width:
            out[j], left = left, 1
    return out


def _indicators(shape: _Shape, shapes: list[_Shape], P: int) -> np.ndarray:
    """(P, covariates x cells) weights of all columns that give the indicators of the cells of a term."""
    inside = [s for s in shapes if s is shape or contains(shape.term, s.term)]
    levels = [len(c) for c in shape.codings]
    cells, wide = prod(levels), len(shape.columns)
    columns = [_cell_columns(s, shape.factors, levels) for s in inside]
    weights = np.linalg.lstsq(np.hstack(columns), np.eye(cells), rcond=None)[0]
    out, at = np.zeros((P, wide, cells)), 0
    for s, block in zip(inside, columns, strict=True):
        places = s.columns.reshape(wide, -1)
        for j in range(wide):
            out[places[j], j] = weights[at : at + block.shape[1]]
        at += block.shape[1]
    return out.reshape(P, -1)


def _differences(shape: _Shape) -> np.ndarray:
    """(m, covariates x cells) rows -1 for the first level and 1 for another, of every factor."""
    out: np.ndarray = np.eye(len(shape.columns))
    for coding in shape.codings:
        count = len(coding)
        out = np.kron(out, np.hstack([-np.ones((count - 1, 1)), np.eye(count - 1)]))
    return out


def _cell_columns(shape: _Shape, factors: tuple[str, ...], levels: list[int]) -> np.ndarray:
    """(cells, k) columns of a term's coding in every cell of some factors; the last factor varies fastest."""
    own = dict(zip(shape.factors, shape.codings, strict=True))
    out = np.ones((1, 1))
    for name, count in zip(factors, levels, strict=True):
        out = np.kron(out, own.get(name, np.ones((count, 1))))
    return out
