"""How large a study must be: `power`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.design.assign import CONSTANT, fixed_terms
from henderson.errors import OptionError
from henderson.inference.hypotheses.simulated import check_seed
from henderson.inference.layout import grouping_index
from henderson.inference.power.assume import assumed
from henderson.inference.power.compute import check_method, check_share, simulate_power, sizes_of, summarised
from henderson.inference.power.replicate import Decide, Study, by_f, by_likelihood
from henderson.results.fit import LinearMixedFit
from henderson.results.options import named_options
from henderson.results.shown import Shown

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.display.table import TableView
    from henderson.estimate import Estimate


class Power(Shown):
    """Power of a test at one or several sizes of a study; see `henderson.power`."""

    def _view(self) -> TableView:
        from henderson.display.power import power_view

        return power_view(self.record)

    @property
    def p_values(self) -> np.ndarray:
        """(m, n_sim) p-values of the replicates, NaN where there is none."""
        values: np.ndarray = self.record.p_values
        return values

    @named_options
    def plot(self, *, target: float = 0.8, ax: Any = None) -> Any:
        """Draw power against the size of the study, as `henderson.plot.power`.

        Parameters
        ----------
        target : float, default 0.8
            Where to draw a line across.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        Axes

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
        >>> found = hd.power(fit, effect={"Days": 3}, n_groups=[4, 8], n_sim=20, seed=1)
        >>> found.plot().get_ylabel()
        'Power'
        """
        # Pictures are made upstairs; by name, as no module imports a higher floor.
        return import_module("henderson.plot.power_curve").power(self, target=target, ax=ax)


@named_options
def power(
    fit: LinearMixedFit,
    *,
    effect: Mapping[str, float] | None = None,
    test: str | Callable[[LinearMixedFit], float] | None = None,
    n_groups: int | Iterable[int] | None = None,
    n_within: int | Iterable[int] | None = None,
    along: str | None = None,
    method: str = "satterthwaite",
    sigma: float | None = None,
    sds: Mapping[str, float] | None = None,
    alpha: float = 0.05,
    n_sim: int = 1000,
    level: float = 0.95,
    seed: int | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> Power:
    """Estimate the power of a test by simulation, for studies of the size of a fit and of others.

    power = P(p < alpha), the share of simulated studies y* = X beta + Z b* + e* whose test rejects.

    Parameters
    ----------
    fit : LinearMixedFit
        A pilot study, or any fit with the right design: what it estimates is assumed to be true unless
        changed here.
    effect : dict of coefficient to number, optional
        Fixed effects to assume, in units of the response: ``{"Days": 5}``; 0 gives the rate of false alarms.
    test : str or callable, optional
        A fixed term, a coefficient, linear hypotheses as `LinearMixedFit.test` reads them, or a function from
        a fit to a p-value. By default the coefficient of `effect`, or the only term.
    n_groups : int or list of int, optional
        Numbers of groups to try: groups are repeated, or left out, evenly.
    n_within : int or list of int, optional
        Numbers of rows per group to try.
    along : str, optional
        The grouping factor that is counted; needed where there are several.
    method : {"satterthwaite", "kenward-roger", "z", "lrt"}
        F test with these denominator degrees of freedom, chi-square test, or likelihood ratio (both fits by
        maximum likelihood).
    sigma : float, optional
        Residual standard deviation to assume; the random effects keep theirs.
    sds : dict of name to number, optional
        Standard deviations of random effects to assume: ``{"Subject.Days": 3}``; correlations stay.
    alpha : float, default 0.05
        Level of the tests.
    n_sim : int, default 1000
        Simulated studies of every size.
    level : float, default 0.95
        Coverage of the interval for the power.
    seed : int, optional
        Makes the result repeatable, whatever `n_jobs` is; by default one is drawn and printed.
    n_jobs : int, optional
        Threads; -1 for one per core; by default the size of the model decides.
    progress : bool, default True
        Whether a bar may show itself after one second (where tqdm is installed).

    Returns
    -------
    Power
        One row per size: n_groups, n_within, nobs, power, conf_low, conf_high (Wilson), failed.
        `henderson.plot.power` draws the curve.

    Raises
    ------
    OptionError
        An unknown name or option, or a test that has to be named.
    DesignError
        A study so small that its fixed effects cannot be told apart.

    Notes
    -----
    New groups repeat the covariates of the old ones; grouping factors nested in `along` get new levels with
    them, crossed ones keep theirs. One pass over the rows per size; each replicate costs a new response and a
    few evaluations of the criterion. Power at the effect that a small pilot happened to estimate is as
    uncertain as that estimate: give the smallest `effect` that would matter.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.power(fit, effect={"Days": 5}, n_groups=[10, 20], n_sim=200, seed=1)
    Power of the test of Days at the level 0.05
    200 simulated studies of each size (seed 1); F test, Satterthwaite's degrees of
      freedom; groups are levels of Subject.
    Assumed: Days = 5.
    groups rows each rows  power 95 % from     to
        10        10  100 56.0 %    49.1 % 62.7 %
        20        10  200 88.5 %    83.3 % 92.2 %
    The smallest size tried that reaches 80 % has 20 groups and 200 rows.
    """
    if not isinstance(fit, LinearMixedFit):
        raise OptionError(f"power() simulates from a fit made by hd.lmm(); this is a {type(fit).__name__}.")
    kind, sizes = check_method(method), sizes_of(n_groups, n_within)
    alpha, level = check_share(alpha, "alpha"), check_share(level, "level")
    place = _along(fit, along, asked=n_groups is not None or n_within is not None)
    parameters = assumed(fit.design, fit.estimate, effect, sigma, sds)
    what, deciding = _test(fit, test, effect, kind)
    used = check_seed(seed)
    designs, p, converged = simulate_power(
        fit.design,
        parameters,
        deciding,
        along=place,
        sizes=sizes,
        n_sim=_count(n_sim),
        seed=used,
        n_jobs=n_jobs,
        show=bool(progress),
        reml=fit.reml if kind == "z" or callable(test) else kind != "lrt",
    )
    words = {
        "test": what,
        "method": "callable" if callable(test) else kind,
        "effect": tuple((name, float(value)) for name, value in (effect or {}).items()),
        "sigma": parameters.sigma,
        "seed": used,
    }
    record = summarised(designs, p, converged, along=place, alpha=alpha, level=level, words=words)
    return Power(record, fit.source.kind)


def _test(
    fit: LinearMixedFit,
    test: str | Callable[[LinearMixedFit], float] | None,
    effect: Mapping[str, float] | None,
    method: str,
) -> tuple[str, Callable[[Study], Decide]]:
    """Words for the test, and how to make its decision for a prepared study."""
    if callable(test):
        ask, source = test, replace(fit.source, data=None)

        def asked(design: Design, estimate: Estimate) -> float:
            return float(ask(LinearMixedFit(design, estimate, source)))

        name = getattr(test, "__name__", "<lambda>")
        return "the function given" if name == "<lambda>" else name, lambda _: asked
    name, L, null = _hypothesis(fit, test, effect)
    if method == "lrt":
        return name, lambda study: by_likelihood(study, L, null)
    return name, lambda _: by_f(L, null, "none" if method == "z" else method)


def _hypothesis(
    fit: LinearMixedFit, test: str | None, effect: Mapping[str, float] | None
) -> tuple[str, np.ndarray, np.ndarray]:
    design = fit.design
    terms = {t.name: t.columns for t in fixed_terms(design) if t.name != CONSTANT and len(t.columns)}
    if test is None:
        likely = list(effect or terms)
        if len(likely) != 1:
            named = f"one of the terms {', '.join(map(repr, terms))}, " if terms else ""
            raise OptionError(
                f"Say what to test: test= {named}one of the "
                f"coefficients {', '.join(map(repr, design.x_names))}, a hypothesis such as "
                f"'{design.x_names[-1]} = 0', or a function from a fit to a p-value."
            )
        test = likely[0]
    if not isinstance(test, str):
        raise OptionError(f"test={test!r}: give text or a function from a fit to a p-value.")
    eye = np.eye(design.p)
    if test in terms:
        return test, eye[terms[test]], np.zeros(len(terms[test]))
    if test in design.x_names:
        return test, eye[[design.x_names.index(test)]], np.zeros(1)
    return _read(fit, test)


def _along(fit: LinearMixedFit, along: str | None, *, asked: bool) -> int:
    if along is not None:
        return grouping_index(fit.design, along)
    names = [g.name for g in fit.design.groupings]
    if asked and len(names) > 1:
        raise OptionError(
            f"Say which groups n_groups and n_within count: along= one of {', '.join(map(repr, names))}."
        )
    return 0


def _count(n_sim: object) -> int:
    if isinstance(n_sim, bool) or not isinstance(n_sim, (int, np.integer)) or n_sim < 1:
        raise OptionError(f"n_sim={n_sim!r}: the number of simulated studies must be a positive integer.")
    return int(n_sim)


def _read(fit: LinearMixedFit, test: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Linear hypotheses typed as text: weights L and values under L beta = null."""
    from henderson.inference.hypotheses.expression import read_hypotheses

    found = [linear for _, linear in read_hypotheses(test, fit.design.x_names)]
    return test, np.array([h.weights for h in found]), -np.array([h.constant for h in found])
