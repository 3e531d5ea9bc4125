"""``MixedLMResults``: what a fit answers, under statsmodels' names."""

from __future__ import annotations

import pickle
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from henderson.adapters.statsmodels import effects, inference, prediction
from henderson.adapters.statsmodels.blocks import check_rows
from henderson.adapters.statsmodels.estimates import Estimates
from henderson.adapters.statsmodels.parameters import MixedLMParams

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.fitting import Fitted
    from henderson.adapters.statsmodels.model import MixedLM
    from henderson.adapters.statsmodels.summary import Summary
    from henderson.results import LinearMixedFit

_NOWHERE = "Type help(result.henderson) for what there is."
ELSEWHERE = {
    "bootstrap": "Type result.henderson.bootstrap(…).",
    "t_test_pairwise": "Type result.henderson.emmeans(…), which compares the means of all pairs.",
    **dict.fromkeys(("get_nlfun", "hessv", "score_obsv", "covjac", "covjhj", "bsejac", "bsejhj"), _NOWHERE),
}
"""What mixed models inherit in statsmodels and cannot answer there, and where it is here."""


class MixedLMResults(Estimates):
    """A fitted mixed model, under statsmodels' names.

    Parameters
    ----------
    model : MixedLM
        What was fitted.
    found : Fitted
        Estimates.
    reml : bool
        Restricted likelihood or not.
    free : MixedLMParams, optional
        What could move.
    full_output : bool
        Whether `hist` tells about the search.

    Attributes
    ----------
    params : Series
        Fixed effects, then covariance parameters and components divided by `scale`.
    fe_params : Series
        Fixed effects.
    cov_re : DataFrame
        Covariance of the random coefficients.
    vcomp : array
        Variance components.
    scale : float
        Residual variance.
    llf, aic, bic : float
        Log-likelihood (restricted under REML), and with maximum likelihood the criteria; NaN under REML.

    Examples
    --------
    >>> import henderson as hd
    >>> from henderson.adapters import statsmodels as smf
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> result = smf.mixedlm("Reaction ~ Days", sleep, groups=sleep["Subject"]).fit()
    >>> print(result.cov_re.iloc[0, 0].round(3), result.scale.round(4), result.llf.round(4))
    1378.179 960.4566 -893.2325
    >>> result.henderson.fixef.round(3).to_dict()
    {'(Intercept)': 251.405, 'Days': 10.467}
    """

    def __init__(
        self,
        model: MixedLM,
        found: Fitted,
        *,
        reml: bool,
        free: MixedLMParams | None = None,
        full_output: bool = False,
    ) -> None:
        self.model, self.reml, self.freepat, self._found = model, reml, free, found
        self.k_fe, self.k_re, self.k_re2, self.k_vc = model.k_fe, model.k_re, model.k_re2, model.k_vc
        self.use_sqrt, self.cov_pen, self.use_t = model.use_sqrt, None, False
        self.method, self.converged = "REML" if reml else "ML", bool(found.converged)
        self.scale, self.nobs = np.float64(found.scale), model.nobs
        self.params_object, self.vcomp = found.params, found.scale * found.params.vcomp
        self.mle_retvals = {
            "converged": self.converged,
            "fcalls": found.evaluations,
            "iterations": found.evaluations,
        }
        self.hist = [self.mle_retvals] if full_output else None

    # -- likelihood ------------------------------------------------------------------------------------------

    @cached_property
    def llf(self) -> float:
        """Log-likelihood; restricted under REML."""
        if self._found.estimate is not None:
            return np.float64(-self._found.estimate.criterion / 2)
        from henderson.adapters.statsmodels.likelihood import loglike

        return np.float64(loglike(self.model._sums, self._found.params, reml=self.reml))

    @property
    def _df(self) -> float:
        free = self.freepat
        return 1 + (
            len(self.params) if free is None else float(free.get_packed(use_sqrt=False, has_fe=True).sum())
        )

    @property
    def aic(self) -> float:
        """Akaike's criterion; NaN under REML."""
        return np.nan if self.reml else -2 * (self.llf - self._df)

    @property
    def bic(self) -> float:
        """Schwarz's criterion; NaN under REML."""
        return np.nan if self.reml else -2 * self.llf + np.log(self.nobs) * self._df

    @cached_property
    def df_resid(self) -> Any:
        """Rows less the rank of the fixed effects."""
        return self.nobs - np.linalg.matrix_rank(self.model.exog)

    @property
    def df_modelwc(self) -> int:
        """Number of parameters."""
        return len(self.params)

    @property
    def k_constant(self) -> int:
        """1 where the fixed effects span the constant, else 0."""
        return self.model.k_constant

    def profile_re(
        self,
        re_ix: int | str,
        vtype: str,
        num_low: int = 5,
        dist_low: float = 1.0,
        num_high: int = 5,
        dist_high: float = 1.0,
        **fit_kwargs: Any,
    ) -> np.ndarray:
        """Profile the likelihood along one variance.

        Parameters
        ----------
        re_ix : int or str
            Which random coefficient, or the name of a component.
        vtype : {"re", "vc"}
            Which of the two.
        num_low, num_high : int
            Points below and above the estimate.
        dist_low, dist_high : float
            How far they reach, in units of the variance.
        **fit_kwargs
            Accepted and not needed.

        Returns
        -------
        (num_low + num_high + 1, 2) float64
            Variance, and the largest log-likelihood with its ratio to the scale held.
        """
        points, reach = (num_low, num_high), (dist_low, dist_high)
        return inference.profile(
            self.model, self._found, re_ix, vtype, points, reach, reml=self.reml, free=self.freepat
        )

    # -- rows and groups -------------------------------------------------------------------------------------

    @cached_property
    def _means(self) -> list[np.ndarray]:
        return effects.conditional_means(self.model, self._found)

    @cached_property
    def random_effects(self) -> dict[Any, Any]:
        """Means of the random effects given the data: group to Series."""
        return effects.labelled_means(self.model, self._means)

    @cached_property
    def random_effects_cov(self) -> dict[Any, Any]:
        """Covariances of the random effects given the data: group to DataFrame."""
        covariances = effects.conditional_covariances(self.model, self._found)
        return effects.labelled_covariances(self.model, covariances)

    def _expand_re_names(self, group_ix: int) -> list[str]:
        return effects.effect_names(self.model, group_ix)

    @cached_property
    def fittedvalues(self) -> Any:
        """X beta + Z b of every row."""
        check_rows(self.model.endog)
        return self._rows(effects.fitted_values(self.model, self._found, self._means))

    @cached_property
    def resid(self) -> Any:
        """Response less `fittedvalues`."""
        fitted = np.asarray(self.fittedvalues)
        return self._rows(self.model.endog - fitted)

    def _rows(self, values: np.ndarray) -> Any:
        import pandas as pd

        data = self.model.data
        return pd.Series(values, index=data.row_labels) if data.labelled else values

    def predict(self, exog: Any = None, transform: bool = True, *args: Any, **kwargs: Any) -> Any:
        """Return X beta of new rows; the random effects take no part.

        Parameters
        ----------
        exog : DataFrame, Series, dict or (r, k_fe) array, optional
            New rows: columns of the formula, or the matrix itself; a Series is one row, or the only column.
            Rows with missing values have no prediction (NaN). By default the rows of the fit.
        transform : bool
            False when `exog` is the matrix although the model has a formula.
        *args, **kwargs
            Not used.

        See Also
        --------
        LinearMixedFit.predict : with random effects and intervals, as ``result.henderson.predict``.
        """
        import pandas as pd

        if exog is None:
            return self.model.predict(np.asarray(self.params))
        matrix, index = prediction.new_matrix(self.model, exog, transform=transform)
        values = self.model.predict(np.asarray(self.params), matrix)
        return values if index is None else pd.Series(values, index=index)

    # -- whole -----------------------------------------------------------------------------------------------

    def summary(
        self,
        yname: str | None = None,
        xname_fe: list[str] | None = None,
        xname_re: list[str] | None = None,
        title: str | None = None,
        alpha: float = 0.05,
    ) -> Summary:
        """Return the printed summary.

        Parameters
        ----------
        yname : str, optional
            Name of the response.
        xname_fe, xname_re : list of str, optional
            Names of fixed effects, and of covariance parameters and components.
        title : str, optional
            Above the tables.
        alpha : float
            1 - coverage of the intervals.
        """
        return inference.summarise(self, yname, xname_fe, xname_re, title, alpha)

    @cached_property
    def henderson(self) -> LinearMixedFit:
        """The same fit as henderson's own `LinearMixedFit`: degrees of freedom, tests, profiles, pictures."""
        from henderson.adapters.statsmodels.twin import lmm_fit

        return lmm_fit(self.model._origin, self._found, reml=self.reml)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing; statsmodels' results have it."""

    def save(self, fname: Any, remove_data: bool = False) -> None:
        """Write the result as a pickle, to a file name or an open file; `load` reads it back.

        Parameters
        ----------
        fname : path or open file
            Where to.
        remove_data : bool
            Whether the rows stay behind, as by `remove_data`.
        """
        if remove_data:
            self.remove_data()
        if hasattr(fname, "write"):
            pickle.dump(self, fname)
        else:
            Path(fname).write_bytes(pickle.dumps(self))

    @classmethod
    def load(cls, fname: Any) -> MixedLMResults:
        """Read what `save` wrote; only from files that you trust, as with any pickle."""
        stored = fname.read() if hasattr(fname, "read") else Path(fname).read_bytes()
        return cast("MixedLMResults", pickle.loads(stored))

    def remove_data(self) -> None:
        """Let go of the rows; parameters, tests and the summary stay."""
        _ = self._cov, self.llf, self.df_resid, self.params, self.random_effects
        for name in ("fittedvalues", "resid", "henderson"):
            self.__dict__.pop(name, None)
        self.model._forget()

    if not TYPE_CHECKING:  # type checkers shall go on to find misspelt attributes

        def __getattr__(self, name: str) -> Any:
            if name in ELSEWHERE:
                raise AttributeError(
                    f"{name} does not work for mixed models in statsmodels either. {ELSEWHERE[name]}"
                )
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _with_fixed_effects(self, beta: np.ndarray, ceps: float) -> MixedLMResults:
        found, cov = inference.penalised_state(self.model, self._found, beta, ceps, reml=self.reml)
        out = MixedLMResults(self.model, found, reml=self.reml)
        out.__dict__["_cov"] = cov
        return out
