"""The attributes of a model that describe its data."""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from henderson.adapters.statsmodels.blocks import check_rows
from henderson.adapters.statsmodels.evaluation import Evaluation
from henderson.adapters.statsmodels.parameters import MixedLMParams
from henderson.adapters.statsmodels.plain import Plain
from henderson.adapters.statsmodels.reading import matrices
from henderson.adapters.statsmodels.states import Distribution
from henderson.adapters.statsmodels.twin import Origin


class Stated(Evaluation):
    """Names, groups and rows of a model; see `MixedLM`."""

    nobs: int
    _origin: Origin | None

    formula: str | None = None

    @property
    def endog_names(self) -> str:
        """Name of the response."""
        return self.data.ynames

    @property
    def exog_names(self) -> list[str]:
        """Names of the fixed effects."""
        return self.data.xnames

    @property
    def group_labels(self) -> list[Any]:
        """Distinct groups, sorted."""
        return self._layout.labels

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return self._layout.m

    @cached_property
    def row_indices(self) -> dict[Any, list[int]]:
        """Rows of every group."""
        return {label: self._layout.rows(i).tolist() for i, label in enumerate(self._layout.labels)}

    @cached_property
    def k_constant(self) -> int:
        """1 where the fixed effects span the constant, else 0."""
        ones = np.ones(self.nobs)
        left = ones - self.exog @ np.linalg.lstsq(self.exog, ones, rcond=None)[0]
        return int(np.abs(left).max() < 1e-8)

    def group_list(self, array: Any) -> list[np.ndarray] | None:
        """Return an array (n, …) split into the groups; None of None."""
        if array is None:
            return None
        return [np.array(np.asarray(array)[self._layout.rows(i)]) for i in range(self.n_groups)]

    @cached_property
    def endog_li(self) -> list[np.ndarray] | None:
        """Response, group by group."""
        return self.group_list(self.endog)

    @cached_property
    def exog_li(self) -> list[np.ndarray] | None:
        """Fixed effects, group by group."""
        return self.group_list(self.exog)

    @cached_property
    def exog_re_li(self) -> list[np.ndarray] | None:
        """Columns with random coefficients, group by group."""
        return self.group_list(self.exog_re)

    def initialize(self) -> None:
        """Do nothing; statsmodels' models have it."""

    def _forget(self) -> None:
        """Let go of the rows, for `MixedLMResults.remove_data`."""
        for name in ("endog_li", "exog_li", "exog_re_li", "row_indices"):
            self.__dict__.pop(name, None)
        data = self.data
        _ = self.k_constant
        data.orig_endog = data.orig_exog = data.frame = data.exog_re = None
        data.row_labels = None if data.row_labels is None else data.row_labels[:0]
        self.endog = self.exog = data.endog = data.exog = np.empty((0, 0))
        self.exog_re, self._origin = None, None

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what cannot be pickled: the reader of the formula, and the caller's names."""
        state, data = self.__dict__.copy(), copy(self.data)
        data.spec = data.spec if isinstance(data.spec, Plain) else None
        origin = state.get("_origin")
        return {**state, "data": data, "_origin": None if origin is None else replace(origin, names={})}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the formula once more, so that new rows can be predicted; not if it calls own functions."""
        self.__dict__.update(state)
        if self.data.spec is None and self._origin is not None and self.data.frame is not None:
            with suppress(Exception):
                self.data.spec = matrices(self._origin.formula, self.data.frame, {"np": np})[2]

    def get_distribution(self, params: Any, scale: float, exog: Any = None) -> Distribution:
        """Return an object whose ``rvs`` draws responses at given parameters.

        Parameters
        ----------
        params : (k,) numbers
            Fixed effects, lower triangle of the covariance and components, the latter two divided by `scale`.
        scale : float
            Residual variance.
        exog : (n, k_fe) numbers, optional
            Fixed effects, by default the model's own.
        """
        at = MixedLMParams.from_packed(params, self.k_fe, self.k_re, use_sqrt=False, has_fe=True)
        X = self.exog if exog is None else np.asarray(exog, dtype=float)
        return Distribution(X @ at.fe_params, scale, at, self._layout, self.exog_re, self.exog_vc)

    def predict(self, params: Any, exog: Any = None) -> np.ndarray:
        """Return X beta (n,) for the fixed effects that lead `params`."""
        if exog is None:
            check_rows(self.endog)
        beta = params.fe_params if hasattr(params, "get_packed") else np.asarray(params)[: self.k_fe]
        return np.dot(self.exog if exog is None else exog, beta)
