"""The mixed-model equations in readable NumPy: what the compiled core computes, on dense matrices.

For study and for the tests, which hold the core against it. Costs O((q + p)^3): q up to a few hundred.

The numbers refer to Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67(1); the derivatives are those
of the page "The algorithm".
"""

from __future__ import annotations

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.solve.direct import Evaluation


def dense_zz(cross: CrossProducts) -> np.ndarray:
    """(q, q) Z'WZ from its blocks."""
    at = np.cumsum([0, *(l * k for l, k in zip(cross.levels, cross.columns, strict=True))])
    A = np.zeros((cross.q, cross.q))
    for f, (levels, k) in enumerate(zip(cross.levels, cross.columns, strict=True)):
        for g in range(levels):
            rows = slice(at[f] + g * k, at[f] + (g + 1) * k)
            A[rows, rows] = cross.zz[f][g]
    for pair in cross.pairs:
        ka, kb = cross.columns[pair.first], cross.columns[pair.second]
        for g in range(cross.levels[pair.first]):
            for e in range(pair.start[g], pair.start[g + 1]):
                rows = slice(at[pair.first] + g * ka, at[pair.first] + (g + 1) * ka)
                columns = slice(
                    at[pair.second] + pair.partner[e] * kb, at[pair.second] + (pair.partner[e] + 1) * kb
                )
                A[rows, columns] = pair.blocks[e]
                A[columns, rows] = pair.blocks[e].T
    return A


def relative_factors(cross: CrossProducts, theta: np.ndarray) -> list[np.ndarray]:
    """(K, K) Lambda of one level of every grouping."""
    blocks = [np.zeros((k, k)) for k in cross.columns]
    for (f, row, column, _), value in zip(cross.entries.tolist(), theta, strict=True):
        blocks[f][row, column] = value
    return blocks


def relative_factor(cross: CrossProducts, theta: np.ndarray) -> np.ndarray:
    """(q, q) Lambda(theta): one K x K block per level (eq. 4)."""
    Lambda, at = np.zeros((cross.q, cross.q)), 0
    for block, levels in zip(relative_factors(cross, theta), cross.levels, strict=True):
        size = levels * len(block)
        Lambda[at : at + size, at : at + size] = np.kron(np.eye(levels), block)
        at += size
    return Lambda


def evaluate(cross: CrossProducts, theta: np.ndarray, *, reml: bool) -> Evaluation:
    """Criterion, gradient and average-information curvature on the scaled columns.

    Parameters
    ----------
    cross : CrossProducts
    theta : (n_theta,)
        Lower triangles on the centred and scaled columns, every diagonal different from zero.
    reml : bool

    Returns
    -------
    Evaluation
        `value` without the constant of scaling and weights.
    """
    p, nu = cross.p, cross.n - cross.p if reml else cross.n
    A, Lambda = dense_zz(cross), relative_factor(cross, theta)
    A_zx, A_zy = cross.zx[:, :p], cross.zx[:, p]
    A_xx, A_xy, A_yy = cross.xx[:p, :p], cross.xx[:p, p], cross.xx[p, p]

    Omega = Lambda.T @ A @ Lambda + np.eye(cross.q)  # eq. 18
    L = np.linalg.cholesky(Omega)
    R_zx = np.linalg.solve(L, Lambda.T @ A_zx)  # eq. 18
    R_xx = np.linalg.cholesky(A_xx - R_zx.T @ R_zx).T
    c_u = np.linalg.solve(L, Lambda.T @ A_zy)
    c_beta = np.linalg.solve(R_xx.T, A_xy - R_zx.T @ c_u)
    beta = np.linalg.solve(R_xx, c_beta)
    u = np.linalg.solve(L.T, c_u - R_zx @ beta)
    r2 = A_yy - c_u @ c_u - c_beta @ c_beta  # penalised residual sum of squares, eq. 14
    sigma2 = r2 / nu
    logdet_omega, logdet_rx = 2 * np.log(np.diag(L)).sum(), 2 * np.log(np.diag(R_xx)).sum()
    value = (
        logdet_omega + (logdet_rx if reml else 0.0) + nu * (1 + np.log(2 * np.pi * sigma2))
    )  # eqs 34 and 41

    e = A_zy - A_zx @ beta - A @ Lambda @ u
    Omega_inverse = np.linalg.inv(Omega)
    ATS = A @ Lambda @ Omega_inverse
    if reml:
        K = Omega_inverse @ Lambda.T @ A_zx @ np.linalg.inv(R_xx)
        ATS += (A @ Lambda @ K - A_zx @ np.linalg.inv(R_xx)) @ K.T
    F, M, EU = _term_sums(cross, theta, ATS, e, u, sigma2)
    gradient = np.array([2 * F[f][row, column] for f, row, column, _ in cross.entries.tolist()])
    curvature = _curvature(cross, A, Lambda, L, R_zx, R_xx, e, u, M, EU, r2, nu)
    return Evaluation(
        float(value), gradient, curvature, float(r2), float(logdet_omega), float(logdet_rx), beta, M
    )


def _term_sums(
    cross: CrossProducts, theta: np.ndarray, ATS: np.ndarray, e: np.ndarray, u: np.ndarray, sigma2: float
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """F = sum_g (A T S)_gg - e_g u_g'/sigma2, M = F Lambda^-1, sum_g e_g u_g'; each (K, K) per grouping."""
    F, M, EU, at = [], [], [], 0
    for block, levels in zip(relative_factors(cross, theta), cross.levels, strict=True):
        k = len(block)
        levels_at = [slice(at + g * k, at + (g + 1) * k) for g in range(levels)]
        EU.append(sum((np.outer(e[g], u[g]) for g in levels_at), np.zeros((k, k))))
        F.append(sum((ATS[g, g] for g in levels_at), np.zeros((k, k))) - EU[-1] / sigma2)
        M.append(F[-1] @ np.linalg.inv(block))
        at += levels * k
    return F, M, EU


def _curvature(
    cross: CrossProducts,
    A: np.ndarray,
    Lambda: np.ndarray,
    L: np.ndarray,
    R_zx: np.ndarray,
    R_xx: np.ndarray,
    e: np.ndarray,
    u: np.ndarray,
    M: list[np.ndarray],
    EU: list[np.ndarray],
    r2: float,
    nu: int,
) -> np.ndarray:
    """H = Q + C - nu s s' (average information, Gilmour, Thompson & Cullis 1995)."""
    at = np.cumsum([0, *(l * k for l, k in zip(cross.levels, cross.columns, strict=True))])
    entries = cross.entries.tolist()
    W, s = np.zeros((cross.q, len(entries))), np.zeros(len(entries))
    for j, (f, row, column, _) in enumerate(entries):
        D = np.zeros((cross.q, cross.q))
        levels = at[f] + cross.columns[f] * np.arange(cross.levels[f])
        D[levels + row, levels + column] = 1.0
        W[:, j] = D @ u + Lambda @ D.T @ e
        s[j] = -2 * EU[f][row, column] / r2
    y1 = np.linalg.solve(L, Lambda.T @ A @ W)
    y2 = np.linalg.solve(R_xx.T, cross.zx[:, : cross.p].T @ W - R_zx.T @ y1)
    Q = (W.T @ A @ W - y1.T @ y1 - y2.T @ y2) / (r2 / nu)
    C = np.zeros_like(Q)
    for i, (f, row, column, term) in enumerate(entries):
        for j, (_, other_row, other_column, other_term) in enumerate(entries):
            if term == other_term and column == other_column:
                C[i, j] = M[f][row, other_row] + M[f][other_row, row]
    return Q + C - nu * np.outer(s, s)
