"""Predictions of rows in every shape, names of arrays and frames, and results without their rows."""

from __future__ import annotations

import pickle
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest

from henderson.adapters import statsmodels as ours
from henderson.errors import DataError, FitError
from tests.adapters.statsmodels_models import data, sleep, stated
from tests.adapters.test_statsmodels import same

theirs = pytest.importorskip("statsmodels.formula.api")
sm = pytest.importorskip("statsmodels.api")

FORMULAS = [
    "score ~ Machine",
    "score ~ C(Machine, Sum)",
    "score ~ Machine * x",
    "score ~ center(x)",
    "score ~ 0 + x",
]


def machines() -> pd.DataFrame:
    frame = data("machines")
    return frame.assign(x=np.arange(len(frame)) % 7 / 3.0)


@cache
def pair(formula: str):
    """Our result at statsmodels' estimates, and statsmodels' own."""
    frame = machines()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = theirs.mixedlm(formula, frame, groups="Worker").fit()
    at = other.params_object
    start = ours.MixedLMParams.from_components(at.fe_params, at.cov_re)
    mine = ours.mixedlm(formula, frame, groups="Worker").fit(start_params=start, do_cg=False)
    return mine, other


def shapes() -> dict[str, object]:
    new = machines()[["Machine", "x"]].iloc[:6]
    gaps = new.copy()
    gaps.loc[1, "Machine"], gaps.loc[3, "x"] = None, np.nan
    return {
        "frame": new.set_axis(list("abcdef")),
        "gaps": gaps,
        "none": new.head(0),
        "dict": {"Machine": ["A", "B"], "x": [1.0, 2.0]},
        "dict with gaps": {"Machine": ["A", None], "x": [1.0, 2.0]},
        "scalars": {"Machine": "B", "x": 2.0},
    }


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("shape", list(shapes()))
def test_new_rows(formula, shape):
    mine, other = pair(formula)
    new = shapes()[shape]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = other.predict(new)
    same(mine.predict(new), expected)
    same(pickle.loads(pickle.dumps(mine)).predict(new), expected)


def test_a_series_is_a_row_or_the_only_column():
    mine, other = pair("score ~ 0 + x")
    column = machines()["x"].head(4)
    same(mine.predict(column), other.predict(column))
    mine, other = pair("score ~ Machine")
    row = machines()[["Machine", "x"]].iloc[20]
    same(mine.predict(row), other.predict(row))


def test_rows_with_one_label_keep_it():
    """statsmodels fails on repeated labels when a row has gaps."""
    new = shapes()["gaps"].set_axis([0, 0, 1, 1, 2, 2])
    got = pair("score ~ center(x)")[0].predict(new)
    assert got.index.tolist() == [0, 0, 1, 1, 2, 2]
    assert got.isna().tolist() == [False, False, False, True, False, False]


def test_matrices_as_they_are():
    mine, other = pair("score ~ Machine")
    X = mine.model.exog[[0, 20, 40]]
    for given in (X, X[1], X.tolist(), pd.DataFrame(X, index=list("abc"))):
        same(mine.predict(given, transform=False), other.predict(given, transform=False))
    single = pair("score ~ 0 + x")
    same(single[0].predict([1.0, 2.0], transform=False), single[1].predict([1.0, 2.0], transform=False))


def test_a_column_that_is_not_there():
    mine = pair("score ~ Machine")[0]
    with pytest.raises(DataError, match=r"no column 'Machine'.*they have x"):
        mine.predict(pd.DataFrame({"x": [1.0]}))
    with pytest.raises(DataError, match="transform=False"):
        mine.predict(mine.model.exog[:2])


# -- names ---------------------------------------------------------------------------------------------------


def arrays():
    frame = sleep()
    return frame["Reaction"], np.column_stack([np.ones(180), frame["Days"]]), frame["Subject"]


