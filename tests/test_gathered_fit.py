"""Fits without rows: every public answer is that of the fit in memory, or an error that names a way out."""

from __future__ import annotations

import inspect
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.results.streamed import Streamed

mpl.use("Agg")

FORMULA = "y ~ a * x + b + z + (x | g) + (1 | h)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    n = 360
    g, h = rng.integers(0, 15, n), rng.integers(0, 8, n)
    x = rng.normal(size=n) + 2
    effects = rng.normal(size=(15, 2)) * [1.0, 0.5]
    y = 10 + x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=8)[h] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": rng.integers(0, 2, n).astype(float),
            "a": rng.choice(list("pqr"), n, p=[0.5, 0.3, 0.2]),
            "b": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "hi"]),
            "g": [f"g{i:02}" for i in g],
            "h": h,
        }
    )


@pytest.fixture(scope="module")
def pair(data):
    """The fit in memory, and the one from chunks whose rows cannot be had again."""
    sums = hd.cross_products(FORMULA, (data.iloc[i : i + 50] for i in range(0, len(data), 50)))
    return hd.lmm(FORMULA, data), sums.fit()


def arrivals():
    """Two rows of a group that the fit has not seen."""
    known = {"y": [9.0, 12], "x": [1.0, 3], "z": [0.0, 1], "a": ["p", "q"], "b": ["lo", "hi"]}
    return pd.DataFrame({**known, "g": ["new", "new"], "h": [1, 2]})


ARGUMENTS = {
    "arrivals": lambda data: ((arrivals(),), {"group": "g"}),
    "bootstrap": lambda data: ((10,), {"seed": 1}),
    "compare": None,
    "confint": lambda data: ((), {}),
    "emmeans": lambda data: (("a",), {}),
    "emtrends": lambda data: (("a", "x"), {}),
    "from_dict": None,
    "icc": lambda data: ((), {"by_group": True}),
    "plot": None,
    "predict": lambda data: ((data.iloc[:7],), {"se": True, "interval": "prediction"}),
    "refit": lambda data: ((data["y"].to_numpy() + 1,), {}),
    "report": None,
    "rlrt": lambda data: (("h",), {"seed": 1, "n_sim": 100}),
    "simulate": lambda data: ((2,), {"seed": 1}),
    "simulate_residuals": lambda data: ((), {"seed": 1}),
    "test": lambda data: (("x = 0",), {}),
    "diagnose": lambda data: ((), {}),
    "contrast": None,
    "ranef": "property", "coef": "property", "varcorr": "property",
}  # fmt: skip

NEEDS_ROWS = {
    "augment", "bootstrap", "caic", "cooks_distance", "dfbetas", "diagnose", "explain", "fitted",
    "hat_values", "influence", "refit", "residuals", "simulate", "simulate_residuals",
}  # fmt: skip

NAMES = [name for name in dir(hd.LinearMixedFit) if not name.startswith("_")]


