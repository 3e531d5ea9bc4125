"""The sufficient statistics of a linear mixed model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class PairBlocks:
    """Sums of products between two groupings, for the pairs of levels that meet in some row.

    Attributes
    ----------
    first, second : int
        The groupings; `first` has at least as many levels.
    start : (levels of first + 1,) int64
        Compressed rows: partners of level g are ``partner[start[g]:start[g + 1]]``.
    partner : (entries,) int32
        Level of `second`, ascending within a row.
    blocks : (entries, K_first, K_second) float64
        Sums of z_first z_second' over the rows of the pair; read-only ones that share one number in memory
        where intercepts meet, without weights, and every pair in one row.
    """

    first: int
    second: int
    start: np.ndarray
    partner: np.ndarray
    blocks: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class CrossProducts:
    """A = [Z X y]' W [Z X y] of the centred and scaled columns, in blocks.

    A term with a constant column has its other columns centred: its covariance matrix is free, so that this
    only changes the coordinates, and the search needs far fewer steps. Terms without one are scaled only.

    With q = sum of levels x K over the groupings; rows of Z run grouping by grouping, level by level, the K
    columns of a level side by side (the terms of one grouping one after the other).

    Attributes
    ----------
    n, p, q : int
        Rows, fixed-effects columns, random-effects columns.
    columns : tuple of int
        K of every grouping.
    levels : tuple of int
        Levels of every grouping.
    zz : tuple of (levels, K, K) float64
        Diagonal blocks of Z'WZ.
    pairs : tuple of PairBlocks
        Off-diagonal blocks of Z'WZ.
    zx : (q, p + 1) float64
        Z'W [X y].
    xx : (p + 1, p + 1) float64
        [X y]'W[X y].
    entries : (n_theta, 4) int32
        Grouping, row, column (within K) and term of every element of theta, lme4's order.
    z_transform : tuple of (K, K) float64
        Columns of Z of one grouping entered as (user's columns) T: scales on the diagonal, minus mean times
        scale in the row of the term's constant column. Hence Lambda (user's) = T Lambda (here).
    x_centre, x_scale : (p,) float64
        Columns of X entered as (x - centre) * scale.
    y_centre : float
        Subtracted from the response.
    constant : (p,) float64 or None
        Combination of the columns of X that is the constant one; None when there is none (then nothing is
        centred).
    intercept : int or None
        Column of X that is itself the constant one.
    sum_log_weights : float
        Enters the criterion as it is.
    basis : (p, p) float64 or None
        Upper triangular B with ones on its diagonal, where columns of X entered as ((x - centre) * scale) B:
        what each adds to those before it. Their products would leave few digits to a covariate far from
        zero times a factor; None where the columns enter as they are.
    """

    n: int
    p: int
    q: int
    columns: tuple[int, ...]
    levels: tuple[int, ...]
    zz: tuple[np.ndarray, ...]
    pairs: tuple[PairBlocks, ...]
    zx: np.ndarray
    xx: np.ndarray
    entries: np.ndarray
    z_transform: tuple[np.ndarray, ...]
    x_centre: np.ndarray
    x_scale: np.ndarray
    y_centre: float
    constant: np.ndarray | None
    intercept: int | None
    sum_log_weights: float
    basis: np.ndarray | None = None

    @property
    def x_transform(self) -> np.ndarray:
        """(p, p) T with (columns that entered) = X T, the user's X."""
        T = np.diag(self.x_scale)
        if self.intercept is not None:
            T[self.intercept] -= self.x_centre * self.x_scale
        return T if self.basis is None else T @ self.basis

    def coefficients(self, beta: np.ndarray) -> np.ndarray:
        """(…, p) coefficients of the user's columns, from those of the columns and response that entered."""
        out = (beta if self.basis is None else beta @ self.basis.T) * self.x_scale
        if self.intercept is not None:
            out[..., self.intercept] -= out @ self.x_centre
        return out if self.constant is None else out + self.y_centre * self.constant

    def by_basis(self, products: np.ndarray) -> np.ndarray:
        """(…, p) products of the columns that entered, from those of the centred and scaled ones."""
        return products if self.basis is None else products @ self.basis

    def in_columns(self) -> CrossProducts:
        """The same of the centred and scaled columns themselves; loses the digits that a basis keeps."""
        if self.basis is None:
            return self
        back = np.eye(self.p + 1)
        back[:-1, :-1] = np.linalg.inv(self.basis)
        return replace(self, zx=self.zx @ back, xx=back.T @ self.xx @ back, basis=None)

    @property
    def z_size(self) -> tuple[np.ndarray, ...]:
        """(K,) root mean square of the user's columns of Z, per grouping."""
        return tuple(np.sqrt((np.linalg.inv(T) ** 2).sum(axis=0)) for T in self.z_transform)

    @property
    def n_theta(self) -> int:
        """Number of free covariance parameters."""
        return len(self.entries)
