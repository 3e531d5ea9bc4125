"""Data far from zero, and the criterion by orthogonal transformations of their rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from henderson.design import build


def far(mean: float, seed: int = 1, n: int = 240) -> pd.DataFrame:
    """`d` varies about zero, `x` is the same about `mean`; both are exact in binary."""
    rng = np.random.default_rng(seed)
    g, h = rng.integers(0, 12, n), rng.integers(0, 8, n)
    d, f = np.round(rng.normal(size=n) * 2**20) / 2**20, rng.choice(list("pqr"), n)
    data = pd.DataFrame({"d": d, "x": d + mean, "f": f, "t": rng.random(n) > 0.4, "g": g, "h": h})
    slopes = np.where(f == "q", 1.5, 0.5)
    data["y"] = 3 + slopes * d + rng.normal(size=12)[g] + 0.7 * rng.normal(size=8)[h] + rng.normal(size=n)
    return data


def by_rows(formula, data, fit):
    """REML criterion at the fit's theta, by orthogonal transformations of the rows, no products."""
    design = build(formula, data)
    V = np.eye(design.n)
    for term, lam in zip(design.terms, fit.estimate.lambdas, strict=True):
        codes = design.groupings[term.grouping].codes
        Z = np.column_stack(term.columns) @ lam
        V += (Z @ Z.T) * (codes[:, None] == codes)
    L = np.linalg.cholesky(V)
    R = np.linalg.qr(solve_triangular(L, np.column_stack([design.X, design.y]), lower=True), mode="r")
    left, nu = np.log(np.abs(np.diagonal(R))), design.n - design.p
    return (
        2 * np.log(np.diagonal(L)).sum()
        + 2 * left[:-1].sum()
        + nu * (1 + np.log(2 * np.pi / nu))
        + (2 * nu * left[-1])
    )
