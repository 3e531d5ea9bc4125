"""Standard errors, profiles and the summary of a result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson import crossprod
from henderson.adapters.statsmodels import likelihood, search
from henderson.adapters.statsmodels.blocks import build_blocks
from henderson.adapters.statsmodels.parameters import MixedLMParams, covariance_root
from henderson.adapters.statsmodels.summary import TITLE, Summary, number

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.fitting import Fitted
    from henderson.adapters.statsmodels.model import MixedLM
    from henderson.adapters.statsmodels.results import MixedLMResults


def parameter_covariance(
    model: MixedLM, params: MixedLMParams, free: MixedLMParams | None, *, reml: bool
) -> np.ndarray:
    """Covariance of all parameters: the inverse of minus the Hessian; zero for those held.

    Parameters
    ----------
    model : MixedLM
        The model.
    params : MixedLMParams
        Estimates, in units of the scale.
    free : MixedLMParams of zeros and ones, optional
        What could move.
    reml : bool
        Restricted likelihood or not.

    Returns
    -------
    (k, k) float64
        Fixed effects, lower triangle of the covariance by rows, components.
    """
    H = likelihood.hessian(model._sums, params, reml=reml)
    out, at = np.zeros_like(H), np.arange(len(H))
    if free is not None:
        at = np.flatnonzero(free.get_packed(use_sqrt=False, has_fe=True))
    inner = -H[np.ix_(at, at)]
    try:
        out[np.ix_(at, at)] = np.linalg.inv(inner)
    except np.linalg.LinAlgError:
        out[np.ix_(at, at)] = np.linalg.pinv(inner)
    return out


def standard_errors(cov: np.ndarray) -> np.ndarray:
    """Roots of the diagonal; NaN where the Hessian does not bend downwards, as at a variance of zero."""
    variances = cov.diagonal()
    return np.sqrt(np.where(variances >= 0, variances, np.nan))


def profile(
    model: MixedLM,
    fitted: Fitted,
    which: int | str,
    vtype: str,
    counts: tuple[int, int],
    reach: tuple[float, float],
    *,
    reml: bool,
    free: MixedLMParams | None = None,
) -> np.ndarray:
    """Profile the likelihood along one variance, its ratio to the scale held.

    Parameters
    ----------
    model : MixedLM
        The model.
    fitted : Fitted
        Its estimates.
    which : int or str
        Random coefficient, or name of a component.
    vtype : {"re", "vc"}
        Which of the two.
    counts : (int, int)
        Points below and above the estimate.
    reach : (float, float)
        How far they go.
    reml : bool
        Restricted likelihood or not.
    free : MixedLMParams of zeros and ones, optional
        What could move in the fit: nothing else moves along the profile.

    Returns
    -------
    (points, 2) float64
        Variance, log-likelihood.
    """
    if vtype not in ("re", "vc"):
        raise ValueError(f"vtype must be one of ('re', 'vc'), not {vtype!r}")
    params, order = fitted.params, np.arange(model.k_re)
    if vtype == "re":
        j = int(which)
        order[[0, j]] = order[[j, 0]]
        at = params.cov_re[j, j]
    else:
        j = model.exog_vc.names.index(str(which))
        at = params.vcomp[j]
    low, high = at - reach[0] / fitted.scale, at + reach[1] / fitted.scale
    if low <= 0:
        raise ValueError(
            "dist_low is too large and would result in a negative variance. Try a smaller value."
        )
    ratios = [*np.linspace(low, at, counts[0] + 1), *np.linspace(at, high, counts[1] + 1)[1:]]
    hold = _holder(model, fitted, order, vtype, j, reml, free)
    return np.array([hold(ratio) for ratio in ratios])


def _holder(
    model: MixedLM,
    fitted: Fitted,
    order: np.ndarray,
    vtype: str,
    j: int,
    reml: bool,
    free: MixedLMParams | None,
) -> Any:
    """Return (ratio of a variance to the scale) → (variance, log-likelihood)."""
    re_names = [model.data.exog_re_names[i] for i in order]
    exog_re = None if model.exog_re is None else model.exog_re[:, order]
    design = (model.endog, model.exog, model.exog_names, exog_re, re_names, model.exog_vc, model._layout)
    blocks = build_blocks(*design, group="Group", response="y")
    cross, k_re, k_vc = crossprod.from_design(blocks.design), model.k_re, model.k_vc
    start = covariance_root(fitted.params.cov_re[np.ix_(order, order)])
    vcomp, back = fitted.params.vcomp.copy(), np.argsort(order)
    masks = {"free_root": np.ones((k_re, k_re), dtype=bool), "free_vcomp": np.ones(k_vc, dtype=bool)}
    if free is not None:
        masks["free_root"] = np.array(free.cov_re[np.ix_(order, order)], dtype=bool)
        masks["free_vcomp"] = np.array(free.vcomp, dtype=bool)
    if vtype == "re":
        masks["free_root"][0, 0] = False
    else:
        masks["free_vcomp"][j] = False

    def at(ratio: float) -> tuple[float, float]:
        root = start.copy()
        if vtype == "re":
            root[:, 0] *= np.sqrt(ratio) / root[0, 0]
        else:
            vcomp[j] = ratio
        found = search.fit_held(blocks, k_re, k_vc, reml=reml, root=root, vcomp=vcomp, cross=cross, **masks)
        cov = found.cov_re[np.ix_(back, back)]
        beta = likelihood.generalised_least_squares(model._sums, cov, found.vcomp)
        scale = likelihood.marginal(model._sums, cov, found.vcomp, beta).rvr / likelihood.degrees(
            model._sums, reml
        )
        params = MixedLMParams.from_components(beta, cov, vcomp=found.vcomp)
        return ratio * scale, likelihood.loglike(model._sums, params, reml=reml)

    return at


def summarise(
    result: MixedLMResults,
    yname: str | None,
    xname_fe: list[str] | None,
    xname_re: list[str] | None,
    title: str | None,
    alpha: float,
) -> Summary:
    """Lay out the facts and coefficients of a result."""
    from scipy.special import ndtr, ndtri

    names, k = list(result.model.data.param_names), result.k_fe
    for given, at, what in ((xname_fe, slice(0, k), "xname_fe"), (xname_re, slice(k, None), "xname_re")):
        if given is not None:
            if len(given) != len(names[at]):
                raise ValueError(f"{what} should be a list of length {len(names[at]):d}")
            names[at] = given
    beta, se = result._found.params.fe_params, result._bse[:k]
    with np.errstate(invalid="ignore", divide="ignore"):
        z = beta / se
    half = ndtri(1 - alpha / 2) * se
    numbers = np.full((len(names), 6), np.nan)
    numbers[:k] = np.column_stack([beta, se, z, 2 * ndtr(-np.abs(z)), beta - half, beta + half])
    packed = result._found.params.get_packed(use_sqrt=False)
    numbers[k:, 0] = result.scale * packed
    numbers[k:, 1] = np.sqrt(result.scale) * result._bse[k:]
    cells = [[number(x) for x in row] for row in numbers]
    heads = ["Coef.", "Std.Err.", "z", "P>|z|", f"[{alpha / 2}", f"{1 - alpha / 2}]"]
    return Summary(_facts(result, yname), names, heads, cells, TITLE if title is None else title)


def _facts(result: MixedLMResults, yname: str | None) -> list[tuple[str, str]]:
    sizes = result.model._layout.sizes
    return [
        ("Model:", "MixedLM"),
        ("No. Observations:", str(result.model.nobs)),
        ("No. Groups:", str(result.model.n_groups)),
        ("Min. group size:", f"{sizes.min():.0f}"),
        ("Max. group size:", f"{sizes.max():.0f}"),
        ("Mean group size:", f"{sizes.mean():.1f}"),
        ("Dependent Variable:", str(result.model.endog_names if yname is None else yname).strip()),
        ("Method:", result.method),
        ("Scale:", f"{result.scale:.4f}"),
        ("Log-Likelihood:", f"{result.llf:.4f}"),
        ("Converged:", "Yes" if result.converged else "No"),
    ]


def penalised_state(
    model: MixedLM, fitted: Fitted, beta: np.ndarray, ceps: float, *, reml: bool
) -> tuple[Fitted, np.ndarray]:
    """Return estimates with penalised fixed effects, other parameters as they were, and their covariance.

    Fixed effects below `ceps` have no standard error (NaN).
    """
    params = fitted.params.copy()
    params.fe_params = beta
    at = likelihood.marginal(model._sums, params.cov_re, params.vcomp, beta)
    kept = (np.abs(beta) > ceps).astype(float)
    free = MixedLMParams.from_components(kept, np.ones((model.k_re, model.k_re)), vcomp=np.ones(model.k_vc))
    cov = parameter_covariance(model, params, free, reml=reml)
    gone = np.flatnonzero(kept == 0)
    cov[gone, :] = cov[:, gone] = np.nan
    scale = at.rvr / likelihood.degrees(model._sums, reml)
    return replace(fitted, params=params, estimate=None), cov * scale / fitted.scale
