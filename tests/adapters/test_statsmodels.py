"""Side by side with statsmodels itself: names, types and numbers of everything that a result answers."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

from henderson.adapters import statsmodels as ours
from henderson.errors import DataError, DesignError, FitError, FormulaError, HendersonWarning, OptionError
from tests.adapters.statsmodels_models import MODELS, sleep, stated, unbalanced

theirs = pytest.importorskip("statsmodels.formula.api")
sm = pytest.importorskip("statsmodels.api")

EXACT = {"rtol": 1e-7, "atol": 1e-9}
NAMES = list(MODELS)
EVERY = pytest.mark.parametrize("name", NAMES)
BOTH = pytest.mark.parametrize("reml", [True, False], ids=["reml", "ml"])


@cache
def their_fit(name: str, reml: bool = True):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stated(theirs.mixedlm, name).fit(reml=reml)


@cache
def our_fit(name: str, reml: bool = True):
    return stated(ours.mixedlm, name).fit(reml=reml)


@cache
def our_fit_there(name: str, reml: bool = True):
    """Our result at statsmodels' estimates, so that only what is computed from them can differ."""
    params = their_fit(name, reml).params_object
    at = ours.MixedLMParams.from_components(params.fe_params, params.cov_re, vcomp=params.vcomp)
    result = stated(ours.mixedlm, name).fit(reml=reml, start_params=at, do_cg=False)
    result.converged = their_fit(name, reml).converged
    return result


def same(mine, other, **tolerance) -> None:
    """The same type, the same labels, the same dtype, numbers to the tolerance."""
    tolerance = tolerance or EXACT
    if isinstance(other, pd.DataFrame):
        pd.testing.assert_frame_equal(mine, other, **tolerance)
    elif isinstance(other, pd.Series):
        pd.testing.assert_series_equal(mine, other, **tolerance)
    elif isinstance(other, dict):
        assert list(mine) == list(other)
        for key in other:
            assert type(mine[key]) is type(other[key])
            same(mine[key], other[key], **tolerance)
    elif isinstance(other, np.ndarray):
        assert isinstance(mine, np.ndarray)
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, **tolerance)
    else:
        np.testing.assert_allclose(mine, other, **tolerance)


PARAMETERS = ["params", "fe_params", "cov_re", "cov_re_unscaled", "vcomp", "scale"]
ERRORS = ["bse", "bse_fe", "tvalues", "pvalues", "normalized_cov_params"]
ROWS = ["random_effects", "random_effects_cov", "fittedvalues", "resid"]
SCALARS = [
    "llf",
    "aic",
    "bic",
    "nobs",
    "df_resid",
    "df_modelwc",
    "k_constant",
    "k_fe",
    "k_re",
    "k_re2",
    "k_vc",
]


@EVERY
@BOTH
@pytest.mark.parametrize("attribute", PARAMETERS + ERRORS + ROWS + SCALARS)
def test_attributes_at_the_same_estimates(name, reml, attribute):
    # Products of numbers of different size cancel in the small entries of a covariance.
    tolerance = {"rtol": 1e-6, "atol": 1e-7} if attribute in ERRORS else EXACT
    same(
        getattr(our_fit_there(name, reml), attribute), getattr(their_fit(name, reml), attribute), **tolerance
    )


@EVERY
@BOTH
def test_methods_at_the_same_estimates(name, reml):
    mine, other = our_fit_there(name, reml), their_fit(name, reml)
    same(mine.cov_params(), other.cov_params(), rtol=1e-6, atol=1e-6)
    same(mine.conf_int(), other.conf_int(), rtol=1e-6)
    same(mine.conf_int(0.2), other.conf_int(0.2), rtol=1e-6)
    same(mine.predict(), other.predict())
    assert (mine.method, mine.reml, mine.use_t) == (other.method, other.reml, other.use_t)