@pytest.mark.parametrize("response", ["series", "unnamed", "frame", "array", "zero"])
def test_names_of_arrays_and_frames(response):
    y, X, groups = arrays()
    given = {
        "series": y,
        "unnamed": pd.Series(y.to_numpy()),
        "frame": y.to_frame("ms"),
        "array": y.to_numpy(),
        "zero": y.rename(0),
    }[response]
    for exog in (X, pd.DataFrame(X), pd.DataFrame(X, columns=["one", "day"])):
        other, mine = sm.MixedLM(given, exog, groups), ours.MixedLM(given, exog, groups)
        assert mine.data.ynames == other.data.ynames
        assert mine.exog_names == other.exog_names
        assert mine.data.param_names == other.data.param_names
    result, theirs_of_numbers = (
        ours.MixedLM(y, pd.DataFrame(X), groups).fit(),
        sm.MixedLM(y, pd.DataFrame(X), groups).fit(),
    )
    same(result.params, theirs_of_numbers.params, rtol=1e-3)
    same(result.bse_fe, theirs_of_numbers.bse_fe, rtol=1e-3)
    assert str(result.summary()).splitlines()[-5:-3] == str(theirs_of_numbers.summary()).splitlines()[-5:-3]
    assert result.henderson.fixef.round(3).tolist() == [251.405, 10.467]


# -- without rows, without a search --------------------------------------------------------------------------


def test_what_is_left_without_rows():
    result = stated(ours.mixedlm, "slopes").fit()
    kept = {name: getattr(result, name) for name in ("params", "pvalues", "k_constant")}
    limits, covariance = result.conf_int(), result.cov_params()
    result.remove_data()
    same(result.conf_int(), limits)
    same(result.cov_params(), covariance)
    for name, value in kept.items():
        same(getattr(result, name), value)
    small = pickle.loads(pickle.dumps(result))
    same(small.conf_int(), limits)
    same(small.predict({"Days": [3, 4]}), result.predict({"Days": [3, 4]}))
    for ask in (
        lambda: result.resid,
        lambda: result.fittedvalues,
        lambda: result.predict(),
        lambda: result.profile_re(0, "re"),
        lambda: result.model.fit(),
    ):
        with pytest.raises(DataError, match="let go by remove_data"):
            ask()


def test_a_reader_that_stays_behind_is_missed():
    """Without its reader a formula with functions is refused, and a frame is never taken for the matrix."""
    result = stated(ours.mixedlm, "transformed").fit()
    result.remove_data()
    new = pd.DataFrame({"Days": [1.0], "a": [2.0], "b": [3.0]})
    assert result.predict(new).notna().all()
    with pytest.raises(DataError, match="its reader did not come along"):
        pickle.loads(pickle.dumps(result)).predict(new)


def test_no_search_no_convergence():
    assert not stated(ours.mixedlm, "slopes").fit(do_cg=False).converged


def test_profile_holds_what_the_fit_held():
    """Independent coefficients stay independent along the profile."""
    y, X, groups = arrays()
    found = []
    for package, params in ((sm, sm.regression.mixed_linear_model.MixedLMParams), (ours, ours.MixedLMParams)):
        free = params.from_components(fe_params=np.ones(2), cov_re=np.eye(2))
        result = package.MixedLM(y, X, groups, exog_re=X).fit(free=free)
        options = {"num_low": 1, "num_high": 1, "dist_low": 100, "dist_high": 100}
        found.append(result.profile_re(0, "re", **options))
    np.testing.assert_allclose(found[1][:, 1], found[0][:, 1], atol=2e-5)
    np.testing.assert_allclose(found[1][:, 0], found[0][:, 0], rtol=1e-3)
    unbound = ours.MixedLM(y, X, groups, exog_re=X).fit().profile_re(0, "re", **options)
    assert np.abs(unbound[:, 1] - found[1][:, 1]).min() > 5e-3


