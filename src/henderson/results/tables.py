"""Second shelf of a fit: what it says about the rows, and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from henderson.data.frame_files import write_frames
from henderson.errors import OptionError
from henderson.inference import coefficients, conditional, fitted, frames, summary, tables
from henderson.inference.small_sample import (
    SmallSample,
    best_available,
    check_ddf,
    check_information,
    small_sample,
)
from henderson.inference.solver import is_iterative
from henderson.results.alarm import warn_without_df
from henderson.results.on_engine import add_to_rows, is_on_engine, refuse_on_engine
from henderson.results.options import named_options
from henderson.results.parameters import Parameters
from henderson.results.printed import Summary
from henderson.results.streamed import augment_chunks, in_chunks, stream_fitted, stream_residuals


class Tables(Parameters):
    """Fitted values, residuals and tables of a fit; see `LinearMixedFit`."""

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().to_html()

    # -- rows ------------------------------------------------------------------------------------------------

    @cached_property
    def fitted(self) -> np.ndarray:
        """(n,) conditional fitted values X beta + Z b + offset of the rows used.

        Of a fit on a lazy frame: that frame with a column ``.fitted``, not run yet. Of a fit from chunks:
        an iterable of one array per chunk, for which the source is read again.
        """
        if is_on_engine(self):
            return add_to_rows(self, (".fitted",))
        if in_chunks(self):
            return stream_fitted(self)
        return fitted.fitted(self.design, self.estimate)

    def residuals(self, type: str = "response") -> np.ndarray:
        """Residuals of the rows used, (n,).

        Parameters
        ----------
        type : {"response", "pearson", "scaled"}
            ``y - fitted``; times the square root of the weights; divided by sigma as well.

        Returns
        -------
        (n,) float64
            Of a fit on a lazy frame: that frame with a column ``.resid``, not run yet. Of a fit from chunks:
            an iterable of one array per chunk.

        Raises
        ------
        OptionError
            For any other type.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.residuals("scaled")[:3].round(3)
        array([-0.16 , -0.571, -1.649])
        """
        if is_on_engine(self):
            return add_to_rows(self, (".resid",), fitted.check_residuals(type))
        if in_chunks(self):
            return stream_residuals(self, type)
        return fitted.residuals(self.design, self.estimate, self.fitted, type)

    def hat_values(self) -> np.ndarray:
        """Return the leverages (n,): the diagonal of the map from y to the fitted values at this theta."""
        return self._hat_values

    @cached_property
    def _hat_values(self) -> np.ndarray:
        return conditional.hat_values(self.design, self.estimate)

    # -- tables ----------------------------------------------------------------------------------------------

    def _frame(self, columns: Mapping[str, object]) -> Any:
        return frames.make_frame(self.source.kind, columns)

    def _small_sample(self, ddf: str = "auto", information: str = "expected") -> SmallSample:
        kind, key = check_ddf(ddf), f"_small_sample {check_ddf(ddf)} {check_information(information)}"
        if key not in self.__dict__:
            self.__dict__[key] = (
                best_available(self.estimate, self._small_sample)
                if kind == "auto"
                else small_sample(self.design, self.estimate, kind, information)
            )
        sample: SmallSample = self.__dict__[key]
        return sample

    def _coefficients(self, level: float, ddf: str, information: str) -> coefficients.CoefficientTable:
        sample = self._small_sample(ddf, information)
        return coefficients.coefficient_table(self.design, sample, level)

    @named_options
    def coeftable(self, level: float = 0.95, ddf: str = "auto", information: str = "expected") -> Any:
        """Return the fixed effects as a table with tests and limits.

        t = estimate / std_error on df degrees of freedom; limits estimate +- t(df) x std_error.

        Parameters
        ----------
        level : float, default 0.95
            Coverage of the limits.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom; ``"none"`` takes the normal distribution. Kenward-Roger adjusts the
            standard errors too.
            ``auto``: Satterthwaite's, or z tests where the fit cannot give them (after the iterative
            solver), which a note says.
        information : {"expected", "observed"}
            Information matrix that Kenward-Roger takes: pbkrtest's or SAS's.

        Returns
        -------
        data frame of the kind that went in
            Columns term, estimate, std_error, statistic, df, p_value, conf_low, conf_high; columns of X that
            were dropped as combinations of others have NaN.

        Raises
        ------
        OptionError
            An unknown option, or a level outside (0, 1).
        FitError
            The degrees of freedom asked for cannot be computed.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> print(fit.coeftable().drop(columns="p_value").round(2).to_string(index=False))
               term  estimate  std_error  statistic   df  conf_low  conf_high
        (Intercept)    251.41       6.82      36.84 17.0    237.01     265.80
               Days     10.47       1.55       6.77 17.0      7.21      13.73
        """
        table = self._coefficients(level, ddf, information)
        warn_without_df(table, stacklevel=3)
        return self._frame(table.columns())

    @named_options
    def tidy(
        self,
        effects: str | Iterable[str] = ("fixed", "ran_pars"),
        level: float = 0.95,
        ddf: str = "auto",
    ) -> Any:
        """Return one row per parameter, as broom.mixed's ``tidy()``.

        Parameters
        ----------
        effects : list among {"fixed", "ran_pars", "ran_vals", "ran_coefs"}
            Fixed effects; standard deviations and correlations; effects of the levels; coefficients of the
            levels.
        level : float
            Coverage of the limits.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom of the fixed effects.

        Returns
        -------
        data frame of the kind that went in
            Columns effect, group, (level,) term, estimate, std_error, statistic, df, p_value, conf_low,
            conf_high.
        """
        chosen, fixed_effects = tables.check_effects(effects), self._coefficients(level, ddf, "expected")
        warn_without_df(fixed_effects, stacklevel=3)
        return self._frame(
            tables.tidy(self.design, self.estimate, self.ranef, self.coef, fixed_effects, chosen, level)
        )

    def glance(self) -> Any:
        """Return one row about the whole fit: nobs, df, sigma, loglik, aic, bic, criterion, ..."""
        return self._frame(tables.glance(self.design, self.estimate))

    @named_options
    def augment(self, data: Any = None, *, to: str | PathLike[str] | None = None) -> Any:
        """Return the rows used with .fitted, .resid, .fixed (population), .hat and .cooksd added.

        Of a fit on a lazy frame: that frame with the first three, not run yet. Of a fit from chunks: an
        iterable of frames with the first three, for which the source is read again. Of an iterative fit the
        first three: leverages need a factor.

        Parameters
        ----------
        data : data frame, path of files or chunks, optional
            Of a fit from sums of products alone: rows with the response and the groups that it has seen.
        to : path, optional
            Parquet or CSV file to write instead, chunk by chunk; it is there whole or not at all.

        Returns
        -------
        data frame of the kind that went in, iterable of frames, or the path

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> list(fit.augment().columns)
        ['Reaction', 'Days', 'Subject', '.fitted', '.resid', '.fixed', '.hat', '.cooksd']
        """
        if is_on_engine(self):
            refuse_on_engine(self, data, to)
            return add_to_rows(self, (".fitted", ".resid", ".fixed"))
        if self._gathered:
            return augment_chunks(self, data, to)
        if data is not None:
            raise OptionError(
                "The fit holds its rows: type fit.augment(); for other rows fit.predict(frame)."
            )
        if to is not None:
            return write_frames(to, [self.augment()])
        hat = None if is_iterative(self.estimate) else self.hat_values()
        added = tables.augment(
            fitted=self.fitted,
            resid=self.residuals(),
            fixed=fitted.fixed_part(self.design, self.estimate),
            hat=hat,
            cooksd=None if hat is None else tables.cooks_distance(self.design, self.residuals("scaled"), hat),
        )
        return frames.append_columns(self._rows(), added)

    def _rows(self) -> Any:
        if self.source.data is None:
            return self._frame(tables.model_columns(self.design))
        return frames.take_rows(self.source.data, self.design.kept_rows)

    @named_options
    def summary(self, level: float = 0.95, ddf: str = "auto", information: str = "expected") -> Summary:
        """Return the summary, to print, show in a notebook or write as LaTeX.

        Parameters
        ----------
        level : float, default 0.95
            Coverage of the limits that HTML shows.
        ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
            Kind of degrees of freedom of the fixed effects; ``"none"`` gives z tests.
        information : {"expected", "observed"}
            Information matrix that Kenward-Roger takes.

        Returns
        -------
        Summary

        Raises
        ------
        OptionError
            An unknown option, or a level outside (0, 1).

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> str(fit.summary(ddf="kenward-roger")).splitlines()[19]
        'Days          10.467      1.546 17   6.771 3.26e-06'
        """
        table = self._coefficients(level, ddf, information)
        return Summary(
            summary.summarise(
                self.design,
                self.estimate,
                self.formula,
                None if self._gathered else self.residuals("scaled"),
                table,
            )
        )
