"""Pictures of influence and of scaled residuals: what is drawn is what was computed."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError

pytest.importorskip("matplotlib").use("Agg")
load = hd.datasets.load


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))


@pytest.fixture(autouse=True)
def closed():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_cooks_distances_are_sorted_and_named(sleep):
    ax, found = hd.plot.cooks(sleep), sleep.influence()
    order = np.argsort(found.cooks_distance)
    assert labels(ax) == found["level"][order].tolist()
    np.testing.assert_allclose(ax.get_lines()[0].get_xdata(), found.cooks_distance[order])
    assert ax.get_ylabel() == "Subject"


def test_many_observations_are_needles_with_five_names(sleep):
    ax = hd.plot.cooks(sleep, "observation")
    largest = np.argsort(-sleep.influence("observation").cooks_distance)[:5]
    assert [text.get_text() for text in ax.texts] == [str(i) for i in largest]


def test_the_line_at_one_is_drawn_where_it_is_in_sight(sleep):
    machines = hd.lmm("score ~ Machine + (1 | Worker)", load("machines"))
    assert len(hd.plot.cooks(machines).get_lines()) == 2
    assert len(hd.plot.cooks(sleep).get_lines()) == 1


def test_dfbetas_have_a_panel_per_term():
    machines = hd.lmm("score ~ Machine + (1 | Worker)", load("machines"))
    axes, found = hd.plot.dfbetas(machines), machines.influence()
    assert [ax.get_title("left") for ax in axes] == ["MachineB", "MachineC"]
    order = [found["level"].tolist().index(name) for name in labels(axes[0])]
    np.testing.assert_allclose(axes[1].get_lines()[-1].get_xdata(), found.dfbetas[order, 2])
    assert [ax.get_title("left") for ax in hd.plot.dfbetas(machines, terms="(Intercept)")] == ["(Intercept)"]


def test_groups_without_estimates_are_left_out():
    rows = load("sleepstudy")
    rows["z"] = np.where(rows["Subject"] == "330", rows["Days"], 0.0)
    fit = hd.lmm("Reaction ~ Days + z + (1 | Subject)", rows)
    assert len(labels(hd.plot.cooks(fit))) == 17
    assert "330" not in labels(hd.plot.dfbetas(fit)[0])


def test_scaled_residuals(sleep):
    left, right = hd.plot.scaled_residuals(sleep, n=50)
    found = sleep.simulate_residuals(50)
    np.testing.assert_allclose(left.get_lines()[0].get_ydata(), np.sort(found.residuals))
    np.testing.assert_allclose(right.get_lines()[0].get_ydata(), found.residuals)
    again = hd.plot.scaled_residuals(found)
    np.testing.assert_allclose(again[0].get_lines()[0].get_ydata(), np.sort(found.residuals))


def test_a_constant_prediction_has_no_running_quartiles():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff"))
    _, right = hd.plot.scaled_residuals(fit, n=30)
    assert len(right.get_lines()) == 4


def test_bad_arguments(sleep):
    with pytest.raises(OptionError, match="180 groups of observation"):
        hd.plot.dfbetas(sleep, "observation")
    with pytest.raises(OptionError, match="'Days'"):
        hd.plot.dfbetas(sleep, terms="days")


@pytest.mark.parametrize("name", ["cooks", "dfbetas", "scaled_residuals"])
def test_what_is_no_fit_is_answered(name):
    with pytest.raises(OptionError, match=r"drawn from a fit made by hd\.lmm\(\).*got a str"):
        getattr(hd.plot, name)("x")


def test_a_misspelt_picture_is_answered(sleep):
    with pytest.raises(AttributeError, match=r"Did you mean fit\.plot\.cooks\(\)\?"):
        sleep.plot.cook  # noqa: B018
    with pytest.raises(AttributeError, match="Printed, fit"):
        sleep.plot.zzzz  # noqa: B018
