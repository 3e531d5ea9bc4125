"""Pictures show the numbers of the fit, and go where they are told."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.plot import canvas
from henderson.plot.canvas import spread
from henderson.plot.diagnostics import smooth

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def dyes():
    return hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))


def line(ax, style):
    return next(drawn for drawn in ax.get_lines() if drawn.get_linestyle() == style)


def test_a_lattice_draws_the_fitted_lines(sleep):
    panels = hd.plot.lattice(sleep)
    assert [ax.get_title() for ax in panels] == list(hd.datasets.load("sleepstudy")["Subject"].cat.categories)
    coefficients = sleep.coef["Subject"].values
    days = np.arange(10.0)
    for ax, (start, slope) in zip(panels, coefficients, strict=True):
        np.testing.assert_allclose(line(ax, "-").get_xdata(), days)
        np.testing.assert_allclose(line(ax, "-").get_ydata(), start + slope * days)
        np.testing.assert_allclose(line(ax, "--").get_ydata(), sleep.beta[0] + sleep.beta[1] * days)


def test_the_line_of_a_group_leaves_crossed_factors_out():
    data, truth = hd.datasets.simulate_crossed(8, 6, seed=1)
    fit = hd.lmm(truth.formula, data)
    ax = hd.plot.lattice(fit, "x", "subject")[0]
    drawn = line(ax, "-")
    own = fit.beta[0] + fit.ranef["subject"].values[0, 0]
    np.testing.assert_allclose(drawn.get_ydata(), own + fit.beta[1] * drawn.get_xdata())
    assert len(drawn.get_xdata()) == 6


def test_the_line_of_an_inner_group_includes_the_outer_one():
    data, truth = hd.datasets.simulate_nested(4, 3, 5, seed=1)
    fit = hd.lmm(truth.formula, data)
    ax = hd.plot.lattice(fit, "x", "classroom:school")[0]
    drawn = line(ax, "-")
    rows = (data["school"] == "s1") & (data["classroom"] == "c1")
    assert ax.get_title() == "c1:s1"
    order = np.argsort(data.loc[rows, "x"])
    np.testing.assert_allclose(drawn.get_ydata(), np.asarray(fit.fitted)[rows.to_numpy()][order])


def test_the_lines_hold_other_variables_at_what_is_typical_of_the_group():
    data = hd.datasets.load("orthodont")
    fit = hd.lmm("distance ~ age * Sex + (age | Subject)", data)
    panels = hd.plot.lattice(fit)
    girl = next(ax for ax in panels if ax.get_title() == "F10")
    female = fit.fixef["(Intercept)"] + fit.fixef["SexFemale"]
    slope = fit.fixef["age"] + fit.fixef["age:SexFemale"]
    np.testing.assert_allclose(line(girl, "--").get_ydata(), female + slope * np.array([8.0, 10, 12, 14]))


def test_a_lattice_of_many_groups_shows_an_even_choice():
    data, truth = hd.datasets.simulate_crossed(60, 5, seed=1)
    panels = hd.plot.lattice(hd.lmm(truth.formula, data), "x", "subject")
    assert len(panels) == 24
    assert panels[0].get_title() == "s01"
    assert panels[-1].get_title() == "s60"


@pytest.mark.parametrize(
    ("formula", "name", "data"),
    [
        ("score ~ Machine + (0 + Machine | Worker)", "Machine", "machines"),
        ("distance ~ Sex + poly(age, 2) + (1 | Subject)", "age", "orthodont"),
        ("distance ~ Sex + (1 | Subject)", "Sex", "orthodont"),
        ("log(Reaction) ~ Days + (1 | Subject)", "Days", "sleepstudy"),
    ],
)
def test_a_lattice_is_drawn_against_a_variable_of_the_data(formula, name, data):
    fit = hd.lmm(formula, hd.datasets.load(data))
    panels = hd.plot.lattice(fit)
    assert panels[0].figure.get_supxlabel() == name
    if name == "Machine":
        assert [tick.get_text() for tick in panels[0].get_xticklabels()] == ["A", "B", "C"]


def test_a_lattice_uses_the_rows_that_were_kept():
    data = hd.datasets.load("sleepstudy", as_="polars")
    data[3, "Reaction"] = float("nan")
    panels = hd.plot.lattice(hd.lmm("Reaction ~ Days + (1 | Subject)", data))
    assert panels[0].get_lines()[0].get_xdata().tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_a_fit_without_its_data_is_drawn_against_columns_of_the_model(sleep):
    again = hd.LinearMixedFit.from_dict(sleep.to_dict())
    assert hd.plot.lattice(again)[0].figure.get_supxlabel() == "Days"


def test_a_lattice_without_covariate_points_to_the_strip(dyes):
    with pytest.raises(OptionError, match=r"plot\.strip"):
        hd.plot.lattice(dyes)


def test_a_caterpillar_shows_modes_in_order_with_their_intervals(sleep):
    ax = hd.plot.caterpillar(sleep, effect="Days", level=0.9)
    effects = sleep.ranef["Subject"]
    order = np.argsort(effects.values[:, 1])
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(effects.levels[i]) for i in order]
    half = {}
    for lines in ax.collections:
        for (low, place), (high, _) in lines.get_segments():
            half[int(place)] = (high - low) / 2
    widths = np.array([half[place] for place in range(18)])
    np.testing.assert_allclose(widths, 1.6448536269514722 * effects.sd[order, 1], rtol=1e-8)


def test_many_levels_are_counted_instead_of_labelled():
    data, truth = hd.datasets.simulate_crossed(80, 4, seed=1)
    ax = hd.plot.caterpillar(hd.lmm(truth.formula, data), "subject")
    assert not ax.get_yticklabels()
    assert "80 levels" in [text.get_text() for text in ax.texts]


def test_residuals_are_scaled(sleep):
    ax = hd.plot.residuals(sleep)
    points = next(drawn for drawn in ax.get_lines() if len(drawn.get_xdata()) == 180)
    np.testing.assert_allclose(points.get_xdata(), np.asarray(sleep.fitted))
    np.testing.assert_allclose(points.get_ydata(), np.asarray(sleep.residuals("scaled")))


def test_normal_quantiles_match_scipy(sleep):
    from scipy import stats

    points = hd.plot.qq(sleep).get_lines()[-1]
    scaled = np.sort(np.asarray(sleep.residuals("scaled")))
    np.testing.assert_allclose(points.get_ydata(), scaled)
    np.testing.assert_allclose(points.get_xdata(), stats.norm.ppf((np.arange(180) + 0.5) / 180))


def test_a_strip_orders_groups_by_their_fitted_mean(dyes):
    ax = hd.plot.strip(dyes)
    assert [label.get_text() for label in ax.get_yticklabels()] == list("FDABCE")


@pytest.mark.parametrize("name", ["caterpillar", "strip", "residuals", "qq"])
def test_given_axes_are_used_and_returned(sleep, name):
    _, ax = plt.subplots()
    assert getattr(hd.plot, name)(sleep, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_given_axes_of_a_lattice_are_used(sleep):
    _, axes = plt.subplots(2, 3)
    panels = hd.plot.lattice(sleep, axes=axes)
    assert list(panels) == list(axes.ravel())
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda fit: hd.plot.lattice(fit, x="days"), "'Days'"),
        (lambda fit: hd.plot.lattice(fit, group="subject"), "'Subject'"),
        (lambda fit: hd.plot.caterpillar(fit, effect="days"), "'Days'"),
        (lambda fit: hd.plot.caterpillar(fit, level=95), r"0\.95"),
    ],
)
def test_unknown_columns_list_the_known_ones(sleep, draw, words):
    with pytest.raises(OptionError, match=words):
        draw(sleep)


def test_the_smooth_of_a_line_is_the_line():
    x = np.random.default_rng(1).uniform(0, 10, 300)
    at, values = smooth(x, 3 - 2 * x)
    np.testing.assert_allclose(values, 3 - 2 * at, atol=1e-9)
    assert (np.diff(at) > 0).all()


def test_the_smooth_of_a_constant_x_is_the_mean():
    _, values = smooth(np.ones(5), np.arange(5.0))
    np.testing.assert_allclose(values, [2.0])


def test_an_even_choice_includes_both_ends():
    assert spread(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert spread(101, 5).tolist() == [0, 25, 50, 75, 100]


@pytest.mark.parametrize("module", [hd.plot, hd.datasets])
def test_completion_offers_what_is_meant_to_be_called(module):
    assert dir(module) == sorted(module.__all__)


@pytest.fixture(scope="module")
def schools():
    """A fit whose levels have long names that differ at their ends."""
    data = hd.datasets.load("sleepstudy")
    data["Subject"] = "Northern Comprehensive School of County " + data["Subject"].astype(str)
    return hd.lmm("Reaction ~ Days + (Days | Subject)", data)


def test_long_names_of_levels_do_not_overlap(schools):
    panels = hd.plot.lattice(schools)
    panels[0].figure.canvas.draw()
    boxes = [ax.title.get_window_extent() for ax in panels]
    assert not [j for j, (a, b) in enumerate(itertools.pairwise(boxes)) if a.overlaps(b)]
    assert len({ax.get_title() for ax in panels}) == 18
    assert max(ax.get_title().count("\n") for ax in panels) == 1


@pytest.mark.parametrize("draw", [hd.plot.caterpillar, hd.plot.strip])
def test_long_names_of_levels_leave_room_for_the_data(schools, draw):
    ax = draw(schools)
    ax.figure.canvas.draw()
    assert ax.get_position().width > 0.45
    assert len({label.get_text() for label in ax.get_yticklabels()}) == 18


@pytest.mark.parametrize(("text", "short"), [("abc", "abc"), ("abcdef", "abcdef"), ("abcdefg", "abc…fg")])
def test_a_long_name_loses_its_middle(text, short):
    assert canvas.shorten(text, 6) == short
