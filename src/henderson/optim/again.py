"""A second search, where few rows leave room for two maxima and the first search ended on the boundary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from henderson.errors import FitError
from henderson.optim.chart import Chart, chart_as_typed
from henderson.optim.newton import Point
from henderson.optim.record import SearchRecord
from henderson.optim.rectify import SMALL_PIVOT
from henderson.optim.search import Evaluate, Found, search

FEW_ROWS = 100
"""With this many rows or fewer a second search costs a fraction of a millisecond; with more, two maxima are
hardly ever met."""
BETTER = 1e-6
"""What the second maximum must gain on the criterion: less is rounding."""


def search_again(evaluate: Evaluate, found: Found, *, tol: float, most: int) -> Found:
    """Search once more from Lambda = I where a search ended on the boundary; the better of the two.

    Parameters
    ----------
    evaluate, tol, most
        As in `search`; `most` counts the evaluations of both.
    found : Found
        Where the first search ended.

    Returns
    -------
    Found
        Its record has the steps of both searches.

    Notes
    -----
    A likelihood without bound, met by the second search, leaves the maximum that the first has found.
    """
    point, left = found.point, most - len(found.record.steps)
    if point is None or not found.record.converged or left < 1 or not on_boundary(point):
        return found
    typed = chart_as_typed(point.chart.as_typed)
    try:
        other = search(evaluate, typed, unit_theta(typed), tol=tol, most=left)
    except FitError:
        return found
    if other.point is None:
        return found
    better = other.record.converged and other.point.at.value < point.at.value - BETTER
    return replace(other if better else found, record=_joined(found.record, other.record, better))


def on_boundary(point: Point) -> bool:
    """Whether some pivot of Lambda is zero."""
    pivots = np.concatenate([block.positions.diagonal() for block in point.chart.blocks])
    return bool((np.abs(point.theta[pivots]) < SMALL_PIVOT).any())


def unit_theta(typed: Chart) -> np.ndarray:
    """(n_theta,) Lambda = I on the scaled columns: every effect varies as much as the residuals."""
    theta = np.zeros(len(typed.entries))
    for block in typed.blocks:
        theta[block.positions.diagonal()] = 1.0
    return theta


def _joined(first: SearchRecord, second: SearchRecord, better: bool) -> SearchRecord:
    """Both records as one; steps of a second search that was in vain count as rejected."""
    start, *rest = (replace(s, accepted=s.accepted and better) for s in second.steps)
    steps = (*first.steps, replace(start, stage="second start"), *rest)
    old = f"in {len(first.steps)} evaluations"
    return replace(first, steps=steps, message=first.message.replace(old, f"in {len(steps)} evaluations"))
