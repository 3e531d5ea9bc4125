"""Roots E of approximations D = E E' of the Schur complement, which conjugate gradients take out.

The blocks on the diagonal always; where a grouping is nested in another (every item has one genre), the
coupling of the two as well. With A the blocks of Z'WZ, i an item and c its genre, elimination of the largest
grouping leaves the item only the part R_i = A~_ii A_ii^-1 of its information, and the approximation lets the
genre lose it in step::

    D_ic = Lambda_i' R_i A_ic Lambda_c
    D_cc = I + Lambda_c' (A_cc - sum_i A_ci (I - R_i') A_ii^-1 A_ic) Lambda_c

an arrow: the root has no fill. Without it every genre is a direction that conjugate gradients have to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.solve.levels import Layout, Nested


def times_blocks(blocks: np.ndarray, x: np.ndarray, *, transposed: bool = False) -> np.ndarray:
    """(levels K, r): every level's (K, K) block, or the one block of all, times its rows of x."""
    k = blocks.shape[-1]
    if k == 1:
        return x * (blocks.reshape(-1, 1))
    rows = x.reshape(len(x) // k, k, x.shape[1])
    used = np.swapaxes(blocks, -1, -2) if transposed else blocks
    return np.matmul(used, rows).reshape(x.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Coupling:
    """The rows of E of an outer grouping by the columns of the one nested in it.

    Attributes
    ----------
    first, second : int
        Nested and outer grouping, places among the rest.
    blocks : (levels of first, K_second, K_first) float64
    partner : (levels of first,) int32
    matrix : sparse (rows of second, rows of first)
        The same blocks.
    """

    first: int
    second: int
    blocks: np.ndarray
    partner: np.ndarray
    matrix: Any


@dataclass(frozen=True, slots=True, eq=False)
class Preconditioner:
    """E of one Schur complement.

    Attributes
    ----------
    rows : tuple of slice
        Rows of every grouping of the rest.
    root : tuple of (levels, K, K) float64
        Diagonal blocks of E.
    inverse : tuple of (levels, K, K) float64
        Their inverses.
    couplings : tuple of Coupling
        One per nested grouping.
    """

    rows: tuple[slice, ...]
    root: tuple[np.ndarray, ...]
    inverse: tuple[np.ndarray, ...]
    couplings: tuple[Coupling, ...]

    @property
    def logdet(self) -> float:
        """log|D|."""
        return 2 * sum(float(np.log(np.einsum("gkk->gk", E)).sum()) for E in self.root)

    def solve(self, b: np.ndarray) -> np.ndarray:
        """E^-1 b."""
        out = b.copy() if self.couplings else np.empty_like(b)
        inner = {c.first for c in self.couplings}
        for i in sorted(range(len(self.rows)), key=lambda i: i not in inner):  # nested ones first
            rows = self.rows[i]
            out[rows] = times_blocks(self.inverse[i], (out if self.couplings else b)[rows])
            for c in self.couplings:
                if c.first == i:
                    out[self.rows[c.second]] -= c.matrix @ out[rows]
        return out

    def solve_transposed(self, x: np.ndarray) -> np.ndarray:
        """E^-T x."""
        out = x.copy() if self.couplings else np.empty_like(x)
        inner = {c.first for c in self.couplings}
        for i in sorted(range(len(self.rows)), key=lambda i: i in inner):  # nested ones last
            rows = self.rows[i]
            for c in self.couplings:
                if c.first == i:
                    out[rows] -= c.matrix.T @ out[self.rows[c.second]]
            given = (out if self.couplings else x)[rows]
            out[rows] = times_blocks(self.inverse[i], given, transposed=True)
        return out

    def multiply_transposed(self, x: np.ndarray) -> np.ndarray:
        """E' x."""
        out = np.empty_like(x)
        for E, rows in zip(self.root, self.rows, strict=True):
            out[rows] = times_blocks(E, x[rows], transposed=True)
        for c in self.couplings:
            out[self.rows[c.first]] += c.matrix.T @ x[self.rows[c.second]]
        return out

    def inverse_sums(self) -> list[np.ndarray]:
        """Per grouping of the rest (K, K): the sum over levels of the diagonal blocks of D^-1."""
        out = [np.einsum("gba,gbc->ac", E, E, optimize=True) for E in self.inverse]
        for c in self.couplings:
            V = self.inverse[c.second][c.partner] @ c.blocks @ self.inverse[c.first]
            out[c.first] = out[c.first] + np.einsum("gba,gbc->ac", V, V, optimize=True)
        return out


def precondition(
    layout: Layout, lambdas: tuple[np.ndarray, ...], explained: list[np.ndarray]
) -> Preconditioner:
    """Form the root.

    Parameters
    ----------
    layout : Layout
    lambdas : tuple of (K, K) float64
        Of every grouping of the rest.
    explained : list of (levels, K, K) float64
        Diagonal blocks of A_21 B A_12: the information that elimination takes.

    Returns
    -------
    Preconditioner

    Notes
    -----
    O(levels K^3).
    """
    left = [
        layout.cross.zz[f][order] - taken
        for f, order, taken in zip(layout.rest, layout.order, explained, strict=True)
    ]
    blocks = [lam.T @ A @ lam + np.eye(len(lam)) for lam, A in zip(lambdas, left, strict=True)]
    roots: list[np.ndarray] = [np.linalg.cholesky(D) for D in blocks]
    couplings = []
    for nested in layout.nested:
        found, outer = _arrow(layout, lambdas, left[nested.first], roots[nested.first], nested)
        roots[nested.second] = np.linalg.cholesky(outer)
        matrix = _sparse(found, nested.partner, len(outer))
        couplings.append(Coupling(nested.first, nested.second, found, nested.partner, matrix))
    return Preconditioner(layout.rows, tuple(roots), tuple(map(np.linalg.inv, roots)), tuple(couplings))


def _arrow(
    layout: Layout, lambdas: tuple[np.ndarray, ...], left: np.ndarray, root: np.ndarray, nested: Nested
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of E that couple the outer grouping to the nested one, and what is left of its diagonal blocks."""
    inner, outer = lambdas[nested.first], lambdas[nested.second]
    A = layout.cross.zz[layout.rest[nested.first]][layout.order[nested.first]]
    explains = np.linalg.pinv(A, hermitian=True) @ nested.blocks  # A_ii^-1 A_ic
    coupling = np.swapaxes(
        np.linalg.solve(root, inner.T @ left @ explains @ outer), 1, 2
    )  # (levels, K_c, K_i)
    lost = np.swapaxes(explains, 1, 2) @ (A - left) @ explains
    order = layout.order[nested.second]
    block = layout.cross.zz[layout.rest[nested.second]][order] - _summed(lost, nested.partner, len(order))
    block = outer.T @ block @ outer + np.eye(len(outer))
    block -= _summed(coupling @ np.swapaxes(coupling, 1, 2), nested.partner, len(order))
    return coupling, block


def _summed(blocks: np.ndarray, partner: np.ndarray, levels: int) -> np.ndarray:
    """(levels, a, b) sums of blocks by partner."""
    flat = blocks.reshape(len(blocks), -1)
    sums = [np.bincount(partner, weights=flat[:, j], minlength=levels) for j in range(flat.shape[1])]
    return np.stack(sums, axis=1).reshape(levels, *blocks.shape[1:])


def _sparse(blocks: np.ndarray, partner: np.ndarray, levels: int) -> Any:
    """(levels a, inner levels b) matrix with one block in every block column."""
    from scipy.sparse import csr_array

    count, a, b = blocks.shape
    rows = (partner.astype(np.int64)[:, None, None] * a + np.arange(a)[:, None]) + np.zeros(b, dtype=np.int64)
    columns = (np.arange(count)[:, None, None] * b + np.arange(b)) + np.zeros((a, 1), dtype=np.int64)
    return csr_array((blocks.ravel(), (rows.ravel(), columns.ravel())), shape=(levels * a, count * b))
