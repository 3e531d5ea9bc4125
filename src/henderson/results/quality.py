"""Shelf of a fit: how much it explains, and comparison with other fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.design.gathered import is_weighted
from henderson.errors import OptionError
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    import numpy as np

    from henderson.display.table import TableView
    from henderson.inference.quality.conditional_aic import ConditionalAIC


class Quality(Tables):
    """Quality of the fit; see `LinearMixedFit`."""

    @named_options
    def icc(self, *, by_group: bool = False) -> ICC:
        """Return the intraclass correlation: the share of the variance that lies between groups.

        adjusted = random / (random + residual), unadjusted = random / (fixed + random + residual).

        Parameters
        ----------
        by_group : bool, default False
            One row per grouping factor instead: its share of random + residual.

        Returns
        -------
        ICC
            Prints as a table; `.adjusted`, `.unadjusted`, `.by_group`, `.to_frame()`.

        Notes
        -----
        With random slopes the variance between groups is its mean over the rows (Johnson 2014). All terms
        count, and directions without variance count as zero; R's ``performance`` leaves out the second term
        of a factor, as in ``(x || g)``, and slopes that are not among the fixed effects under the same name,
        and gives NA for singular fits. Cost O(n (p + k^2)).

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("strength ~ 1 + (1 | batch/cask)", hd.datasets.load("pastes"))
        >>> round(fit.icc().adjusted, 4)
        0.937
        >>> print(fit.icc(by_group=True)["estimate"].round(4))
        [0.7831 0.1539]
        """
        from henderson.inference.quality.explained import icc

        return ICC(icc(self.design, self.estimate, by_group), self.source.kind)

    @named_options
    def r2(self) -> R2:
        """Return R squared of Nakagawa: marginal (fixed effects) and conditional (random effects as well).

        marginal = fixed / total, conditional = (fixed + random) / total.

        Returns
        -------
        R2
            Prints as a table; `.marginal`, `.conditional`, `.to_frame()`.

        Notes
        -----
        Variances as in `icc`. Cost O(n (p + k^2)).

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> round(fit.r2().marginal, 3), round(fit.r2().conditional, 3)
        (0.279, 0.799)
        """
        from henderson.inference.quality.explained import r_squared

        return R2(r_squared(self.design, self.estimate), self.source.kind)

    @named_options
    def rmse(self) -> float:
        """Return the root mean square of the residuals given the random effects, in units of the response.

        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> round(fit.rmse(), 3)
        23.438
        """
        from henderson.inference.quality.explained import rmse, rmse_of_sums

        return rmse_of_sums(self.estimate) if self._unweighted_sums() else rmse(self.residuals())

    def _unweighted_sums(self) -> bool:
        return self._gathered and not is_weighted(self.design)

    @named_options
    def vif(self) -> VIF:
        """Return the variance inflation of the fixed-effects terms, generalised for factors.

        GVIF_j = det(R_jj) det(R_rest) / det(R), R the correlation of the estimates.

        Returns
        -------
        VIF
            Prints as a table with columns term, df, gvif and gvif_scaled = gvif^(1/(2 df)).

        Raises
        ------
        DesignError
            With fewer than two terms beside the intercept.

        Notes
        -----
        As R's ``car::vif``. Cost O(p^3) per term.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("distance ~ age + Sex + (1 | Subject)", hd.datasets.load("orthodont"))
        >>> print(fit.vif()["gvif"].round(6))
        [1. 1.]
        """
        from henderson.inference.quality.collinearity import variance_inflation

        return VIF(variance_inflation(self.design, self.estimate), self.source.kind)

    @named_options
    def rpca(self) -> RandomComponents:
        """Return the principal components of the random effects: which directions have variance at all.

        Lambda_i = U D V': standard deviations D relative to sigma, along the columns of U.

        Returns
        -------
        RandomComponents
            Prints as a table with columns group, component, sd, proportion and cumulative; `.record.terms`
            holds the rotations.

        Notes
        -----
        As lme4's ``rePCA``; in the units of the columns, so that shares depend on these. Cost O(k^3) a term.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> print(fit.rpca()["sd"].round(4))
        [0.9669 0.2309]
        """
        from henderson.inference.quality.components import components

        return RandomComponents(components(self.design, self.estimate), self.source.kind)

    @named_options
    def compare(self, *others: Quality, criterion: str = "aic", refit: bool = True) -> Comparison:
        """Compare fits of the same data by information criteria, the best first.

        delta = criterion - least criterion, weight = exp(-delta / 2) scaled to sum one.

        Parameters
        ----------
        *others : LinearMixedFit
            Fits of the same response and rows; they need not be nested.
        criterion : {"aic", "aicc", "bic"}
            What to order by.
        refit : bool, default True
            Whether REML fits that cannot be compared as they are, as their fixed effects differ, are fitted
            again by ML (the table says so); an error otherwise.

        Returns
        -------
        Comparison
            Prints as a table with columns model, df, loglik, aic, aicc, bic, delta and weight.

        Raises
        ------
        DataError
            Fits of different rows or responses.
        OptionError
            No other fit; something that is no fit; REML fits under ``refit=False``.

        Notes
        -----
        Marginal criteria: n is the number of rows, and parameters on the boundary count as others do. For
        prediction of the groups at hand see `caic`.

        Examples
        --------
        >>> import henderson as hd
        >>> sleep = hd.datasets.load("sleepstudy")
        >>> one = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
        >>> two = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
        >>> one.compare(two)["delta"].round(2)
        array([ 0.  , 38.84])
        """
        from henderson.inference.quality import comparison

        fits = _fits(self, others)
        designs = [fit.design for fit in fits]
        names = comparison.distinct_names([fit.formula for fit in fits])
        comparison.check_same_data(designs, names)
        refitted: tuple[str, ...] = ()
        if comparison.need_ml(designs, [fit.estimate for fit in fits]):
            refitted = tuple(name for name, fit in zip(names, fits, strict=True) if fit.reml)
            _check_refit(refit, refitted)
            fits = [fit.with_ml() for fit in fits]  # type: ignore[attr-defined]
        estimates = [fit.estimate for fit in fits]
        record = comparison.rank_fits(designs, estimates, names, criterion, refitted)
        return Comparison(record, self.source.kind)

    @named_options
    def caic(self) -> CAIC:
        """Return the conditional AIC: how well the fit would predict new rows of the same groups.

        cAIC = -2 log N(y; fitted, sigma^2) + 2 (tr(d fitted / d y) + 1), theta's estimation counted exactly
        (Greven and Kneib 2010).

        Returns
        -------
        CAIC
            `.caic`, `.df`, `.loglik`; prints as a table.

        Notes
        -----
        2 n_theta gradients and n_theta solves. The degrees of freedom are the exact derivative of the fit
        by the response. R's ``cAIC4`` halves one term of it: its numbers differ by up to 1.5 % in twelve
        recorded comparisons.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"), reml=False)
        >>> round(fit.caic().df, 3), round(fit.caic().caic, 2)
        (30.915, 1711.69)
        """
        return CAIC(self._caic, self.source.kind)

    @property
    def _caic(self) -> ConditionalAIC:
        from henderson.inference.quality.conditional_aic import conditional_aic

        if "_caic_record" not in self.__dict__:
            self.__dict__["_caic_record"] = conditional_aic(self.design, self.estimate, self.hat_values())
        record: ConditionalAIC = self.__dict__["_caic_record"]
        return record


def _fits(first: Quality, others: tuple[object, ...]) -> list[Quality]:
    if not others:
        raise OptionError("compare() needs another fit beside this one: type fit.compare(other).")
    for other in others:
        if not isinstance(other, Quality):
            what = type(other).__name__
            hint = " Type fit.compare(*fits) for a list." if isinstance(other, (list, tuple)) else ""
            raise OptionError(f"compare() takes fits made by lmm(), not a {what}.{hint}")
    return [first, *others]  # type: ignore[list-item]


def _check_refit(refit: bool, names: tuple[str, ...]) -> None:
    if not refit:
        raise OptionError(
            "REML likelihoods can be compared only between REML fits with the same fixed effects; fitted by "
            f"REML: {', '.join(map(repr, names))}. Use with_ml(), or refit=True."
        )


class ICC(Shown):
    """Intraclass correlation; see `Quality.icc`."""

    @property
    def adjusted(self) -> float:
        """Random over random + residual variance."""
        return float(self.record.adjusted)

    @property
    def unadjusted(self) -> float:
        """Random over fixed + random + residual variance."""
        return float(self.record.unadjusted)

    @property
    def by_group(self) -> dict[str, float]:
        """Share of every grouping factor in random + residual variance."""
        return dict(zip(self.record.groups, map(float, self.record.by_group), strict=True))

    def _view(self) -> TableView:
        from henderson.display.quality import icc_view

        return icc_view(self.record)


class R2(Shown):
    """R squared; see `Quality.r2`."""

    @property
    def marginal(self) -> float:
        """Share explained by the fixed effects."""
        return float(self.record.marginal)

    @property
    def conditional(self) -> float:
        """Share explained by fixed and random effects."""
        return float(self.record.conditional)

    def _view(self) -> TableView:
        from henderson.display.quality import r2_view

        return r2_view(self.record)


class VIF(Shown):
    """Variance inflation; see `Quality.vif`."""

    def _view(self) -> TableView:
        from henderson.display.quality import vif_view

        return vif_view(self.record)


class RandomComponents(Shown):
    """Principal components of the random effects; see `Quality.rpca`."""

    @property
    def rotation(self) -> dict[str, np.ndarray]:
        """(k, k) components of every term, one per column."""
        return {term.label: term.rotation for term in self.record.terms}

    def _view(self) -> TableView:
        from henderson.display.quality import components_view

        return components_view(self.record)


class Comparison(Shown):
    """Fits side by side; see `Quality.compare`."""

    def _view(self) -> TableView:
        from henderson.display.quality import ranking_view

        return ranking_view(self.record)


class CAIC(Shown):
    """Conditional AIC; see `Quality.caic`."""

    @property
    def caic(self) -> float:
        """-2 loglik + 2 df."""
        return float(self.record.caic)

    @property
    def df(self) -> float:
        """Effective parameters: leverages, what estimating theta adds, and sigma."""
        return float(self.record.df)

    @property
    def loglik(self) -> float:
        """Log-likelihood of the rows given the conditional modes."""
        return float(self.record.loglik)

    def _view(self) -> TableView:
        from henderson.display.quality import caic_view

        return caic_view(self.record)
