"""After the search: signs, zeros and the conditions of a minimum on the boundary.

The criterion is even in the sign of every column of Lambda_i, so theta = 0 is always stationary, minimum or not. What
decides is the derivative on the variance scale: with M_i the gradient by Sigma_i = Lambda_i Lambda_i', a minimum over
positive semi-definite Sigma_i has M_i Lambda_i = 0 and M_i positive semi-definite (the Karush-Kuhn-Tucker conditions).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

SMALL_DIAGONAL = 1e-3
"""Diagonals of Lambda (on scaled columns) below this are tried at zero."""
_ONE = np.ones((1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Where one random-effects term sits in theta.

    Attributes
    ----------
    positions : (k, k) int
        Index into theta of every lower-triangular entry, -1 above the diagonal.
    grouping, first, k : int
        Rows ``first`` to ``first + k`` of the K columns of the grouping.
    """

    positions: np.ndarray
    grouping: int
    first: int
    k: int

    def unpack(self, theta: np.ndarray) -> np.ndarray:
        """(k, k) lower-triangular Lambda_i."""
        return np.where(self.positions >= 0, theta[self.positions], 0.0)

    def pack(self, block: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """theta with this block replaced."""
        out = theta.copy()
        lower = self.positions >= 0
        out[self.positions[lower]] = block[lower]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class KKT:
    """Conditions of a minimum over covariance matrices, with their numbers.

    Attributes
    ----------
    stationarity : float
        Largest |df/dtheta| on the scaled columns.
    predicted_decrease : float
        What a further Newton step promises.
    smallest_eigenvalue : tuple of float, one per term
        Of M_i, the gradient by Sigma_i, on the directions that have no variance now (0 where all have some), in units of
        f per unit of theta^2; negative means that adding variance helps.
    satisfied : bool
        Whether both conditions hold to the tolerance of the search.
    """

    stationarity: float
    predicted_decrease: float
    smallest_eigenvalue: tuple[float, ...]
    satisfied: bool


def blocks_of(entries: np.ndarray) -> tuple[Block, ...]:
    """The blocks of theta, one per term, from the (n_theta, 4) table of entries."""
    return _blocks_of(entries.tobytes())


@lru_cache(maxsize=256)
def _blocks_of(table: bytes) -> tuple[Block, ...]:
    entries = np.frombuffer(table, dtype=np.int32).reshape(-1, 4)
    out = []
    for term in range(int(entries[:, 3].max()) + 1):
        mine = np.flatnonzero(entries[:, 3] == term)
        first, last = int(entries[mine, 1].min()), int(entries[mine, 1].max())
        k = last - first + 1
        positions = np.full((k, k), -1)
        positions[entries[mine, 1] - first, entries[mine, 2] - first] = mine
        positions.setflags(write=False)
        out.append(Block(positions, int(entries[mine[0], 0]), first, k))
    return tuple(out)


def fix_signs(theta: np.ndarray, blocks: tuple[Block, ...]) -> np.ndarray:
    """The equivalent theta whose diagonals are not negative."""
    for block in blocks:
        lam = block.unpack(theta)
        if (lam.diagonal() < 0).any():
            theta = block.pack(lam * np.where(lam.diagonal() < 0, -1.0, 1.0), theta)
    return theta + 0.0  # no negative zeros


def snap(theta: np.ndarray, blocks: tuple[Block, ...]) -> np.ndarray | None:
    """theta with its small diagonals at zero; None when there are none to move."""
    out = theta.copy()
    for block in blocks:
        diagonal = block.positions.diagonal()
        small = (np.abs(out[diagonal]) < SMALL_DIAGONAL) & (out[diagonal] != 0)
        out[diagonal[small]] = 0.0
    return out if (out != theta).any() else None


def steepest_variance(
    theta: np.ndarray, M: list[np.ndarray], blocks: tuple[Block, ...]
) -> tuple[tuple[float, np.ndarray], ...]:
    """Per term: the least derivative of the criterion by a variance that is zero now, and its direction (k,).

    The directions are the null space of Lambda_i'; where Lambda_i is not singular there is nothing to test and the
    derivative is reported as 0.
    """
    out = []
    for block in blocks:
        at = slice(block.first, block.first + block.k)
        gradient = (M[block.grouping][at, at] + M[block.grouping][at, at].T) / 2
        U, d, _ = np.linalg.svd(block.unpack(theta)) if block.k > 1 else (_ONE, np.abs(theta[block.positions[0]]), _ONE)
        if d[-1] >= SMALL_DIAGONAL:
            out.append((0.0, np.zeros(block.k)))
            continue
        null = U[:, d < SMALL_DIAGONAL]
        w, V = np.linalg.eigh(null.T @ gradient @ null)
        out.append((float(w[0]), null @ V[:, 0]))
    return tuple(out)


def add_variance(theta: np.ndarray, block: Block, direction: np.ndarray, size: float) -> np.ndarray:
    """theta whose Sigma_i has gained size^2 vv' along a unit direction v."""
    lam = block.unpack(theta)
    stacked = np.column_stack([lam, size * direction])
    return block.pack(np.linalg.qr(stacked.T, mode="r").T[:, : block.k], theta)
