"""What a regression table for a paper says about a fit below its coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.inference import criteria
from henderson.inference.varcorr import TermVariance, varcorr

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

INTERCEPT = "(Intercept)"
Statistics = dict[str, float | int | str]


def statistics(design: Design, estimate: Estimate) -> Statistics:
    """Numbers about the whole fit, by the keys that table packages use; those of ours read as labels.

    Keys N, df_model, df_resid, ll, aic, bic, deviance, Method (REML or ML), then for every grouping factor
    ``Groups (Subject)``, for every random effect ``SD (Subject: Days)`` and ``Corr (Subject: Intercept,
    Days)``, and ``SD (Residual)``.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.

    Returns
    -------
    dict of str to number or str

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    >>> found = statistics(fit.design, fit.estimate)
    >>> {key: round(found[key], 2) for key in ("N", "Groups (Batch)", "SD (Batch: Intercept)")}
    {'N': 30, 'Groups (Batch)': 6, 'SD (Batch: Intercept)': 42.0}
    """
    components = varcorr(design, estimate)
    out: Statistics = {
        "N": design.n,
        "df_model": design.p,
        "df_resid": criteria.df_residual(design, estimate),
        "ll": criteria.loglik(estimate),
        "aic": criteria.aic(design, estimate),
        "bic": criteria.bic(design, estimate),
        "deviance": criteria.deviance(design, estimate),
        "Method": "REML" if estimate.reml else "ML",
    }
    out |= {f"Groups ({g.name})": len(g.levels) for g in design.groupings}
    for term in components.terms:
        out |= _components(term)
    return out | {"SD (Residual)": components.sigma}


def _components(term: TermVariance) -> Statistics:
    names = ["Intercept" if name == INTERCEPT else name for name in term.names]
    out: Statistics = {f"SD ({term.label}: {name})": float(term.sd[i]) for i, name in enumerate(names)}
    for i in range(len(names)):
        for j in range(i):
            out[f"Corr ({term.label}: {names[j]}, {names[i]})"] = float(term.corr[i, j])
    return out


def default_keys(found: Statistics) -> list[str]:
    """Return the keys shown where the user names none: rows, groups, deviations, R squared, criteria."""
    components = [key for key in found if key.startswith(("Groups (", "SD ("))]
    return ["N", *components, "R² (marginal)", "R² (conditional)", "ll", "aic", "bic", "Method"]
