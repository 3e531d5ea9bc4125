"""Pictures of a bootstrap show its replicates and its limits."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def drawn():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy")).bootstrap(200, seed=1)


def interval(ax):
    return next(line.get_xdata() for line in ax.get_lines() if line.get_linestyle() == "-")


def estimate(ax):
    return next(line.get_xdata()[0] for line in ax.get_lines() if line.get_linestyle() != "-")


def test_every_replicate_is_in_a_bar_and_the_limits_are_those_of_the_table(drawn):
    axes = drawn.plot()
    limits = drawn.confint()
    assert len(axes) == len(limits) == 6
    for j, ax in enumerate(axes):
        assert sum(bar.get_height() for bar in ax.patches) == 200
        values = drawn.replicates.iloc[:, j]
        assert ax.patches[0].get_x() == pytest.approx(values.min())
        np.testing.assert_allclose(interval(ax), limits.loc[j, ["conf_low", "conf_high"]].astype(float))
        assert estimate(ax) == pytest.approx(drawn.record.estimate[j])


def test_level_kind_parameters_and_axes_are_those_asked_for(drawn):
    _, (left, right) = plt.subplots(1, 2)
    axes = drawn.plot(["sigma", "Days"], level=0.8, type="basic", axes=[left, right])
    assert list(axes) == [left, right]
    limits = drawn.confint(0.8, "basic", ["sigma", "Days"])
    for j, ax in enumerate(axes):
        assert ax.get_title(loc="left") == ["sigma", "Days"][j]
        np.testing.assert_allclose(interval(ax), limits.loc[j, ["conf_low", "conf_high"]].astype(float))


def test_replicates_that_pile_up_at_zero_and_constants_are_drawn():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    piled = fit.bootstrap(100, seed=1).plot("sd_(Intercept)|Batch")
    assert max(bar.get_height() for bar in piled[0].patches) > 40
    (ax,) = fit.bootstrap(30, seed=1, statistic=lambda fit: {"rows": fit.nobs}).plot()
    assert [bar.get_height() for bar in ax.patches] == [30]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parm": "Dys"}, "parm='Dys' is not among the replicates"),
        ({"terms": "Days"}, "Write parm="),
        ({"type": "bca"}, "choose among 'percentile'"),
        ({"level": 95}, r"Type 0\.95"),
    ],
)
def test_bad_input_is_answered(drawn, options, message):
    with pytest.raises(OptionError, match=message):
        drawn.plot(**options)


def test_nothing_is_drawn_where_there_is_no_number():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    found = fit.bootstrap(5, seed=1, statistic=lambda fit: {"a": float("nan")})
    with pytest.raises(OptionError, match="no number among the replicates of a"):
        found.plot()
