"""Read a column of the fixed part: what its coefficient compares, and where the other variables are held."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.assign import CONSTANT, FixedTerm
from henderson.inference.explanation.record import Base, Part

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.design.spec import CodedFactor

Reading = tuple[str, tuple[Part, ...], tuple[Part, ...]]
"""Kind, focus and within of a `FixedFact`."""


def columns_of(variable: str, design: Design) -> frozenset[str]:
    """Return the columns of the data that a variable of the formula is made of."""
    words = set(re.findall(r"[^\W\d][\w.]*", variable))
    known = set(design.spec.kinds) if design.spec else set()
    return frozenset(words & known) or frozenset({variable})


def reference(factor: CodedFactor) -> str | None:
    """Return the reference level of treatment coding, None for another coding."""
    coding = factor.coding
    if coding.numbered or coding.kind not in ("treatment", "SAS"):
        return None
    if coding.kind == "SAS":
        return factor.levels[-1]
    if isinstance(coding.base, int) and str(coding.base) not in factor.levels:
        return factor.levels[coding.base - 1]
    return factor.levels[0] if coding.base is None else str(coding.base)


def curved(design: Design, terms: tuple[FixedTerm, ...]) -> frozenset[str]:
    """Return the numeric variables that share their column of the data with another: x beside I(x^2)."""
    numeric = {v for term in terms for v in term.variables if v not in _factors(design)}
    made = {v: columns_of(v, design) for v in numeric}
    return frozenset(v for v in numeric if any(made[v] & made[w] for w in numeric if w != v))


def read_columns(design: Design, terms: tuple[FixedTerm, ...]) -> dict[str, Reading]:
    """Say what the coefficient of every kept column is about.

    Parameters
    ----------
    design : Design
    terms : tuple of FixedTerm
        Of `fixed_terms`.

    Returns
    -------
    dict of str to (kind, focus, within)
    """
    bent = curved(design, terms)
    out: dict[str, Reading] = {}
    for term in terms:
        if term.name == CONSTANT:
            out[CONSTANT] = ("mean", (), ())
            continue
        names = [design.all_x_names[j] for j in term.all_columns]
        lost = len(term.columns) < len(term.all_columns)
        marks = _marks(design, term, names)
        for name in (design.x_names[j] for j in term.columns):
            out[name] = _reading(design, term, marks.get(name), lost, bent)
    return out


def _factors(design: Design) -> dict[str, CodedFactor]:
    return dict(design.spec.factors) if design.spec else {}


def _marks(design: Design, term: FixedTerm, names: list[str]) -> dict[str, tuple[Part, ...]]:
    """Parts of every column of a term whose name is made of variables and levels."""
    factors, choices = _factors(design), []
    for variable in term.variables:
        if variable not in factors:
            choices.append([(variable, Part(variable))])
            continue
        base = reference(factors[variable])
        choices.append(
            [(f"{variable}{level}", Part(variable, level, base)) for level in factors[variable].levels]
        )
    found = {":".join(n for n, _ in pick): tuple(p for _, p in pick) for pick in product(*choices)}
    found = {name: parts for name, parts in found.items() if name in names}
    full = {p.variable for parts in found.values() for p in parts if p.level and p.level == p.reference}
    return {
        name: tuple(Part(p.variable, p.level) if p.variable in full else p for p in parts)
        for name, parts in found.items()
    }


def _reading(
    design: Design, term: FixedTerm, parts: tuple[Part, ...] | None, lost: bool, bent: frozenset[str]
) -> Reading:
    unread = tuple(Part(v) for v in term.variables)
    made = sorted({column for v in term.variables for column in columns_of(v, design)})
    of_curve = tuple(Part(column) for column in made)
    if any(v in bent for v in term.variables):
        return "curve", of_curve, ()
    if parts is None:
        return ("coded", unread, ()) if term.factors else ("curve", of_curve, ())
    within = tuple(p for p in parts if p.level is not None and p.reference is None)
    focus = tuple(p for p in parts if p not in within)
    full_beside_constant = not focus and design.intercept is not None
    other_coding = any(reference(_factors(design)[p.variable]) is None for p in within)
    if lost or full_beside_constant or (other_coding and design.intercept is not None):
        return "coded", unread, ()
    if not focus:
        return "mean", (), within
    if len(focus) > 1:
        return "interaction", focus, within
    return ("slope" if focus[0].level is None else "difference"), focus, within


def bases(design: Design, terms: tuple[FixedTerm, ...], reading: Reading) -> tuple[Base, ...]:
    """Return where the other variables are held while a coefficient is read.

    Of a mean all of them count, of a slope or a difference those that occur with it in a term of higher
    order.
    """
    kind, focus, within = reading
    if kind not in ("mean", "slope", "difference", "interaction"):
        return ()
    own = {p.variable for p in (*focus, *within)}
    inside = {p.variable for p in focus}
    held: dict[str, None] = {}
    for term in terms:
        if not len(term.columns):
            continue
        if kind == "mean" or (inside < set(term.variables)):
            held.update(dict.fromkeys(v for v in term.variables if v not in own))
    return tuple(_base(design, terms, v) for v in held if not power_of(v, set(held)))


def power_of(variable: str, others: set[str]) -> bool:
    """Whether a variable is a power of one of the others, and so zero where that is: I(x^2) beside x."""
    found = re.fullmatch(r"I\(\s*([^\W\d][\w.]*)\s*(?:\^|\*\*)\s*[2-9]\s*\)", variable)
    return found is not None and found[1] in others


def two_steps(design: Design, terms: tuple[FixedTerm, ...]) -> dict[str, tuple[float, float]]:
    """Return the numbers that have two values one apart, such as 0 and 1: their slope is a difference."""
    out = {}
    for term in terms:
        if len(term.variables) == 1 and len(term.columns) == 1 and not term.factors:
            name = term.variables[0]
            values = np.unique(design.X[:, term.columns[0]])
            if len(values) == 2 and design.x_names[term.columns[0]] == name and np.isclose(np.ptp(values), 1):
                out[name] = (float(values[0]), float(values[1]))
    return out


def as_levels(parts: tuple[Part, ...], two: dict[str, tuple[float, float]]) -> tuple[Part, ...]:
    """Write numbers of two values as levels, upper against lower, and ``C(x)`` as x."""
    return tuple(
        Part(p.variable, *(short(v) for v in reversed(two[p.variable])))
        if p.level is None and p.variable in two
        else Part(plain(p.variable), p.level, p.reference)
        for p in parts
    )


def short(x: float) -> str:
    """Return a value of the data with four digits, a minus sign as such and none before zero."""
    x += 0.0
    return f"{x:.4g}".replace("-", "−", 1) if x < 0 else f"{x:.4g}"


def plain(variable: str) -> str:
    """Return the column that a variable marks as a factor, ``x`` of ``C(x)``; else the variable."""
    found = re.fullmatch(r"(?:C|factor)\(\s*([^\W\d][\w.]*)\s*\)", variable)
    return found[1] if found else variable


def _base(design: Design, terms: tuple[FixedTerm, ...], variable: str) -> Base:
    factor = _factors(design).get(variable)
    if factor is not None:
        level = reference(factor)
        if level is not None:
            return Base(variable, "level", level)
        return Base(variable, "average" if factor.coding.kind in ("sum", "helmert") else "coded")
    alone = [t for t in terms if t.variables == (variable,)]
    if any(design.all_x_names[j] != variable for t in alone for j in t.all_columns):
        return Base(variable, "coded")
    at = [j for t in alone for j in t.columns]
    if not at:
        return Base(variable, "zero")
    column = design.X[:, at[0]]
    return Base(variable, "zero", None, float(np.min(column)), float(np.max(column)))