@EVERY
@BOTH
@pytest.mark.parametrize("form", ["as_text", "as_html", "as_latex"])
def test_summary_is_the_same_text(name, reml, form):
    assert (
        getattr(our_fit_there(name, reml).summary(), form)()
        == getattr(their_fit(name, reml).summary(), form)()
    )


@EVERY
@BOTH
def test_standard_errors_of_variances(name, reml):
    mine, other = our_fit_there(name, reml), their_fit(name, reml)
    if other.k_vc:  # statsmodels' own labels have the wrong length there
        with pytest.raises(ValueError):
            _ = other.bse_re
        expected = np.sqrt(other.scale) * other.bse[other.k_fe :]
    else:
        expected = other.bse_re
    same(mine.bse_re, expected, rtol=1e-6)


@EVERY
@BOTH
def test_fit_is_never_worse(name, reml):
    """statsmodels' own likelihood at our estimates is ours, and at least what its search found."""
    mine, other = our_fit(name, reml), their_fit(name, reml)
    assert mine.converged
    assert mine.llf >= other.llf - 1e-9
    at = mine.params_object
    their_params = sm.regression.mixed_linear_model.MixedLMParams.from_components(
        at.fe_params, at.cov_re, vcomp=at.vcomp
    )
    model = other.model
    model.reml = reml
    np.testing.assert_allclose(model.loglike(their_params, profile_fe=False), mine.llf, rtol=1e-9, atol=1e-8)
    if other.converged and mine.llf < other.llf + 1e-5:
        np.testing.assert_allclose(mine.params, other.params, rtol=5e-3, atol=1e-3)
        np.testing.assert_allclose(mine.bse, other.bse, rtol=5e-3)


@EVERY
def test_what_the_model_knows(name):
    mine, other = our_fit(name).model, their_fit(name).model
    for attribute in (
        "endog",
        "exog",
        "exog_re",
        "group_labels",
        "n_groups",
        "row_indices",
        "nobs",
        "k_params",
    ):
        a, b = getattr(mine, attribute), getattr(other, attribute)
        same(a, b) if isinstance(b, np.ndarray) else None
        if not isinstance(b, np.ndarray):
            assert a == b, attribute
    for attribute in ("endog_names", "exog_names", "n_totobs", "k_constant", "formula"):
        assert getattr(mine, attribute) == getattr(other, attribute, getattr(mine, attribute))
    for attribute in ("param_names", "exog_re_names", "exog_re_names_full", "ynames", "xnames"):
        assert getattr(mine.data, attribute) == getattr(other.data, attribute), attribute
    assert mine.exog_vc.names == other.exog_vc.names
    assert [list(map(list, each)) for each in mine.exog_vc.colnames] == [
        list(map(list, each)) for each in other.exog_vc.colnames
    ]


@EVERY
@BOTH
def test_likelihood_and_its_derivatives(name, reml):
    """Away from the optimum: value, score in both parametrisations and Hessian."""
    mine, other = our_fit(name, reml).model, their_fit(name, reml).model
    mine.reml = other.reml = reml
    rng = np.random.default_rng(1)
    root = np.tril(rng.normal(size=(mine.k_re, mine.k_re))) + 2 * np.eye(mine.k_re)
    beta, vcomp = rng.normal(size=mine.k_fe), rng.uniform(0.5, 2, size=mine.k_vc)
    their_params = sm.regression.mixed_linear_model.MixedLMParams.from_components
    a = ours.MixedLMParams.from_components(beta, cov_re_sqrt=root, vcomp=vcomp)
    b = their_params(beta, cov_re_sqrt=root, vcomp=vcomp)
    for profile_fe in (True, False):
        same(mine.loglike(a, profile_fe), other.loglike(b, profile_fe), rtol=1e-9)
    for use_sqrt in (True, False):
        mine.use_sqrt = other.use_sqrt = use_sqrt
        same(mine.score(a), other.score(b.copy()), rtol=1e-6, atol=1e-6)
    mine.use_sqrt = other.use_sqrt = True
    beta = other.get_fe_params(b.cov_re, b.vcomp)[0]
    same(mine.get_fe_params(a.cov_re, a.vcomp)[0], beta)
    a.fe_params = b.fe_params = beta
    same(mine.hessian(a)[0], other.hessian(b)[0], rtol=1e-6, atol=1e-5)
    same(mine.get_scale(beta, a.cov_re, a.vcomp), other.get_scale(beta, b.cov_re, b.vcomp))


