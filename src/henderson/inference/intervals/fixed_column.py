"""One fixed effect held: the response gives up that column, and the equations lose it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.crossprod.record import CrossProducts


@dataclass(frozen=True, slots=True, eq=False)
class HeldColumn:
    """Cross-products of [X without column j, y - phi x_j], as functions of phi, beta_j in the user's units.

    Attributes
    ----------
    zx : (q, p) float64
        Z'W [X without j, y] at phi = 0.
    xx : (p, p) float64
        [X without j, y]'W[X without j, y] at phi = 0.
    zv : (q,) float64
        Z'W v, v the column that y loses phi times.
    xv : (p,) float64
        [X without j, y]'W v.
    vv : float
        v'W v.
    information : float
        v'P v at the estimate: reciprocal of the relative variance of the effect.
    back : (p, p) float64
        User's coefficients (p,) = back @ [coefficients without j (p - 1), phi] + shift.
    shift : (p,) float64
    """

    zx: np.ndarray
    xx: np.ndarray
    zv: np.ndarray
    xv: np.ndarray
    vv: float
    information: float
    back: np.ndarray
    shift: np.ndarray

    def reduced(self, phi: float) -> tuple[np.ndarray, np.ndarray]:
        """(q, p) and (p, p) statistics with beta_j = phi."""
        zx, xx = self.zx.copy(), self.xx.copy()
        zx[:, -1] -= phi * self.zv
        xx[-1, -1] += phi * (phi * self.vv - 2 * self.xv[-1])
        xx[-1, :-1] = xx[:-1, -1] = xx[:-1, -1] - phi * self.xv[:-1]
        return zx, xx

    def slope(
        self,
        phi: float,
        beta: np.ndarray,
        u: np.ndarray,
        blocks: np.ndarray,
        levels: tuple[int, ...],
        columns: tuple[int, ...],
    ) -> float:
        """d r^2 / d phi = -2 v'W (y - phi v - X beta - Z Lambda u).

        `blocks` holds Lambda of one level of every grouping (K, K), end to end.
        """
        left = float(self.xv[-1]) - phi * self.vv - float(self.xv[:-1] @ beta)
        at = place = 0
        for count, k in zip(levels, columns, strict=True):
            Lambda = blocks[place : place + k * k].reshape(k, k)
            rows = slice(at, at + count * k)
            left -= float(np.sum((self.zv[rows].reshape(count, k) @ Lambda) * u[rows].reshape(count, k)))
            at, place = at + count * k, place + k * k
        return -2 * left

    def curvature(self, by_phi: float, sigma2: float, n: int) -> float:
        """Second derivative of n log r^2 by phi, v'P v as at the estimate."""
        return 2 * self.information / sigma2 - (by_phi / sigma2) ** 2 / n


def held_column(cross: CrossProducts, j: int, information: float) -> HeldColumn:
    """Prepare column `j` of X for being held.

    Parameters
    ----------
    cross : CrossProducts
    j : int
        Column of X.
    information : float
        Reciprocal of the j-th diagonal element of (X'V^-1 X)^-1, user's columns.

    Notes
    -----
    O((q + p) p^2): [X y] of the columns used is [X y] of the search times a (p + 1, p) matrix.
    """
    cross = cross.in_columns()
    p, others = cross.p, [i for i in range(cross.p) if i != j]
    keep, v = np.zeros((p + 1, p)), np.zeros(p + 1)
    keep[others, np.arange(p - 1)] = 1.0
    keep[p, p - 1] = 1.0
    v[j] = 1 / cross.x_scale[j]
    centre, shift = 0.0, np.zeros(p)
    if j == cross.intercept:  # beta_0 of the user's columns: the others are taken back to uncentred ones
        keep[j, : p - 1] = (cross.x_centre * cross.x_scale)[others]
        centre = cross.y_centre
    elif cross.constant is not None:
        shift = cross.y_centre * cross.constant
        centre = shift[j]
    keep[:, p - 1] += centre * v  # y - (phi - centre) v
    zx, xx = cross.zx @ keep, keep.T @ cross.xx @ keep
    xv = cross.xx @ v
    back = np.zeros((p, p))
    back[others, np.arange(p - 1)] = cross.x_scale[others]
    back[j, p - 1] = 1.0
    if cross.intercept is not None and j != cross.intercept:
        i = cross.intercept
        back[i, : p - 1] -= (cross.x_centre * cross.x_scale)[others]
        back[i, others.index(i)] = 1.0
        back[i, p - 1] = -cross.x_centre[j]
    shift = np.where(np.arange(p) == j, 0.0, shift)
    zv = cross.zx @ v
    return HeldColumn(zx, xx, zv, keep.T @ xv, float(v @ xv), information, back, shift)
