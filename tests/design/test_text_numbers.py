"""Numbers that are text because of one value: named, not made a factor of hundreds of levels."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.design import build
from henderson.errors import DataError, HendersonWarning

FORMULA = "y ~ x + (1 | g)"


@pytest.fixture
def frame():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"y": rng.normal(size=60), "x": rng.normal(size=60), "g": np.tile(list("abcdef"), 10)}
    )


def as_text(frame, name, row=7):
    text = frame[name].astype(str)
    text[row] = "n.d."
    return frame.assign(**{name: text})


@pytest.mark.parametrize("formula", [FORMULA, "y ~ 1 + (x | g)", "y ~ x * g + (1 | g)"])
def test_one_value_that_is_no_number_is_named(frame, formula):
    message = r"x is text: 59 of 60 values are numbers.*'n\.d\.' \(row 7,.*to_numeric\(data\['x'\]"
    with pytest.raises(DataError, match=message):
        build(formula, as_text(frame, "x"))


def test_numbers_that_are_all_text_and_hardly_repeat(frame):
    with pytest.raises(DataError, match="x is text: all 60 values are numbers"):
        build(FORMULA, frame.assign(x=frame["x"].astype(str)))


def test_a_response_with_one_text_names_it(frame):
    with pytest.raises(DataError, match=r"y is text: 59 of 60 values are numbers.*'n\.d\.' \(row 7"):
        build(FORMULA, as_text(frame, "y"))


def test_few_levels_of_which_one_is_no_number_warn(frame):
    dose = frame.assign(x=np.tile(["1", "2", "3", "n.d."], 15))
    with pytest.warns(HendersonWarning, match=r"x is text: 45 of 60.*factor of 4 levels") as caught:
        hd.lmm(FORMULA, dose)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("labels", [["1", "2", "3"], [str(i) for i in range(25)], ["a", "b", "1"]])
def test_factors_of_digits_are_factors(frame, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(FORMULA, frame.assign(x=np.resize(labels, 60)))


def test_grouping_columns_and_declared_categories_are_left_alone(frame):
    ids = np.resize([*map(str, range(28)), "n.d."], 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(FORMULA, frame.assign(g=ids))
        build(FORMULA, frame.assign(x=pd.Categorical(np.tile(["1", "2", "3", "n.d."], 15))))
