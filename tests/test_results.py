"""The fit as users hold it: names, kinds of frames, prediction options, new responses, keeping."""

from __future__ import annotations

import copy
import json
import pickle
import re
import time

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, HendersonWarning, OptionError
from henderson.results import LinearMixedFit, elsewhere

close = np.testing.assert_allclose
FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep) -> LinearMixedFit:
    return hd.lmm(FORMULA, sleep)


@pytest.fixture(scope="module")
def penicillin() -> LinearMixedFit:
    return hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))


# -- names and shapes ----------------------------------------------------------------------------------------


def test_parameters_have_names(fit):
    assert fit.fixef.index.tolist() == ["(Intercept)", "Days"]
    assert fit.vcov.loc["Days", "Days"] == pytest.approx(fit.se["Days"] ** 2)
    assert fit.ngroups == {"Subject": 18}
    assert fit.rank == {"Subject": 2}
    assert fit.reml and fit.converged and not fit.is_singular
    assert fit.df == 6 and fit.df_residual == 174 and fit.nobs == 180
    assert fit.aic == pytest.approx(fit.criterion + 12)
    assert fit.loglik == pytest.approx(-fit.criterion / 2)


def test_variance_components_by_label(fit):
    assert list(fit.varcorr) == ["Subject"]
    term = fit.varcorr["Subject"]
    close(term.variance, term.sd**2)
    close(term.corr[0, 1], term.cov[0, 1] / term.sd.prod())
    assert fit.varcorr[0].group == "Subject"
    with pytest.raises(OptionError, match="'Subject'"):
        fit.varcorr["subject"]
    columns = fit.varcorr.columns()
    assert columns["group"] == ["Subject"] * 3 + ["Residual"]
    assert columns["var2"] == [None, None, "Days", None]


def test_random_effects_by_group_level_and_column(fit):
    effects = fit.ranef["Subject"]
    assert effects.levels[0] == "308"
    assert effects.shape == (18, 2) == np.asarray(effects).shape
    assert effects.loc["308", "Days"] == effects["Days"]["308"] == effects.values[0, 1]
    assert effects.condvar is effects.cov
    close(effects.sd[:, 0] ** 2, effects.cov[:, 0, 0])
    assert "Subject" in fit.ranef and len(fit.ranef) == 1
    assert len(str(fit.ranef).splitlines()) == 21
    assert "<table" in effects._repr_html_()
    with pytest.raises(OptionError, match="'Subject'"):
        fit.ranef["Item"]
    with pytest.raises(OptionError, match=r"'\(Intercept\)', 'Days'"):
        effects["Day"]
    with pytest.raises(OptionError, match="ranef"):
        _ = fit.coef["Subject"].cov


def test_a_fit_does_not_change_and_lists_its_answers(fit):
    with pytest.raises(AttributeError, match="refit"):
        fit.sigma = 1
    with pytest.raises(AttributeError, match="refit"):
        fit.anything = 1
    offered = {"fixef", "ranef", "varcorr", "predict", "simulate", "refit", "summary", "tidy", "opt", "model"}
    assert offered <= set(dir(fit))
    for name in dir(LinearMixedFit):
        if not name.startswith("_"):
            assert getattr(LinearMixedFit, name).__doc__, name


def test_the_model_and_the_search_are_reachable(fit):
    assert fit.model.objective(fit.theta) == pytest.approx(fit.criterion, abs=1e-8)
    close(fit.model.gradient(fit.theta), 0, atol=1e-4)
    assert fit.opt.converged and "Converged" in str(fit.opt)


# -- tables --------------------------------------------------------------------------------------------------


def in_kind(rows: pd.DataFrame, kind: str):
    if kind == "pandas":
        return rows
    if kind == "dict":
        return {name: rows[name].to_numpy() for name in rows}
    if kind == "polars":
        return pytest.importorskip("polars").DataFrame({name: rows[name].tolist() for name in rows})
    return pytest.importorskip("pyarrow").table({name: rows[name].tolist() for name in rows})


def columns_of(table) -> dict[str, list]:
    if isinstance(table, pd.DataFrame):
        return {name: table[name].tolist() for name in table.columns}
    return table.to_pydict() if hasattr(table, "to_pydict") else table.to_dict(as_series=False)


