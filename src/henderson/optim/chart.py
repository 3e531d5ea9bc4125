"""Coordinates of the search: which square root of Sigma_i = Lambda_i Lambda_i' theta describes.

lme4's theta is the lower triangle of Lambda_i with the columns of the term as typed. Where an early column
has little variance and a later one much, that triangle turns around a circle while Sigma_i hardly moves, and
Newton crawls along it. With the rows of Lambda_i taken in the order of a pivoted Cholesky factor (most
remaining variance first) small pivots come last, where the criterion is a plain parabola. The order may
change during the search; the result is turned back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WORSE = 4.0
"""A row with this many times the variance that the pivot has left calls for a new order."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Where one random-effects term sits in theta.

    Attributes
    ----------
    positions : (k, k) int
        Index into theta of every lower-triangular entry, -1 above the diagonal.
    grouping, first, k : int
        Rows ``first`` to ``first + k`` of the K columns of the grouping.
    order : (k,) int
        Row a of the triangle is row ``order[a]`` of Lambda_i.
    places : tuple of k tuples
        `positions` as plain numbers.
    """

    positions: np.ndarray
    grouping: int
    first: int
    k: int
    order: np.ndarray
    places: tuple[tuple[int, ...], ...]

    def triangle(self, theta: np.ndarray) -> np.ndarray:
        """(k, k) lower triangle, rows in pivot order."""
        return np.where(self.positions >= 0, theta[self.positions], 0.0)

    def unpack(self, theta: np.ndarray) -> np.ndarray:
        """(k, k) Lambda_i, rows as typed."""
        out = np.empty((self.k, self.k))
        out[self.order] = self.triangle(theta)
        return out

    def pack(self, triangle: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """theta with this block replaced by a lower triangle in pivot order."""
        out = theta.copy()
        lower = self.positions >= 0
        out[self.positions[lower]] = triangle[lower]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One choice of orders.

    Attributes
    ----------
    entries : (n_theta, 4) int32
        Grouping, row, column and term of every element of theta, as the criterion takes them.
    blocks : tuple of Block
        One per term.
    as_typed : (n_theta, 4) int32
        The entries of lme4's theta.
    """

    entries: np.ndarray
    blocks: tuple[Block, ...]
    as_typed: np.ndarray


def chart_as_typed(entries: np.ndarray) -> Chart:
    """lme4's coordinates, from the (n_theta, 4) table of entries."""
    return _chart(entries.tobytes(), None)


@lru_cache(maxsize=512)
def _chart(table: bytes, orders: tuple[tuple[int, ...], ...] | None) -> Chart:
    typed = np.frombuffer(table, dtype=np.int32).reshape(-1, 4)
    entries, blocks = typed.copy(), []
    for term in range(int(typed[:, 3].max()) + 1):
        mine = np.flatnonzero(typed[:, 3] == term)
        first = int(typed[mine, 1].min())
        k = int(typed[mine, 1].max()) - first + 1
        order = np.arange(k) if orders is None else np.array(orders[term])
        positions = np.full((k, k), -1)
        positions[typed[mine, 1] - first, typed[mine, 2] - first] = mine
        entries[mine, 1] = first + order[typed[mine, 1] - first]
        for array in (positions, order):
            array.setflags(write=False)
        places = tuple(map(tuple, positions.tolist()))
        blocks.append(Block(positions, int(typed[mine[0], 0]), first, k, order, places))
    entries.setflags(write=False)
    return Chart(entries, tuple(blocks), typed)


def chart_in_order(chart: Chart, orders: tuple[tuple[int, ...], ...]) -> Chart:
    """The chart of the same terms with given orders of the rows, one tuple of k positions per term."""
    return _chart(chart.as_typed.tobytes(), orders)


