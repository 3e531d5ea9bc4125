"""The ML deviance of standard deviations, correlations, sigma and fixed effects by its definition, n x n.

    D = log|V| + (y - X beta)' V^-1 (y - X beta) + n log(2 pi),   V = Z (I x Sigma) Z' + sigma^2 W^-1

Sigma is put together from the standard deviations and correlations themselves, and the minimum with one of
them held is found by a general optimiser: nothing is shared with the package.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from henderson.inference.intervals.parameters import parameters
from tests.inference.dense import z_matrix


def covariance(sd: np.ndarray, cor: np.ndarray) -> np.ndarray:
    """(k, k) from standard deviations and the correlations below the diagonal, column by column."""
    R = np.eye(len(sd))
    R[np.tril_indices(len(sd), -1)] = 0.0
    at = 0
    for b in range(len(sd)):
        for a in range(b + 1, len(sd)):
            R[a, b] = R[b, a] = cor[at]
            at += 1
    return np.outer(sd, sd) * R


class Dense:
    """Deviance of one design as a function of all its parameters, in the order of `parameters`."""

    def __init__(self, design):
        self.design, self.every = design, parameters(design)
        self.Z = z_matrix(design)
        self.y = design.y if design.offset is None else design.y - design.offset
        self.noise = np.ones(design.n) if design.weights is None else 1 / design.weights

    def random_part(self, values: np.ndarray) -> np.ndarray:
        """Z (I x Sigma) Z', (n, n)."""
        design, blocks = self.design, []
        at = 0
        for f, grouping in enumerate(design.groupings):
            one = []
            for i, term in enumerate(design.terms):
                if term.grouping == f:
                    mine = [v for p, v in zip(self.every, values, strict=True) if p.term == i]
                    kinds = [p.kind for p in self.every if p.term == i]
                    sd = np.array([v for v, kind in zip(mine, kinds, strict=True) if kind == "sd"])
                    cor = np.array([v for v, kind in zip(mine, kinds, strict=True) if kind == "cor"])
                    one.append(covariance(sd, cor))
            wide = sum(map(len, one))
            whole, place = np.zeros((wide, wide)), 0
            for block in one:
                whole[place : place + len(block), place : place + len(block)] = block
                place += len(block)
            levels = len(grouping.levels)
            Z = self.Z[:, at : at + levels * wide].reshape(design.n, levels, wide)
            blocks.append(np.einsum("nla,ab,mlb->nm", Z, whole, Z, optimize=True))
            at += levels * wide
        return sum(blocks)

    def deviance(self, values: np.ndarray) -> float:
        """D of all parameters."""
        kinds = [p.kind for p in self.every]
        sigma = values[kinds.index("sigma")]
        V = self.random_part(values) + np.diag(sigma**2 * self.noise)
        beta = np.array([v for v, kind in zip(values, kinds, strict=True) if kind == "beta"])
        r = self.y - self.design.X @ beta
        sign, logdet = np.linalg.slogdet(V)
        if sign <= 0:
            return np.inf
        return float(logdet + r @ np.linalg.solve(V, r) + self.design.n * np.log(2 * np.pi))

    def bounds(self) -> list[tuple[float | None, float | None]]:
        """What every parameter may be."""
        known = {"sd": (0.0, None), "cor": (-1.0, 1.0), "sigma": (1e-8, None), "beta": (None, None)}
        return [known[p.kind] for p in self.every]

    def held(self, name: str, value: float, start: np.ndarray) -> float:
        """The least D with one parameter held, from a start (all parameters)."""
        names = [p.name for p in self.every]
        place = names.index(name)
        free = [i for i in range(len(names)) if i != place]
        scale = np.maximum(np.abs(start[free]), 0.1)
        bounds = [
            tuple(None if end is None else end / s for end in self.bounds()[i])
            for i, s in zip(free, scale, strict=True)
        ]

        def whole(x):
            values = start.copy()
            values[free], values[place] = x * scale, value
            return values

        best, x = np.inf, start[free] / scale
        for _ in range(3):  # restarts take the optimiser off its own rounding
            found = minimize(
                lambda x: self.deviance(whole(x)),
                x,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
            )
            best, x = min(best, float(found.fun)), found.x
        return best
