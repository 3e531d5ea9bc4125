"""Pictures of power: what is drawn is what was simulated."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd

pytest.importorskip("matplotlib").use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="module")
def fit():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


def curves(ax):
    """Points of every curve, the error bars left out."""
    return [np.column_stack(c.lines[0].get_data()) for c in ax.containers]


def test_a_line_for_every_number_of_rows(fit):
    found = hd.power(fit, effect={"Days": 5}, n_groups=[12, 6], n_within=[4, 10], n_sim=20, seed=1)
    ax = hd.plot.power(found)
    few, many = curves(ax)
    assert few[:, 0].tolist() == [6, 12]
    np.testing.assert_allclose(few[:, 1], found["power"][[1, 0]])
    np.testing.assert_allclose(many[:, 1], found["power"][[3, 2]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["4 rows each", "10 rows each"]


def test_rows_are_the_axis_where_only_they_vary(fit):
    found = hd.power(fit, effect={"Days": 5}, n_within=[3, 6], n_sim=20, seed=1)
    ax = hd.plot.power(found, target=0.9)
    assert curves(ax)[0][:, 0].tolist() == [3, 6]
    assert ax.get_xlabel() == "Rows in each level of Subject"
    assert " 90 %" in [text.get_text() for text in ax.texts]
    assert ax.get_legend() is None


def test_a_picture_goes_where_it_is_told(fit):
    import matplotlib.pyplot as plt

    axes = plt.figure().subplots()
    assert hd.plot.power(hd.power(fit, effect={"Days": 5}, n_sim=5, seed=1), ax=axes) is axes


def test_bars_are_the_interval(fit):
    found = hd.power(fit, effect={"Days": 5}, n_groups=[6, 12], n_sim=20, seed=1)
    bars = hd.plot.power(found).containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([bar[0, 1] for bar in bars], found["conf_low"])
    np.testing.assert_allclose([bar[1, 1] for bar in bars], found["conf_high"])


def test_what_is_no_power_is_answered(fit):
    with pytest.raises(hd.errors.OptionError, match=r"hd\.power\(fit\) returns, not LinearMixedFit"):
        hd.plot.power(fit)
