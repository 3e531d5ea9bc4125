"""The Hessian of the deviance by theta and sigma for many responses, a block at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.inference.many.found import Finished, Searches
from henderson.inference.many.roots import chart_table, charted, scaled_roots, transform
from henderson.inference.small_sample.hessian import FAR_FROM_BOUNDARY, SMALLEST, STEP
from henderson.optim.chart import Block, chart_as_typed

Differences = tuple[np.ndarray, np.ndarray]
"""Hessians (R, m, m) and whether all gradients existed (R,)."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaledHessians:
    """Hessians along steps of the size that matters to each fit, m = n_theta + 1.

    Attributes
    ----------
    H : (R, m, m) float64
    steps : (R, m, m) float64
        One step a column, in lme4's theta and sigma.
    whole : (R,) bool
        Whether all gradients existed.
    """

    H: np.ndarray
    steps: np.ndarray
    whole: np.ndarray


def scaled_hessians(
    run: Any,
    cross: CrossProducts,
    found: Searches,
    which: np.ndarray,
    at: Finished,
    lambdas: list[np.ndarray],
    sigma: np.ndarray,
    nu: int,
) -> ScaledHessians:
    """Hessians of the deviance by lme4's theta and sigma.

    Parameters
    ----------
    run : compiled block
    cross : CrossProducts
    found : Searches
        Of the block.
    which : (R,) int
        Responses of the block.
    at : Finished
        Of these responses.
    lambdas : list of (R, k_i, k_i)
        Relative factors of every term, user's columns, lower triangular.
    sigma : (R,) float64
    nu : int

    Notes
    -----
    2 n_theta compiled gradients for every response; formulas as `small_sample.hessian.scaled_hessian`.
    """
    m, count = len(cross.entries), len(which)
    blocks = chart_as_typed(cross.entries).blocks
    H, steps, whole = np.zeros((count, m + 1, m + 1)), np.zeros((count, m + 1, m + 1)), np.ones(count, bool)
    steps[:, :m, :m], steps[:, m, m] = theta_steps(cross, blocks, lambdas), sigma
    regular = _regular(blocks, found.theta[which])
    for mine, differences in ((regular, _in_search), (~regular, _as_typed)):
        if mine.any():
            some = np.flatnonzero(mine)
            factors = [lam[some] for lam in lambdas]
            H[some, :m, :m], whole[some] = differences(
                run, cross, blocks, found, which[some], factors, steps[some, :m, :m]
            )
    H[:, m, m] = 4 * nu
    by_r2 = (_r2_gradient(cross, blocks, at, lambdas)[:, None] @ steps[:, :m, :m])[:, 0]
    H[:, :m, m] = -2 * by_r2 / sigma[:, None] ** 2
    H[:, m, :m] = H[:, :m, m]
    H[:, :m, :m] += H[:, :m, m, None] * H[:, m, None, :m] / H[:, m, m, None, None]
    shorter = 1 / np.sqrt(np.maximum(np.einsum("rmm->rm", H), 1.0))
    return ScaledHessians(H * shorter[:, :, None] * shorter[:, None, :], steps * shorter[:, None, :], whole)


def theta_steps(cross: CrossProducts, blocks: tuple[Block, ...], lambdas: list[np.ndarray]) -> np.ndarray:
    """(R, n_theta, n_theta) steps in theta, one a column, as `small_sample.hessian.theta_steps`."""
    m = len(cross.entries)
    out = np.zeros((len(lambdas[0]), m, m))
    every = np.arange(len(out))
    for block, lam in zip(blocks, lambdas, strict=True):
        T = transform(cross, block)
        size = np.maximum(np.sqrt((np.linalg.solve(T, lam) ** 2).sum(axis=2)), SMALLEST)
        for column in range(block.k):
            rows = block.positions[column:, column]
            out[np.ix_(every, rows, rows)] = T[column:, column:] * size[:, None, column:]
    return out


def _regular(blocks: tuple[Block, ...], theta: np.ndarray) -> np.ndarray:
    """(R,) whether every covariance matrix is far from its boundary, on the scaled columns."""
    out = np.ones(len(theta), dtype=bool)
    for block in blocks:
        diagonal = np.abs(theta[:, block.positions.diagonal()])
        out &= diagonal.min(axis=1) > FAR_FROM_BOUNDARY * np.maximum(1.0, diagonal.max(axis=1))
    return out


def _in_search(
    run: Any,
    cross: CrossProducts,
    blocks: tuple[Block, ...],
    found: Searches,
    which: np.ndarray,
    lambdas: list[np.ndarray],
    along: np.ndarray,
) -> Differences:
    """Differences in the coordinates of the search, carried over to the steps (R, m, m) in theta."""
    theta, rows = found.theta[which], found.rows[which]
    norms = np.empty_like(theta)
    for block in blocks:
        for a in range(block.k):
            places = block.positions[a, : a + 1]
            norms[:, places] = np.sqrt((theta[:, places] ** 2).sum(axis=1))[:, None]
    sizes = STEP * np.maximum(norms, SMALLEST)
    charts, chart = chart_table(cross, rows)
    ends = _beside(theta, sizes[:, :, None] * np.eye(theta.shape[1]))
    again = ends.shape[1]
    status, gradient, _ = run.gradients(
        charts,
        np.repeat(chart, again),
        np.repeat(which.astype(np.int32), again),
        ends.reshape(-1, theta.shape[1]),
        False,
    )
    H, whole = _halved(gradient, status, sizes)
    J = _jacobian(cross, blocks, theta, rows, lambdas) @ along
    return J.transpose(0, 2, 1) @ H @ J, whole


