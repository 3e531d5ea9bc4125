"""Kenward and Roger's paper with V written out, n x n: for comparison only.

`linear_parts` takes the entries of the covariance matrices as parameters (all second derivatives vanish);
`cholesky_parts` those of their Cholesky factors, as SAS's ``type=fa0``.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np


def term_blocks(design):
    """For every term: Z (n, levels, k)."""
    out = []
    for term in design.terms:
        codes = design.groupings[term.grouping].codes
        Z = np.zeros((design.n, int(codes.max()) + 1, term.k))
        for j, column in enumerate(term.columns):
            Z[np.arange(design.n), codes, j] = column
        out.append(Z)
    return out


def weights_of(design, weighted=True):
    return np.ones(design.n) if design.weights is None or not weighted else design.weights


def covariance(design, estimate, *, weighted=True):
    """V (n, n)."""
    V = np.diag(estimate.sigma**2 / weights_of(design, weighted))
    for Z, lam in zip(term_blocks(design), estimate.lambdas, strict=True):
        V += estimate.sigma**2 * np.einsum("ilk,kh,jlh->ij", Z, lam @ lam.T, Z)
    return V


def linear_parts(design, *, weighted=True):
    """dV by every entry of every term's covariance matrix (lower triangle by columns), then sigma^2."""
    out = []
    for Z in term_blocks(design):
        k = Z.shape[2]
        for b in range(k):
            for a in range(b, k):
                G = np.einsum("il,jl->ij", Z[:, :, a], Z[:, :, b])
                out.append(G if a == b else G + G.T)
    return [*out, np.diag(1 / weights_of(design, weighted))]


def cholesky_parts(design, estimate):
    """dV and d2V by the entries of the Cholesky factors of the covariance matrices, then sigma^2."""
    first, second, owner = [], {}, []
    for t, (Z, lam) in enumerate(zip(term_blocks(design), estimate.lambdas, strict=True)):
        L, k = estimate.sigma * lam, Z.shape[2]
        units = []
        for b in range(k):
            for a in range(b, k):
                E = np.zeros((k, k))
                E[a, b] = 1.0
                units.append(E)
        for E in units:
            first.append(np.einsum("ilk,kh,jlh->ij", Z, E @ L.T + L @ E.T, Z))
            owner.append((t, E, Z))
    for i, (t, E, Z) in enumerate(owner):
        for j, (s, F, _) in enumerate(owner):
            if t == s:
                second[i, j] = np.einsum("ilk,kh,jlh->ij", Z, E @ F.T + F @ E.T, Z)
    return [*first, np.diag(1 / weights_of(design))], second


def kenward_roger(design, estimate, parts, second=None, *, information="expected", weighted=True):
    """Phi, the adjusted Phi, W and the derivatives of Phi, from the formulas of the paper."""
    second = second or {}
    V = covariance(design, estimate, weighted=weighted)
    Vi, X = np.linalg.inv(V), design.X
    phi = np.linalg.inv(X.T @ Vi @ X)
    P = Vi - Vi @ X @ phi @ X.T @ Vi
    y = design.y - (0 if design.offset is None else design.offset)
    m = len(parts)
    PG = [P @ G for G in parts]
    I = np.array([[np.trace(a @ b) for b in PG] for a in PG])
    if information == "observed":
        I = 2 * np.array([[y @ a @ b @ P @ y for b in PG] for a in PG]) - I
        for (i, j), G in second.items():
            I[i, j] += np.trace(P @ G) - y @ P @ G @ P @ y
    W = 2 * np.linalg.inv(I)
    Ps = [-X.T @ Vi @ G @ Vi @ X for G in parts]
    middle = np.zeros_like(phi)
    for i in range(m):
        for j in range(m):
            Q = X.T @ Vi @ parts[i] @ Vi @ parts[j] @ Vi @ X
            R = X.T @ Vi @ second[i, j] @ Vi @ X if (i, j) in second else 0.0
            middle += W[i, j] * (Q - Ps[i] @ phi @ Ps[j] - R / 4)
    adjusted = phi + 2 * phi @ middle @ phi
    gradient = np.array([-phi @ p @ phi for p in Ps])
    return SimpleNamespace(phi=phi, adjusted=(adjusted + adjusted.T) / 2, W=W, gradient=gradient, P=Ps)


def f_scale(dense, L):
    """lambda and m of the paper, with Theta = L'(L Phi L')^-1 L."""
    r, phi = len(L), dense.phi
    theta = L.T @ np.linalg.inv(L @ phi @ L.T) @ L
    first = [theta @ phi @ P @ phi for P in dense.P]
    A1 = sum(
        dense.W[i, j] * np.trace(a) * np.trace(b) for i, a in enumerate(first) for j, b in enumerate(first)
    )
    A2 = sum(dense.W[i, j] * np.trace(a @ b) for i, a in enumerate(first) for j, b in enumerate(first))
    B = (A1 + 6 * A2) / (2 * r)
    g = ((r + 1) * A1 - (r + 4) * A2) / ((r + 2) * A2)
    c1, c2, c3 = (x / (3 * r + 2 * (1 - g)) for x in (g, r - g, r + 2 - g))
    E = 1 / (1 - A2 / r)
    V = 2 / r * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
    rho = V / (2 * E**2)
    m = 4 + (r + 2) / (r * rho - 1)
    return m / (E * (m - 2)), m


def deviance(design, theta, sigma, *, reml):
    """REML criterion or ML deviance, not profiled over sigma; works for complex theta and sigma."""
    V = np.diag((1 / weights_of(design)).astype(complex))
    at = 0
    for Z in term_blocks(design):
        k = Z.shape[2]
        lam = np.zeros((k, k), dtype=complex)
        for b in range(k):
            lam[b:, b] = theta[at : at + k - b]
            at += k - b
        V += np.einsum("ilk,kh,jlh->ij", Z, lam @ lam.T, Z)
    V = sigma**2 * V
    X, y = design.X, design.y - (0 if design.offset is None else design.offset)
    Vi = np.linalg.inv(V)
    XVX = X.T @ Vi @ X
    r = y - X @ np.linalg.solve(XVX, X.T @ Vi @ y)
    logdet = np.linalg.slogdet(V)
    out = np.log(logdet[0]) + logdet[1] + r @ Vi @ r
    if reml:
        small = np.linalg.slogdet(XVX)
        out += np.log(small[0]) + small[1]
    return out
