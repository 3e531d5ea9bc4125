"""MixedModelRegressor: the estimator contract, the numbers of lmm, and scikit-learn's machinery around it."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, HendersonWarning, OptionError

pytest.importorskip("sklearn", minversion="1.6")

from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from henderson.adapters.sklearn import MixedModelRegressor

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return hd.lmm(FORMULA, sleep)


@pytest.fixture(scope="module")
def parts(sleep):
    return sleep[["Days"]], sleep["Reaction"].to_numpy(), sleep["Subject"]


# -- the contract --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::henderson.errors.HendersonWarning")
@parametrize_with_checks([MixedModelRegressor(), MixedModelRegressor(reml=False, na_action="drop")])
def test_estimator_checks(estimator, check):
    check(estimator)


def test_clone_and_parameters():
    model = MixedModelRegressor(FORMULA, reml=False)
    again = clone(model).set_params(reml=True)
    assert (again.formula, again.reml, model.reml) == (FORMULA, True, False)


def test_not_fitted(parts):
    with pytest.raises(NotFittedError):
        MixedModelRegressor(FORMULA).predict(parts[0])


def test_pickle(sleep, parts):
    model = MixedModelRegressor(random=["Days"]).fit(*parts)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(parts[0], parts[2]), model.predict(parts[0], parts[2]))


# -- the numbers of lmm --------------------------------------------------------------------------------------


def test_formula_fits_what_lmm_fits(sleep, fit):
    model = MixedModelRegressor(FORMULA).fit(sleep, sleep["Reaction"])
    assert model.fit_.criterion == fit.criterion
    np.testing.assert_allclose(model.predict(sleep), fit.fitted, rtol=1e-14)
    np.testing.assert_array_equal(model.coef_, fit.beta[1:])
    assert model.intercept_ == fit.beta[0]
    assert model.score(sleep, sleep["Reaction"]) == pytest.approx(r2_score(sleep["Reaction"], fit.fitted))


@pytest.mark.parametrize("formula", ["Reaction ~ Days + (Days | Subject)", " ~ Days + (Days | Subject)"])
@pytest.mark.parametrize("named", [True, False])
def test_formula_takes_y_and_groups_from_apart(formula, named, parts, fit):
    X, y, groups = parts
    groups = groups if named else groups.to_numpy()
    model = MixedModelRegressor(formula).fit(X, y, groups=groups)
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)
    np.testing.assert_allclose(model.predict(X, groups=groups), fit.fitted, rtol=1e-9)


def test_y_wins_over_the_column_of_the_same_name(sleep):
    spoilt = sleep.assign(Reaction=0.0)
    model = MixedModelRegressor(FORMULA).fit(spoilt, sleep["Reaction"])
    assert model.fit_.criterion == pytest.approx(1743.6283, abs=1e-4)
    assert (spoilt["Reaction"] == 0).all()


def test_columns_fit_what_lmm_fits(parts, fit):
    X, y, groups = parts
    model = MixedModelRegressor(random=["Days"]).fit(X, y, groups=groups)
    assert model.fit_.formula == "y ~ Days + (1 + Days | Subject)"
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)
    assert list(model.coef_names_) == ["Days"]
    np.testing.assert_allclose([model.intercept_, *model.coef_], fit.beta, rtol=1e-9)


@pytest.mark.parametrize("random", [["Days"], [0], {"Subject": ["Days"]}])
def test_slopes_by_name_position_or_factor(random, parts, fit):
    model = MixedModelRegressor(random=random).fit(*parts)
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)


def test_arrays_without_names(parts, sleep):
    X, y, groups = parts
    model = MixedModelRegressor().fit(X.to_numpy(), y, groups=groups.to_numpy())
    assert model.fit_.formula == "y ~ x0 + (1 | groups)"
    assert model.fit_.criterion == hd.lmm("Reaction ~ Days + (1 | Subject)", sleep).criterion


def test_an_array_with_a_formula(parts, fit):
    X, y, groups = parts
    model = MixedModelRegressor("~ x0 + (x0 | person)").fit(X.to_numpy(), y, groups=groups.to_numpy())
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)


def test_groups_inside_X(sleep, fit):
    X = sleep[["Days", "Subject"]]
    model = MixedModelRegressor(group_columns=["Subject"], random=["Days"]).fit(X, sleep["Reaction"])
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)
    np.testing.assert_allclose(model.predict(X), fit.fitted, rtol=1e-9)


def test_a_column_that_is_also_the_groups_is_no_fixed_effect(sleep):
    X = sleep[["Days", "Subject"]]
    model = MixedModelRegressor().fit(X, sleep["Reaction"], groups=X["Subject"])
    assert model.fit_.formula == "y ~ Days + (1 | Subject)"


def test_crossed_groups():
    data = hd.datasets.load("penicillin")
    X = np.zeros((len(data), 1)) + np.arange(len(data))[:, None] % 2
    groups = data[["plate", "sample"]]
    model = MixedModelRegressor(fixed=[]).fit(X, data["diameter"], groups=groups)
    fit = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    assert model.fit_.criterion == pytest.approx(fit.criterion, abs=1e-9)
    by_position = MixedModelRegressor(fixed=[]).fit(X, data["diameter"], groups=groups.to_numpy())
    assert by_position.group_names_ == ["groups0", "groups1"]
    np.testing.assert_allclose(by_position.predict(X, groups.to_numpy()), fit.fitted, rtol=1e-8)
    one = model.predict(X, groups.assign(plate="unseen"))
    np.testing.assert_allclose(one, fit.predict(groups=["sample"]), rtol=1e-8)


def test_polars(sleep, fit):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({name: sleep[name].astype(str if name == "Subject" else float) for name in sleep})
    model = MixedModelRegressor(FORMULA).fit(frame, frame["Reaction"])
    np.testing.assert_allclose(model.predict(frame), fit.fitted, rtol=1e-9)
    model = MixedModelRegressor(random=["Days"]).fit(frame[["Days"]], frame["Reaction"], frame["Subject"])
    np.testing.assert_allclose(model.predict(frame[["Days"]], frame["Subject"]), fit.fitted, rtol=1e-9)


def test_names_that_formulas_must_quote(parts):
    X, y, groups = parts
    odd = pd.DataFrame({"num__a b": X["Days"], "True": X["Days"] ** 2.0, "é-1": np.sin(X["Days"])})
    model = MixedModelRegressor(random=["num__a b"]).fit(odd, y, groups=groups.rename("per son"))
    assert list(model.coef_names_) == list(odd.columns)
    plain = odd.set_axis(["a", "b", "c"], axis=1).assign(y=y, g=groups)
    expected = hd.lmm("y ~ a + b + c + (a | g)", plain)
    np.testing.assert_allclose(model.coef_, expected.beta[1:], rtol=1e-7)
    np.testing.assert_allclose(model.predict(odd, groups), expected.fitted, rtol=1e-7)


def test_columns_numbered_by_pandas(parts):
    X, y, groups = parts
    frame = pd.DataFrame({0: X["Days"], 1: groups})
    model = MixedModelRegressor(group_columns=[1]).fit(frame, y)
    assert model.fit_.formula == "y ~ x0 + (1 | x1)"


def test_coefficients_of_dependent_columns_are_zero(parts):
    X, y, groups = parts
    wide = np.column_stack([X, 2 * X, np.ones(len(X))])
    model = MixedModelRegressor().fit(wide, y, groups=groups)
    np.testing.assert_allclose(wide @ model.coef_ + model.intercept_, model.predict(wide), rtol=1e-12)
    assert model.coef_.shape == (3,) and (model.coef_[1:] == 0).all()


def test_weights_are_precision_weights(parts, sleep):
    X, y, groups = parts
    weights = np.linspace(0.5, 2, len(y))
    model = MixedModelRegressor().fit(X, y, groups=groups, sample_weight=weights)
    expected = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep, weights=weights)
    assert model.fit_.criterion == pytest.approx(expected.criterion, abs=1e-9)


def test_rows_of_weight_zero_are_left_out(parts, sleep):
    X, y, groups = parts
    weights = np.where(np.arange(len(y)) % 3 == 0, 0.0, 1.0)
    model = MixedModelRegressor().fit(X, y, groups=groups, sample_weight=weights)
    expected = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep[weights > 0])
    assert model.fit_.criterion == pytest.approx(expected.criterion, abs=1e-9)
    with pytest.raises(DataError, match="negative"):
        MixedModelRegressor().fit(X, y, groups=groups, sample_weight=-weights)


def test_least_squares_without_groups():
    rng = np.random.default_rng(3)
    X, weights = rng.normal(size=(40, 3)), rng.uniform(size=40)
    y = X @ [1.0, 2.0, 3.0] + 5 + rng.normal(size=40)
    for w in (None, weights):
        with pytest.warns(HendersonWarning, match="ordinary least squares"):
            model = MixedModelRegressor().fit(X, y, sample_weight=w)
        expected = LinearRegression().fit(X, y, sample_weight=w)
        assert model.fit_ is None
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-10)
        assert model.intercept_ == pytest.approx(expected.intercept_, rel=1e-10)
    with pytest.warns(HendersonWarning):
        part = MixedModelRegressor(fixed=[2]).fit(X, y)
    np.testing.assert_allclose(part.predict(X), LinearRegression().fit(X[:, 2:], y).predict(X[:, 2:]))


# -- prediction ----------------------------------------------------------------------------------------------


def test_known_groups_have_effects_and_others_none(parts, fit):
    X, y, groups = parts
    model = MixedModelRegressor(random=["Days"]).fit(X, y, groups=groups)
    known = fit.predict({"Days": [3.0], "Subject": ["308"]})
    population = fit.predict({"Days": [3.0]}, groups=None)
    new = pd.DataFrame({"Days": [3.0, 3.0]})
    np.testing.assert_allclose(model.predict(new, ["308", "nobody"]), [known[0], population[0]], rtol=1e-9)
    np.testing.assert_allclose(model.predict(new), population.repeat(2), rtol=1e-9)


def test_formula_predicts_the_population_where_grouping_columns_lack(sleep, fit):
    model = MixedModelRegressor(FORMULA).fit(sleep, sleep["Reaction"])
    np.testing.assert_array_equal(model.predict(sleep[["Days"]]), fit.predict(groups=None))


def test_nested_groups_take_part_as_far_as_their_columns_are_there():
    data = hd.datasets.load("pastes")
    model = MixedModelRegressor("strength ~ 1 + (1 | batch/cask)").fit(data, data["strength"])
    fit = hd.lmm("strength ~ 1 + (1 | batch/cask)", data)
    np.testing.assert_allclose(model.predict(data), fit.fitted, rtol=1e-14)
    np.testing.assert_array_equal(model.predict(data[["batch"]]), fit.predict(groups=["batch"]))


def test_missing_values(sleep):
    holes = sleep.assign(Days=sleep["Days"].where(sleep.index % 7 != 0))
    with pytest.raises(DataError, match="Days"):
        MixedModelRegressor(FORMULA).fit(holes, sleep["Reaction"])
    model = MixedModelRegressor(FORMULA, na_action="drop").fit(holes, sleep["Reaction"])
    assert model.fit_.nobs == 180 - 26
    np.testing.assert_array_equal(np.isnan(model.predict(holes)), holes["Days"].isna())
    with pytest.raises(DataError, match="26 rows of X have missing values"):
        model.set_params(na_action="raise").predict(holes)


# -- scikit-learn around it ----------------------------------------------------------------------------------


def test_grouped_cross_validation_is_the_loop_by_hand(parts, sleep):
    X, y, groups = parts
    with config_context(enable_metadata_routing=True):
        found = cross_validate(
            MixedModelRegressor(random=["Days"]), X, y, cv=GroupKFold(6), params={"groups": groups}
        )
    expected = []
    for train, test in GroupKFold(6).split(X, y, groups):
        fit = hd.lmm(FORMULA, sleep.iloc[train])
        expected.append(r2_score(y[test], fit.predict(sleep.iloc[test], groups=None)))
    np.testing.assert_allclose(found["test_score"], expected, rtol=1e-6)


def test_cross_validation_by_formula_needs_no_routing(sleep):
    scores = cross_val_score(
        MixedModelRegressor(FORMULA), sleep, sleep["Reaction"], cv=GroupKFold(3), groups=sleep["Subject"]
    )
    assert scores.shape == (3,)
    with config_context(enable_metadata_routing=True):
        routed = cross_val_score(
            MixedModelRegressor(FORMULA),
            sleep,
            sleep["Reaction"],
            cv=GroupKFold(3),
            params={"groups": sleep["Subject"].to_numpy()},
        )
    np.testing.assert_array_equal(routed, scores)


def test_requests_can_be_changed(parts):
    X, y, groups = parts
    with config_context(enable_metadata_routing=True):
        model = MixedModelRegressor().set_fit_request(groups=False).set_score_request(groups=False)
        with pytest.warns(HendersonWarning, match="ordinary least squares"):
            cross_val_score(model, X, y, cv=GroupKFold(2), params={"groups": groups})
        model.set_predict_request(groups="site")
        assert model.get_metadata_routing().predict.requests["groups"] == "site"


def test_known_groups_help_under_ordinary_cross_validation(parts):
    X, y, groups = parts
    folds = {"cv": KFold(5, shuffle=True, random_state=1), "params": {"groups": groups}}
    with config_context(enable_metadata_routing=True):
        with_groups = cross_val_score(MixedModelRegressor(), X, y, **folds)
        without = cross_val_score(MixedModelRegressor().set_score_request(groups=False), X, y, **folds)
    assert with_groups.mean() > without.mean() + 0.3


def test_pipeline_and_column_transformer(sleep, fit):
    X, y = sleep[["Days", "Subject"]], sleep["Reaction"]
    scaled = ColumnTransformer(
        [("days", StandardScaler(), ["Days"])], remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    for model in (
        MixedModelRegressor("~ Days + (Days | Subject)"),
        MixedModelRegressor(group_columns=["Subject"], random=["Days"]),
    ):
        pipeline = make_pipeline(scaled, model).fit(X, y)
        np.testing.assert_allclose(pipeline.predict(X), fit.fitted, rtol=1e-6)


def test_pipeline_routes_groups(parts, fit):
    X, y, groups = parts
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), MixedModelRegressor(random=[0]))
        pipeline.fit(X, y, groups=groups)
        np.testing.assert_allclose(pipeline.predict(X, groups=groups), fit.fitted, rtol=1e-6)


def test_dummy_columns_are_the_factor(parts):
    data = hd.datasets.load("machines")
    encode = ColumnTransformer([("m", OneHotEncoder(drop="first", sparse_output=False), ["Machine"])])
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(encode.set_output(transform="pandas"), MixedModelRegressor())
        pipeline.fit(data[["Machine"]], data["score"], groups=data["Worker"])
    expected = hd.lmm("score ~ Machine + (1 | Worker)", data)
    np.testing.assert_allclose(pipeline[-1].coef_, expected.beta[1:], rtol=1e-9)


def test_grid_search(sleep):
    search = GridSearchCV(
        MixedModelRegressor(),
        {"formula": ["~ 1 + (1 | Subject)", "~ Days + (1 | Subject)", "~ Days + (Days | Subject)"]},
        cv=3,
    ).fit(sleep[["Days", "Subject"]], sleep["Reaction"])
    assert "Days" in search.best_params_["formula"]
    assert search.best_estimator_.fit_.nobs == 180


def test_transformed_response(sleep):
    model = TransformedTargetRegressor(MixedModelRegressor(FORMULA), func=np.log, inverse_func=np.exp)
    model.fit(sleep, sleep["Reaction"])
    expected = hd.lmm("log(Reaction) ~ Days + (Days | Subject)", sleep)
    np.testing.assert_allclose(model.predict(sleep), np.exp(expected.fitted), rtol=1e-9)


# -- what cannot be ------------------------------------------------------------------------------------------


def test_a_response_that_is_no_plain_name(sleep):
    with pytest.raises(OptionError, match="TransformedTargetRegressor"):
        MixedModelRegressor("log(Reaction) ~ Days + (1 | Subject)").fit(sleep, sleep["Reaction"])


def test_grouping_columns_that_are_nowhere(parts):
    with pytest.raises(DataError, match=r"groups by 'Subject', and X has no such column.*groups=…"):
        MixedModelRegressor(FORMULA).fit(*parts[:2])


@pytest.mark.parametrize("name", ["fixed", "random", "group_columns"])
def test_a_formula_and_columns(name, sleep):
    with pytest.raises(OptionError, match=f"{name}= and a formula"):
        MixedModelRegressor(FORMULA, **{name: ["Days"]}).fit(sleep, sleep["Reaction"])


def test_columns_that_are_not_there(parts, sleep):
    X, y, groups = parts
    with pytest.raises(OptionError, match=r"random: X has no column 'Dais'\. It has 1: 'Days'"):
        MixedModelRegressor(random=["Dais"]).fit(X, y, groups=groups)
    with pytest.raises(OptionError, match="fixed: X has no column 3"):
        MixedModelRegressor(fixed=[3]).fit(X, y, groups=groups)
    with pytest.raises(OptionError, match=r"'Batch' is no grouping factor; there are \['Subject'\]"):
        MixedModelRegressor(random={"Batch": ["Days"]}).fit(X, y, groups=groups)
    with pytest.raises(OptionError, match="random= needs groups"):
        MixedModelRegressor(random=["Days"]).fit(X, y)


def test_groups_of_another_length_or_number(parts):
    X, y, groups = parts
    with pytest.raises(DataError, match="groups has 3 rows and X has 180"):
        MixedModelRegressor().fit(X, y, groups=groups[:3])
    model = MixedModelRegressor().fit(X, y, groups=groups)
    with pytest.raises(DataError, match=r"\['groups0', 'groups1'\], and the model needs \['Subject'\]"):
        model.predict(X, groups=np.column_stack([groups, groups]))


def test_labels_without_groups(sleep):
    with pytest.raises(DataError, match="X holds labels"):
        MixedModelRegressor().fit(sleep[["Days", "Subject"]], sleep["Reaction"])


def test_rows_of_X_and_y_differ(sleep):
    with pytest.raises(DataError, match="X has 180 rows and y has 10"):
        MixedModelRegressor(FORMULA).fit(sleep, sleep["Reaction"][:10])


def test_without_scikit_learn_the_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None\nimport henderson as hd\n"
    code += "try: import henderson.adapters.sklearn\n"
    code += "except hd.errors.MissingDependencyError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'henderson[sklearn]'" in done.stdout
