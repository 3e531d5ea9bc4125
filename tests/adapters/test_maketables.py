"""Fits in the tables of maketables: its plug-in attributes, and a table made by the package itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import henderson as hd


@pytest.fixture(scope="module")
def sleep():
    return hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)


def test_coefficients(fit):
    table = fit.__maketables_coef_table__
    assert isinstance(table, pd.DataFrame) and table.index.name == "Coefficient"
    assert list(table.index) == ["Intercept", "Days"]
    assert {"b", "se", "t", "p", "ci95l", "ci95u"} <= set(table.columns)
    np.testing.assert_array_equal(table["b"], fit.beta)
    np.testing.assert_allclose(table["se"], fit.se, rtol=1e-12)
    np.testing.assert_allclose(table["df"], [17, 17], rtol=1e-5)  # balanced: one fewer than subjects
    np.testing.assert_allclose(table["p"], 2 * stats.t.sf(table["t"], table["df"]), rtol=1e-10)
    half = stats.t.ppf(0.975, table["df"]) * table["se"]
    np.testing.assert_allclose(table["ci95u"] - table["b"], half, rtol=1e-10)
    np.testing.assert_allclose(table["b"] - table["ci95l"], half, rtol=1e-10)


def test_coefficients_are_a_pandas_frame_whatever_went_in(sleep, fit):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"r": sleep["Reaction"].to_numpy(), "s": sleep["Subject"].astype(str).to_list()})
    table = hd.lmm("r ~ 1 + (1 | s)", frame).__maketables_coef_table__
    assert isinstance(table, pd.DataFrame)


def test_dropped_columns_have_no_row(sleep):
    fit = hd.lmm("Reaction ~ Days + twice + (1 | Subject)", sleep.assign(twice=2 * sleep["Days"]))
    assert list(fit.__maketables_coef_table__.index) == ["Intercept", "Days"]


def test_statistics(fit):
    expected = {
        "N": 180,
        "Groups (Subject)": 18,
        "SD (Subject: Intercept)": fit.varcorr["Subject"].sd[0],
        "SD (Subject: Days)": fit.varcorr["Subject"].sd[1],
        "Corr (Subject: Intercept, Days)": fit.varcorr["Subject"].corr[1, 0],
        "SD (Residual)": fit.sigma,
        "ll": fit.loglik,
        "aic": fit.aic,
        "bic": fit.bic,
        "Method": "REML",
        "se_type": "Satterthwaite",
        "R² (marginal)": fit.r2().marginal,
        "R² (conditional)": fit.r2().conditional,
        "ICC": fit.icc().adjusted,
        "rmse": fit.rmse(),
    }
    assert {key: fit.__maketables_stat__(key) for key in expected} == expected
    assert fit.__maketables_stat__("concordance") is None
    assert all(fit.__maketables_stat__(key) is not None for key in fit.__maketables_default_stat_keys__)


def test_every_random_effect_has_its_statistics(fit):
    from henderson.inference.publication import statistics

    found = [key for key in statistics(fit.design, fit.estimate) if "(" in key]
    assert found == [
        "Groups (Subject)",
        "SD (Subject: Intercept)",
        "SD (Subject: Days)",
        "Corr (Subject: Intercept, Days)",
        "SD (Residual)",
    ]


def test_terms_on_one_factor_keep_apart(sleep):
    keys = hd.lmm("Reaction ~ Days + (Days || Subject)", sleep).__maketables_default_stat_keys__
    assert "SD (Subject: Intercept)" in keys and "SD (Subject.1: Days)" in keys


def test_labels_of_the_frame_are_passed_on(sleep):
    labelled = sleep.copy()
    labelled.attrs["variable_labels"] = {"Days": "Days of deprivation"}
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", labelled)
    assert fit.__maketables_var_labels__ == {"Days": "Days of deprivation"}
    assert hd.lmm("Reaction ~ Days + (1 | Subject)", sleep).__maketables_var_labels__ is None


def test_a_table_of_two_fits(sleep, fit):
    maketables = pytest.importorskip("maketables")
    simple = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    text = maketables.ETable([simple, fit]).make("tex")
    rows = {line.split(" & ")[0]: line.rstrip("\\ ").split(" & ")[1:] for line in text.splitlines()}
    assert rows["Days"] == [r"\makecell{10.467*** \\ (0.804)}", r"\makecell{10.467*** \\ (1.546)}"]
    assert rows["Observations"] == ["180", "180"]
    assert rows["SD (Subject: Days)"] == ["-", "5.922"]
    assert rows["Method"] == ["REML", "REML"]
    assert rows["$R^2$ (marginal)"] == ["0.28", "0.279"]
    assert r"\multicolumn{2}{c}{Reaction}" in text


def test_beside_a_fit_of_statsmodels(sleep, fit):
    maketables = pytest.importorskip("maketables")
    ols = pytest.importorskip("statsmodels.formula.api").ols("Reaction ~ Days", sleep).fit()
    text = maketables.ETable([ols, fit]).make("tex")
    (intercept,) = (line for line in text.splitlines() if line.startswith("Intercept &"))
    assert intercept.count("251.405") == 2  # one row for both packages


def test_formats_reach_limits_and_degrees_of_freedom(fit):
    maketables = pytest.importorskip("maketables")
    text = maketables.ETable([fit], coef_fmt="b:.1f [ci95l:.1f, ci95u:.1f] df:.0f").make("tex")
    assert "10.5 [7.2, 13.7] 17" in text
