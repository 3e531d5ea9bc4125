"""What is tested of a term: hypotheses of types I, II and III as SAS and lmerTest, and car's."""

from __future__ import annotations

import numpy as np

from henderson.design.assign import FixedTerm, fixed_terms
from henderson.design.gathered import x_triangle
from henderson.design.record import Design
from henderson.inference.hypotheses.coding import cell_coding, contains

ZERO = 1e-9
ALIASED = 1e-7
"""Share of a column beside the others that counts as nothing: that from which columns are left out."""

Contrasts = dict[str, np.ndarray]
"""Name of a term to its hypothesis (r, p)."""


def sequential(design: Design) -> Contrasts:
    """Type I: every term given those before it.

    The rows of the term in R of X = QR, with a unit diagonal; X by rows without weights, as lmerTest.

    Parameters
    ----------
    design : Design

    Returns
    -------
    dict of str to (r, p) float64

    Notes
    -----
    O(n p^2).

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> sequential(fit.design)["(Intercept)"].round(3)
    array([[1.   , 0.333, 0.333]])
    """
    R = x_triangle(design)
    R = R / R.diagonal()[:, None]
    return {term.name: R[term.columns] for term in fixed_terms(design)}


def hierarchical(design: Design) -> Contrasts:
    """Type II: every term given all those that do not contain it.

    With X_1 the columns of the terms that do not contain the term, X_2 its own, one for every cell: the
    estimable functions X_2' M_1 X, M_1 = I - X_1 (X_1'X_1)^- X_1' (SAS). With all columns kept these are
    lmerTest's; where columns were left out, they do not depend on which, nor on the order of the terms.

    Parameters
    ----------
    design : Design

    Returns
    -------
    dict of str to (r, p) float64

    Notes
    -----
    O(n p^2), and O(P^3) for each term, P the number of cells of all terms.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> np.abs(hierarchical(fit.design)["Machine"] @ [1, 0, 0]).round(12)  # free of the constant
    array([0., 0.])
    """
    coding, R, out = cell_coding(design), x_triangle(design), {}
    cells = R @ coding.Q
    for e, term in enumerate(coding.terms):
        others = [
            cells[:, columns]
            for j, (t, columns) in enumerate(zip(coding.terms, coding.columns, strict=True))
            if j != e and not contains(t, term) and len(t.columns)  # without columns it is only a name
        ]
        before = _orthonormal(np.hstack([np.zeros((design.p, 0)), *others]))
        own = cells[:, coding.columns[e]] if len(term.columns) else np.zeros((design.p, 0))
        found, kept = _beside(before, own), R[:, term.columns]
        if found.shape[1] == kept.shape[1] == _beside(before, kept).shape[1]:
            rows = np.linalg.qr(kept - before @ (before.T @ kept))[0].T @ R
            inner = any(contains(t, term) for t in coding.terms)
            out[term.name] = _as_lmertest(rows, rows[:, term.columns], inner)
        else:
            out[term.name] = np.linalg.qr(R.T @ found)[0].T
    return out


def _as_lmertest(rows: np.ndarray, own: np.ndarray, inner: bool) -> np.ndarray:
    """The same hypothesis in lmerTest's rows, on which its degrees of freedom depend a little.

    A unit triangle in the term's own columns where others contain it, and else the identity.
    """
    return rows / own.diagonal()[:, None] if inner else np.linalg.solve(own, rows)


def _beside(before: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Orthonormal basis (p, r) of what columns add to the span of `before`."""
    rest = own - before @ (before.T @ own)
    rest -= before @ (before.T @ rest)  # once more: the first pass is exact only relative to the columns
    return _orthonormal(rest, own)


def _orthonormal(columns: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Basis (p, r) of the span of columns of length one, or of length one in `scale`."""
    size = np.linalg.norm(columns if scale is None else scale, axis=0)
    left, values, _ = np.linalg.svd(columns / np.where(size > 0, size, 1.0), full_matrices=False)
    return np.asarray(left[:, values > ALIASED * np.sqrt(max(1, columns.shape[1]))])


def marginal_means(design: Design) -> Contrasts:
    """Type III: every term averaged over the levels of those that contain it, whatever the coding.

    In the coefficients of indicators of all cells: zero for terms that neither are the term nor contain it,
    and orthogonal to the hypotheses about terms that contain it (SAS's definition).

    Parameters
    ----------
    design : Design

    Returns
    -------
    dict of str to (r, p) float64

    Notes
    -----
    O(P^3) for each term, P the number of cells of all terms; free of the rows.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> marginal_means(fit.design)["Machine"].round(12) + 0.0
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """
    coding, out = cell_coding(design), {}
    for e, term in enumerate(coding.terms):
        outer = [contains(t, term) for t in coding.terms]
        there = [len(t.columns) > 0 and j != e for j, t in enumerate(coding.terms)]  # the others: only a name
        apart = [c for j, c in enumerate(coding.columns) if there[j] and not outer[j]]
        free = left_null(np.hstack([np.zeros((design.p, 0)), *(coding.Q[:, c] for c in apart)]))
        if any(outer):
            shown = free @ coding.Q
            about_outer = left_null(shown[:, coding.columns[e]]) @ shown
            free = left_null(shown @ about_outer.T) @ free
        out[term.name] = as_differences(free, (free @ coding.Q)[:, coding.columns[e]], coding.differences[e])
    return out


def as_differences(L: np.ndarray, shown: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the same hypothesis written as differences to the first level, where it can be.

    Parameters
    ----------
    L : (r, p) float64
        Any basis of the hypothesis.
    shown : (r, c) float64
        Its weights on the cells of the term.
    wanted : (m, c) float64
        Differences to the first level.
    """
    if len(wanted) != len(L) or not len(L):
        return L
    turn = np.linalg.lstsq(shown.T, wanted.T, rcond=None)[0].T
    return turn @ L if np.abs(turn @ shown - wanted).max() < ZERO * max(1.0, np.abs(turn).max()) else L


def left_null(matrix: np.ndarray) -> np.ndarray:
    """(r, p) orthonormal rows L with L A = 0, for A (p, m)."""
    left, values, _ = np.linalg.svd(matrix, full_matrices=True)
    rank = int((values > ZERO * max(values.max(initial=0.0), 1e-300)).sum())
    return np.asarray(left[:, rank:].T)


def own_coding(design: Design) -> Contrasts:
    """Type III of car: the coefficients of the term are zero, in the coding that the model has."""
    eye = np.eye(design.p)
    return {term.name: eye[term.columns] for term in fixed_terms(design)}


def by_names(design: Design, vcov: np.ndarray) -> Contrasts:
    """Type II of car: every term given those that do not name all its variables, in the metric of `vcov`.

    Parameters
    ----------
    design : Design
    vcov : (p, p) float64
        Covariance of the fixed effects.

    Returns
    -------
    dict of str to (r, p) float64
    """
    terms, eye, out = fixed_terms(design), np.eye(design.p), {}
    for term in terms:
        inner = eye[_columns([t for t in terms if _wider(t, term)])]
        L = eye[term.columns]
        if len(inner):
            L = L - L @ vcov @ inner.T @ np.linalg.solve(inner @ vcov @ inner.T, inner)
        out[term.name] = L
    return out


def _wider(outer: FixedTerm, inner: FixedTerm) -> bool:
    return set(inner.variables) < set(outer.variables)


def _columns(terms: list[FixedTerm]) -> np.ndarray:
    return np.concatenate([np.zeros(0, int), *(t.columns for t in terms)]).astype(int)