TABLES = {
    "coeftable": lambda f: f.coeftable(),
    "confint": lambda f: f.confint(),
    "tidy": lambda f: f.tidy(("fixed", "ran_pars", "ran_vals", "ran_coefs")),
    "glance": lambda f: f.glance(),
    "augment": lambda f: f.augment(),
    "ranef": lambda f: f.ranef.frame(),
    "ranef of a group": lambda f: f.ranef["Subject"].frame(),
    "predict": lambda f: f.predict({"Days": [1], "Subject": ["308"]}, interval="prediction"),
}


@pytest.mark.parametrize("kind", ["pandas", "dict", "polars", "pyarrow"])
@pytest.mark.parametrize("name", TABLES)
def test_tables_come_back_as_the_kind_of_frame_that_went_in(sleep, fit, kind, name):
    data = in_kind(sleep, kind)
    table = TABLES[name](hd.lmm(FORMULA, data))
    expected = pd.DataFrame if kind == "dict" else type(data)
    assert isinstance(table, expected)
    mine, theirs = columns_of(table), columns_of(TABLES[name](fit))
    assert list(mine) == list(theirs)
    for column, values in theirs.items():
        if column != "group" and isinstance(values[-1], float):
            close(np.array(mine[column], float), np.array(values, float), rtol=1e-6, atol=1e-6)
        else:
            assert len(mine[column]) == len(values)


def test_tidy_rows(fit):
    table = fit.tidy()
    assert table["term"].tolist() == [
        "(Intercept)", "Days", "sd__(Intercept)", "sd__Days", "cor__(Intercept).Days", "sd__Observation",
    ]  # fmt: skip
    assert table["effect"].tolist() == ["fixed"] * 2 + ["ran_pars"] * 4
    close(table["estimate"][2:4], fit.varcorr["Subject"].sd)
    close(table["estimate"][5], fit.sigma)
    values = fit.tidy("ran_vals")
    close(values["std_error"], fit.ranef["Subject"].sd.T.ravel())
    assert values["level"].tolist()[:2] == ["308", "309"]
    with pytest.raises(OptionError, match="'ran_vals'"):
        fit.tidy("random")
    with pytest.raises(OptionError, match="'fixed'"):
        fit.tidy([])


def test_augment_keeps_the_rows_that_were_used(sleep):
    rows = sleep.copy()
    rows.loc[[2, 7], "Reaction"] = np.nan
    rows["other"] = np.arange(180)
    table = hd.lmm(FORMULA, rows).augment()
    assert table["other"].tolist() == [i for i in range(180) if i not in (2, 7)]
    close(table[".fitted"] + table[".resid"], table["Reaction"])
    assert ".fitted" not in rows


def test_augment_numbers(fit):
    table = fit.augment()
    close(table[".fitted"], fit.fitted)
    close(table[".fixed"], fit.predict(groups=None))
    close(table[".resid"], fit.residuals())
    close(table[".hat"], fit.hat_values())
    cooks = fit.residuals("scaled") ** 2 * fit.hat_values() / (2 * (1 - fit.hat_values()) ** 2)
    close(table[".cooksd"], cooks)
    assert table[".cooksd"][2] == pytest.approx(0.2260977813, rel=1e-6)  # as lme4's cooks.distance()


def test_options_of_tables(fit):
    narrow, wide = fit.confint(level=0.5), fit.confint(level=0.99)
    assert (narrow["conf_low"] > wide["conf_low"]).all()
    for level in (0, 1, 95, "0.95", True, None):
        with pytest.raises(OptionError, match="between 0 and 1"):
            fit.confint(level=level)
    with pytest.raises(OptionError, match=r"Type 0.95"):
        fit.coeftable(95)
    with pytest.raises(OptionError, match="'wald'"):
        fit.confint("exact")
    with pytest.raises(OptionError, match="'response', 'pearson', 'scaled'"):
        fit.residuals("deviance")


