"""Solves with Omega at one Lambda by conjugate gradients: memory for the data and a few vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
from scipy.linalg import solve_triangular

from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError
from henderson.solve.block_conjugate_gradients import Solved, solve
from henderson.solve.complement import Complement, buffers_for
from henderson.solve.levels import Layout, lay_out
from henderson.solve.preconditioner import times_blocks
from henderson.solve.threads import blas_threads_for

TOL = 1e-6
"""Residual of a solve, in units of the right-hand side."""
TOGETHER = 16
"""Right-hand sides solved together."""
DENSE = 512
"""Rows of the rest up to which the complement is formed and factored: cheaper than iterations on it."""
SINGLE = 32
"""A size of dense work for which BLAS gets one thread: sums then do not depend on their number."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Right-hand sides of Omega after elimination of the largest grouping.

    Attributes
    ----------
    first : (levels K, r) float64
        Rows of the eliminated grouping, as given.
    solved_first : (levels K, r) float64
        Omega_11^-1 times these.
    rest : (q2, r) float64
        Right-hand sides of the Schur complement.
    """

    first: np.ndarray
    solved_first: np.ndarray
    rest: np.ndarray


def reduce_right_side(C: Complement, B: np.ndarray) -> Reduced:
    """Eliminate the largest grouping from (q, r) right-hand sides: one pass."""
    first, rest = C.layout.split(B)
    solved = times_blocks(C.omega_inverse, first)
    return Reduced(first, solved, rest - C.lambda_rest(C.scatter(C.lambda_first(solved)), transposed=True))


def solve_complement(C: Complement, b: np.ndarray, start: np.ndarray | None, tol: float) -> Solved:
    """S^-1 b for (q2, r), some columns at a time.

    Parameters
    ----------
    C : Complement
    b : (q2, r) float64
    start : (q2, r) float64, optional
        Where to begin.
    tol : float

    Returns
    -------
    Solved
        `residual` is that of the preconditioned system.

    Notes
    -----
    Where the complement is small, or has no more rows than there are right-hand sides, it is formed by its
    products with unit vectors and factored: that takes fewer products than iterations.
    """
    parts, r = [], b.shape[1]
    if C.layout.q <= max(DENSE, r):
        return Solved(_solve_formed(C, b), np.zeros_like(b), 0, 0.0)
    with blas_threads_for(SINGLE):
        for at in range(0, r, TOGETHER):
            columns = slice(at, min(at + TOGETHER, r))
            warm = None if start is None else C.preconditioner.multiply_transposed(start[:, columns])
            parts.append(solve(C.product, C.preconditioner.solve(b[:, columns]), warm, tol))
    x = np.concatenate([C.preconditioner.solve_transposed(part.x) for part in parts], axis=1) if parts else b
    residual = np.concatenate([part.residual for part in parts], axis=1) if parts else b
    return Solved(x, residual, sum(p.iterations for p in parts), max((p.reached for p in parts), default=0.0))


def _solve_formed(C: Complement, b: np.ndarray) -> np.ndarray:
    """S^-1 b by the Cholesky factor of the preconditioned complement."""
    with blas_threads_for(C.layout.q):
        half = solve_triangular(C.root, C.preconditioner.solve(b), lower=True)
        return C.preconditioner.solve_transposed(solve_triangular(C.root, half, lower=True, trans=1))


def back_substitute(C: Complement, right: Reduced, x: np.ndarray) -> np.ndarray:
    """(levels K, r) rows of the eliminated grouping, from those of the rest: one pass."""
    met = C.lambda_first(C.gather(C.lambda_rest(x)), transposed=True)
    return right.solved_first - times_blocks(C.omega_inverse, met)


class IterativeFactor:
    """The verbs of `henderson.solve.direct.Factor` as far as solves can give them.

    Parameters
    ----------
    cross : CrossProducts
    lambdas : tuple of (K, K) float64
        Relative factor of one level of every grouping on the centred and scaled columns.
    layout : Layout, optional
        To reuse.

    Notes
    -----
    A solve costs some 5 to 50 passes over the pairs of levels for eight right-hand sides.
    """

    def __init__(
        self, cross: CrossProducts, lambdas: tuple[np.ndarray, ...], layout: Layout | None = None
    ) -> None:
        self.cross, self.lambdas = cross, lambdas
        self.layout = lay_out(cross) if layout is None else layout

    def __reduce__(self) -> tuple[type[IterativeFactor], tuple[CrossProducts, tuple[np.ndarray, ...]]]:
        return IterativeFactor, (self.cross, self.lambdas)

    @cached_property
    def complement(self) -> Complement:
        """The Schur complement at these Lambda."""
        return Complement(self.layout, self.lambdas, buffers_for(self.layout))

    def solve(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Omega^-1 B."""
        right = reduce_right_side(self.complement, np.asarray(B, dtype=float))
        x = solve_complement(self.complement, right.rest, None, TOL).x
        return self.layout.join(back_substitute(self.complement, right, x), x)

    def lambda_transposed(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Lambda' B."""
        return self._blocks(B, tuple(lam.T for lam in self.lambdas))

    def times_lambda(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Lambda B."""
        return self._blocks(B, self.lambdas)

    def _blocks(self, B: np.ndarray, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        out, at = np.empty_like(B), 0
        for block, levels, k in zip(blocks, self.cross.levels, self.cross.columns, strict=True):
            rows = slice(at, at + levels * k)
            out[rows] = times_blocks(block, B[rows])
            at += levels * k
        return out

    @cached_property
    def _equations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """(q,) u, (p, p) R_XX, (p,) beta and r2."""
        cross, p = self.cross, self.cross.p
        right = self.lambda_transposed(cross.zx)
        solved = self.solve(right)
        G = cross.xx - right.T @ solved
        G = (G + G.T) / 2
        beta = np.linalg.solve(G[:p, :p], G[:p, p])
        return (
            solved[:, p] - solved[:, :p] @ beta,
            np.linalg.cholesky(G[:p, :p]).T,
            beta,
            float(G[p, p] - G[p, :p] @ beta),
        )

    def u(self) -> np.ndarray:
        """(q,) spherical conditional modes."""
        return self._equations[0]

    def e(self) -> np.ndarray:
        """(q,) Z'W(y - X beta - Z Lambda u), the residual seen by the random effects."""
        cross, p = self.cross, self.cross.p
        u, _, beta, _ = self._equations
        explained = self.multiply(self.times_lambda(u[:, None]))[:, 0]
        return cross.zx[:, p] - cross.zx[:, :p] @ beta - explained

    def multiply(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Z'WZ B."""
        return multiply(self.complement, B)

    def rx(self) -> np.ndarray:
        """(p, p) upper triangular R_XX of the centred and scaled columns."""
        return self._equations[1]

    def beta(self) -> np.ndarray:
        """(p,) coefficients of the centred and scaled columns."""
        return self._equations[2]

    def r2(self) -> float:
        """Penalised residual sum of squares."""
        return self._equations[3]

    # -- what only a factor can give -------------------------------------------------------------------------

    @property
    def system(self) -> Any:
        """There is no symbolic analysis."""
        raise no_factor()

    tail = system

    def half_solve(self, B: np.ndarray) -> NoReturn:
        """Needs a factor: stops with the way out."""
        raise no_factor()

    def selected(self) -> NoReturn:
        """Needs a factor: stops with the way out."""
        raise no_factor()


def multiply(C: Complement, B: np.ndarray) -> np.ndarray:
    """(q, r) Z'WZ B: one pass over the pairs of levels for eight columns."""
    layout = C.layout
    first, rest = layout.split(B)
    out_first = times_blocks(layout.cross.zz[layout.eliminated], first) + C.gather(rest)
    return layout.join(out_first, C.multiply_rest(rest) + C.scatter(first))


def no_factor() -> FitError:
    """The error of what an iterative fit cannot do."""
    return FitError(
        "The iterative solver does not form the inverse of the mixed-model equations, which this needs. If "
        "memory allows, fit with lmm(..., solver='direct')."
    )
