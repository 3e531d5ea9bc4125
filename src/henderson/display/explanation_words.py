"""Numbers, units and clauses that the sentences of an explanation share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from henderson.inference.explanation.record import Base, Facts, FixedFact, Part

MOST_ZEROS = 3
"""Variables at zero that a sentence names; more are counted."""
SINGULAR_WORDS = {
    "days": "day", "weeks": "week", "months": "month", "years": "year", "hours": "hour", "minutes": "minute",
    "seconds": "second", "milliseconds": "millisecond", "points": "point", "metres": "metre",
    "meters": "meter", "grams": "gram", "degrees": "degree", "litres": "litre", "liters": "liter",
    "miles": "mile", "pounds": "pound", "dollars": "dollar", "euros": "euro", "items": "item",
}  # fmt: skip


def number(x: float, spread: float) -> str:
    """Return a number with as many decimals as its uncertainty deserves, minus signs as such.

    >>> number(10.4673, 1.546), number(-0.000012, 1e-6), number(251234.4, 800.0)
    ('10.47', '−1.2e-05', '251234')
    """
    if not math.isfinite(x):
        return "unknown"
    scale = spread if math.isfinite(spread) and spread > 0 else abs(x)
    places = 2 - math.floor(math.log10(scale)) if scale > 0 else 2
    text = f"{x:.{max(0, places)}f}" if places <= 6 and abs(x) < 1e9 else f"{x:.3g}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−", 1 if x < 0 else 0)


def percent(share: float) -> str:
    """Return a share in per cent, without a decimal where it is neither small nor nearly all.

    >>> percent(0.3949), percent(0.0383), percent(1.0), percent(0.0)
    ('39 %', '3.8 %', '100 %', '0 %')
    """
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    inside = 0 < share < 0.1 or 0.95 < share < 1
    return f"{100 * share:.1f} %" if inside else f"{100 * share:.0f} %"


def joined(parts: Sequence[str], last: str = "and") -> str:
    """Return ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def one(variable: str, facts: Facts) -> str:
    """Return ``one day`` or, where a variable has no unit, ``one unit``; of ``scale(x)`` one sd."""
    import re

    scaled = re.fullmatch(r"(scale|standardize)\(\s*[\w.]+\s*\)", variable)
    unit = facts.units.get(variable, "standard deviation" if scaled else "unit")
    return f"one {SINGULAR_WORDS.get(unit, unit)}"


def per(variable: str, facts: Facts) -> str:
    """Return `` per day`` or `` per unit``."""
    return " per " + one(variable, facts).removeprefix("one ")


def response(facts: Facts) -> str:
    """Return what the response is called on the scale that sentences speak of."""
    if not multiplies(facts):
        name = facts.response
    else:
        shift = facts.transform.shift if facts.transform else 0.0
        inner = facts.variables[0]
        name = inner if not shift else f"({inner} {'+' if shift > 0 else '−'} {abs(shift):g})"
    return f"{name} less its offset" if facts.summary.offset else name


def multiplies(facts: Facts) -> bool:
    """Whether differences of the response are ratios: its logarithm was modelled."""
    return facts.transform is not None and facts.transform.ratios and not facts.summary.offset


def unit(facts: Facts) -> str:
    """Return the unit of the response with a blank before it; nothing for a transformed one."""
    name = facts.units.get(facts.response, "") if facts.plain else ""
    return f" {name}" if name else ""


def factor(x: float, facts: Facts) -> float:
    """Return the ratio of responses that a difference on the scale of a logarithm stands for."""
    import numpy as np

    return float(facts.transform.ratio(np.array(x))) if facts.transform is not None else x


def factors(xs: Sequence[float], facts: Facts) -> list[str]:
    """Return such ratios as text, all with the decimals that their range deserves."""
    values = [factor(x, facts) for x in xs]
    spread = max(values) - min(values) if max(values) > min(values) else abs(values[0])
    return [number(v, spread) for v in values]


