"""The methods of a model that evaluate its likelihood."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from henderson.adapters.statsmodels import likelihood
from henderson.adapters.statsmodels.labels import ModelData
from henderson.adapters.statsmodels.layout import Layout
from henderson.adapters.statsmodels.parameters import MixedLMParams, VCSpec, own_params
from henderson.adapters.statsmodels.sums import GroupSums, group_sums


class Evaluation:
    """Likelihood, score and Hessian of a model; see `MixedLM`."""

    endog: np.ndarray
    exog: np.ndarray
    exog_re: np.ndarray | None
    exog_vc: VCSpec
    data: ModelData
    k_fe: int
    k_re: int
    k_re2: int
    k_vc: int
    reml: bool
    use_sqrt: bool
    _layout: Layout

    @cached_property
    def _sums(self) -> GroupSums:
        return group_sums(self.endog, self.exog, self.exog_re, self.exog_vc, self._layout)

    def _params(self, params: Any, has_fe: bool, use_sqrt: bool | None = None) -> MixedLMParams:
        if (own := own_params(params)) is not None:
            return own
        root = self.use_sqrt if use_sqrt is None else use_sqrt
        return MixedLMParams.from_packed(params, self.k_fe, self.k_re, root, has_fe=has_fe)

    def _profiled(self, params: Any, profile_fe: bool) -> MixedLMParams:
        at = self._params(params, has_fe=False)
        if profile_fe:
            at.fe_params = self.get_fe_params(at.cov_re, at.vcomp)[0]
        return at

    def loglike(self, params: Any, profile_fe: bool = True) -> float:
        """Log-likelihood with the scale profiled out, and with `profile_fe` the fixed effects too.

        Parameters
        ----------
        params : MixedLMParams or packed covariance parameters
            In units of the scale.
        profile_fe : bool
            Whether the best fixed effects are used instead of those given.
        """
        return likelihood.loglike(self._sums, self._profiled(params, profile_fe), reml=self.reml)

    def score(self, params: Any, profile_fe: bool = True) -> np.ndarray:
        """Score of `loglike`, in the parametrisation that `use_sqrt` names.

        Parameters
        ----------
        params : MixedLMParams or packed covariance parameters
            In units of the scale.
        profile_fe : bool
            Whether the best fixed effects are used; else their score leads the vector.
        """
        at = self._profiled(params, profile_fe)
        by_fe, by_re, by_vc = (self.score_sqrt if self.use_sqrt else self.score_full)(at, not profile_fe)
        parts = (by_re, by_vc)
        return np.concatenate(parts if profile_fe else (by_fe, *parts))

    def score_full(self, params: Any, calc_fe: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Score by fixed effects, lower triangle of the covariance, and variance components."""
        at = self._params(params, has_fe=False)
        by_fe, by_cov = likelihood.score(self._sums, at, reml=self.reml)
        return by_fe if calc_fe else np.zeros(self.k_fe), by_cov[: self.k_re2], by_cov[self.k_re2 :]

    def score_sqrt(self, params: Any, calc_fe: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Score by fixed effects, lower triangle of the Cholesky factor, and standard deviations."""
        at = self._params(params, has_fe=False)
        by_fe, by_cov = likelihood.score(self._sums, at, reml=self.reml)
        by_root = likelihood.chain_to_roots(at, by_cov)
        return by_fe if calc_fe else np.zeros(self.k_fe), by_root[: self.k_re2], by_root[self.k_re2 :]

    def hessian(self, params: Any) -> tuple[np.ndarray, bool]:
        """Hessian by fixed effects, covariance parameters and components, and whether these are singular.

        Parameters
        ----------
        params : MixedLMParams or packed parameters with the fixed effects
            In units of the scale.
        """
        at = self._params(params, has_fe=True)
        smallest = [np.linalg.eigvalsh(at.cov_re).min() if self.k_re else np.inf, *at.vcomp]
        return likelihood.hessian(self._sums, at, reml=self.reml), bool(min(smallest) < 1e-10)

    def get_fe_params(self, cov_re: Any, vcomp: Any, tol: float = 1e-10) -> tuple[np.ndarray, bool]:
        """Return the best fixed effects at given covariance parameters, and whether these are singular."""
        cov, vc = np.asarray(cov_re, dtype=float), np.asarray(vcomp, dtype=float)
        smallest = [np.linalg.eigvalsh(cov).min() if len(cov) else np.inf, *vc]
        return likelihood.generalised_least_squares(self._sums, cov, vc), bool(min(smallest) < tol)

    def get_scale(self, fe_params: Any, cov_re: Any, vcomp: Any) -> float:
        """Return the residual variance at given parameters, covariances in units of it."""
        sums = self._sums
        parts = (np.asarray(part, dtype=float) for part in (cov_re, vcomp, fe_params))
        return float(likelihood.marginal(sums, *parts).rvr / likelihood.degrees(sums, self.reml))
