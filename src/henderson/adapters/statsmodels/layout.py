"""Rows sorted into groups, and what every group's random effects multiply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.adapters.statsmodels.parameters import VCSpec
from henderson.errors import DataError

LARGE = 4_000_000
"""Elements of a group's matrix above which it is kept sparse."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Groups of rows.

    Attributes
    ----------
    labels : list, length m
        Distinct groups, sorted.
    codes : (n,) intp
        Group of every row.
    order : (n,) intp
        Rows, group by group, in their own order within each.
    start : (m + 1,) intp
        Rows of group i are ``order[start[i]:start[i + 1]]``.
    """

    labels: list[Any]
    codes: np.ndarray
    order: np.ndarray
    start: np.ndarray

    @property
    def m(self) -> int:
        """Number of groups."""
        return len(self.labels)

    @property
    def sizes(self) -> np.ndarray:
        """(m,) rows of every group."""
        return np.diff(self.start)

    def rows(self, i: int) -> np.ndarray:
        """Rows of group i."""
        return self.order[self.start[i] : self.start[i + 1]]


def group_layout(groups: Any) -> Layout:
    """Sort rows into groups.

    Parameters
    ----------
    groups : (n,) labels
        Numbers or texts; no missing values.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        Missing labels; no rows at all.

    Notes
    -----
    O(n).

    Examples
    --------
    >>> group_layout([3, 1, 3]).codes.tolist()
    [1, 0, 1]
    """
    import pandas as pd

    codes, labels = pd.factorize(np.asarray(groups), sort=True)
    if not len(codes):
        raise DataError("The data have no rows; there is nothing to fit.")
    if (missing := int((codes < 0).sum())) > 0:
        raise DataError(
            f'groups holds {missing} missing labels; remove those rows, or type missing="drop" with formulas.'
        )
    start = np.concatenate([[0], np.cumsum(np.bincount(codes, minlength=len(labels)))])
    order = np.argsort(codes, kind="stable")
    return Layout(list(labels), codes.astype(np.intp), order.astype(np.intp), start.astype(np.intp))


def dense(matrix: Any) -> np.ndarray:
    """Return a matrix of a component as a dense (n_i, d) array of float64."""
    array = matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix, dtype=float)
    return np.asarray(array[:, None] if array.ndim == 1 else array, dtype=float)


def group_matrix(layout: Layout, exog_re: np.ndarray | None, components: VCSpec, i: int) -> Any:
    """Return what the effects of group i multiply, (n_i, K_i): random coefficients, then the components.

    An array, or a sparse array where that would be large.

    Parameters
    ----------
    layout : Layout
        The groups.
    exog_re : (n, k_re) float64 or None
        Columns with random coefficients.
    components : VCSpec
        Variance components.
    i : int
        Which group.
    """
    first = [] if exog_re is None else [exog_re[layout.rows(i)]]
    wide = sum(mats.widths[i] for mats in components.mats if hasattr(mats, "widths"))
    if wide * int(layout.sizes[i]) > LARGE:
        from scipy.sparse import csr_array, hstack

        blocks = [mats.sparse(i) if hasattr(mats, "sparse") else dense(mats[i]) for mats in components.mats]
        return hstack([csr_array(block) for block in [*first, *blocks]], format="csr")
    parts = [*first, *(dense(mats[i]) for mats in components.mats)]
    return np.concatenate(parts, axis=1) if parts else np.zeros((int(layout.sizes[i]), 0))


def filled(product: Any) -> np.ndarray:
    """Return a product of such matrices as an array."""
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product)


def component_widths(components: VCSpec, m: int) -> np.ndarray:
    """(m, k_vc) columns of every component in every group."""
    widths = [
        mats.widths if hasattr(mats, "widths") else [dense(mats[i]).shape[1] for i in range(m)]
        for mats in components.mats
    ]
    return np.array(widths, dtype=int).reshape(len(components.names), m).T
