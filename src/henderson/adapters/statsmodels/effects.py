"""Random effects of every group given the data, under statsmodels' labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels import likelihood
from henderson.adapters.statsmodels.layout import group_matrix

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.fitting import Fitted
    from henderson.adapters.statsmodels.model import MixedLM


def effect_names(model: MixedLM, i: int) -> list[str]:
    """Names of the effects of group i: random coefficients, then ``component[column]``."""
    names = list(model.data.exog_re_names)
    for component, colnames in zip(model.exog_vc.names, model.exog_vc.colnames, strict=True):
        names += [f"{component}[{column}]" for column in colnames[i]]
    return names


def conditional_means(model: MixedLM, fitted: Fitted) -> list[np.ndarray]:
    """Means of the effects given the data, G Z'V^-1 r, one (K_i,) array per group.

    Singular covariances are no obstacle: nothing is inverted but I + Z'Z G.
    """
    at, out = fitted.params, [np.zeros(0)] * model.n_groups
    for part in likelihood.marginal(model._sums, at.cov_re, at.vcomp, at.fe_params).parts:
        for i, effects in zip(part.bundle.groups, part.z @ part.G, strict=True):
            out[i] = effects
    return out


def conditional_covariances(model: MixedLM, fitted: Fitted) -> list[np.ndarray]:
    """Covariances of the effects given the data and the parameters, s^2 (G - G Z'V^-1 Z G), per group."""
    at, out = fitted.params, [np.zeros((0, 0))] * model.n_groups
    for part in likelihood.marginal(model._sums, at.cov_re, at.vcomp, at.fe_params).parts:
        for i, W in zip(part.bundle.groups, part.W, strict=True):
            out[i] = fitted.scale * (part.G - part.G @ W @ part.G)
    return out


def labelled_means(model: MixedLM, means: list[np.ndarray]) -> dict[Any, Any]:
    """Return the means as a dict of group to Series."""
    import pandas as pd

    return {
        label: pd.Series(means[i], index=effect_names(model, i)) for i, label in enumerate(model.group_labels)
    }


def labelled_covariances(model: MixedLM, covariances: list[np.ndarray]) -> dict[Any, Any]:
    """Return the covariances as a dict of group to DataFrame."""
    import pandas as pd

    out = {}
    for i, label in enumerate(model.group_labels):
        names = effect_names(model, i)
        out[label] = pd.DataFrame(covariances[i], index=names, columns=names)
    return out


def fitted_values(model: MixedLM, fitted: Fitted, means: list[np.ndarray]) -> np.ndarray:
    """X beta + Z b of every row, (n,)."""
    out = model.exog @ fitted.params.fe_params
    for i, effects in enumerate(means):
        out[model._layout.rows(i)] += group_matrix(model._layout, model.exog_re, model.exog_vc, i) @ effects
    return np.asarray(out)
