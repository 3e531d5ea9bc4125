"""Comparisons of fits with one another: `lrt` and `ftest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from henderson.errors import OptionError
from henderson.inference.hypotheses.lrt import Candidate, again, likelihood_ratios
from henderson.inference.hypotheses.simulated import check_seed
from henderson.results.elsewhere import foreign_option
from henderson.results.fit import LinearMixedFit
from henderson.results.options import named_options
from henderson.results.shown import Shown

if TYPE_CHECKING:
    from henderson.display.table import TableView


class LikelihoodRatioTable(Shown):
    """Models compared by their likelihoods; see `henderson.lrt`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import likelihood_ratio_view

        return likelihood_ratio_view(self.record)


class ModelFTable(Shown):
    """F test of one model within another; see `henderson.ftest`."""

    def _view(self) -> TableView:
        from henderson.display.term_tests import model_f_view

        return model_f_view(self.record)


def lrt(
    *fits: LinearMixedFit,
    refit: bool = True,
    n_sim: int = 0,
    seed: int | None = None,
    n_jobs: int | None = None,
    **named: LinearMixedFit,
) -> LikelihoodRatioTable:
    """Compare nested models of the same data by likelihood ratios.

    t = 2 (l_1 - l_0); chi-square with the difference of the numbers of parameters when the smaller model is
    true and none of its variances is zero.

    Parameters
    ----------
    *fits : LinearMixedFit
        Two or more fits, in any order: they are sorted by size, and called fit0, fit1, … as given.
    refit : bool, default True
        Refit REML fits by maximum likelihood. With False REML fits are compared as they are, for which their
        fixed effects must be the same.
    n_sim : int, default 0
        Simulate so many responses under the smaller model of every comparison and fit them by both: the
        p-value that needs no theory, and holds in small samples and for several variances.
    seed : int, optional
        Makes the simulation repeatable, whatever `n_jobs` is; by default one is drawn and printed.
    n_jobs : int, optional
        Threads; -1 for one per core; by default the size of the models decides.
    **named : LinearMixedFit
        Fits with names to print: ``hd.lrt(plain=fit0, slopes=fit1)``.

    Returns
    -------
    LikelihoodRatioTable
        One row per model: model, npar, aic, bic, loglik, deviance; and against the row above statistic, df,
        p_value (chi-square) and, where exactly one variance is tested, p_boundary: by the mixture
        0.5 chi2_{df-1} + 0.5 chi2_df (Stram and Lee 1994); with `n_sim` also p_simulated.

    Raises
    ------
    DataError
        The fits are of different rows, responses, weights or offsets.
    DesignError
        A model is no special case of the next larger one: says which column or random term is in the way.
    OptionError
        Fewer than two fits, two of the same size, or REML fits that cannot be compared without a refit.

    Notes
    -----
    Refits start from the cross-products of the fits. For one variance `LinearMixedFit.rlrt` has the exact
    distribution, for fixed effects in small samples `ftest` has F.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> fit0 = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    >>> fit1 = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    >>> hd.lrt(fit0, fit1)
    Likelihood ratio tests of fits by maximum likelihood
    fit0: Reaction ~ Days + (1 | Subject)
    fit1: Reaction ~ Days + (Days | Subject)
         npar     AIC     BIC  logLik  Chisq Df        p p mixture
    fit0    4 1802.08 1814.85 -897.04
    fit1    6 1763.94 1783.10 -875.97 42.139  2 7.07e-10  3.96e-10
    2 REML fits refitted by maximum likelihood for this comparison (refit=False
      compares REML fits with the same fixed effects as they are).
    p mixture: under the smaller model a variance is zero, the edge of what it can
      be; the statistic is then 0.5 chi2(1) + 0.5 chi2(2), and the plain chi-square
      p is too large.
    """
    if not isinstance(refit, bool):
        raise OptionError(f"refit={refit!r}: choose True or False.")
    models = _candidates(fits, named, "lrt")
    first = next(iter((*fits, *named.values())), None)
    record = likelihood_ratios(models, refit=refit, n_sim=n_sim, seed=check_seed(seed), n_jobs=n_jobs)
    return LikelihoodRatioTable(record, _kind(first))


@named_options
def ftest(
    fit0: LinearMixedFit,
    fit1: LinearMixedFit,
    *,
    ddf: str = "auto",
    information: str = "expected",
) -> ModelFTable:
    """Test the fixed effects that one model has beyond another by F, within the larger model.

    F = (L beta)'(L Phi L')^-1 (L beta) / r, where L beta = 0 makes the mean that of the smaller model.

    Parameters
    ----------
    fit0, fit1 : LinearMixedFit
        Two fits with the same random part, in any order. Only the larger is used beyond its columns; an ML
        fit is refitted by REML.
    ddf : {"auto", "satterthwaite", "kenward-roger", "residual", "none"}
        Denominator degrees of freedom; "none" for a chi-square test.
    information : {"expected", "observed"}
        For Kenward-Roger.

    Returns
    -------
    ModelFTable
        model, statistic, num_df, den_df, p_value.

    Raises
    ------
    DataError
        The fits are of different data.
    DesignError
        Neither mean is a special case of the other, or the random parts differ.
    OptionError
        The means are the same, or an option is unknown.

    Notes
    -----
    As pbkrtest's ``KRmodcomp()`` and ``SATmodcomp()``. O(n p^2) for L.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> fit0 = hd.lmm("Reaction ~ 1 + (Days | Subject)", sleep)
    >>> fit1 = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    >>> hd.ftest(fit0, fit1)
    F test of fit0 within fit1, degrees of freedom: Satterthwaite
    fit0: Reaction ~ 1 + (Days | Subject)
    fit1: Reaction ~ Days + (Days | Subject)
              F num df den df        p
    fit0 45.853      1     17 3.26e-06
    """
    from henderson.inference.hypotheses.model_f import model_f, ordered_by_mean
    from henderson.inference.small_sample import check_ddf, check_information

    check_ddf(ddf), check_information(information)
    pair = _candidates((fit0, fit1), {}, "ftest")
    small, large = ordered_by_mean(*pair)
    whole: Any = (fit0, fit1)[pair.index(large)]
    if not whole.reml:
        whole = LinearMixedFit(whole.design, again(whole.estimate, reml=True), whole.source)
    sample = whole._small_sample(ddf, information)
    record = model_f(small, large, sample, refitted=not large.estimate.reml)
    return ModelFTable(record, whole.source.kind)


def _candidates(fits: tuple[Any, ...], named: dict[str, Any], function: str) -> list[Candidate]:
    called = [*((f"fit{i}", fit) for i, fit in enumerate(fits)), *named.items()]
    for name, fit in called:
        if not isinstance(fit, LinearMixedFit):
            if name in named:
                ours = foreign_option(name, ("refit", "n_sim", "seed", "n_jobs"))
                hint = f" {ours}" if ours else ""
                raise OptionError(
                    f"{function}() has no option {name!r}, and {name}={fit!r} is no fit.{hint} It takes "
                    "fits, named or not, and the options refit, n_sim, seed, n_jobs."
                )
            raise OptionError(
                f"{function}() compares fits made by hd.lmm(); argument {name[3:]} is a {type(fit).__name__}."
            )
    return [Candidate(name, fit.formula, fit.design, fit.estimate) for name, fit in called]


def _kind(fit: LinearMixedFit | None) -> str:
    return "pandas" if fit is None else fit.source.kind
