"""The parameters of a model as statsmodels packs them, and its description of variance components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class VCSpec:
    """Variance components: names, column labels and one matrix per group.

    Parameters
    ----------
    names : list of str
        One per component.
    colnames : list of list of list of str
        ``colnames[k][i]`` labels the columns of ``mats[k][i]``.
    mats : list of list of (n_i, d_ki) arrays
        ``mats[k][i]`` belongs to component k and group i, groups in sorted order. Every column has an effect
        of its own; the effects of a component share one variance.
    """

    def __init__(self, names: list[str], colnames: Sequence[Any], mats: Sequence[Any]) -> None:
        self.names, self.colnames, self.mats = names, colnames, mats


class MixedLMParams:
    """Fixed effects, random-effects covariance and variance components, the latter two divided by the scale.

    Parameters
    ----------
    k_fe, k_re, k_vc : int
        Fixed effects, columns with random coefficients, variance components.

    Attributes
    ----------
    fe_params : (k_fe,) float64
    cov_re : (k_re, k_re) float64
    vcomp : (k_vc,) float64
    """

    def __init__(self, k_fe: int, k_re: int, k_vc: int) -> None:
        self.k_fe, self.k_re, self.k_vc = k_fe, k_re, k_vc
        self.k_re2 = k_re * (k_re + 1) // 2
        self.k_tot = k_fe + self.k_re2 + k_vc
        self.fe_params = np.zeros(k_fe)
        self.cov_re = np.zeros((k_re, k_re))
        self.vcomp = np.zeros(k_vc)

    @staticmethod
    def from_packed(params: Any, k_fe: int, k_re: int, use_sqrt: bool, has_fe: bool) -> MixedLMParams:
        """Unpack one vector: fixed effects (with `has_fe`), lower triangle by rows, variance components.

        Parameters
        ----------
        params : (k,) numbers
            The vector.
        k_fe, k_re : int
            Sizes.
        use_sqrt : bool
            Whether the triangle is the Cholesky factor of `cov_re`, and components are standard deviations.
        has_fe : bool
            Whether the vector starts with the fixed effects; else these are zero.
        """
        params = np.asarray(params, dtype=float)
        first, k_re2 = k_fe if has_fe else 0, k_re * (k_re + 1) // 2
        out = MixedLMParams(k_fe, k_re, len(params) - first - k_re2)
        out.fe_params = params[:first].copy() if has_fe else np.zeros(k_fe)
        triangle = np.zeros((k_re, k_re))
        triangle[np.tril_indices(k_re)] = params[first : first + k_re2]
        rest = params[first + k_re2 :].copy()
        if use_sqrt:
            out.cov_re, out.vcomp = triangle @ triangle.T, rest**2
        else:
            out.cov_re, out.vcomp = triangle + np.tril(triangle, -1).T, rest
        return out

    @staticmethod
    def from_components(
        fe_params: Any = None, cov_re: Any = None, cov_re_sqrt: Any = None, vcomp: Any = None
    ) -> MixedLMParams:
        """Put the parts together; those left out are empty.

        Parameters
        ----------
        fe_params : (k_fe,) numbers, optional
            Fixed effects.
        cov_re : (k_re, k_re) numbers, optional
            Covariance of the random coefficients.
        cov_re_sqrt : (k_re, k_re) numbers, optional
            Its Cholesky factor, instead.
        vcomp : (k_vc,) numbers, optional
            Variance components.
        """
        fe, vc = (
            np.zeros(0) if part is None else np.asarray(part, dtype=float) for part in (fe_params, vcomp)
        )
        if cov_re_sqrt is not None:
            root = np.asarray(cov_re_sqrt, dtype=float)
            cov = root @ root.T
        else:
            cov = np.zeros((0, 0)) if cov_re is None else np.asarray(cov_re, dtype=float)
        out = MixedLMParams(len(fe), len(cov), len(vc))
        out.fe_params, out.cov_re, out.vcomp = fe, cov, vc
        return out

    def copy(self) -> MixedLMParams:
        """Return a copy that shares nothing."""
        return MixedLMParams.from_components(
            self.fe_params.copy(), self.cov_re.copy(), vcomp=self.vcomp.copy()
        )

    def get_packed(self, use_sqrt: bool, has_fe: bool = False) -> np.ndarray:
        """Return one vector, as `from_packed` takes it.

        Parameters
        ----------
        use_sqrt : bool
            The Cholesky factor and standard deviations, or the covariance matrix and variances.
        has_fe : bool
            Whether the fixed effects lead.
        """
        inner = covariance_root(self.cov_re) if use_sqrt else self.cov_re
        vcomp = np.sqrt(self.vcomp) if use_sqrt else self.vcomp
        parts = (inner[np.tril_indices(self.k_re)], vcomp)
        return np.concatenate((self.fe_params, *parts) if has_fe else parts)


def own_params(given: Any) -> MixedLMParams | None:
    """Return a copy of parameters that are ours or statsmodels' own; None of anything else."""
    if not hasattr(given, "get_packed"):
        return None
    return MixedLMParams.from_components(
        np.array(given.fe_params, dtype=float),
        np.array(given.cov_re, dtype=float),
        vcomp=np.array(given.vcomp, dtype=float),
    )


def covariance_root(cov: np.ndarray) -> np.ndarray:
    """Return a lower triangle L with L L' = cov, (k, k); for singular matrices too.

    Examples
    --------
    >>> import numpy as np
    >>> covariance_root(np.array([[4.0, 2.0], [2.0, 1.0]])).round(6) + 0.0
    array([[2., 0.],
           [1., 0.]])
    """
    if not len(cov):
        return np.zeros((0, 0))
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    L = np.linalg.qr(root.T).R.T
    return np.asarray(L * np.where(L.diagonal() < 0, -1.0, 1.0))
