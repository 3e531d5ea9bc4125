"""The Schur complement of the largest grouping at one Lambda, reached by products.

With Omega = Lambda' A Lambda + I in blocks, 1 the grouping with most levels::

    S = Omega_22 - Omega_21 Omega_11^-1 Omega_12 = I + Lambda_2' (A_22 - A_21 B A_12) Lambda_2
    B = Lambda_1 Omega_11^-1 Lambda_1'

Omega_11 and B are block diagonal, one K x K block per level. S is preconditioned by the root of an
approximation D = E E': conjugate gradients work with E^-1 S E^-T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from henderson.solve.levels import LANES, Buffers, Layout, in_threads, panel, run
from henderson.solve.preconditioner import Preconditioner, precondition, times_blocks
from henderson.solve.threads import blas_threads_for


def panels(x: np.ndarray) -> list[tuple[slice, int]]:
    """Columns of x eight at a time, and how many each panel holds."""
    r = x.shape[1]
    return [(slice(c, min(c + LANES, r)), min(LANES, r - c)) for c in range(0, r, LANES)]


@dataclass(frozen=True, eq=False)
class Complement:
    """S at one Lambda.

    Parameters
    ----------
    layout : Layout
    lambdas : tuple of (K, K) float64
        Relative factor of every grouping on the centred and scaled columns.
    buffers : Buffers
        Scratch, to be shared by complements that are not used at the same time.

    Notes
    -----
    A product with eight vectors gathers and scatters eight numbers for every pair of levels.
    """

    layout: Layout
    lambdas: tuple[np.ndarray, ...]
    buffers: Buffers

    # -- the eliminated grouping -----------------------------------------------------------------------------

    @cached_property
    def first(self) -> np.ndarray:
        """(K, K) Lambda_1."""
        return self.lambdas[self.layout.eliminated]

    @cached_property
    def omega_inverse(self) -> np.ndarray:
        """(levels, K, K) Omega_11^-1."""
        A = self.layout.cross.zz[self.layout.eliminated]
        if A.shape[1] == 1:
            return 1 / (1 + self.first[0, 0] ** 2 * A)
        return np.linalg.inv(self.first.T @ A @ self.first + np.eye(A.shape[1]))

    @cached_property
    def logdet_first(self) -> float:
        """log|Omega_11|."""
        if self.omega_inverse.shape[1] == 1:
            return -float(np.log(self.omega_inverse).sum())
        return -float(np.linalg.slogdet(self.omega_inverse)[1].sum())

    @cached_property
    def B(self) -> np.ndarray:
        """(levels, K, K) Lambda_1 Omega_11^-1 Lambda_1'."""
        return np.ascontiguousarray(self.first @ self.omega_inverse @ self.first.T)

    # -- the rest --------------------------------------------------------------------------------------------

    @cached_property
    def rest_lambdas(self) -> tuple[np.ndarray, ...]:
        """(K, K) Lambda of every grouping of the rest."""
        return tuple(self.lambdas[f] for f in self.layout.rest)

    @cached_property
    def preconditioner(self) -> Preconditioner:
        """E, with S nearly E E'."""
        explained = [self._explained(i) for i in range(len(self.layout.rest))]
        return precondition(self.layout, self.rest_lambdas, explained)

    @cached_property
    def blockwise(self) -> Complement:
        """The same complement, D the diagonal blocks alone."""
        return replace(self, layout=replace(self.layout, nested=())) if self.layout.nested else self

    def _explained(self, other: int) -> np.ndarray:
        """(levels, K, K) diagonal blocks of A_21 B A_12 of one grouping of the rest."""
        outer, f = self.layout.outer, self.layout.rest[other]
        assert outer is not None
        k, levels = self.layout.cross.columns[f], self.layout.cross.levels[f]
        parts = [np.zeros((levels, k, k)) for _ in outer.ranges]

        def part(i: int) -> None:
            outer.levels.add_quadratic_blocks(other, *outer.ranges[i], self.B, parts[i])

        in_threads(part, list(range(len(parts))))
        return np.add.reduce(parts)

    @cached_property
    def through_preconditioner(self) -> np.ndarray:
        """(K, K) sum over levels of the eliminated grouping of the blocks of Y D^-1 Y'.

        Y = Omega_11^-1 Omega_12, D = the diagonal blocks of S.
        """
        outer, T = self.layout.outer, np.zeros_like(self.B)
        if outer is None:
            return T.sum(axis=0)
        inverses = [
            np.ascontiguousarray(np.swapaxes(V, 1, 2) @ V)
            for V in (
                E @ lam.T for E, lam in zip(self.preconditioner.inverse, self.rest_lambdas, strict=True)
            )
        ]

        def part(i: int) -> None:
            for other, inverse in enumerate(inverses):
                outer.levels.sum_quadratic_blocks(other, *outer.ranges[i], inverse, T)

        in_threads(part, list(range(len(outer.ranges))))
        Y = self.omega_inverse.reshape(T.shape) @ self.first.T
        return np.asarray((Y @ T @ np.swapaxes(Y, 1, 2)).sum(axis=0))

    def product(self, x: np.ndarray) -> np.ndarray:
        """(q2, r) E^-1 S E^-T x."""
        out = np.empty_like(x)
        for columns, r in panels(x):
            out[:, columns] = self._panel_product(x[:, columns], r)
        return out

    @cached_property
    def root(self) -> np.ndarray:
        """(q2, q2) lower triangular L with E^-1 S E^-T = L L', from q2 products."""
        formed = self.product(np.eye(self.layout.q))
        with blas_threads_for(self.layout.q):
            return np.linalg.cholesky((formed + formed.T) / 2)

    @property
    def logdet(self) -> float:
        """log|Omega|, exact: it takes the root."""
        rest = 2 * float(np.log(np.diag(self.root)).sum())
        return self.logdet_first + self.preconditioner.logdet + rest

    def _by_grouping(
        self, blocks: tuple[np.ndarray, ...], x: np.ndarray, *, transposed: bool = False
    ) -> np.ndarray:
        out = np.empty_like(x)
        for block, rows in zip(blocks, self.layout.rows, strict=True):
            out[rows] = times_blocks(block, x[rows], transposed=transposed)
        return out

    def _panel_product(self, x: np.ndarray, r: int) -> np.ndarray:
        layout, work = self.layout, self.buffers.x
        if layout.outer is None:  # one grouping: nothing is left
            return x
        y = self.preconditioner.solve_transposed(x)
        work[:, :r], work[:, r:] = self.lambda_rest(y), 0.0
        sums = np.zeros_like(work)
        run(layout.outer, self.buffers, sums, x=work, B=self.B)
        np.negative(sums, out=sums)
        self.add_among_rest(work, sums)
        return self.preconditioner.solve(y + self.lambda_rest(sums[:, :r], transposed=True))

    def multiply_rest(self, x: np.ndarray) -> np.ndarray:
        """(q2, r) A_22 x in data coordinates."""
        out = np.empty_like(x)
        for columns, r in panels(x):
            self.buffers.x[:, :r], self.buffers.x[:, r:] = x[:, columns], 0.0
            total = np.zeros_like(self.buffers.x)
            self.add_among_rest(self.buffers.x, total)
            out[:, columns] = total[:, :r]
        return out

    def add_among_rest(self, x: np.ndarray, total: np.ndarray) -> None:
        """total += A_22 x for one panel."""
        layout, cross = self.layout, self.layout.cross
        for f, order, rows in zip(layout.rest, layout.order, layout.rows, strict=True):
            total[rows] += times_blocks(cross.zz[f][order], x[rows])
        for passes in layout.inner:
            rows = layout.rows[layout.rest.index(passes.first)]
            sums = panel(rows.stop - rows.start)
            run(passes, self.buffers, total, x=x, given=x[rows], sums=sums)
            total[rows] += sums

    # -- between the two -------------------------------------------------------------------------------------

    def gather(self, x: np.ndarray) -> np.ndarray:
        """(levels K, r) A_12 x for x in data coordinates (Lambda_2 times a vector of the rest)."""
        layout, outer = self.layout, self.layout.outer
        rows = layout.cross.levels[layout.eliminated] * len(self.first)
        out = np.zeros((rows, x.shape[1]))
        if outer is None:
            return out
        for columns, r in panels(x):
            self.buffers.x[:, :r], self.buffers.x[:, r:] = x[:, columns], 0.0
            sums = panel(rows)
            run(outer, self.buffers, None, x=self.buffers.x, sums=sums)
            out[:, columns] = sums[:, :r]
        return out

    def scatter(self, x: np.ndarray) -> np.ndarray:
        """(q2, r) A_21 x for x (levels K, r) in data coordinates."""
        out = np.zeros((self.layout.q, x.shape[1]))
        if self.layout.outer is None:
            return out
        for columns, r in panels(x):
            given, total = panel(len(x)), np.zeros((self.layout.q, LANES))
            given[:, :r] = x[:, columns]
            run(self.layout.outer, self.buffers, total, given=given)
            out[:, columns] = total[:, :r]
        return out

    def lambda_rest(self, x: np.ndarray, *, transposed: bool = False) -> np.ndarray:
        """Lambda_2 x or Lambda_2' x."""
        return self._by_grouping(self.rest_lambdas, x, transposed=transposed)

    def lambda_first(self, x: np.ndarray, *, transposed: bool = False) -> np.ndarray:
        """Lambda_1 x or Lambda_1' x."""
        return times_blocks(self.first, x, transposed=transposed)


def buffers_for(layout: Layout) -> Buffers:
    """Scratch for every complement of a layout."""
    parts = [p.ranges for p in (layout.outer, *layout.inner) if p is not None]
    return Buffers(layout.q, max((len(r) for r in parts), default=1))
