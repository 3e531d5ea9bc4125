"""From statsmodels' arguments of ``fit`` to estimates."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels import likelihood, search
from henderson.adapters.statsmodels.blocks import Blocks, build_blocks
from henderson.adapters.statsmodels.parameters import MixedLMParams, covariance_root, own_params
from henderson.errors import HendersonWarning, OptionError
from henderson.estimate import Estimate

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.model import MixedLM
    from henderson.adapters.statsmodels.results import MixedLMResults

METHODS = ("nm", "bfgs", "lbfgs", "powell", "cg", "basinhopping", "minimize")
OPTIONS = ("gtol", "maxiter", "eps", "maxcor", "ftol", "tol", "disp", "maxls")
_told: set[str] = set()
"""What has been said already in this process."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Estimates of one fit.

    Attributes
    ----------
    params : MixedLMParams
        Covariance parameters in units of the scale.
    scale : float
        Residual variance.
    converged : bool
        Whether the search met its criterion.
    evaluations : int
        Of the likelihood.
    blocks : Blocks
        The design in the library's own terms.
    estimate : Estimate or None
        The library's own, where no parameter is tied or held.
    """

    params: MixedLMParams
    scale: float
    converged: bool
    evaluations: int
    blocks: Blocks
    estimate: Estimate | None


def check_options(method: Any, fit_kwargs: dict[str, Any], fe_pen: Any, cov_pen: Any, niter_sa: int) -> None:
    """Refuse what statsmodels refuses, and say once what is not needed.

    Raises
    ------
    ValueError
        A method that statsmodels does not take.
    OptionError
        A penalty.
    """
    if fe_pen is not None or cov_pen is not None:
        raise OptionError(
            "Penalties (fe_pen, cov_pen) are not available here. fit_regularized(alpha=…) has the L1 penalty "
            "of the fixed effects; for others fit with statsmodels itself."
        )
    for name in [] if method is None else [method] if isinstance(method, str) else list(method):
        if name.lower() in ("newton", "ncg"):
            raise ValueError(f"method {name} not available for MixedLM")
        if name.lower() not in METHODS:
            raise ValueError(f"method must be one of: {', '.join(map(repr, METHODS))}")
    if unknown := sorted(set(fit_kwargs) - set(OPTIONS)):
        _once(f"MixedLM.fit has no arguments {', '.join(unknown)}; they are not used.")
    if method is not None or fit_kwargs or niter_sa:
        _once(
            "method= and the settings of optimisers are accepted and not needed: henderson has one search, a "
            "Newton method with exact derivatives, and its result does not depend on them. Said once."
        )


def _once(text: str) -> None:
    if text not in _told:
        _told.add(text)
        warnings.warn(text, HendersonWarning, stacklevel=4)


def start_parameters(model: MixedLM, given: Any) -> MixedLMParams:
    """Return where ``do_cg=False`` evaluates and where `free` holds: as given, or statsmodels' own start."""
    if given is None:
        return MixedLMParams.from_components(
            np.zeros(model.k_fe), np.eye(model.k_re), vcomp=np.ones(model.k_vc)
        )
    if (own := own_params(given)) is not None:
        return own
    if (size := len(given)) not in (model.k_re2 + model.k_vc, model.k_fe + model.k_re2 + model.k_vc):
        raise ValueError("invalid start_params")
    has_fe = size > model.k_re2 + model.k_vc
    return MixedLMParams.from_packed(given, model.k_fe, model.k_re, model.use_sqrt, has_fe=has_fe)


def fit_model(
    model: MixedLM,
    *,
    reml: bool,
    start: MixedLMParams,
    free: MixedLMParams | None = None,
    search: bool = True,
) -> Fitted:
    """Fit a model.

    Parameters
    ----------
    model : MixedLM
        What to fit.
    reml : bool
        Restricted likelihood or not.
    start : MixedLMParams
        What is held stays here.
    free : MixedLMParams of zeros and ones, optional
        What may move.
    search : bool
        False evaluates at `start`.

    Returns
    -------
    Fitted
    """
    separate = None if free is None else independent_sets(free.cov_re, covariance_root(start.cov_re))
    blocks = model_blocks(model, separate)
    if not search:
        return _at(model, blocks, start.cov_re, start.vcomp, reml, False, 1)
    return _search(model, blocks, start, free, separate is not None, reml)