def test_dropped_columns_are_missing_in_the_table(sleep):
    fit = hd.lmm("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep)
    table = fit.coeftable()
    assert np.isnan(table["estimate"]).tolist() == [False, False, True]
    assert fit.fixef.index.tolist() == ["(Intercept)", "Days"]
    assert "NA" in str(fit)


# -- prediction ----------------------------------------------------------------------------------------------


def test_predictions_for_some_groups(penicillin):
    new = {"plate": ["a", "zz"], "sample": ["A", "B"]}
    both = penicillin.predict(new, new_levels="population")
    sample = penicillin.predict(new, groups=["sample"])
    effect = penicillin.ranef["plate"].loc["a", "(Intercept)"]
    close(both - sample, [effect, 0])
    close(penicillin.predict({"sample": ["A", "B"]}, groups=["sample"]), sample)
    close(penicillin.predict({"x": [1, 2, 3]}, groups=None), penicillin.beta[0])


def test_unknown_options_list_the_allowed_ones(penicillin):
    new = {"plate": ["a"], "sample": ["A"]}
    with pytest.raises(OptionError, match=r"groups=\['plate'\]"):
        penicillin.predict(new, groups="plate")
    with pytest.raises(OptionError, match="'plate', 'sample'"):
        penicillin.predict(new, groups=["plates"])
    with pytest.raises(OptionError, match=r"'all', None, or a list"):
        penicillin.predict(new, groups=3)
    with pytest.raises(OptionError, match=r"'error' or 'population'"):
        penicillin.predict(new, new_levels="zero")
    with pytest.raises(OptionError, match="'confidence' or 'prediction'"):
        penicillin.predict(new, interval="tolerance")
    with pytest.raises(OptionError, match=r"'group'. Did you mean 'groups'"):
        penicillin.predict(new, group=None)
    with pytest.raises(DataError, match="There is no column 'plate'"):
        penicillin.predict({"sample": ["A"]})


def test_an_unseen_level_is_named_and_cured(penicillin):
    new = {"plate": ["a", "q1", "q2", "q1"], "sample": ["A"] * 4}
    with pytest.raises(DataError, match=r"3 row\(s\).*'plate'.*'q1', 'q2'.*new_levels='population'"):
        penicillin.predict(new)


def test_rows_with_missing_values_are_missing_in_the_prediction(fit):
    new = pd.DataFrame({"Days": [0, np.nan, 2], "Subject": ["308", "308", None]})
    assert np.isnan(fit.predict(new)).tolist() == [False, True, True]
    table = fit.predict(new, interval="prediction")
    assert np.isnan(table.to_numpy(float)).all(axis=1).tolist() == [False, True, True]
    assert np.isnan(fit.predict(new, groups=None)).tolist() == [False, True, False]


def test_the_population_interval_counts_the_variance_between_groups(fit):
    table = fit.predict({"Days": [4.0]}, groups=None, interval="prediction")
    z, x = np.array([1, 4.0]), np.array([1, 4.0])
    total = x @ fit.estimate.vcov @ x + z @ fit.varcorr["Subject"].cov @ z + fit.sigma**2
    half = 1.959963984540054 * np.sqrt(total)
    close(table["pred_high"] - table["pred_low"], 2 * half)
    close(table["std_error"], np.sqrt(x @ fit.estimate.vcov @ x))


def test_a_prediction_interval_covers_as_often_as_it_says(fit):
    """New observations of the fitted groups and of new ones, drawn from the model with its own parameters."""
    rng = np.random.default_rng(8)
    days = np.arange(10.0)
    inside = 0
    table = fit.predict({"Days": days}, groups=None, interval="prediction", level=0.8)
    for _ in range(400):
        b = rng.multivariate_normal(np.zeros(2), fit.varcorr["Subject"].cov)
        y = fit.beta[0] + b[0] + (fit.beta[1] + b[1]) * days + fit.sigma * rng.normal(size=10)
        inside += np.sum((y > table["pred_low"]) & (y < table["pred_high"]))
    assert (
        0.80 < inside / 4000 < 0.86
    )  # a little above 0.8: the drawn mean is the estimate, without its own error


def test_weights_and_offset_of_new_rows(sleep):
    rows = sleep.assign(w=np.linspace(0.5, 2, 180), off=np.arange(180.0))
    fit = hd.lmm(FORMULA, rows, weights="w", offset="off")
    new = {"Days": [1.0, 1.0], "Subject": ["308", "308"], "off": [0.0, 5.0], "w": [1.0, 4.0]}
    table = fit.predict(new, interval="prediction")
    close(np.diff(table["estimate"]), 5)
    width = ((table["pred_high"] - table["pred_low"]) / 2 / 1.959963984540054) ** 2 - table["std_error"] ** 2
    close(width, fit.sigma**2 / np.array([1, 4.0]))
    close(fit.predict(new, offset=0.0), table["estimate"][0])
    close(fit.predict(new, offset=[1.0, 2.0]), table["estimate"][0] + [1, 2])
    same = fit.predict(new, interval="prediction", weights=1)
    close(np.diff(same["pred_high"] - same["pred_low"]), 0, atol=1e-9)
    del new["off"]
    with pytest.warns(HendersonWarning, match="no column 'off'") as caught:
        close(fit.predict(new), table["estimate"][0])
    assert caught[0].filename == __file__


def test_standard_errors_of_fitted_values(fit, sleep):
    close(fit.predict(se=True)["std_error"], fit.predict(sleep, se=True)["std_error"])
    assert (fit.predict(se=True)["std_error"] ** 2 < fit.sigma**2).all()


def test_a_new_person_from_two_days(fit):
    few = pd.DataFrame({"Days": [0, 1], "Subject": "new", "Reaction": [310.0, 325.0]})
    later = pd.DataFrame({"Days": [5, 9], "Subject": "new"})
    X, Z = np.array([[1, 0], [1, 1.0]]), np.array([[1, 0], [1, 1.0]])
    Sigma = fit.varcorr["Subject"].cov
    V = Z @ Sigma @ Z.T + fit.sigma**2 * np.eye(2)
    b = Sigma @ Z.T @ np.linalg.solve(V, few["Reaction"] - X @ fit.beta)
    new = np.array([[1, 5], [1, 9.0]])
    table = fit.predict(later, given=few, interval="confidence")
    close(table["estimate"], new @ (fit.beta + b), rtol=1e-9)
    W = np.eye(2) - Sigma @ Z.T @ np.linalg.solve(V, X)
    left = Sigma - Sigma @ Z.T @ np.linalg.solve(V, Z @ Sigma)
    variance = np.einsum("ij,jk,ik->i", new @ W, fit.estimate.vcov, new @ W) + np.einsum(
        "ij,jk,ik->i", new, left, new
    )
    close(table["std_error"], np.sqrt(variance), rtol=1e-8)
    close(fit.predict(later, given=few), table["estimate"])
    # without those days the best guess is the population, and it is less certain
    blind = fit.predict(later, new_levels="population", se=True)
    assert (blind["std_error"] > table["std_error"]).all()


def test_given_needs_the_response_and_something_new(fit):
    with pytest.raises(DataError, match="'Reaction'"):
        fit.predict({"Days": [5], "Subject": ["n"]}, given={"Days": [0], "Subject": ["n"]})
    known = {"Days": [0], "Subject": ["308"], "Reaction": [300.0]}
    with pytest.raises(DataError, match="known to the fit"):
        fit.predict({"Days": [5], "Subject": ["n"]}, given=known)


# -- new responses -------------------------------------------------------------------------------------------


def test_refit_on_its_own_response_gives_the_same_fit(fit):
    again = fit.refit(fit.design.y)
    close(again.theta, fit.theta, atol=1e-5)
    close(again.beta, fit.beta, rtol=1e-9)
    assert again.criterion == pytest.approx(fit.criterion, abs=1e-7)


def test_refit_agrees_with_a_fit_of_the_new_data(fit, sleep):
    y = fit.simulate(1, seed=4)[0]
    again, anew = fit.refit(y), hd.lmm(FORMULA, sleep.assign(Reaction=y))
    assert again.criterion == pytest.approx(anew.criterion, abs=1e-7)
    close(again.beta, anew.beta, rtol=1e-7)
    close(again.fitted, anew.fitted, rtol=1e-6)
    close(again.residuals(), y - again.fitted)
    assert again.with_ml().criterion == pytest.approx(anew.with_ml().criterion, abs=1e-7)
    assert list(again.augment().columns)[:3] == ["Reaction", "Days", "Subject"]


def test_refit_takes_responses_of_either_length(sleep):
    rows = sleep.copy()
    rows.loc[5, "Days"] = np.nan
    fit = hd.lmm(FORMULA, rows)
    kept = np.delete(sleep["Reaction"].to_numpy(), 5)
    assert fit.refit(kept).criterion == pytest.approx(fit.refit(sleep["Reaction"]).criterion, abs=1e-8)
    with pytest.raises(DataError, match=r"179 rows \(or 180"):
        fit.refit(kept[1:])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(180), "constant"),
        (np.ones(7), r"shape \(7,\)"),
        (np.ones((180, 1)), r"shape \(180, 1\)"),
        (["a"] * 180, "cannot be read as numbers"),
        (np.r_[np.nan, np.arange(179.0)], "1 values that are missing or infinite, first at position 0"),
        (np.r_[np.arange(179.0), np.inf], "first at position 179"),
        (None, "shape"),
    ],
)
def test_refit_refuses_bad_responses(fit, y, message):
    with pytest.raises(DataError, match=message):
        fit.refit(y)


