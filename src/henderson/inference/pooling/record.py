"""What the comparison of poolings hands on: one record per method, and all of them with the groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

METHODS = ("complete", "averaged", "means", "dummies", "none", "partial")


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One way to pool, fitted.

    Attributes
    ----------
    name : str
        One of `METHODS`.
    parameters : float
        Parameters of the mean; for partial pooling the trace of the hat matrix.
    sigma : float
        Residual standard deviation; of the averages for "averaged", of all groups together for "none".
    df : float
        Residual degrees of freedom behind it; NaN for partial pooling.
    fitted : (n,) float64
        Of the rows, offset included.
    row_out, group_out : (n,) float64
        Response minus its prediction from the other rows, and from the rows of the other groups; NaN where
        these do not determine one.
    terms : tuple of str
        Columns of `coef`.
    coef, std_error : (G, len(terms)) float64
        Coefficients of every group's line; NaN where its rows do not tell.
    shrinkage : (G, len(terms)) float64
        Conditional over prior variance of the group's own effect: 0 is the group alone, 1 the population
        alone, or what the group lies in.
        NaN except for partial pooling.
    population, population_error : (p,) float64
        Coefficients common to all groups, with standard errors; NaN where the method has none.
    """

    name: str
    parameters: float
    sigma: float
    df: float
    fitted: np.ndarray
    row_out: np.ndarray
    group_out: np.ndarray
    terms: tuple[str, ...]
    coef: np.ndarray
    std_error: np.ndarray
    shrinkage: np.ndarray
    population: np.ndarray
    population_error: np.ndarray

    def rmse(self, y: np.ndarray) -> float:
        """Root mean square of y (n,) minus fitted."""
        return float(np.sqrt(np.mean((y - self.fitted) ** 2)))


def predictive_rmse(errors: np.ndarray) -> float:
    """Root mean square over the rows that could be predicted; NaN when none could."""
    live = errors[~np.isnan(errors)]
    return float(np.sqrt(np.mean(live**2))) if len(live) else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class PoolingRecord:
    """Methods compared on one data set.

    Attributes
    ----------
    formula : str
        As typed.
    group : str
        The grouping factor.
    levels : tuple of length G
        Its levels.
    sizes : (G,) int64
        Rows of each.
    y : (n,) float64
        Response.
    x_names : tuple of str, length p
        Fixed-effects columns.
    folded : tuple of str
        Those that do not vary within groups; their part is in the other coefficients of the groups' lines.
    methods : tuple of Method
    reasons : (G, terms of "none") object
        Why a coefficient cannot be had from the group alone; empty where it can.
    others : tuple of str
        Grouping factors besides, which only partial pooling uses; the lines of groups leave them out.
    around : tuple of str
        Grouping factors that the groups lie in; the pooled lines of groups count their effects too.
    refitted : bool
        Whether partial pooling estimated its variances anew without each group.
    names : tuple of str, length c
        Fixed-effects columns, then further columns of the random effects.
    covariance : (c, c) float64
        Of the groups' effects on these, with those that they lie in; zero where the groups do not differ.
    varying : tuple of str
        Those on which they do.
    centre : (G, t) float64
        Coefficients of the population's line for each group, by the mixed model; terms as `line_terms`.
    """

    formula: str
    group: str
    levels: tuple[object, ...]
    sizes: np.ndarray
    y: np.ndarray
    x_names: tuple[str, ...]
    folded: tuple[str, ...]
    methods: tuple[Method, ...]
    reasons: np.ndarray
    others: tuple[str, ...]
    around: tuple[str, ...]
    refitted: bool
    names: tuple[str, ...]
    covariance: np.ndarray
    varying: tuple[str, ...]
    centre: np.ndarray

    @property
    def line_terms(self) -> tuple[str, ...]:
        """Coefficients of a group's line."""
        return self.methods[-1].terms

    def method(self, name: str) -> Method | None:
        """Return one method, or None where it was left out."""
        return next((m for m in self.methods if m.name == name), None)

    def method_columns(self) -> dict[str, object]:
        """One row per method: parameters, sigma, df, rmse, and what was predicted when left out."""
        ms = self.methods
        return {
            "method": [m.name for m in ms],
            "parameters": np.array([m.parameters for m in ms]),
            "sigma": np.array([m.sigma for m in ms]),
            "df": np.array([m.df for m in ms]),
            "rmse": np.array([m.rmse(self.y) for m in ms]),
            "rmse_row_out": np.array([predictive_rmse(m.row_out) for m in ms]),
            "rows_predicted": np.array([int((~np.isnan(m.row_out)).sum()) for m in ms]),
            "rmse_group_out": np.array([predictive_rmse(m.group_out) for m in ms]),
            "groups_predicted": np.array([int((~np.isnan(m.group_out)).sum()) for m in ms]),
        }

    def columns(self) -> dict[str, object]:
        """One row per method, level and term; the level is None for what all groups share."""
        rows = list(self._rows())
        names = ("method", "level", "term", "estimate", "std_error", "shrinkage", "rows", "note")
        table: dict[str, object] = {name: [row[j] for row in rows] for j, name in enumerate(names)}
        for name in ("estimate", "std_error", "shrinkage"):
            table[name] = np.array(table[name], dtype=float)
        return table

    def _rows(self) -> Iterator[tuple[object, ...]]:
        n = len(self.y)
        for m in self.methods:
            for j, term in enumerate(self.x_names):
                if m.name in ("complete", "averaged", "partial"):
                    yield m.name, None, term, m.population[j], m.population_error[j], np.nan, n, ""
            for g, level in enumerate(self.levels):
                for j, term in enumerate(m.terms):
                    note = str(self.reasons[g, j]) if m.name == "none" else ""
                    numbers = m.coef[g, j], m.std_error[g, j], m.shrinkage[g, j], int(self.sizes[g])
                    yield m.name, str(level), term, *numbers, note
