"""Whether the data tell the variance parameters apart that a covariance depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.small_sample.collinear import collinear_columns

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

SPANNED = 1e-9
"""Share of a level's sum of squares below which nothing of it is left beside the fixed effects."""
MATTERS = 1e-4
"""Change of a variance, as a share of it, from which a direction without information matters."""


def spanned_terms(estimate: Estimate) -> tuple[int, ...]:
    """Return the random terms of which some column lies, level by level, in the span of the fixed effects.

    Z'W Z - Z'W X (X'W X)^-1 X'W Z = 0 on its diagonal: the group means are all used up by the fixed effects,
    and nothing is left to estimate the variance from.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    tuple of int
        Places among the terms.

    Notes
    -----
    O(p^3), and only for groupings with no more levels than there are fixed effects.
    """
    cross, out, at = estimate.cross, [], np.cumsum([0, *_rows(estimate)])
    for t, block in enumerate(estimate.blocks):
        f, own = block.grouping, slice(block.first, block.first + block.k)
        if cross.levels[f] > cross.p:
            continue
        zx = cross.zx[at[f] : at[f + 1], : cross.p].reshape(cross.levels[f], cross.columns[f], cross.p)[
            :, own
        ]
        total = np.einsum("gaa->ga", cross.zz[f][:, own, own])
        used = np.einsum(
            "gap,pq,gaq->ga", zx, np.linalg.inv(cross.xx[: cross.p, : cross.p]), zx, optimize=True
        )
        if np.any((total - used).max(axis=0) < SPANNED * total.max(axis=0)):
            out.append(t)
    return tuple(out)


def hopeless(estimate: Estimate) -> bool:
    """Whether the variances cannot be told apart whatever the response.

    What is left of the rows beside the fixed effects, n - p contrasts, has (n - p)(n - p + 1) / 2 products.
    """
    left = estimate.cross.n - estimate.cross.p
    return left * (left + 1) // 2 < len(estimate.theta) + 1 or bool(spanned_terms(estimate))


def _rows(estimate: Estimate) -> list[int]:
    cross = estimate.cross
    return [levels * k for levels, k in zip(cross.levels, cross.columns, strict=True)]


def blind(directions: np.ndarray, gradient: np.ndarray, plain: np.ndarray) -> bool:
    """Whether a covariance changes along directions that the data have no information about.

    Parameters
    ----------
    directions : (m, d) float64
        In the variance parameters, each of a size that matters to the fit.
    gradient : (m, p, p) float64
        Derivative of the covariance by each parameter.
    plain : (p, p) float64
        The covariance.
    """
    if directions.shape[1] == 0 or len(plain) == 0:
        return False
    change = np.einsum("md,maa->da", directions, gradient)
    return bool((np.abs(change) > MATTERS * np.diag(plain)).any())


def reason(design: Design, estimate: Estimate) -> str:
    """Say why there are no degrees of freedom."""
    terms = spanned_terms(estimate)
    if terms:
        names = dict.fromkeys(design.groupings[design.terms[t].grouping].name for t in terms)
        return (
            "There are no degrees of freedom: the fixed effects use up the differences between the levels "
            f"of {' and '.join(names)}, so that nothing is left to estimate its variance from. Leave out the "
            "fixed effect or the random term."
        )
    if not hopeless(estimate):
        close = collinear_columns(design, estimate.cross)
        return f"There are no degrees of freedom: {close}" if close else _silent(design, estimate)
    left, count = design.n - design.p, len(estimate.theta) + 1
    what = f"{left} residual degree{'' if left == 1 else 's'} of freedom"
    return (
        f"There are no degrees of freedom: {what} cannot tell {count} variance parameters apart. Simplify "
        "the model, or type ddf='residual'."
    )


def _silent(design: Design, estimate: Estimate) -> str:
    """Say that there are rows enough, but that the likelihood has no positive curvature where it was left."""
    zero = [not lam.any() for lam in estimate.lambdas]
    names = dict.fromkeys(
        design.groupings[term.grouping].name for term, none in zip(design.terms, zero, strict=True) if none
    )
    where = "the estimates of the variance parameters"
    if names:
        where = f"the variance of {' and '.join(names)}, estimated as zero"
    return (
        f"There are no degrees of freedom: the observed information is not positive at {where}. Type "
        "information='expected' with ddf='kenward-roger', or ddf='residual'."
    )
