"""Principal components of the random effects: how many directions a covariance matrix really uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.layout import term_labels

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class TermComponents:
    """Principal components of one random-effects term.

    Attributes
    ----------
    label : str
        ``Subject``, or ``Subject.1`` for a second term on the same factor.
    names : tuple of str, length k
        Columns of the term.
    sd : (k,) float64
        Standard deviations along the components, relative to sigma, largest first.
    rotation : (k, k) float64
        One component per column, as combinations of the term's columns.
    rank : int
        Directions with variance, on columns of unit size.
    """

    label: str
    names: tuple[str, ...]
    sd: np.ndarray
    rotation: np.ndarray
    rank: int

    @property
    def proportion(self) -> np.ndarray:
        """(k,) share of the term's variance; NaN where there is none."""
        squares = self.sd**2
        with np.errstate(invalid="ignore"):
            return np.asarray(squares / squares.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of every random-effects term.

    Attributes
    ----------
    terms : tuple of TermComponents
        In the order of the model.
    """

    terms: tuple[TermComponents, ...]

    def columns(self) -> dict[str, object]:
        """Return the table as named columns: group, component, sd, proportion, cumulative."""
        sizes = [len(t.sd) for t in self.terms]
        return {
            "group": [t.label for t in self.terms for _ in t.sd],
            "component": [j + 1 for size in sizes for j in range(size)],
            "sd": np.concatenate([t.sd for t in self.terms]),
            "proportion": np.concatenate([t.proportion for t in self.terms]),
            "cumulative": np.concatenate([np.cumsum(t.proportion) for t in self.terms]),
        }


def components(design: Design, estimate: Estimate) -> Components:
    """Principal components of the random effects of every term.

    With Lambda_i = U D V', the standard deviations along the components are D and the components U, as lme4's
    ``rePCA()``: in the units of the columns, relative to sigma.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.

    Returns
    -------
    Components

    Notes
    -----
    O(k^3) per term.
    """
    out = []
    for label, term, root, rank in zip(
        term_labels(design), design.terms, estimate.lambdas, estimate.ranks, strict=True
    ):
        U, sd, _ = np.linalg.svd(root)
        signs = np.where(U[np.abs(U).argmax(axis=0), np.arange(term.k)] < 0, -1.0, 1.0)
        out.append(TermComponents(label, term.names, sd, U * signs, rank))
    return Components(tuple(out))
