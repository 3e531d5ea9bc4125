"""The R walk through complete, averaged, no and partial pooling of the sleep study: its printed numbers."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd

# What `coef(mod4)$Subject`, `coef(mod5)$Subject` and `coef(mod6)$Subject` print.
SUBJECTS = [308, 309, 310, 330, 331, 332, 333, 334, 335, 337, 349, 350, 351, 352, 369, 370, 371, 372]
DAYS_ONLY = [
    20.0866918, -4.2326711, -0.8189202, 9.1273878, 10.6754843, 11.5352979, 12.7430088, 10.4774867, -0.4337385,
    24.3577325, 7.9069248, 15.2012144, 8.1041559, 17.1349527, 11.8340809, 11.5298510, 9.5898795, 13.5923281,
]  # fmt: skip
INTERCEPTS_ONLY = [
    292.1888, 173.5556, 188.2965, 255.8115, 261.6213, 259.6263, 267.9056, 248.4081, 206.1230,
    323.5878, 230.2089, 265.5165, 243.5429, 287.7835, 258.4415, 245.0424, 248.1108, 269.5209,
]  # fmt: skip
BOTH_INTERCEPTS = [
    253.6637, 211.0064, 212.4447, 275.0957, 273.6654, 260.4447, 268.2456, 244.1725, 251.0714,
    286.2956, 226.1949, 238.3351, 255.9830, 272.2688, 254.6806, 225.7921, 252.2122, 263.7197,
]  # fmt: skip
BOTH_DAYS = [
    19.6662617, 1.8476053, 5.0184295, 5.6529356, 7.3973743, 10.1951090, 10.2436499, 11.5418676, -0.2848792,
    19.0955511, 11.6407181, 17.0815038, 7.4520239, 14.0032871, 11.3395008, 15.2897709, 9.4791297, 11.7513080,
]  # fmt: skip

close = np.testing.assert_allclose


@pytest.fixture(scope="module")
def found():
    return hd.pooling("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


def test_method_1_the_whole_data_set(found):
    complete = found.record.method("complete")
    assert complete.population.round(3).tolist() == [251.405, 10.467]
    assert complete.population_error.round(3).tolist() == [6.610, 1.238]
    assert round(complete.sigma, 2) == 47.71
    assert complete.df == 178


def test_method_2_the_averages_of_each_day(found):
    averaged = found.record.method("averaged")
    assert averaged.population.round(4).tolist() == [251.4051, 10.4673]
    assert averaged.population_error.round(4).tolist() == [2.9111, 0.5453]
    assert round(averaged.sigma, 3) == 4.953
    assert averaged.df == 8


def test_method_3_every_subject_alone(found):
    table = found.to_frame().query("method == 'none'").set_index(["level", "term"])
    assert table["estimate"].loc["330"].round(3).tolist() == [289.685, 3.008]
    assert table["estimate"].loc["308"].round(2).tolist() == [
        244.19,
        21.76,
    ]  # the text rounds 21.765 to 21.77
    assert table["std_error"].loc["308"].round(2).tolist() == [28.08, 5.26]


def levels(found):
    return [int(level) for level in found.record.levels]


def test_method_4a_slopes_vary():
    found = hd.pooling("Reaction ~ Days + (0 + Days | Subject)", hd.datasets.load("sleepstudy"))
    partial = found.record.method("partial")
    assert levels(found) == SUBJECTS
    close(partial.coef[:, 1], DAYS_ONLY, atol=4e-7)  # lme4 stops a little before: see the test below
    assert partial.coef[:, 0].round(4).tolist() == [251.4051] * 18
    close(found.fit.coef["Subject"].values, partial.coef)
    assert round(found.fit.criterion, 1) == 1766.5
    assert round(float(found.record.covariance[1, 1]), 2) == 52.71
    assert round(found.fit.sigma**2, 2) == 842.03
    assert found.fit.fixef.round(2).tolist() == [251.41, 10.47]


def test_method_4b_intercepts_vary():
    found = hd.pooling("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    partial = found.record.method("partial")
    assert levels(found) == SUBJECTS
    assert partial.coef[:, 0].round(4).tolist() == INTERCEPTS_ONLY
    assert partial.coef[:, 1].round(5).tolist() == [10.46729] * 18
    assert round(found.fit.criterion, 1) == 1786.5
    assert round(found.fit.sigma**2, 1) == 960.5
    assert partial.population_error.round(4).tolist() == [9.7467, 0.8042]


def test_method_4c_both_vary(found):
    # lme4 stops its search a little before the optimum, so that its last digits are not those of the model.
    partial = found.record.method("partial")
    close(partial.coef[:, 0], BOTH_INTERCEPTS, atol=2e-4)
    close(partial.coef[:, 1], BOTH_DAYS, atol=3e-5)
    assert round(found.fit.criterion, 1) == 1743.6
    assert partial.population_error.round(3).tolist() == [6.825, 1.546]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("formula", "theta", "intercepts", "days"),
    [
        ("Reaction ~ Days + (0 + Days | Subject)", [0.250192754591], [251.4051] * 18, DAYS_ONLY),
        (
            "Reaction ~ Days + (Days | Subject)",
            [0.966741773967, 0.015169058896, 0.230909953208],
            BOTH_INTERCEPTS,
            BOTH_DAYS,
        ),
    ],
    ids=["4a", "4c"],
)
def test_every_printed_digit_where_lme4_stops(formula, theta, intercepts, days):
    """At the covariance parameters that lme4 1.1-31 ends with (``getME(fit, "theta")``), all 18 rows."""
    fit = hd.lmm(formula, hd.datasets.load("sleepstudy"), start=theta, max_evaluations=1)
    assert fit.theta.tolist() == pytest.approx(theta, rel=1e-12)
    coef = fit.coef["Subject"].values
    assert coef[:, 0].round(4).tolist() == intercepts
    assert coef[:, 1].round(7).tolist() == days


def test_the_subjects_of_the_course_project():
    found = hd.pooling("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    table = found.to_frame().query("method == 'partial'").set_index(["level", "term"])["estimate"]
    assert table.loc["371"].round(2).tolist() == [248.11, 10.47]
    assert table.loc["337"].round(2).tolist() == [323.59, 10.47]