def test_ml_and_reml_of_the_same_design(fit, sleep):
    ml = fit.with_ml()
    assert not ml.reml and ml.with_ml() is ml and fit.with_reml() is fit
    assert ml.criterion == pytest.approx(hd.lmm(FORMULA, sleep, reml=False).criterion, abs=1e-7)
    assert ml.with_reml().criterion == pytest.approx(fit.criterion, abs=1e-7)
    assert ml.deviance == ml.criterion
    assert fit.deviance > ml.deviance


# -- keeping -------------------------------------------------------------------------------------------------


def test_pickles_and_copies_are_whole(fit):
    new = {"Days": [3], "Subject": ["309"]}
    for again in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert str(again) == str(fit)
        close(again.predict(new, se=True), fit.predict(new, se=True))
        close(again.ranef["Subject"].cov, fit.ranef["Subject"].cov)
        assert list(again.augment().columns) == list(fit.augment().columns)
    effects = pickle.loads(pickle.dumps(fit.ranef))
    close(effects["Subject"].cov, fit.ranef["Subject"].cov)


def test_json_and_back(fit):
    text = json.dumps(fit.to_dict(), allow_nan=False)
    again = LinearMixedFit.from_dict(json.loads(text))
    assert str(again) == str(fit)
    assert str(again.opt) == str(fit.opt)
    assert json.dumps(again.to_dict(), allow_nan=False) == text
    new = {"Days": [3], "Subject": ["309"]}
    close(again.predict(new, interval="prediction"), fit.predict(new, interval="prediction"), rtol=1e-9)


