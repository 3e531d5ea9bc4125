"""Coordinates in which one standard deviation or correlation stands alone.

With the rows of Lambda_i in an order that begins with row a, the first row of the triangle has one entry and
sd_a = sigma theta_1. With rows a, b in front the second row has two, and cor_ab = theta_21 / |(theta_21,
theta_22)|. So holding either is holding a coordinate. The price is that Z must be as the user's columns are,
up to scale: where a row of T (see `CrossProducts`) mixes columns, the cross-products are taken back to
uncentred columns first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.estimate import Estimate
from henderson.inference.intervals.parameters import Parameter
from henderson.model.units import to_search
from henderson.optim.chart import (
    Chart,
    chart_as_typed,
    chart_in_order,
    pivot_roots,
    pivoted_triangle,
    typed_triangle,
)
from henderson.solve.direct import analyse


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Cross-products, chart and estimate that belong together.

    Attributes
    ----------
    cross : CrossProducts
    system : compiled System
    chart : Chart
    theta : (n_theta,)
        The estimate in this chart.
    pinned : tuple of int
        Places in theta of what stands alone: (theta_1,) for a standard deviation, (theta_21, theta_22) for a
        correlation; empty else.
    unit : float
        sd in the user's units = unit x sigma x theta_1.
    """

    cross: CrossProducts
    system: Any
    chart: Chart
    theta: np.ndarray
    pinned: tuple[int, ...] = ()
    unit: float = 1.0


class Frames:
    """Makes the frames of one estimate; the uncentred cross-products are formed once, when first needed.

    Parameters
    ----------
    estimate : Estimate
        Of the ML fit.
    """

    __slots__ = ("_own", "_plain", "estimate")

    def __init__(self, estimate: Estimate):
        system = estimate.system if estimate.system is not None else analyse(estimate.cross)
        self.estimate, self._own = estimate, (estimate.cross, system)
        self._plain: tuple[CrossProducts, Any] | None = None

    def usual(self) -> Frame:
        """The frame of the search: for sigma and the fixed effects."""
        chart, theta = to_search(self.estimate.cross, self.estimate.theta)
        return Frame(*self._own, chart, theta)

    def pinning(self, parameter: Parameter) -> Frame:
        """The frame in which a standard deviation or correlation stands alone."""
        block = self.estimate.blocks[parameter.term]
        T = self.estimate.cross.z_transform[block.grouping]
        rows = [block.first + row for row in parameter.rows]
        mixed = any(np.count_nonzero(T[row]) > 1 for row in rows)
        cross, system = self.plain() if mixed else self._own
        chart, theta = pinned_chart(cross, self.estimate.lambdas, parameter)
        places = chart.blocks[parameter.term].positions
        pinned = (places[0, 0],) if parameter.kind == "sd" else (places[1, 0], places[1, 1])
        return Frame(cross, system, chart, theta, tuple(map(int, pinned)), float(T[rows[0], rows[0]]))

    def plain(self) -> tuple[CrossProducts, Any]:
        """Cross-products of uncentred columns of Z, and their system."""
        if self._plain is None:
            cross = uncentred(self.estimate.cross)
            self._plain = cross, analyse(cross)
        return self._plain


def uncentred(cross: CrossProducts) -> CrossProducts:
    """The same statistics for columns of Z that are scaled only.

    Notes
    -----
    O(q K^2 + q K p), no pass over the rows.
    """
    scaled = [np.diag(T.diagonal()) for T in cross.z_transform]
    S = [np.linalg.solve(T, D) for T, D in zip(cross.z_transform, scaled, strict=True)]
    zx, at = np.empty_like(cross.zx), 0
    for levels, k, change in zip(cross.levels, cross.columns, S, strict=True):
        rows = slice(at, at + levels * k)
        zx[rows] = (change.T @ cross.zx[rows].reshape(levels, k, -1)).reshape(levels * k, -1)
        at += levels * k
    pairs = tuple(
        replace(pair, blocks=np.ascontiguousarray(S[pair.first].T @ pair.blocks @ S[pair.second]))
        for pair in cross.pairs
    )
    zz = tuple(
        np.ascontiguousarray(change.T @ blocks @ change) for change, blocks in zip(S, cross.zz, strict=True)
    )
    return replace(cross, zz=zz, pairs=pairs, zx=zx, z_transform=tuple(scaled))


def pinned_chart(
    cross: CrossProducts, lambdas: tuple[np.ndarray, ...], parameter: Parameter
) -> tuple[Chart, np.ndarray]:
    """The chart that begins the parameter's term with its rows, the rest in the best order, and theta in it.

    Parameters
    ----------
    cross : CrossProducts
    lambdas : tuple of (k_i, k_i)
        Relative factors of the user's columns.
    parameter : Parameter
        A standard deviation or correlation.
    """
    typed = chart_as_typed(cross.entries)
    roots = []
    for block, lam in zip(typed.blocks, lambdas, strict=True):
        at = slice(block.first, block.first + block.k)
        roots.append(np.linalg.solve(cross.z_transform[block.grouping][at, at], lam))
    chart, theta = pivot_roots(typed, roots)
    triangle, order = pinned_triangle(roots[parameter.term], parameter.rows)
    orders = [tuple(block.order.tolist()) for block in chart.blocks]
    orders[parameter.term] = order
    chart = chart_in_order(typed, tuple(orders))
    return chart, chart.blocks[parameter.term].pack(triangle, theta)


def pinned_triangle(root: np.ndarray, first: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Lower triangle of (root root')[order, order] whose order begins with the given rows.

    Parameters
    ----------
    root : (k, k)
    first : tuple of int

    Returns
    -------
    triangle : (k, k)
    order : tuple of int
    """
    order = np.array([*first, *(row for row in range(len(root)) if row not in first)])
    triangle, m = typed_triangle(root[order]), len(first)
    if len(root) > m:
        rest, moved = pivoted_triangle(triangle[m:, m:])
        triangle[m:, m:], triangle[m:, :m] = rest, triangle[m:, :m][moved]
        order[m:] = order[m:][moved]
    return triangle, tuple(order.tolist())
