"""Means as users meet them: frames, wrong questions, fits without data, time."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError
from henderson.results import LinearMixedFit

from .recorded import fitted, rows

FULL = "y ~ A * B + z + log(x) + (1 | g)"


@pytest.fixture(scope="module")
def fit():
    return fitted(FULL, weights="w")


def test_spellings_of_the_same_question(fit):
    asked = [
        fit.emmeans("~ A | B"),
        fit.emmeans("A | B"),
        fit.emmeans("A", by="B"),
        fit.emmeans(["A"], by=["B"]),
        fit.emmeans("A:B", by="B"),
        fit.emmeans("A*B", "B"),
    ]
    for other in asked[1:]:
        assert str(other) == str(asked[0])
    assert str(fit.emmeans("pairwise ~ A | B").contrasts) == str(asked[0].pairs())
    assert fit.emmeans("A").contrasts is None


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda f: f.emmeans("AA"), "'AA' is no predictor.*Did you mean A"),
        (lambda f: f.emmeans("g"), "'g' is a grouping factor"),
        (lambda f: f.emmeans("x"), r"covariate; held at 5.02977.*at=\{'x'.*emtrends"),
        (lambda f: f.emmeans("A", at={"xx": 1}), "at= names 'xx'.*Did you mean x"),
        (lambda f: f.emmeans("A", at={"A": ["q"]}), "at= asks for A='q'"),
        (lambda f: f.emmeans("A", at={"x": "high"}), "x is numeric; give numbers"),
        (lambda f: f.emmeans("A", at={"x": []}), "has no values"),
        (lambda f: f.emmeans("A", at=3), "at= is a dict"),
        (lambda f: f.emmeans("x", at={"x": [-1, 2]}), "no finite value at .*x = -1"),
        (lambda f: f.emmeans("A").contrast(5), "5 is no contrast"),
        (lambda f: f.emmeans("A").contrast(interaction=True), "two or more factors"),
        (lambda f: f.emmeans("A:B").contrast({"A": "eff"}, interaction=True), "contrast 'B' too"),
        (lambda f: f.emmeans("A:B").contrast({"q": "eff"}, interaction=True), "'q' is no factor"),
        (lambda f: f.emmeans("A").contrast({}), "no contrasts in an empty dict"),
        (lambda f: f.emtrends("A", var="log(x"), r"'log\(x' is no predictor"),
        (lambda f: f.emmeans("A", weights="even"), "choose one of 'equal'"),
        (lambda f: f.emmeans("A", ddf="kr2"), "no kind of degrees of freedom"),
        (lambda f: f.emmeans("A", level=95), "Type 0.95"),
        (lambda f: f.emmeans("A", type="respons"), "'link'.*'response'"),
        (lambda f: f.emmeans("A", adjust="tuky"), "Did you mean 'tukey'"),
        (lambda f: f.emmeans(3), "specs=3"),
        (lambda f: f.emmeans("A", wieghts="equal"), "no option 'wieghts'.*Did you mean 'weights'"),
        (lambda f: f.emmeans("pairwize ~ A"), "Did you mean pairwise"),
        (lambda f: f.emmeans("A").contrast({"d": [1, -1]}), "2 numbers; there are 3 means"),
        (lambda f: f.emmeans("A").contrast("treatment", reference="q"), "none of the means"),
        (lambda f: f.emmeans("~ A | B").contrast(by="z"), "none of the columns"),
        (lambda f: f.emmeans("~ 1").pairs(), "nothing to compare"),
        (lambda f: f.emmeans("A").test(side="up"), "side='up'"),
        (lambda f: f.emmeans("A").test(null="a"), "null='a' must be a number"),
        (lambda f: f.emmeans("A").test(delta=-1), "give a positive number"),
        (lambda f: f.emmeans("A").letters(alpha=5), "level must be"),
        (lambda f: f.emtrends("A", var="B"), "'B' is not numeric"),
        (lambda f: f.emtrends("A", var="xs"), "no predictor.*Did you mean x"),
        (lambda f: f.joint_tests(by="Q"), "'Q' is no predictor"),
    ],
)
def test_wrong_questions(fit, ask, words):
    with pytest.raises(OptionError, match=words):
        ask(fit)


def test_transforms_without_a_way_back():
    with pytest.raises(OptionError, match="no way back"):
        fitted("sin(y) ~ A + (1 | g)").emmeans("A", type="response")
    plain = fitted("y ~ A + (1 | g)")
    np.testing.assert_allclose(
        plain.emmeans("A", type="response")["estimate"], plain.emmeans("A")["estimate"], rtol=0
    )


RESPONSES = (
    "log(y); log2(y); log10(y); log1p(y); log(y - 3); log(y, 3); sqrt(y); sqrt(y + 2); 1/y; I(1/y); I(y^2); "
    "I(y^(1/3)); I(-1/y); 100/y; I(log(y) * 10); log(y)/2; I(y/10); I(y^-2); y + 3; exp(y); qlogis(y)"
)


@pytest.mark.parametrize("response", RESPONSES.split("; "))
def test_the_way_back_undoes_the_transform(response):
    from henderson.design import build
    from henderson.formula import read_formula
    from henderson.inference.means.response import transform_of

    frame = rows("d")
    scale = {"exp(y)": 10.0, "qlogis(y)": 100.0}.get(response, 1.0)
    design = build(f"{response} ~ A + (1 | g)", frame.assign(y=frame["y"] / scale))
    found = transform_of(read_formula(f"{response} ~ A + (1 | g)").response.node)
    y = frame["y"].to_numpy() / scale
    np.testing.assert_allclose(found.inverse(design.y), y, rtol=1e-9)
    h = 1e-5 * np.abs(design.y)
    np.testing.assert_allclose(
        found.slope(design.y),
        (found.inverse(design.y + h) - found.inverse(design.y - h)) / (2 * h),
        rtol=1e-6,
    )


def test_limits_of_falling_transforms_keep_their_order():
    found = fitted("1/y ~ A + (1 | g)").emmeans("A", type="response")
    assert (found["conf_low"] < found["estimate"]).all()
    assert (found["estimate"] < found["conf_high"]).all()


def test_frames_are_of_the_users_kind():
    frame = pl.from_pandas(rows("d"))
    found = hd.lmm("y ~ A * B + (1 | g)", frame).emmeans("~ A | B")
    assert isinstance(found.to_frame(), pl.DataFrame)
    assert found.to_frame().columns == [
        "A", "B", "estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value",
    ]  # fmt: skip
    assert found.pairs().to_frame().columns == [
        "contrast", "B", "estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    assert isinstance(found.letters().to_frame(), pl.DataFrame)
    assert hd.lmm("y ~ A + (1 | g)", frame).joint_tests().to_frame().columns == [
        "term", "statistic", "num_df", "den_df", "p_value",
    ]  # fmt: skip


def test_letters_of_means_that_cannot_be_estimated():
    found = fitted("y ~ A * B + x + (1 | g)", "e").emmeans("~ A | B").letters()
    lost = np.isnan(found["estimate"])
    assert lost.sum() == 1
    assert found["letters"][lost].tolist() == [""]


def test_fits_without_their_data(fit):
    stored = LinearMixedFit.from_dict(fit.to_dict())
    with pytest.raises(DataError, match=r"data=frame.*at="):
        stored.emmeans("A")
    np.testing.assert_allclose(
        stored.emmeans("A", data=rows("d"))["std_error"], fit.emmeans("A")["std_error"], rtol=1e-10
    )
    with pytest.raises(DataError, match="Give the data of the fit"):
        stored.emmeans("A", data=rows("e"))
    # covariates that stand in the model as they are need no data
    plain = fitted("y ~ A + x + (1 | g)")
    again = plain.refit(plain.design.y + 1)
    np.testing.assert_allclose(again.emmeans("A")["estimate"], plain.emmeans("A")["estimate"] + 1, rtol=1e-8)
    with pytest.raises(OptionError, match="needs the rows"):
        again.emmeans("A", weights="cells")


def test_kenward_roger_and_its_information(fit):
    expected = fitted("y ~ A + x + (1 | g)").emmeans("A", ddf="kenward-roger")
    observed = fitted("y ~ A + x + (1 | g)").emmeans("A", ddf="kenward-roger", information="observed")
    assert (expected["df"] != observed["df"]).all()


def test_ordered_factors_and_subsets_of_levels():
    levels = ["10", "20", "30", "40"]
    frame = rows("d").assign(F=lambda t: pd.Categorical(t["f"].astype(str), levels, ordered=True))
    fit = hd.lmm("y ~ F * A + (1 | g)", frame)
    means = fit.emmeans("F", at={"A": ["a", "b"]})
    assert list(means["F"]) == levels
    both = fit.emmeans("F:A")
    wanted = [np.mean(both["estimate"][[i, 4 + i]]) for i in range(4)]
    np.testing.assert_allclose(means["estimate"], wanted, rtol=1e-12)
    assert means.pairs()["contrast"][0] == "F10 - F20"
    two = fit.emmeans("A", at={"A": ["c", "a"]})
    assert two.pairs()["contrast"].tolist() == ["c - a"]


def test_time():
    sleep = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    sleep.emmeans("Days", at={"Days": [0, 9]})
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        sleep.emmeans("Days", at={"Days": [0, 9]})
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.005


def test_a_hundred_levels_pairwise():
    rng = np.random.default_rng(0)
    n = 3000
    frame = {
        "A": [f"a{i:02d}" for i in rng.integers(0, 100, n)],
        "g": [f"g{i}" for i in rng.integers(0, 30, n)],
        "y": rng.normal(size=n),
    }
    means = hd.lmm("y ~ A + (1 | g)", frame).emmeans("A")
    means.pairs()
    begin = time.perf_counter()
    pairs = means.pairs()
    assert time.perf_counter() - begin < 1.0
    assert len(pairs) == 4950
    assert (pairs["p_value"] >= means.pairs(adjust="none")["p_value"]).all()


def test_contrasts_of_each_factor_are_not_an_interaction_switch(fit):
    with pytest.raises(OptionError, match=r"give True or False.*first value"):
        LinearMixedFit.emmeans(fit, "~ 1").contrast("pairwise", interaction={"A": "polynomial"})


@pytest.mark.parametrize("formula", [FULL, "y ~ A * B + z + x + (1 | g)"])
def test_frequencies_are_sums_of_the_weights_of_the_fit(formula):
    """By hand; emmeans 1.8.4-1 does so too where a predictor is transformed, but else counts rows."""
    fit, data = fitted(formula, weights="w"), rows("d")
    cells = fit.emmeans(["A", "B", "z"]).to_frame().set_index(["A", "B", "z"])["estimate"]
    for level, found in fit.emmeans("A", weights="cells").to_frame().set_index("A")["estimate"].items():
        share = data[data["A"] == level].groupby(["B", "z"])["w"].sum()
        wanted = sum(w * cells[(level, *key)] for key, w in share.items()) / share.sum()
        assert found == pytest.approx(wanted, rel=1e-10)


def test_weights_and_sides_by_other_names():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    assert fit.emmeans("Machine", weights="prop").linear.weights == "proportional"
    means = fit.emmeans("Machine")
    for theirs, ours in (("right", "greater"), ("left", "less"), ("two.sided", "two")):
        assert (means.test(60, side=theirs)["p_value"] == means.test(60, side=ours)["p_value"]).all()
    with pytest.raises(hd.errors.OptionError, match="choose one of 'equal'"):
        fit.emmeans("Machine", weights="x")


def test_a_grouping_factor_has_no_means():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    for ask in (lambda: fit.emmeans("Worker"), lambda: fit.emmeans("Machine", by="Worker")):
        with pytest.raises(hd.errors.OptionError, match=r"grouping factor.*fit\.ranef\['Worker'\]"):
            ask()


def test_equivalence_counts_comparisons():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    text = " ".join(str(fit.emmeans("Machine").pairs().test(delta=10)).split())
    assert "Sidak adjustment for 3 comparisons" in text
    assert "Tukey adjustment for 3 means" in " ".join(str(fit.emmeans("Machine").pairs()).split())


def test_the_overall_slope_needs_no_specification():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    assert fit.emtrends(var="Days")["estimate"][0] == fit.emtrends("~ 1", "Days")["estimate"][0]
    with pytest.raises(hd.errors.OptionError, match="Say whose slope"):
        fit.emtrends()
