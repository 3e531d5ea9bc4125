"""Small pieces of a model: components as statsmodels accepts them, complete rows, draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.adapters.statsmodels.layout import Layout, dense
from henderson.adapters.statsmodels.parameters import MixedLMParams, VCSpec, covariance_root


def component_spec(exog_vc: Any) -> VCSpec:
    """Return variance components as a `VCSpec`: none, one already, or a dict of dicts of matrices."""
    if exog_vc is None:
        return VCSpec([], [], [])
    if not isinstance(exog_vc, dict):
        return VCSpec(list(exog_vc.names), exog_vc.colnames, exog_vc.mats)
    groups = sorted({group for matrices in exog_vc.values() for group in matrices})
    names = sorted(exog_vc)
    mats = [[exog_vc[name][group] for group in groups] for name in names]
    return VCSpec(names, [[_column_labels(matrix) for matrix in each] for each in mats], mats)


def _column_labels(matrix: Any) -> list[str]:
    return list(matrix.columns) if hasattr(matrix, "columns") else [str(j) for j in range(matrix.shape[1])]


def without_missing(endog: Any, exog: Any, groups: Any, exog_re: Any) -> tuple[Any, Any, Any, Any]:
    """Leave out the rows where one of the arrays has a missing value."""
    import pandas as pd

    complete = np.ones(len(endog), dtype=bool)
    for array in (endog, exog, groups, exog_re):
        if array is not None:
            known = np.asarray(pd.notna(array))
            complete &= known if known.ndim == 1 else known.all(axis=1)
    taken = [
        None if a is None else a.loc[complete] if hasattr(a, "loc") else np.asarray(a)[complete]
        for a in (endog, exog, groups, exog_re)
    ]
    return taken[0], taken[1], taken[2], taken[3]


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """Draws responses of a mixed model.

    Attributes
    ----------
    mean : (n,) float64
        Fixed part.
    scale : float
        Residual variance.
    params : MixedLMParams
        Covariance parameters in units of the scale.
    layout : Layout
        Groups.
    exog_re : (n, k_re) float64 or None
        Columns with random coefficients.
    exog_vc : VCSpec
        Variance components.
    """

    mean: np.ndarray
    scale: float
    params: MixedLMParams
    layout: Layout
    exog_re: np.ndarray | None
    exog_vc: VCSpec

    def rvs(self, n: int | None = None, rng: Any = None) -> np.ndarray:
        """Draw one response.

        Parameters
        ----------
        n : int
            Ignored, as in statsmodels.
        rng : int or numpy Generator, optional
            Makes the draw repeatable.

        Returns
        -------
        (rows,) float64
        """
        rng = np.random.default_rng(rng)
        y, sd = self.mean.copy(), np.sqrt(self.scale)
        if self.exog_re is not None:
            draws = rng.normal(size=(self.layout.m, self.params.k_re)) @ covariance_root(self.params.cov_re).T
            y += sd * np.einsum("nk,nk->n", self.exog_re, draws[self.layout.codes])
        for variance, mats in zip(self.params.vcomp, self.exog_vc.mats, strict=True):
            for i in range(self.layout.m):
                Z = dense(mats[i])
                y[self.layout.rows(i)] += sd * np.sqrt(variance) * (Z @ rng.normal(size=Z.shape[1]))
        return np.asarray(y + sd * rng.normal(size=len(y)))
