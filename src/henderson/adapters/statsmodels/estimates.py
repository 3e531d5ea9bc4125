"""The parameters of a result, with standard errors, tests and limits."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels import inference, labels
from henderson.adapters.statsmodels.parameters import MixedLMParams
from henderson.adapters.statsmodels.tested import Tested

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.fitting import Fitted


class Estimates(Tested):
    """Parameters under their names; see `MixedLMResults`."""

    _found: Fitted
    freepat: MixedLMParams | None
    reml: bool

    @cached_property
    def params(self) -> Any:
        """Fixed effects, then covariance parameters and components divided by `scale`."""
        packed = self._found.params.get_packed(use_sqrt=False, has_fe=True)
        return labels.vector(packed, self.model.data.param_names, self.model.data)

    @cached_property
    def fe_params(self) -> Any:
        """Fixed effects."""
        return labels.vector(self._found.params.fe_params, self.model.exog_names, self.model.data)

    @cached_property
    def cov_re_unscaled(self) -> Any:
        """Covariance of the random coefficients divided by `scale`."""
        return labels.matrix(self._found.params.cov_re, self.model.data.exog_re_names, self.model.data)

    @cached_property
    def cov_re(self) -> Any:
        """Covariance of the random coefficients."""
        cov = self._found.scale * self._found.params.cov_re
        return labels.matrix(cov, self.model.data.exog_re_names, self.model.data)

    @cached_property
    def _cov(self) -> np.ndarray:
        return inference.parameter_covariance(self.model, self._found.params, self.freepat, reml=self.reml)

    @property
    def normalized_cov_params(self) -> Any:
        """Covariance of all parameters divided by `scale`."""
        return labels.matrix(self._cov / self.scale, self.model.data.param_names, self.model.data)

    @cached_property
    def _bse(self) -> np.ndarray:
        return inference.standard_errors(self._cov)

    @cached_property
    def bse(self) -> Any:
        """Standard errors of `params`."""
        return labels.vector(self._bse, self.model.data.param_names, self.model.data)

    @cached_property
    def bse_fe(self) -> Any:
        """Standard errors of the fixed effects."""
        return labels.vector(self._bse[: self.k_fe], self.model.exog_names, self.model.data)

    @cached_property
    def bse_re(self) -> Any:
        """Standard errors of covariance parameters and components, times the root of `scale`."""
        names = self.model.data.param_names[self.k_fe :]
        return labels.vector(np.sqrt(self.scale) * self._bse[self.k_fe :], names, self.model.data)

    @cached_property
    def tvalues(self) -> Any:
        """`params` divided by their standard errors."""
        return self.params / self.bse

    @cached_property
    def pvalues(self) -> Any:
        """Two-sided, from the normal distribution."""
        from scipy.special import ndtr

        return labels.vector(
            2 * ndtr(-np.abs(np.asarray(self.tvalues))), self.model.data.param_names, self.model.data
        )

    def conf_int(self, alpha: float = 0.05) -> Any:
        """Return limits of `params` from the normal distribution, columns 0 and 1."""
        import pandas as pd
        from scipy.special import ndtri

        half = ndtri(1 - alpha / 2) * self._bse
        limits = np.column_stack([np.asarray(self.params) - half, np.asarray(self.params) + half])
        data = self.model.data
        return pd.DataFrame(limits, index=data.param_names) if data.labelled else limits
