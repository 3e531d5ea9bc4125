"""Which columns of the fixed-effects matrix belong to which term."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.design.record import Design
from henderson.design.spec import DesignSpec
from henderson.formula import read_formula

CONSTANT = "(Intercept)"


@dataclass(frozen=True, slots=True, eq=False)
class FixedTerm:
    """One term of the fixed part.

    Attributes
    ----------
    name : str
        As R prints it: ``Days``, ``A:B``; ``(Intercept)`` for the constant.
    variables : tuple of str
        Its variables as R prints them; none for the constant.
    factors : tuple of str
        Those of its variables that are factors.
    columns : (c,) int64
        Its columns of `Design.X`; columns that were dropped are not among them.
    all_columns : (d,) int64
        Its places in `Design.all_x_names`, d >= c.
    """

    name: str
    variables: tuple[str, ...]
    factors: tuple[str, ...]
    columns: np.ndarray
    all_columns: np.ndarray


def fixed_terms(design: Design) -> tuple[FixedTerm, ...]:
    """Return the fixed terms with their columns, in model order, the constant first where there is one.

    Parameters
    ----------
    design : Design
        Its `spec` alone is used; a design without one has one term per column.

    Returns
    -------
    tuple of FixedTerm

    Notes
    -----
    Cost O(p); nothing of the size of the data is touched.

    Examples
    --------
    >>> from henderson.design import build
    >>> data = {"y": [1.0, 2, 4, 3, 5], "x": [0, 1, 0, 1, 5], "a": list("uvuwv"), "g": list("ssrrr")}
    >>> design = build("y ~ x + a + (1 | g)", data)
    >>> [(term.name, term.columns.tolist(), term.factors) for term in fixed_terms(design)]
    [('(Intercept)', [0], ()), ('x', [1], ()), ('a', [2, 3], ('a',))]
    """
    spec = design.spec
    if spec is None or len(spec.assign) != len(design.all_x_names):
        return _column_by_column(design)
    assign, kept = np.array(spec.assign, dtype=np.int64), np.array(spec.kept, dtype=np.int64)
    terms = [(CONSTANT, (), ()), *_named_terms(spec)]
    return tuple(
        FixedTerm(*words, np.flatnonzero(assign[kept] == t), np.flatnonzero(assign == t))
        for t, words in enumerate(terms)
        if t or spec.assign[:1] == (0,)
    )


def _named_terms(spec: DesignSpec) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Name, variables and factors of every term but the constant."""
    fixed = read_formula(spec.formula, frozenset(spec.env), spec.dot).fixed
    out = []
    for term in fixed.terms:
        variables = tuple(fixed.variables[v].name for v in term)
        out.append((":".join(variables), variables, tuple(v for v in variables if v in spec.factors)))
    return out


def _column_by_column(design: Design) -> tuple[FixedTerm, ...]:
    place = {name: j for j, name in enumerate(design.x_names)}
    return tuple(
        FixedTerm(
            name,
            () if name == CONSTANT else (name,),
            (),
            np.array([place[name]] if name in place else [], dtype=np.int64),
            np.array([j], dtype=np.int64),
        )
        for j, name in enumerate(design.all_x_names)
    )
