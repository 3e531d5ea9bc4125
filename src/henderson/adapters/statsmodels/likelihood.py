"""The likelihood that statsmodels evaluates, with its score and Hessian, from sums of products.

V_i = I + Z_i G Z_i' in units of the scale, which is profiled out. With S_i = (I + A_i G)^-1, A_i = Z_i'Z_i,

    Z'V^-1 Z = S A,    Z'V^-1 X = S B,    X'V^-1 X = X'X - sum_i B_i'G S_i B_i,    log|V_i| = log|I + A_i G|,

which hold where G is singular too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.adapters.statsmodels.parameters import MixedLMParams
from henderson.adapters.statsmodels.sums import Bundle, GroupSums

LOG_TWO_PI = 1.8378770664093453


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """One bundle of groups at given parameters.

    Attributes
    ----------
    bundle : Bundle
    G : (K, K) float64
        Covariance of the effects of one group, in units of the scale.
    W : (b, K, K) float64
        Z'V^-1 Z.
    P : (b, K, p) float64
        Z'V^-1 X.
    z : (b, K) float64
        Z'V^-1 r.
    """

    bundle: Bundle
    G: np.ndarray
    W: np.ndarray
    P: np.ndarray
    z: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """All rows at given parameters.

    Attributes
    ----------
    parts : tuple of Reduced
    xvx : (p, p) float64
        X'V^-1 X.
    xvr : (p,) float64
        X'V^-1 r.
    rvr : float
        r'V^-1 r.
    logdet : float
        log|V|.
    """

    parts: tuple[Reduced, ...]
    xvx: np.ndarray
    xvr: np.ndarray
    rvr: float
    logdet: float


def effects_covariance(bundle: Bundle, cov_re: np.ndarray, vcomp: np.ndarray) -> np.ndarray:
    """Covariance of the effects of one group of a bundle, (K, K)."""
    k = len(cov_re)
    G = np.diag(np.concatenate([np.zeros(k), vcomp[bundle.component[k:]]]))
    G[:k, :k] = cov_re
    return G


def marginal(
    sums: GroupSums, cov_re: np.ndarray, vcomp: np.ndarray, beta: np.ndarray | None = None
) -> Marginal:
    """Reduce all rows at given covariance parameters.

    Parameters
    ----------
    sums : GroupSums
        The model.
    cov_re : (k_re, k_re) float64
        Covariance of the random coefficients, in units of the scale.
    vcomp : (k_vc,) float64
        Variance components, likewise.
    beta : (p,) float64, optional
        Fixed effects that the residuals are taken from; by default `beta0` of the sums.

    Notes
    -----
    O(sum over groups of K_i^2 (K_i + p)).
    """
    move = np.zeros(sums.p) if beta is None else beta - sums.beta0
    xvx, xvr = sums.xx.copy(), sums.xy - sums.xx @ move
    rvr = sums.yy - 2 * float(move @ sums.xy) + float(move @ sums.xx @ move)
    parts, logdet = [], 0.0
    for bundle in sums.bundles:
        G = effects_covariance(bundle, cov_re, vcomp)
        c = bundle.c - bundle.B @ move
        S, K, p = np.eye(len(G)) + bundle.A @ G, len(G), sums.p
        both = np.linalg.solve(S, np.concatenate([bundle.A, bundle.B, c[..., None]], axis=2)) if K else None
        if both is None:
            continue
        W, P, z = both[..., :K], both[..., K : K + p], both[..., -1]
        GP, Gz = G @ P, z @ G
        xvx -= np.einsum("bkp,bkq->pq", bundle.B, GP)
        xvr -= np.einsum("bkp,bk->p", bundle.B, Gz)
        rvr -= float(np.einsum("bk,bk->", c, Gz))
        logdet += float(np.linalg.slogdet(S)[1].sum())
        parts.append(Reduced(bundle, G, (W + W.transpose(0, 2, 1)) / 2, P, z))
    return Marginal(tuple(parts), (xvx + xvx.T) / 2, xvr, rvr, logdet)


def generalised_least_squares(sums: GroupSums, cov_re: np.ndarray, vcomp: np.ndarray) -> np.ndarray:
    """Fixed effects that are best at given covariance parameters, (p,)."""
    at = marginal(sums, cov_re, vcomp)
    return np.asarray(sums.beta0 + np.linalg.solve(at.xvx, at.xvr)) if sums.p else np.zeros(0)


def degrees(sums: GroupSums, reml: bool) -> int:
    """What the scale is divided by: n, or n - p with REML."""
    return sums.n - sums.p if reml else sums.n


def loglike(sums: GroupSums, params: MixedLMParams, *, reml: bool) -> float:
    """Log-likelihood with the scale profiled out; REML less half of log|X'V^-1 X|.

    Parameters
    ----------
    sums : GroupSums
        The model.
    params : MixedLMParams
        Where; the fixed effects are taken as they are.
    reml : bool
        Restricted likelihood or not.
    """
    at, nu = marginal(sums, params.cov_re, params.vcomp, params.fe_params), degrees(sums, reml)
    value = -0.5 * (at.logdet + nu * (1 + LOG_TWO_PI + np.log(at.rvr / nu)))
    return float(value - 0.5 * np.linalg.slogdet(at.xvx)[1]) if reml and sums.p else float(value)


def derivatives_of(part: Reduced, k_re: int, k_vc: int) -> list[np.ndarray]:
    """dG by every covariance parameter, (K, K) each: the lower triangle by rows, then the components."""
    out = []
    for row in range(k_re):
        for column in range(row + 1):
            D = np.zeros_like(part.G)
            D[row, column] = D[column, row] = 1.0
            out.append(D)
    return out + [np.diag((part.bundle.component == j).astype(float)) for j in range(k_vc)]


def score(sums: GroupSums, params: MixedLMParams, *, reml: bool) -> tuple[np.ndarray, np.ndarray]:
    """Score by the fixed effects (p,) and by covariance parameters and components (k_re2 + k_vc,).

    Notes
    -----
    By the covariance matrix itself, not its root: see `chain_to_roots`.
    """
    at, fac = marginal(sums, params.cov_re, params.vcomp, params.fe_params), degrees(sums, reml)
    count = params.k_re2 + params.k_vc
    by_cov, C = np.zeros(count), np.linalg.inv(at.xvx)
    for part in at.parts:
        for j, D in enumerate(derivatives_of(part, params.k_re, params.k_vc)):
            by_cov[j] -= 0.5 * np.einsum("bkl,lk->", part.W, D)
            by_cov[j] += 0.5 * fac / at.rvr * np.einsum("bk,kl,bl->", part.z, D, part.z)
            if reml:
                by_cov[j] += 0.5 * np.einsum("pq,bkp,kl,blq->", C, part.P, D, part.P, optimize=True)
    return fac * at.xvr / at.rvr, by_cov


def hessian(sums: GroupSums, params: MixedLMParams, *, reml: bool) -> np.ndarray:
    """Hessian by fixed effects, covariance parameters and components, all in units of the scale.

    Parameters
    ----------
    sums : GroupSums
        The model.
    params : MixedLMParams
        Where; the fixed effects are taken to be the best at these covariance parameters.
    reml : bool
        Restricted likelihood or not.

    Returns
    -------
    (k_fe + k_re2 + k_vc,) * 2 float64

    Notes
    -----
    O(k^2 sum over groups of K_i^2 (K_i + p)) for k covariance parameters.
    """
    at, fac = marginal(sums, params.cov_re, params.vcomp, params.fe_params), degrees(sums, reml)
    m, p = params.k_re2 + params.k_vc, sums.p
    traces, D2, by_both, B = np.zeros((m, m)), np.zeros((m, m)), np.zeros((m, p)), np.zeros(m)
    T, F = np.zeros((m, p, p)), np.zeros((m, m, p, p))
    for part in at.parts:
        D = derivatives_of(part, params.k_re, params.k_vc)
        DP, Dz = [d @ part.P for d in D], [part.z @ d for d in D]
        WD = [part.W @ d for d in D]
        WDP = [part.W @ x for x in DP]
        WDz = [np.einsum("bkl,bl->bk", part.W, x) for x in Dz]
        for i in range(m):
            B[i] += np.einsum("bk,bk->", part.z, Dz[i])
            by_both[i] += np.einsum("bkp,bk->p", part.P, Dz[i])
            T[i] += np.einsum("bkp,bkq->pq", part.P, DP[i])
            for j in range(i + 1):
                traces[i, j] += 0.5 * np.einsum("bkl,blk->", WD[i], WD[j])
                D2[i, j] += 2 * np.einsum("bk,bk->", Dz[i], WDz[j])
                F[i, j] += np.einsum("bkp,bkq->pq", DP[i], WDP[j]) if reml else 0.0
    inner = traces - 0.5 * fac * (D2 / at.rvr - np.outer(B, B) / at.rvr**2)
    if reml and p:
        C = np.linalg.inv(at.xvx)
        Q = C @ T
        inner += 0.5 * (np.einsum("ipq,jqp->ij", Q, Q) - 2 * np.einsum("pq,ijqp->ij", C, F))
    inner = np.tril(inner) + np.tril(inner, -1).T
    out = np.empty((p + m, p + m))
    out[:p, :p], out[p:, p:] = -fac * at.xvx / at.rvr, inner
    out[p:, :p] = -fac * by_both / at.rvr
    out[:p, p:] = out[p:, :p].T
    return out


def chain_to_roots(params: MixedLMParams, by_cov: np.ndarray) -> np.ndarray:
    """Turn a score by variances into one by the Cholesky factor and by standard deviations.

    With L L' = cov and S the symmetric matrix of scores, off-diagonals halved: dl/dL = 2 S L.
    """
    from henderson.adapters.statsmodels.parameters import covariance_root

    lower = np.tril_indices(params.k_re)
    S = np.zeros((params.k_re, params.k_re))
    S[lower] = by_cov[: params.k_re2]
    S = (S + S.T) / 2
    by_root = 2 * S @ covariance_root(params.cov_re)
    return np.concatenate([by_root[lower], 2 * np.sqrt(params.vcomp) * by_cov[params.k_re2 :]])
