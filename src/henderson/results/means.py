"""Shelf of a fit: marginal means, their contrasts and trends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from henderson.errors import OptionError
from henderson.inference.means.averages import average, check_weights
from henderson.inference.means.evaluate import ask
from henderson.inference.means.grid import Grid, reference_grid
from henderson.inference.means.joint import every_predictor, joint_grid, joint_tests
from henderson.inference.means.response import response_transform, typed_response
from henderson.inference.means.specs import check_specs, read_specs
from henderson.inference.means.trends import trends
from henderson.results.marginal import EMMeans, JointTestTable, with_contrasts
from henderson.results.options import named_options
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.inference.means.response import Transform


class Means(Tables):
    """Marginal means; see `LinearMixedFit`."""

    if TYPE_CHECKING:

        def _small_sample(self, ddf: str = "auto", information: str = "expected") -> Any: ...

    @named_options
    def emmeans(
        self,
        specs: str | Iterable[str],
        by: str | Iterable[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        ddf: str = "auto",
        level: float = 0.95,
        adjust: str = "none",
        type: str = "link",
        information: str = "expected",
        data: object = None,
    ) -> EMMeans:
        """Return estimated marginal means: predictions on a balanced grid of the predictors, averaged.

        mean = L beta, each row of L the average of the model's rows over the grid.

        Parameters
        ----------
        specs : str or list of str
            Predictors that get a mean for each of their levels: ``"A"``, ``["A", "B"]``, ``"A:B"``,
            ``"~ A | B"``; ``"~ 1"`` for the overall mean; ``"pairwise ~ A"`` adds contrasts.
        by : str or list of str, optional
            Predictors that make groups: contrasts stay within them. Also what follows ``|`` in `specs`.
        at : dict, optional
            Values of predictors: ``{"x": [1, 2], "A": ["a", "b"]}``. By default factors, truth values and
            numbers with two different values have all their levels, covariates their mean.
        weights : {"equal", "proportional", "outer", "cells", "flat"}
            How the levels of the other factors are averaged: alike; by the frequencies of their combinations;
            by the products of their frequencies; by the frequencies within each mean; alike over the
            combinations that occur.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Degrees of freedom, for every mean and every contrast of its own.
            ``auto``: Satterthwaite's, or z tests where the fit cannot give them (after the iterative
            solver), which a note says.
        level : float, default 0.95
            Coverage of the limits.
        adjust : str
            Adjustment of the limits for several means, as in `EMMeans.contrast`.
        type : {"link", "response"}
            Whether to go back from a transformed response: ``log(y) ~ ...`` then has means in the units of y
            and contrasts that are ratios.
        information : {"expected", "observed"}
            Of Kenward-Roger.
        data : data frame, optional
            The data of the fit, for fits that do not hold them (read back, or refitted).

        Returns
        -------
        EMMeans
            Columns: the predictors, estimate, std_error, df, conf_low, conf_high, statistic, p_value.

        Raises
        ------
        OptionError
            An unknown predictor or option; a covariate without values in `at`.

        Notes
        -----
        O(n) for each predictor once, O(r P) for a grid of r combinations and P columns.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
        >>> fit.emmeans("pairwise ~ Machine", ddf="kenward-roger")
        Marginal means by Machine
        Machine emmean    SE   df lower.CL upper.CL
        A       52.356 2.486 8.52   46.684   58.027
        B       60.322 2.486 8.52   54.650   65.994
        C       66.272 2.486 8.52   60.600   71.944
        Degrees of freedom: Kenward-Roger. Limits: 95 %.
        <BLANKLINE>
        Contrasts of marginal means
        contrast estimate    SE df t.ratio  p.value
        A - B      -7.967 2.177 10  -3.660   0.0111
        A - C     -13.917 2.177 10  -6.393 2.12e-04
        B - C      -5.950 2.177 10  -2.733   0.0507
        Degrees of freedom: Kenward-Roger. P-values: Tukey adjustment for 3 means.
        """
        asked, question, weights = read_specs(specs, by), ask(level, adjust), check_weights(weights)
        transform = self._transform(type)
        grid = self._grid(at, data, asked.keys, weights)
        checked = check_specs(asked, grid, tuple(g.name for g in self.design.groupings))
        linear = average(grid, checked, weights, response=typed_response(self.design))
        sample = self._small_sample(ddf, information)
        means = EMMeans(linear, sample, question, transform, self.source.kind, "limits", grid)
        return with_contrasts(means, asked.contrasts)

    def _grid(
        self,
        at: Mapping[str, Any] | None = None,
        data: object = None,
        needed: tuple[str, ...] | None = None,
        weights: str = "equal",
    ) -> Grid:
        usual = not at and data is None
        if usual and "_reference_grid" in self.__dict__:
            kept: Grid = self.__dict__["_reference_grid"]
            return kept
        rows = self.source.data if data is None else data
        grid = reference_grid(self.design, rows, self.source.env, at, needed, weights)
        if usual and not grid.averaged:
            self.__dict__["_reference_grid"] = grid
        return grid

    def _transform(self, type: str) -> Transform | None:
        return response_transform(self.design, type, self.source.env)

    @named_options
    def emtrends(
        self,
        specs: str | Iterable[str] = "~ 1",
        var: str | None = None,
        by: str | Iterable[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        ddf: str = "auto",
        level: float = 0.95,
        adjust: str = "none",
        information: str = "expected",
        data: object = None,
    ) -> EMMeans:
        """Return slopes of a covariate, averaged like marginal means.

        slope = (x(v + h/2) - x(v - h/2))' beta / h on the grid: exact for lines and parabolas, else to about
        1e-7.

        Parameters
        ----------
        specs, by : str or list of str
            Predictors that get a slope for each of their levels, and groups; as in `emmeans`. By default the
            overall slope.
        var : str
            Needed: a numeric predictor; or an expression of one, ``"log(x)"``, for the slope by that.
        at : dict, optional
            Where curved slopes are taken, and values of the other predictors; by default the means.
        weights, ddf, level, adjust, information, data
            As in `emmeans`.

        Returns
        -------
        EMMeans

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.emtrends(var="Days")["estimate"].round(3)
        array([10.467])
        """
        if var is None:
            raise OptionError("Say whose slope: a numeric predictor, as in emtrends('A', var='x').")
        asked, question, weights = read_specs(specs, by), ask(level, adjust), check_weights(weights)
        rows = self.source.data if data is None else data
        linear, grid = trends(self.design, rows, self.source.env, asked, var, at, weights)
        sample = self._small_sample(ddf, information)
        slopes = EMMeans(linear, sample, question, None, self.source.kind, "limits", grid)
        return with_contrasts(slopes, asked.contrasts)

    @named_options
    def joint_tests(
        self,
        by: str | Iterable[str] | None = None,
        *,
        at: Mapping[str, Any] | None = None,
        weights: str = "equal",
        ddf: str = "auto",
        information: str = "expected",
        data: object = None,
    ) -> JointTestTable:
        """Test every predictor and interaction by its marginal means: all their differences are zero.

        Parameters
        ----------
        by : str or list of str, optional
            Groups within which to test: simple effects.
        at : dict, optional
            Values of predictors, as in `emmeans`. Covariates are taken at one below and one above their mean.
        weights, ddf, information, data
            As in `emmeans`.

        Returns
        -------
        JointTestTable
            Columns term, the groups, statistic, num_df, den_df, p_value.

        Notes
        -----
        For models that are linear in their covariates the tests of factors are those of type III with the
        covariates at their means.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
        >>> fit.joint_tests()["statistic"].round(3)
        array([20.576])
        """
        rows, weights = self.source.data if data is None else data, check_weights(weights)

        def grid_with(needed: tuple[str, ...]) -> Grid:
            return joint_grid(self.design, rows, self.source.env, at, needed, weights)

        grid = grid_with(read_specs([], by).by)
        sample = self._small_sample(ddf, information)
        found = joint_tests(grid, sample, every_predictor(grid, by), weights, grid_with)
        return JointTestTable(found, self.source.kind)
