"""What `pooling` returns: frames, printouts, errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import henderson as hd
from henderson.errors import FormulaError, OptionError
from tests.golden.test_summary import compare

FORMULA = "Reaction ~ Days + (Days | Subject)"
GOLDEN = Path(__file__).parents[2] / "golden" / "approved"


@pytest.fixture(scope="module")
def found():
    return hd.pooling(FORMULA, hd.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def gaps():
    """Sleep study with subjects of one and two rows."""
    data = hd.datasets.load("sleepstudy")
    return data.iloc[[*range(45), *range(47, 51), 60, 75, 76, *range(100, 180)]]


def test_the_printout(found):
    compare(GOLDEN / "pooling_sleep.txt", f"{found}\n")


def test_the_printout_of_groups_too_small(gaps):
    small = hd.pooling(FORMULA, gaps)
    compare(GOLDEN / "pooling_small_groups.txt", f"{small}\n")
    assert small.warnings == ["2 groups without Days alone (1 row for 2 coefficients): 332, 333."]
    table = small.to_frame().set_index(["method", "level", "term"])
    assert np.isnan(table.loc[("none", "332", "Days"), "estimate"])
    assert table.loc[("none", "332", "Days"), "note"] == "1 row for 2 coefficients"
    assert table.loc[("partial", "332", "Days"), "estimate"] > 0


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        (FORMULA, "sleepstudy"),
        ("score ~ Machine + (0 + Machine | Worker)", "machines"),
        ("strength ~ 1 + (1 | batch/cask)", "pastes"),
        ("distance ~ age * Sex + (age | Subject)", "orthodont"),
    ],
)
def test_text_stays_within_eighty_columns(formula, name):
    text = str(hd.pooling(formula, hd.datasets.load(name)))
    assert max(map(len, text.splitlines())) <= 80
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_html_holds_both_tables(found):
    html = found._repr_html_()
    assert html.count("<table") == 2
    assert "Pooling compared" in html


def test_frames_are_of_the_users_kind():
    found = hd.pooling(FORMULA, hd.datasets.load("sleepstudy", as_="polars"))
    assert type(found.to_frame()).__module__.startswith("polars")
    assert type(found.errors.to_frame()).__module__.startswith("polars")
    assert found.to_frame()["level"].null_count() == 6


def test_a_frame_has_a_row_per_method_level_and_term(found):
    table = found.to_frame()
    assert not table.duplicated(["method", "level", "term"]).any()
    counts = table.groupby("method").size()
    assert counts.to_dict() == {
        "averaged": 2, "complete": 2, "dummies": 36, "means": 18, "none": 36, "partial": 38,
    }  # fmt: skip
    assert found["rows"][0] == 180


def test_a_fit_can_be_given(found):
    again = hd.pooling(found.fit)
    np.testing.assert_allclose(again.errors["rmse_group_out"], found.errors["rmse_group_out"])


def test_the_group_of_the_term_typed_first_is_taken():
    data, _ = hd.datasets.simulate_crossed(9, 30, seed=3)
    assert hd.pooling("y ~ x + (1 | subject) + (1 | item)", data, refit=False).record.group == "subject"
    assert hd.pooling("y ~ x + (1 | item) + (1 | subject)", data, refit=False).record.group == "item"


def test_without_refits_there_is_no_error_on_groups(found):
    quick = hd.pooling(found.fit, refit=False)
    assert np.isnan(quick.errors["rmse_group_out"][-1])
    assert "was not fitted without each group" in str(quick)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda data: hd.pooling(data, FORMULA), FormulaError, "formula and data"),
        (lambda data: hd.pooling(FORMULA), FormulaError, "formula and data"),
        (lambda data: hd.pooling(FORMULA, data, group="subject"), OptionError, "'Subject'"),
        (lambda data: hd.pooling(FORMULA, data, groups="Subject"), OptionError, "'group'"),
        (lambda data: hd.pooling(FORMULA, data, refit="all"), OptionError, "True or False"),
        (lambda data: hd.pooling(FORMULA, data).plot("arrows"), OptionError, "'shrinkage'"),
        (lambda data: hd.pooling(hd.lmm(FORMULA, data), data), OptionError, "no data"),
    ],
)
def test_wrong_calls_say_what_to_type(call, error, words):
    with pytest.raises(error, match=words):
        call(hd.datasets.load("sleepstudy"))
