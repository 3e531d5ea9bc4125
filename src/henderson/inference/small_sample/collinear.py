"""How many digits collinear columns leave to the fixed effects: X'X holds them twice as badly as X."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.design.assign import FixedTerm, fixed_terms

if TYPE_CHECKING:
    from henderson.crossprod.record import CrossProducts
    from henderson.design.record import Design

FEW = 6
"""Digits of the fixed effects below which it is said."""
APART = 1e-3
"""Share of every column that the others leave unexplained, above which no eigenvalues are computed."""
TAKES_PART = 0.05
"""Weight, of the largest, from which a column belongs to the combination that is nearly zero."""
SAME = "the same model, in full precision"
FAR = 20.0
"""Distance of a covariate from zero, in standard deviations, from which centring is the cure."""


def conditioning(cross: CrossProducts) -> tuple[float, np.ndarray]:
    """Return the condition number of X, and the combination of its columns that is nearly zero.

    Parameters
    ----------
    cross : CrossProducts
        Of columns of unit size, centred where there is an intercept; the intercept is left out.

    Returns
    -------
    float
        Ratio of the largest to the smallest singular value.
    (p,) float64
        Absolute weights of the columns in the direction of the smallest, 0 for the intercept.

    Notes
    -----
    O(p^3), free of the rows.
    """
    weights = np.zeros(cross.p)
    live = [j for j in range(cross.p) if j != cross.intercept]
    if len(live) < 2:
        return 1.0, weights
    values, vectors = np.linalg.eigh(_correlations(cross, live))
    weights[live] = np.abs(vectors[:, 0])
    return float(np.sqrt(values[-1] / max(values[0], np.finfo(float).tiny))), weights


def _correlations(cross: CrossProducts, live: list[int]) -> np.ndarray:
    part = cross.in_columns().xx[np.ix_(live, live)]
    size = np.sqrt(np.diag(part))
    return np.asarray(part / np.outer(size, size))


def digits(condition: float) -> float:
    """Return how many digits are left: the products lose those of the condition number twice.

    >>> round(digits(1e5), 1)
    5.1
    """
    return float(-np.log10(4 * np.finfo(float).eps) - 2 * np.log10(max(condition, 1.0)))


def collinear_columns(design: Design, cross: CrossProducts) -> str:
    """Say which columns leave few digits to the fixed effects, and what to type; empty mostly.

    Parameters
    ----------
    design : Design
    cross : CrossProducts

    Returns
    -------
    str

    Notes
    -----
    O(p^3), mostly a single Cholesky factorisation.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + I(Days^2) + (1 | Subject)", hd.datasets.load("sleepstudy"))
    >>> collinear_columns(fit.design, fit.estimate.cross)
    ''
    """
    if cross.basis is not None or _plainly_apart(cross):  # a basis loses digits once
        return ""
    condition, weights = conditioning(cross)
    left = digits(condition)
    if left >= FEW:
        return ""
    involved = np.flatnonzero(weights > TAKES_PART * weights.max())
    names = [design.x_names[j] for j in involved]
    count = max(0, int(left))
    kept = f"about {count} reliable digit{'' if count == 1 else 's'}" if count else "no reliable digit"
    return (
        f"{_listed(names)} are almost a combination of one another (condition number {condition:.1e}): their "
        f"coefficients, and what is tested of them, have {kept}. {_cure(design, cross, involved)}"
    )


def _plainly_apart(cross: CrossProducts) -> bool:
    live = [j for j in range(cross.p) if j != cross.intercept]
    if len(live) < 2:
        return True
    try:
        left = np.linalg.cholesky(_correlations(cross, live)).diagonal()
    except np.linalg.LinAlgError:
        return False
    return bool(left.min() > APART)


def _listed(names: list[str], most: int = 4) -> str:
    more = len(names) - most
    shown = names[:most] if more <= 0 else [*names[:most], f"{more} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _cure(design: Design, cross: CrossProducts, involved: np.ndarray) -> str:
    """What to type: centre what lies far from zero; else scale what is multiplied; else keep one."""
    own = {t.name: int(t.columns[0]) for t in fixed_terms(design) if len(t.columns) == 1}
    terms = [t for t in fixed_terms(design) if np.isin(t.columns, involved).any()]
    numbers = list(dict.fromkeys(v for t in terms for v in _numeric(t)))
    for name in numbers:
        j = own.get(name)
        if j is not None and abs(cross.x_centre[j]) * cross.x_scale[j] > FAR:
            mean = float(f"{cross.x_centre[j]:.4g}")
            shifted = f"{name} - {mean:.10g}" if mean > 0 else f"{name} + {-mean:.10g}"
            return f"Type I({shifted}) for {name} wherever the formula has it: {SAME}."
    if numbers and any(len(t.variables) > 1 for t in terms):
        some = _listed([f"scale({name})" for name in numbers])
        return f"Type {some} for what is multiplied: {SAME}."
    return "Of columns that say the same keep one."


def _numeric(term: FixedTerm) -> list[str]:
    return [v for v in term.variables if v not in term.factors]
