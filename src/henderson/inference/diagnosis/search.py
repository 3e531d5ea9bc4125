"""Checks of the search: did it end at a minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.diagnosis.record import Check
from henderson.inference.layout import term_labels
from henderson.optim.search import FLAT

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

SLOPE = 1e-5
"""Slopes below this are said to be so."""


def check_search(design: Design, estimate: Estimate) -> list[Check]:
    """Say whether the search converged, and whether the conditions of a minimum hold."""
    return [_convergence(estimate), _minimum(design, estimate)]


def _convergence(estimate: Estimate) -> Check:
    search, promised = estimate.search, float(estimate.kkt.predicted_decrease)
    count = f"{search.evaluations} evaluations"
    if search.converged:
        finding = (
            f"Converged in {count}; a further step promises less than {search.tol:.1g} of the criterion."
        )
        return Check("search", "ok", finding, "", promised, search.tol)
    return Check(
        "search",
        "look",
        f"Stopped after {count} with {promised:.1g} of the criterion still to gain.",
        f"Fit again with max_evaluations={4 * search.max_evaluations}, or from start=fit.theta.",
        promised,
        search.tol,
    )


def _minimum(design: Design, estimate: Estimate) -> Check:
    slopes = np.array(estimate.kkt.smallest_eigenvalue)
    least = float(slopes.min())
    if estimate.kkt.satisfied:
        slope = max(float(estimate.kkt.stationarity), SLOPE)
        finding = f"A minimum: the largest slope by theta is below {slope:.1g}"
        if any(rank < block.k for rank, block in zip(estimate.ranks, estimate.blocks, strict=True)):
            finding += (
                f", and adding variance where there is none changes the criterion by {least:+.2g} a unit"
            )
        return Check("minimum", "ok", finding + ".", "", least, -FLAT)
    if least < -FLAT:
        label = term_labels(design)[int(slopes.argmin())]
        return Check(
            "minimum",
            "look",
            f"Adding variance to {label} would lower the criterion: its slope there is {least:.2g}.",
            "Fit again from another start, such as start=[1, ...], and compare fit.criterion.",
            least,
            -FLAT,
        )
    slope = estimate.kkt.stationarity
    return Check(
        "minimum",
        "look",
        f"The criterion still has a slope of {slope:.1g} by theta.",
        "Fit again with a larger max_evaluations.",
        float(slope),
    )