# -- tests and predictions -------------------------------------------------------------------------


def test_t_test():
    mine, other = our_fit_there("unbalanced"), their_fit("unbalanced")
    for R in (np.eye(5), np.array([[0.0, 1, -1, 0, 2]])):
        for use_t in (None, True):
            a, b = mine.t_test(R, use_t=use_t), other.t_test(R, use_t=use_t)
            for attribute in ("effect", "sd", "statistic", "tvalue", "pvalue"):
                same(getattr(a, attribute), getattr(b, attribute), rtol=1e-6)
            same(a.conf_int(), b.conf_int(), rtol=1e-6)
            same(a.summary_frame(), b.summary_frame(), rtol=1e-6)
            assert (str(a), a.distribution, a.c_names) == (str(b), b.distribution, b.c_names)


def test_t_test_reads_words_too():
    at = our_fit("slopes").t_test("Days = 10")
    assert float(np.squeeze(at.effect)) == pytest.approx(10.467286, abs=1e-6)
    assert float(np.squeeze(at.statistic)) == pytest.approx(0.467286 / 1.545790, abs=1e-4)


@pytest.mark.parametrize(
    "hypothesis",
    [
        "Days = 0",
        "Days = 10, Intercept = 250",
        "2*Days - Intercept/3 + 1 = Days",
        "Group Var = 0",
        np.eye(5)[:2],
        (np.eye(5)[:2], [250, 10]),
    ],
    ids=str,
)
def test_wald_and_f_tests(hypothesis):
    mine, other = our_fit_there("slopes"), their_fit("slopes")
    for test in ("wald_test", "f_test"):
        a, b = getattr(mine, test)(hypothesis), getattr(other, test)(hypothesis)
        same(a.statistic, b.statistic, rtol=1e-6)
        same(a.pvalue, b.pvalue, rtol=1e-6)
        assert (a.df_denom, a.distribution, type(a.statistic)) == (
            b.df_denom,
            b.distribution,
            type(b.statistic),
        )
        assert str(a)[:15] == str(b)[:15]


@pytest.mark.parametrize("name", ["unbalanced", "categorical", "slopes"])
def test_wald_test_of_terms(name):
    mine, other = our_fit_there(name).wald_test_terms(), their_fit(name).wald_test_terms()
    same(mine.table, other.table, rtol=1e-6)
    same(mine.summary_frame(), other.summary_frame(), rtol=1e-6)


def test_predictions_of_new_rows():
    mine, other = our_fit_there("unbalanced"), their_fit("unbalanced")
    new = unbalanced().iloc[:7]
    same(mine.predict(new), other.predict(new))
    sleepy = our_fit_there("transformed"), their_fit("transformed")
    new = pd.DataFrame({"Days": [0.5, 20]}, index=["a", "b"])  # centred by the fit's mean, not by its own
    same(sleepy[0].predict(new), sleepy[1].predict(new))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels would rather have a frame
        given = {"Days": [1, 2]}
        same(our_fit_there("intercept").predict(given), their_fit("intercept").predict(given))
    X = np.array([[1.0, 2.0, 3.0]])
    same(sleepy[0].predict(X, transform=False), sleepy[1].predict(X, transform=False))


