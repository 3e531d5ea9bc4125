"""Fits in the functions of marginaleffects, against closed forms; tried where the package is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.adapters.marginaleffects import (
    for_marginaleffects,
    model_frame,
    plain_formula,
    variables,
)
from henderson.errors import DataError, OptionError

pl = pytest.importorskip("polars")

EXACT = 1.0  # the step of the numerical derivatives: everything is linear in beta, so none is too large


def works() -> bool:
    """Whether marginaleffects is installed, in versions that work with each other."""
    if importlib.util.find_spec("marginaleffects") is None:
        return False
    return version("marginaleffects") != "0.6.0" or int(version("polars").split(".")[0]) < 2


package = pytest.mark.skipif(not works(), reason="marginaleffects is missing, or older than this polars")


@pytest.fixture(scope="module")
def machines():
    return hd.datasets.load("machines")


@pytest.fixture(scope="module")
def fit(machines):
    return hd.lmm("score ~ Machine + (1 | Worker)", machines)


@pytest.fixture(scope="module")
def sleep():
    sleep = hd.datasets.load("sleepstudy")
    third = pd.Categorical(sleep["Days"] % 3)  # labels are numbers
    return sleep.assign(third=third, late=sleep["Days"] > 4, start=sleep["Days"] * 2.0)


def mean_and_error(fit, row) -> tuple[float, float]:
    row = np.asarray(row)
    return float(row @ fit.beta), float(np.sqrt(row @ fit.vcov.to_numpy() @ row))


def check(table, rows, fit) -> None:
    expected = [mean_and_error(fit, row) for row in rows]
    np.testing.assert_allclose(table["estimate"].to_list(), [mean for mean, _ in expected], rtol=1e-6)
    np.testing.assert_allclose(table["std_error"].to_list(), [error for _, error in expected], rtol=1e-8)


# -- what is handed over -------------------------------------------------------------------------------------


def test_rows_and_types(sleep):
    holes = sleep.assign(Reaction=sleep["Reaction"].where(sleep.index != 3))
    fit = hd.lmm("log(Reaction) ~ third + late + (Days | Subject)", holes)
    frame = model_frame(fit)
    assert frame.height == 179
    assert frame["third"].dtype == pl.Enum(["0", "1", "2"]) and frame["late"].dtype == pl.Boolean
    assert frame["third"].to_list() == [str(day % 3) for day in sleep["Days"].drop(3)]
    assert frame["late"].to_list() == sleep["late"].drop(3).to_list()
    assert "start" in frame.columns  # not in the formula, but there to average by
    assert variables(fit.design.spec) == ["Reaction", "third", "late"]


def test_labels_are_understood_as_text(sleep):
    fit = hd.lmm("Reaction ~ third + (1 | Subject)", sleep)
    frame = model_frame(fit).with_columns(pl.col("third").cast(pl.String))
    np.testing.assert_array_equal(fit.predict(frame), fit.predict(sleep))


def test_columns_that_cannot_be_read_stay_behind(sleep):
    odd = sleep.assign(notes=[[1, 2]] * len(sleep))
    assert "notes" not in model_frame(hd.lmm("Reaction ~ Days + (1 | Subject)", odd)).columns


def test_plain_formula():
    assert plain_formula(["y", "x", "my age"]) == "y ~ x + `my age`"


# -- what comes out ------------------------------------------------------------------------------------------


@package
def test_predictions_by_a_factor(fit):
    from marginaleffects import avg_predictions

    table = avg_predictions(for_marginaleffects(fit), by="Machine", eps_vcov=EXACT)
    check(table, [[1, 0, 0], [1, 1, 0], [1, 0, 1]], fit)


@package
def test_comparisons_and_hypotheses(fit):
    from marginaleffects import avg_comparisons, hypotheses

    model = for_marginaleffects(fit)
    pairs = avg_comparisons(model, variables={"Machine": "pairwise"}, eps_vcov=EXACT)
    check(pairs, [[0, 1, 0], [0, 0, 1], [0, -1, 1]], fit)
    check(hypotheses(model, "MachineC = MachineB", eps_vcov=EXACT), [[0, -1, 1]], fit)


@package
def test_slopes_of_a_polynomial(sleep):
    from marginaleffects import datagrid, slopes

    fit = hd.lmm("Reaction ~ Days + I(Days^2) + (1 | Subject)", sleep)
    model = for_marginaleffects(fit)
    table = slopes(model, variables="Days", newdata=datagrid(model, Days=[0, 4, 9]), eps_vcov=EXACT)
    check(table, [[0, 1, 0], [0, 1, 8], [0, 1, 18]], fit)


@package
def test_interactions_and_stateful_terms(sleep):
    from marginaleffects import avg_slopes, datagrid, predictions

    fit = hd.lmm("Reaction ~ poly(Days, 2) * third + (1 | Subject)", sleep)
    model = for_marginaleffects(fit)
    grid = datagrid(model, Days=[1, 8], third=["0", "2"])
    table = predictions(model, newdata=grid)
    own = fit.predict(grid, groups=None, se=True)
    np.testing.assert_allclose(table["estimate"].to_list(), own["estimate"], rtol=1e-9)
    np.testing.assert_allclose(table["std_error"].to_list(), own["std_error"], rtol=1e-6)

    linear = hd.lmm("Reaction ~ Days * third + (1 | Subject)", sleep)
    table = avg_slopes(for_marginaleffects(linear), variables="Days", eps_vcov=EXACT)
    check(table, [[0, 1, 0, 0, 0.3, 0.3]], linear)


@package
def test_truth_values_and_names_to_quote(sleep):
    from marginaleffects import avg_comparisons

    fit = hd.lmm("Reaction ~ late + `my x` + (1 | Subject)", sleep.rename(columns={"start": "my x"}))
    check(avg_comparisons(for_marginaleffects(fit), eps_vcov=EXACT), [[0, 1, 0], [0, 0, 1]], fit)


@package
def test_missing_rows_are_those_of_the_fit(sleep):
    from marginaleffects import avg_predictions

    holes = sleep.assign(Reaction=sleep["Reaction"].where(sleep.index % 7 != 0))
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", holes)
    days = holes["Days"][holes["Reaction"].notna()].mean()
    check(avg_predictions(for_marginaleffects(fit), eps_vcov=EXACT), [[1, days]], fit)


@package
@pytest.mark.parametrize("groups", [None, "all", ["Worker"]])
def test_groups_take_part_where_asked(machines, fit, groups):
    from marginaleffects import avg_predictions

    table = avg_predictions(for_marginaleffects(fit, groups=groups), by="Worker")
    found = dict(zip(table["Worker"].to_list(), table["estimate"].to_list(), strict=True))
    expected = pd.Series(fit.predict(groups=groups)).groupby(machines["Worker"].astype(str)).mean()
    assert found == pytest.approx(expected.to_dict())


@package
@pytest.mark.parametrize("formula", ["Reaction ~ third + offset(2 * Days) + (1 | Subject)", "column"])
def test_offsets_count(sleep, formula):
    from marginaleffects import avg_predictions

    if formula == "column":
        fit = hd.lmm("Reaction ~ third + (1 | Subject)", sleep, offset="start")
    else:
        fit = hd.lmm(formula, sleep)
    table = avg_predictions(for_marginaleffects(fit), by="third")
    expected = pd.Series(fit.predict(groups=None)).groupby(sleep["third"].astype(str)).mean()
    found = dict(zip(table["third"].to_list(), table["estimate"].to_list(), strict=True))
    assert found == pytest.approx(expected.to_dict())


@package
def test_pictures(fit):
    from marginaleffects import plot_comparisons

    picture = plot_comparisons(for_marginaleffects(fit), variables="Machine", by="Worker")
    assert len(picture.data) == 12  # two contrasts for six workers


@package
def test_degrees_of_freedom_and_covariance(sleep):
    from marginaleffects import avg_slopes
    from scipy import stats

    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    table = avg_slopes(for_marginaleffects(fit, df=17), eps_vcov=EXACT)
    statistic = fit.fixef["Days"] / fit.se["Days"]
    assert table["p_value"].item() == pytest.approx(2 * stats.t.sf(statistic, 17), rel=1e-6)
    normal = avg_slopes(for_marginaleffects(fit), eps_vcov=EXACT)
    assert normal["p_value"].item() == pytest.approx(2 * stats.norm.sf(statistic), rel=1e-6)
    unbalanced = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep[sleep.index % 4 != 0])
    adjusted = avg_slopes(for_marginaleffects(unbalanced, vcov="kenward-roger"), eps_vcov=EXACT)
    expected = np.sqrt(unbalanced._small_sample("kenward-roger").vcov[1, 1])
    assert adjusted["std_error"].item() == pytest.approx(expected, rel=1e-8)
    assert abs(expected / unbalanced.se["Days"] - 1) > 1e-4


@package
def test_polars_in(machines):
    from marginaleffects import avg_predictions

    fit = hd.lmm("score ~ Machine + (1 | Worker)", pl.from_pandas(machines))
    table = avg_predictions(for_marginaleffects(fit), by="Machine", eps_vcov=EXACT)
    check(table.sort("Machine"), [[1, 0, 0], [1, 1, 0], [1, 0, 1]], fit)


# -- what cannot be ------------------------------------------------------------------------------------------


def test_options(fit):
    with pytest.raises(OptionError, match="vcov='robust': choose 'model' or 'kenward-roger'"):
        for_marginaleffects(fit, vcov="robust")


def test_a_fit_without_its_data(fit):
    with pytest.raises(DataError, match="does not hold its data"):
        for_marginaleffects(hd.LinearMixedFit.from_dict(fit.to_dict()))


def test_a_fixed_part_without_variables(machines):
    with pytest.raises(DataError, match="no variables"):
        for_marginaleffects(hd.lmm("score ~ 1 + (1 | Worker)", machines))


@package
def test_an_unknown_grouping_factor(fit):
    with pytest.raises(OptionError, match="Batch"):
        for_marginaleffects(fit, groups=["Batch"])


def test_without_marginaleffects_it_is_named():
    code = "import sys; sys.modules['marginaleffects'] = None\nimport henderson as hd\n"
    code += "from henderson.adapters.marginaleffects import for_marginaleffects\n"
    code += "fit = hd.lmm('score ~ Machine + (1 | Worker)', hd.datasets.load('machines'))\n"
    code += "try: for_marginaleffects(fit)\n"
    code += "except hd.errors.MissingDependencyError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install marginaleffects" in done.stdout
