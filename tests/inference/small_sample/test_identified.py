"""Fits whose variances the data cannot tell: no degrees of freedom, and a sentence that says why."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import FitError, HendersonWarning
from henderson.inference.small_sample.identified import spanned_terms
from tests.inference.cases import NAMES
from tests.inference.cases import fit as case


def confounded(reml=True):
    """Three groups, and a fixed factor with one level a group: no group repeats a treatment."""
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=12), "f": list("ppppqqqqrrrr"), "g": list("aaaabbbbcccc")}
    return hd.lmm("y ~ f + (1 | g)", data, reml=reml)


def one_left():
    rng = np.random.default_rng(1)
    data = {"y": rng.normal(size=4), "x": rng.normal(size=4), "z": rng.normal(size=4), "g": list("aabb")}
    return hd.lmm("y ~ x + z + (1 | g)", data)


@pytest.mark.parametrize("reml", [True, False])
def test_treatments_without_replication(reml):
    fit, words = confounded(reml), "the fixed effects use up the differences between the levels of g"
    with pytest.warns(HendersonWarning, match=words):
        table = fit.coeftable()
    assert np.isnan(table["df"]).all()
    assert np.isnan(table["p_value"]).all()
    assert np.isnan(fit.anova()["p_value"]).all()
    assert words in " ".join(str(fit).split())
    assert words in " ".join(str(fit.anova()).split())
    with pytest.raises(FitError, match=words):
        fit.coeftable(ddf="kenward-roger")
    assert np.isfinite(fit.coeftable(ddf="residual")["p_value"]).all()


def test_one_residual_degree_of_freedom():
    fit, words = one_left(), "1 residual degree of freedom cannot tell 2 variance parameters apart"
    with pytest.warns(HendersonWarning, match=words):
        assert np.isnan(fit.coeftable()["df"]).all()
    assert words in " ".join(str(fit).split())
    with pytest.raises(FitError, match=words):
        fit.vcov_adjusted()


def test_a_variance_of_zero_is_called_that():
    """29 degrees of freedom would do; what is missing is curvature at a variance of zero."""
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    with pytest.raises(FitError, match="not positive at the variance of Batch, estimated as zero") as caught:
        fit.coeftable(ddf="kenward-roger", information="observed")
    assert "residual degrees of freedom" not in str(caught.value)
    assert "information='expected'" in str(caught.value)
    assert np.isfinite(fit.coeftable(ddf="kenward-roger")["df"]).all()


def test_two_groups_a_treatment_suffice():
    rng = np.random.default_rng(3)
    data = {"y": rng.normal(size=24), "f": np.repeat(list("pqr"), 8), "g": np.repeat(list("abcdef"), 4)}
    fit = hd.lmm("y ~ f + (1 | g)", data)
    assert spanned_terms(fit.estimate) == ()
    assert np.isfinite(fit.coeftable(ddf="kenward-roger")["df"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_ordinary_fits_are_told_apart(name):
    assert spanned_terms(case(name).estimate) == ()
    assert case(name)._small_sample().note == ""


def test_a_slope_that_the_fixed_effects_span():
    """Where every group has its own fixed slope the variance of the slopes cannot be estimated."""
    rng = np.random.default_rng(5)
    g = np.repeat(list("abcd"), 8)
    data = {"y": rng.normal(size=32), "x": rng.normal(size=32), "g": g}
    assert spanned_terms(hd.lmm("y ~ x:g + (0 + x | g)", data).estimate) == (0,)
    assert spanned_terms(hd.lmm("y ~ x + (0 + x | g)", data).estimate) == ()
