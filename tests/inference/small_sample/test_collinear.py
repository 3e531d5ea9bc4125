"""Covariates far from zero: what stays exact, and what is said where digits are lost."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import henderson as hd
from henderson.errors import HendersonWarning
from henderson.inference.small_sample.collinear import collinear_columns, conditioning, digits


def rows(seed, mean=0.0, sd=1.0):
    """Forty-eight rows in eight groups; the covariate is moved and stretched, all else the same."""
    rng = np.random.default_rng(seed)
    g, treatment = np.repeat(np.arange(8), 6), np.tile(np.array(["a", "b"]), 24)
    x, b = rng.normal(size=48), rng.normal(size=(8, 2))[g]
    y = b[:, 0] + b[:, 1] * x + 0.3 * x + rng.normal(size=48)
    return {"y": y, "x": mean + sd * x, "treatment": treatment, "z": rng.normal(size=48), "g": g.astype(str)}


def words(shown):
    """A printout without its line breaks."""
    return " ".join(str(shown).split())


@pytest.fixture
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HendersonWarning)
        yield


@pytest.mark.parametrize("seed", [0, 1, 7, 10], ids="seed={}".format)
@pytest.mark.parametrize(("mean", "digits"), [(100, 7), (2000, 5), (10_000, 3)])
def test_degrees_of_freedom_of_a_slope_do_not_depend_on_where_zero_is(seed, mean, digits):
    here = hd.lmm("y ~ x + (x | g)", rows(seed)).coeftable()
    there = hd.lmm("y ~ x + (x | g)", rows(seed, mean)).coeftable()
    assert abs(there.df[1] / here.df[1] - 1) < 10.0**-digits


def test_some_of_those_fits_are_singular_and_some_are_not():
    assert {hd.lmm("y ~ x + (x | g)", rows(seed)).is_singular for seed in (0, 1, 7, 10)} == {True, False}


INTERACTIONS = ("y ~ x * treatment + (1 | g)", "y ~ x * z + (1 | g)")


@pytest.mark.parametrize("formula", INTERACTIONS)
@pytest.mark.parametrize("far", [1e3, 3e4, 1e5, 1e6])
def test_as_many_digits_are_left_as_it_says(quiet, formula, far):
    """Measured on t, whose error is one of the estimate in standard errors."""
    for seed in range(4):
        near = hd.lmm(formula, rows(seed)).coeftable(ddf="residual").statistic.iloc[-1]
        fit = hd.lmm(formula, rows(seed, 50, 50 / far))
        said = collinear_columns(fit.design, fit.estimate.cross)
        assert bool(said) == (far > 1e4)
        left = int(digits(conditioning(fit.estimate.cross)[0]))
        assert not said or f"about {left} reliable digit" in said
        error = abs(fit.coeftable(ddf="residual").statistic.iloc[-1] - near)
        assert error < max(10.0**-left, 1e-6) * max(1, abs(near))


def test_it_names_the_columns_and_what_to_type(quiet):
    fit = hd.lmm("y ~ x * treatment + (1 | g)", rows(0, 50, 3e-5))
    said = collinear_columns(fit.design, fit.estimate.cross)
    assert said.startswith("treatmentb and x:treatmentb are almost a combination of one another")
    typed = re.search(r"Type (I\(.*?\)) for x", said).group(1)
    cured = hd.lmm(f"y ~ {typed} * treatment + (1 | g)", rows(0, 50, 3e-5))
    assert collinear_columns(cured.design, cured.estimate.cross) == ""
    near = hd.lmm("y ~ x * treatment + (1 | g)", rows(0))
    np.testing.assert_allclose(
        cured.anova().to_frame().statistic[[0, 2]], near.anova().to_frame().statistic[[0, 2]], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("formula", "typed"),
    [
        ("y ~ 0 + treatment + x:treatment + (1 | g)", "scale(x)"),
        ("y ~ x + copy + (1 | g)", "Of columns that say the same keep one"),
    ],
)
def test_other_cures(quiet, formula, typed):
    data = rows(0, 50, 3e-4) if "copy" not in formula else rows(0)
    data["copy"] = data["x"] + 1e-6 * data["z"]
    fit = hd.lmm(formula, data)
    assert typed in collinear_columns(fit.design, fit.estimate.cross)


def test_ordinary_designs_have_nothing_said_of_them():
    for name, formula in (
        ("sleepstudy", "Reaction ~ Days + I(Days^2) + I(Days^3) + (Days | Subject)"),
        ("machines", "score ~ Machine + (Machine | Worker)"),
    ):
        fit = hd.lmm(formula, hd.datasets.load(name))
        assert collinear_columns(fit.design, fit.estimate.cross) == ""
    calendar = {**rows(0, 2015, 3), "x2": rows(1)["x"]}
    fit = hd.lmm("y ~ x * treatment + x2 + (x | g)", calendar)
    assert collinear_columns(fit.design, fit.estimate.cross) == ""


def test_it_is_warned_of_at_the_line_of_the_fit_and_said_in_every_table():
    with pytest.warns(HendersonWarning, match="almost a combination") as caught:
        fit = hd.lmm("y ~ x * treatment + (1 | g)", rows(0, 50, 3e-5))
    assert caught[0].filename == __file__
    tables = [fit.summary(), fit.summary(ddf="kenward-roger"), fit.anova(), fit.anova(ddf="none")]
    tables += [fit.emmeans("treatment"), fit.emmeans("treatment").contrast("pairwise"), fit.joint_tests()]
    for table in [*tables, fit.test("x = 0")]:
        assert "almost a combination" in words(table)
        assert max(len(line) for line in str(table).splitlines()) <= 82


@pytest.mark.parametrize(
    "formula", [*INTERACTIONS, "y ~ x * treatment + (x | g)", "y ~ x * treatment + (treatment | g)"]
)
@pytest.mark.parametrize("far", [1e4, 1e6, 3e6, 8e6])
def test_no_degrees_of_freedom_without_a_reason(quiet, formula, far):
    for seed in range(4):
        fit = hd.lmm(formula, rows(seed, 50, 50 / far))
        for ddf in ("satterthwaite", "kenward-roger"):
            try:
                table = fit.anova(ddf=ddf)
            except hd.errors.FitError as error:
                said, lost = str(error), True
            else:
                said, lost = words(table), table.to_frame().den_df.isna().any()
            assert not lost or "almost a combination" in said or "No test of" in said


@pytest.mark.parametrize("call", ["coeftable", "tidy", "confint"])
def test_plain_frames_without_degrees_of_freedom_warn_why_at_the_line_that_asked(call):
    fit = hd.lmm("y ~ g + (1 | g)", rows(0))
    options = {"ddf": "satterthwaite"} if call == "confint" else {}
    with pytest.warns(HendersonWarning, match="use up the differences between the levels of g") as caught:
        getattr(fit, call)(**options)
    assert [one.filename for one in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(fit, call)(ddf="none")
