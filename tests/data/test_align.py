"""A Series beside the data is matched by label, never silently by position."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError

FORMULA = "y ~ x + (1 | g)"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g = np.repeat(list("abcdef"), 5)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=30), "w": rng.uniform(1, 2, 30)})
    data["y"] = data["x"] + np.repeat(rng.normal(size=6), 5) + rng.normal(size=30)
    return data.set_index(pd.Index(np.arange(100, 130)))


def test_a_reordered_series_is_matched_by_label(frame):
    shuffled = frame["w"].sample(frac=1, random_state=1)
    fit = hd.lmm(FORMULA, frame, weights=shuffled, offset=shuffled)
    np.testing.assert_array_equal(fit.design.weights, frame["w"])
    np.testing.assert_array_equal(fit.design.offset, frame["w"])
    new = frame.head(3)
    expected = fit.predict(new, offset=new["w"].to_numpy())
    np.testing.assert_array_equal(fit.predict(new, offset=new["w"].iloc[::-1]), expected)


@pytest.mark.parametrize("what", ["weights", "offset"])
def test_a_series_about_other_rows_is_refused(frame, what):
    with pytest.raises(DataError, match=rf"{what} is a Series.* label 100 .*{what}.to_numpy\(\)"):
        hd.lmm(FORMULA, frame, **{what: frame["w"].reset_index(drop=True)})
    twice = frame["w"].set_axis([100] * 30)
    with pytest.raises(DataError, match="not unique"):
        hd.lmm(FORMULA, frame, **{what: twice})
    hd.lmm(FORMULA, {name: frame[name].to_numpy() for name in frame}, **{what: twice})  # no labels to match


def test_a_response_to_refit_is_matched_by_label(frame):
    fit = hd.lmm(FORMULA, frame)
    np.testing.assert_array_equal(fit.refit(2 * frame["y"].iloc[::-1]).design.y, 2 * frame["y"])
    with pytest.raises(DataError, match="y is a Series"):
        fit.refit(frame["y"].reset_index(drop=True))
    gap = frame.assign(x=frame["x"].where(frame["x"] > -1))
    kept = hd.lmm(FORMULA, gap)
    y = gap.dropna()["y"]
    np.testing.assert_array_equal(kept.refit(y.iloc[::-1] + 1).design.y, y + 1)
    np.testing.assert_array_equal(kept.refit(gap["y"].iloc[::-1] + 1).design.y, y + 1)
