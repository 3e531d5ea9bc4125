"""How much of the variance the fixed and the random effects explain: ICC and R squared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.gathered import mean_variance, term_products

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Variance of a response, split by where it comes from; squared units of the response.

    Attributes
    ----------
    fixed : float
        Variance of X beta over the rows (n - 1 in the denominator).
    groups : tuple of str, length G
        Grouping factors.
    random : (G,) float64
        Mean over the rows of z' Sigma z, per grouping factor.
    residual : float
        sigma^2, the variance of a row with weight one.
    singular : bool
        Whether some covariance matrix of the fit has lost rank.
    slopes : bool
        Whether some term has columns beside the constant, so that the variance differs between rows.
    """

    fixed: float
    groups: tuple[str, ...]
    random: np.ndarray
    residual: float
    singular: bool
    slopes: bool

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return self.fixed + float(self.random.sum()) + self.residual


@dataclass(frozen=True, slots=True, eq=False)
class IntraclassCorrelation:
    """Share of the variance that lies between groups.

    Attributes
    ----------
    adjusted, unadjusted : float
        Random over random + residual, and over fixed + random + residual.
    groups : tuple of str, length G
        Grouping factors.
    by_group : (G,) float64
        Share of every grouping factor in random + residual; their sum is `adjusted`.
    show_groups : bool
        Whether the table has one row per grouping factor.
    explained : Explained
        The variances.
    """

    adjusted: float
    unadjusted: float
    groups: tuple[str, ...]
    by_group: np.ndarray
    show_groups: bool
    explained: Explained

    def columns(self) -> dict[str, object]:
        """Return the table as named columns: term (or group) and estimate."""
        if self.show_groups:
            return {"group": list(self.groups), "estimate": self.by_group}
        return {"term": ["adjusted", "unadjusted"], "estimate": np.array([self.adjusted, self.unadjusted])}


@dataclass(frozen=True, slots=True, eq=False)
class RSquared:
    """Share of the variance that the model explains.

    Attributes
    ----------
    marginal, conditional : float
        By the fixed effects, and by fixed and random effects together.
    explained : Explained
        The variances.
    """

    marginal: float
    conditional: float
    explained: Explained

    def columns(self) -> dict[str, object]:
        """Return the table as named columns: term and estimate."""
        return {"term": ["marginal", "conditional"], "estimate": np.array([self.marginal, self.conditional])}


def explained(design: Design, estimate: Estimate) -> Explained:
    """Split the variance of the response by its sources.

    With a random slope the variance differs from row to row; its mean over the rows counts, (1/n) sum_i z_i'
    Sigma z_i = tr(Sigma Z'Z / n), term by term (Johnson 2014).

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.

    Returns
    -------
    Explained

    Notes
    -----
    O(n (p + k^2)); nothing of size n x q is formed.

    References
    ----------
    Nakagawa, S., Johnson, P. C. D. and Schielzeth, H. (2017), J. R. Soc. Interface 14, 20170213.
    Johnson, P. C. D. (2014), Methods Ecol. Evol. 5, 944-946.
    """
    random = np.zeros(len(design.groupings))
    for term, root, total in zip(design.terms, estimate.lambdas, term_products(design), strict=True):
        squares = total / design.n
        random[term.grouping] += estimate.sigma**2 * float(((squares @ root) * root).sum())
    fixed = mean_variance(design, estimate.beta)
    names = tuple(g.name for g in design.groupings)
    slopes = any(name != "(Intercept)" for term in design.terms for name in term.names)
    return Explained(fixed, names, random, float(estimate.sigma) ** 2, bool(estimate.singular), slopes)


def icc(design: Design, estimate: Estimate, by_group: bool = False) -> IntraclassCorrelation:
    """Intraclass correlation: the share of the variance that lies between groups.

    adjusted = random / (random + residual), unadjusted = random / (fixed + random + residual).

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    by_group : bool
        Whether the table shall have one row per grouping factor.

    Returns
    -------
    IntraclassCorrelation

    Notes
    -----
    As `explained`.
    """
    parts = explained(design, estimate)
    random, rest = float(parts.random.sum()), float(parts.random.sum()) + parts.residual
    return IntraclassCorrelation(
        random / rest, random / parts.total, parts.groups, parts.random / rest, bool(by_group), parts
    )


def r_squared(design: Design, estimate: Estimate) -> RSquared:
    """R squared of Nakagawa: what the fixed effects explain, and what fixed and random effects do together.

    marginal = fixed / total, conditional = (fixed + random) / total.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.

    Returns
    -------
    RSquared

    Notes
    -----
    As `explained`.
    """
    parts = explained(design, estimate)
    total = parts.total
    return RSquared(parts.fixed / total, (parts.fixed + float(parts.random.sum())) / total, parts)


def rmse(residuals: np.ndarray) -> float:
    """Root mean square of the residuals (n,), in units of the response."""
    return float(np.sqrt(np.mean(residuals**2)))


def rmse_of_sums(estimate: Estimate) -> float:
    """The same without rows, where there are no weights: the penalised sum of squares less that of u."""
    penalty = sum(float((u**2).sum()) for u in estimate.u)
    return float(np.sqrt(max(estimate.pwrss - penalty, 0.0) / estimate.cross.n))
