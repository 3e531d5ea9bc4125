"""Sentences about random effects and about how much is explained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from henderson.display.explanation_words import (
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
STRENGTHS = ((0.1, "hardly"), (0.3, "weakly"), (0.6, "moderately"), (0.9999, "strongly"))
CONSTANT = "(Intercept)"


def random_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield what the random effects say of a typical group."""
    for spread in facts.spreads:
        yield Sentence(TOPIC, _spread(spread, facts), _spread_numbers(spread))
    for correlation in facts.correlations:
        yield Sentence(TOPIC, _correlation(correlation), {"correlation": correlation.value})
    yield _residual(facts)


def _spread_numbers(spread: SpreadFact) -> dict[str, float]:
    numbers = {"sd": spread.sd}
    if spread.centre is not None:
        numbers |= {"low": spread.low, "high": spread.high, "reversed": spread.reversed}
    return numbers


def _spread(spread: SpreadFact, facts: Facts) -> str:
    what, group = _what(spread, facts), spread.group
    if spread.sd == 0:
        return f"The fit finds no variation of the {what} from {group} to {group} (standard deviation 0)."
    size = number(spread.sd, spread.sd) + ("" if multiplies(facts) else unit(facts))
    scale = f" on the scale of {facts.response}" if multiplies(facts) else ""
    text = f"From {group} to {group} the {what} varies with a standard deviation of {size}{scale}."
    if spread.centre is None or spread.centre.kind not in ("mean", "slope", "difference"):
        return text
    text += f" If this variation is normal, 95 % of such groups lie between {_range(spread, facts)}"
    if spread.centre.kind == "mean":
        return f"{text}."
    if not spread.centre.clear:
        return f"{text}; which way they go on average is itself open."
    if spread.reversed < 0.0005:
        return f"{text}, and hardly any goes the other way."
    return f"{text}, and {percent(spread.reversed)} go the other way."


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


def _correlation(fact: CorrelationFact) -> str:
    pair = f"the coefficients of {fact.first} and {fact.second}"
    if fact.first == CONSTANT:
        pair = f"the intercept and the coefficient of {fact.second}"
    size = abs(fact.value)
    shown = number(fact.value, 1.0)
    if size >= STRENGTHS[-1][0]:
        return (
            f"From {fact.group} to {fact.group}, {pair} move in step (correlation {shown}): the data show no "
            "variation of the one that is not also in the other."
        )
    word = next(word for limit, word in STRENGTHS if size < limit)
    if word == "hardly":
        return f"From {fact.group} to {fact.group}, {pair} are hardly correlated ({shown})."
    other = "higher" if fact.value > 0 else "lower"
    return (
        f"From {fact.group} to {fact.group}, {pair} are {word} correlated ({shown}): where the first is "
        f"higher, the second tends to be {other}."
    )


def _residual(facts: Facts) -> Sentence:
    sigma = facts.summary.varcorr.sigma
    groups = joined([name for name, _ in facts.summary.ngroups])
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
            f"{facts.response} (marginal R²), fixed and random effects together for "
            f"{percent(numbers['conditional'])} (conditional R²)."
        )
        yield Sentence(EXPLAINED, text, numbers)
    elif facts.fixed:
        text = f"{both} of the variance of {facts.response} (conditional R²); the fixed part is constant."
        yield Sentence(EXPLAINED, text, {"conditional": numbers["conditional"]})


def _icc(facts: Facts, icc: float, rest: float) -> str:
    parts = facts.explained
    mean = ", averaged over the rows," if parts.slopes else ""
    weight = " (for rows of weight one)" if facts.summary.weighted else ""
    left = "that the fixed effects leave" if parts.fixed > 0 else f"of {facts.response}"
    if icc < 1e-8:
        return f"Of the variance {left}{weight}, none lies between groups (intraclass correlation 0)."
    shares = [
        f"{percent(v / rest)} lies between levels of {g}"
        for g, v in zip(parts.groups, parts.random, strict=True)
    ]
    text = f"Of the variance {left}{weight},{mean or ''} {joined(shares)}".replace(",,", ",")
    if len(shares) > 1:
        return f"{text}: {percent(icc)} together (intraclass correlation)."
    if facts.simple and not facts.summary.weighted:
        group = parts.groups[0]
        return f"{text}: two observations of the same {group} correlate by {number(icc, 1.0)} (ICC)."
    return f"{text} (intraclass correlation)."
