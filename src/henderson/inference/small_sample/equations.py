"""The marginal equations of a fit, from its factor: X'V^-1 X and Z'V^-1 X, without the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.estimate import Estimate
    from henderson.solve.direct import Factor

INVERTIBLE = 1e-4
"""Reciprocal condition number from which a factor Lambda is divided by."""


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """X'V^-1 X and Z'V^-1 X, V in units of sigma^2, on the centred and scaled columns.

    Attributes
    ----------
    precision, C : (p, p) float64
        X'V^-1 X and its inverse.
    U : (q, p) float64
        Z'V^-1 X.
    T : (p, p) float64
        beta (user's) = T beta (centred and scaled), but for the shift of the response.
    """

    precision: np.ndarray
    C: np.ndarray
    U: np.ndarray
    T: np.ndarray


def marginal(estimate: Estimate) -> Marginal:
    """Return the marginal equations at the estimate.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    Marginal

    Notes
    -----
    One block solve with p right-hand sides.
    """
    cross, factor = estimate.cross, estimate.factor
    root = factor.rx()
    inverse = np.linalg.inv(root)
    return Marginal(
        root.T @ root,
        inverse @ inverse.T,
        through_inverse(factor, np.ascontiguousarray(cross.zx[:, : cross.p])),
        estimate._x_transform,
    )


def through_inverse(factor: Factor, product: np.ndarray) -> np.ndarray:
    """Turn Z'W B into Z'V^-1 B for any B.

    Z'V^-1 B = Z'W B - A_ZZ Lambda Omega^-1 Lambda' Z'W B; where Lambda can be inverted, its equal
    Lambda^-T Omega^-1 Lambda' Z'W B, which loses no digits when the random effects dominate.

    Parameters
    ----------
    factor : Factor
        Of Omega.
    product : (q, r) float64
        Z'W B.

    Returns
    -------
    (q, r) float64

    Notes
    -----
    One block solve with r right-hand sides.
    """
    inner = factor.solve(factor.lambda_transposed(product))
    regular = [invertible(lam) for lam in factor.lambdas]
    out = inner if all(regular) else product - factor.multiply(factor.times_lambda(inner))
    for f, block in enumerate(split(factor, inner)):
        if regular[f]:
            split(factor, out)[f][...] = np.einsum("ba,lbp->lap", np.linalg.inv(factor.lambdas[f]), block)
    return out


def split(factor: Factor, B: np.ndarray) -> tuple[np.ndarray, ...]:
    """(levels, K, r) views of the rows of B (q, r), per grouping."""
    out, at = [], 0
    for levels, k in zip(factor.cross.levels, factor.cross.columns, strict=True):
        out.append(B[at : at + levels * k].reshape(levels, k, B.shape[1]))
        at += levels * k
    return tuple(out)


def invertible(lam: np.ndarray) -> bool:
    """Whether dividing by a (K, K) factor costs few digits."""
    values = np.linalg.svd(lam, compute_uv=False)
    return bool(values[-1] > INVERTIBLE * max(1.0, values[0]))
