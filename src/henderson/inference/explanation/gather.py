"""Gather all facts of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from henderson.design.assign import fixed_terms
from henderson.errors import OptionError
from henderson.formula import read_formula
from henderson.inference.explanation.columns import columns_of
from henderson.inference.explanation.fixed import fixed_facts, joint_facts
from henderson.inference.explanation.random import correlation_facts, spread_facts
from henderson.inference.explanation.record import Facts
from henderson.inference.explanation.uncertainty import term_limits
from henderson.inference.means.response import Transform, transform_of
from henderson.inference.quality.explained import explained

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate
    from henderson.inference.small_sample import SmallSample
    from henderson.inference.summary import SummaryRecord


def gather(
    design: Design,
    estimate: Estimate,
    summary: SummaryRecord,
    sample: SmallSample,
    units: Mapping[str, str] | None = None,
) -> Facts:
    """Gather what an explanation rests on.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    summary : SummaryRecord
        Its summary, with the coefficients and their limits.
    sample : SmallSample
        What joint tests rest on.
    units : dict of str to str, optional
        Units of columns of the data.

    Returns
    -------
    Facts

    Raises
    ------
    OptionError
        If `units` names something that is no column of the model.

    Notes
    -----
    Cost O(n p + p^3), and 2 n_theta gradients for the limits of standard deviations and correlations.
    """
    fixed = fixed_facts(design, summary.coefficients)
    limits = term_limits(design, estimate, summary.coefficients.level)
    names = _variables(design)
    transform, plain = _response(design)
    alone = len(design.terms) == 1 and design.terms[0].names == ("(Intercept)",)
    return Facts(
        summary=summary,
        response=design.response,
        transform=transform,
        plain=plain,
        variables=names,
        fixed=fixed,
        joint=joint_facts(design, sample),
        spreads=spread_facts(design, summary.varcorr, fixed, limits),
        correlations=correlation_facts(summary.varcorr, limits),
        explained=explained(design, estimate),
        simple=alone,
        level=summary.coefficients.level,
        units=_check_units(units, names),
    )


def _variables(design: Design) -> tuple[str, ...]:
    """Columns of the data that can have units."""
    found = [design.response, *(v for t in fixed_terms(design) for v in t.variables)]
    found += [name for term in design.terms for name in term.names if name != "(Intercept)"]
    kinds = design.spec.kinds if design.spec else {}
    made = [c for v in found for c in sorted(columns_of(v, design)) if kinds.get(c, "number") == "number"]
    return tuple(dict.fromkeys(made))


def _response(design: Design) -> tuple[Transform | None, bool]:
    """Return the transform of the response, and whether it is a plain column."""
    if design.spec is None:
        return None, True
    node = read_formula(design.spec.formula, frozenset(design.spec.env), design.spec.dot).response.node
    try:
        found = transform_of(node)
    except OptionError:
        return None, False
    return found, found is None


def _check_units(units: Mapping[str, str] | None, names: tuple[str, ...]) -> dict[str, str]:
    if units is None:
        return {}
    known = ", ".join(map(repr, names))
    if not isinstance(units, Mapping) or not all(isinstance(u, str) for u in units.values()):
        example = f'{{"{names[0]}": "ms"}}'
        raise OptionError(f"units must be a dict from columns to words, such as {example}, not {units!r}.")
    for name in units:
        if name not in names:
            raise OptionError(f"units: the model has no numeric column {name!r}; it has {known}.")
    return dict(units)
