"""Sentences about fixed effects."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from henderson.display.explanation_words import (
    degrees,
    factor,
    factors,
    interval,
    joined,
    multiplies,
    number,
    one,
    outside,
    p_value,
    per,
    ratio_of,
    response,
    unit,
    where,
)
from henderson.inference.explanation.record import Sentence

if TYPE_CHECKING:
    from henderson.inference.explanation.record import Facts, FixedFact, JointFact, Part

TOPIC = "Fixed effects"


def fixed_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield what the fixed effects say, in the order of the model."""
    if not facts.fixed:
        yield Sentence(TOPIC, f"The model has none: the mean of {response(facts)} is taken to be zero.")
    if facts.fixed and not any(f.kind in ("mean", "coded") for f in facts.fixed):
        text = f"The model has no intercept: the mean of {response(facts)} is zero where its predictors are."
        yield Sentence(TOPIC, text)
    yield from _scale(facts)
    met: set[tuple[Part, ...]] = set()
    for fact in facts.fixed:
        if fact.kind in ("curve", "coded"):
            if fact.focus not in met:
                met.add(fact.focus)
                yield _several(
                    facts, [f for f in facts.fixed if f.focus == fact.focus and f.kind == fact.kind]
                )
        elif fact.kind == "mean":
            yield Sentence(TOPIC, _mean(fact, facts), numbers(fact))
        else:
            yield Sentence(TOPIC, _effect(fact, facts), numbers(fact))
    for joint in facts.joint:
        yield _together(joint, facts.level)


def numbers(fact: FixedFact) -> dict[str, float]:
    """Return the numbers of one coefficient, tidy names."""
    return {
        "estimate": fact.estimate,
        "std_error": fact.std_error,
        "conf_low": fact.low,
        "conf_high": fact.high,
        "statistic": fact.statistic,
        "df": fact.df,
        "p_value": fact.p_value,
    }


def _scale(facts: Facts) -> Iterator[Sentence]:
    y = facts.response
    if multiplies(facts):
        yield Sentence(
            TOPIC,
            f"The model is of {y}: effects multiply {response(facts)}, and what is typical is its median.",
        )
    elif not facts.plain:
        yield Sentence(TOPIC, f"The model is of {y}: all numbers are on that scale.")
    effects = [f for f in facts.fixed if f.kind in ("slope", "difference")]
    if len({part.variable for fact in effects for part in fact.focus}) > 1:
        yield Sentence(TOPIC, "Each effect is that of one variable with the others of the model held fixed.")


def _mean(fact: FixedFact, facts: Facts) -> str:
    y, held = response(facts), where(fact.base, fact.within)
    if multiplies(facts):
        value = factors([fact.estimate, fact.low, fact.high], facts)[0]
        return f"The typical {y}{held} is {value} {interval(fact, facts)}.{outside(fact.base)}"
    value = number(fact.estimate, fact.std_error) + unit(facts)
    return f"The mean {y}{held} is {value} {interval(fact, facts)}.{outside(fact.base)}"


def _effect(fact: FixedFact, facts: Facts) -> str:
    if not (math.isfinite(fact.low) and math.isfinite(fact.high)):
        size = number(fact.estimate, abs(fact.estimate))
        return f"The coefficient of {fact.name} is {size}; its uncertainty cannot be computed."
    text = _clear(fact, facts) if fact.clear else _open(fact, facts)
    return text + _doubling(fact, facts) + outside(fact.base)


def _clear(fact: FixedFact, facts: Facts) -> str:
    up = "higher" if fact.estimate > 0 else "lower"
    if multiplies(facts):
        ratio = factor(fact.estimate, facts)
        up = "higher" if ratio > 1 else "lower"
        value = factors([fact.estimate, fact.low, fact.high], facts)[0]
        lead, tail = _statement(fact, facts)
        size = f", {percent_change(ratio)} {up}" if fact.kind != "interaction" else ""
        size += "," if size and tail else ""
        return f"{lead} multiplied by {value}{size}{tail} {interval(fact, facts, 'factor')}."
    lead, tail = _statement(fact, facts)
    size = number(abs(fact.estimate), fact.std_error) + unit(facts)
    return f"{lead} {size} {up}{tail} {interval(fact, facts, _noun(fact))}."


def _noun(fact: FixedFact) -> str:
    return "difference" if fact.kind == "difference" else "change"


def percent_change(ratio: float) -> str:
    """Return by how many per cent a ratio differs from one."""
    change = 100 * abs(ratio - 1)
    return f"{change:.1f} %" if change < 10 else f"{change:.0f} %"


def _open(fact: FixedFact, facts: Facts) -> str:
    if multiplies(facts):
        size = f"the estimate is a factor of {factors([fact.estimate, fact.low, fact.high], facts)[0]}"
        kind = "factor"
    else:
        kind = _noun(fact)
        size = f"the estimated {kind} is {number(fact.estimate, fact.std_error)}{unit(facts)}"
    size += "".join(per(part.variable, facts) for part in fact.focus if part.level is None)
    return f"The data do not settle {_question(fact, facts)}: {size} {interval(fact, facts, kind)}."


