"""Variances, standard deviations and correlations of the random effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference.layout import term_labels

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class TermVariance:
    """Covariance of one random-effects term, in squared units of the response (per unit of the columns).

    Attributes
    ----------
    label : str
        ``Subject``, or ``Subject.1`` for a second term on the same factor.
    group : str
        Name of the grouping factor.
    names : tuple of str, length k
        Columns of the term.
    cov, corr : (k, k) float64
        Covariance and correlation matrix; a correlation with a variance of zero is NaN.
    sd, variance : (k,) float64
        Standard deviations and variances.
    """

    label: str
    group: str
    names: tuple[str, ...]
    cov: np.ndarray
    corr: np.ndarray
    sd: np.ndarray

    @property
    def variance(self) -> np.ndarray:
        """(k,) variances."""
        return np.diag(self.cov).copy()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VarCorr(Mapping[str, TermVariance]):
    """Variance components of a fit by the label of the term, and the residual standard deviation.

    A mapping from label to `TermVariance`; a position is understood as well.

    Attributes
    ----------
    terms : tuple of TermVariance
        In lme4's order.
    sigma : float
        Residual standard deviation.
    """

    terms: tuple[TermVariance, ...]
    sigma: float

    def __iter__(self) -> Iterator[str]:
        return (t.label for t in self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __getitem__(self, key: int | str) -> TermVariance:
        if isinstance(key, int):
            return self.terms[key]
        for term in self.terms:
            if term.label == key:
                return term
        raise OptionError(
            f"No random-effects term called {key!r}. The model has: {', '.join(map(repr, self))}."
        )

    def __contains__(self, label: object) -> bool:
        return any(t.label == label for t in self.terms)

    def __call__(self, *_: object, **__: object) -> Any:
        """Stop with the line to type: R's ``VarCorr(fit)`` is a property here."""
        label = next(iter(self), "g")
        raise TypeError(f"Variance components are a property, without parentheses: fit.varcorr[{label!r}].")

    def columns(self) -> dict[str, list[object]]:
        """One row per variance and per correlation, as lme4's ``as.data.frame(VarCorr(fit))``.

        Columns group, var1, var2 (None for a variance), vcov (variance or covariance) and sdcor (sd or
        correlation).
        """
        rows: list[tuple[object, ...]] = []
        for t in self.terms:
            rows += [(t.label, name, None, t.cov[i, i], t.sd[i]) for i, name in enumerate(t.names)]
            rows += [
                (t.label, t.names[b], t.names[a], t.cov[a, b], t.corr[a, b])
                for b in range(len(t.names))
                for a in range(b + 1, len(t.names))
            ]
        rows.append(("Residual", None, None, self.sigma**2, self.sigma))
        return dict(
            zip(("group", "var1", "var2", "vcov", "sdcor"), map(list, zip(*rows, strict=True)), strict=True)
        )


def varcorr(design: Design, estimate: Estimate) -> VarCorr:
    """Variance components: sigma^2 Lambda_i Lambda_i' for every term, and sigma.

    Parameters
    ----------
    design : Design
        Names.
    estimate : Estimate
        Holds the relative covariance factors Lambda_i (k_i, k_i) and sigma.

    Returns
    -------
    VarCorr
    """
    terms = []
    for label, term, block in zip(term_labels(design), design.terms, estimate.lambdas, strict=True):
        cov = estimate.sigma**2 * (block @ block.T)
        sd = np.sqrt(np.diag(cov))
        group = design.groupings[term.grouping].name
        terms.append(TermVariance(label, group, term.names, cov, correlation_of(cov), sd))
    return VarCorr(tuple(terms), float(estimate.sigma))


def correlation_of(cov: np.ndarray) -> np.ndarray:
    """Return the correlations (k, k) of a covariance matrix; NaN beside a variance of zero."""
    sd = np.sqrt(np.diag(cov))
    with np.errstate(divide="ignore", invalid="ignore"):
        corr = np.clip(cov / np.outer(sd, sd), -1.0, 1.0)
    np.fill_diagonal(corr, 1.0)
    return np.asarray(corr)
