"""What goes wrong on an engine: a clear error that names engine and column, and never half a fit."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
import pytest

import henderson as hd
from henderson.errors import DataError, DesignError, FormulaError, HendersonWarning, OptionError
from tests.lazy.engines import ALWAYS, on_duckdb, on_polars, table

MODEL = "y ~ x + (1 | g)"


@pytest.fixture(params=list(ALWAYS))
def make(request):
    """Both engines in turn."""
    return ALWAYS[request.param]


# -- data that cannot be used --------------------------------------------------------------------------------


def test_a_missing_column(make):
    with pytest.raises(DataError, match=r"no column 'xx' in the data\. Did you mean x"):
        hd.lmm("y ~ xx + (1 | g)", make(table()))
    with pytest.raises(DataError, match="no column 'ww'"):
        hd.lmm(MODEL, make(table()), weights="ww")


def test_weights_as_an_array(make):
    with pytest.raises(
        OptionError, match=r"weights is the name of a column when the data are a lazy frame on"
    ):
        hd.lmm(MODEL, make(table()), weights=np.ones(900))


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_weights_that_are_not_positive(make, bad):
    data = table()
    data.loc[[3, 4], "w"] = bad
    with pytest.raises(DataError, match="2 weights are zero or negative"):
        hd.lmm(MODEL, make(data), weights="w")


@pytest.mark.filterwarnings("error:invalid value:RuntimeWarning")
def test_infinite_values(make):
    data = table()
    data.loc[[100, 101], "x"] = np.inf
    with pytest.raises(DataError, match=r"'x' holds infinite values in 2 rows"):
        hd.lmm(MODEL, make(data))


@pytest.mark.parametrize("term", ["log(x)", "sqrt(x)", "I(1 / o)", "x^0.5", "log1p(-z)"])
def test_an_expression_that_leaves_the_numbers(make, term):
    data = table()
    data.loc[3, "o"] = 0.0
    message = r"is not a finite number in \d+ rows on"
    with pytest.raises(DataError, match=message):
        hd.lmm(f"y ~ I({term}) + (1 | g)", make(data))
    with pytest.raises(DataError, match="is not a finite number"):
        hd.lmm(f"y ~ I({term}) + (1 | g)", data)


def test_no_rows(make):
    data = table()
    with pytest.raises(DataError, match="The data have no rows"):
        hd.lmm(MODEL, make(data.head(0)))
    with pytest.raises(DataError, match=r"No rows are left: every one of the 900 rows .* x \(900\)"):
        hd.lmm(MODEL, make(data.assign(x=np.nan)))


def test_missing_values_may_be_refused(make):
    with pytest.raises(DataError, match=r"3 of 900 rows have missing values: y \(2\), x \(1\)"):
        hd.lmm(MODEL, make(table()), na_action="raise")


@pytest.mark.parametrize(
    ("formula", "error", "message"),
    [
        ("f ~ x + (1 | g)", DataError, "response f holds text"),
        ("b ~ x + (1 | g)", DataError, "response b holds truth values"),
        ("one ~ x + (1 | g)", DesignError, r"response one is constant \(1 in all"),
        ("y ~ x + (1 | one)", DesignError, "grouping factor one has one level"),
        ("y ~ x + (1 | row)", DesignError, "row has 897 levels in 897 rows"),
        ("y ~ only + (1 | g)", DesignError, "factor only has one level"),
        ("y ~ x", DesignError, "no random term"),
        ("y ~ day + (1 | g)", DataError, "'day' holds datetime"),
        ("y ~ x + f * 2 + (1 | g)", FormulaError, "Only 1"),
        ("y ~ I(f * 2) + (1 | g)", FormulaError, "Numbers are needed here"),
    ],
)
def test_models_that_no_data_can_answer(make, formula, error, message):
    import pandas as pd

    data = table().assign(one=1.0, only="a", day=pd.Timestamp("2024-01-01"))
    data["row"] = range(len(data))
    with pytest.raises(error, match=message):
        hd.lmm(formula, make(data))


@pytest.mark.parametrize("term", ["ns(x, 3)", "bs(x, 4)", "atan(x)", "median(x) + x", "own(x)"])
def test_terms_that_an_engine_cannot_compute(make, term):
    message = r"cannot be computed on (DuckDB|Polars).*Make it a column there.*or collect the rows"
    with pytest.raises(FormulaError, match=message):
        hd.lmm(f"y ~ I({term}) + (1 | g)" if "+" in term else f"y ~ {term} + (1 | g)", make(table()),
               env={"own": np.exp})  # fmt: skip


def test_numbers_with_decimals_as_groups(make):
    data = table()
    with pytest.warns(HendersonWarning, match="different numbers with decimals"):
        hd.lmm("y ~ x + (1 | r)", make(data.assign(r=data.k + 0.5)))


# -- levels and missing labels -------------------------------------------------------------------------------


def test_null_groups_are_missing_values(make):
    data = table()
    data.loc[20:24, "h"] = None
    fit, reference = hd.lmm("y ~ x + (1 | h)", make(data)), hd.lmm("y ~ x + (1 | h)", data)
    assert fit.design.missing == reference.design.missing == (("y", 2), ("x", 1), ("h", 6))
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=1e-8)


def test_the_order_of_levels_is_that_in_memory():
    data = table(gaps=False)
    declared = pl.Enum(["mid", "lo", "hi", "never"])
    frame = pl.from_pandas(data).with_columns(pl.col("f").cast(declared))
    fit, reference = hd.lmm("y ~ f + (1 | g)", frame.lazy()), hd.lmm("y ~ f + (1 | g)", frame)
    assert fit.design.x_names == reference.design.x_names == ("(Intercept)", "flo", "fhi")
    connection = duckdb.connect()
    connection.execute("CREATE TYPE size AS ENUM ('mid', 'lo', 'hi', 'never')")
    connection.register("frame", data)
    connection.execute("CREATE TABLE rows AS SELECT * REPLACE (f::size AS f) FROM frame")
    fit = hd.lmm("y ~ f + (1 | g)", connection.table("rows"))
    assert fit.design.x_names == ("(Intercept)", "flo", "fhi")
    assert len(fit.augment().to_df()) == 900
    predicted = fit.predict(connection.table("rows")).to_df()
    np.testing.assert_allclose(predicted["estimate"], reference.predict(frame), rtol=1e-8)


def test_an_enum_of_duckdb_is_unordered_though_its_data_frame_is_not():
    """DuckDB hands ENUMs to Arrow as unordered, to pandas as ordered: the same model, other coefficients."""
    connection = duckdb.connect()
    connection.execute("CREATE TYPE size AS ENUM ('mid', 'lo', 'hi', 'never')")
    connection.register("frame", table(gaps=False))
    connection.execute("CREATE TABLE rows AS SELECT * REPLACE (f::size AS f) FROM frame")
    rows = connection.table("rows")
    frame, arrow = rows.df(), rows.to_arrow_table()
    assert frame["f"].cat.ordered and not arrow.schema.field("f").type.ordered
    engine, memory = (hd.lmm("y ~ f + (1 | g)", each, reml=False) for each in (rows, frame))
    assert engine.design.x_names == hd.lmm("y ~ f + (1 | g)", arrow).design.x_names
    assert engine.design.x_names == ("(Intercept)", "flo", "fhi")
    assert memory.design.x_names == ("(Intercept)", "f.L", "f.Q")
    np.testing.assert_allclose(engine.loglik, memory.loglik, rtol=1e-10)
    np.testing.assert_allclose(engine.predict(frame), memory.predict(frame), rtol=1e-8)
    ordered = hd.lmm("y ~ ordered(f) + (1 | g)", rows, reml=False)
    np.testing.assert_allclose(ordered.beta, memory.beta, rtol=1e-7)
    plain = hd.lmm("y ~ f + (1 | g)", frame, reml=False, contrasts={"f": "contr.treatment"})
    assert plain.design.x_names == engine.design.x_names
    np.testing.assert_allclose(plain.beta, engine.beta, rtol=1e-7)


def test_a_categorical_has_no_order_of_its_own():
    frame = pl.from_pandas(table(gaps=False)).with_columns(pl.col("f").cast(pl.Categorical))
    fit, reference = hd.lmm("y ~ f + (1 | g)", frame.lazy()), hd.lmm("y ~ f + (1 | g)", frame)
    assert fit.design.x_names == reference.design.x_names


# -- data that change, engines that fail ---------------------------------------------------------------------


def test_data_that_change_between_passes():
    lazy = on_duckdb(table(gaps=False)).select("*, g + (random() * 3)::INTEGER AS moving")
    with pytest.raises(
        DataError, match=r"The data on DuckDB changed while they were read.*Nothing was fitted"
    ):
        hd.lmm("y ~ x + (1 | moving) + (1 | h)", lazy.filter("random() < 0.9"))


def test_a_level_that_appears_between_passes(monkeypatch):
    from henderson.lazy import passes

    data, calls = table(gaps=False), []
    read = passes.read_table

    def late(stage, request, centres, *, plain):
        calls.append(request)
        if len(request.keys) == 2:  # the table of both factors
            from dataclasses import replace

            grown = on_duckdb(data.assign(h=data.h.where(data.index != 3, "late")))
            stage = replace(stage, lazy=stage.lazy._replace(frame=hd.lazy.engines.open_lazy(grown).frame))
        return read(stage, request, centres, plain=plain)

    monkeypatch.setattr(passes, "read_table", late)
    monkeypatch.setattr("henderson.lazy.survey._REPEATS", 0.0)
    with pytest.raises(DataError, match=r"h has levels that the pass before did not meet: late"):
        hd.lmm("y ~ x + (1 | g) + (1 | h)", on_duckdb(data))


def test_an_engine_that_stops_in_the_middle():
    broken = on_duckdb(table(gaps=False)).select(
        "* REPLACE (CASE WHEN x > 7 THEN error('disk lost')::DOUBLE ELSE x END AS x)"
    )
    with pytest.raises(DataError, match=r"DuckDB failed at .*disk lost.*Nothing was fitted"):
        hd.lmm("y ~ x + (1 | g)", broken)


def test_polars_that_stops_in_the_middle():
    broken = on_polars(table(gaps=False)).with_columns(
        pl.col("x").map_batches(lambda s: 1 / 0, return_dtype=pl.Float64)
    )
    with pytest.raises(DataError, match=r"Polars failed at .*Nothing was fitted"):
        hd.lmm("y ~ x + (1 | g)", broken)


def test_files_are_untouched_and_may_be_missing(tmp_path):
    path = tmp_path / "rows.parquet"
    table(gaps=False).to_parquet(path)
    before = path.read_bytes()
    fit = hd.lmm(MODEL, hd.scan(str(tmp_path / "*.parquet")))
    assert fit.nobs == 900
    assert path.read_bytes() == before
    with pytest.raises(DataError, match="There is no folder"):
        hd.scan(str(tmp_path / "none" / "*.parquet"))


# -- numbers -------------------------------------------------------------------------------------------------


def test_first_rows_that_mislead_about_the_centre(make):
    rng = np.random.default_rng(3)
    n = 24_000
    data = table(n, gaps=False).assign(
        t=np.where(np.arange(n) < 12_000, rng.normal(0, 1e-9, n), 1e6 + rng.normal(0, 1, n))
    )
    data["y"] = data.y + 1e-7 * data.t
    fit, reference = hd.lmm("y ~ t + (1 | g)", make(data)), hd.lmm("y ~ t + (1 | g)", data)
    np.testing.assert_allclose(fit.estimate.beta, reference.estimate.beta, rtol=1e-8)
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=1e-8)


def test_large_means_do_not_cancel(make):
    data = table(gaps=False)
    data["year"], data["y"] = 2e6 + data.x, data.y + 1e7
    formula = "y ~ year + (year | g)"
    fit, reference = hd.lmm(formula, make(data)), hd.lmm(formula, data)
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=1e-6)
    np.testing.assert_allclose(fit.loglik, reference.loglik, rtol=1e-8)


def test_the_summary_and_everything_on_sums_is_there(make):
    data = table()
    fit, reference = hd.lmm("y ~ x * f + (x | g)", make(data)), hd.lmm("y ~ x * f + (x | g)", data)
    assert "the rows stayed in a lazy frame on" in str(fit)
    for ours, theirs in (
        (fit.coeftable(ddf="kenward-roger"), reference.coeftable(ddf="kenward-roger")),
        (fit.anova().to_frame(), reference.anova().to_frame()),
        (fit.emmeans("f").to_frame(), reference.emmeans("f").to_frame()),
    ):
        ours, theirs = (getattr(each, "to_pandas", lambda each=each: each)() for each in (ours, theirs))
        np.testing.assert_allclose(
            ours.select_dtypes("number"), theirs.select_dtypes("number"), rtol=1e-6, atol=1e-9
        )
    new = data.head(10)
    np.testing.assert_allclose(fit.predict(new), reference.predict(new), rtol=1e-8)


def test_a_fit_travels_without_its_connection(make):
    import pickle

    fit = hd.lmm("y ~ x + (1 | g)", make(table()))
    again = pickle.loads(pickle.dumps(fit))
    np.testing.assert_array_equal(again.theta, fit.theta)
    stored = hd.LinearMixedFit.from_dict(fit.to_dict())
    np.testing.assert_allclose(stored.vcov, fit.vcov)


def test_sums_on_an_engine_print_and_fit(make):
    data = table()
    sums = hd.cross_products("y ~ x + (1 | g) + (1 | h)", make(data))
    counts = data.dropna()["h"].value_counts()
    assert f"{counts.min()}" in str(sums)
    assert "a lazy frame on" in str(sums)
    np.testing.assert_allclose(sums.fit().theta, hd.lmm("y ~ x + (1 | g) + (1 | h)", data).theta, rtol=1e-8)


def test_a_provisional_centre_far_from_the_mean_is_replaced(make, monkeypatch):
    monkeypatch.setattr("henderson.lazy.survey._centre", lambda values: 1e9)
    data = table(gaps=False)
    fit, reference = hd.lmm("y ~ x + (x | g)", make(data)), hd.lmm("y ~ x + (x | g)", data)
    np.testing.assert_allclose(fit.theta, reference.theta, rtol=1e-8)
    np.testing.assert_allclose(fit.estimate.beta, reference.estimate.beta, rtol=1e-8)


@pytest.mark.parametrize("picture", ["residuals", "qq", "scale_location"])
def test_pictures_of_every_row_say_where_the_rows_are(picture):
    pytest.importorskip("matplotlib")
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", pl.from_pandas(hd.datasets.load("sleepstudy")).lazy())
    with pytest.raises(hd.errors.DataError, match="stayed in a lazy frame"):
        getattr(fit.plot, picture)()


def test_scan_takes_paths_and_lmm_points_to_it(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,2\n")
    assert hd.scan(path).columns == ["x", "y"]
    with pytest.raises(hd.errors.DataError, match=r"run by hd\.scan"):
        hd.lmm("y ~ x + (1 | g)", "SELECT * FROM rows")