def _statement(fact: FixedFact, facts: Facts) -> tuple[str, str]:
    """Return what stands before and after the size of an effect."""
    y, held = response(facts), where(fact.base, fact.within)
    being = "is typically" if multiplies(facts) else "is on average"
    part = fact.focus[-1]
    against = (
        f" where {part.variable} is {part.level} than where it is {part.reference}"
        if not multiplies(facts)
        else f" where {part.variable} is {part.level} against where it is {part.reference}"
    )
    if fact.kind == "slope":
        return f"With {part.variable} {one(part.variable, facts)} greater, {y} {being}", held
    if fact.kind == "difference":
        return f"{y} {being}", against + (f",{held}" if held else "")
    lead = f"The {_inner(fact, facts)} is"
    if part.level is None:
        return lead, f" with {part.variable} {one(part.variable, facts)} greater" + held
    return lead, against + (f",{held}" if held else "")


def _inner(fact: FixedFact, facts: Facts) -> str:
    """Return what an interaction changes."""
    y, parts = response(facts), fact.focus[:-1]
    if len(parts) > 1:
        return f"interaction {':'.join(p.variable for p in parts)}" + _levels(parts)
    (part,) = parts
    if multiplies(facts):
        return ratio_of(part, facts)
    if part.level is None:
        return f"change of {y}{per(part.variable, facts)} of {part.variable}"
    return f"difference in {y} between {part.variable} {part.level} and {part.reference}"


def _levels(parts: tuple[Part, ...]) -> str:
    named = [f"{p.variable} {p.level} against {p.reference}" for p in parts if p.level is not None]
    return f" ({', '.join(named)})" if named else ""


def _question(fact: FixedFact, facts: Facts) -> str:
    y, held = response(facts), where(fact.base, fact.within)
    part = fact.focus[-1]
    against = f"where {part.variable} is {part.level} than where it is {part.reference}"
    tail = f",{held}" if held else ""
    if fact.kind == "slope":
        return f"whether {y} rises or falls with {part.variable}{held}"
    if fact.kind == "difference":
        return f"whether {y} is higher or lower {against}{tail}"
    inner = f"whether the {_inner(fact, facts)}"
    if part.level is None:
        return f"{inner} rises or falls with {part.variable}{held}"
    return f"{inner} is higher or lower {against}{tail}"


def _doubling(fact: FixedFact, facts: Facts) -> str:
    """Say what doubling a variable does whose logarithm is in the model."""
    import re

    found = re.fullmatch(r"(log|log2|log10)\((\w[\w.]*)\)", fact.focus[0].variable)
    if fact.kind != "slope" or found is None:
        return ""
    step = math.log(2) / {"log": 1.0, "log2": math.log(2), "log10": math.log(10)}[found[1]]
    if multiplies(facts):
        value = number(factor(step * fact.estimate, facts), 0.1)
        return f" Twice the {found[2]} goes with a factor of {value}."
    value = number(step * fact.estimate, step * fact.std_error) + unit(facts)
    return f" Twice the {found[2]} goes with a change of {value}."


def _several(facts: Facts, rows: list[FixedFact]) -> Sentence:
    """Say of coefficients that have no meaning alone what they are."""
    names, what = [f.name for f in rows], joined([p.variable for p in rows[0].focus])
    listed = joined(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    many = len(names) > 1
    lead = f"The coefficient{'s' if many else ''} of {listed}"
    if rows[0].kind == "curve":
        why = f"describe a curve along {what} together" if many else f"is one part of a curve along {what}"
    else:
        why = f"{'depend' if many else 'depends'} on how the levels of {what} are coded"
    text = f"{lead} {why}: {'none of them' if many else 'it'} is not to be read alone."
    text = text.replace("none of them is not to be", "none of them is to be")
    return Sentence(TOPIC, text, {f.name: f.estimate for f in rows})


def _together(joint: JointFact, level: float) -> Sentence:
    what = f"The {len(joint.names)} coefficients of {joint.term}, taken together,"
    found = "differ clearly from zero" if joint.p_value < 1 - level else "cannot be told from zero"
    if math.isnan(joint.p_value):
        return Sentence(TOPIC, f"{what} cannot be tested.")
    if math.isinf(joint.den_df):
        test = f"chi-square = {number(joint.statistic, 1.0)} on {degrees(joint.num_df)} df"
    else:
        test = f"F = {number(joint.statistic, 1.0)} on {degrees(joint.num_df)} and {degrees(joint.den_df)} df"
    names = ("statistic", "num_df", "den_df", "p_value")
    values = {name: float(getattr(joint, name)) for name in names}
    return Sentence(TOPIC, f"{what} {found} ({test}, {p_value(joint.p_value)}).", values)
