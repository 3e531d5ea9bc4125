"""A design without one fixed term, made anew where leaving out its columns is not the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from henderson import design as designing
from henderson.design.arguments import EVERY_FACTOR
from henderson.design.assign import FixedTerm
from henderson.design.contrasts import Coding
from henderson.design.record import Design
from henderson.design.spec import DesignSpec
from henderson.errors import OptionError
from henderson.formula import ModelFormula, read_formula, read_sides
from henderson.formula.deparse import deparse
from henderson.inference.frames import take_rows


def keeps_coding(design: Design, terms: tuple[FixedTerm, ...], drop: FixedTerm) -> bool:
    """Say whether the model without a term has the other terms' columns as they are.

    Not so where another term takes up the place of the constant or of a margin (``0 + a + b`` without a), or
    where columns of other terms were dropped as combinations and could now be estimated.
    """
    if any(len(t.columns) < len(t.all_columns) for t in terms if t.name != drop.name) and len(drop.columns):
        return False
    if design.spec is None:
        return True
    before, after = _read(design.spec), _read(design.spec, _formula(design, drop))
    if not before.fixed.intercept and _first_factor(design.spec, before) != _first_factor(design.spec, after):
        return False
    full = _coding(before)
    return all(full[name] == how for name, how in _coding(after).items())


def without_term(design: Design, drop: FixedTerm, data: object, env: Mapping[str, Any] | None) -> Design:
    """Build the design without a fixed term from the caller's data, on the same rows.

    Parameters
    ----------
    design : Design
    drop : FixedTerm
    data : data frame or None
        What the fit was made from.
    env : mapping or None
        The caller's functions.

    Raises
    ------
    OptionError
        The fit does not hold its data.
    """
    formula = _formula(design, drop)
    if data is None or design.spec is None:
        raise OptionError(
            f"Without {drop.name} other terms would be coded anew, for which the data are needed, and this "
            f"fit does not hold them. Fit lmm({formula!r}, data) and compare with hd.lrt()."
        )
    rest = designing.build(
        formula, take_rows(data, design.kept_rows), contrasts=_contrasts(design.spec, formula), env=env
    )
    return replace(rest, y=design.y, weights=design.weights, offset=design.offset)


def _read(spec: DesignSpec, text: str | None = None) -> ModelFormula:
    return read_formula(spec.formula if text is None else text, frozenset(spec.env), spec.dot)


def _formula(design: Design, drop: FixedTerm) -> str:
    """The formula without a term, written out."""
    assert design.spec is not None
    formula = _read(design.spec)
    names = [":".join(formula.fixed.variables[v].name for v in term) for term in formula.fixed.terms]
    parts = [str(int(formula.fixed.intercept)), *(name for name in names if name != drop.name)]
    parts += [f"offset({v.name})" for v in formula.fixed.offsets]
    bars = read_sides(design.spec.formula, frozenset(design.spec.env)).bars
    return f"{formula.response.name} ~ {' + '.join([*parts, *(f'({deparse(bar)})' for bar in bars)])}"


def _coding(formula: ModelFormula) -> dict[str, tuple[bool, ...]]:
    fixed = formula.fixed
    return {
        ":".join(fixed.variables[v].name for v in term): full
        for term, full in zip(fixed.terms, fixed.full, strict=True)
    }


def _first_factor(spec: DesignSpec, formula: ModelFormula) -> str | None:
    """The term and factor that stand in for a constant that is not there."""
    fixed = formula.fixed
    for term in fixed.terms:
        for v in term:
            if fixed.variables[v].name in spec.factors:
                return ":".join(fixed.variables[w].name for w in term) + " " + fixed.variables[v].name
    return None


def _contrasts(spec: DesignSpec, formula: str) -> Any:
    """Codings as `build` takes them, of the factors that are left."""
    if EVERY_FACTOR in spec.codings:
        return f"contr.{spec.codings[EVERY_FACTOR].kind}"
    left = {variable.name for variable in _read(spec, formula).fixed.variables}
    return {name: _as_given(coding) for name, coding in spec.codings.items() if name in left}


def _as_given(coding: Coding) -> Any:
    if coding.matrix is None:
        return f"contr.{coding.kind}"
    import pandas as pd

    return pd.DataFrame(list(coding.matrix), columns=None if coding.names is None else list(coding.names))