@pytest.mark.parametrize(
    ("name", "which", "vtype"),
    [("slopes", 0, "re"), ("slopes", 1, "re"), ("nested", "cask", "vc"), ("intercept", 0, "re")],
)
def test_profile_re(name, which, vtype):
    options = {"num_low": 2, "num_high": 2, "dist_low": 0.5, "dist_high": 0.5}
    mine = our_fit(name).profile_re(which, vtype, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = their_fit(name).profile_re(which, vtype, **options)
    assert mine.shape == other.shape
    np.testing.assert_allclose(mine[:, 0], other[:, 0], rtol=2e-3)
    np.testing.assert_allclose(mine[:, 1], other[:, 1], atol=2e-4)
    assert (mine[:, 1] >= other[:, 1] - 1e-4).all()


# -- arrays ----------------------------------------------------------------------------------------


def arrays():
    frame = sleep()
    X = np.column_stack([np.ones(180), frame["Days"]])
    return frame["Reaction"].to_numpy(), X, frame["Subject"].to_numpy()


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize("framed", [False, True])
def test_arrays(slopes, framed):
    y, X, g = arrays()
    if framed:
        X = pd.DataFrame(X, columns=["a", "b"])
    both = []
    for package in (sm, ours):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            both.append(package.MixedLM(y, X, g, exog_re=X if slopes else None).fit())
    other, mine = both
    for attribute in ("params", "bse", "cov_re", "fe_params", "fittedvalues", "pvalues"):
        same(getattr(mine, attribute), getattr(other, attribute), rtol=1e-3, atol=1e-3)
    same(mine.random_effects, other.random_effects, rtol=1e-3, atol=1e-3)
    assert list(mine.summary().tables[1].index) == list(other.summary().tables[1].index)
    assert mine.model.exog_names == other.model.exog_names


def test_arrays_with_components():
    y, X, g = arrays()
    rows = pd.Series(g).groupby(g).groups
    vc = {name: {k: X[rows[k]][:, [j]] for k in rows} for j, name in enumerate("12")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = sm.MixedLM(y, X, g, exog_vc=vc).fit()
    mine = ours.MixedLM(y, X, g, exog_vc=vc).fit()
    np.testing.assert_allclose(mine.vcomp, other.vcomp, rtol=1e-3)
    assert mine.llf >= other.llf - 1e-9
    assert list(mine.random_effects[308].index) == list(other.random_effects[308].index)


def test_free_makes_coefficients_independent():
    y, X, g = arrays()
    fits = []
    for package, params in ((sm, sm.regression.mixed_linear_model.MixedLMParams), (ours, ours.MixedLMParams)):
        free = params.from_components(fe_params=np.ones(2), cov_re=np.eye(2))
        fits.append(package.MixedLM(y, X, g, exog_re=X).fit(free=free))
    other, mine = fits
    np.testing.assert_allclose(mine.cov_re, other.cov_re, rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(mine.bse, other.bse, rtol=1e-3)
    assert mine.llf == pytest.approx(-871.8346468, abs=1e-6)  # as lmer prints for (Days || Subject)
    assert mine.cov_re[0, 1] == 0.0


def test_free_holds_an_entry():
    y, X, g = arrays()
    mask = np.ones((2, 2))
    mask[0, 0] = 0
    fits = []
    for package, params in ((sm, sm.regression.mixed_linear_model.MixedLMParams), (ours, ours.MixedLMParams)):
        free = params.from_components(fe_params=np.ones(2), cov_re=mask)
        start = params.from_components(fe_params=np.zeros(2), cov_re=np.diag([0.5, 0.1]))
        fits.append(package.MixedLM(y, X, g, exog_re=X).fit(free=free, start_params=start))
    other, mine = fits
    assert mine.cov_re_unscaled[0, 0] == pytest.approx(0.5, rel=1e-12)
    np.testing.assert_allclose(mine.cov_re, other.cov_re, rtol=1e-3, atol=1e-2)
    assert mine.llf >= other.llf - 1e-8


def test_regularised_fit():
    y, X, g = arrays()
    X = np.column_stack([X, np.random.default_rng(0).normal(size=180)])
    other, mine = (package.MixedLM(y, X, g).fit_regularized(alpha=0.5) for package in (sm, ours))
    np.testing.assert_allclose(mine.fe_params, other.fe_params, rtol=1e-3, atol=1e-3)
    assert mine.fe_params[2] != our_fit("intercept").fe_params.iloc[1]


def test_draws():
    result = our_fit("nested", False)
    draw = result.model.get_distribution(result.params, result.scale, None)
    y = np.array([draw.rvs(1, rng=seed) for seed in range(400)])
    same(draw.rvs(1, rng=1), y[1])
    total = result.scale * (1 + result.params.iloc[1:].sum())
    assert y.var(axis=0).mean() == pytest.approx(total, rel=0.1)
    assert y.mean() == pytest.approx(result.fe_params.iloc[0], abs=0.15)


# -- where statsmodels fails -----------------------------------------------------------------------


def test_singular_fit_answers():
    """A variance of zero: statsmodels cannot predict random effects; here nothing is inverted."""
    frame = pd.DataFrame({"y": np.tile([1.0, 2.0, 3.0, 5.0], 5), "g": np.repeat(np.arange(5), 4)})
    mine = ours.mixedlm("y ~ 1", frame, groups="g").fit()
    assert mine.cov_re.iloc[0, 0] == 0.0
    assert all(float(effect.iloc[0]) == 0.0 for effect in mine.random_effects.values())
    assert mine.henderson.is_singular
    assert "Group Var" not in str(mine.summary())
    assert "g Var" in str(mine.summary())


def test_subset_is_applied():
    """statsmodels takes `subset` and uses all rows all the same; here it means what it says."""
    frame = sleep()
    few = frame[frame["Days"] < 5]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (
            theirs.mixedlm("Reaction ~ Days", frame, groups="Subject", subset=frame["Days"] < 5).nobs == 180
        )
    for subset in (frame["Days"] < 5, few.index):
        model = ours.mixedlm("Reaction ~ Days", frame, groups=frame["Subject"], subset=subset)
        assert model.nobs == 90
        same(model.fit().params, ours.mixedlm("Reaction ~ Days", few, groups=few["Subject"]).fit().params)


# -- the library's own fit -------------------------------------------------------------------------


@EVERY
def test_own_fit_is_the_same_model(name):
    result = our_fit(name)
    if name in ("several_in_a_row",):
        with pytest.raises(FitError, match="share"):
            _ = result.henderson
        return
    fit = result.henderson
    assert fit.estimate.criterion == pytest.approx(-2 * result.llf, abs=1e-6)
    np.testing.assert_allclose(np.sort(fit.estimate.beta), np.sort(result.fe_params), rtol=1e-5)
    assert "REML" in str(fit)
    stated_in_words = name not in ("own_function", "sum_coding", "unbalanced")
    assert (fit.design.spec is not None) or not stated_in_words


def test_own_fit_predicts_with_groups():
    fit = our_fit("slopes").henderson
    assert fit.predict({"Days": [9], "Subject": [308]}).round(2).tolist() == [430.66]
    assert fit.source.formula == "Reaction ~ Days + (Days | Subject)"


# -- arguments -------------------------------------------------------------------------------------


@pytest.fixture
def untold(monkeypatch):
    from henderson.adapters.statsmodels import fitting

    monkeypatch.setattr(fitting, "_told", set())


def test_methods_are_accepted_and_told_once(untold):
    model = stated(ours.mixedlm, "intercept")
    with pytest.warns(HendersonWarning, match="not needed"):
        first = model.fit(method="bfgs", maxiter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = model.fit(method=["powell", "lbfgs"], gtol=1e-3)
    same(first.params, again.params)


def test_methods_that_statsmodels_refuses():
    model = stated(ours.mixedlm, "intercept")
    for method in ("newton", "NCG", "foo"):
        with pytest.raises(ValueError, match="method"):
            model.fit(method=method)
        with pytest.raises(ValueError, match="method"):
            their_fit("intercept").model.fit(method=method)


def test_unknown_arguments():
    with pytest.raises(AttributeError, match="'groups' is a required keyword argument"):
        ours.mixedlm("Reaction ~ Days", sleep())
    with pytest.raises(ValueError, match="argument method not permitted"):
        ours.mixedlm("Reaction ~ Days", sleep(), groups="Subject", method="nm")
    with pytest.raises(ValueError, match="invalid start_params"):
        stated(ours.mixedlm, "intercept").fit(start_params=[1.0, 2.0])
    with pytest.raises(OptionError, match="Penalties"):
        stated(ours.mixedlm, "intercept").fit(fe_pen=object())


def test_errors_tell_what_to_do():
    frame = sleep()
    frame["twice"] = 2 * frame["Days"]
    with pytest.raises(DesignError, match="twice"):
        ours.mixedlm("Reaction ~ Days + twice", frame, groups="Subject").fit()
    with pytest.raises(FormulaError):
        ours.mixedlm("Reaction ~ Dayz", frame, groups="Subject")
    frame.loc[0, "Days"] = np.nan
    with pytest.raises(DataError, match='missing="drop"'):
        ours.mixedlm("Reaction ~ Days", frame, groups="Subject").fit()
    with pytest.raises(DataError, match="groups holds 1 missing labels"):
        ours.mixedlm("Reaction ~ twice", frame, groups=frame["Subject"].where(frame.index != 3))
    with pytest.raises(DataError, match="no rows"):
        ours.mixedlm("Reaction ~ twice", frame.head(0), groups="Subject")
    with pytest.raises(DataError, match="one per row"):
        ours.mixedlm("Reaction ~ twice", frame, groups=[1, 2, 3])


def test_start_and_history():
    result = stated(ours.mixedlm, "slopes").fit(start_params=np.ones(5), full_output=True)
    same(result.params, our_fit("slopes").params)
    assert result.hist[0]["converged"] is True


def test_summary_options():
    mine, other = our_fit_there("slopes"), their_fit("slopes")
    options = {"yname": "ms", "xname_fe": ["a", "b"], "xname_re": ["c", "d", "e"], "title": "T", "alpha": 0.1}
    assert str(mine.summary(**options)) == str(other.summary(**options))
    same(mine.summary().tables[1], other.summary().tables[1])
    assert mine.summary()._repr_html_() == other.summary()._repr_html_()
    hard = {
        "yname": " bounce_time in % ",
        "xname_fe": ["50 % & more", "a_b"],
        "title": "#1 of a long, long title" * 4,
    }
    for form in ("as_text", "as_latex"):
        both = [getattr(summary, form)() for summary in (mine.summary(**hard), other.summary(**hard))]
        assert both[0] == both[1]
    with pytest.raises(ValueError, match="xname_fe should be a list of length 2"):
        mine.summary(xname_fe=["a"])


def test_covariances_of_some_parameters():
    mine, other = our_fit_there("slopes"), their_fit("slopes")
    R = np.array([[0, 1.0, 0, 0, 0], [1, -1, 0, 0, 0]])
    other = other._results  # statsmodels labels a part of the matrix with the names of all of it, and fails
    same(mine.cov_params(r_matrix=R), other.cov_params(r_matrix=R), rtol=1e-6, atol=1e-8)
    same(mine.cov_params(column=[0, 1]), other.cov_params(column=[0, 1]), rtol=1e-6)


def test_save_and_load(tmp_path):
    import pickle

    for name in ("slopes", "transformed", "nested"):
        result = stated(ours.mixedlm, name).fit()
        result.save(tmp_path / "fit.pickle")
        for back in (ours.MixedLMResults.load(tmp_path / "fit.pickle"), pickle.loads(pickle.dumps(result))):
            assert str(back.summary()) == str(result.summary())
            same(back.resid, result.resid)
    new = pd.DataFrame({"Days": [1.0, 30.0]})
    result = our_fit("transformed")
    same(pickle.loads(pickle.dumps(result)).predict(new), result.predict(new))


def test_without_its_rows(tmp_path):
    result = stated(ours.mixedlm, "slopes").fit()
    before, t_test = str(result.summary()), str(result.t_test(np.eye(2)))
    result.save(tmp_path / "small.pickle", remove_data=True)
    back = ours.MixedLMResults.load(tmp_path / "small.pickle")
    assert str(back.summary()) == before
    assert str(back.t_test(np.eye(2))) == t_test
    assert len(back.random_effects) == 18
    assert back.model.data.frame is None


def test_answers_that_are_elsewhere():
    result = our_fit("intercept")
    with pytest.raises(AttributeError, match=r"henderson\.bootstrap"):
        _ = result.bootstrap
    with pytest.raises(AttributeError, match=r"henderson\.emmeans"):
        _ = result.t_test_pairwise
    with pytest.raises(AttributeError, match="nonsense"):
        _ = result.nonsense


# -- other kinds of data, other readers ------------------------------------------------------------


def test_polars_frame_and_dict():
    pl = pytest.importorskip("polars")
    frame = sleep()
    for given in (pl.from_pandas(frame), {name: frame[name].to_numpy() for name in frame}):
        same(ours.mixedlm("Reaction ~ Days", given, groups="Subject").fit().params, our_fit_named().params)


@cache
def our_fit_named():
    return ours.mixedlm("Reaction ~ Days", sleep(), groups="Subject").fit()


def test_without_patsy(monkeypatch):
    """formulaic reads the formulas where patsy is missing; plain formulas mean and are named the same."""
    from henderson.adapters.statsmodels import reading

    monkeypatch.setattr(reading, "engine", lambda: "formulaic")
    for name in ("intercept", "slopes", "nested", "crossed", "category_slopes", "missing", "transformed"):
        mine = stated(ours.mixedlm, name).fit()
        assert mine.llf == pytest.approx(our_fit(name).llf, abs=1e-8)
        assert [text.replace(" ", "") for text in mine.params.index] == [
            text.replace(" ", "") for text in our_fit(name).params.index
        ]
    new = pd.DataFrame({"Days": [0.5, 20.0]})
    same(stated(ours.mixedlm, "transformed").fit().predict(new), our_fit("transformed").predict(new))
    terms = stated(ours.mixedlm, "own_function").fit().wald_test_terms()
    same(terms.table, our_fit("own_function").wald_test_terms().table)


def test_everything_else_is_statsmodels_own():
    assert ours.ols is theirs.ols
    assert ours.OLS is sm.OLS
    assert ours.add_constant is sm.add_constant
    with pytest.raises(AttributeError, match="nor statsmodels has 'nonsense'"):
        _ = ours.nonsense


def test_without_statsmodels(monkeypatch):
    import sys

    from henderson.errors import MissingDependencyError

    for name in [name for name in sys.modules if name.partition(".")[0] == "statsmodels"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert ours.mixedlm("Reaction ~ Days", sleep(), groups="Subject").fit().converged
    with pytest.raises(MissingDependencyError, match="pip install statsmodels"):
        _ = ours.glm


def test_unused_categories_and_repeated_row_labels():
    """Columns of categories that do not occur stay, as statsmodels has them; row labels may repeat."""
    frame = unbalanced()
    frame["part"] = pd.Categorical(frame["part"].astype(str), categories=["0", "1", "2", "9"])
    options = {"groups": "g", "re_formula": "1", "vc_formula": {"part": "0 + part"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = theirs.mixedlm("y ~ x", frame, **options).fit()
    mine = ours.mixedlm("y ~ x", frame, **options).fit()
    assert list(mine.random_effects[0].index) == list(other.random_effects[0].index)
    assert mine.llf >= other.llf - 1e-9
    frame.index = pd.Index(np.zeros(len(frame)))
    assert ours.mixedlm("y ~ x", frame, **options).fit().llf == pytest.approx(mine.llf, abs=1e-9)


def test_many_crossed_levels_stay_sparse(monkeypatch):
    """Large matrices of components are never dense, and nothing changes with that."""
    from henderson.adapters.statsmodels import layout

    expected = our_fit("crossed")
    monkeypatch.setattr(layout, "LARGE", 10)
    result = stated(ours.mixedlm, "crossed").fit()
    for attribute in ("params", "bse", "fittedvalues", "random_effects"):
        same(getattr(result, attribute), getattr(expected, attribute))


PLAIN = ["y ~ b + a", "y ~ a - 1", "y~-1+a", "y ~ 0 + a + b", "y ~ 1", "y ~ a + 1 + b", "y ~ 0 + a + 1"]
FACTORS = [
    "y ~ a + f",
    "y ~ C(k) + a + f",
    "y ~ t + C(t)",
    "y ~ t",
    "y ~ C( k )",
    "y ~ o + b",
    "y ~ 0 + f",
    "y ~ C(a)",
]


@pytest.mark.parametrize("formula", PLAIN + FACTORS)
def test_plain_formulas_are_read_as_patsy_reads_them(formula):
    """Sums of columns are taken directly; names, order and numbers are patsy's all the same."""
    patsy = pytest.importorskip("patsy")
    from henderson.adapters.statsmodels import plain, reading

    frame = pd.DataFrame({"y": [1, 2, 4.0, 3], "a": [1, 5, 6, 6], "b": [0.5, 0.1, 3, 2]}, index=list("rstu"))
    frame["f"] = np.array(["v", "u", "v", "w"], dtype=object)
    frame["k"], frame["t"] = [3, 1, 2, 3], [True, False, False, True]
    frame["o"] = pd.Categorical(["low", "high", "low", "mid"], categories=["low", "mid", "high"])
    left, right = patsy.dmatrices(formula, frame, return_type="dataframe")
    y, X, spec = reading.matrices(formula, frame, {})
    assert isinstance(spec, plain.Plain) or formula in ("y~-1+a", "y ~ t + C(t)", "y ~ 0 + f")
    pd.testing.assert_frame_equal(X, right)
    pd.testing.assert_series_equal(y, left["y"])
    pd.testing.assert_frame_equal(reading.again(spec, frame.iloc[1:]), right.iloc[1:])
    slices = right.design_info.term_name_slices
    assert {name: (s.start, s.stop) for name, s in spec.term_name_slices.items()} == {
        name: (s.start, s.stop) for name, s in slices.items()
    }


def test_a_level_that_the_fit_has_not_seen():
    result = our_fit("categorical")
    with pytest.raises(DataError, match=r"Machine has levels that the fit has not seen: \['D'\]"):
        result.predict(pd.DataFrame({"Machine": ["A", "D"]}))
    new = pd.DataFrame({"Machine": ["A", None, "C"]}, dtype=object)
    same(our_fit_there("categorical").predict(new), their_fit("categorical").predict(new))
    assert result.predict(new).isna().tolist() == [False, True, False]


def test_reader_of_the_formula_is_at_hand():
    patsy = pytest.importorskip("patsy")
    for name in ("slopes", "transformed"):
        info = our_fit(name).model.data.design_info
        assert isinstance(info, patsy.DesignInfo)
        assert info.column_names == our_fit(name).model.exog_names
    assert ours.MixedLM(*arrays()).data.design_info is None


def test_another_fit_leaves_earlier_results_alone():
    """statsmodels' result changes its log-likelihood when its model is fitted again by the other method."""
    model = stated(ours.mixedlm, "intercept")
    first = model.fit()
    second = model.fit(reml=False)
    assert (round(first.llf, 4), round(second.llf, 4)) == (-893.2325, -897.0393)
    same(first.bse, our_fit("intercept").bse)
    same(second.bse, our_fit("intercept", False).bse)


def test_terms_come_by_falling_number_of_levels():
    design = our_fit("nested")._found.blocks.design
    assert [len(design.groupings[term.grouping].levels) for term in design.terms] == [30, 10]


def test_results_show_themselves():
    result = our_fit("slopes")
    assert repr(result) == str(result.summary())
    assert result._repr_html_() == result.summary().as_html()