def _search(
    model: MixedLM, blocks: Blocks, start: MixedLMParams, free: MixedLMParams | None, split: bool, reml: bool
) -> Fitted:
    all_components = free is None or bool(np.all(free.vcomp))
    if not blocks.tied and all_components and (free is None or split):
        found = search.fit_free(blocks, model.k_re, model.k_vc, reml=reml)
    elif free is None:
        found = search.fit_held(blocks, model.k_re, model.k_vc, reml=reml)
    else:
        found = search.fit_held(
            blocks,
            model.k_re,
            model.k_vc,
            reml=reml,
            root=covariance_root(start.cov_re),
            vcomp=start.vcomp,
            free_root=np.asarray(free.cov_re, dtype=bool),
            free_vcomp=np.asarray(free.vcomp, dtype=bool),
        )
    estimate = found.estimate
    if estimate is None:
        return _at(model, blocks, found.cov_re, found.vcomp, reml, found.converged, found.evaluations)
    params = MixedLMParams.from_components(estimate.beta.copy(), found.cov_re, vcomp=found.vcomp)
    return Fitted(params, estimate.sigma**2, found.converged, found.evaluations, blocks, estimate)


def _at(
    model: MixedLM,
    blocks: Blocks,
    cov_re: np.ndarray,
    vcomp: np.ndarray,
    reml: bool,
    converged: bool,
    evaluations: int,
) -> Fitted:
    """Return the estimates that go with given covariance parameters."""
    beta = likelihood.generalised_least_squares(model._sums, cov_re, vcomp)
    scale = likelihood.marginal(model._sums, cov_re, vcomp, beta).rvr / likelihood.degrees(model._sums, reml)
    params = MixedLMParams.from_components(beta, cov_re, vcomp=vcomp)
    return Fitted(params, float(scale), converged, evaluations, blocks, None)


def model_blocks(model: MixedLM, separate: list[np.ndarray] | None = None) -> Blocks:
    """Return the design of a model in the library's own terms."""
    group = model._origin.group_name if model._origin is not None else "Group"
    return build_blocks(
        model.endog,
        model.exog,
        model.exog_names,
        model.exog_re,
        model.data.exog_re_names,
        model.exog_vc,
        model._layout,
        group=group,
        response=model.endog_names,
        separate=separate,
    )


def independent_sets(mask: np.ndarray, root: np.ndarray) -> list[np.ndarray] | None:
    """Return sets of random coefficients that are free within and independent between; None if not so.

    Parameters
    ----------
    mask : (k_re, k_re) of zeros and ones
        What may move.
    root : (k_re, k_re) float64
        Start, where the others stay.

    Examples
    --------
    >>> import numpy as np
    >>> independent_sets(np.eye(2), np.eye(2))
    [array([0]), array([1])]
    """
    k, sets, left = len(mask), [], list(range(len(mask)))
    linked = np.asarray(mask, dtype=bool)
    while left:
        members = [j for j in left if linked[left[0], j] or j == left[0]]
        if not linked[np.ix_(members, members)].all():
            return None
        sets.append(np.array(members))
        left = [j for j in left if j not in members]
    inside = np.zeros((k, k), dtype=bool)
    for members_of in sets:
        inside[np.ix_(members_of, members_of)] = True
    return None if (linked & ~inside).any() or root[~inside & np.tri(k, dtype=bool)].any() else sets


def penalised_effects(
    model: MixedLM, result: MixedLMResults, alpha: Any, *, ceps: float, ptol: float, maxit: int
) -> np.ndarray:
    """Shrink fixed effects: minimise (y - X b)'Sigma^-1 (y - X b) + sum alpha_j |b_j| over b, one at a time.

    Effects that come below `ceps` stay there, as in statsmodels.

    Returns
    -------
    (k_fe,) float64
    """
    weights = np.broadcast_to(np.asarray(alpha, dtype=float), (model.k_fe,))
    at = result._found.params
    here = likelihood.marginal(model._sums, at.cov_re, at.vcomp)
    H, beta = here.xvx / result.scale, at.fe_params.copy()
    g = here.xvr / result.scale + H @ model._sums.beta0
    for _ in range(maxit):
        old = beta.copy()
        for j in np.flatnonzero(np.abs(beta) >= ceps):
            beta[j] = 0.0
            pull = 2 * (g[j] - H[j] @ beta)
            beta[j] = np.sign(pull) * max(abs(pull) - weights[j], 0.0) / (2 * H[j, j])
        if np.abs(beta - old).max() < ptol:
            break
    return beta
