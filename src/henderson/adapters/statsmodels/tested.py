"""The methods of a result that test linear hypotheses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.adapters.statsmodels.constraints import linear_constraints
from henderson.adapters.statsmodels.contrasts import ContrastResults, WaldTestResults
from henderson.adapters.statsmodels.labels import matrix

if TYPE_CHECKING:
    from henderson.adapters.statsmodels.model import MixedLM


class Tested:
    """Tests of parameters; see `MixedLMResults`."""

    if TYPE_CHECKING:
        model: MixedLM
        k_fe: int
        scale: Any

        @property
        def params(self) -> Any: ...  # noqa: D102
        @property
        def df_resid(self) -> Any: ...  # noqa: D102
        @property
        def _cov(self) -> np.ndarray: ...

    def cov_params(
        self,
        r_matrix: Any = None,
        column: Any = None,
        scale: Any = None,
        cov_p: Any = None,
        other: Any = None,
    ) -> Any:
        """Covariance of `params`, of some of them, or of combinations of them.

        Parameters
        ----------
        r_matrix, other : (r, k) arrays, optional
            Combinations; the covariance of the one with the other.
        column : int or list of int, optional
            Which parameters.
        scale : float, optional
            Instead of the estimated scale.
        cov_p : (k, k) array, optional
            Instead of the estimated covariance.
        """
        cov = self._cov if cov_p is None else np.asarray(cov_p, dtype=float)
        if scale is not None:
            cov = cov / self.scale * scale
        if column is not None:
            at = np.asarray(column)
            return cov[at, at] if at.ndim == 0 else cov[np.ix_(at, at)]
        if r_matrix is not None:
            R = np.atleast_2d(np.asarray(r_matrix, dtype=float))
            return R @ cov @ (R if other is None else np.atleast_2d(other)).T
        return matrix(cov, self.model.data.param_names, self.model.data)

    def t_test(self, r_matrix: Any, use_t: bool | None = None) -> ContrastResults:
        """Test combinations of the fixed effects one by one.

        Parameters
        ----------
        r_matrix : (r, k_fe) array
            Combinations that are zero under the hypothesis; texts such as ``"Days = 0"`` are read too.
        use_t : bool, optional
            Student's t with `df_resid` instead of the normal distribution.
        """
        if isinstance(r_matrix, (str, list, tuple, dict)):
            R, q = linear_constraints(r_matrix, self.model.exog_names)
        else:
            R, q = np.atleast_2d(np.asarray(r_matrix, dtype=float)), np.zeros(1)
        if R.shape[1] != self.k_fe:
            raise ValueError(f"r_matrix for t-test should have {self.k_fe:d} columns")
        V = R @ self._cov[: self.k_fe, : self.k_fe] @ R.T
        effect = R @ np.asarray(self.params)[: self.k_fe]
        sd = np.sqrt(V) if len(R) == 1 else np.sqrt(V.diagonal())
        statistic = (effect - q) / sd
        if use_t:
            return ContrastResults("t", statistic, effect=effect, sd=sd, df_denom=float(self.df_resid))
        return ContrastResults("norm", statistic, effect=effect, sd=sd)

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: bool | None = None,
        df_constraints: int | None = None,
        scalar: bool = True,
    ) -> ContrastResults:
        """Test combinations of the parameters together.

        Parameters
        ----------
        r_matrix : str, (r, k) array, or (array, values)
            Hypotheses.
        cov_p : (k, k) array, optional
            Instead of the estimated covariance.
        invcov : (r, r) array, optional
            Instead of the inverse covariance of the combinations.
        use_f : bool, optional
            F with `df_resid` instead of chi-square.
        df_constraints : int, optional
            Instead of the number of hypotheses.
        scalar : bool
            Whether the statistic is a number rather than an array.
        """
        R, q = linear_constraints(r_matrix, self.model.data.param_names)
        miss = R @ np.asarray(self.params) - q
        V = self.cov_params(r_matrix=R, cov_p=cov_p)
        rank = len(R) if invcov is not None else int(np.linalg.matrix_rank(V))
        value = float(miss @ (np.linalg.pinv(V) if invcov is None else np.asarray(invcov)) @ miss)
        J = float(rank if df_constraints is None else df_constraints)
        if use_f:
            return ContrastResults("F", _shape(value / J, scalar), df_num=J, df_denom=float(self.df_resid))
        return ContrastResults("chi2", _shape(value, scalar), df_denom=J)

    def f_test(self, r_matrix: Any, cov_p: Any = None, invcov: Any = None) -> ContrastResults:
        """Test combinations of the parameters together, by F with `df_resid`."""
        return self.wald_test(r_matrix, cov_p=cov_p, invcov=invcov, use_f=True)

    def wald_test_terms(
        self,
        skip_single: bool = False,
        extra_constraints: Any = None,
        combine_terms: list[str] | None = None,
        scalar: bool = True,
    ) -> WaldTestResults:
        """Test the coefficients of every term together.

        Parameters
        ----------
        skip_single : bool
            Whether terms of one coefficient are left out.
        extra_constraints : list of (name, matrix), optional
            Further hypotheses.
        combine_terms : list of str, optional
            Terms whose names hold one of these are tested together too.
        scalar : bool
            Whether statistics are numbers rather than arrays.
        """
        import pandas as pd

        unit = np.eye(len(self.params))
        terms = [(name, unit[at]) for name, at in self._terms()]
        joined = [(word, np.vstack([R for name, R in terms if word in name])) for word in combine_terms or []]
        kept = [(name, R) for name, R in terms if not (skip_single and len(R) == 1)]
        rows, index = [], []
        for name, R in [*kept, *joined, *(extra_constraints or [])]:
            test = self.wald_test(R, scalar=scalar)
            rows.append([test.statistic, test.pvalue, int(test.df_denom)])
            index.append(name)
        table = pd.DataFrame(rows, index=index, columns=["statistic", "pvalue", "df_constraint"])
        return WaldTestResults(table)

    def _terms(self) -> list[tuple[str, Any]]:
        """Terms of the formula and where their coefficients stand; single columns without a formula."""
        spec = self.model.data.spec
        if spec is None:
            return [(name, [j]) for j, name in enumerate(self.model.exog_names)]
        if hasattr(spec, "term_name_slices"):
            return list(spec.term_name_slices.items())
        return [("Intercept" if str(term) == "1" else str(term), at) for term, at in spec.term_slices.items()]


def _shape(value: float, scalar: bool) -> Any:
    return value if scalar else np.array([[value]])