def interval(fact: FixedFact, facts: Facts, what: str = "") -> str:
    """Return the interval and the test in parentheses."""
    of = f" of the {what}" if what else ""
    level = f"{100 * facts.level:g} % interval{of}"
    if not math.isfinite(fact.low) or not math.isfinite(fact.high):
        return "(its uncertainty cannot be computed)"
    if multiplies(facts):
        ends = factors(sorted([fact.low, fact.high], key=lambda x: factor(x, facts)), facts)
    else:
        ends = [number(x, fact.std_error) for x in (fact.low, fact.high)]
    test = "" if fact.kind == "mean" else f"; {t_test(fact)}"
    return f"({level} {ends[0]} to {ends[1]}{test})"


def approximate(low: float, high: float, spread: float, facts: Facts) -> str:
    """Return ``approximate 95 % interval 15.6 to 39.3``; nothing where there are no limits."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    ends = [number(x, spread) for x in (low, high)]
    return f"approximate {100 * facts.level:g} % interval {ends[0]} to {ends[1]}"


def t_test(fact: FixedFact) -> str:
    """Return statistic, degrees of freedom and p-value."""
    if math.isinf(fact.df):
        return f"z = {number(fact.statistic, 1.0)}, {p_value(fact.p_value)}"
    return f"t = {number(fact.statistic, 1.0)} on {degrees(fact.df)} df, {p_value(fact.p_value)}"


def p_value(p: float) -> str:
    """Return ``p = 0.012`` or ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    near = abs(p - 0.05)
    return f"p = {p:.{5 if near < 0.00005 else 4 if near < 0.0005 else 3}f}"


def degrees(df: float) -> str:
    """Return degrees of freedom with one decimal at most."""
    return f"{df:.1f}".removesuffix(".0")


def where(base: Sequence[Base], within: Sequence[Part] = ()) -> str:
    """Return `` where Sex is Male and age is zero``; nothing where nothing is held."""
    clauses = [f"{p.variable} is {p.level}" for p in within]
    clauses += [f"{b.variable} is {b.level}" for b in base if b.kind == "level"]
    zeros = [b.variable for b in base if b.kind == "zero"]
    if len(zeros) > MOST_ZEROS:
        clauses.append(f"all {len(zeros)} other numeric variables are zero")
    elif zeros:
        clauses.append(f"{joined(zeros)} {'are' if len(zeros) > 1 else 'is'} zero")
    clauses += [f"the columns of {b.variable} are zero" for b in base if b.kind == "coded"]
    over = [b.variable for b in base if b.kind == "average"]
    text = f" where {joined(clauses)}" if clauses else ""
    return text + (f" on average over the levels of {joined(over)}" if over else "")


def outside(base: Sequence[Base]) -> str:
    """Say which zeros lie beyond the data; nothing where none does."""
    found = [b for b in base if b.outside]
    if not found:
        return ""
    listed = joined([f"{b.variable} ({b.low:g} to {b.high:g})" for b in found])
    return f" Zero lies outside the data of {listed}: this number is an extrapolation."


def ratio_of(part: Part, facts: Facts) -> str:
    """Return the factor that one variable stands for where the response's logarithm was modelled."""
    if part.level is None:
        return f"factor that goes with {part.variable} {one(part.variable, facts)} greater"
    return f"factor between {part.variable} {part.level} and {part.reference}"


def quantity(fact: FixedFact, facts: Facts) -> str:
    """Return what a coefficient is, as a noun."""
    y, held = response(facts), where(fact.base, fact.within)
    if fact.kind == "mean":
        return f"{'typical' if multiplies(facts) else 'mean'} {y}{held}"
    if fact.kind in ("slope", "difference") and multiplies(facts):
        return f"{ratio_of(fact.focus[0], facts)}{held}"
    if fact.kind == "slope":
        x = fact.focus[0].variable
        return f"change of {y}{per(x, facts)} of {x}{held}"
    if fact.kind == "difference":
        (part,) = fact.focus
        return f"difference in {y} between {part.variable} {part.level} and {part.reference}{held}"
    return f"coefficient of {fact.name}"
