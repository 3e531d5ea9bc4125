"""Gradient and average information from solves alone, for designs too large to factor.

The same formulas as in the page "The algorithm"; what they need of Omega^-1 are solves and the sums over
levels of its diagonal blocks, which probes estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError
from henderson.model.criterion import profiled
from henderson.solve.complement import Complement, buffers_for
from henderson.solve.direct import FAILURES, NO_RESIDUAL, Evaluation
from henderson.solve.iterative import (
    TOL,
    back_substitute,
    multiply,
    reduce_right_side,
    solve_complement,
)
from henderson.solve.levels import Layout
from henderson.solve.preconditioner import times_blocks
from henderson.solve.probes import Probes
from henderson.solve.traces import known_sums, sampled_sums

PIVOT_FLOOR = 1e-3
"""Pivots of Lambda below this are evaluated at it: derivatives by variances hardly change in between."""
NO_DIGITS = 1e-14
"""A residual sum of squares below this share of the response's is rounding."""
SAME_CURVATURE = 0.01
"""Promised decrease, a tenth of a standard error, below which the curvature is not computed again."""
LOOSE = 1e-3
"""Residual of the solves whose result is only used as curvature."""


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """Solution of the mixed-model equations at one theta.

    Attributes
    ----------
    beta : (p,)
    rx : (p, p)
        Upper triangular.
    r2 : float
    u, e : (q, 1)
    K : (q, p)
        Omega^-1 Lambda' Z'WX R_XX^-1.
    sx : (q, p)
        Omega^-1 Lambda' Z'WX.
    """

    beta: np.ndarray
    rx: np.ndarray
    r2: float
    u: np.ndarray
    e: np.ndarray
    K: np.ndarray
    sx: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """An evaluation with what the probes say about its error.

    Attributes
    ----------
    at : Evaluation
        `value` and `logdet_omega` are exact where all probes are; elsewhere zero and NaN.
    gradient_covariance : (n_theta, n_theta)
        Monte Carlo covariance of the gradient.
    iterations : int
        Of the conjugate gradients, all solves together.
    solutions : (q2, p + 1 + s)
        To start the next solve from.
    entries : (n_theta, 4) int32
        Places of theta in Lambda.
    Q : (n_theta, n_theta)
        The part of the curvature that takes solves.
    complement : Complement
        At this theta.
    logdet_gradient : list of (K, K)
        Of log|Omega| by Lambda Lambda' of every grouping.
    """

    at: Evaluation
    gradient_covariance: np.ndarray
    iterations: int
    solutions: np.ndarray
    entries: np.ndarray
    Q: np.ndarray
    complement: Complement
    logdet_gradient: list[np.ndarray]

    @property
    def promised(self) -> float:
        """Decrease that a Newton step promises: its squared length in standard errors of theta."""
        assert self.at.gradient is not None
        assert self.at.curvature is not None
        step = np.linalg.pinv(self.at.curvature, rcond=1e-10, hermitian=True) @ self.at.gradient
        return float(np.abs(self.at.gradient * step).sum() / 2)


def relative_blocks(cross: CrossProducts, entries: np.ndarray, theta: np.ndarray) -> list[np.ndarray]:
    """(K, K) Lambda of one level of every grouping, search coordinates."""
    blocks = [np.zeros((k, k)) for k in cross.columns]
    for (f, row, column, _), value in zip(entries.tolist(), theta.tolist(), strict=True):
        blocks[f][row, column] = value
    return blocks


