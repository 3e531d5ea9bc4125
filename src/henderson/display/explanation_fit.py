"""Sentences about the model, the search, and what a fit does not show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from henderson.display import sentences as words
from henderson.display.explanation_words import degrees, joined, number, percent, unit
from henderson.inference.explanation.columns import short
from henderson.inference.explanation.record import Sentence

if TYPE_CHECKING:
    from henderson.inference.explanation.record import Facts, FixedFact

MODEL, FIT, LIMITS = "The model", "The fit", "What this does not show"
FEW_LEVELS = 5
"""Below this a variance is hardly known: the limit of the page of checks."""
MANY_LEVELS = 30
"""From here on z and t tests differ little."""
FEW_DF = 5


def model_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield what was fitted to what."""
    summary = facts.summary
    groups = joined([f"{count} levels of {name}" for name, count in summary.ngroups])
    how = "restricted maximum likelihood (REML)" if summary.reml else "maximum likelihood"
    parts = [
        name
        for name, there in (("precision weights", summary.weighted), ("an offset", summary.offset))
        if there
    ]
    extra = f", with {joined(parts)}" if parts else ""
    yield Sentence(
        MODEL,
        f"A linear mixed model of {facts.response} for {summary.nobs} observations in {groups}, "
        f"fitted by {how}{extra}.",
        {"nobs": float(summary.nobs), **{name: float(count) for name, count in summary.ngroups}},
    )
    if facts.fixed:
        table = summary.coefficients
        yield Sentence(
            MODEL,
            f"Intervals of fixed effects cover {100 * table.level:g} % and, like the tests, rest on "
            f"{words.method(table.ddf) if table.ddf != 'none' else 'the normal distribution (z tests)'}.",
            {"level": table.level},
        )


