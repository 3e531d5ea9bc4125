"""Fitted values, residuals and predictions on the engine: those in memory, as columns of a lazy frame."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError
from tests.lazy.engines import ALWAYS, FORMULAS, collected, table


@pytest.fixture(scope="module")
def data():
    """Rows with a number each, to put results in order."""
    frame = table(700)
    frame["row"] = range(len(frame))
    return frame


@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_augment_and_predict_are_those_in_memory(data, formula, engine):
    lazy = ALWAYS[engine](data)
    fit, reference = hd.lmm(formula, lazy), hd.lmm(formula, data)
    ours, theirs = collected(fit.augment(), "row"), reference.augment()
    assert ours["row"].tolist() == theirs["row"].tolist()
    for name in (".fitted", ".resid", ".fixed"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-8, atol=1e-9)
    options = {"new_levels": "population"}  # a row without response may be the only one of its group
    predicted = collected(fit.predict(lazy, **options), "row")["estimate"].to_numpy(dtype=float)
    np.testing.assert_allclose(predicted, reference.predict(data, **options), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("engine", ALWAYS)
def test_results_are_lazy_frames_of_the_same_kind(data, engine):
    lazy = ALWAYS[engine](data)
    fit = hd.lmm("y ~ x + f + (x | g)", lazy)
    for result in (fit.fitted, fit.residuals(), fit.augment(), fit.predict(lazy), fit.predict()):
        assert type(result) is type(lazy)
    assert list(collected(fit.fitted, "row").columns) == [*data.columns, ".fitted"]
    assert list(collected(fit.residuals(), "row").columns) == [*data.columns, ".resid"]


@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize("kind", ["response", "pearson", "scaled"])
def test_residuals_with_weights(data, kind, engine):
    fit = hd.lmm("y ~ x + (1 | g)", ALWAYS[engine](data), weights="w")
    ours = collected(fit.residuals(kind), "row")[".resid"]
    np.testing.assert_allclose(ours, hd.lmm("y ~ x + (1 | g)", data, weights="w").residuals(kind), atol=1e-9)


@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize("groups", [None, ["g"], "all"])
def test_predictions_of_new_rows(data, groups, engine):
    reference = hd.lmm("y ~ x * f + (x | g) + (1 | h)", data)
    new = table(200, seed=5)
    new["row"] = range(len(new))
    ours = collected(reference.predict(ALWAYS[engine](new), groups=groups), "row")["estimate"]
    np.testing.assert_allclose(
        ours.to_numpy(dtype=float), reference.predict(new, groups=groups), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("engine", ALWAYS)
def test_unseen_groups_are_an_error_or_new_draws(data, engine):
    fit = hd.lmm("y ~ x + (1 | h)", ALWAYS[engine](data))
    new = data.head(20).assign(h="elsewhere")
    with pytest.raises(DataError, match=r"h has 1 level.*elsewhere.*population"):
        fit.predict(ALWAYS[engine](new))
    ours = collected(fit.predict(ALWAYS[engine](new), new_levels="population"), "row")["estimate"]
    np.testing.assert_allclose(
        ours.to_numpy(dtype=float), fit.predict(new, groups=None), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize("engine", ALWAYS)
def test_what_cannot_be_predicted_there(data, engine):
    lazy = ALWAYS[engine](data)
    fit = hd.lmm("y ~ x + f + (1 | g)", lazy)
    with pytest.raises(OptionError, match="interval= needs the rows in memory"):
        fit.predict(lazy, interval="prediction")
    with pytest.raises(DataError, match="no column 'x' in the lazy frame"):
        fit.predict(ALWAYS[engine](data.drop(columns="x")))
    with pytest.raises(DataError, match="levels that the fit has not seen: strange"):
        fit.predict(ALWAYS[engine](data.assign(f="strange")))
    with pytest.raises(DataError, match=r"has a column '\.fitted' already"):
        hd.lmm("y ~ x + (1 | g)", ALWAYS[engine](data.assign(**{".fitted": 1.0}))).augment()
    with pytest.raises(OptionError, match=r"residuals\(type='odd'\)"):
        fit.residuals("odd")


def test_a_connection_that_looks_for_no_variables_takes_the_estimates_and_is_left_as_it_was():
    text = "SELECT i % 7 AS g, (i % 5)::DOUBLE AS x, sin(i) + i % 7 AS y FROM range(200) AS rows(i)"
    connection = pytest.importorskip("duckdb").connect()
    connection.execute("SET python_enable_replacements = false")
    for relation in (hd.scan(text), connection.sql(text)):
        fit = hd.lmm("y ~ x + (1 | g)", relation)
        found = fit.augment().order("y").df()
        expected = relation.df().sort_values("y")
        np.testing.assert_allclose(found[".fitted"], fit.predict(expected), rtol=1e-10)
    setting = connection.sql("SELECT current_setting('python_enable_replacements')")
    assert setting.fetchall() == [(False,)]


@pytest.mark.parametrize("engine", ALWAYS)
def test_an_engine_writes_and_draws_its_rows_itself(data, engine):
    fit = hd.lmm("y ~ x + (1 | g)", ALWAYS[engine](data))
    with pytest.raises(OptionError, match=r"type fit\.augment\(\)\.\w+.*\('a\.parquet'\)"):
        fit.augment(to="a.parquet")
    with pytest.raises(OptionError, match=r"for other rows fit\.predict"):
        fit.augment(data)
    pytest.importorskip("matplotlib")
    with pytest.raises(DataError, match="shows every row"):
        fit.plot.residuals_by()