# -- cost ----------------------------------------------------------------------------------------------------


def best(f, count: int = 200, repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(count):
            f()
        times.append((time.perf_counter() - begin) / count)
    return min(times)


def test_the_shelf_itself_costs_next_to_nothing(fit):
    assert best(lambda: LinearMixedFit(fit.design, fit.estimate, fit.source)) < 20e-6


def test_refit_adds_little_to_the_numerics(fit, monkeypatch):
    y = fit.simulate(1, seed=2)[0]
    monkeypatch.setattr("henderson.estimate.refit", lambda estimate, design, response: estimate)
    assert best(lambda: fit.refit(y), 50) < 50e-6


# -- the caller's frame --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [pd.DataFrame, lambda d: {name: d[name] for name in d}], ids=["frame", "dict"]
)
def test_what_the_caller_does_to_the_frame_afterwards_does_not_reach_the_fit(sleep, kind):
    data = kind(sleep.copy())
    fit = hd.lmm(FORMULA, data)
    data["Days"] = 0.0
    del data["Subject"]
    rows = fit.augment()
    assert rows["Days"].tolist() == sleep["Days"].tolist()
    assert rows["Subject"].tolist() == sleep["Subject"].tolist()


@pytest.mark.skipif(pd.__version__ < "3", reason="writes reach views of a frame before pandas 3")
def test_nor_does_a_write_into_the_frame(sleep):
    data = sleep.copy()
    fit = hd.lmm(FORMULA, data)
    data.loc[0, "Days"] = 99
    assert fit.augment()["Days"].tolist() == sleep["Days"].tolist()


