"""Checks of the structure: singular directions, number of groups, collinearity, scale of covariates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import DesignError
from henderson.inference.design_notes import repeated_terms
from henderson.inference.diagnosis.record import Check
from henderson.inference.layout import term_labels
from henderson.inference.quality.collinearity import variance_inflation
from henderson.inference.singular import singular_notes
from henderson.inference.small_sample.collinear import conditioning

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

FEW_LEVELS = 5
INFLATED = 10**0.5
"""Widening of an interval that counts as much: variance inflation of 10."""
ILL = 1e4
"""Condition number of the columns of X, centred and of unit size, that costs digits of interpretation."""
FAR = 20.0
"""Distance of a covariate from zero, in standard deviations, that makes the intercept an extrapolation."""
UNEQUAL = 1e4
"""Ratio of the standard deviations of two covariates that makes coefficients hard to read."""


def check_structure(design: Design, estimate: Estimate) -> list[Check]:
    """Check singular directions, numbers of levels, collinearity and scales."""
    found = [
        _singular(design, estimate),
        _repeated(design, estimate),
        _levels(design),
        _collinear(design, estimate),
        _scale(design, estimate),
    ]
    return [check for check in found if check is not None]


def _singular(design: Design, estimate: Estimate) -> Check:
    lost = sum(term.k - rank for term, rank in zip(design.terms, estimate.ranks, strict=True))
    roots = [np.linalg.svd(s, compute_uv=False) for s in estimate.standard_lambdas]
    if not estimate.singular:
        sds = np.concatenate(roots)
        finding = (
            "Every covariance matrix of random effects has full rank; the standard deviation in the "
            f"direction with least variance is {sds.min():.2g} sigma."
        )
        return Check("random effects", "ok", finding, "", float(lost), 1.0)
    shares = [
        f"the components of {label} hold {_percents(root)} of its variance"
        for label, root, rank in zip(term_labels(design), roots, estimate.ranks, strict=True)
        if 0 < rank < len(root)
    ]
    finding = "Singular: " + "; ".join([*singular_notes(design, estimate), *shares]) + "."
    return Check("random effects", "note", finding, _simpler(design, estimate), float(lost), 1.0)


def _repeated(design: Design, estimate: Estimate) -> Check | None:
    what, _, advice = repeated_terms(design, estimate.cross).rpartition(". ")
    return Check("random terms", "look", f"{what}.", advice) if what else None


def _percents(sd: np.ndarray) -> str:
    shares = 100 * sd**2 / (sd**2).sum()
    return ", ".join(f"{share:.0f}" for share in shares) + " %"


def _simpler(design: Design, estimate: Estimate) -> str:
    """What to type to leave out what has no variance."""
    text = "The fit is right as it is: these directions count as zero. "
    for label, term, root, rank in zip(
        term_labels(design), design.terms, estimate.lambdas, estimate.ranks, strict=True
    ):
        if rank == term.k:
            continue
        if rank == 0:
            return text + f"For a simpler model leave out the term of {label}; the rest stays the same."
        zero = [n for n, r in zip(term.names, root, strict=True) if not np.abs(r).max() > 1e-8]
        if zero and zero != ["(Intercept)"]:
            return text + f"For a simpler model leave {', '.join(zero)} out of the term of {label}."
        return text + (
            f"For a simpler model leave correlations out of the term of {label}, (... || {label}), or its "
            "smallest slope, and compare with fit.compare()."
        )
    return text


def _levels(design: Design) -> Check:
    counts = {g.name: len(g.levels) for g in design.groupings}
    least = min(counts, key=lambda name: counts[name])
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    if counts[least] >= FEW_LEVELS:
        return Check("groups", "ok", f"Levels: {listed}.", "", float(counts[least]), FEW_LEVELS)
    return Check(
        "groups",
        "note",
        f"{least} has {counts[least]} levels: a variance from so few is hardly known (levels: {listed}).",
        'Rely on summary(ddf="kenward-roger") and profile intervals, or make it a fixed effect.',
        float(counts[least]),
        FEW_LEVELS,
    )


def _collinear(design: Design, estimate: Estimate) -> Check | None:
    if design.dropped:
        gone = ", ".join(design.dropped[:5]) + (", ..." if len(design.dropped) > 5 else "")
        return Check(
            "collinearity",
            "note",
            f"Left out as combinations of other columns: {gone}.",
            "Leave them out of the formula as well, so that the coefficients mean what they say.",
            float(len(design.dropped)),
            0.0,
        )
    try:
        table = variance_inflation(design, estimate)
    except DesignError:
        return None
    worst, value = int(table.scaled.argmax()), float(table.scaled.max())
    kappa, _ = conditioning(estimate.cross)
    finding = (
        f"Collinearity widens the interval of {table.terms[worst]} most, {value:.2f}-fold; condition number "
        f"of the centred columns {kappa:.3g}."
    )
    if value < INFLATED and kappa < ILL:
        return Check("collinearity", "ok", finding, "", value, INFLATED)
    advice = (
        "See fit.vif(). Centre covariates that stand in interactions or powers; of variables that say the "
        "same, keep one. Predictions and comparisons of models are not harmed."
    )
    return Check("collinearity", "look", finding, advice, value, INFLATED)


def _scale(design: Design, estimate: Estimate) -> Check | None:
    """Covariates far from zero, or of very unequal spread; columns of zeros and ones are left out."""
    cross = estimate.cross
    wide = [j for j in range(design.p) if j != design.intercept and not _indicator(design.X[:, j])]
    if not wide:
        return None
    sd, names = 1 / cross.x_scale[wide], [design.x_names[j] for j in wide]
    away = np.abs(cross.x_centre[wide]) / sd
    far, ratio = int(away.argmax()), float(sd.max() / sd.min())
    if away[far] > FAR:
        return Check(
            "scale",
            "note",
            f"{names[far]} lies {away[far]:.0f} standard deviations from zero: the intercept, and its "
            "correlation with random slopes, is an extrapolation. The search is not harmed.",
            f"Subtract its mean, or a value of interest, to make the intercept mean something: "
            f"I({names[far]} - {cross.x_centre[wide][far]:.4g}).",
            float(away[far]),
            FAR,
        )
    if ratio > UNEQUAL:
        finding = (
            f"{names[int(sd.argmax())]} spreads {ratio:.1g} times as far as {names[int(sd.argmin())]}: "
            "coefficients of very unequal size. The search is not harmed."
        )
        return Check("scale", "note", finding, "Choose other units to make them readable.", ratio, UNEQUAL)
    finding = f"Standard deviations of covariates are within a factor of {ratio:.3g}" if len(wide) > 1 else ""
    if design.intercept is not None:
        distance = round(float(away[far]), 3)
        finding += f"{'; ' if finding else ''}{names[far]} lies {distance:.2g} standard deviations from zero"
    return Check("scale", "ok", f"{finding or 'One covariate, no intercept'}.", "", float(away[far]), FAR)


def _indicator(column: np.ndarray) -> bool:
    return bool(np.isin(column, (0.0, 1.0, -1.0)).all())
