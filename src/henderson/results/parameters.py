"""First shelf of a fit: its parameters and its likelihood."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.design.gathered import GatheredDesign
from henderson.inference import (
    conditional,
    criteria,
    fixed,
    frames,
    random_effects,
    singular,
    solver,
    varcorr,
)
from henderson.inference.random_effects import RandomEffects
from henderson.inference.varcorr import VarCorr
from henderson.model.linear import LinearMixedModel
from henderson.results.elsewhere import missing_attribute
from henderson.results.printed import PrintedEffects, PrintedSearch, PrintedVarCorr
from henderson.results.solver import SolverReport

if TYPE_CHECKING:
    import pandas as pd

    from henderson.design.record import Design
    from henderson.estimate import Estimate
    from henderson.optim.record import SearchRecord
    from henderson.results.source import Source


class Parameters:
    """Parameters and likelihood of a fit; see `LinearMixedFit`."""

    design: Design
    estimate: Estimate
    source: Source

    def __init__(self, design: Design, estimate: Estimate, source: Source) -> None:
        here = self.__dict__
        here["design"], here["estimate"], here["source"] = design, estimate, source

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"A fit does not change; cannot set {name!r}. Fit again with lmm(), or use refit()."
        )

    if not TYPE_CHECKING:  # type checkers shall go on to find misspelt attributes

        def __getattr__(self, name: str) -> Any:
            if hasattr(
                type(self), name
            ):  # an answer that failed on an attribute of its own: let that be seen
                return object.__getattribute__(self, name)
            raise AttributeError(missing_attribute(name, dir(type(self))))

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("design", "estimate", "source")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # -- parameters ------------------------------------------------------------------------------------------

    @property
    def formula(self) -> str:
        """The formula as typed."""
        return self.source.formula

    @property
    def reml(self) -> bool:
        """Whether the fit is by REML (True) or maximum likelihood (False)."""
        return self.estimate.reml

    @property
    def beta(self) -> np.ndarray:
        """(p,) fixed effects, as an array; `fixef` has the names."""
        return self.estimate.beta

    @property
    def fixef(self) -> pd.Series:
        """Fixed effects by name, as a pandas Series; columns that were dropped are left out.

        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
        >>> round(float(fit.fixef["Days"]), 3)
        10.467
        """
        return frames.named_vector(self.estimate.beta, self.design.x_names, "estimate")

    @property
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the fixed effects, (p, p), as a pandas DataFrame with names on both sides."""
        return frames.named_matrix(self.estimate.vcov, self.design.x_names, self.design.x_names)

    @property
    def se(self) -> pd.Series:
        """Standard errors of the fixed effects by name, as a pandas Series."""
        return frames.named_vector(fixed.standard_errors(self.estimate), self.design.x_names, "std_error")

    @property
    def theta(self) -> np.ndarray:
        """(n_theta,) relative covariance parameters, lme4's order and units; see `estimate.theta_names`."""
        return self.estimate.theta

    @property
    def sigma(self) -> float:
        """Residual standard deviation, of a row with weight one."""
        return float(self.estimate.sigma)

    @property
    def varcorr(self) -> VarCorr:
        """Variances, standard deviations and correlations of the random effects, per term.

        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.varcorr
         Groups   Name        Variance Std.Dev. Corr
         Subject  (Intercept) 612.09   24.740
                  Days         35.07    5.922    0.07
         Residual             654.94   25.592
        >>> fit.varcorr["Subject"].sd.round(3)
        array([24.74 ,  5.922])
        """
        return PrintedVarCorr.of(varcorr.varcorr(self.design, self.estimate))

    @cached_property
    def ranef(self) -> RandomEffects:
        """Random effects (conditional modes) of every grouping factor, with conditional sd and covariance.

        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.ranef["Subject"].loc["308"].round(3).to_dict()
        {'(Intercept)': 2.259, 'Days': 9.199}
        >>> fit.ranef["Subject"].sd[0].round(3)
        array([12.071,  2.305])
        """
        return PrintedEffects.of(
            random_effects.ranef(self.design, self.estimate, self._condvar, self.source.kind)
        )

    @cached_property
    def coef(self) -> RandomEffects:
        """Coefficients of every level: fixed plus random effects.

        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.coef["Subject"].loc["308"].round(3).to_dict()
        {'(Intercept)': 253.664, 'Days': 19.666}
        """
        return PrintedEffects.of(random_effects.coef(self.design, self.estimate, self.source.kind))

    def _condvar(self) -> tuple[np.ndarray, ...]:
        return self._conditional_covariances

    @cached_property
    def _conditional_covariances(self) -> tuple[np.ndarray, ...]:
        return conditional.conditional_covariance(self.estimate)

    @property
    def _gathered(self) -> bool:
        """Whether the fit was made from sums of products, its rows having stayed where they are."""
        return isinstance(self.design, GatheredDesign)

    # -- likelihood ------------------------------------------------------------------------------------------

    @property
    def loglik(self) -> float:
        """Maximised log-likelihood; of a REML fit the REML log-likelihood."""
        return criteria.loglik(self.estimate)

    @property
    def criterion(self) -> float:
        """REML criterion, or deviance of an ML fit: -2 `loglik`."""
        return float(self.estimate.criterion)

    @property
    def deviance(self) -> float:
        """-2 ML log-likelihood at theta, for REML fits too."""
        return criteria.deviance(self.design, self.estimate)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, 2 df - 2 `loglik`."""
        return criteria.aic(self.design, self.estimate)

    @property
    def bic(self) -> float:
        """Schwarz's information criterion, df log n - 2 `loglik`."""
        return criteria.bic(self.design, self.estimate)

    @property
    def df(self) -> int:
        """Number of parameters: fixed effects, theta and sigma."""
        return criteria.df(self.design, self.estimate)

    @property
    def df_residual(self) -> int:
        """Rows minus parameters."""
        return criteria.df_residual(self.design, self.estimate)

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.design.n

    @property
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor."""
        return {g.name: len(g.levels) for g in self.design.groupings}

    @property
    def is_singular(self) -> bool:
        """Whether the covariance matrix of some term has lost rank."""
        return bool(self.estimate.singular)

    @property
    def rank(self) -> dict[str, int]:
        """Rank of the covariance matrix of every random-effects term."""
        return singular.rank(self.design, self.estimate)

    @property
    def converged(self) -> bool:
        """Whether the search ended at an optimum."""
        return bool(self.estimate.search.converged)

    @property
    def opt(self) -> SearchRecord:
        """The search for theta, evaluation by evaluation; prints itself."""
        return PrintedSearch.of(self.estimate.search)

    @property
    def solver(self) -> SolverReport:
        """How the equations were solved and why; the Monte Carlo error of theta beside its standard error.

        Examples
        --------
        >>> import henderson as hd
        >>> sleep = hd.datasets.load("sleepstudy")
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep, solver="direct")
        >>> fit.solver.name, fit.solver.reason
        ('direct', 'asked for')
        """
        return SolverReport(solver.solver_record(self.estimate), self.source.kind)

    @property
    def model(self) -> LinearMixedModel:
        """The unfitted model: its criterion and gradient as functions of theta."""
        return LinearMixedModel(self.design, reml=self.estimate.reml)
