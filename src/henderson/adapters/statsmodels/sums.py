"""Sums of products within groups: all that the likelihood needs of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.adapters.statsmodels.layout import Layout, component_widths, filled, group_matrix
from henderson.adapters.statsmodels.parameters import VCSpec


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Groups whose random effects are laid out alike.

    Attributes
    ----------
    groups : (b,) int
        Which groups.
    component : (K,) int
        Variance component of every effect; -1 for random coefficients, which come first.
    A : (b, K, K) float64
        Z'Z.
    B : (b, K, p) float64
        Z'X.
    c : (b, K) float64
        Z'(y - X beta0).
    """

    groups: np.ndarray
    component: np.ndarray
    A: np.ndarray
    B: np.ndarray
    c: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Sums of products of one model.

    Attributes
    ----------
    n, p, k_re, k_vc : int
        Rows, fixed effects, random coefficients, variance components.
    beta0 : (p,) float64
        Least-squares coefficients: the response enters less X beta0, so that nothing cancels.
    xx : (p, p) float64
        X'X.
    xy : (p,) float64
        X'(y - X beta0).
    yy : float
        |y - X beta0|^2.
    bundles : tuple of Bundle
    """

    n: int
    p: int
    k_re: int
    k_vc: int
    beta0: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: float
    bundles: tuple[Bundle, ...]


def group_sums(
    y: np.ndarray, X: np.ndarray, exog_re: np.ndarray | None, components: VCSpec, layout: Layout
) -> GroupSums:
    """Form the sums of products of every group.

    Parameters
    ----------
    y : (n,) float64
        Response.
    X : (n, p) float64
        Fixed effects.
    exog_re : (n, k_re) float64 or None
        Columns with random coefficients.
    components : VCSpec
        Variance components.
    layout : Layout
        Groups.

    Notes
    -----
    O(sum over groups of n_i K_i (K_i + p)).
    """
    beta0 = np.linalg.lstsq(X, y, rcond=None)[0]
    rest = y - X @ beta0
    widths = component_widths(components, layout.m)
    k_re = 0 if exog_re is None else exog_re.shape[1]
    kinds, which = np.unique(widths, axis=0, return_inverse=True)
    bundles = []
    for kind, counts in enumerate(kinds):
        groups = np.flatnonzero(which.reshape(-1) == kind)
        component = np.repeat(np.arange(-1, len(counts)), [k_re, *counts])
        A, B, c = [], [], []
        for i in groups:
            Z, at = group_matrix(layout, exog_re, components, int(i)), layout.rows(int(i))
            A.append(filled(Z.T @ Z))
            B.append(Z.T @ X[at])
            c.append(Z.T @ rest[at])
        bundles.append(Bundle(groups, component, np.array(A), np.array(B), np.array(c)))
    yy = float(rest @ rest)
    return GroupSums(
        len(y), X.shape[1], k_re, len(components.names), beta0, X.T @ X, X.T @ rest, yy, tuple(bundles)
    )
