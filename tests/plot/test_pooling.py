"""Pictures of poolings and arrivals show the numbers that the tables hold."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import henderson as hd
from henderson.errors import OptionError
from henderson.plot.pooling import BLUE, GREEN, ORANGE

mpl.use("Agg")
import matplotlib.pyplot as plt

close = np.testing.assert_allclose


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def sleep():
    return hd.pooling("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def teeth():
    return hd.pooling("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont"))


def drawn(ax, colour):
    return next(line for line in ax.get_lines() if line.get_color() == colour)


def test_a_lattice_draws_the_lines_of_the_three_methods(sleep):
    record, days = sleep.record, np.arange(10.0)
    for g, ax in enumerate(sleep.plot()):
        assert ax.get_title() == str(record.levels[g])
        for name, colour in (("none", GREEN), ("partial", BLUE)):
            start, slope = record.method(name).coef[g]
            close(drawn(ax, colour).get_ydata(), start + slope * days)
        start, slope = record.method("complete").population
        close(drawn(ax, ORANGE).get_ydata(), start + slope * days)


def test_the_lines_of_a_girl_include_her_sex(teeth):
    ax = next(ax for ax in teeth.plot() if ax.get_title() == "F10")
    ages, beta = np.array([8.0, 10, 12, 14]), teeth.record.method("complete").population
    close(drawn(ax, ORANGE).get_ydata(), beta[0] + beta[2] + (beta[1] + beta[3]) * ages)
    data = hd.datasets.load("orthodont").query("Subject == 'F10'")
    slope, start = np.polyfit(data["age"], data["distance"], 1)
    close(drawn(ax, GREEN).get_ydata(), start + slope * ages)


def test_a_line_of_its_own_ends_with_the_data():
    data = hd.datasets.load("sleepstudy").drop(index=[*range(3, 10)])
    found = hd.pooling("Reaction ~ Days + (Days | Subject)", data, refit=False)
    ax = found.plot()[0]
    assert np.isfinite(drawn(ax, GREEN).get_ydata()).tolist() == [True] * 3 + [False] * 7
    start, slope = found.record.method("partial").coef[0]
    close(drawn(ax, BLUE).get_ydata(), start + slope * np.arange(10))


def test_without_the_data_fitted_values_are_drawn(sleep):
    fit = hd.LinearMixedFit.from_dict(sleep.fit.to_dict())
    for one, two in zip(hd.pooling(fit, refit=False).plot(), sleep.plot(), strict=True):
        close(drawn(one, GREEN).get_ydata(), drawn(two, GREEN).get_ydata(), rtol=1e-6)


def test_arrows_lead_from_alone_to_pooled(sleep):
    ax = sleep.plot("shrinkage")
    none, partial = sleep.record.method("none"), sleep.record.method("partial")
    arrows = [text for text in ax.texts if text.arrow_patch is not None]
    close([text.xyann for text in arrows], none.coef)
    close([text.xy for text in arrows], partial.coef)
    assert {text.get_text() for text in ax.texts} >= {str(level) for level in sleep.record.levels}


def test_contours_hold_their_share_of_the_population(sleep):
    ax = sleep.plot("shrinkage")
    rings = [line for line in ax.get_lines() if len(line.get_xdata()) == 181]
    centre = sleep.record.method("partial").population
    inverse = np.linalg.inv(sleep.record.covariance)
    for ring, share in zip(rings, (0.5, 0.8, 0.95), strict=True):
        away = np.column_stack(ring.get_data()) - centre
        close(np.einsum("ij,jk,ik->i", away, inverse, away), -2 * np.log(1 - share))


def test_every_sex_has_a_population(teeth):
    ax = teeth.plot("shrinkage")
    points = next(line for line in ax.get_lines() if line.get_label() == "population")
    beta = teeth.record.method("partial").population
    close(sorted(points.get_xdata()), sorted([beta[0], beta[0] + beta[2]]), rtol=1e-6)


def test_one_coefficient_is_drawn_group_below_group():
    found = hd.pooling("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    ax = found.plot("shrinkage")
    assert [label.get_text() for label in ax.get_yticklabels()] == list("FDABCE")
    alone = next(line for line in ax.get_lines() if "alone" in line.get_label())
    close(alone.get_xdata(), [1470, 1498, 1505, 1528, 1564, 1600])


def test_a_group_that_cannot_stand_alone_has_no_arrow():
    data = hd.datasets.load("sleepstudy").iloc[[*range(30), *range(33, 60)]]
    data = data.drop(index=data.index[31:37])
    found = hd.pooling("Reaction ~ Days + (Days | Subject)", data, refit=False)
    missing = int(np.isnan(found.record.method("none").coef).any(axis=1).sum())
    arrows = [text for text in found.plot("shrinkage").texts if text.arrow_patch is not None]
    assert missing == 1
    assert len(arrows) == len(found.record.levels) - 1


def test_given_axes_are_used(sleep):
    _, ax = plt.subplots()
    assert sleep.plot("shrinkage", ax=ax) is ax
    _, axes = plt.subplots(2, 2)
    assert list(sleep.plot(ax=axes)) == list(axes.ravel())
    assert len(plt.get_fignums()) == 2


def test_unknown_terms_list_the_known_ones(sleep):
    with pytest.raises(OptionError, match="'Days'"):
        sleep.plot("shrinkage", terms=("Days", "Hours"))
    with pytest.raises(OptionError, match="shrinkage"):
        hd.pooling("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff")).plot()


def test_arrivals_are_drawn_as_tabled(sleep):
    few = {"Days": [0, 1, 2], "Reaction": [310.0, 325.0, 330.0]}
    found = sleep.fit.arrivals(few, at={"Days": [9]})
    left, right = found.plot()
    new = ~found["known"]
    points = [line for line in left.get_lines() if line.get_marker() == "o"]
    close(points[0].get_ydata(), found["estimate"][new])
    close(points[0].get_xdata(), [0, 1, 2, 3])
    ends = np.vstack([s for lines in left.collections for s in lines.get_segments()])[::2, 1]
    close(ends, np.r_[found["pred_low"][new], found["pred_low"][~new]])
    slopes = next(line for line in right.get_lines() if line.get_label() == "Days")
    close(slopes.get_ydata(), found["shrinkage.Days"][new])
    assert left.get_ylabel() == "prediction at Days = 9"
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["0", "1", "2", "3", "308\n(10)"]
