"""Collinearity of the fixed effects: variance inflation, term by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.assign import fixed_terms
from henderson.errors import DesignError
from henderson.inference.fixed import correlation

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Inflation:
    """Variance inflation of the fixed-effects terms.

    Attributes
    ----------
    terms : tuple of str, length t
        Terms, the intercept left out.
    df : (t,) int
        Columns of the term.
    gvif : (t,) float64
        Generalised variance inflation factor; the ordinary one for a term of one column.
    intercept : bool
        Whether the model has an intercept; without one the factors have no clear meaning.
    """

    terms: tuple[str, ...]
    df: np.ndarray
    gvif: np.ndarray
    intercept: bool

    @property
    def scaled(self) -> np.ndarray:
        """(t,) gvif^(1 / (2 df)): the factor by which confidence intervals are wider, per column."""
        return np.asarray(self.gvif ** (1 / (2 * self.df)))

    def columns(self) -> dict[str, object]:
        """Return the table as named columns: term, df, gvif, gvif_scaled."""
        return {"term": list(self.terms), "df": self.df, "gvif": self.gvif, "gvif_scaled": self.scaled}


def variance_inflation(design: Design, estimate: Estimate) -> Inflation:
    """Generalised variance inflation factors of the fixed-effects terms.

    GVIF_j = det(R_jj) det(R_rest) / det(R), R the correlation matrix of the estimates without the intercept:
    how much larger the confidence region of term j is than it would be with the terms uncorrelated.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.

    Returns
    -------
    Inflation

    Raises
    ------
    DesignError
        With fewer than two terms beside the intercept.

    Notes
    -----
    O(p^3) per term. As R's ``car::vif``.

    References
    ----------
    Fox, J. and Monette, G. (1992), J. Am. Stat. Assoc. 87, 178-183.
    """
    terms = [t for t in fixed_terms(design) if t.name != "(Intercept)" and len(t.columns)]
    if len(terms) < 2:
        only = f"only {terms[0].name}" if terms else "nothing"
        raise DesignError(
            f"Variance inflation compares terms with one another; beside the intercept the model has {only}. "
            "There is nothing for it to be collinear with."
        )
    R = correlation(estimate)
    everything = np.sort(np.concatenate([t.columns for t in terms]))
    gvif = [_generalised(R, np.asarray(t.columns), np.setdiff1d(everything, t.columns)) for t in terms]
    intercept = any(t.name == "(Intercept)" for t in fixed_terms(design))
    return Inflation(
        tuple(t.name for t in terms), np.array([len(t.columns) for t in terms]), np.array(gvif), intercept
    )


def _generalised(R: np.ndarray, own: np.ndarray, rest: np.ndarray) -> float:
    both = np.concatenate([own, rest])
    log = [float(np.linalg.slogdet(R[np.ix_(at, at)])[1]) for at in (own, rest, both)]
    return float(np.exp(log[0] + log[1] - log[2]))
