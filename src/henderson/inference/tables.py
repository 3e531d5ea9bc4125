"""The tidy tables: tidy, glance and augment, with the columns of R's broom.mixed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.inference import criteria
from henderson.inference.coefficients import NUMBERS, CoefficientTable
from henderson.inference.random_effects import RandomEffects
from henderson.inference.varcorr import VarCorr, varcorr

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

FULL = 1e-10
"""A row whose leverage is this close to one determines an effect alone."""
EFFECTS = ("fixed", "ran_pars", "ran_vals", "ran_coefs")
Columns = dict[str, object]


def check_effects(effects: str | Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of rows asked for, or an `OptionError` listing the allowed ones."""
    chosen = (effects,) if isinstance(effects, str) else tuple(effects)
    unknown = [e for e in chosen if e not in EFFECTS]
    if unknown or not chosen:
        raise OptionError(f"tidy(effects={effects!r}): choose among {', '.join(map(repr, EFFECTS))}.")
    return chosen


def tidy(
    design: Design,
    estimate: Estimate,
    ranef: RandomEffects,
    coef: RandomEffects,
    coefficients: CoefficientTable,
    chosen: tuple[str, ...],
    level: float,
) -> Columns:
    """Gather effect, group, (level,) term, estimate, its error, test and limits of every parameter.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    ranef, coef : RandomEffects
        Effects and coefficients of the levels.
    coefficients : CoefficientTable
        Of the fixed effects.
    chosen : tuple of str
        Kinds of rows, see `check_effects`.
    level : float
        Coverage of the limits.

    Returns
    -------
    dict of columns
        Numbers that do not apply are NaN; group and level are None for fixed effects.
    """
    makers = {
        "fixed": lambda: [_fixed(coefficients)],
        "ran_pars": lambda: [_parameters(varcorr(design, estimate))],
        "ran_vals": lambda: [_levels("ran_vals", e.columns(level)) for e in ranef.values()],
        "ran_coefs": lambda: [_coefficients(e.group, e.levels, e.names, e.values) for e in coef.values()],
    }
    parts = [part for kind in chosen for part in makers[kind]()]
    names = ["effect", "group", "level", "term", *NUMBERS]
    if not {"ran_vals", "ran_coefs"} & set(chosen):
        names.remove("level")
    return {name: _stacked([part[name] for part in parts]) for name in names}


def _stacked(parts: list[object]) -> object:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)  # type: ignore[arg-type]
    return [x for part in parts for x in part]  # type: ignore[attr-defined]


def _part(
    effect: str, group: list[object], labels: list[object], term: list[str], **numbers: np.ndarray
) -> Columns:
    blank = np.full(len(term), np.nan)
    given = {name: np.asarray(numbers.get(name, blank), dtype=float) for name in NUMBERS}
    return {"effect": [effect] * len(term), "group": group, "level": labels, "term": term, **given}


def _fixed(table: CoefficientTable) -> Columns:
    nobody: list[object] = [None] * len(table.terms)
    return _part(
        "fixed", nobody, nobody, list(table.terms), **{name: getattr(table, name) for name in NUMBERS}
    )


def _parameters(table: VarCorr) -> Columns:
    group: list[object] = []
    term, value = [], []
    for t in table.terms:
        k = len(t.names)
        pairs = [(a, b) for b in range(k) for a in range(b + 1, k)]
        term += [f"sd__{name}" for name in t.names] + [f"cor__{t.names[b]}.{t.names[a]}" for a, b in pairs]
        value += [*t.sd.tolist(), *(float(t.corr[a, b]) for a, b in pairs)]
        group += [t.label] * (k + len(pairs))
    term.append("sd__Observation")
    nowhere: list[object] = [None] * len(term)
    return _part("ran_pars", [*group, "Residual"], nowhere, term, estimate=np.array([*value, table.sigma]))


def _levels(effect: str, columns: Columns) -> Columns:
    numbers = {name: columns[name] for name in NUMBERS if name in columns}
    return _part(effect, columns["group"], columns["level"], columns["term"], **numbers)  # type: ignore[arg-type]


def _coefficients(
    group: str, levels: tuple[object, ...], names: tuple[str, ...], values: np.ndarray
) -> Columns:
    labels: list[object] = [str(label) for label in levels]
    terms = [name for name in names for _ in levels]
    return _part("ran_coefs", [group] * len(terms), labels * len(names), terms, estimate=values.T.ravel())


def glance(design: Design, estimate: Estimate) -> Columns:
    """One row about the whole fit, as a dict of one-element lists.

    Columns nobs, df, df_residual, sigma, loglik, aic, bic, criterion (REML criterion or deviance), deviance
    (ML scale), reml, is_singular, converged, evaluations.
    """
    return {
        "nobs": [design.n],
        "df": [criteria.df(design, estimate)],
        "df_residual": [criteria.df_residual(design, estimate)],
        "sigma": [float(estimate.sigma)],
        "loglik": [criteria.loglik(estimate)],
        "aic": [criteria.aic(design, estimate)],
        "bic": [criteria.bic(design, estimate)],
        "criterion": [float(estimate.criterion)],
        "deviance": [criteria.deviance(design, estimate)],
        "reml": [bool(estimate.reml)],
        "is_singular": [bool(estimate.singular)],
        "converged": [bool(estimate.search.converged)],
        "evaluations": [int(estimate.search.evaluations)],
    }


def cooks_distance(design: Design, scaled: np.ndarray, hat: np.ndarray) -> np.ndarray:
    """Return Cook's distances (n,), theta held fixed: r^2 h / (p (1 - h)^2), r the scaled residual.

    As lme4's ``cooks.distance()``; NaN for rows with a hat value of one, which determine an effect alone:
    their residual is zero too, and the quotient of the two would be rounding.
    """
    rest = np.where(1 - hat > FULL, 1 - hat, np.nan)
    return np.asarray(scaled**2 * hat / (max(design.p, 1) * rest**2))


def augment(**columns: np.ndarray | None) -> dict[str, np.ndarray]:
    """Columns that `augment` adds to the rows used, each (n,): dotted names keep clear of the data's own."""
    return {f".{name}": values for name, values in columns.items() if values is not None}


def model_columns(design: Design) -> dict[str, object]:
    """Name response, fixed-effects columns and grouping factors, for a fit without its data frame."""
    out: dict[str, object] = {design.response: design.y}
    out |= {name: design.X[:, j] for j, name in enumerate(design.x_names) if j != design.intercept}
    for g in design.groupings:
        labels = np.empty(len(g.levels), dtype=object)
        labels[:] = [str(level) for level in g.levels]
        out[g.name] = labels[g.codes].tolist()
    return out