def answer(fit, name, data):
    """Call a method, or look at a property."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = getattr(fit, name)
        how = ARGUMENTS.get(name, lambda _: ((), {}))
        if how == "property" or not inspect.ismethod(found):
            return found
        args, options = how(data)
        return found(*args, **options)


def numbers(value):
    """All the numbers of an answer, whatever its kind."""
    if hasattr(value, "to_frame") and not isinstance(value, pd.Series | pd.DataFrame):
        value = value.to_frame()
    if isinstance(value, pd.DataFrame):
        return value.select_dtypes("number").to_numpy(dtype=float).ravel()
    if isinstance(value, dict):
        return np.concatenate([np.zeros(0), *(numbers(v) for v in value.values())])
    if isinstance(value, tuple | list):
        return np.concatenate([np.zeros(0), *(numbers(v) for v in value)])
    if hasattr(value, "values") and not callable(value.values):
        return np.asarray(value.values, dtype=float).ravel()
    if isinstance(value, bool | int | float | np.number | np.ndarray):
        return np.asarray(value, dtype=float).ravel()
    return np.zeros(0)


@pytest.mark.parametrize("name", [name for name in NAMES if ARGUMENTS.get(name, 1) is not None])
def test_every_answer_is_that_of_the_fit_in_memory_or_names_a_way_out(name, pair, data):
    memory, sums = pair
    wanted = answer(memory, name, data)
    try:
        found = answer(sums, name, data)
    except hd.errors.DataError as error:
        assert name in NEEDS_ROWS, f"{name} should do without rows"
        message = str(error)
        assert "an iterator of data frames" in message or "fit.augment(data)" in message
        assert "fit.augment(data)" in message or "lmm(formula, frame)" in message
        return
    assert name not in NEEDS_ROWS, f"{name} has learnt to do without rows: take it off the list"
    assert type(found) is type(wanted)
    if name == "to_dict":  # sums in place of rows; read back below
        return
    a, b = numbers(found), numbers(wanted)
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8, err_msg=name)


SAME_TEXT = (
    "anova", "coeftable", "confint", "drop1", "glance", "icc", "joint_tests", "profile", "r2", "ranova",
    "rpca", "tidy", "varcorr", "vif",
)  # fmt: skip


@pytest.mark.parametrize("name", SAME_TEXT)
def test_the_tables_print_alike(name, pair, data):
    memory, sums = (answer(fit, name, data) for fit in pair)
    assert str(sums) == str(memory)


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit.emmeans("a"),
        lambda fit: fit.emmeans("b", weights="proportional"),
        lambda fit: fit.emmeans("a", by="b", weights="cells"),
        lambda fit: fit.emmeans("a", weights="outer"),
        lambda fit: fit.emmeans("a", at={"x": [0, 1]}),
        lambda fit: fit.emmeans("z"),
        lambda fit: fit.emmeans("a").contrast(),
        lambda fit: fit.emtrends("a", "x"),
        lambda fit: fit.joint_tests(),
        lambda fit: fit.anova(type=1),
        lambda fit: fit.anova(type=2),
        lambda fit: fit.anova(ddf="kenward-roger"),
        lambda fit: fit.drop1(test="F"),
        lambda fit: fit.coeftable(ddf="kenward-roger"),
        lambda fit: fit.test("aq = 0, ar = 0"),
        lambda fit: fit.profile().confint(),
        lambda fit: fit.with_ml().coeftable(),
        lambda fit: fit.confint(method="profile"),
    ],
)
def test_questions_with_options_are_answered_alike(ask, pair):
    memory, sums = (ask(fit) for fit in pair)
    np.testing.assert_allclose(numbers(sums), numbers(memory), rtol=1e-6, atol=1e-8)
    assert str(sums) == str(memory)


def test_the_summary_leaves_out_the_residuals_and_says_where_the_rows_are(pair):
    memory, sums = (str(fit).splitlines() for fit in pair)
    assert not any("Scaled residuals" in line for line in sums)
    assert "Fitted from sums of products; the rows stayed in an iterator of data frames." in sums
    assert set(sums) - set(memory) == {s for s in sums if "sums of products" in s or "Converged" in s} - set(
        memory
    )
    for output in (pair[1].summary().to_html(), pair[1].summary().to_latex()):
        assert "nan" not in output.lower()


def test_a_fit_without_rows_is_saved_and_read(pair, data):
    import json

    stored = json.loads(json.dumps(pair[1].to_dict(), allow_nan=False))
    back = hd.LinearMixedFit.from_dict(stored)
    assert str(back) == str(pair[1])
    assert str(back.emmeans("a")) == str(pair[0].emmeans("a"))
    np.testing.assert_array_equal(back.predict(data[:5]), pair[1].predict(data[:5]))
    stored["sums"]["x_scale"][1] *= 2
    with pytest.raises(hd.errors.DataError, match="damaged"):
        hd.LinearMixedFit.from_dict(stored)


def test_weights_of_a_fit_without_rows_are_stored(data):
    given = data.assign(w=np.linspace(0.5, 2, len(data)))
    fit = hd.cross_products(FORMULA, given, weights="w").fit()
    back = hd.LinearMixedFit.from_dict(fit.to_dict())
    assert back.with_ml().loglik == pytest.approx(fit.with_ml().loglik, rel=1e-12)
    assert back.with_ml().loglik == pytest.approx(hd.lmm(FORMULA, given, weights="w", reml=False).loglik)


def test_weights_and_an_offset_reach_the_answers(data):
    given = data.assign(w=np.linspace(0.5, 2, len(data)), o=data.x / 7)
    options = {"weights": "w", "offset": "o"}
    memory = hd.lmm(FORMULA, given, **options)
    fit = hd.cross_products(FORMULA, [given[:100], given[100:]], **options).fit()
    for ask in (
        lambda f: f.emmeans("a", weights="proportional"),
        lambda f: f.anova(type=1),
        lambda f: f.icc(),
        lambda f: f.r2(),
        lambda f: f.glance(),
    ):
        np.testing.assert_allclose(numbers(ask(fit)), numbers(ask(memory)), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(np.asarray(fit.residuals("scaled")), memory.residuals("scaled"), atol=1e-8)


def test_dropped_columns_are_not_estimated(data):
    twice = data.assign(x2=2 * data.x)
    memory = hd.lmm("y ~ a + x + x2 + (1 | g)", twice)
    fit = hd.lmm("y ~ a + x + x2 + (1 | g)", [twice[:100], twice[100:]])
    assert fit.design.dropped == memory.design.dropped == ("x2",)
    assert str(fit.emmeans("a")) == str(memory.emmeans("a"))
    assert str(fit.anova()) == str(memory.anova())


def other(data, formula):
    sums = hd.cross_products(formula, [data[:150], data[150:]])
    return hd.lmm(formula, data), sums.fit()


@pytest.mark.parametrize(
    "smaller",
    [
        "y ~ a + x + b + z + (x | g) + (1 | h)",
        "y ~ a * x + b + z + (1 | g) + (1 | h)",
        "y ~ x + b + (x | g)",
        "y ~ a * x + b + z + (x || g) + (1 | h)",
    ],
)
def test_models_are_compared_without_rows(smaller, pair, data):
    memory, sums = other(data, smaller)
    for ask in (
        lambda small, large: hd.lrt(small, large),
        lambda small, large: large.compare(small),
    ):
        np.testing.assert_allclose(
            numbers(ask(sums, pair[1])), numbers(ask(memory, pair[0])), rtol=1e-6, atol=1e-7
        )


def test_f_tests_of_models_do_without_rows(pair, data):
    memory, sums = other(data, "y ~ a + x + z + (x | g) + (1 | h)")
    np.testing.assert_allclose(
        numbers(hd.ftest(sums, pair[1])), numbers(hd.ftest(memory, pair[0])), rtol=1e-6, atol=1e-8
    )


def test_models_that_cannot_be_compared_are_not(pair, data):
    memory, _ = other(data, "y ~ x + (1 | g)")
    with pytest.raises(hd.errors.DataError, match=r"One of .* from sums of products and the other"):
        hd.lrt(memory, pair[1])
    with pytest.raises(hd.errors.DataError, match="as their means and spreads tell"):
        hd.lrt(other(data.assign(y=data.y + 1), "y ~ x + (1 | g)")[1], pair[1])
    with pytest.raises(hd.errors.DataError, match="359"):
        hd.lrt(other(data[1:], "y ~ x + (1 | g)")[1], pair[1])
    with pytest.raises(hd.errors.DesignError, match="cannot be seen to be nested"):
        hd.lrt(other(data, "y ~ x + (z | g)")[1], pair[1])
    with pytest.raises(hd.errors.DesignError, match="cannot be written in the columns"):
        hd.lrt(other(data, "y ~ I(x^2) + (1 | g)")[1], pair[1])
    with pytest.raises(hd.errors.DesignError, match="cannot be written in the columns"):
        hd.lrt(other(data.assign(x=data.x + 0.01 * data.z), "y ~ x + (1 | g)")[1], pair[1])
    with pytest.warns(hd.errors.HendersonWarning, match="say the same twice"):
        twice = hd.cross_products("y ~ x + (1 | g) + (1 | g)", data).fit()
    with pytest.raises(hd.errors.DesignError, match="cannot be seen to be nested"):
        hd.lrt(twice, pair[1])
    weighed = hd.cross_products("y ~ x + (1 | g)", data.assign(w=data.x**2 + 1), weights="w").fit()
    moved = hd.cross_products("y ~ x + (1 | g)", data.assign(o=0.0), offset="o").fit()
    for small in (weighed, moved):
        with pytest.raises(hd.errors.DataError, match="differ in weights or offset"):
            hd.lrt(small, pair[1])


# -- rows that can be read again -----------------------------------------------------------------------------


def streamed(data, step=70):
    return hd.lmm(FORMULA, lambda: (data.iloc[i : i + step] for i in range(0, len(data), step)))


def test_fitted_values_and_residuals_are_streamed(pair, data):
    fit, memory = streamed(data), pair[0]
    assert isinstance(fit.fitted, Streamed)
    for _ in range(2):  # the source is read anew each time
        np.testing.assert_allclose(np.asarray(fit.fitted), memory.fitted, rtol=1e-8)
    for kind in ("response", "pearson", "scaled"):
        np.testing.assert_allclose(np.asarray(fit.residuals(kind)), memory.residuals(kind), atol=1e-7)
    assert [len(chunk) for chunk in fit.fitted] == [70, 70, 70, 70, 70, 10]
    assert "chunk by chunk" in repr(fit.fitted)
    with pytest.raises(hd.errors.OptionError, match="choose one of"):
        fit.residuals("odd")


def test_augment_streams_frames_and_files(pair, data, tmp_path):
    fit, memory = streamed(data), pair[0].augment()
    frames = list(fit.augment())
    assert all(isinstance(frame, pd.DataFrame) for frame in frames)
    for got in (
        pd.concat(frames),
        pd.read_parquet(fit.augment(to=tmp_path / "out.parquet")),
        pd.read_csv(fit.augment(to=tmp_path / "out.csv")),
        pair[1].augment(data),
    ):
        assert [*got.columns] == [*data.columns, ".fitted", ".resid", ".fixed"]
        for name in (".fitted", ".resid", ".fixed"):
            np.testing.assert_allclose(got[name], memory[name], atol=1e-7)


def test_incomplete_rows_are_left_out(data):
    holes = data.copy()
    holes.loc[[3, 100], "x"] = np.nan
    holes.loc[[5], "g"] = None
    fit, memory = streamed(holes), hd.lmm(FORMULA, holes)
    np.testing.assert_allclose(np.asarray(fit.fitted), memory.fitted, rtol=1e-8)
    assert list(pd.concat(fit.augment()).index) == list(memory.augment().index)


def test_other_rows_than_those_fitted_are_noticed(data, tmp_path):
    rows = {"now": data}
    fit = hd.lmm(FORMULA, lambda: iter([rows["now"][:100], rows["now"][100:]]))
    rows["now"] = data[:-3]
    with pytest.raises(hd.errors.DataError, match="357 complete rows now; the model was fitted to 360"):
        list(fit.fitted)
    (tmp_path / "out.parquet").write_bytes(b"old")
    with pytest.raises(hd.errors.DataError, match="It has changed"):
        fit.augment(to=tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.parquet"]
    rows["now"] = data.assign(g="unknown")
    with pytest.raises(hd.errors.DataError, match="In chunk 1: the level 'unknown' of g was not there"):
        list(fit.augment())
    rows["now"] = data.drop(columns="a")
    with pytest.raises(hd.errors.DataError, match="no column 'a' in chunk 1"):
        list(fit.augment())


def test_where_rows_go_must_be_a_file_of_a_known_kind(data, tmp_path):
    with pytest.raises(hd.errors.OptionError, match=r"\.parquet or \.csv"):
        streamed(data).augment(to=tmp_path / "out.xlsx")
    with pytest.raises(hd.errors.DataError, match="do not say where their rows are"):
        hd.cross_products(FORMULA, iter([data])).fit().augment()


def pictures():
    from henderson.results.pictures import Pictures

    return [name for name in dir(Pictures) if not name.startswith("_")]


@pytest.mark.parametrize("name", pictures())
def test_a_picture_is_drawn_or_the_error_names_a_way_out(name, pair):
    options, refused = {"one": {"level": "g01"}}.get(name, {}), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(pair[1].plot, name)(**options)
    except (hd.errors.DataError, hd.errors.OptionError) as error:
        refused = str(error)
    finally:
        mpl.pyplot.close("all")
    usual = name in ("effect", "one", "lattice", "spaghetti", "profile")
    assert not refused or "lmm(formula, frame)" in refused or usual or "plot." in refused
