"""Responses drawn from a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.inference.layout import term_slices

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

STREAM = 0x73696D75
"""Sets the draws apart from those of `default_rng` with the same seed."""


def simulate(
    design: Design,
    estimate: Estimate,
    count: int,
    seed: int | np.random.Generator | None,
    chosen: tuple[int, ...] = (),
) -> np.ndarray:
    """Draw responses y = X beta + offset + Z b + e from the fitted model.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    count : int
        How many responses.
    seed : int, numpy Generator or None
        Makes the draws repeatable.
    chosen : tuple of int
        Groupings whose effects are kept at their conditional modes; those of the others are drawn anew.

    Returns
    -------
    (count, n) float64
        One response per row, so that ``for y in ...: fit.refit(y)`` reads naturally.

    Raises
    ------
    OptionError
        If `count` is not a positive integer, or `seed` no seed.

    Notes
    -----
    Cost O(count (n + q)); only the result is held.
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise OptionError(
            f"simulate(n={count!r}): the number of simulated responses must be a positive integer."
        )
    rng = own_stream(seed)
    mean = design.X @ estimate.beta
    if design.offset is not None:
        mean += design.offset
    scale = estimate.sigma if design.weights is None else estimate.sigma / np.sqrt(design.weights)
    out = np.empty((int(count), design.n))
    for row in out:
        rng.standard_normal(out=row)
        row *= scale
        row += mean
        add_effects(design, estimate, rng, chosen, row)
    return out


def own_stream(seed: int | np.random.Generator | None, stream: int = STREAM) -> np.random.Generator:
    """A stream of its own for a whole number.

    Data that somebody made with `default_rng` of the same number must not come back as their own errors.
    """
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return np.random.default_rng([int(seed), stream])
    return generator(seed)


def generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return the source of the draws; an OptionError where the seed is none."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise OptionError(
            f"seed={seed!r}: give a whole number from 0, a numpy Generator, or None for new draws each time."
        ) from None


def add_effects(
    design: Design, estimate: Estimate, rng: np.random.Generator, chosen: tuple[int, ...], row: np.ndarray
) -> None:
    """Add Z b to one response (n,), b drawn from N(0, sigma^2 Lambda Lambda') or kept."""
    for term, cut, block in zip(design.terms, term_slices(design), estimate.lambdas, strict=True):
        grouping = design.groupings[term.grouping]
        if term.grouping in chosen:
            effects = estimate.b[term.grouping][:, cut]
        else:
            effects = estimate.sigma * rng.standard_normal((len(grouping.levels), term.k)) @ block.T
        for j, column in enumerate(term.columns):
            row += column * np.take(effects[:, j], grouping.codes)
