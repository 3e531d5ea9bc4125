"""The fitted model as users hold it: a thin shelf of answers, each computed elsewhere when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from henderson import estimate as estimation
from henderson.data.align import align
from henderson.inference import new_data, predict, rows, simulate
from henderson.lazy import is_lazy
from henderson.results.alarm import warn_if_cut_short
from henderson.results.arrivals import Arrivals
from henderson.results.etable import PublicationTable
from henderson.results.explanation import Explained
from henderson.results.hypotheses import Hypotheses
from henderson.results.influence import Influence
from henderson.results.intervals import Intervals
from henderson.results.means import Means
from henderson.results.on_engine import predict_rows
from henderson.results.options import named_options
from henderson.results.pictures import Pictured
from henderson.results.quality import Quality
from henderson.results.source import Source
from henderson.results.terms import Terms


class LinearMixedFit(
    PublicationTable, Hypotheses, Terms, Intervals, Means, Quality, Influence, Arrivals, Explained, Pictured
):
    """A fitted linear mixed model.

    Made by `henderson.lmm`; printing it shows the summary. Properties are cheap, methods take arguments or
    cost work;
    anything that grows with the data is computed when first asked for and then kept. Fits do not change:
    `refit`, `with_ml` and `with_reml` return new ones.

    Parameters
    ----------
    design : Design
        Response, matrices and names.
    estimate : Estimate
        Parameters in the user's units.
    source : Source
        Formula, kind of frame, and the data.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> print(fit.fixef.round(3).to_string())
    (Intercept)    251.405
    Days            10.467
    >>> round(fit.sigma, 3), fit.nobs, fit.ngroups
    (25.592, 180, {'Subject': 18})
    """

    # -- new rows, new responses -----------------------------------------------------------------------------

    @named_options
    def predict(
        self,
        newdata: object = None,
        *,
        groups: str | Iterable[str] | None = "all",
        new_levels: str = "error",
        se: bool = False,
        interval: str | None = None,
        level: float = 0.95,
        given: object = None,
        weights: object = None,
        offset: object = None,
    ) -> Any:
        """Predict the mean of new rows, with standard errors and intervals where asked for.

        Parameters
        ----------
        newdata : data frame, optional
            New rows with the columns of the formula (the response is not needed). By default the rows of the
            fit.
        groups : "all", None or list of names
            Grouping factors whose effects take part: all, none (the population), or these.
        new_levels : {"error", "population"}
            Whether levels the fit has not seen are an error, or levels drawn from the population (effect
            zero, its variance counted).
        se : bool
            Whether standard errors are wanted.
        interval : {None, "confidence", "prediction"}
            Interval for the mean, or for a new observation: that adds sigma^2 / weight, and the variance
            between the levels of every grouping factor left out.
        level : float
            Coverage.
        given : data frame, optional
            A few observations, response included, of groups that the fit has not seen: their effects are
            learnt from them without refitting, and used for the same labels in `newdata`.
        weights, offset : number, column name or array, optional
            For the new rows; by default the columns that the fit used, and without such 1 and 0.

        Returns
        -------
        (r,) float64, or a data frame of the kind that went in
            Of a lazy frame: that frame with the column ``estimate``, not run yet. Else
            means; with `se` or `interval` the columns estimate, std_error and conf_low, conf_high or
            pred_low, pred_high. Rows with missing values give NaN.

        Raises
        ------
        DataError
            A missing column; unseen levels under ``new_levels="error"``.
        OptionError
            An unknown option or grouping factor.

        Examples
        --------
        >>> import henderson as hd
        >>> sleep = hd.datasets.load("sleepstudy")
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
        >>> fit.predict({"Days": [0, 9], "Subject": ["308", "308"]}).round(2)
        array([253.66, 430.66])
        >>> fit.predict({"Days": [0, 9]}, groups=None).round(2)
        array([251.41, 345.61])

        A new person, known from two of their days only:

        >>> few = {"Days": [0, 1], "Subject": ["new", "new"], "Reaction": [310.0, 325.0]}
        >>> later = {"Days": [9], "Subject": ["new"]}
        >>> print(fit.predict(later, given=few, interval="prediction").round(1).to_string(index=False))
         estimate  std_error  pred_low  pred_high
            401.0       54.3     283.3      518.6
        """
        rows.check_new_levels(new_levels)
        chosen = rows.chosen_groupings(self.design, groups)
        lazy = self.source.rows if newdata is None else newdata
        if is_lazy(lazy):
            needing = {"se": se, "interval": interval, "given": given, "weights": weights, "offset": offset}
            return predict_rows(self, lazy, chosen, new_levels, needing)
        fresh = self._new_rows(newdata, chosen, interval, weights, offset)
        options: dict[str, Any] = {"new_levels": new_levels, "se": se, "interval": interval, "level": level}
        if given is None:
            out = predict.predict(self.design, self.estimate, fresh, chosen, **options)
        else:
            from henderson.inference import new_groups

            few, y = new_data.given_rows(self.design, self.source, given)
            out = new_groups.predict_given(self.design, self.estimate, fresh, chosen, few, y, **options)
        return self._frame(out.columns()) if se or interval is not None else out.mean

    def _new_rows(
        self, newdata: object, chosen: tuple[int, ...], interval: str | None, weights: object, offset: object
    ) -> rows.NewRows:
        if newdata is None:
            return predict.rows_of_fit(self.design)
        others = set(range(len(self.design.groupings))) - set(chosen) if interval == "prediction" else ()
        return new_data.new_rows(
            self.design,
            self.source,
            newdata,
            chosen,
            tuple(others),
            weights,
            offset,
            observed=interval == "prediction",
        )

    @named_options
    def simulate(
        self,
        n: int = 1,
        seed: int | np.random.Generator | None = None,
        *,
        groups: str | Iterable[str] | None = None,
    ) -> np.ndarray:
        """Draw responses from the fitted model.

        Parameters
        ----------
        n : int, default 1
            How many responses.
        seed : int, numpy Generator or None
            Makes the draws repeatable.
        groups : None, "all" or list of names
            Grouping factors whose effects are kept as estimated; those of the others are drawn anew.

        Returns
        -------
        (n, nobs) float64
            One response per row.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> draws = fit.simulate(3, seed=1)
        >>> draws.shape
        (3, 180)
        >>> again = [fit.refit(y) for y in draws]
        """
        chosen = rows.chosen_groupings(self.design, groups)
        return simulate.simulate(self.design, self.estimate, n, seed, chosen)

    def refit(self, y: Any) -> LinearMixedFit:
        """Fit the same design to another response.

        Parameters
        ----------
        y : (nobs,) or (rows of the data,) numbers
            The response as the formula would make it (on the log scale for ``log(y) ~ ...``).

        Returns
        -------
        LinearMixedFit

        Raises
        ------
        DataError
            If `y` has another length, is not numeric, not finite or constant.
        """
        labelled = align(y, "y", self.source.data, self.design.kept_rows)
        response = new_data.new_response(self.design, labelled)
        estimate = estimation.refit(self.estimate, self.design, response)
        warn_if_cut_short(estimate, stacklevel=2)
        return LinearMixedFit(replace(self.design, y=response), estimate, replace(self.source, data=None))

    def with_ml(self) -> LinearMixedFit:
        """Return the maximum-likelihood fit of the same design (itself if it is one)."""
        return self._with(reml=False)

    def with_reml(self) -> LinearMixedFit:
        """Return the REML fit of the same design (itself if it is one)."""
        return self._with(reml=True)

    def _with(self, *, reml: bool) -> LinearMixedFit:
        if self.reml is reml:
            return self
        estimate = self._fitted_anew(reml=reml)
        warn_if_cut_short(estimate, stacklevel=3)
        return LinearMixedFit(self.design, estimate, self.source)

    def _fitted_anew(self, *, reml: bool) -> estimation.Estimate:
        """From the rows, or from the sums where there are none."""
        solver = self.estimate.choice.solver
        if not self._gathered:
            return estimation.fit(self.design, reml=reml, solver=solver)
        names = self.estimate.theta_names
        return estimation.fit_cross_products(self.estimate.cross, names, reml=reml, solver=solver)

    # -- keeping ---------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as a dict that `json.dumps` takes and `from_dict` reads back.

        Names, estimates, search and design arrays are stored, the caller's data frame and own functions are
        not.
        """
        from henderson.inference import saved

        return saved.to_dict(self.design, self.estimate, self.source)

    @classmethod
    def from_dict(
        cls, stored: Mapping[str, Any], *, env: Mapping[str, Callable[..., Any]] | None = None
    ) -> LinearMixedFit:
        """Read back what `to_dict` returned; nothing in it is ever run as code.

        Parameters
        ----------
        stored : dict
            From `to_dict`, possibly by way of JSON.
        env : mapping, optional
            The caller's own functions, if the formula uses any.

        Raises
        ------
        DataError
            If it is no stored fit, of another version, incomplete or inconsistent.
        """
        from henderson.inference import saved

        design, estimate, fields = saved.from_dict(stored, env)
        return cls(design, estimate, Source(**fields, env=env))
