"""Dense formulas for everything the answers are made of: n x n on purpose, for comparison only."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from henderson.design.record import Design, Grouping, RandomTerm


def build_design(
    y, X, x_names, blocks, *, weights=None, offset=None, dropped=(), all_x_names=None, response="y"
):
    """A `Design` from arrays; `blocks` is a list of (group name, labels (n,), {column name: (n,)})."""
    groupings, terms, seen = [], [], {}
    for name, labels, columns in blocks:
        if name not in seen:
            levels, codes = np.unique(np.asarray(labels), return_inverse=True)
            seen[name] = len(groupings)
            groupings.append(Grouping(name, codes.astype(np.int32), tuple(levels.tolist())))
        values = tuple(np.ascontiguousarray(v, dtype=float) for v in columns.values())
        terms.append(RandomTerm(seen[name], tuple(columns), values))
    X = np.asfortranarray(X, dtype=float)
    constant = [j for j in range(X.shape[1]) if np.all(X[:, j] == 1)]
    return Design(
        y=np.asarray(y, float),
        X=X,
        x_names=tuple(x_names),
        intercept=constant[0] if constant else None,
        dropped=tuple(dropped),
        all_x_names=tuple(all_x_names or x_names),
        offset=offset,
        weights=weights,
        groupings=tuple(groupings),
        terms=tuple(terms),
        response=response,
        kept_rows=None,
        n_input=len(y),
        spec=None,
    )


def z_matrix(design):
    """Z (n, q), external order: groupings, then levels, then the columns of the grouping's terms."""
    blocks = []
    for f, grouping in enumerate(design.groupings):
        columns = [c for t in design.terms if t.grouping == f for c in t.columns]
        levels, wide = len(grouping.levels), len(columns)
        Z = np.zeros((design.n, levels * wide))
        for j, column in enumerate(columns):
            Z[np.arange(design.n), grouping.codes * wide + j] = column
        blocks.append(Z)
    return np.hstack(blocks)


def lambda_matrix(design, lambdas):
    """Lambda (q, q), block diagonal in the same order."""
    blocks = []
    for f, grouping in enumerate(design.groupings):
        own = [lambdas[i] for i, t in enumerate(design.terms) if t.grouping == f]
        wide = sum(len(b) for b in own)
        one, at = np.zeros((wide, wide)), 0
        for block in own:
            one[at : at + len(block), at : at + len(block)] = block
            at += len(block)
        blocks.append(np.kron(np.eye(len(grouping.levels)), one))
    out = np.zeros((sum(map(len, blocks)),) * 2)
    at = 0
    for block in blocks:
        out[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return out


def split_theta(design, theta):
    """One lower-triangular block per term from lme4's theta (column-major lower triangles)."""
    out, at = [], 0
    for term in design.terms:
        block = np.zeros((term.k, term.k))
        for b in range(term.k):
            for a in range(b, term.k):
                block[a, b] = theta[at]
                at += 1
        out.append(block)
    return tuple(out)


def dense_fit(design, theta, *, reml=True):
    """The whole model at `theta`, from V (n, n): an object with the fields of an Estimate and a few more."""
    n, p = design.n, design.p
    lambdas, Z = split_theta(design, theta), z_matrix(design)
    L = lambda_matrix(design, lambdas)
    w = np.ones(n) if design.weights is None else design.weights
    y = design.y - (0 if design.offset is None else design.offset)
    V = Z @ L @ L.T @ Z.T + np.diag(1 / w)
    Vi = np.linalg.inv(V)
    RX = np.linalg.cholesky(design.X.T @ Vi @ design.X).T
    beta = np.linalg.solve(design.X.T @ Vi @ design.X, design.X.T @ Vi @ y)
    r = y - design.X @ beta
    pwrss = float(r @ Vi @ r)
    nu = n - p if reml else n
    sigma = np.sqrt(pwrss / nu)
    u = L.T @ Z.T @ Vi @ r
    b = L @ u
    Omega = L.T @ (Z.T * w) @ Z @ L + np.eye(Z.shape[1])
    C = np.linalg.cholesky(Omega)
    ld_omega, ld_rx = 2 * np.log(np.diag(C)).sum(), 2 * np.log(np.abs(np.diag(RX))).sum()
    criterion = (
        ld_omega + nu * (1 + np.log(2 * np.pi * pwrss / nu)) - np.log(w).sum() + (ld_rx if reml else 0)
    )
    shape = [
        (len(g.levels), sum(t.k for t in design.terms if t.grouping == f))
        for f, g in enumerate(design.groupings)
    ]
    cut = np.cumsum([0] + [a * c for a, c in shape])
    split = lambda v: tuple(v[cut[i] : cut[i + 1]].reshape(shape[i]) for i in range(len(shape)))  # noqa: E731
    factor = SimpleNamespace(
        solve=lambda B: cho_solve((C, True), B), half_solve=lambda B: solve_triangular(C, B, lower=True)
    )
    singular = any(np.any(np.abs(np.diag(block)) < 1e-4) for block in lambdas)
    return SimpleNamespace(
        reml=reml,
        theta=np.asarray(theta),
        theta_names=theta_names(design),
        lambdas=lambdas,
        beta=beta,
        sigma=sigma,
        vcov=sigma**2 * np.linalg.inv(RX.T @ RX),
        RX=RX,
        u=split(u),
        b=split(b),
        criterion=criterion,
        logdet_omega=ld_omega,
        logdet_rx=ld_rx,
        pwrss=pwrss,
        nu=nu,
        singular=singular,
        ranks=tuple(int(np.linalg.matrix_rank(block, tol=1e-4)) for block in lambdas),
        zx=cho_solve((C, True), L.T @ (Z.T * w) @ design.X),
        factor=factor,
        search=SimpleNamespace(evaluations=5, converged=True, message="converged"),
        kkt=None,
        Z=Z,
        L=L,
        V=V,
        Vi=Vi,
        Omega=Omega,
    )


def theta_names(design):
    """lme4's names: Subject.(Intercept), Subject.Days.(Intercept), Subject.Days."""
    out = []
    for term in design.terms:
        group = design.groupings[term.grouping].name
        for b in range(term.k):
            for a in range(b, term.k):
                out.append(f"{group}.{term.names[a]}" + ("" if a == b else f".{term.names[b]}"))
    return tuple(out)


def joint_error_covariance(design, est):
    """Cov of (beta_hat - beta, b_hat - b), (p+q, p+q), from Henderson's mixed-model equations."""
    w = np.ones(design.n) if design.weights is None else design.weights
    ZL = est.Z @ est.L
    M = np.hstack([design.X, ZL])
    C = (M.T * w) @ M
    C[design.p :, design.p :] += np.eye(ZL.shape[1])
    T = np.eye(len(C))
    T[design.p :, design.p :] = est.L
    return est.sigma**2 * T @ np.linalg.inv(C) @ T.T
