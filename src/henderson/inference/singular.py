"""Singular fits said in words: which term lost a direction, and which direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.layout import term_labels, term_slices
from henderson.inference.varcorr import correlation_of

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

TOLERANCE = 1e-4


def rank(design: Design, estimate: Estimate) -> dict[str, int]:
    """Rank of the covariance matrix of every term, by the term's label."""
    return {label: int(r) for label, r in zip(term_labels(design), estimate.ranks, strict=True)}


def singular_notes(design: Design, estimate: Estimate) -> tuple[str, ...]:
    """One short sentence per term whose covariance matrix has lost rank; empty for an ordinary fit."""
    if not estimate.singular:
        return ()
    notes = []
    parts = zip(term_labels(design), design.terms, term_slices(design), estimate.lambdas, strict=True)
    for label, term, cut, block in parts:
        notes += describe(label, term.names, block, estimate.cross.z_transform[term.grouping][cut, cut])
    return tuple(notes)


def describe(label: str, names: tuple[str, ...], block: np.ndarray, transform: np.ndarray) -> list[str]:
    """Say what is lost in one term.

    Parameters
    ----------
    label, names : str, tuple of str of length k
        The term and its columns.
    block : (k, k) float64
        Its relative covariance factor.
    transform : (k, k) float64
        The term's columns times this have unit size, and mean zero where there is an intercept: what counts
        as no variance must depend neither on the units nor on the origin of a covariate.
    """
    sd = np.sqrt((block**2).sum(axis=1))
    zero = sd < TOLERANCE * np.diag(transform)
    if zero.all():
        what = "no variance" if len(names) == 1 else "no variance in any direction"
        return [f"{label} has {what} (standard deviation 0)"]
    notes = [f"{name} has no variance between {label} (standard deviation 0)" for name in _pick(names, zero)]
    live = ~zero
    values, vectors = np.linalg.eigh(correlation_of(_covariance(block, transform)[np.ix_(live, live)]))
    lost, kept = int((values < TOLERANCE).sum()), _pick(names, live)
    if lost and len(kept) == 2:
        sign = np.sign((block @ block.T)[np.ix_(live, live)][0, 1])
        notes.append(f"{kept[0]} and {kept[1]} are perfectly correlated between {label} ({sign:+.0f})")
    elif lost:
        along = f"; no variance along {_direction(vectors, kept)}" if lost == 1 else ""
        notes.append(f"{label} has rank {len(kept) - lost} of {len(names)}{along}")
    return notes


def _covariance(block: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Covariance (k, k) of the effects of the columns of unit size."""
    inner = np.linalg.solve(transform, block)
    return np.asarray(inner @ inner.T)


def _pick(names: tuple[str, ...], mask: np.ndarray) -> list[str]:
    return [name for name, keep in zip(names, mask, strict=True) if keep]


def _direction(vectors: np.ndarray, names: list[str]) -> str:
    """Spell the eigenvector of the smallest eigenvalue, in standard deviations of the columns."""
    v = vectors[:, 0]
    v = v * np.sign(v[np.argmax(np.abs(v))])
    order = [int(j) for j in np.argsort(-np.abs(v), kind="stable") if abs(v[j]) >= 0.05][:4]
    text = " ".join(f"{'-' if v[j] < 0 else '+'} {abs(v[j]):.2f} {names[j]}" for j in order)
    return text.removeprefix("+ ") + (" and others" if np.sum(np.abs(v) >= 0.05) > 4 else "")