def floored(entries: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """theta with small pivots (first entries of columns) at the floor, so that Lambda has an inverse."""
    out = theta.copy()
    for i in range(len(theta)):
        pivot = i == 0 or entries[i, 3] != entries[i - 1, 3] or entries[i, 2] != entries[i - 1, 2]
        if pivot and abs(out[i]) < PIVOT_FLOOR:
            out[i] = np.copysign(PIVOT_FLOOR, out[i])
    return out


def sample(
    layout: Layout,
    reml: bool,
    probes: Probes,
    entries: np.ndarray,
    theta: np.ndarray,
    last: Sampled | None = None,
    tol: float = TOL,
) -> Sampled | None:
    """Gradient, average information and their Monte Carlo error at one theta.

    Parameters
    ----------
    layout : Layout
    reml : bool
    probes : Probes
    entries : (n_theta, 4) int32
        Places of theta in Lambda.
    theta : (n_theta,) float64
    last : Sampled, optional
        At another theta: its solutions are where these begin, and where the two are close its Q is kept.
    tol : float

    Returns
    -------
    Sampled or None
        None where X is collinear once the random effects are accounted for.

    Raises
    ------
    FitError
        No residual is left; conjugate gradients do not converge.
    """
    cross, p = layout.cross, layout.cross.p
    typed = relative_blocks(cross, entries, theta)
    lambdas = relative_blocks(cross, entries, floored(entries, theta))
    lambdas = [to if np.array_equal(to, at) else at for to, at in zip(typed, lambdas, strict=True)]
    C = _complement(layout, lambdas, last)
    right = _lambda_transposed(cross, lambdas, cross.zx)
    reduced = reduce_right_side(C, right)
    wanted = np.concatenate([reduced.rest, probes.vectors], axis=1)
    solved = solve_complement(C, wanted, _start(last, wanted), tol)
    x = solved.x[:, : p + 1]
    first = back_substitute(C, reduced, x)
    G = cross.xx - reduced.first.T @ reduced.solved_first - reduced.rest.T @ x
    G -= (
        C.preconditioner.multiply_transposed(x).T @ solved.residual[:, : p + 1]
    )  # exact to second order in the residual
    equations = _equations(C, (G + G.T) / 2, layout.join(first, x), lambdas, typed)
    if equations is None:
        return None
    nu = float(cross.n - p if reml else cross.n)
    traces = sampled_sums(C, probes, solved.x[:, p + 1 :])
    found = _derivatives(C, entries, typed, equations, traces, probes, reml, nu)
    if last is not None and np.array_equal(last.entries, entries) and _is_close(C, last):
        Q, more = last.Q, 0
    else:
        Q, more = _quadratic_forms(C, entries, typed, equations, nu)
    curvature = Q + _added_curvature(cross, entries, equations, found.M, found.EU, nu)
    logdet_rx = 2 * float(np.log(np.diag(equations.rx)).sum())
    logdet = np.nan if probes.drawn else C.logdet
    value = 0.0 if probes.drawn else profiled(cross, reml, logdet, logdet_rx, equations.r2)
    value += _to_first_order(found.M, typed, lambdas)
    at = Evaluation(
        value, found.gradient, curvature, equations.r2, logdet, logdet_rx, equations.beta, found.M
    )
    return Sampled(at, found.covariance, solved.iterations + more, solved.x, entries, Q, C, found.N)


def _complement(layout: Layout, lambdas: list[np.ndarray], last: Sampled | None) -> Complement:
    """The complement at these Lambda; the last one where they have not changed."""
    if last is not None and all(map(np.array_equal, lambdas, last.complement.lambdas)):
        return last.complement
    buffers = buffers_for(layout) if last is None else last.complement.buffers
    return Complement(layout, tuple(lambdas), buffers)


def _is_close(C: Complement, last: Sampled) -> bool:
    """Whether the curvature of the last evaluation will do."""
    return C is last.complement or last.promised < SAME_CURVATURE


def _start(last: Sampled | None, wanted: np.ndarray) -> np.ndarray | None:
    """The last solutions, with zeros for right-hand sides that are new."""
    if last is None or last.solutions.shape[1] > wanted.shape[1]:
        return None
    out = np.zeros_like(wanted)
    out[:, : last.solutions.shape[1]] = last.solutions
    return out


def _lambda_transposed(cross: CrossProducts, lambdas: list[np.ndarray], B: np.ndarray) -> np.ndarray:
    return _each(cross, [lam.T for lam in lambdas], B)


def _each(cross: CrossProducts, blocks: list[np.ndarray], B: np.ndarray) -> np.ndarray:
    out, at = np.empty_like(B), 0
    for block, levels, k in zip(blocks, cross.levels, cross.columns, strict=True):
        rows = slice(at, at + levels * k)
        out[rows] = times_blocks(block, B[rows])
        at += levels * k
    return out


def _by_level(cross: CrossProducts, B: np.ndarray) -> list[np.ndarray]:
    """(levels, K, r) rows of every grouping."""
    out, at = [], 0
    for levels, k in zip(cross.levels, cross.columns, strict=True):
        out.append(B[at : at + levels * k].reshape(levels, k, -1))
        at += levels * k
    return out


def _to_first_order(M: list[np.ndarray], typed: list[np.ndarray], lambdas: list[np.ndarray]) -> float:
    """What the criterion changes from Lambda at the floor to Lambda itself."""
    steps = zip(M, typed, lambdas, strict=True)
    return sum(float((m * (to @ to.T - at @ at.T)).sum()) for m, to, at in steps if to is not at)


def _equations(
    C: Complement, G: np.ndarray, solved: np.ndarray, lambdas: list[np.ndarray], typed: list[np.ndarray]
) -> Equations | None:
    cross, p = C.layout.cross, C.layout.cross.p
    try:
        rx = np.linalg.cholesky(G[:p, :p]).T
    except np.linalg.LinAlgError:
        return None
    c = np.linalg.solve(rx.T, G[:p, p])
    r2 = float(G[p, p] - c @ c)
    if not r2 > NO_DIGITS * cross.xx[p, p]:
        raise FitError(FAILURES[NO_RESIDUAL])
    beta = np.linalg.solve(rx, c)
    sx = solved[:, :p]
    u = (solved[:, p] - sx @ beta)[:, None]
    e = _each(cross, [np.linalg.inv(lam).T for lam in lambdas], u)  # Lambda'e = u at the solution
    if any(to is not at for to, at in zip(typed, lambdas, strict=True)):
        u = _lambda_transposed(cross, typed, e)
    return Equations(beta, rx, r2, u, e, np.linalg.solve(rx.T, sx.T).T, sx)


@dataclass(frozen=True, slots=True, eq=False)
class _Derivatives:
    gradient: np.ndarray
    covariance: np.ndarray
    M: list[np.ndarray]
    EU: list[np.ndarray]
    N: list[np.ndarray]


def _derivatives(
    C: Complement,
    entries: np.ndarray,
    typed: list[np.ndarray],
    equations: Equations,
    traces: list[np.ndarray],
    probes: Probes,
    reml: bool,
    nu: float,
) -> _Derivatives:
    """F = Lambda^-T (levels I - sums of Omega^-1 - K K' [REML]) - sum of e u' / sigma^2; gradient 2 F.

    With F = M Lambda, M the derivative by Lambda Lambda': where pivots are at the floor M is taken there, and
    Lambda is what it is, so that the gradient is zero where a variance is.
    """
    cross = C.layout.cross
    sigma2, F, M, EU, N, draws = equations.r2 / nu, [], [], [], [], []
    parts = (_by_level(cross, v) for v in (equations.e, equations.u, equations.K))
    terms = zip(C.lambdas, typed, cross.levels, known_sums(C), traces, *parts, strict=True)
    for at, lam, levels, given, trace, e, u, K in terms:
        inverse = np.linalg.inv(at)
        back = np.eye(len(at)) if lam is at else inverse @ lam
        known = levels * np.eye(len(lam)) - given
        N.append(inverse.T @ (known - probes.mean(trace)) @ inverse)
        if reml:
            known = known - np.einsum("gap,gbp->ab", K, K, optimize=True)
        EU.append(np.einsum("gar,gbr->ab", e, u, optimize=True))
        EE = np.einsum("gar,gbr->ab", e, e, optimize=True)
        F.append(inverse.T @ (known - probes.mean(trace)) @ back - EU[-1] / sigma2)
        M.append(inverse.T @ (known - probes.mean(trace)) @ inverse - EE / sigma2)
        draws.append(-2 * inverse.T @ trace @ back)
    places = [(f, row, column) for f, row, column, _ in entries.tolist()]
    gradient = np.array([2 * F[f][row, column] for f, row, column in places])
    each = np.stack([draws[f][:, row, column] for f, row, column in places], axis=1)
    return _Derivatives(gradient, probes.covariance_of_mean(each), M, EU, N)


def _quadratic_forms(
    C: Complement, entries: np.ndarray, typed: list[np.ndarray], equations: Equations, nu: float
) -> tuple[np.ndarray, int]:
    """Q = w'(Z'PZ)w / sigma^2, w_j = D_j u + Lambda D_j'e; and the iterations it took."""
    cross, p = C.layout.cross, C.layout.cross.p
    W = np.zeros((cross.q, len(entries)))
    parts = [_by_level(cross, v) for v in (W, equations.u, equations.e)]
    for j, (f, row, column, _) in enumerate(entries.tolist()):
        w, u, e = (part[f] for part in parts)
        w[:, row, j] += u[:, column, 0]
        w[:, :, j] += e[:, row] * typed[f][:, column]
    AW = multiply(C, W)
    right = _lambda_transposed(cross, list(C.lambdas), AW)
    reduced = reduce_right_side(C, right)
    solved = solve_complement(C, reduced.rest, None, LOOSE)
    explained = reduced.first.T @ reduced.solved_first + reduced.rest.T @ solved.x
    y2 = np.linalg.solve(equations.rx.T, cross.zx[:, :p].T @ W - equations.sx.T @ right)
    Q = W.T @ AW - explained - y2.T @ y2
    return (Q + Q.T) / (2 * equations.r2 / nu), solved.iterations


def _added_curvature(
    cross: CrossProducts,
    entries: np.ndarray,
    equations: Equations,
    M: list[np.ndarray],
    EU: list[np.ndarray],
    nu: float,
) -> np.ndarray:
    """C - nu s s': the curvature of Lambda Lambda' itself and that of the profiled sigma."""
    places = entries.tolist()
    s = np.array([-2 * EU[f][row, column] / equations.r2 for f, row, column, _ in places])
    out = -nu * np.outer(s, s)
    for i, (f, row, column, term) in enumerate(places):
        for j, (_, other, other_column, other_term) in enumerate(places):
            if term == other_term and column == other_column:
                out[i, j] += M[f][row, other] + M[f][other, row]
    return out
