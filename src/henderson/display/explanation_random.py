"""Sentences about random effects and about how much is explained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from henderson.display.explanation_words import (
    approximate,
    factors,
    joined,
    multiplies,
    number,
    percent,
    quantity,
    response,
    unit,
)
from henderson.inference.explanation.record import Sentence

if TYPE_CHECKING:
    from henderson.inference.explanation.record import CorrelationFact, Facts, SpreadFact

TOPIC, EXPLAINED = "Differences between groups", "How much is explained"
IN_STEP = 0.9999
CONSTANT = "(Intercept)"


def random_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield what the random effects say of a typical group."""
    for spread in facts.spreads:
        yield Sentence(TOPIC, _spread(spread, facts), _spread_numbers(spread))
    yield from _correlations(facts)
    yield _residual(facts)


def _spread_numbers(spread: SpreadFact) -> dict[str, float]:
    numbers = {"sd": spread.sd}
    if math.isfinite(spread.sd_low):
        numbers |= {"sd_low": spread.sd_low, "sd_high": spread.sd_high}
    if spread.centre is not None:
        numbers |= {"low": spread.low, "high": spread.high, "reversed": spread.reversed}
    return numbers


def _spread(spread: SpreadFact, facts: Facts) -> str:
    what, where, lead = _what(spread, facts), from_to(spread), "The fit finds no variation of the"
    if spread.sd == 0:
        return f"{lead} {what} {where[:1].lower()}{where[1:]} (standard deviation 0)."
    size = number(spread.sd, spread.sd) + ("" if multiplies(facts) else unit(facts))
    known = approximate(spread.sd_low, spread.sd_high, spread.sd, facts)
    size += (f" on the scale of {facts.response}" if multiplies(facts) else "") + (
        f" ({known})" if known else ""
    )
    if spread.cell:
        parts = joined(spread.group.split(":"))
        what = f"level of {response(facts)}" if spread.name == CONSTANT else what
        return f"Beyond {parts} each by themselves, their combinations vary in the {what} by {_sd(size)}."
    text = f"{where} the {what} varies with {_sd(size)}."
    if spread.centre is None or spread.centre.kind not in ("mean", "slope", "difference"):
        return text
    text += f" At these estimates, and if the variation is normal, 95 % of {_levels(spread)} lie between "
    text += _range(spread, facts)
    if spread.centre.kind == "mean":
        return f"{text}."
    if not spread.centre.clear:
        return f"{text}; which way they go on average is itself open."
    if spread.reversed < 0.0005:
        return f"{text}, and hardly any goes the other way."
    return f"{text}, and {percent(spread.reversed)} go the other way."


def _sd(size: str) -> str:
    return f"a standard deviation of {size}"


def own_name(group: str, inside: tuple[str, ...]) -> str:
    """Return the factor that tells groups apart within what they lie in: location of location:county."""
    taken = {part for name in inside for part in name.split(":")}
    return ":".join(part for part in group.split(":") if part not in taken) or group


def from_to(spread: SpreadFact) -> str:
    """Return ``From Subject to Subject``, or ``Within a county, from location to location``."""
    if spread.inside and not spread.cell:
        name = own_name(spread.group, spread.inside)
        return f"Within a level of {spread.inside[0]}, from {name} to {name}"
    return f"From {spread.group} to {spread.group}"


def _levels(spread: SpreadFact) -> str:
    """Return which levels a range of groups is about."""
    if spread.inside:
        name = own_name(spread.group, spread.inside)
        return f"the levels of {name} in an average level of {spread.inside[0]}"
    beside = f", at an average {joined(spread.others)}," if spread.others else ""
    return f"levels of {spread.group}{beside}"


def _range(spread: SpreadFact, facts: Facts) -> str:
    if multiplies(facts):
        low, high = sorted((spread.low, spread.high), reverse=_falling(facts))
        ends = factors([low, high], facts)
        return f"{'' if spread.name == CONSTANT else 'factors of '}{ends[0]} and {ends[1]}"
    return f"{number(spread.low, spread.sd)} and {number(spread.high, spread.sd)}{unit(facts)}"


def _falling(facts: Facts) -> bool:
    return facts.transform is not None and facts.transform.factor < 0


def _what(spread: SpreadFact, facts: Facts) -> str:
    held = joined([f"{name} is zero" for name in spread.held]) if spread.held else ""
    if spread.centre is not None:
        what = quantity(spread.centre, facts)
        return f"{what}{' and' if ' where ' in what else ' where'} {held}" if held else what
    if spread.name == CONSTANT:
        return f"level of {response(facts)}{' where ' if held else ''}{held}"
    if spread.part is not None:
        return f"{response(facts)} where {spread.part.variable} is {spread.part.level}"
    return f"coefficient of {spread.name}"


def _correlations(facts: Facts) -> Iterator[Sentence]:
    """Yield one sentence per correlation that has limits or is one, and one for all others of a factor."""
    bare: dict[str, list[CorrelationFact]] = {}
    for fact in facts.correlations:
        if math.isfinite(fact.low) or abs(fact.value) >= IN_STEP:
            numbers = {"correlation": fact.value}
            if math.isfinite(fact.low):
                numbers |= {"conf_low": fact.low, "conf_high": fact.high}
            yield Sentence(TOPIC, _correlation(fact, facts), numbers)
        else:
            bare.setdefault(fact.group, []).append(fact)
    for group, rows in bare.items():
        yield _without_limits(group, rows, facts)


