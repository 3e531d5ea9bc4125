"""Z'V^-1 Z with the largest grouping factor eliminated: what is left is dense, and of the size of the others.

Levels of one factor never meet in a row, so that V_0 = W^-1 + Z_0 Sigma_0 Z_0' of the largest factor alone is
block diagonal. With all others (columns Z_2, relative covariance Sigma_2, q2 columns)

    D = Z_0'V_0^-1 Z_0   (levels, K, K)       R = Z_0'V_0^-1 Z_2   as sparse as Z_0'W Z_2
    B = Z_2'V_0^-1 Z_2   (q2, q2)             M = Lambda_2 (I + Lambda_2'B Lambda_2)^-1 Lambda_2'

and the blocks of N = Z'V^-1 Z are D - R M R', R (I - M B) and B - B M B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import FitError

if TYPE_CHECKING:
    from henderson.inference.small_sample.components import Piece

MOST_DENSE = 6000
"""Columns of all but the largest grouping factor up to which dense matrices of them are formed."""
DENSE_SHARE = 0.1
"""Share of non-zero entries of R from which dense products are faster."""
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """K matrices (levels, q2) with one sparsity pattern, by compressed rows.

    Attributes
    ----------
    start : (levels + 1,) int64
        Entries of level g are ``start[g]`` to ``start[g + 1]``.
    column : (entries,) int64
    data : (entries, K) float64
    width : int
        q2.
    """

    start: np.ndarray
    column: np.ndarray
    data: np.ndarray
    width: int

    @property
    def row(self) -> np.ndarray:
        """(entries,) level of every entry."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @property
    def dense(self) -> bool:
        """Whether dense products are faster."""
        return len(self.column) > DENSE_SHARE * (len(self.start) - 1) * self.width

    def gram(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(q2, q2) L'R for two matrices of this pattern, given by their entries (entries,)."""
        from scipy.sparse import csr_array

        shape = (len(self.start) - 1, self.width)
        L, R = (csr_array((x, self.column, self.start), shape=shape) for x in (left, right))
        if not self.dense:
            return np.asarray((L.T @ R).toarray())
        out = np.zeros((self.width, self.width))
        for first in range(0, shape[0], _ROWS_AT_ONCE):
            some = slice(first, first + _ROWS_AT_ONCE)
            out += L[some].toarray().T @ R[some].toarray()
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Eliminated:
    """The parts of Z'V^-1 Z, on the centred and scaled columns.

    Attributes
    ----------
    largest : int
        The grouping that was eliminated.
    others : tuple of int
        The other groupings, in the order of their columns.
    D : (levels, K, K) float64
    R : Rows
        K matrices (levels, q2).
    B, M, G : (q2, q2) float64
        B and M as above, G = I - M B.
    """

    largest: int
    others: tuple[int, ...]
    D: np.ndarray
    R: Rows
    B: np.ndarray
    M: np.ndarray
    G: np.ndarray


def eliminate(cross: Piece, lambdas: tuple[np.ndarray, ...]) -> Eliminated:
    """Eliminate the grouping with most columns.

    Parameters
    ----------
    cross : Piece
        Z'WZ, or a part of it that meets no other.
    lambdas : tuple of (K, K) float64
        Factor of one level of every grouping.

    Returns
    -------
    Eliminated

    Raises
    ------
    FitError
        The other groupings have more columns than dense matrices are made for.

    Notes
    -----
    O(q2^3) and O(sum of squared numbers of partners of the levels); memory a few (q2, q2).
    """
    sizes = [levels * k for levels, k in zip(cross.levels, cross.columns, strict=True)]
    largest = int(np.argmax(sizes))
    others = tuple(f for f in range(len(sizes)) if f != largest)
    check_size(cross, largest, sum(sizes) - sizes[largest])
    A, K = cross.zz[largest], cross.columns[largest]
    lam = lambdas[largest]
    inner = np.linalg.inv(np.eye(K) + A @ (lam @ lam.T))  # (I + A Sigma)^-1 of every level
    Z = _partners(cross, largest, others)
    R = Rows(Z.start, Z.column, np.einsum("eab,eb->ea", inner[Z.row], Z.data), Z.width)
    D = inner @ A
    B = _between(cross, others)
    if Z.width:
        weighted = np.einsum("ab,eb->ea", lam @ lam.T, R.data)
        for a in range(K):
            B -= Z.gram(Z.data[:, a], weighted[:, a])
    B = (B + B.T) / 2
    M = _inner_inverse(cross, others, lambdas, B)
    return Eliminated(largest, others, (D + D.transpose(0, 2, 1)) / 2, R, B, M, np.eye(len(B)) - M @ B)


def check_size(cross: Piece, largest: int, width: int) -> None:
    """Refuse what would need dense matrices beyond the memory of an ordinary machine."""
    if width <= MOST_DENSE:
        return
    sizes = ", ".join(f"{levels * k}" for levels, k in zip(cross.levels, cross.columns, strict=True))
    raise FitError(
        f"Kenward-Roger needs dense matrices of all grouping factors but the largest, as far as their levels "
        f"meet: {width} columns here (by factor {sizes}), beyond {MOST_DENSE}. With so many groups "
        "Satterthwaite's degrees of freedom hardly differ: type ddf='satterthwaite'."
    )


def _starts(cross: Piece, others: tuple[int, ...]) -> dict[int, int]:
    """First column of every other grouping among the q2."""
    sizes = [cross.levels[f] * cross.columns[f] for f in others]
    return dict(zip(others, np.cumsum([0, *sizes]).tolist(), strict=False))


def _partners(cross: Piece, largest: int, others: tuple[int, ...]) -> Rows:
    """Z_0'W Z_2 by compressed rows of the levels of the largest grouping."""
    at, K = _starts(cross, others), cross.columns[largest]
    width = sum(cross.levels[f] * cross.columns[f] for f in others)
    rows, columns, data = [], [], []
    for pair in cross.pairs:
        if largest not in (pair.first, pair.second):
            continue
        own = pair.first == largest
        other = pair.second if own else pair.first
        k = cross.columns[other]
        first = np.repeat(np.arange(len(pair.start) - 1), np.diff(pair.start))
        level, partner = (first, pair.partner) if own else (pair.partner, first)
        rows.append(np.repeat(level, k))
        columns.append((at[other] + partner[:, None].astype(np.int64) * k + np.arange(k)).ravel())
        data.append((pair.blocks.transpose(0, 2, 1) if own else pair.blocks).reshape(-1, K))
    if not rows:
        return Rows(
            np.zeros(cross.levels[largest] + 1, np.int64), np.zeros(0, np.int64), np.zeros((0, K)), width
        )
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=cross.levels[largest]))])
    return Rows(start, np.concatenate(columns)[order], np.concatenate(data)[order], width)


