"""What leaving out groups or rows does to a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Estimates without each of m groups (or rows); NaN where they do not exist.

    Attributes
    ----------
    by : str
        Grouping factor, column, or ``observation``.
    levels : tuple of length m
        Labels of the groups; for observations those of the index of a pandas frame, or row numbers from 0.
    rows : (m,) int
        Rows of every group.
    terms : tuple of str, length p
        Fixed effects.
    beta : (p,) float64
        Estimates with all rows.
    fixef_deleted, se_deleted : (m, p) float64
        Estimates and standard errors without the group.
    cooks_distance : (m,) float64
        (change)' vcov^-1 (change) / p; NaN without fixed effects.
    covratio : (m,) float64
        Determinant of vcov without the group over that with it.
    parameters : tuple of str, length v
        Standard deviations of the random effects, ``Subject.Days``, and ``sigma`` last.
    sd : (v,) float64
        With all rows.
    sd_deleted : (m, v) float64
        Without the group.
    theta_deleted : (m, n_theta) float64
        Relative covariance parameters without the group.
    reasons : tuple of str, length m
        Why there are no estimates; empty where there are.
    exact : bool
        Whether theta was estimated anew, or held at its estimate.
    """

    by: str
    levels: tuple[object, ...]
    rows: np.ndarray
    terms: tuple[str, ...]
    beta: np.ndarray
    fixef_deleted: np.ndarray
    se_deleted: np.ndarray
    cooks_distance: np.ndarray
    covratio: np.ndarray
    parameters: tuple[str, ...]
    sd: np.ndarray
    sd_deleted: np.ndarray
    theta_deleted: np.ndarray
    reasons: tuple[str, ...]
    exact: bool

    @property
    def dfbeta(self) -> np.ndarray:
        """(m, p) change of the estimates when the group is left out: without it minus with it."""
        return self.fixef_deleted - self.beta

    @property
    def dfbetas(self) -> np.ndarray:
        """(m, p) the same, in standard errors of the fit without the group."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.dfbeta / self.se_deleted)

    def _labels(self) -> list[object]:
        """Groups as text; rows as they are, so that they find the row in the data."""
        return list(self.levels) if self.by == "observation" else [str(level) for level in self.levels]

    def columns(self) -> dict[str, object]:
        """One row per group: level, rows, cooks_distance, covratio, dfbetas.<term>, sd.<parameter>, sigma."""
        out: dict[str, object] = {
            "level": self._labels(),
            "rows": self.rows,
            "cooks_distance": self.cooks_distance,
            "covratio": self.covratio,
        }
        out |= {f"dfbetas.{name}": self.dfbetas[:, j] for j, name in enumerate(self.terms)}
        names = [f"sd.{name}" for name in self.parameters[:-1]] + ["sigma"]
        return out | {name: self.sd_deleted[:, j] for j, name in enumerate(names)}

    def changes(self) -> dict[str, object]:
        """One row per group and parameter: level, effect, term, estimate (without), change, standardised.

        Standard deviations have no standardised change.
        """
        m, p, v = len(self.levels), len(self.terms), len(self.parameters)
        names = (*self.parameters[:-1], "Observation")
        nothing = np.full((m, v), np.nan)
        return {
            "level": [label for label in self._labels() for _ in range(p + v)],
            "effect": (["fixed"] * p + ["ran_pars"] * v) * m,
            "term": [*self.terms, *(f"sd__{name}" for name in names)] * m,
            "estimate": np.hstack([self.fixef_deleted, self.sd_deleted]).ravel(),
            "change": np.hstack([self.dfbeta, self.sd_deleted - self.sd]).ravel(),
            "standardised": np.hstack([self.dfbetas, nothing]).ravel(),
        }
