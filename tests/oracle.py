"""The linear mixed model by its definition: dense n x n matrices, marginal covariance, log-determinants.

Nothing here uses the mixed-model equations, the penalised least squares or anything else that the package
computes with, so the two can only agree by both being right::

    y ~ N(X beta + offset, sigma^2 V),    V = Z Lambda Lambda' Z' + W^-1

    f = log|V| + nu (1 + log(2 pi r^2 / nu)) + [REML] log|X' V^-1 X|
    r^2 = (y - o - X beta)' V^-1 (y - o - X beta)

Derivatives are complex steps: f is an analytic function of theta, so Im f(theta + i h) / h is the derivative
to the last digit for h = 1e-30.  Cost O(n^3); meant for n up to a few hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from henderson.design.record import Design

STEP = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Dense arrays of one model.

    Attributes
    ----------
    y : (n,) response, offset subtracted
    X : (n, p)
    Z : (n, q) columns by grouping, level-major, as `Design.groupings` and `Design.terms` order them
    w : (n,) weights
    entries : list of n_theta pairs (rows, columns) of int arrays: where theta[j] stands in Lambda
    groupings : list of (levels, columns per level)
    reml : bool
    """

    y: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    w: np.ndarray
    entries: tuple[tuple[np.ndarray, np.ndarray], ...]
    groupings: tuple[tuple[int, int], ...]
    reml: bool

    @property
    def nu(self) -> int:
        """Divisor of sigma^2: n for ML, n - p for REML."""
        return len(self.y) - (self.X.shape[1] if self.reml else 0)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Everything that follows from theta.

    Attributes
    ----------
    criterion : float
        -2 log-likelihood, restricted for REML, profiled over beta and sigma.
    beta, se : (p,)
    vcov : (p, p)
    sigma : float
    b : tuple per grouping of (levels, columns)
        Best linear unbiased predictions.
    condvar : tuple per grouping of (levels, columns, columns)
        Var(b | y) at known beta.
    fitted : (n,) without the offset
    hat : (n,) diagonal of d fitted / d y
    """

    criterion: float
    beta: np.ndarray
    se: np.ndarray
    vcov: np.ndarray
    sigma: float
    b: tuple[np.ndarray, ...]
    condvar: tuple[np.ndarray, ...]
    fitted: np.ndarray
    hat: np.ndarray


def problem(design: Design, reml: bool = True) -> Problem:
    """Write a design out densely."""
    blocks: list[np.ndarray] = []
    groupings = []
    starts: dict[int, int] = {}  # term -> first column of the term within its level
    offsets = []
    offset = 0
    for f, grouping in enumerate(design.groupings):
        columns: list[np.ndarray] = []
        for t, term in enumerate(design.terms):
            if term.grouping == f:
                starts[t] = len(columns)
                columns += list(term.columns)
        levels, width = len(grouping.levels), len(columns)
        block = np.zeros((design.n, levels * width))
        for j, column in enumerate(columns):
            block[np.arange(design.n), grouping.codes * width + j] = column
        blocks.append(block)
        groupings.append((levels, width))
        offsets.append(offset)
        offset += levels * width
    entries = []
    for t, term in enumerate(design.terms):
        levels, width = groupings[term.grouping]
        first = offsets[term.grouping] + width * np.arange(levels) + starts[t]
        entries += [(first + i, first + j) for j in range(term.k) for i in range(j, term.k)]
    y = design.y if design.offset is None else design.y - design.offset
    w = np.ones(design.n) if design.weights is None else design.weights
    return Problem(y, np.asarray(design.X), np.hstack(blocks), w, tuple(entries), tuple(groupings), reml)


def relative_factor(model: Problem, theta: np.ndarray) -> np.ndarray:
    """Lambda (q, q), lower triangular."""
    q = model.Z.shape[1]
    out = np.zeros((q, q), dtype=np.asarray(theta).dtype)
    for value, (rows, columns) in zip(theta, model.entries, strict=True):
        out[rows, columns] = value
    return out


def marginal(model: Problem, theta: np.ndarray) -> np.ndarray:
    """V (n, n), in units of sigma^2."""
    half = model.Z @ relative_factor(model, theta)
    return half @ half.T + np.diag(1 / model.w)


def log_determinant(matrix: np.ndarray) -> complex | float:
    """log|matrix|, analytic in its entries so that a complex step passes through."""
    sign, size = np.linalg.slogdet(matrix)
    return np.log(sign) + size if np.iscomplexobj(matrix) else size


def criterion(model: Problem, theta: np.ndarray) -> complex | float:
    """f(theta); complex theta gives the analytic continuation."""
    V = marginal(model, np.asarray(theta))
    right = np.linalg.solve(V, np.column_stack([model.X, model.y]))
    information = model.X.T @ right[:, :-1]
    beta = np.linalg.solve(information, model.X.T @ right[:, -1])
    r2 = model.y @ right[:, -1] - (model.X.T @ right[:, -1]) @ beta
    f = log_determinant(V) + model.nu * (1 + np.log(2 * np.pi * r2 / model.nu))
    return f + log_determinant(information) if model.reml else f


def gradient(model: Problem, theta: np.ndarray) -> np.ndarray:
    """df/dtheta (n_theta,) by complex steps."""
    out = np.empty(len(theta))
    for j in range(len(theta)):
        stepped = np.array(theta, dtype=complex)
        stepped[j] += 1j * STEP
        out[j] = np.imag(criterion(model, stepped)) / STEP
    return out


def hessian(model: Problem, theta: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Second derivatives (n_theta, n_theta): central differences of the complex-step gradient."""
    columns = []
    for j in range(len(theta)):
        move = np.zeros(len(theta))
        move[j] = step
        columns.append((gradient(model, theta + move) - gradient(model, theta - move)) / (2 * step))
    out = np.array(columns)
    return (out + out.T) / 2