def pivot(chart: Chart, theta: np.ndarray, worse: float = WORSE) -> tuple[Chart, np.ndarray]:
    """The same Lambda Lambda' in a better order, where the present one is worse than `worse`.

    Parameters
    ----------
    chart : Chart
    theta : (n_theta,)
    worse : float
        1 for the best order whatever the present one.

    Returns
    -------
    chart : Chart
        The given one where nothing changes.
    theta : (n_theta,)
    """
    if all(block.k == 1 for block in chart.blocks):
        return chart, theta
    orders, out, changed, numbers = [], theta, False, theta.tolist()
    for block in chart.blocks:
        if block.k > 1 and _is_worse(block, numbers, worse):
            moved, order = pivoted_triangle(block.triangle(theta))
            out, changed = block.pack(moved, out), True
            orders.append(tuple(block.order[order].tolist()))
        else:
            orders.append(tuple(block.order.tolist()))
    return (_chart(chart.as_typed.tobytes(), tuple(orders)), out) if changed else (chart, theta)


def _is_worse(block: Block, theta: list[float], worse: float) -> bool:
    """Whether a row has much more variance left than the pivot of its column (plain numbers: k is small)."""
    squares = [[theta[at] ** 2 for at in row[: a + 1]] for a, row in enumerate(block.places)]
    left = [0.0] * block.k  # of every row, beyond the columns before b
    rounding = 1e-12 * max(map(sum, squares))
    for b in range(block.k - 1, -1, -1):
        for a in range(b, block.k):
            left[a] += squares[a][b]
        if max(left[b:]) > worse * left[b] + rounding:
            return True
    return False


def pivoted_triangle(root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower triangle L and order with L L' = (root root')[order, order], largest remaining variance first.

    Parameters
    ----------
    root : (k, k)
        Any square root.

    Returns
    -------
    L : (k, k)
        Diagonal not negative.
    order : (k,) int

    Notes
    -----
    By Householder reflections of the columns, never forming the product. O(k^3).
    """
    L, k = root.astype(float, copy=True), len(root)
    order = np.arange(k)
    for b in range(k):
        best = b + int(np.argmax((L[b:, b:] ** 2).sum(axis=1)))
        L[[b, best]], order[[b, best]] = L[[best, b]], order[[best, b]]
        _reflect(L, b)
    return L, order


def _reflect(L: np.ndarray, b: int) -> None:
    """Turn the columns b, b+1, … so that row b has a single entry there, not negative."""
    v = L[b, b:].copy()
    length = float(np.sqrt(v @ v))
    if length == 0:
        return
    v[0] += np.copysign(length, v[0])
    L[b:, b:] -= np.outer(L[b:, b:] @ v, 2 * v / (v @ v))
    if L[b, b] < 0:
        L[b:, b] *= -1
    L[b, b + 1 :] = 0.0


def pivot_roots(chart: Chart, roots: list[np.ndarray]) -> tuple[Chart, np.ndarray]:
    """The chart and theta of given square roots, one (k, k) per term, in the best order."""
    theta, orders = np.empty(len(chart.entries)), []
    for block, root in zip(chart.blocks, roots, strict=True):
        triangle, order = pivoted_triangle(root) if block.k > 1 else (np.abs(root), block.order)
        theta = block.pack(triangle, theta)
        orders.append(tuple(order.tolist()))
    return _chart(chart.as_typed.tobytes(), tuple(orders)), theta


def pivot_diagonals(chart: Chart, diagonals: list[list[float]]) -> tuple[Chart, np.ndarray]:
    """The same for diagonal roots: the order is that of their sizes."""
    theta, orders = np.zeros(len(chart.entries)), []
    for block, diagonal in zip(chart.blocks, diagonals, strict=True):
        order = sorted(range(block.k), key=lambda j: -diagonal[j])
        for a, j in enumerate(order):
            theta[block.places[a][a]] = diagonal[j]
        orders.append(tuple(order))
    return _chart(chart.as_typed.tobytes(), tuple(orders)), theta


def typed_triangle(root: np.ndarray) -> np.ndarray:
    """(k, k) lower triangle with the same product, rows as they stand, diagonal not negative."""
    L = root.astype(float, copy=True)
    for b in range(len(L) - 1):
        if L[b, b + 1 :].any():
            _reflect(L, b)
    return L * np.where(L.diagonal() < 0, -1.0, 1.0) + 0.0  # no negative zeros
