"""Checks of groups and rows: which lie apart, and which decide the estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.conditional import conditional_covariance
from henderson.inference.diagnosis.record import Check
from henderson.inference.influence.record import Influence

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

RARE = 0.01
"""Chance of a false alarm over all groups, or all rows, of one check."""
DECISIVE = 1.0
"""Cook's distance at which leaving a group out moves the estimates as far as their own uncertainty."""
MOVED, SPREAD = 1.0, 7.0
"""A group that moves a coefficient by more standard errors than the larger of `MOVED` and `SPREAD` /
sqrt(groups - 2) is noted: with 10 to 24 groups of a right model about one page in twenty has one."""
BUDGET = 2e10
"""Floating-point operations worth spending on leaving out every group."""
LEAST = 1e-6
"""Share of a variance that the data must have told of for a direction to count."""
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """Conditional modes of one grouping as independent standard normal numbers, were the model right.

    Attributes
    ----------
    z : (levels, r) float64
        r directions with variance.
    distance : (levels,) float64
        Sums of squares, chi-squared with `df` degrees of freedom.
    df : (levels,) int
        Directions with variance.
    """

    z: np.ndarray
    distance: np.ndarray
    df: np.ndarray


def standardised_modes(estimate: Estimate) -> tuple[Standardised, ...]:
    """Whiten the conditional modes: z_g = Var(b_g hat)^(-1/2) b_g hat.

    Var(b hat) = sigma^2 Lambda Lambda' - condVar.

    Notes
    -----
    One selected inverse, then O(levels K^3). The uncertainty of beta and of theta is left out, which makes
    the numbers a little smaller than standard normal ones.
    """
    out = []
    for b, root, given in zip(
        estimate.b, estimate.grouping_lambdas, conditional_covariance(estimate), strict=True
    ):
        prior = estimate.sigma**2 * (root @ root.T)
        size = np.sqrt(np.where(np.diag(prior) > 0, np.diag(prior), 1.0))
        values, vectors = np.linalg.eigh((prior - given) / np.outer(size, size))
        live = values > LEAST
        along = np.einsum("lkj,lk->lj", vectors, b / size)
        z = np.where(live, along / np.sqrt(np.where(live, values, 1.0)), 0.0)
        out.append(Standardised(z, (z**2).sum(axis=1), live.sum(axis=1)))
    return tuple(out)


def check_modes(design: Design, standardised: tuple[Standardised, ...]) -> list[Check]:
    """Check for groups whose effects are too far out for a normal distribution of effects."""
    out = []
    for grouping, modes in zip(design.groupings, standardised, strict=True):
        if not modes.df.any():
            continue
        p = chance(modes)
        limit = RARE / len(p)
        order = np.argsort(p)
        apart = [grouping.levels[i] for i in order if p[i] < limit]
        first = int(order[0])
        number = f"chance {p[first]:.2g} for one level, there are {len(p)}"
        topic = f"levels of {grouping.name}"
        if not apart:
            finding = f"No level lies apart; the farthest is {grouping.levels[first]} ({number})."
            out.append(Check(topic, "ok", finding, "", float(p[first]), limit))
            continue
        finding = f"{named(apart)} {'lies' if len(apart) == 1 else 'lie'} apart from the others ({number})."
        advice = (
            f"Look at their rows, and at fit.influence({grouping.name!r}) for what they do to the estimates."
        )
        out.append(Check(topic, "look", finding, advice, float(p[first]), limit))
    return out


def chance(modes: Standardised) -> np.ndarray:
    """Chance (levels,) of a level at least so far out.

    The variance was estimated from the same m levels, one far out included, so that the distances have
    (m - 1)^2 / m times a Beta(r/2, (m - r - 1)/2) distribution (Wilks 1963) rather than chi-squared's, which
    would let an outlier hide behind the variance that it makes.
    """
    from scipy.special import betaincc

    m, r = len(modes.distance), modes.df
    second = (m - r - 1) / 2
    usable = (r > 0) & (second > 0)
    share = np.clip(modes.distance * m / (m - 1) ** 2, 0.0, 1.0)
    return np.where(usable, betaincc(np.maximum(r, 1) / 2, np.where(usable, second, 1.0), share), 1.0)


def deletion_cost(estimate: Estimate, levels: int, exact: bool) -> float:
    """Floating-point operations, roughly, of leaving out every level of one grouping."""
    facts = estimate.system.structure() if estimate.system is not None else {"flops": 0.0, "head_entries": 0}
    one = float(facts["flops"]) + 100.0 * (float(facts["head_entries"]) + estimate.cross.q)
    return levels * one * (20 if exact else 3)