# -- effects as a table --------------------------------------------------------------------------------------


def test_effects_of_the_levels_are_a_mapping_of_columns(fit):
    effects = fit.ranef["Subject"]
    assert list(effects) == list(effects.keys()) == ["(Intercept)", "Days"]
    assert len(effects) == 18  # rows, as of a data frame
    assert "Days" in effects and "308" not in effects and 0 not in effects
    pd.testing.assert_frame_equal(pd.DataFrame(dict(effects)).rename_axis("Subject"), effects.to_pandas())
    pd.testing.assert_frame_equal(effects.to_frame(), effects.to_pandas())
    assert pd.DataFrame(effects).shape == np.asarray(effects).shape == (18, 2)
    assert effects.head(3).index.tolist() == ["308", "309", "310"]
    assert len(fit.coef["Subject"].head()) == 5


def test_what_effects_of_the_levels_are_not(fit):
    effects = fit.ranef["Subject"]
    with pytest.raises(OptionError, match=r"no effect 0.*'Days'.*to_pandas\(\)"):
        effects[0]
    with pytest.raises(OptionError, match=r"'308' is a level.*\.loc\['308'\]"):
        effects["308"]
    with pytest.raises(AttributeError, match=r"'describe'.*to_pandas\(\)\.describe"):
        effects.describe()
    assert not hasattr(effects, "iloc") and not hasattr(effects, "__wrapped__")
    for twin in (copy.copy(effects), copy.deepcopy(effects), pickle.loads(pickle.dumps(effects))):
        close(twin.values, effects.values)


@pytest.mark.parametrize("name", ["ranef", "coef", "varcorr"])
def test_properties_called_as_in_r(fit, name):
    with pytest.raises(TypeError, match=rf"propert.*fit\.{name}\['Subject'\]"):
        getattr(fit, name)()


# -- names from elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pvalues", r"fit\.coeftable\(\), column p_value"),
        ("params", r"fit\.fixef"),
        ("bse", r"fit\.se\b"),
        ("compare_lr_test", r"hd\.lrt\("),
        ("llf", r"fit\.loglik"),
        ("resid", r"fit\.residuals\(\)"),
        ("fittedvalues", r"fit\.fitted\b"),
        ("random_effects", r"fit\.ranef"),
        ("fixed", r"Did you mean fit\.fixef"),
        ("zzzz", r"dir\(fit\)"),
    ],
)
def test_names_from_other_packages_lead_to_ours(fit, name, said):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'.*{said}"):
        getattr(fit, name)
    assert not hasattr(fit, name)


def test_a_fit_half_made_does_not_recurse(fit):
    bare = object.__new__(LinearMixedFit)
    with pytest.raises(AttributeError):
        bare.design  # noqa: B018
    assert not hasattr(fit, "__deepcopy__") and not hasattr(fit, "_ipython_display_")
    for twin in (copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        close(twin.theta, fit.theta)


def test_answers_to_foreign_names_exist(fit):
    told = " ".join(elsewhere.ATTRIBUTES.values())
    assert not [name for name in re.findall(r"fit\.(\w+)", told) if not hasattr(fit, name)]
    assert not [name for name in re.findall(r"hd\.(\w+)", told) if not hasattr(hd, name)]
    assert not [name for name in elsewhere.ATTRIBUTES if hasattr(fit, name)]


def test_attributes_that_a_table_does_not_have_are_answered(fit):
    table = fit.anova()
    for name, said in (
        ("p_value", "It is a column: write ['p_value']"),
        ("frame", "Did you mean .to_frame?"),
        ("nothing_of_the_kind", "It has columns"),
    ):
        with pytest.raises(AttributeError) as error:
            getattr(table, name)
        assert said in str(error.value)
    assert not hasattr(table, "__array__")
    assert pickle.loads(pickle.dumps(table))["p_value"] == table["p_value"]


def test_pictures_are_not_one_picture(fit):
    with pytest.raises(OptionError, match=r"fit\.plot\.qq\(\)"):
        fit.plot()
