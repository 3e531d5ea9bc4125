"""Degrees of freedom, tests and adjusted covariances against lmerTest, pbkrtest and car.

Where the recorded numbers are wrong the tests say why:

* pbkrtest takes the residual covariance as sigma^2 I even where the fit has weights (`IGNORES_WEIGHTS`): the
  paper's formulas with V written out give its numbers if the weights are left out of everything but Phi, and
  ours with them.
* Covariates of scale 1e6 or 1e-4 beside others of scale 1 (`BAD_SCALES`) leave lmerTest's numerical Hessian,
  pbkrtest's inverse and lmerTest's contrasts without digits.  Rescaled in R, the same models give what
  we give with and without rescaling.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import pytest

import henderson as hd
from henderson import estimate as estimation
from henderson.inference.hypotheses.anova import anova
from henderson.inference.hypotheses.term_contrasts import (
    by_names,
    hierarchical,
    marginal_means,
    own_coding,
    sequential,
)
from henderson.inference.small_sample import SmallSample, f_test, small_sample, t_tests
from tests.inference.small_sample import dense

from .fits import fit_once
from .reference import models

MODELS = {model.id: model for model in models()}
IGNORES_WEIGHTS = ("sim_unb_weights_reml", "sleep_weights_reml")
BAD_SCALES = ("sim_scale_ri_reml", "sim_scale_x1_ml", "sim_scale_x2_reml")
EXCEPT = {
    **dict.fromkeys(IGNORES_WEIGHTS, ("kenward",)),
    "sim_scale_x1_ml": ("satterthwaite", "anova"),
    "sim_scale_x2_reml": ("kenward", "anova_I", "anova_III"),
    "sim_scale_ri_reml": ("anova_I", "anova_III"),
}
"""Recorded tables that are wrong, by the beginnings and parts of their names."""

# lmerTest and pbkrtest on the same rows with x1 and x2 divided by their standard deviations.
RESCALED_IN_R = {
    ("sim_scale_x1_ml", "satterthwaite"): [41.41121, 41.40078, 341.56628, 338.47594],
    ("sim_scale_x2_reml", "kenward-roger"): [130.89309, 358.02798, 33.59627, 358.74161],
}


def with_field(*path: str) -> list[str]:
    """Models that have a recorded table."""
    out = []
    for name, model in MODELS.items():
        found: Any = model.numbers
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        if found:
            out.append(name)
    return out


def wrong(name: str, table: str) -> bool:
    """Whether a recorded table is known to be wrong."""
    return any(table.startswith(part) or part in table.split("_") for part in EXCEPT.get(name, ()))


@cache
def sample(name: str, ddf: str) -> SmallSample:
    """What our tests of a model rest on."""
    fitted = fit_once(MODELS[name])
    return small_sample(fitted.design, fitted.estimate, ddf)


def relative(ours: Any, theirs: Any) -> float:
    """Largest relative difference; p-values below 1e-290 have lost theirs."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    there = np.isfinite(theirs) & (np.abs(theirs) > 1e-290)
    return float((np.abs(ours - theirs)[there] / np.abs(theirs[there])).max(initial=0.0))


@pytest.mark.parametrize("name", with_field("lmerTest", "coef_satterthwaite"))
def test_satterthwaite_of_the_coefficients(name):
    if wrong(name, "satterthwaite"):
        pytest.skip("recorded without digits; see test_bad_scales")
    recorded = np.array(MODELS[name].numbers["lmerTest"]["coef_satterthwaite"]["values"], dtype=float)
    tests = t_tests(sample(name, "satterthwaite"), np.eye(len(recorded)))
    assert relative(tests.df, recorded[:, 2]) < 1e-3
    assert relative(tests.statistic, recorded[:, 3]) < 1e-4
    assert relative(tests.p_value, recorded[:, 4]) < 1e-3


@pytest.mark.parametrize("name", with_field("lmerTest", "vcov_varpar"))
def test_covariance_of_theta_and_sigma(name):
    fitted = fit_once(MODELS[name])
    if fitted.estimate.singular or MODELS[name].caveat or name in BAD_SCALES:
        pytest.skip("not unique, or without digits")
    if name == "machines_dbarfactor_reml":
        pytest.skip("seven parameters of a covariance matrix with six entries")
    recorded = np.array(MODELS[name].numbers["lmerTest"]["vcov_varpar"], dtype=float)
    assert (
        np.abs(sample(name, "satterthwaite").parameter_vcov - recorded).max() < 1e-4 * np.abs(recorded).max()
    )