def _as_typed(
    run: Any,
    cross: CrossProducts,
    blocks: tuple[Block, ...],
    found: Searches,
    which: np.ndarray,
    lambdas: list[np.ndarray],
    along: np.ndarray,
) -> Differences:
    """Differences along steps (R, m, m) in lme4's theta, which is regular on the boundary too."""
    theta = np.empty((len(which), len(cross.entries)))
    for block, lam in zip(blocks, lambdas, strict=True):
        lower = block.positions >= 0
        theta[:, block.positions[lower]] = lam[:, lower]
    ends = _beside(theta, STEP * along)
    flat = ends.reshape(-1, theta.shape[1])
    factors = [np.where(block.positions >= 0, flat[:, block.positions], 0.0) for block in blocks]
    moved, rows = charted(cross, blocks, factors)
    charts, chart = chart_table(cross, rows)
    response = np.repeat(which.astype(np.int32), ends.shape[1])
    status, _, M = run.gradients(charts, chart, response, moved, True)
    gradient = _gradient_as_typed(cross, blocks, factors, M).reshape(*ends.shape) @ along
    return _halved(gradient, status, np.full(theta.shape, STEP))


def _beside(theta: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(R, 2 m, m) theta (R, m) moved along every step (R, m, m), one a column, ahead and back in turn."""
    move = steps.transpose(0, 2, 1)
    ends = theta[:, None, None, :] + np.stack([move, -move], axis=2)
    return np.ascontiguousarray(ends.reshape(len(theta), -1, theta.shape[1]))


def _halved(gradient: np.ndarray, status: np.ndarray, steps: np.ndarray) -> Differences:
    """Symmetric central differences from gradients (R 2 m, m) in the order of `_beside`, by steps (R, m)."""
    count, m = steps.shape
    ends = gradient.reshape(count, m, 2, m)
    H = (ends[:, :, 0] - ends[:, :, 1]) / (2 * steps[:, :, None])
    return (H + H.transpose(0, 2, 1)) / 2, (status.reshape(count, -1) == 0).all(axis=1)


def _gradient_as_typed(
    cross: CrossProducts, blocks: tuple[Block, ...], factors: list[np.ndarray], M: np.ndarray
) -> np.ndarray:
    """(N, n_theta) gradient 2 T^-T M T^-1 Lambda by lme4's theta from M (N, sum K^2)."""
    starts = np.cumsum([0, *(k * k for k in cross.columns)])
    out = np.empty((len(M), len(cross.entries)))
    for block, lam in zip(blocks, factors, strict=True):
        K, f = cross.columns[block.grouping], block.grouping
        at = slice(block.first, block.first + block.k)
        mine = M[:, starts[f] : starts[f + 1]].reshape(-1, K, K)[:, at, at]
        inverse = np.linalg.inv(transform(cross, block))
        by = inverse.T @ (mine + mine.transpose(0, 2, 1)) @ inverse @ lam
        lower = block.positions >= 0
        out[:, block.positions[lower]] = by[:, lower]
    return out


def _jacobian(
    cross: CrossProducts,
    blocks: tuple[Block, ...],
    theta: np.ndarray,
    rows: np.ndarray,
    lambdas: list[np.ndarray],
) -> np.ndarray:
    """(R, m, m) derivative of the search's coordinates by theta: the covariances are the same."""
    J = np.zeros((len(theta), theta.shape[1], theta.shape[1]))
    for block, lam in zip(blocks, lambdas, strict=True):
        lower = np.tril_indices(block.k)
        places, inverse = block.positions[lower], np.linalg.inv(transform(cross, block))
        root = scaled_roots(block, theta, rows)
        searched, typed = [], []
        for a, b in zip(*lower, strict=True):
            order = rows[:, block.positions[a, b]] - block.first
            searched.append(_symmetric(order, root[:, :, b])[:, lower[0], lower[1]])
            turned = inverse @ _symmetric(np.full(len(lam), a), lam[:, :, b]) @ inverse.T
            typed.append(turned[:, lower[0], lower[1]])
        solved = np.linalg.solve(np.stack(searched, axis=2), np.stack(typed, axis=2))
        J[np.ix_(np.arange(len(theta)), places, places)] = solved
    return J


def _symmetric(row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(R, k, k) e c' + c e', e the unit vector of a row (R,), c a column (R, k)."""
    out = np.zeros((*column.shape, column.shape[1]))
    out[np.arange(len(row)), row] = column
    return out + out.transpose(0, 2, 1)


def _r2_gradient(
    cross: CrossProducts, blocks: tuple[Block, ...], at: Finished, lambdas: list[np.ndarray]
) -> np.ndarray:
    """(R, n_theta) dr^2/dLambda = -2 T^-T (sum_g e_g e_g') T^-1 Lambda."""
    out = np.empty((len(at.r2), len(cross.entries)))
    for block, lam in zip(blocks, lambdas, strict=True):
        inverse = np.linalg.inv(transform(cross, block))
        here = slice(block.first, block.first + block.k)
        by = -2 * inverse.T @ at.scores[block.grouping][:, here, here] @ inverse @ lam
        lower = block.positions >= 0
        out[:, block.positions[lower]] = by[:, lower]
    return out
