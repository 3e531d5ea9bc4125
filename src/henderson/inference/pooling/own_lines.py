"""The line of a group in the columns that vary within groups.

A predictor of whole groups, such as sex in growth curves, is not told from the intercept within a group. So
that all methods can be compared coefficient by coefficient, what they say of a group is written in the
columns that vary within groups: with X_g,F = X_g,S A_g, x'beta = x_S'(beta_S + A_g beta_F).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.layout import around
from henderson.inference.pooling.groupwise import regress_by_group, repeated_columns

if TYPE_CHECKING:
    from henderson.design.record import Design

NOTHING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class OwnLines:
    """How the line of a group follows from coefficients of all columns.

    Attributes
    ----------
    own : (s,) int64
        Columns that vary within groups (and the constant), in the order of X.
    folded : (f,) int64
        The others.
    weights : (G, s, f) float64
        A_g; NaN where the group's rows do not tell.
    """

    own: np.ndarray
    folded: np.ndarray
    weights: np.ndarray

    def lines(self, p: int) -> np.ndarray:
        """(G, s, p) combinations of the p coefficients that are the coefficients of each group's line."""
        out = np.zeros((len(self.weights), len(self.own), p))
        out[:, np.arange(len(self.own)), self.own] = 1.0
        out[:, :, self.folded] = self.weights
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns in which the lines of the groups are written.

    Attributes
    ----------
    X : (n, c) float64
        Fixed-effects columns, then those columns of the random effects that are no combination of them.
    names : tuple of str, length c
    effects : dict of int to (c, K_h) float64
        The random-effects columns of the grouping, and of those that it lies in, as combinations of these.
    lines : OwnLines
        How the line of a group follows from the c coefficients.
    """

    X: np.ndarray
    names: tuple[str, ...]
    effects: dict[int, np.ndarray]
    lines: OwnLines

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients of a line."""
        return tuple(self.names[j] for j in self.lines.own)


def columns_of(design: Design, f: int) -> Columns:
    """Gather the columns of the fixed effects, and of the random effects of grouping `f` and around it."""
    grouping, names, more = design.groupings[f], list(design.x_names), []
    Q, R = np.linalg.qr(design.X)
    made: dict[int, list[np.ndarray]] = {}
    for h in (f, *around(design, f)):
        made[h] = []
        for name, column in _random_columns(design, h):
            along = Q.T @ column
            if name not in names and np.abs(column - Q @ along).max() <= 1e-9 * np.abs(column).max():
                made[h].append(np.linalg.solve(R, along))
                continue
            if name not in names:
                more.append(column)
                names.append(name)
            made[h].append(np.eye(len(names))[names.index(name)])
    effects = {h: np.array([_padded(w, len(names)) for w in ws]).T for h, ws in made.items()}
    X = np.column_stack([design.X, *more])
    codes = grouping.codes.astype(np.int64)
    return Columns(X, tuple(names), effects, own_lines(X, codes, len(grouping.levels)))


def _random_columns(design: Design, h: int) -> list[tuple[str, np.ndarray]]:
    return [pair for t in design.terms if t.grouping == h for pair in zip(t.names, t.columns, strict=True)]


def _padded(weights: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([weights, np.zeros(length - len(weights))])


def own_lines(X: np.ndarray, codes: np.ndarray, groups: int) -> OwnLines:
    """Find the columns that vary within groups, and write the others in them.

    Parameters
    ----------
    X : (n, p) float64
        Fixed-effects columns.
    codes : (n,) int
        Group of every row.
    groups : int
        Number of groups.

    Returns
    -------
    OwnLines

    Notes
    -----
    O(n p^2). What a folded column is made of is read off the groups with enough rows, and used for all.
    """
    repeated = repeated_columns(X, codes, groups)
    own, folded = np.flatnonzero(~repeated), np.flatnonzero(repeated)
    weights = np.zeros((groups, len(own), len(folded)))
    for k, j in enumerate(folded):
        full = regress_by_group(X[:, own], X[:, j], None, codes, groups)
        clear = full.rank == len(own)
        size = np.abs(full.coef[clear]).max(axis=0, initial=0.0)
        used = np.flatnonzero(size > NOTHING * max(size.max(initial=0.0), 1.0))
        used = used if clear.any() else np.arange(len(own))
        part = regress_by_group(X[:, own[used]], X[:, j], None, codes, groups)
        empty = np.bincount(codes, weights=np.abs(X[:, j]), minlength=groups) == 0
        weights[:, used, k] = np.where(empty[:, None], 0.0, part.coef)
    return OwnLines(own, folded, weights)