def fit_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield how the search ended and what was lost on the way."""
    summary = facts.summary
    end = words.ending(summary)
    if summary.converged:
        yield Sentence(FIT, f"The search found its optimum: {end[0].lower()}{end[1:]}")
    else:
        yield Sentence(FIT, f"{end} The numbers above are where it stopped, not the estimate.")
    if summary.singular:
        yield Sentence(
            FIT,
            f"The fit is singular: {'; '.join(summary.singular)}. This is an estimate like any other: the "
            "data show no more variation of that kind than the residuals account for. It does not show that "
            "there is none.",
        )
    if summary.rows_dropped:
        share = summary.rows_dropped / (summary.rows_dropped + summary.nobs)
        yield Sentence(
            FIT,
            f"{summary.rows_dropped} row{'s' if summary.rows_dropped > 1 else ''} ({percent(share)}) with "
            "missing values left out.",
            {"rows_dropped": float(summary.rows_dropped)},
        )
    if summary.dropped:
        yield Sentence(
            FIT,
            f"{joined(summary.dropped[:6])} could not be estimated beside the others, of which "
            f"{'they are combinations' if len(summary.dropped) > 1 else 'it is a combination'}; what remains "
            "stands for both.",
        )
    if summary.coefficients.note:
        yield Sentence(FIT, summary.coefficients.note)


def limit_sentences(facts: Facts) -> Iterator[Sentence]:
    """Yield what must not be read into the numbers; nothing where the numbers give no reason."""
    yield from _open(facts)
    yield from _between(facts)
    yield from _beyond(facts)
    yield from _few(facts)
    yield from _at_estimates(facts)
    if not facts.summary.reml:
        yield Sentence(
            LIMITS,
            "Maximum likelihood takes the fixed effects as known when it estimates variances, which makes "
            "these too small where groups are few; fit.with_reml() does not.",
        )


def _at_estimates(facts: Facts) -> Iterator[Sentence]:
    found = [spread for spread in facts.spreads if spread.sd > 0]
    bare = [spread for spread in found if not math.isfinite(spread.sd_low)]
    what = "Ranges of groups and shares of variance"
    if bare and len(found) == len(bare):
        why = "a singular fit" if facts.summary.singular else "so flat a likelihood"
        if facts.summary.monte_carlo is not None:
            why = "an iterative fit"
        what = f"Standard deviations, correlations, r{what[1:]}"
        text = f"{what} are given at the estimates, without their own uncertainty: {why} has no simple"
        yield Sentence(LIMITS, f"{text} intervals.")
    elif found:
        text = f"{what} are computed at the estimates; their own uncertainty is not shown."
        yield Sentence(LIMITS, text)


def _open(facts: Facts) -> Iterator[Sentence]:
    effects = [f for f in facts.fixed if f.kind in ("slope", "difference", "interaction")]
    found = [f for f in effects if not f.clear and math.isfinite(f.low)]
    if not found:
        return
    listed = joined([f.name for f in found])
    yield Sentence(
        LIMITS,
        f"The interval{'s' if len(found) > 1 else ''} of {listed} include{'' if len(found) > 1 else 's'} "
        "zero. That does not show that there is no effect: every value in the interval agrees with the data "
        f"at that level{_largest(found, facts)}.",
        {f.name: f.estimate for f in found},
    )


def _largest(found: list[FixedFact], facts: Facts) -> str:
    if len(found) > 1 or not facts.plain:
        return ""
    (fact,) = found
    end = max(fact.low, fact.high, key=abs)
    what = "difference" if fact.kind == "difference" else "change"
    return f", up to a {what} of {number(end, fact.std_error)}{unit(facts)}"


def _between(facts: Facts) -> Iterator[Sentence]:
    """Say which variables compare groups, and which mix comparisons within and between them."""
    by_variable: dict[str, list[FixedFact]] = {}
    for fact in facts.fixed:
        if fact.between:
            by_variable.setdefault(fact.focus[0].variable, []).append(fact)
    constant = {name for name, rows in by_variable.items() if _constant(rows) is not None}
    mixed: dict[str, list[tuple[str, float]]] = {}
    for name, rows in by_variable.items():
        fact, found = rows[0], _constant(rows)
        if found is not None:
            group, levels = found
            yield Sentence(
                LIMITS,
                f"{name} is the same in all rows of a level of {group}: its effect compares levels of "
                f"{group}, of which there are {levels}, and not single rows.",
                {"levels": float(levels)},
            )
        elif len(rows) == 1 and len(fact.between) == 1 and not constant:
            group, share, levels = fact.between[0]
            if beyond_chance(share, levels, facts.summary.nobs) >= 0.1 and share <= 0.9:
                mixed.setdefault(group, []).append((name, share))
    for group, parts in mixed.items():
        yield _mixed(group, parts)


def beyond_chance(share: float, levels: int, rows: int) -> float:
    """Return a share between groups less what values without any order would have, (G - 1) / (n - 1).

    >>> round(beyond_chance(0.5, 11, 101), 3), beyond_chance(0.1, 11, 101)
    (0.444, 0.0)
    """
    chance = (levels - 1) / max(rows - 1, 1)
    return (share - chance) / (1 - chance) if chance < 1 else 0.0


def _mixed(group: str, parts: list[tuple[str, float]]) -> Sentence:
    listed = joined([f"{percent(share)} of the variance of {name}" for name, share in parts])
    many = len(parts) > 1
    mix = "their coefficients mix" if many else "its coefficient mixes"
    return Sentence(
        LIMITS,
        f"{listed} lie{'' if many else 's'} between levels of {group}: {mix} comparisons within and between "
        "them, which need not agree.",
        {f"share_between {name}" if many else "share_between": share for name, share in parts},
    )


def _constant(rows: list[FixedFact]) -> tuple[str, int] | None:
    """Return the coarsest grouping factor within whose levels all columns of a variable are constant."""
    groups = zip(*(fact.between for fact in rows), strict=True)
    found = [(same[0][2], same[0][0]) for same in groups if all(share > 1 - 1e-9 for _, share, _ in same)]
    return (min(found)[1], min(found)[0]) if found else None


def _beyond(facts: Facts) -> Iterator[Sentence]:
    spans = {
        f.focus[0].variable: f.span for f in facts.fixed if f.kind == "slope" and f.focus and not f.within
    }
    yield from _steps(facts)
    if spans:
        listed = joined([f"{name} from {short(low)} to {short(high)}" for name, (low, high) in spans.items()])
        yield Sentence(
            LIMITS, f"The data have {listed}: that a line goes on beyond is an assumption of the model."
        )


def _steps(facts: Facts) -> Iterator[Sentence]:
    """Say of numbers with few values 1, 2, 3, which may be labels, what the model takes them for."""
    for fact in facts.fixed:
        alone = fact.kind == "slope" and not fact.base and len(fact.values) > 2
        if alone and fact.values in [tuple(range(s, s + len(fact.values))) for s in (0, 1)]:
            name = fact.focus[0].variable
            yield Sentence(
                LIMITS,
                f"{name} has the values {joined([short(x) for x in fact.values])} only, and the model gives "
                f"every step between them the same effect. If they are labels, write C({name}).",
            )


def _few(facts: Facts) -> Iterator[Sentence]:
    for name, count in facts.summary.ngroups:
        if count < FEW_LEVELS:
            yield Sentence(
                LIMITS,
                f"{name} has {count} levels only: how much they differ is hardly known from so few.",
                {"levels": float(count)},
            )
    least = min((count for _, count in facts.summary.ngroups), default=MANY_LEVELS)
    if facts.summary.coefficients.ddf == "none" and facts.fixed and least < MANY_LEVELS:
        yield Sentence(
            LIMITS,
            f"The z tests take the variances as known, which with {least} groups makes intervals too narrow.",
            {"levels": float(least)},
        )
    scarce = [f for f in facts.fixed if f.df < FEW_DF]
    if scarce:
        ends = list(dict.fromkeys(degrees(extreme(f.df for f in scarce)) for extreme in (min, max)))
        wide = "these intervals are wide and lean" if len(scarce) > 1 else "its interval is wide and leans"
        yield Sentence(
            LIMITS,
            f"The uncertainty of {joined([f.name for f in scarce])} rests on "
            f"{' to '.join(ends)} degrees of freedom only: {wide} on the effects' being normal.",
            {f.name: f.df for f in scarce},
        )
