"""All checks of a fit on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.diagnosis import distribution, outliers
from henderson.inference.diagnosis.record import Check, Diagnosis
from henderson.inference.diagnosis.search import check_search
from henderson.inference.diagnosis.structure import check_structure
from henderson.inference.fitted import fixed_part
from henderson.inference.influence.record import Influence

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

FULL = 1e-10
"""A row with a leverage this close to one has no residual."""

WITHOUT_FACTOR = Check(
    "levels",
    "note",
    "Not checked: the iterative solver does not tell how well single levels are known. Residuals of rows are "
    "not corrected for leverage, which matters for levels with few rows.",
    "If memory allows, lmm(..., solver='direct') checks both.",
)


def diagnose(
    design: Design,
    estimate: Estimate,
    formula: str,
    scaled: np.ndarray,
    hat: np.ndarray | None,
    fitted: np.ndarray,
    leave_out: Callable[[str, bool], Influence],
    labels: np.ndarray,
) -> Diagnosis:
    """Check a fit: the search, the structure, groups and rows that lie apart, and the distributions.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    formula : str
        As typed.
    scaled, fitted : (n,) float64
        Residuals over sigma, fitted values.
    hat : (n,) float64 or None
        Leverages; None after the iterative solver, which has neither these nor what checks of levels take.
    leave_out : callable
        (grouping factor, exact) -> Influence.
    labels : (n,)
        What the rows are called.

    Returns
    -------
    Diagnosis

    Notes
    -----
    Two selected inverses, O(n (p + K)), and leaving out every level of those grouping factors for which this
    takes about a second.
    """
    checks = [*check_search(design, estimate), *check_structure(design, estimate)]
    factors = design.groupings if design.p else ()
    modes: tuple[outliers.Standardised, ...] = ()
    if hat is None:
        checks += [WITHOUT_FACTOR, *(outliers.too_dear(g.name, len(g.levels)) for g in factors)]
        studentised = scaled
    else:
        modes = outliers.standardised_modes(estimate)
        checks += outliers.check_modes(design, modes)
        checks += [_influence(estimate, g.name, len(g.levels), leave_out) for g in factors]
        studentised = scaled / np.sqrt(np.where(1 - hat > FULL, 1 - hat, np.nan))
    checks.append(outliers.check_rows(estimate, studentised, labels))
    shapes = [
        distribution.check_residuals(studentised),
        *(distribution.check_effects(design, modes) if modes else ()),
        distribution.check_spread(studentised, fitted),
        distribution.check_curve(studentised, fixed_part(design, estimate)),
    ]
    checks += [check for check in shapes if check is not None]
    return Diagnosis(formula, bool(estimate.reml), design.n, tuple(checks))


def _influence(
    estimate: Estimate, name: str, levels: int, leave_out: Callable[[str, bool], Influence]
) -> Check:
    for exact in (True, False):
        if outliers.deletion_cost(estimate, levels, exact) <= outliers.BUDGET:
            return outliers.check_influence(leave_out(name, exact))
    return outliers.too_dear(name, levels)