def average_information(model: Problem, theta: np.ndarray) -> np.ndarray:
    """Curvature (n_theta, n_theta) with the traces of the exact Hessian averaged away.

    With V_j = dV/dtheta_j, V_jk the second derivatives, R = Py and G = df/dV = P - RR'/sigma^2
    (V^-1 in place of the first P for ML)::

        H_jk = R' V_j P V_k R / sigma^2 + tr(G V_jk) - (R' V_j R)(R' V_k R) / (nu sigma^4)
    """
    V, factor = marginal(model, theta), relative_factor(model, theta)
    P = projector(model, V)
    R = P @ model.y
    sigma2 = model.y @ R / model.nu
    G = (P if model.reml else np.linalg.inv(V)) - np.outer(R, R) / sigma2
    units = [relative_factor(model, unit) for unit in np.eye(len(theta))]
    Z = model.Z
    first = [Z @ (D @ factor.T + factor @ D.T) @ Z.T for D in units]
    slope = np.array([R @ A @ R for A in first])
    H = np.array([[R @ A @ P @ B @ R / sigma2 for B in first] for A in first])
    inner = Z.T @ G @ Z
    H += np.array([[2 * np.sum(inner * (D @ E.T)) for E in units] for D in units])
    return H - np.outer(slope, slope) / (model.nu * sigma2**2)


def projector(model: Problem, V: np.ndarray) -> np.ndarray:
    """P = V^-1 - V^-1 X (X' V^-1 X)^-1 X' V^-1 (n, n)."""
    inverse = np.linalg.inv(V)
    right = inverse @ model.X
    return inverse - right @ np.linalg.solve(model.X.T @ right, right.T)


def by_grouping(model: Problem, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Cut q rows into one (levels, columns) array per grouping."""
    out, at = [], 0
    for levels, width in model.groupings:
        out.append(values[at : at + levels * width].reshape(levels, width))
        at += levels * width
    return tuple(out)


def diagonal_blocks(model: Problem, matrix: np.ndarray) -> tuple[np.ndarray, ...]:
    """Diagonal blocks of a (q, q) matrix, one (levels, columns, columns) array per grouping."""
    out, at = [], 0
    for levels, width in model.groupings:
        rows = [slice(at + g * width, at + (g + 1) * width) for g in range(levels)]
        out.append(np.array([matrix[r, r] for r in rows]))
        at += levels * width
    return tuple(out)


def solution(model: Problem, theta: np.ndarray) -> Solution:
    """Estimates and predictions at theta."""
    V, factor = marginal(model, theta), relative_factor(model, theta)
    inverse = np.linalg.inv(V)
    unscaled = np.linalg.inv(model.X.T @ inverse @ model.X)
    beta = unscaled @ (model.X.T @ (inverse @ model.y))
    residual = model.y - model.X @ beta
    sigma2 = residual @ inverse @ residual / model.nu
    G = factor @ factor.T
    GZ = G @ model.Z.T
    b = GZ @ (inverse @ residual)
    spread = sigma2 * (G - GZ @ inverse @ GZ.T)
    return Solution(
        criterion=float(np.real(criterion(model, theta))),
        beta=beta,
        se=np.sqrt(sigma2 * np.diag(unscaled)),
        vcov=sigma2 * unscaled,
        sigma=float(np.sqrt(sigma2)),
        b=by_grouping(model, b),
        condvar=diagonal_blocks(model, spread),
        fitted=model.X @ beta + model.Z @ b,
        hat=1 - np.diag(projector(model, V)) / model.w,
    )


def prediction_variance(
    model: Problem, theta: np.ndarray, X_new: np.ndarray, Z_new: np.ndarray
) -> np.ndarray:
    """Variance (r,) of x' beta_hat + z' b_hat - x' beta - z' b, theta taken as known."""
    V, factor = marginal(model, theta), relative_factor(model, theta)
    inverse = np.linalg.inv(V)
    GZ = factor @ factor.T @ model.Z.T
    C = Z_new @ GZ @ inverse
    unscaled = np.linalg.inv(model.X.T @ inverse @ model.X)
    sigma2 = solution(model, theta).sigma ** 2
    D = X_new - C @ model.X
    prior = np.einsum("ri,ij,rj->r", Z_new, factor @ factor.T, Z_new)
    known = np.einsum("rn,rn->r", C, Z_new @ GZ)
    return sigma2 * (prior - known + np.einsum("ri,ij,rj->r", D, unscaled, D))


def minimum(model: Problem, starts: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Best theta over the starts by BFGS on complex-step gradients, and its criterion."""

    def value(theta: np.ndarray) -> float:
        return float(np.real(criterion(model, theta)))

    def slope(theta: np.ndarray) -> np.ndarray:
        return gradient(model, theta)

    fits = [optimize.minimize(value, s, jac=slope, method="BFGS", options={"gtol": 1e-7}) for s in starts]
    best = min(fits, key=lambda fit: fit.fun)
    return best.x, float(best.fun)
