"""Text → terms: lme4's formula language, read into frozen records that cannot run code."""

from __future__ import annotations

from henderson.formula.bars import GroupingExpression, RandomPart
from henderson.formula.model import ModelFormula, read_formula, read_sides
from henderson.formula.terms import TermList, Variable

__all__ = [
    "GroupingExpression",
    "ModelFormula",
    "RandomPart",
    "TermList",
    "Variable",
    "read_formula",
    "read_sides",
]
