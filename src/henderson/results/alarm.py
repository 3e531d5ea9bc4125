"""What a fit warns of: a search that was cut short, and columns too collinear for the digits there are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import HendersonWarning

if TYPE_CHECKING:
    from henderson.design.record import Design
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


def warn_of_collinearity(design: Design, estimate: Estimate, stacklevel: int) -> None:
    """Warn, at the caller's line, when columns of X are so nearly combinations that few digits are left.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    stacklevel : int
        Frames between this function and the line to blame: 2 is the caller.
    """
    from henderson.inference.small_sample.collinear import collinear_columns

    text = collinear_columns(design, estimate)
    if text:
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