def _between(cross: Piece, others: tuple[int, ...]) -> np.ndarray:
    """(q2, q2) Z_2'W Z_2."""
    at = _starts(cross, others)
    out = np.zeros((sum(cross.levels[f] * cross.columns[f] for f in others),) * 2)
    for f in others:
        k = cross.columns[f]
        rows = at[f] + np.arange(cross.levels[f])[:, None] * k + np.arange(k)
        out[rows[:, :, None], rows[:, None, :]] = cross.zz[f]
    for pair in cross.pairs:
        if pair.first in at and pair.second in at:
            ka, kb = cross.columns[pair.first], cross.columns[pair.second]
            level = np.repeat(np.arange(len(pair.start) - 1), np.diff(pair.start))
            a = (at[pair.first] + level[:, None] * ka + np.arange(ka))[:, :, None]
            b = (at[pair.second] + pair.partner[:, None].astype(np.int64) * kb + np.arange(kb))[:, None, :]
            out[a, b] = pair.blocks
            out[b, a] = pair.blocks
    return out


def _inner_inverse(
    cross: Piece, others: tuple[int, ...], lambdas: tuple[np.ndarray, ...], B: np.ndarray
) -> np.ndarray:
    """Lambda_2 (I + Lambda_2'B Lambda_2)^-1 Lambda_2', (q2, q2)."""
    from scipy.linalg.lapack import dpotrf, dpotri

    if not len(B):
        return B
    inner = _scaled(cross, others, lambdas, B, transposed=True)
    inner.flat[:: len(B) + 1] += 1.0
    root, failed = dpotrf(inner.T, lower=1, overwrite_a=1)
    if failed:
        raise FitError(
            "The equations of the random effects are not positive definite; try ddf='satterthwaite'."
        )
    inverse, _ = dpotri(root, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    return _scaled(cross, others, lambdas, inverse, transposed=False)


def _scaled(
    cross: Piece,
    others: tuple[int, ...],
    lambdas: tuple[np.ndarray, ...],
    X: np.ndarray,
    transposed: bool,
) -> np.ndarray:
    """Lambda_2'X Lambda_2 (transposed) or Lambda_2 X Lambda_2', X symmetric (q2, q2)."""
    for _ in range(2):
        out, at = np.empty_like(X), 0
        for f in others:
            k, lam = cross.columns[f], lambdas[f].T if transposed else lambdas[f]
            rows = slice(at, at + cross.levels[f] * k)
            if k == 1:
                np.multiply(X[rows], lam[0, 0], out=out[rows])
            else:
                out[rows] = np.matmul(lam, X[rows].reshape(-1, k, len(X))).reshape(-1, len(X))
            at = rows.stop
        X = np.ascontiguousarray(out.T)
    return X
