"""What an engine is asked for: the keys to group by, and the numbers whose products are summed.

Every column of X and Z is "a number times a coefficient that depends on the levels of some factors". The
numbers (atoms: products of numeric variables, or the constant one) are computed and multiplied on the engine;
everything about levels is settled here, on the few combinations of keys that come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import narwhals as nw

from henderson.data.arrays import unusable
from henderson.data.suggest import did_you_mean
from henderson.errors import DataError
from henderson.formula import GroupingExpression, ModelFormula, TermList, Variable
from henderson.formula.nodes import Call, Name, Node, children
from henderson.formula.terms import calls_in
from henderson.formula.vocabulary import canonical
from henderson.lazy.expressions import NAMED, Scope, evaluate, is_number_type, refuse
from henderson.lazy.functions import width

Atom = tuple[tuple[str, int], ...]
"""Numeric variables multiplied, by name and column; () is the constant one."""

CONSTANT: Atom = ()
RESPONSE: Atom = (("(response)", 0),)

_FACTOR_CALLS = ("factor", "as.factor", "ordered", "relevel", "interaction", "C")
_STATEFUL = {
    "scale", "center", "poly", "bs", "ns", "cr", "cc", "mean", "median", "sd", "var", "min", "max", "sum",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """Something to group by.

    Attributes
    ----------
    name : str
        A raw column; or a variable that is true or false, computed on the engine.
    node : Node or None
        Its expression; None for a raw column.
    """

    name: str
    node: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Variables of a formula, sorted by where they are computed.

    Attributes
    ----------
    formula : ModelFormula
    kinds : dict of str to str
        ``number``, ``truth`` or ``factor`` for every raw column used.
    numbers : dict of str to Variable
        Numeric variables computed on the engine.
    widths : dict of str to int
        Columns of each of these.
    truths : dict of str to Variable
        Variables that are true or false, computed on the engine and grouped by.
    weights, offset : str or None
        Column names.
    """

    formula: ModelFormula
    kinds: dict[str, str]
    numbers: dict[str, Variable]
    widths: dict[str, int]
    truths: dict[str, Variable]
    weights: str | None
    offset: str | None

    def keys_of(self, variables: Iterable[Variable]) -> tuple[Key, ...]:
        """Return what to group by for variables that are not numbers of the engine."""
        keys: dict[Key, None] = {}
        for variable in variables:
            if variable.name in self.truths:
                keys[Key(variable.name, variable.node)] = None
            elif variable.name not in self.numbers:
                keys.update(dict.fromkeys(Key(name) for name in variable.columns if name in self.kinds))
        return tuple(keys)

    def grouping_keys(self, grouping: GroupingExpression) -> tuple[Key, ...]:
        """Return what to group by for a grouping factor."""
        names = (name for variable in grouping.factors for name in variable.columns)
        return tuple(dict.fromkeys(Key(name) for name in names if name in self.kinds))

    def atoms_of(self, terms: TermList) -> tuple[Atom, ...]:
        """Return the numbers that the columns of some terms are made of; the constant first."""
        atoms: dict[Atom, None] = {CONSTANT: None}
        for term in terms.terms:
            names = [terms.variables[v].name for v in term if terms.variables[v].name in self.numbers]
            for place in product(*(range(self.widths[name]) for name in names)):
                atoms[atom(zip(names, place, strict=True))] = None
        return tuple(atoms)

    def raw(self) -> tuple[str, ...]:
        """Return the raw columns that a row must have to be used."""
        extra = [name for name in (self.weights, self.offset) if name is not None]
        return tuple(dict.fromkeys([*self.kinds, *extra]))


def atom(pairs: Iterable[tuple[str, int]]) -> Atom:
    """Return the product of columns of numeric variables, whatever their order."""
    return tuple(sorted(pairs))


def kind_of(name: str, dtype: Any) -> str:
    """Return ``number``, ``truth`` or ``factor``; a DataError for types that no model can use."""
    if dtype == nw.Boolean:
        return "truth"
    if is_number_type(dtype):
        return "number"
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return "factor"
    text = str(dtype)
    what = "datetime" if text.startswith(("Date", "Time")) else "duration" if "Duration" in text else text
    raise unusable(name, what)


def raw_kinds(formula: ModelFormula, types: Mapping[str, Any], env: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of every raw column of a formula; a DataError for a name that is none."""
    kinds = {}
    for name in formula.names:
        if name in types:
            kinds[name] = kind_of(name, types[name])
        elif name not in env and name not in NAMED:
            raise DataError(f"There is no column {name!r} in the data. {did_you_mean(name, types)}")
    return kinds


def numbers_outside_factors(node: Node, kinds: Mapping[str, str]) -> bool:
    """Return whether an expression uses a numeric column other than as labels."""
    if isinstance(node, Name):
        return kinds.get(node.text) == "number"
    if isinstance(node, Call) and canonical(node.function) in _FACTOR_CALLS:
        return False
    return any(numbers_outside_factors(child, kinds) for child in children(node))


def _learns(node: Node) -> bool:
    return any(canonical(name) in _STATEFUL for name in calls_in(node))


def on_engine(variable: Variable, kinds: Mapping[str, str]) -> bool:
    """Return whether a variable has to be computed row by row rather than level by level."""
    return numbers_outside_factors(variable.node, kinds) or _learns(variable.node)


def plan_of(
    formula: ModelFormula, kinds: dict[str, str], scope: Scope, weights: str | None, offset: str | None
) -> Plan:
    """Sort the variables of a formula by where they are computed.

    Parameters
    ----------
    formula : ModelFormula
    kinds : dict of str to str
        From `raw_kinds`.
    scope : Scope
        For what expressions mean.
    weights, offset : str or None
        Column names.

    Returns
    -------
    Plan

    Raises
    ------
    FormulaError
        A variable that the engine cannot compute.
    """
    numbers: dict[str, Variable] = {}
    widths: dict[str, int] = {}
    truths: dict[str, Variable] = {}
    for variable in [*formula.fixed.variables, *(v for part in formula.random for v in part.terms.variables)]:
        if not on_engine(variable, kinds):
            continue
        if is_truth(variable, scope):
            truths[variable.name] = variable
        else:
            numbers[variable.name] = variable
            widths[variable.name] = width(variable.node, scope)
    for variable in (v for part in formula.random for v in part.grouping.factors):
        if _learns(variable.node):
            refuse(variable.node, scope)
    return Plan(formula, kinds, numbers, widths, truths, weights, offset)


_UNKNOWN = {"value": 0.5, "center": 0.0, "scale": 1.0, "alpha": [0.0] * 50, "norm2": [1.0] * 51}


class _Anything(dict[str, Any]):
    """States that answer for every call: kinds of values do not depend on them."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> dict[str, Any]:
        return _UNKNOWN


def is_truth(variable: Variable, scope: Scope) -> bool:
    """Return whether the value of a variable is true or false; checks that the engine can compute it."""
    trial = Scope(scope.types, scope.env, _Anything(), scope.text, scope.engine, scope.calls)
    return evaluate(variable.node, trial).kind == "truth"
