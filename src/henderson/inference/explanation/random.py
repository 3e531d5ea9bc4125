"""Facts about the random effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.estimate import SINGULAR_TOL
from henderson.inference.explanation.record import CorrelationFact, FixedFact, Part, SpreadFact
from henderson.inference.fixed import normal_quantile

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.inference.varcorr import TermVariance, VarCorr

SHARE = 0.95
"""Share of the groups that a range of groups holds."""
MOST_CORRELATIONS = 6
"""Correlations of a term beyond this are left to the table."""


def spread_facts(design: Design, variances: VarCorr, fixed: tuple[FixedFact, ...]) -> tuple[SpreadFact, ...]:
    """Return how much every coefficient varies between groups.

    Where the fixed effect of the same name is beta and the effects are normal, the central 95 % of the groups
    lie at beta +- 1.96 sd, and a share Phi(-|beta| / sd) has the other sign.

    Parameters
    ----------
    design : Design
    variances : VarCorr
    fixed : tuple of FixedFact

    Returns
    -------
    tuple of SpreadFact
    """
    levels = {g.name: len(g.levels) for g in design.groupings}
    centres = {fact.name: fact for fact in fixed}
    return tuple(
        _spread(
            design,
            term,
            j,
            _size(columns.columns[j]),
            variances.sigma,
            _held(term, variances, j, centres.get(term.names[j])),
            levels[term.group],
            _centre(design, term, variances, j, centres),
        )
        for term, columns in zip(variances.terms, design.terms, strict=True)
        for j in range(len(term.names))
    )


def _size(column: np.ndarray) -> float:
    """Root mean square of a column: a standard deviation counts as zero by what it does to the response."""
    return float(np.sqrt(np.mean(column**2)))


def _spread(
    design: Design,
    term: TermVariance,
    j: int,
    size: float,
    sigma: float,
    held: tuple[str, ...],
    levels: int,
    centre: FixedFact | None,
) -> SpreadFact:
    sd, name = float(term.sd[j]), term.names[j]
    if sd * size <= SINGULAR_TOL * sigma:
        sd = 0.0
    half = normal_quantile(SHARE) * sd
    low = high = other = float("nan")
    if centre is not None:
        low, high = centre.estimate - half, centre.estimate + half
        other = _tail(abs(centre.estimate), sd)
    return SpreadFact(term.group, name, levels, sd, centre, low, high, other, _marked(design, name), held)


def _centre(
    design: Design, term: TermVariance, variances: VarCorr, j: int, centres: dict[str, FixedFact]
) -> FixedFact | None:
    """Return the fixed effect that a column varies about; a column of one name may mean another thing.

    ``MachineB`` is the difference from A beside a constant, and the mean of B in ``0 + Machine``.
    """
    centre = centres.get(term.names[j])
    if centre is None:
        return None
    if term.names[j] == "(Intercept)":
        whole = any(_every_level(design, t.names) for t in variances.terms if t.group == term.group)
        return None if whole else centre
    if centre.kind == "difference" and _every_level(design, term.names):
        return None
    if centre.kind == "mean" and not _every_level(design, term.names):
        return None
    return centre


def _every_level(design: Design, names: tuple[str, ...]) -> bool:
    """Whether a term has a column for every level of some factor."""
    levels = (design.spec.levels if design.spec else {}).items()
    return any(all(f"{v}{level}" in names for level in found) for v, found in levels)


def _held(term: TermVariance, variances: VarCorr, j: int, centre: FixedFact | None) -> tuple[str, ...]:
    """Return columns at whose zero an intercept varies, beyond those that its centre names."""
    if term.names[j] != "(Intercept)":
        return ()
    named = tuple(b.variable for b in centre.base) if centre is not None else ()
    others = (name for t in variances.terms if t.group == term.group for name in t.names)
    return tuple(
        n for n in dict.fromkeys(others) if n != "(Intercept)" and not n.startswith(named or ("\0",))
    )


def _tail(distance: float, sd: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(-distance / sd) if sd > 0 else 0.0


def _marked(design: Design, name: str) -> Part | None:
    """Return the variable and level that a column marks."""
    found = [
        Part(str(variable), str(level))
        for variable, levels in (design.spec.levels if design.spec else {}).items()
        for level in levels
        if name == f"{variable}{level}"
    ]
    return found[0] if len(found) == 1 else None


def correlation_facts(variances: VarCorr) -> tuple[CorrelationFact, ...]:
    """Return the correlations of terms that have few; none beside a variance of zero."""
    out = []
    for term in variances.terms:
        k = len(term.names)
        if k * (k - 1) // 2 > MOST_CORRELATIONS:
            continue
        out += [
            CorrelationFact(term.group, term.names[a], term.names[b], float(term.corr[a, b]))
            for a in range(k)
            for b in range(a + 1, k)
            if np.isfinite(term.corr[a, b])
        ]
    return tuple(out)