def check_influence(record: Influence) -> Check:
    """Check for groups that decide the fixed effects, from leaving each out."""
    topic = f"influence of {record.by}"
    distance = np.nan_to_num(record.cooks_distance, nan=-1.0)
    if record.reasons and all(record.reasons):
        finding = f"Without any one level of {record.by} the model is not determined: {record.reasons[0]}."
        return Check(topic, "note", finding, "", float("nan"), DECISIVE)
    first = int(distance.argmax())
    j = int(np.nan_to_num(np.abs(record.dfbetas[first])).argmax())
    change = float(record.dfbetas[first, j])
    held = "" if record.exact else " (theta held)"
    finding = (
        f"Leaving out {record.levels[first]} changes the fixed effects most: {record.terms[j]} by "
        f"{change:+.2f} standard errors; Cook's distance {distance[first]:.2f}{held}."
    )
    alone = [level for level, reason in zip(record.levels, record.reasons, strict=True) if reason]
    if alone:
        finding += f" Without {named(alone)} the model is not determined."
    if distance[first] > DECISIVE:
        advice = (
            f"Report the estimates with and without it: fit.influence({record.by!r}). Check its "
            f"{int(record.rows[first])} rows; leave it out only for a reason that is not its influence."
        )
        return Check(topic, "look", finding, advice, float(distance[first]), DECISIVE)
    moved = np.nan_to_num(np.abs(record.dfbetas))
    if moved.max(initial=0.0) <= much(len(record.levels)):
        return Check(topic, "ok", finding, "", float(distance[first]), DECISIVE)
    i, k = np.unravel_index(int(moved.argmax()), moved.shape)
    if i != first:
        finding += f" Without {record.levels[i]}, {record.terms[k]} moves by {record.dfbetas[i, k]:+.2f}."
    advice = f"Say how the estimates read without it: fit.influence({record.by!r})."
    return Check(topic, "note", finding, advice, float(distance[first]), DECISIVE)


def much(groups: int) -> float:
    """Standard errors that leaving out one of so many groups seldom moves a coefficient of a right model by.

    One group's share of an estimate falls with their number m, and so does what its absence does, as
    1 / sqrt(m).

    >>> [round(much(m), 2) for m in (6, 18, 100)]
    [3.5, 1.75, 1.0]
    """
    return max(MOVED, SPREAD / math.sqrt(max(groups - 2, 1)))


def too_dear(name: str, levels: int) -> Check:
    """Say that leaving out every level was not tried."""
    finding = f"{name} has {levels} levels: leaving each out would take long here, and was not tried."
    advice = f"For the answer type fit.influence({name!r}, exact=False), or exact=True."
    return Check(f"influence of {name}", "note", finding, advice)


def check_rows(estimate: Estimate, studentised: np.ndarray, labels: np.ndarray) -> Check:
    """Check for rows, called `labels`, too far from their fitted values, by studentised residuals (n,)."""
    from scipy.special import stdtr

    n, nu = len(studentised), estimate.nu
    with np.errstate(divide="ignore", invalid="ignore"):
        t = studentised * np.sqrt((nu - 1) / np.maximum(nu - studentised**2, 1e-300))
    size = np.nan_to_num(np.abs(t), posinf=0.0)
    p = 2 * stdtr(max(nu - 1, 1), -size)
    limit, order = RARE / n, np.argsort(-size)
    apart = [labels[i] for i in order if p[i] < limit]
    first = int(order[0])
    if not apart:
        finding = (
            f"No row lies apart; the farthest is row {labels[first]}, {size[first]:.1f} standard deviations "
            f"from its fitted value (of {n} rows, chance {min(1.0, n * float(p[first])):.2g})."
        )
        return Check("rows", "ok", finding, "", float(size[first]), float("nan"))
    finding = (
        f"{len(apart)} of {n} rows {'lies' if len(apart) == 1 else 'lie'} too far from the fitted values for "
        f"normal errors: {named(apart)}; the farthest by {size[first]:.1f} standard deviations."
    )
    advice = "Check them for mistakes; fit.influence('observation') says what they do to the estimates."
    return Check("rows", "look", finding, advice, float(size[first]), float("nan"))


def named(labels: list[object] | list[int]) -> str:
    """The first five labels, in words."""
    shown = ", ".join(str(label) for label in labels[:MOST_NAMED])
    return shown + (f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else "")
