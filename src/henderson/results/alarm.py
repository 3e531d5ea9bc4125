"""What a fit warns of: a search cut short, columns too collinear for their digits, terms typed twice."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import HendersonWarning

if TYPE_CHECKING:
    from henderson.estimate import Estimate
    from henderson.inference.coefficients import CoefficientTable


def warn_if_cut_short(estimate: Estimate, stacklevel: int) -> None:
    """Warn, at the caller's line, when the search reached its limit before an optimum.

    Parameters
    ----------
    estimate : Estimate
        The fit.
    stacklevel : int
        Frames between this function and the line to blame: 2 is the caller.
    """
    search = estimate.search
    if search.converged:
        return
    enough = max(200, 10 * search.max_evaluations)
    warnings.warn(
        f"The search stopped at its limit of {search.max_evaluations} evaluation"
        f"{'' if search.max_evaluations == 1 else 's'} before an optimum (the next step promised to lower "
        f"the criterion by {estimate.kkt.predicted_decrease:.2g}): estimates and standard errors are not "
        f"those of the model. Fit with lmm(..., max_evaluations={enough}); fit.opt shows the search.",
        HendersonWarning,
        stacklevel=stacklevel + 1,
    )


def warn_of_design(notes: tuple[str, ...], stacklevel: int) -> None:
    """Warn, at the caller's line, of what is wrong with a model whatever the response.

    Parameters
    ----------
    notes : tuple of str
        From `henderson.inference.design_notes`.
    stacklevel : int
        Frames between this function and the line to blame: 2 is the caller.
    """
    for text in notes:
        warnings.warn(text, HendersonWarning, stacklevel=stacklevel + 1)


def warn_without_df(table: CoefficientTable, stacklevel: int) -> None:
    """Warn, at the caller's line, why a data frame has no degrees of freedom; printed tables say it below.

    Parameters
    ----------
    table : CoefficientTable
        What the frame is made of.
    stacklevel : int
        Frames between this function and the line to blame: 2 is the caller.
    """
    if table.note and np.isnan(table.df[np.isfinite(table.estimate)]).any():
        warnings.warn(table.note, HendersonWarning, stacklevel=stacklevel + 1)
