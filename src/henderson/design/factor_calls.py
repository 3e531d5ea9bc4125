"""Calls that give factors: ``factor``, ``ordered``, ``relevel``, ``interaction``, ``C``."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.data import Factor, Numbers, as_factor, label_text, recode
from henderson.design.call_arguments import (
    constant_argument,
    flag_argument,
    list_argument,
    match_arguments,
    needed,
)
from henderson.design.context import Context, Value
from henderson.design.contrasts import Coding, coding_from_name
from henderson.design.evaluate import evaluate, evaluate_number, known_factor, trouble, unseen_levels
from henderson.errors import OptionError
from henderson.formula.deparse import deparse
from henderson.formula.nodes import Call, Name, Node, Number, Text
from henderson.formula.terms import names_in
from henderson.formula.vocabulary import canonical


def _as_factor(value: Value, node: Node, context: Context) -> Factor:
    if isinstance(value, Factor):
        return value
    if isinstance(value, np.ndarray):
        return as_factor(Numbers(value), deparse(node), warn=False)
    raise trouble(f"{deparse(node)} is not a column that could be a factor.", node, context)


def _raw_factor(node: Node, context: Context) -> Factor:
    """Evaluate as a factor, with the levels found in these rows rather than those of the fit."""
    if isinstance(node, Name) and isinstance(column := context.columns.get(node.text), Factor):
        return column.used() if context.training else column
    return _as_factor(evaluate(node, context), node, context)


def _given_levels(factor: Factor, levels: tuple[Any, ...], node: Call, context: Context) -> Factor:
    if context.open_levels:
        return factor
    labels = tuple(level if isinstance(level, str) else float(level) for level in levels)
    codes, unseen = recode(factor, labels)
    if unseen and context.training:
        raise trouble(
            f"The list of levels leaves out {', '.join(map(label_text, unseen[:12]))}.", node, context
        )
    return Factor(codes, tuple(label_text(label) for label in labels))


def call_factor(node: Call, context: Context) -> Value:
    """Evaluate ``factor(x, levels, labels)`` and ``ordered(x)``."""
    arguments, name = match_arguments(node), deparse(node)
    factor = _raw_factor(needed(arguments, "x", node, context), context)
    levels, labels = list_argument(arguments, "levels", context), list_argument(arguments, "labels", context)
    if levels is not None:
        factor = _given_levels(factor, levels, node, context)
    ordered = canonical(node.function) == "ordered" or flag_argument(
        arguments, "ordered", factor.ordered, context
    )
    plain = Factor(factor.codes, factor.levels, ordered)
    if labels is None:
        return known_factor(plain, name, context)
    known = context.state(name, lambda: {"levels": list(plain.used().levels)})["levels"]
    if len(labels) != len(known):
        raise trouble(f"There are {len(labels)} labels for {len(known)} levels.", node, context)
    codes, unseen = recode(plain, tuple(known))
    if unseen:
        raise unseen_levels(name, unseen, tuple(known))
    return known_factor(Factor(codes, tuple(map(label_text, labels)), plain.ordered), name, context)


def call_relevel(node: Call, context: Context) -> Value:
    """Evaluate ``relevel(x, ref)``: one level becomes the first."""
    arguments = match_arguments(node)
    factor = known_factor(
        _raw_factor(needed(arguments, "x", node, context), context), deparse(node) + "#", context
    )
    reference = label_text(constant_argument(arguments, "ref", None, context))
    labels = [label_text(level) for level in factor.levels]
    if reference not in labels:
        raise trouble(f"There is no level {reference}. Levels: {', '.join(labels[:12])}.", node, context)
    first = labels.index(reference)
    order = [first, *(i for i in range(len(labels)) if i != first)]
    table = np.array([*(order.index(i) for i in range(len(labels))), -1], dtype=np.int32)
    return Factor(table[factor.codes], tuple(factor.levels[i] for i in order), False)


def call_interaction(node: Call, context: Context) -> Value:
    """Combine factors; as in R the first varies fastest and labels are joined by a dot."""
    factors = [_raw_factor(argument, context) for _, argument in node.arguments]
    codes, levels = factors[0].codes.astype(np.int64), [label_text(level) for level in factors[0].levels]
    for factor in factors[1:]:
        codes = np.where(
            (codes < 0) | (factor.codes < 0), -1, codes + len(levels) * factor.codes.astype(np.int64)
        )
        levels = [f"{first}.{label_text(level)}" for level in factor.levels for first in levels]
        if len(levels) > 1_000_000:
            raise trouble(
                "interaction() would have more than a million levels; use (1 | a:b) for groups.",
                node,
                context,
            )
    return known_factor(Factor(codes.astype(np.int32), tuple(levels)), deparse(node), context)


def call_as_numeric(node: Call, context: Context) -> Value:
    """Evaluate ``as.numeric(x)``: the labels of a factor, where they are numbers."""
    value = evaluate(node.arguments[0][1], context)
    if isinstance(value, Factor) and not value.logical:
        try:
            table = np.array([*(float(level) for level in value.levels), np.nan])
        except (TypeError, ValueError):
            raise trouble(_no_numbers(node, value), node, context) from None
        return table[value.codes]
    return evaluate_number(node.arguments[0][1], context)


def _no_numbers(node: Call, factor: Factor) -> str:
    """Say which label is no number, and how to get the codes that R would return here."""
    numeric = [str(level).replace(".", "", 1).lstrip("+-").isdigit() for level in factor.levels]
    label = label_text(factor.levels[numeric.index(False) if False in numeric else 0])
    name = (names_in(node) or ("f",))[0]
    return (
        f"as.numeric() reads the labels of a factor as numbers, but {label!r} is not a number. For the codes "
        f"1, 2, … make a column of them: data[{name!r}].astype('category').cat.codes + 1."
    )


def coding_of(node: Call, context: Context) -> Coding | None:
    """Read the second argument of ``C()``: ``contr.sum``, or ``contr.treatment(base = 2)``."""
    arguments = match_arguments(node)
    if "contr" not in arguments:
        return None
    asked, base = arguments["contr"], arguments.get("base")
    if isinstance(asked, Call):
        base = _base_argument(asked, context) or base
    name = asked.function if isinstance(asked, Call) else getattr(asked, "text", getattr(asked, "value", ""))
    try:
        coding = coding_from_name(str(name))
    except OptionError as error:
        raise trouble(str(error), asked, context) from None
    chosen = None if base is None else evaluate(base, context)
    if not (chosen is None or isinstance(chosen, (str, float))):
        raise trouble("The base of a coding is a level or its number.", node, context)
    return Coding(coding.kind, chosen, None, None, name == "contr.treatment" and not isinstance(chosen, str))


def _base_argument(asked: Call, context: Context) -> Node | None:
    """Find the base in ``contr.treatment(3, base = 2)``, ``Treatment("b")``."""
    for keyword, argument in asked.arguments:
        if keyword in ("base", "reference") or (keyword is None and isinstance(argument, Text)):
            return argument
        if keyword not in (None, "n") or not isinstance(argument, Number):
            raise trouble(f"{asked.function}() takes base = the level or its number.", argument, context)
    return None


def call_coded(node: Call, context: Context) -> Value:
    """Evaluate ``C(f, contr.sum)``: a factor with a coding of its own."""
    arguments = match_arguments(node)
    target = needed(arguments, "object", node, context)
    factor = known_factor(_raw_factor(target, context), deparse(node), context)
    return Factor(factor.codes, factor.levels, factor.ordered, factor.logical, coding_of(node, context))