@pytest.mark.parametrize("name", with_field("pbkrtest", "vcov_adj"))
def test_kenward_roger(name):
    if wrong(name, "kenward"):
        pytest.skip("recorded number is wrong; see the tests below")
    recorded = MODELS[name].numbers["pbkrtest"]
    ours, vcov = sample(name, "kenward-roger"), np.array(recorded["vcov_adj"], dtype=float)
    size = np.sqrt(np.outer(np.diag(vcov), np.diag(vcov)))
    assert np.abs((ours.vcov - vcov) / size).max() < 1e-5
    assert relative(t_tests(ours, np.eye(ours.p)).df, recorded["ddf_per_coef"]) < 1e-3


@pytest.mark.parametrize("name", with_field("lmerTest", "coef_kenward_roger"))
def test_kenward_roger_of_the_coefficients(name):
    if wrong(name, "kenward"):
        pytest.skip("recorded number is wrong; see the tests below")
    recorded = np.array(MODELS[name].numbers["lmerTest"]["coef_kenward_roger"]["values"], dtype=float)
    tests = t_tests(sample(name, "kenward-roger"), np.eye(len(recorded)))
    assert relative(tests.std_error, recorded[:, 1]) < 1e-5
    assert relative(tests.df, recorded[:, 2]) < 1e-3
    assert relative(tests.p_value, recorded[:, 4]) < 1e-3


ANOVA = [
    (name, table)
    for name in with_field("lmerTest")
    for table in MODELS[name].numbers["lmerTest"]
    if table.startswith("anova_") and not wrong(name, table)
]
TYPES = {"I": sequential, "II": hierarchical, "III": marginal_means}


@pytest.mark.parametrize(("name", "table"), ANOVA)
def test_anova_is_lmertests(name, table):
    recorded = MODELS[name].numbers["lmerTest"][table]
    kind, ddf = table.split("_")[1], "kenward-roger" if "kenward" in table else "satterthwaite"
    contrasts = TYPES[kind](fit_once(MODELS[name]).design)
    ours = sample(name, ddf)
    shown = anova(fit_once(MODELS[name]).design, ours, "", kind)
    for row, (sum_sq, mean_sq, num_df, den_df, F, p_value) in rows(recorded):
        found, at = f_test(ours, contrasts[row]), shown.terms.index(row)
        assert found.num_df == num_df
        assert relative(found.statistic, F) < 1e-4
        assert relative([found.den_df, found.p_value], [den_df, p_value]) < 1e-3
        if kind == "II" and name != "sim_near_cat_reml":  # rows as lmerTest has them, not only their span
            assert relative(found.den_df, den_df) < 1e-5
        assert relative([shown.sum_sq[at], shown.mean_sq[at]], [sum_sq, mean_sq]) < 1e-4


CAR = [
    (name, table)
    for name in with_field("car_anova")
    for table in ("II_chisq", "III_chisq", "II_F_kr", "III_F_kr")
    if table in MODELS[name].numbers["car_anova"] and not ("kr" in table and wrong(name, "kenward"))
]


@pytest.mark.parametrize(("name", "table"), CAR)
def test_anova_is_cars(name, table):
    ours = sample(name, "none" if "chisq" in table else "kenward-roger")
    design = fit_once(MODELS[name]).design
    contrasts = own_coding(design) if table.startswith("III") else by_names(design, ours.vcov)
    for row, numbers in rows(MODELS[name].numbers["car_anova"][table]):
        found = f_test(ours, contrasts[row])
        assert relative(found.statistic, numbers[0]) < 1e-4
        assert found.num_df == numbers[1]
        assert relative(found.p_value, numbers[-1]) < 1e-3
        if "kr" in table:
            assert relative(found.den_df, numbers[2]) < 1e-3


