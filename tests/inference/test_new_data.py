"""New rows as callers give them: values are checked as at fit, and what is left out is said."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, HendersonWarning, OptionError

NEW_GROUP = pd.DataFrame({"x": [0.0, 1.0], "g": "new", "w": 1.0, "off": 0.0, "y": [3.0, 4.0]})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g = np.repeat(list("abcdefgh"), 6)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=48), "w": rng.uniform(1, 2, 48), "off": 1.0})
    return data.assign(y=data["x"] + np.repeat(rng.normal(size=8), 6) + rng.normal(size=48))


@pytest.fixture(scope="module")
def fit(frame):
    return hd.lmm("y ~ x + (1 | g)", frame)


# -- weights and offset that the new rows lack ---------------------------------------------------------------


@pytest.mark.parametrize("given", ["column", "array"])
def test_a_left_out_offset_is_said(frame, given):
    fit = hd.lmm("y ~ x + (1 | g)", frame, offset="off" if given == "column" else frame["off"].to_numpy())
    new = frame.head(2).drop(columns="off")
    with pytest.warns(HendersonWarning, match="offset") as caught:
        out = fit.predict(new)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(fit.predict(new, offset=0), out)


def test_an_array_beside_an_offset_of_the_formula_is_missed_too(frame):
    both = hd.lmm("y ~ x + offset(off) + (1 | g)", frame, offset=np.full(len(frame), 2.0))
    with pytest.warns(HendersonWarning, match="came as an array"):
        without = both.predict(frame)
    np.testing.assert_allclose(without + 2, both.fitted)
    np.testing.assert_allclose(both.predict(frame, offset=2.0), both.fitted)
    with pytest.warns(HendersonWarning, match="came as an array"):
        hd.LinearMixedFit.from_dict(both.to_dict()).predict(frame)


def test_offsets_of_the_formula_are_no_array(frame):
    fit = hd.lmm("y ~ x + offset(off) + (1 | g)", frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.predict(frame.head(2))


@pytest.mark.parametrize("given", ["column", "array"])
def test_left_out_weights_are_said_where_they_count(frame, given):
    fit = hd.lmm("y ~ x + (1 | g)", frame, weights="w" if given == "column" else frame["w"].to_numpy())
    new = frame.head(2).drop(columns="w")
    with pytest.warns(HendersonWarning, match="weights=1") as caught:
        out = fit.predict(new, interval="prediction")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.predict(new, interval="confidence")
        pd.testing.assert_frame_equal(fit.predict(new, interval="prediction", weights=1), out)


# -- values --------------------------------------------------------------------------------------------------


def test_values_are_checked_as_at_fit(fit, frame):
    new = frame.head(3)
    with pytest.raises(DataError, match=r"'x' holds infinite values in 1 rows: 1 "):
        fit.predict(new.assign(x=[0, np.inf, 1]))
    with pytest.raises(DataError, match="1 weights are zero or negative"):
        fit.predict(new, interval="prediction", weights=[1, 1, -1])
    with pytest.raises(DataError, match="'weights' holds infinite"):
        fit.predict(new, interval="prediction", weights=np.inf)
    with pytest.raises(DataError, match="'offset' holds infinite"):
        fit.predict(new, offset=np.inf)


@pytest.mark.parametrize("seed", ["a", -1, 1.5])
def test_seeds_are_checked(fit, seed):
    with pytest.raises(OptionError, match="seed="):
        fit.simulate(2, seed=seed)


# -- given ---------------------------------------------------------------------------------------------------


def test_messages_about_given_speak_of_given(fit):
    with pytest.raises(DataError, match=r"given= has no column 'y', the response"):
        fit.predict(NEW_GROUP, given=NEW_GROUP.drop(columns="y"))
    with pytest.raises(DataError, match=r"no column 'x' in given="):
        fit.predict(NEW_GROUP, given=NEW_GROUP.drop(columns="x"))
    with pytest.raises(DataError, match=r"given= has no rows"):
        fit.predict(NEW_GROUP, given=NEW_GROUP.head(0))


def test_rows_of_known_groups_in_given_are_said_to_be_left_out(fit, frame):
    few = pd.concat([NEW_GROUP, frame.iloc[[0, 7]]])
    with pytest.warns(HendersonWarning, match="2 rows of given= .*'a', 'b'") as caught:
        out = fit.predict(NEW_GROUP, given=few)
    assert caught[0].filename == __file__
    np.testing.assert_allclose(out, fit.predict(NEW_GROUP, given=NEW_GROUP))


def test_given_rows_without_the_offset_of_the_fit_are_said(frame):
    fit = hd.lmm("y ~ x + (1 | g)", frame, offset=frame["off"].to_numpy())
    with pytest.warns(HendersonWarning, match="given= have no offset") as caught:
        fit.predict(NEW_GROUP, offset=1, given=NEW_GROUP)
    assert [each.filename for each in caught] == [__file__]
