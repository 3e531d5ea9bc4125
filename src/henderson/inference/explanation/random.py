"""Facts about the random effects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.assign import CONSTANT, fixed_terms
from henderson.estimate import SINGULAR_TOL
from henderson.inference.explanation.columns import columns_of, power_of
from henderson.inference.explanation.record import Base, CorrelationFact, FixedFact, Part, SpreadFact
from henderson.inference.fixed import normal_quantile
from henderson.inference.layout import around, nested

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.inference.explanation.uncertainty import TermLimits
    from henderson.inference.varcorr import TermVariance, VarCorr

SHARE = 0.95
"""Share of the groups that a range of groups holds."""
MOST_CORRELATIONS = 6
"""Correlations of a term beyond this are left to the table."""


def spread_facts(
    design: Design, variances: VarCorr, fixed: tuple[FixedFact, ...], limits: tuple[TermLimits, ...]
) -> tuple[SpreadFact, ...]:
    """Return how much every coefficient varies between groups.

    Where the fixed effect of the same name is beta and the effects are normal, the central 95 % of the groups
    lie at beta +- 1.96 sd, and a share Phi(-|beta| / sd) has the other sign.

    Parameters
    ----------
    design : Design
    variances : VarCorr
    fixed : tuple of FixedFact
    limits : tuple of TermLimits
        Of the terms, in order.

    Returns
    -------
    tuple of SpreadFact
    """
    centres, out = {fact.name: fact for fact in fixed}, []
    for term, columns, known in zip(variances.terms, design.terms, limits, strict=True):
        for j, name in enumerate(term.names):
            centre = _centre(design, term, variances, j, centres)
            sd = float(term.sd[j])
            if sd * _size(columns.columns[j]) <= SINGULAR_TOL * variances.sigma:
                sd = 0.0
            fact = _spread(term.group, name, len(design.groupings[columns.grouping].levels), sd, centre)
            fact = replace(
                fact,
                sd_low=float(known.sd_low[j]),
                sd_high=float(known.sd_high[j]),
                part=_marked(design, term, variances, j),
                held=_held(design, term, variances, j, centres.get(name)),
            )
            out.append(_placed(fact, design, columns.grouping))
    return tuple(out)


def _size(column: np.ndarray) -> float:
    """Root mean square of a column: a standard deviation counts as zero by what it does to the response."""
    return float(np.sqrt(np.mean(column**2)))


def _spread(group: str, name: str, levels: int, sd: float, centre: FixedFact | None) -> SpreadFact:
    if centre is None:
        return SpreadFact(group, name, levels, sd, None, np.nan, np.nan, np.nan)
    half = normal_quantile(SHARE) * sd
    low, high = centre.estimate - half, centre.estimate + half
    return SpreadFact(group, name, levels, sd, centre, low, high, _tail(abs(centre.estimate), sd))


def _placed(fact: SpreadFact, design: Design, f: int) -> SpreadFact:
    """Add which grouping factors the levels lie in, and which they cross."""
    own = design.groupings[f]
    outer = around(design, f)
    crossed = [
        g.name for h, g in enumerate(design.groupings) if h != f and h not in outer and not nested(g, own)
    ]
    inside = tuple(design.groupings[h].name for h in outer)
    taken = {part for name in inside for part in name.split(":")}
    rest = [part for part in own.name.split(":") if part not in taken]
    made = {c for term in fixed_terms(design) for v in term.variables for c in columns_of(v, design)}
    cell = bool(inside) and any(part in made for part in rest)
    return replace(fact, inside=inside, others=tuple(crossed), cell=cell)


def _centre(
    design: Design, term: TermVariance, variances: VarCorr, j: int, centres: dict[str, FixedFact]
) -> FixedFact | None:
    """Return the fixed effect that a column varies about; a column of one name may mean another thing.

    ``MachineB`` is the difference from A beside a constant, and the mean of B in ``0 + Machine``.
    """
    centre = centres.get(term.names[j])
    if centre is None:
        return None
    if term.names[j] == CONSTANT:
        whole = any(_every_level(design, t.names) for t in variances.terms if t.group == term.group)
        held = _held(design, term, variances, j, centre)
        return None if whole or any(_moved(design, name) for name in held) else centre
    if centre.kind == "difference" and _every_level(design, term.names):
        return None
    if centre.kind == "mean" and (
        not _every_level(design, term.names)
        or any(CONSTANT in t.names for t in variances.terms if t.group == term.group)
    ):
        return None
    return centre


def _moved(design: Design, name: str) -> bool:
    """Whether the fixed part has a variable in another form, such as center(x), whose zero is elsewhere."""
    own = columns_of(name, design)
    return any(own & columns_of(v, design) for term in fixed_terms(design) for v in term.variables)


def _every_level(design: Design, names: tuple[str, ...]) -> bool:
    """Whether a term has a column for every level of some factor."""
    levels = (design.spec.levels if design.spec else {}).items()
    return any(all(f"{v}{level}" in names for level in found) for v, found in levels)


def _held(
    design: Design, term: TermVariance, variances: VarCorr, j: int, centre: FixedFact | None
) -> tuple[str, ...]:
    """Return columns at whose zero an intercept varies, beyond those that its centre names."""
    if term.names[j] != CONSTANT:
        return ()
    base = centre.base if centre is not None else ()
    named = tuple(b.variable for b in base)
    others = (name for t in variances.terms if t.group == term.group for name in t.names)
    found = [n for n in dict.fromkeys(others) if n != CONSTANT and not _at_zero(n, base)]
    return tuple(n for n in found if not power_of(n, {*named, *found}))


def _at_zero(name: str, base: tuple[Base, ...]) -> bool:
    """Whether a column is zero where the variables of `base` are held."""
    return any(
        part == b.variable if b.kind == "zero" else part.startswith(b.variable)
        for part in name.split(":")
        for b in base
    )


def _tail(distance: float, sd: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(-distance / sd) if sd > 0 else 0.0


def _marked(design: Design, term: TermVariance, variances: VarCorr, j: int) -> Part | None:
    """Return the level at which a column is all that varies; None for differences and parts of a sum."""
    names = [name for t in variances.terms if t.group == term.group for name in t.names]
    found = [
        Part(str(variable), str(level))
        for variable, levels in (design.spec.levels if design.spec else {}).items()
        for level in levels
        if names == [f"{variable}{one}" for one in levels] and term.names[j] == f"{variable}{level}"
    ]
    return found[0] if len(found) == 1 else None


def correlation_facts(variances: VarCorr, limits: tuple[TermLimits, ...]) -> tuple[CorrelationFact, ...]:
    """Return the correlations of terms that have few; none beside a variance of zero."""
    out = []
    for term, known in zip(variances.terms, limits, strict=True):
        k = len(term.names)
        if k * (k - 1) // 2 > MOST_CORRELATIONS:
            continue
        out += [
            CorrelationFact(
                term.group, term.names[a], term.names[b],
                *(float(matrix[a, b]) for matrix in (term.corr, known.corr_low, known.corr_high)),
            )
            for a in range(k)
            for b in range(a + 1, k)
            if np.isfinite(term.corr[a, b])
        ]  # fmt: skip
    return tuple(out)