def rows(recorded: dict[str, Any]) -> list[tuple[str, list[float]]]:
    """Rows of a recorded table; terms without a column of their own have none."""
    return [
        (row, numbers)
        for row, numbers in zip(recorded["rows"], recorded["values"], strict=True)
        if None not in numbers
    ]


# -- where the recorded numbers are wrong ----------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in IGNORES_WEIGHTS if name in with_field("pbkrtest")])
def test_pbkrtest_leaves_out_the_weights(name):
    fitted = fit_once(MODELS[name])
    design, estimate = fitted.design, fitted.estimate
    recorded = np.array(MODELS[name].numbers["pbkrtest"]["vcov_adj"], dtype=float)
    np.testing.assert_allclose(half_weighted(design, estimate), recorded, rtol=1e-6)
    right = dense.kenward_roger(design, estimate, dense.linear_parts(design)).adjusted
    np.testing.assert_allclose(sample(name, "kenward-roger").vcov, right, rtol=1e-6)
    assert np.abs(recorded / right - 1).max() > 1e-3


def half_weighted(design: Any, estimate: Any) -> np.ndarray:
    """The paper's adjustment with the fit's Phi, and V and its derivatives as if all weights were one."""
    V = np.linalg.inv(dense.covariance(design, estimate, weighted=False))
    parts, X, phi = dense.linear_parts(design, weighted=False), design.X, estimate.vcov
    P = [-X.T @ V @ G @ V @ X for G in parts]
    Q = [[X.T @ V @ G @ V @ H @ V @ X for H in parts] for G in parts]
    pairs = [(i, j) for i in range(len(parts)) for j in range(len(parts))]
    information = np.array(
        [
            np.trace(V @ parts[i] @ V @ parts[j]) - np.trace(2 * phi @ Q[i][j] - phi @ P[i] @ phi @ P[j])
            for i, j in pairs
        ]
    )
    W = 2 * np.linalg.inv(information.reshape(len(parts), -1))
    middle = sum(W[i, j] * (Q[i][j] - P[i] @ phi @ P[j]) for i, j in pairs)
    return np.asarray(phi + 2 * phi @ middle @ phi)


@pytest.mark.parametrize("name", [name for name in BAD_SCALES if name in MODELS])
def test_bad_scales(name):
    """Units of the covariates change no test; and rescaled, R agrees."""
    model = MODELS[name]
    frame = model.frame()
    for column in ("x1", "x2"):
        frame[column] /= frame[column].std()
    rescaled = hd.lmm(model.formula, frame, reml=model.reml)
    for ddf in ("satterthwaite", "kenward-roger"):
        ours, other = sample(name, ddf), rescaled._small_sample(ddf)
        here, there = t_tests(ours, np.eye(ours.p)), t_tests(other, np.eye(ours.p))
        assert relative(here.df, there.df) < 1e-5
        assert relative(here.statistic, there.statistic) < 1e-6
        if (name, ddf) in RESCALED_IN_R:
            assert relative(here.df, RESCALED_IN_R[name, ddf]) < 1e-4
        contrasts = marginal_means(fit_once(model).design)
        F = [f_test(ours, contrasts[x]).statistic for x in ("x1", "x2", "x3")]
        assert relative(F, here.statistic[1:] ** 2) < 1e-6  # no interactions: type III is the t test
        first = {x: f_test(ours, L).statistic for x, L in sequential(fit_once(model).design).items()}
        again = {x: f_test(other, L).statistic for x, L in sequential(rescaled.design).items()}
        assert relative(list(first.values()), list(again.values())) < 1e-5


@pytest.mark.skipif("insteval_service_reml" not in MODELS, reason="needs the InstEval data")
def test_insteval_costs_a_few_fits():
    """73,421 rows, 4,114 groups: n x n would be 43 GB; here each table is to cost less than ten fits."""
    fitted = fit_once(MODELS["insteval_service_reml"])

    def least(call: Any) -> float:
        out = []
        for _ in range(2):
            begin = time.perf_counter()
            call()
            out.append(time.perf_counter() - begin)
        return min(out)

    fit = least(lambda: estimation.fit(fitted.design))
    for ddf in ("satterthwaite", "kenward-roger"):
        assert least(lambda kind=ddf: small_sample(fitted.design, fitted.estimate, kind)) < 10 * fit
