"""Exact factorisation of the mixed-model equations by the compiled core."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts
from henderson.solve.cost import refuse_hopeless
from henderson.solve.threads import blas_threads_for

NO_RESIDUAL = 3
FAILURES = {
    1: "Omega = Lambda'Z'WZ Lambda + I is not positive definite: theta or the data are not finite",
    2: "the fixed-effects columns are collinear once the random effects are accounted for",
    NO_RESIDUAL: (
        "The model reproduces the response exactly, to the precision of the numbers: the residual variance "
        "goes to zero and the likelihood grows without bound, so there is no estimate. The response may be "
        "constant within every group, have as many parameters as values, or lie far from zero without an "
        "intercept. Drop the random-effects term that determines the response, or subtract its mean."
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Criterion and derivatives at one theta, on the scaled columns.

    Attributes
    ----------
    value : float
        REML or ML criterion (-2 log-likelihood) up to `constant` of the equations.
    gradient : (n_theta,) or None
        Its gradient.
    curvature : (n_theta, n_theta) or None
        Average-information approximation of its Hessian.
    r2 : float
        Penalised residual sum of squares.
    logdet_omega, logdet_rx : float
        log|Omega| and log|R_XX|^2.
    beta : (p,)
        Coefficients of the centred and scaled columns.
    variance_gradient : list of (K, K)
        Per grouping M = F Lambda^-1, the gradient by the covariance matrix of the random effects (with
        curvature only).
    """

    value: float
    gradient: np.ndarray | None
    curvature: np.ndarray | None
    r2: float
    logdet_omega: float
    logdet_rx: float
    beta: np.ndarray
    variance_gradient: list[np.ndarray]


def analyse(cross: CrossProducts) -> Any:
    """Symbolic analysis, once per pattern: elimination order, fill, dense tail. Shared by every workspace.

    Raises
    ------
    FitError
        Where the factor, and perhaps the analysis itself, would not fit into memory.

    Notes
    -----
    About O(entries of L); independent of theta and of the response.
    """
    refuse_hopeless(cross)
    pairs = [(p.first, p.second, p.start, p.partner, p.blocks) for p in cross.pairs]
    return core().System(list(cross.zz), pairs)


class Factor:
    """Cholesky factor at one Lambda and the solves that follow from it.

    Parameters
    ----------
    cross : CrossProducts
    lambdas : tuple of (K, K) float64
        Relative factor of one level of every grouping on the centred and scaled columns; need not be
        triangular.
    system : compiled System, optional
        Symbolic analysis to reuse.

    Notes
    -----
    Rows of every argument run as in `CrossProducts`: grouping by grouping, level by level. Several threads
    may share a factor; they wait for one another.
    """

    __slots__ = ("_lock", "_workspace", "cross", "lambdas", "system", "tail")

    def __init__(self, cross: CrossProducts, lambdas: tuple[np.ndarray, ...], system: Any = None):
        system = analyse(cross) if system is None else system
        self.cross, self.lambdas, self.system, self._lock = cross, lambdas, system, Lock()
        self._workspace = core().Workspace(system)
        self.tail = system.structure()["tail"]
        entries, values = _every_entry(lambdas)
        with blas_threads_for(self.tail):
            self._workspace.evaluate(entries, values, cross.zx, cross.xx, float(cross.n), False, 0)

    def __reduce__(self) -> tuple[type[Factor], tuple[CrossProducts, tuple[np.ndarray, ...]]]:
        return Factor, (self.cross, self.lambdas)

    def solve(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Omega^-1 B."""
        with self._lock, blas_threads_for(self.tail):
            return self._workspace.solve(np.ascontiguousarray(B, dtype=float), False)

    def half_solve(self, B: np.ndarray) -> np.ndarray:
        """(q, r) L^-1 P B; rows in elimination order."""
        with self._lock, blas_threads_for(self.tail):
            return self._workspace.solve(np.ascontiguousarray(B, dtype=float), True)

    def selected(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Omega^-1 on the pattern of Z'WZ: (levels, K, K) per grouping, (entries, K, K) per pair."""
        with self._lock, blas_threads_for(self.tail):
            return self._workspace.selected()

    def lambda_transposed(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Lambda' B."""
        out, at = np.empty_like(B), 0
        for lam, levels, k in zip(self.lambdas, self.cross.levels, self.cross.columns, strict=True):
            rows = slice(at, at + levels * k)
            out[rows] = np.einsum("ab,lar->lbr", lam, B[rows].reshape(levels, k, -1)).reshape(levels * k, -1)
            at += levels * k
        return out

    def times_lambda(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Lambda B."""
        out, at = np.empty_like(B), 0
        for lam, levels, k in zip(self.lambdas, self.cross.levels, self.cross.columns, strict=True):
            rows = slice(at, at + levels * k)
            out[rows] = np.einsum("ab,lbr->lar", lam, B[rows].reshape(levels, k, -1)).reshape(levels * k, -1)
            at += levels * k
        return out

    def u(self) -> np.ndarray:
        """(q,) spherical conditional modes."""
        return self._workspace.u()[:, 0]

    def e(self) -> np.ndarray:
        """(q,) Z'W(y - X beta - Z Lambda u), the residual seen by the random effects."""
        return self._workspace.e()[:, 0]

    def multiply(self, B: np.ndarray) -> np.ndarray:
        """(q, r) Z'WZ B."""
        with self._lock:
            return self._workspace.multiply(np.ascontiguousarray(B, dtype=float))

    def rx(self) -> np.ndarray:
        """(p, p) upper triangular R_XX of the centred and scaled columns."""
        return np.triu(self._workspace.rx()[:-1, :-1].T)  # the core leaves the other triangle as it was


def _every_entry(lambdas: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """All K x K entries as the core takes them, column by column."""
    entries = [
        (f, a, b, f) for f, lam in enumerate(lambdas) for b in range(len(lam)) for a in range(len(lam))
    ]
    return np.array(entries, dtype=np.int32), np.concatenate([lam.T.ravel() for lam in lambdas])
