"""`lmm_many` as people use it: what goes in, what comes out, what goes wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, DesignError, FitError, FormulaError, OptionError
from henderson.inference.many.record import false_discovery_rates

FORMULA = "~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def Y(sleep) -> np.ndarray:
    return hd.lmm(f"Reaction {FORMULA}", sleep).simulate(40, seed=1).T.copy()


@pytest.fixture(scope="module")
def many(sleep, Y):
    return hd.lmm_many(FORMULA, sleep, Y)


# -- tables ------------------------------------------------------------------------------------------------


def test_tables_are_tidy(many):
    assert list(many.estimates.columns) == [
        *("response", "term", "estimate", "std_error", "df", "statistic", "p_value", "q_value")
    ]
    assert many.estimates.shape == (80, 8)
    assert many.estimates["response"].tolist()[:4] == [0, 0, 1, 1]
    assert list(many.variances.columns) == ["response", "group", "var1", "var2", "vcov", "sdcor"]
    assert len(many.variances) == 160
    assert len(many.fits) == len(many) == 40
    assert many.failures.shape == (0, 2)
    np.testing.assert_array_equal(many["p_value"], many.record.p_value.ravel())


def test_fits_have_the_numbers_of_the_fit(many):
    row, alone = many.fits.iloc[7], many.fit(7)
    assert row["nobs"] == 180
    for name in ("sigma", "loglik", "aic", "bic"):
        value = getattr(alone, name)
        assert abs(row[name] - (value() if callable(value) else value)) < 1e-8


def test_the_fit_of_one_response_is_whole(many, Y):
    alone = many.fit(3)
    assert alone.formula.startswith("response_3 ~ Days")
    np.testing.assert_allclose(alone.fixef, many.record.estimate[3], rtol=1e-10)
    assert len(alone.augment()) == 180
    assert many.fit(-1).fixef.equals(many.fit(39).fixef)


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_tables_are_of_the_kind_of_the_data(kind, sleep, Y):
    if kind == "polars":
        data = pytest.importorskip("polars").from_pandas(sleep)
    elif kind == "pyarrow":
        data = pytest.importorskip("pyarrow").Table.from_pandas(sleep)
    else:
        data = {name: sleep[name].to_numpy() for name in sleep}
    found = hd.lmm_many(FORMULA, data, Y[:, :3])
    module = "pandas" if kind == "dict" else kind
    for table in (found.estimates, found.variances, found.fits, found.failures, found.top(n=2)):
        assert type(table).__module__.partition(".")[0] == module
    assert abs(found.fit(1).sigma / found.record.sigma[1] - 1) < 1e-10


def test_top_sorts_by_p(many):
    top = many.top("Days", 5)
    assert (np.diff(top["p_value"]) >= 0).all()
    assert top["p_value"].iloc[0] == many.record.p_value[:, 1].min()
    assert many.top(0, 3)["response"].tolist() == many.top("(Intercept)", 3)["response"].tolist()
    with pytest.raises(OptionError, match="Did you mean Days"):
        many.top("Dayz")
    for n in (0, -1, "all", True):
        with pytest.raises(OptionError, match="whole number of at least 1"):
            many.top("Days", n)


def test_q_values_are_those_of_benjamini_and_hochberg():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).uniform(size=(50, 3)) ** 2
    q = false_discovery_rates(p)
    for j in range(3):
        np.testing.assert_allclose(q[:, j], false_discovery_control(p[:, j]), rtol=1e-12)
    p[[3, 17], 1] = np.nan
    q = false_discovery_rates(p)
    assert np.isnan(q[[3, 17], 1]).all()
    left = np.isfinite(p[:, 1])
    np.testing.assert_allclose(q[left, 1], false_discovery_control(p[left, 1]), rtol=1e-12)


def test_it_prints_in_80_columns(many):
    text = str(many)
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0] == "Linear mixed models of 40 responses, fit by REML"
    assert "q < 0.05" in text
    assert "<table" in many._repr_html_()


def test_pictures(many):
    pytest.importorskip("matplotlib").use("Agg")
    import matplotlib.pyplot as plt

    ax = many.plot(term="Days")
    assert "Days, 40 responses" in ax.get_title(loc="left")
    assert many.plot("p_values").get_ylabel() == "Responses"
    with pytest.raises(OptionError, match="'volcano', 'p_values'"):
        many.plot("heatmap")
    plt.close("all")


# -- ways to give responses --------------------------------------------------------------------------------


def same(a, b) -> None:
    np.testing.assert_array_equal(a.record.estimate, b.record.estimate)
    np.testing.assert_array_equal(a.record.df, b.record.df)


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_threads_change_no_bit(threads, sleep, many):
    Y = np.hstack([hd.lmm(f"Reaction {FORMULA}", sleep).simulate(300, seed=2).T, np.ones((180, 1))])
    one = hd.lmm_many(FORMULA, sleep, Y, threads=1)
    other = hd.lmm_many(FORMULA, sleep, Y, threads=threads)
    for name in ("estimate", "std_error", "df", "p_value", "q_value", "vcov", "sigma", "criterion"):
        np.testing.assert_array_equal(getattr(one.record, name), getattr(other.record, name))
    assert one.record.messages == other.record.messages
    with hd.set_threads(threads):
        same(hd.lmm_many(FORMULA, sleep, Y), one)


def test_arrays_of_any_order_and_files_are_the_same(sleep, Y, many, tmp_path):
    same(hd.lmm_many(FORMULA, sleep, np.asfortranarray(Y)), many)
    file = np.memmap(tmp_path / "y", dtype=float, mode="w+", shape=Y.shape)
    file[:] = Y
    same(hd.lmm_many(FORMULA, sleep, file), many)
    single = hd.lmm_many(FORMULA, sleep, Y.astype(np.float32))
    same(single, hd.lmm_many(FORMULA, sleep, Y.astype(np.float32).astype(float)))
    whole = hd.lmm_many(FORMULA, sleep, np.round(Y).astype(int))
    same(whole, hd.lmm_many(FORMULA, sleep, np.round(Y)))


def test_frames_and_columns_of_the_data_have_names(sleep, Y, many):
    names = [f"gene {j}" for j in range(40)]
    frame = pd.DataFrame(Y, columns=names)
    found = hd.lmm_many(FORMULA, sleep, frame)
    same(found, many)
    assert found.estimates["response"].iloc[2] == "gene 1"
    assert found.fit("gene 1").formula.startswith("`gene 1` ~")
    wide = pd.concat([sleep, frame], axis=1)
    same(hd.lmm_many(FORMULA, wide, names), many)
    same(hd.lmm_many(FORMULA, sleep, {name: Y[:, j] for j, name in enumerate(names)}), many)
    polars = pytest.importorskip("polars")
    same(hd.lmm_many(FORMULA, sleep, polars.DataFrame(Y, schema=names)), many)


def test_rows_of_pandas_frames_are_matched_by_their_labels(sleep, Y, many):
    frame = pd.DataFrame(Y).sample(frac=1.0, random_state=1)
    found = hd.lmm_many(FORMULA, sleep, frame)
    np.testing.assert_allclose(found.record.estimate, many.record.estimate, rtol=1e-12)
    with pytest.raises(DataError, match="index is not that of the data"):
        hd.lmm_many(FORMULA, sleep, frame.set_index(np.arange(1000, 1180)))


def test_the_left_side_is_empty_or_a_name(sleep, Y, many):
    for formula in (f"y {FORMULA}", f"Reaction {FORMULA}", f"  {FORMULA}"):
        same(hd.lmm_many(formula, sleep, Y), many)
    with pytest.raises(FormulaError, match=r"responses=np.log"):
        hd.lmm_many(f"log(y) {FORMULA}", sleep, Y)


def test_a_dot_stands_for_no_response(sleep, Y):
    wide = sleep.assign(a=Y[:, 0], b=Y[:, 1])
    found = hd.lmm_many("Reaction ~ . - Subject + (1 | Subject)", wide, ["a", "b"])
    assert found.record.terms == ("(Intercept)", "Days")


# -- what goes wrong ---------------------------------------------------------------------------------------


def test_failures_are_isolated_and_said(sleep, Y):
    bad = Y.copy()
    bad[:, 1] = 3.0
    bad[4, 2] = np.inf
    bad[:, 3] = np.nan
    bad[:, 4] = sleep["Days"]
    bad[:, 5] = np.repeat(np.arange(18.0), 10)
    bad[1:, 6] = np.nan
    found = hd.lmm_many(FORMULA, sleep, bad)
    assert np.flatnonzero(found.record.failed).tolist() == [1, 2, 3, 4, 5, 6]
    for name in ("estimate", "std_error", "df", "p_value", "q_value", "vcov", "sigma"):
        assert np.isnan(getattr(found.record, name)[1:7]).all()
        assert np.isfinite(getattr(found.record, name)[7:]).all()
    messages = found.failures.set_index("response")["message"]
    for place, text in (
        (1, "is constant"),
        (2, "infinite"),
        (3, "No rows are left"),
        (4, "exactly"),
        (5, "stopped"),
    ):
        assert text in messages[place]
    assert "6 of 40 responses have no estimate" in str(found)
    left = [0, *range(7, 40)]
    good = hd.lmm_many(FORMULA, sleep, Y[:, left])
    np.testing.assert_allclose(found.record.estimate[left], good.record.estimate, rtol=1e-10)
    np.testing.assert_allclose(found.record.q_value[left], good.record.q_value, rtol=1e-8)
    with pytest.raises((DesignError, FitError)):
        found.fit(1)


def test_sizes_do_not_matter_until_squares_cannot_be_held(sleep, Y):
    units = np.array([1.0, 1e-130, 1e130, 1e-160, 1e160])
    found = hd.lmm_many(FORMULA, sleep, Y[:, :1] * units)
    assert found.record.failed.tolist() == [False, False, False, True, True]
    np.testing.assert_allclose(found.record.sigma[:3] / units[:3], found.record.sigma[0], rtol=1e-6)
    np.testing.assert_allclose(found.record.df[1:3], found.record.df[[0, 0]], rtol=1e-4)
    assert "unit" in found.record.messages[3]


def test_one_response_that_breaks_a_block_breaks_no_other(sleep, Y, many, monkeypatch):
    from henderson.inference.many import compute

    real, bad = compute.fit_block, Y[:, 5]

    def fragile(ready, rows, limits, *, satterthwaite):
        if (rows == bad).all(axis=1).any():
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return real(ready, rows, limits, satterthwaite=satterthwaite)

    monkeypatch.setattr(compute, "fit_block", fragile)
    found = hd.lmm_many(FORMULA, sleep, Y)
    assert np.flatnonzero(found.record.failed).tolist() == [5]
    assert "did not converge" in found.record.messages[5]
    left = [i for i in range(40) if i != 5]
    np.testing.assert_allclose(found.record.estimate[left], many.record.estimate[left], rtol=1e-10)


def test_models_without_fixed_effects_and_blocks_without_a_fit(sleep, Y):
    none = hd.lmm_many("~ 0 + (1 | Subject)", sleep, Y[:, :3] - 250)
    assert none.estimates.shape == (0, 8)
    assert none.fits.shape == (3, 11)
    with pytest.raises(OptionError, match="no fixed effects"):
        none.top()
    constant = hd.lmm_many(FORMULA, sleep, np.ones((180, 3)))
    assert constant.record.failed.all()
    assert "3 of 3 responses have no estimate: the response is constant (3)." in str(constant)


def test_a_response_without_a_level_of_a_fixed_factor_is_left_to_lmm():
    machines = hd.datasets.load("machines")
    Y = np.random.default_rng(1).normal(size=(len(machines), 3))
    Y[machines["Machine"] == "A", 1] = np.nan
    found = hd.lmm_many("~ Machine + (1 | Worker)", machines, Y)
    assert found.record.failed.tolist() == [False, True, False]
    assert "no rows with Machine = 'A'" in found.record.messages[1]


def test_missing_values_can_be_refused(sleep, Y):
    bad = Y.copy()
    bad[3, 2] = np.nan
    found = hd.lmm_many(FORMULA, sleep, bad, na_action="raise")
    assert np.flatnonzero(found.record.failed).tolist() == [2]
    assert "missing" in found.record.messages[2]


@pytest.mark.parametrize(
    ("responses", "what"),
    [
        (None, "needs responses"),
        (np.ones(180), r"y\[:, None\]"),
        (np.ones((180, 2, 2)), "reshape"),
        (np.ones((3, 180)), r"matrix.T"),
        (np.ones((7, 3)), "has 7 rows; the data have 180"),
        (np.ones((180, 0)), "no columns"),
        (np.ones((180, 2), dtype=complex), "real numbers"),
        (np.full((180, 2), "a"), "real numbers"),
        (["Reaction", "Reactoin"], "Did you mean Reaction"),
        (["Subject"], "needs numbers"),
        (["Reaction", "Reaction"], "more than once"),
        (pd.DataFrame({"a": ["x"] * 180}), "needs numbers"),
        (5, "has 0 dimensions"),
        ([], "is empty"),
        (iter([np.ones(180)]), "is an iterator"),
    ],
)
def test_what_is_no_matrix_of_responses(sleep, responses, what):
    with pytest.raises((DataError, OptionError), match=what):
        hd.lmm_many(FORMULA, sleep, responses)


def test_options_are_checked(sleep, Y):
    with pytest.raises(OptionError, match="It takes: formula, data, responses"):
        hd.lmm_many(FORMULA, sleep, Y, njobs=2)
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(OptionError, match="threads="):
            hd.lmm_many(FORMULA, sleep, Y, threads=wrong)
    with pytest.raises(OptionError, match="ddf="):
        hd.lmm_many(FORMULA, sleep, Y, ddf="satt")
    with pytest.raises(OptionError, match="tol="):
        hd.lmm_many(FORMULA, sleep, Y, tol=-1)
    with pytest.raises(DesignError, match="no random term"):
        hd.lmm_many("~ Days", sleep, Y)
    with pytest.raises(DataError, match="Did you mean Days"):
        hd.lmm_many("~ Dayz + (1 | Subject)", sleep, Y)
    with pytest.raises(OptionError, match="weights= has 2 columns for 40"):
        hd.lmm_many(FORMULA, sleep, Y, weights=np.ones((180, 2)))


def test_unknown_responses_are_answered(many):
    with pytest.raises(OptionError, match="no response 'zz' among the 40"):
        many.fit("zz")
    with pytest.raises(OptionError, match="no response 40"):
        many.fit(40)


def test_memory_does_not_grow_with_the_responses(sleep):
    """A matrix in single precision is never copied as a whole."""
    import tracemalloc

    Y = np.random.default_rng(1).normal(size=(180, 4000)).astype(np.float32)
    hd.lmm_many(FORMULA, sleep, Y[:, :10])
    tracemalloc.start()
    hd.lmm_many(FORMULA, sleep, Y, threads=1, ddf="none")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 180 * 4000 * 8 * 0.75


def test_the_table_of_responses_has_q_values_per_term():
    from scipy.stats import false_discovery_control

    data = hd.datasets.load("sleepstudy")
    Y = np.random.default_rng(2).normal(size=(len(data), 12)) + np.outer(data["Days"], np.arange(12) / 20)
    record = hd.lmm_many("~ Days + (1 | Subject)", data, responses=Y).record
    for j in range(2):
        np.testing.assert_allclose(record.q_value[:, j], false_discovery_control(record.p_value[:, j]))
    assert not np.allclose(record.q_value, record.p_value)
