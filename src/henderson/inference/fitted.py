"""Fitted values and residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.inference.layout import term_slices

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

RESIDUAL_TYPES = ("response", "pearson", "scaled")


def fixed_part(design: Design, estimate: Estimate) -> np.ndarray:
    """X beta + offset, (n,): the fitted values of the population."""
    mean = design.X @ estimate.beta
    return mean if design.offset is None else mean + design.offset


def random_part(design: Design, estimate: Estimate) -> np.ndarray:
    """Z b, (n,): every term's columns times the effects of the row's level. Cost O(n) per column."""
    total = np.zeros(design.n)
    for term, columns in zip(design.terms, term_slices(design), strict=True):
        effects, codes = estimate.b[term.grouping][:, columns], design.groupings[term.grouping].codes
        for j, column in enumerate(term.columns):
            total += column * np.take(effects[:, j], codes)
    return total


def fitted(design: Design, estimate: Estimate) -> np.ndarray:
    """X beta + Z b + offset, (n,): conditional fitted values, as lme4's ``fitted()``."""
    return fixed_part(design, estimate) + random_part(design, estimate)


def check_residuals(type: str) -> str:
    """Return the type of residuals; an OptionError that lists the allowed ones."""
    if type not in RESIDUAL_TYPES:
        raise OptionError(f"residuals(type={type!r}): choose one of {', '.join(map(repr, RESIDUAL_TYPES))}.")
    return type


def residuals(design: Design, estimate: Estimate, mean: np.ndarray, type: str = "response") -> np.ndarray:
    """Residuals of the rows used, on one of three scales.

    Parameters
    ----------
    design : Design
        Holds y (n,) and the weights w.
    estimate : Estimate
        Holds sigma.
    mean : (n,) float64
        The fitted values.
    type : {"response", "pearson", "scaled"}
        ``y - mean``; that times sqrt(w); that divided by sigma as well (lme4: ``residuals(scaled = TRUE)``).

    Returns
    -------
    (n,) float64

    Raises
    ------
    OptionError
        For any other type.
    """
    check_residuals(type)
    out = np.asarray(design.y - mean)
    if type != "response" and design.weights is not None:
        out *= np.sqrt(design.weights)
    return out / estimate.sigma if type == "scaled" else out
