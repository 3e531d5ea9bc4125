"""``MixedLM``: the model as statsmodels' users state it."""

from __future__ import annotations

from typing import Any

import numpy as np

from henderson.adapters.statsmodels import fitting, labels, reading
from henderson.adapters.statsmodels.layout import Layout, group_layout
from henderson.adapters.statsmodels.parameters import MixedLMParams, VCSpec, own_params
from henderson.adapters.statsmodels.results import MixedLMResults
from henderson.adapters.statsmodels.stated import Stated
from henderson.adapters.statsmodels.states import component_spec, without_missing
from henderson.adapters.statsmodels.twin import Origin
from henderson.errors import DataError


class MixedLM(Stated):
    """Linear mixed model, with statsmodels' arguments.

    Parameters
    ----------
    endog : (n,) numbers
        Response.
    exog : (n, k_fe) numbers
        Fixed effects; a constant is not added.
    groups : (n,) labels
        Rows of different groups are independent.
    exog_re : (n, k_re) numbers, optional
        Columns with random coefficients; by default a constant, unless there are components.
    exog_vc : VCSpec, optional
        Variance components.
    use_sqrt : bool, default True
        Whether packed parameters hold the Cholesky factor of the covariance; estimates do not depend on it.
    missing : {"none", "drop", "raise"}
        What to do with rows that have missing values: by default and with ``"raise"`` they are an error.
    **kwargs
        ``formula``, ``model_spec`` and ``missing_idx``, which statsmodels passes around; not used.

    Raises
    ------
    ValueError
        For any other argument.
    DataError
        Missing values; arrays of different lengths.
    DesignError
        Columns of `exog` that repeat others.

    Examples
    --------
    >>> import numpy as np
    >>> import henderson as hd
    >>> from henderson.adapters import statsmodels as sm
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> X = np.column_stack([np.ones(180), sleep["Days"]])
    >>> result = sm.MixedLM(sleep["Reaction"].to_numpy(), X, sleep["Subject"].to_numpy()).fit()
    >>> result.fe_params.round(3)
    array([251.405,  10.467])
    """

    def __init__(
        self,
        endog: Any,
        exog: Any,
        groups: Any,
        exog_re: Any = None,
        exog_vc: Any = None,
        use_sqrt: bool = True,
        missing: str = "none",
        **kwargs: Any,
    ) -> None:
        for name in kwargs:
            if name not in ("missing_idx", "model_spec", "formula"):
                raise ValueError(f"argument {name} not permitted for MixedLM initialization")
        if missing == "drop":
            endog, exog, groups, exog_re = without_missing(endog, exog, groups, exog_re)
        self.use_sqrt, self.reml = use_sqrt, True
        self.fe_pen = self.re_pen = self.cov_pen = None
        self.exog_vc = component_spec(exog_vc)
        self.endog = np.ascontiguousarray(np.asarray(endog, dtype=float).reshape(-1))
        self.groups = np.asarray(groups)
        if len(self.groups) != len(self.endog):
            raise DataError(
                f"groups has {len(self.groups)} labels and endog {len(self.endog)} rows; give one per row."
            )
        self._layout: Layout = group_layout(self.groups)
        self.exog = np.asarray(exog, dtype=float).reshape(len(self.endog), -1)
        self.nobs = self.n_totobs = len(self.endog)
        self.k_fe, self.k_vc = self.exog.shape[1], len(self.exog_vc.names)
        self._random(exog_re)
        self._name(endog, exog, exog_re)
        self._origin = None

    def _random(self, exog_re: Any) -> None:
        if exog_re is None:
            self.exog_re = None if self.k_vc else np.ones((self.nobs, 1))
        else:
            self.exog_re = np.asarray(exog_re, dtype=float).reshape(self.nobs, -1)
        self.k_re = 0 if self.exog_re is None else self.exog_re.shape[1]
        self.k_re2 = self.k_re * (self.k_re + 1) // 2
        self.k_params = self.k_fe + self.k_re2

    def _name(self, endog: Any, exog: Any, exog_re: Any) -> None:
        data = self.data = labels.ModelData(
            self.endog,
            self.exog,
            endog,
            exog,
            labels.response_name(endog),
            labels.column_names(exog),
            row_labels=labels.row_labels(endog, exog),
            vcomp_names=self.exog_vc.names,
            exog_re=self.exog_re,
        )
        if exog_re is None:  # statsmodels' own spelling
            names = full = ["Group Var"] if self.k_re else []
        else:
            names = labels.coefficient_names(exog_re)
            full = labels.covariance_names(names)
        self._rename(names, full, data.xnames)

    def _rename(self, names: list[str], full: list[str], xnames: list[str]) -> None:
        data = self.data
        data.exog_re_names, data.exog_re_names_full = names, full
        data.param_names = [*xnames, *full, *(f"{name} Var" for name in self.exog_vc.names)]

    @classmethod
    def from_formula(
        cls,
        formula: str,
        data: Any,
        re_formula: str | None = None,
        vc_formula: Any = None,
        subset: Any = None,
        use_sparse: bool = False,
        missing: str = "none",
        *args: Any,
        **kwargs: Any,
    ) -> MixedLM:
        """State a model by formulas; see `mixedlm`."""
        if "groups" not in kwargs:
            raise AttributeError("'groups' is a required keyword argument in MixedLM.from_formula")
        groups = kwargs.pop("groups")
        names = _names(kwargs.pop("eval_env", None))
        formulas = [formula, re_formula or "1", *(vc_formula or {}).values()]
        frame, held = reading.as_frame(data, formulas), groups
        group_name = groups if isinstance(groups, str) else "Group"
        labels_of = np.asarray(frame[groups] if isinstance(groups, str) else groups)
        if subset is not None:
            rows = reading.rows_of(subset, frame)
            labels_of = labels_of[rows] if len(labels_of) == len(frame) else labels_of
            frame = frame.iloc[rows]
        if missing == "drop":
            rows = reading.complete_rows(frame, labels_of, formulas)
            frame, labels_of = frame.loc[rows], labels_of[rows]
        endog, exog, spec = reading.matrices(formula, frame, names)
        exog_re, re_names = _coefficients(re_formula, vc_formula, frame, group_name, names)
        exog_vc = None
        if vc_formula is not None:
            exog_vc = reading.components(vc_formula, frame, group_layout(labels_of), names)
        model = cls(endog, exog, labels_of, exog_re, exog_vc, *args, **kwargs)
        model._rename(re_names, labels.covariance_names(re_names), model.data.xnames)
        model.data.spec, model.data.frame = spec, frame
        model.data.formula = model.formula = formula
        model._origin = Origin(formula, re_formula, vc_formula, frame, held, labels_of, names)
        return model

    # -- fits ------------------------------------------------------------------------------------------------

    def fit(
        self,
        start_params: Any = None,
        reml: bool = True,
        niter_sa: int = 0,
        do_cg: bool = True,
        fe_pen: Any = None,
        cov_pen: Any = None,
        free: MixedLMParams | None = None,
        full_output: bool = False,
        method: Any = None,
        **fit_kwargs: Any,
    ) -> MixedLMResults:
        """Fit the model.

        Parameters
        ----------
        start_params : MixedLMParams or packed parameters, optional
            Values at which ``do_cg=False`` evaluates, and at which `free` holds what is not free; the search
            finds its own start.
        reml : bool, default True
            REML or maximum likelihood.
        niter_sa : int
            Not used, as in statsmodels.
        do_cg : bool
            False evaluates at the start instead of searching.
        fe_pen, cov_pen : None
            Penalties are not available.
        free : MixedLMParams of zeros and ones, optional
            Zeros mark what stays at its start: with an identity matrix as `cov_re` the random coefficients
            are independent.
        full_output : bool
            Whether ``result.hist`` tells about the search.
        method : str or list of str
            Accepted and not needed: there is one search, and it does not depend on the method.
        **fit_kwargs
            ``maxiter``, ``gtol``, ``disp`` and the like: accepted and not needed.

        Returns
        -------
        MixedLMResults

        Raises
        ------
        ValueError
            A method that statsmodels does not take.
        OptionError
            A penalty.
        FitError
            The likelihood cannot be evaluated.

        Examples
        --------
        >>> import henderson as hd
        >>> from henderson.adapters import statsmodels as smf
        >>> sleep = hd.datasets.load("sleepstudy")
        >>> result = smf.mixedlm("Reaction ~ Days", sleep, groups=sleep["Subject"]).fit(reml=False)
        >>> print(result.llf.round(4), result.aic.round(3))
        -897.0393 1802.079
        """
        fitting.check_options(method, fit_kwargs, fe_pen, cov_pen, niter_sa)
        self.reml, free = bool(reml), own_params(free)
        start = fitting.start_parameters(self, start_params)
        found = fitting.fit_model(self, reml=self.reml, start=start, free=free, search=do_cg)
        return MixedLMResults(self, found, reml=self.reml, free=free, full_output=full_output)

    def fit_regularized(
        self,
        start_params: Any = None,
        method: Any = "l1",
        alpha: Any = 0,
        ceps: float = 1e-4,
        ptol: float = 1e-6,
        maxit: int = 200,
        **fit_kwargs: Any,
    ) -> MixedLMResults:
        """Fit, then shrink the fixed effects by an L1 penalty, the covariance parameters held.

        Parameters
        ----------
        start_params : object
            Not used, as in statsmodels.
        method : {"l1"}
            Kind of penalty.
        alpha : float or (k_fe,) numbers
            Weight of the penalty on each fixed effect.
        ceps, ptol : float
            Below `ceps` an effect is zero; the search stops when effects change by less than `ptol`.
        maxit : int
            Most rounds.
        **fit_kwargs
            For `fit`.
        """
        if not isinstance(method, str) or method.lower() != "l1":
            raise ValueError("Invalid regularization method")
        result = self.fit(**fit_kwargs)
        beta = fitting.penalised_effects(self, result, alpha, ceps=ceps, ptol=ptol, maxit=maxit)
        return result._with_fixed_effects(beta, ceps)


def _names(eval_env: Any) -> dict[str, Any]:
    """Return what formulas may call beside the columns."""
    if hasattr(eval_env, "_namespaces"):
        return {k: v for space in reversed(eval_env._namespaces) for k, v in space.items()}
    if isinstance(eval_env, dict):
        return dict(eval_env)
    return {} if eval_env == -1 else reading.caller_names(2)


def _coefficients(
    re_formula: str | None, vc_formula: Any, frame: Any, group_name: str, names: dict[str, Any]
) -> tuple[np.ndarray | None, list[str]]:
    if re_formula is None:
        return None, [group_name] if vc_formula is None else []
    if re_formula.strip() == "1":
        return np.ones((len(frame), 1)), [group_name]
    read = reading.one_side(re_formula, frame, names)
    return np.asarray(read, dtype=float), [
        str(name).replace("Intercept", group_name) for name in read.columns
    ]


__all__ = ["MixedLM", "MixedLMParams", "VCSpec"]