def _pair(fact: CorrelationFact) -> str:
    if fact.first == CONSTANT:
        return f"the intercept and the coefficient of {fact.second}"
    return f"the coefficients of {fact.first} and {fact.second}"


def _correlation(fact: CorrelationFact, facts: Facts) -> str:
    shown, lead = number(fact.value, 1.0), f"From {fact.group} to {fact.group},"
    if abs(fact.value) >= IN_STEP:
        return (
            f"{lead} {_pair(fact)} move in step (correlation {shown}): the data show no variation of the one "
            "that is not also in the other."
        )
    known = approximate(fact.low, fact.high, 1.0, facts)
    if not fact.clear:
        return (
            f"The data do not settle whether, from {fact.group} to {fact.group}, {_pair(fact)} go together: "
            f"the estimated correlation is {shown} ({known})."
        )
    other = "higher" if fact.value > 0 else "lower"
    return (
        f"{lead} {_pair(fact)} are correlated ({shown}, {known}): where the first is higher, the second "
        f"tends to be {other}."
    )


def _without_limits(group: str, rows: list[CorrelationFact], facts: Facts) -> Sentence:
    listed = joined([f"{number(fact.value, 1.0)} for {_pair(fact)}" for fact in rows])
    why = "as the fit is singular" if facts.summary.singular else "as the likelihood is too flat"
    if facts.summary.monte_carlo is not None:
        why = "as the iterative solver forms no inverse"
    many = "s are" if len(rows) > 1 else " is"
    text = f"From {group} to {group}, the estimated correlation{many} {listed}; no interval is given, {why}."
    return Sentence(TOPIC, text, {f"{f.first}, {f.second}": f.value for f in rows})


def _residual(facts: Facts) -> Sentence:
    sigma = facts.summary.varcorr.sigma
    outer = {name for spread in facts.spreads for name in spread.inside}
    groups = joined([name for name, _ in facts.summary.ngroups if name not in outer])
    weight = " of weight one" if facts.summary.weighted else ""
    if multiplies(facts):
        scale = f" on the scale of {facts.response}"
        text = f"Within {groups}, single observations{weight} vary with a standard deviation of "
        text += f"{number(sigma, sigma)}{scale}."
    else:
        text = (
            f"Within {groups}, single observations{weight} vary about their own mean with a standard "
            f"deviation of {number(sigma, sigma)}{unit(facts)}."
        )
    return Sentence(TOPIC, text, {"sigma": sigma})


def explained_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield ICC and R squared in words."""
    parts = facts.explained
    random = float(parts.random.sum())
    rest = random + parts.residual
    if not (math.isfinite(rest) and rest > 0):
        return
    icc = random / rest
    yield Sentence(EXPLAINED, _icc(facts, icc, rest), {"icc": icc})
    numbers = {"marginal": parts.fixed / parts.total, "conditional": (parts.fixed + random) / parts.total}
    both = f"Fixed and random effects together account for {percent(numbers['conditional'])}"
    if parts.fixed > 0:
        text = (
            f"The fixed effects alone account for {percent(numbers['marginal'])} of the variance of "
            f"{_modelled(facts)} (marginal R²), fixed and random effects together for "
            f"{percent(numbers['conditional'])} (conditional R²)."
        )
        yield Sentence(EXPLAINED, text, numbers)
    elif facts.fixed:
        text = f"{both} of the variance of {_modelled(facts)} (conditional R²); the fixed part is constant."
        yield Sentence(EXPLAINED, text, {"conditional": numbers["conditional"]})


def _within(group: str, inside: tuple[str, ...]) -> str:
    return f"{own_name(group, inside)} within {inside[0]}" if inside else group


def _modelled(facts: Facts) -> str:
    """What the variance is of: the response on the scale of the model, without the known part."""
    return f"{facts.response} less its offset" if facts.summary.offset else facts.response


def _icc(facts: Facts, icc: float, rest: float) -> str:
    parts = facts.explained
    mean = ", averaged over the rows," if parts.slopes else ""
    weight = " (for rows of weight one)" if facts.summary.weighted else ""
    left = "that the fixed effects leave" if parts.fixed > 0 else f"of {_modelled(facts)}"
    if icc < 1e-8:
        return f"Of the variance {left}{weight}, none lies between groups (intraclass correlation 0)."
    inside = {s.group: () if s.cell else s.inside for s in facts.spreads}
    shares = [
        f"{percent(v / rest)} lies between levels of {_within(g, inside.get(g, ()))}"
        for g, v in zip(parts.groups, parts.random, strict=True)
    ]
    text = f"Of the variance {left}{weight},{mean or ''} {joined(shares)}".replace(",,", ",")
    if len(shares) > 1:
        return f"{text}: {percent(icc)} together (intraclass correlation)."
    if facts.simple and not facts.summary.weighted:
        group = parts.groups[0]
        return f"{text}: two observations of the same {group} correlate by {number(icc, 1.0)} (ICC)."
    return f"{text} (intraclass correlation)."
