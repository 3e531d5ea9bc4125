"""Shelf of a fit: profile and bootstrap, and the intervals from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.results.alarm import warn_without_df
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.display.table import TableView
    from henderson.estimate import Estimate
    from henderson.inference.intervals.profile import ProfileRecord

Names = str | int | Iterable[str | int] | None


class Profile(Shown):
    """Profiles of the parameters of a fit: prints intervals, draws curves; see `LinearMixedFit.profile`."""

    def __init__(self, record: ProfileRecord, kind: str, fit: tuple[Design, Estimate]) -> None:
        super().__init__(record, kind)
        self._fit = fit

    def _view(self) -> TableView:
        from henderson.display.intervals import profile_view

        return profile_view(self.record)

    @named_options
    def confint(self, level: float = 0.95, parm: Names = None) -> Any:
        """Return profile likelihood limits as a data frame: term, conf_low, conf_high.

        Parameters
        ----------
        level : float, default 0.95
            Coverage. Limits of the level of the profile are at hand; others are solved for, as
            `LinearMixedFit.confint` does with method="profile".
        parm : name, position or list of them, optional
            Parameters, by default those that were profiled.
        """
        from henderson.inference.frames import make_frame
        from henderson.inference.intervals.confint import of_profile

        return make_frame(self.kind, of_profile(self.record, *self._fit, level, parm))

    def curves(self) -> Any:
        """Return the points of all curves as a data frame: term, value, zeta.

        zeta is the signed root of the rise of the deviance; a straight line means that Wald limits will do.
        """
        from henderson.inference.frames import make_frame

        return make_frame(self.kind, self.record.curve_columns())

    @named_options
    def plot(self, kind: str = "zeta", *, parm: Names = None, axes: Any = None) -> np.ndarray:
        """Draw the profiles.

        Parameters
        ----------
        kind : {"zeta", "density", "pairs"}
            zeta against the parameter with intervals of 50, 80, 90, 95 and 99 %; the density that the profile
            implies; or contours of pairs of parameters with the traces of the profiles.
        parm : name, position or list of them, optional
            Parameters, by default all.
        axes : array of Axes, optional
            To draw into.

        Returns
        -------
        array of matplotlib Axes
        """
        # Pictures are made upstairs; by name, as no module imports a higher floor.
        draw = import_module("henderson.plot.profile_curves").profile
        return np.asarray(draw(self, kind, parm=parm, axes=axes))


class Bootstrap(Shown):
    """Replicates: prints estimates, bias, standard errors and limits; see `LinearMixedFit.bootstrap`."""

    def _view(self) -> TableView:
        from henderson.display.intervals import bootstrap_view

        return bootstrap_view(self.record)

    @property
    def replicates(self) -> Any:
        """The replicates as a data frame, one column per number; NaN where a refit failed."""
        from henderson.inference.frames import make_frame

        return make_frame(self.kind, dict(zip(self.record.terms, self.record.replicates.T, strict=True)))

    @property
    def failures(self) -> dict[str, int]:
        """Why refits failed, and how often; empty where none did."""
        reasons: dict[str, int] = self.record.reasons
        return reasons

    @named_options
    def confint(self, level: float = 0.95, type: str = "percentile", parm: Names = None) -> Any:
        """Return limits from the replicates as a data frame: term, conf_low, conf_high.

        Parameters
        ----------
        level : float, default 0.95
            Coverage.
        type : {"percentile", "basic", "normal"}
            Quantiles of the replicates; twice the estimate minus these; estimate minus bias, plus and minus
            normal quantiles times the standard error.
        parm : name, position or list of them, optional
            By default all.
        """
        from henderson.inference.frames import make_frame
        from henderson.inference.intervals.confint import of_replicates

        return make_frame(self.kind, of_replicates(self.record, level, type, parm))

    @named_options
    def plot(
        self,
        parm: Names = None,
        *,
        level: float | None = None,
        type: str | None = None,
        axes: Any = None,
    ) -> np.ndarray:
        """Draw histograms of the replicates with their intervals.

        Parameters
        ----------
        parm : name, position or list of them, optional
            By default all.
        level, type : optional
            As for `confint`; by default those of the bootstrap.
        axes : array of Axes, optional
            To draw into.

        Returns
        -------
        array of matplotlib Axes
        """
        draw = import_module("henderson.plot.replicates").bootstrap
        return np.asarray(draw(self, parm=parm, level=level, type=type, axes=axes))


class Intervals(Tables):
    """Profile, bootstrap and intervals; see `LinearMixedFit`."""

    @named_options
    def confint(
        self,
        method: str = "wald",
        level: float = 0.95,
        parm: Names = None,
        *,
        ddf: str = "none",
        n: int = 1000,
        seed: int | np.random.Generator | None = None,
        kind: str = "parametric",
        type: str = "percentile",
        n_jobs: int | None = None,
        file: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Return confidence intervals as a data frame: term, conf_low, conf_high.

        Parameters
        ----------
        method : {"wald", "profile", "bootstrap"}
            estimate -+ quantile x standard error, for fixed effects; where the deviance has risen by the
            chi-square quantile, for all parameters; from refits to simulated responses, for all parameters.
        level : float, default 0.95
            Coverage.
        parm : name, position or list of them, optional
            Parameters, by default all: ``"sd_Days|Subject"``, ``"sigma"``, ``"Days"``; ``"theta_"`` for all
            standard deviations and correlations, ``"beta_"`` for all fixed effects.
        ddf : {"none", "auto", "satterthwaite", "kenward-roger", "residual"}
            Wald: degrees of freedom of the t quantile, "none" for the normal one.
        n, seed, kind, type, n_jobs, file
            Bootstrap: see `bootstrap`.

        Raises
        ------
        OptionError
            For an unknown method, parameter or level, or an option of another method.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> print(fit.confint(method="profile").round(3).to_string(index=False))
                              term  conf_low  conf_high
            sd_(Intercept)|Subject    14.381     37.716
        cor_Days.(Intercept)|Subject  -0.481      0.685
                   sd_Days|Subject     3.801      8.753
                             sigma    22.898     28.858
                       (Intercept)   237.681    265.130
                              Days     7.359     13.576
        """
        from henderson.inference.intervals import bootstrap, confint, profile

        name = confint.check_method(method)
        confint.check_only(name, ddf=ddf, seed=seed, file=file)
        if name == "wald":
            warn_without_df(self._coefficients(level, ddf, "expected"), stacklevel=3)
            return self._frame(confint.wald(self.design, self._small_sample(ddf), level, parm))
        if name == "profile":
            record = profile.profile(self.design, self.estimate, parm, level, n_jobs, curves=False)
            columns = record.columns()
            return self._frame({one: columns[one] for one in ("term", "conf_low", "conf_high")})
        bootstrap.check_type(type)
        drawn = bootstrap.bootstrap(self.design, self.estimate, n, seed, kind, None, n_jobs, file)
        return self._frame(
            confint.of_replicates(confint.of_parameters(self.design, drawn, parm), level, type)
        )

    @named_options
    def profile(self, parm: Names = None, level: float = 0.95, *, n_jobs: int | None = None) -> Profile:
        """Profile the likelihood along every parameter.

        zeta(phi) = sign(phi - estimate) sqrt(D(phi) - D_min), D(phi) the least ML deviance with the parameter
        held at phi; limits are where zeta is -+ the normal quantile.

        Parameters
        ----------
        parm : name, position or list of them, optional
            Parameters, by default all: standard deviations, correlations, sigma and fixed effects, by our
            names or lme4's (``.sig01``, ``.sigma``); ``"theta_"`` and ``"beta_"`` for either group.
        level : float, default 0.95
            Coverage of the limits.
        n_jobs : int, optional
            Threads, -1 for one per core; by default as many as the size of the model is worth.

        Returns
        -------
        Profile
            Prints limits; ``.confint(level)`` gives others; ``.to_frame()``, ``.curves()``, ``.plot()``.

        Notes
        -----
        Of a REML fit the ML refit is profiled, as lme4 does. Limits are solved for, not read off a curve, and
        exact to about eight digits. A standard deviation whose deviance at zero has not risen enough has the
        limit 0, a correlation -1 or 1. About twenty evaluations per parameter and side, from the
        cross-products.

        References
        ----------
        Bates, Maechler, Bolker & Walker (2015), section 5.1; Venzon & Moolgavkar (1988).

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> fit.profile()
        Profile likelihood intervals, 95 %
                                     Estimate   2.5 % 97.5 %
        sd_(Intercept)|Subject         23.781  14.381 37.716
        cor_Days.(Intercept)|Subject   0.0813 -0.4815 0.6850
        sd_Days|Subject                5.7168  3.8012 8.7534
        sigma                          25.592  22.898 28.858
        (Intercept)                    251.41  237.68 265.13
        Days                           10.467   7.359 13.576
        The fit is by REML; profiled is the deviance of its ML refit, whose estimates
          these are.
        """
        from henderson.inference.intervals.profile import profile

        record = profile(self.design, self.estimate, parm, level, n_jobs)
        return Profile(record, self.source.kind, (self.design, self.estimate))

    @named_options
    def bootstrap(
        self,
        n: int = 1000,
        seed: int | np.random.Generator | None = None,
        *,
        kind: str = "parametric",
        statistic: Callable[[Any], Any] | None = None,
        n_jobs: int | None = None,
        file: str | os.PathLike[str] | None = None,
        level: float = 0.95,
        type: str = "percentile",
    ) -> Bootstrap:
        """Refit the model many times to responses, or groups, drawn anew.

        Parameters
        ----------
        n : int, default 1000
            Replicates.
        seed : int, numpy Generator or None
            Makes the run repeatable. Every replicate has a random stream of its own, so that the numbers are
            the same for any number of threads, and the first 100 of 1000 are those of a run of 100.
        kind : {"parametric", "residual", "cases"}
            Responses simulated from the fit; made of its own random effects and residuals, drawn with
            replacement after their spread has been set to the estimated one; or whole groups drawn with
            replacement (those of the factor in which all others are nested).
        statistic : callable, optional
            Function of a fit that returns a number, an array or a dict of them; by default standard
            deviations, correlations, sigma and fixed effects.
        n_jobs : int, optional
            Threads, -1 for one per core; by default one per core, but for a `statistic` or cases of a small
            model, where Python does most of the work.
        file : path, optional
            Replicates are written there as they come; a stopped run goes on where it was, and a longer one
            adds to it.
        level : float, default 0.95
            Coverage of the limits in the printed table; ``.confint(level, type)`` gives others.
        type : {"percentile", "basic", "normal"}
            Kind of these limits.

        Returns
        -------
        Bootstrap
            Prints the table; ``.to_frame()``, ``.replicates``, ``.confint()``, ``.failures``.

        Raises
        ------
        OptionError
            For an unknown kind or type, a number of replicates that is none, a statistic that does not return
            numbers; for ``kind="cases"`` with crossed factors.
        DataError
            If the file holds another run.
        FitError
            If no refit succeeded. Single failures are counted and left out.

        Notes
        -----
        Refits are by the criterion of the fit, from cross-products: about 0.05 ms each for the sleep study.

        References
        ----------
        Carpenter, Goldstein & Rasbash (2003) for the residual bootstrap; Davison & Hinkley (1997), chapter 5.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
        >>> drawn = fit.bootstrap(200, seed=1)
        >>> share = fit.bootstrap(50, seed=1, statistic=lambda f: f.varcorr["Subject"].sd[0] / f.sigma)
        >>> share.record.replicates.shape
        (50, 1)
        """
        from henderson.inference.fixed import check_level
        from henderson.inference.intervals import bootstrap as stage

        check_level(level), stage.check_type(type)  # before the work
        make = partial(_same_kind, self)
        record = stage.bootstrap(
            self.design,
            self.estimate,
            n,
            seed,
            kind,
            statistic,
            n_jobs,
            file,
            make_fit=make,
            level=level,
            type=type,
        )
        return Bootstrap(record, self.source.kind)


def _same_kind(fit: Any, design: Any, estimate: Any) -> Any:
    """A fit of other numbers that answers as the given one does, without its data."""
    from dataclasses import replace

    return fit.__class__(design, estimate, replace(fit.source, data=None))