@pytest.mark.parametrize("name", ["get_nlfun", "covjac", "bsejhj", "score_obsv"])
def test_what_works_nowhere_says_so(name):
    with pytest.raises(AttributeError, match="in statsmodels either"):
        getattr(stated(ours.mixedlm, "intercept").fit(), name)


def test_parameters_of_statsmodels_own_class():
    """Code that imports MixedLMParams from statsmodels goes on to work."""
    y, X, groups = arrays()
    made = []
    for params in (ours.regression.mixed_linear_model.MixedLMParams, ours.MixedLMParams):
        free = params.from_components(fe_params=np.ones(2), cov_re=np.eye(2))
        start = params.from_components(fe_params=np.zeros(2), cov_re=np.diag([0.5, 0.1]))
        model = ours.MixedLM(y, X, groups, exog_re=X)
        result = model.fit(free=free, start_params=start)
        made.append([result.llf, model.loglike(start), *model.score(start), *result.params])
        pickle.dumps(result)
    assert made[0] == made[1]


# -- other columns, other models -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["boolean", "string", "pyarrow", "Int64"])
def test_columns_of_pandas_own_types(kind):
    """Texts and truth values of nullable and Arrow types: patsy cannot read them, and statsmodels fails."""
    frame = sleep()
    frame["late"], frame["half"] = frame["Days"] > 4, np.where(frame["Days"] % 2 == 0, "even", "odd")
    formula = "Reaction ~ Days + late + half"
    expected = ours.mixedlm(formula, frame.astype({"half": object}), groups="Subject").fit()
    if kind == "pyarrow":
        pytest.importorskip("pyarrow")
        frame = frame.convert_dtypes(dtype_backend="pyarrow")
    else:
        columns = {"boolean": ["late"], "string": ["half"], "Int64": ["Days", "Subject"]}[kind]
        frame = frame.astype(dict.fromkeys(columns, kind))
    got = ours.mixedlm(formula, frame, groups="Subject").fit()
    same(got.params, expected.params, rtol=1e-9)
    assert list(got.random_effects) == list(expected.random_effects)
    frame.loc[3, "late" if kind == "boolean" else "half"] = pd.NA
    assert ours.mixedlm(formula, frame, groups="Subject", missing="drop").fit().nobs == 179


def test_why_there_is_no_own_fit():
    result = stated(ours.mixedlm, "several_in_a_row").fit()
    with pytest.raises(FitError, match="variance component 'm' has several columns in one row, which share"):
        _ = result.henderson
    with pytest.raises(FitError, match="holds parameters at values that were given"):
        _ = stated(ours.mixedlm, "slopes").fit(do_cg=False).henderson


def test_the_higher_of_two_maxima():
    """Thirteen rows whose likelihood has a maximum at a variance of zero, and a higher one inside."""
    frame = pd.DataFrame(
        {
            "y": [7.8, 10.9, 9.7, 10.4, 7.7, 11.2, 10.5, 14.7, 13.8, 16.4, 16.0, 18.0, 18.6],
            "x": [0.0, 1, 1, 3, 3, 0, 1, 2, 2, 2, 2, 3, 3],
            "s": ["M"] * 5 + ["F"] * 8,
        }
    )
    frame["g"] = frame["s"]
    result = ours.mixedlm("y ~ x + s", frame, groups="g", re_formula="0 + x").fit(reml=False)
    assert result.llf == pytest.approx(-25.2870073, abs=1e-6)
    assert result.cov_re.iloc[0, 0] == pytest.approx(1.266, abs=1e-3)
    at_zero = ours.MixedLMParams.from_components(np.zeros(3), np.zeros((1, 1)))
    assert result.model.loglike(at_zero) == pytest.approx(-26.3536586, abs=1e-6)
    assert result.henderson.loglik == pytest.approx(result.llf, abs=1e-8)
    assert result.henderson.source.formula == "y ~ x + s + (0 + x | g)"
