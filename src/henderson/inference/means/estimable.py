"""What the data can tell: combinations of coefficients that do not touch the dropped directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.gathered import GatheredDesign

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.design.spec import DesignSpec

TOLERANCE = 1e-7
"""Relative to what the columns of the null basis are scaled by: R's tolerance of aliased columns."""


def null_basis(design: Design, full: Callable[[], np.ndarray]) -> np.ndarray:
    """Return a basis of the coefficients that change no fitted value.

    X N = 0 for the full model matrix X; a combination L beta can be estimated if and only if L N = 0.

    Parameters
    ----------
    design : Design
        Its dropped columns are combinations of the kept ones.
    full : callable
        Returns the full model matrix (n, P); asked only if columns were dropped.

    Returns
    -------
    (P, d) float64
        One column per dropped column, scaled so that a row of X that did not cancel would give products of
        order one whatever the units; d = 0 where nothing was dropped.

    Notes
    -----
    O(n p^2) where columns were dropped: products of columns of length one, and a second pass on what is left.
    """
    P = len(design.all_x_names)
    if not design.dropped:
        return np.zeros((P, 0))
    assert design.spec is not None
    if isinstance(design, GatheredDesign):
        return _by_aliases(design.spec)
    X, kept = full(), list(design.spec.kept)
    dropped = [j for j in range(P) if j not in set(kept)]
    scale = np.sqrt(np.einsum("ij,ij->j", X, X))
    scale[scale == 0] = 1.0
    Z, D = X[:, kept] / scale[kept], X[:, dropped] / scale[dropped]
    products = Z.T @ Z
    share = np.linalg.solve(products, Z.T @ D)
    share += np.linalg.solve(products, Z.T @ (D - Z @ share))
    share[np.abs(share) < TOLERANCE] = 0.0  # columns that have no part in it, whatever their units
    basis = np.zeros((P, len(dropped)))
    basis[kept] = -share * scale[dropped] / scale[kept][:, None]
    basis[dropped, np.arange(len(dropped))] = 1.0
    largest = np.maximum(X.max(axis=0), -X.min(axis=0))
    largest[largest == 0] = 1.0
    return np.asarray(basis / (largest @ np.abs(basis)))


def _by_aliases(spec: DesignSpec) -> np.ndarray:
    """The same where the rows stayed elsewhere: from the weights of the kept columns in the dropped ones."""
    P, kept = len(spec.all_x_names), list(spec.kept)
    dropped = [j for j in range(P) if j not in set(kept)]
    basis = np.zeros((P, len(dropped)))
    basis[kept] = -np.array(spec.aliases, dtype=np.float64).T
    basis[dropped, np.arange(len(dropped))] = 1.0
    return np.asarray(basis / np.abs(basis).max(axis=0))


def estimable(L: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return for every combination L (m, P) whether it can be estimated, (m,) bool.

    >>> estimable(np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[1.0], [-1.0]]) / 2)
    array([ True, False])
    """
    if null.shape[1] == 0:
        return np.ones(len(L), dtype=bool)
    return np.asarray(np.abs(L @ null).max(axis=1) <= TOLERANCE)


def estimable_part(L: np.ndarray, null: np.ndarray) -> np.ndarray:
    """Return a basis of those combinations of the rows of L (m, P) that can be estimated, (e, P), e <= m."""
    if null.shape[1] == 0 or len(L) == 0:
        return L
    left, values, _ = np.linalg.svd(L @ null)
    lost = int((values > TOLERANCE).sum())
    return left[:, lost:].T @ L if lost else L
