"""Marginal means, pairwise comparisons, joint tests and slopes against the recorded ones of every model."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from henderson.inference.small_sample.contrasts import contrast_df
from henderson.results import LinearMixedFit, Source

from .fits import fit_once
from .reference import models

DDF = {"kenward_roger": "kenward-roger", "satterthwaite": "satterthwaite", "asymptotic": "none"}
EVERY = {model.id: model for model in models()}

# pbkrtest takes no notice of precision weights: its Kenward-Roger answers for a weighted fit are of other
# data. Ours are held against the dense formulas (tests/inference/small_sample).
WITHOUT_WEIGHTS = {("sim_unb_weights_reml", "kenward_roger")}

# Recorded with emmeans(..., data = all rows): the mean of the covariate then includes rows without response,
# which the fit has not used. Without data = emmeans takes the rows used, as we do.
MEANS_OF_ALL_ROWS = {"carrots_reml": "sens2"}

CASES = [
    pytest.param(model.id, k, key, id=f"{model.id} {spec['spec']} {key}")
    for model in EVERY.values()
    for k, spec in enumerate(model.numbers.get("emmeans") or [])
    for key in DDF
    if key in spec and (model.id, key) not in WITHOUT_WEIGHTS
]
SLOPES = [
    pytest.param(model.id, k, key, id=f"{model.id} {spec['var']} {key}")
    for model in EVERY.values()
    for k, spec in enumerate(model.numbers.get("emtrends") or [])
    for key in DDF
    if key in spec
]
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded results at hand hold no marginal means")


@cache
def fit(name: str) -> LinearMixedFit:
    model = EVERY[name]
    fitted = fit_once(model)
    return LinearMixedFit(fitted.design, fitted.estimate, Source(model.formula, data=model.frame()))


def numbers(values: list[Any]) -> np.ndarray:
    special = {"Inf": np.inf, "-Inf": -np.inf, "NA": np.nan, None: np.nan}
    return np.array([special[v] if v is None or isinstance(v, str) else v for v in values], dtype=float)


def same(table: Any, recorded: dict[str, list[Any]], estimate: str, *, p: float = 1e-4) -> None:
    """Estimates and standard errors to 1e-6, degrees of freedom to 1e-5, p-values to 1e-4."""
    error = numbers(recorded["SE"])
    np.testing.assert_allclose((table["estimate"] - numbers(recorded[estimate])) / error, 0, atol=1e-6)
    np.testing.assert_allclose(table["std_error"], error, rtol=1e-6)
    np.testing.assert_allclose(table["df"], numbers(recorded["df"]), rtol=1e-5)
    for low in {"lower.CL", "asymp.LCL"} & set(recorded):
        np.testing.assert_allclose((table["conf_low"] - numbers(recorded[low])) / error, 0, atol=1e-5)
    for statistic in {"t.ratio", "z.ratio"} & set(recorded):
        np.testing.assert_allclose(table["statistic"], numbers(recorded[statistic]), rtol=1e-5, atol=1e-6)
    if "p.value" in recorded:
        np.testing.assert_allclose(table["p_value"], numbers(recorded["p.value"]), rtol=p, atol=p * 1e-2)


def at_of(name: str) -> dict[str, float]:
    covariate = MEANS_OF_ALL_ROWS.get(name)
    return {covariate: float(EVERY[name].frame()[covariate].mean())} if covariate else {}


@pytest.mark.parametrize(("name", "k", "key"), CASES)
def test_means_and_pairs(name, k, key):
    spec = EVERY[name].numbers["emmeans"][k]
    recorded = spec[key]
    means = fit(name).emmeans(spec["spec"], ddf=DDF[key], at=at_of(name))
    same(means, recorded["means"], "emmean")
    plain = means.pairs(adjust="none")
    assert list(plain["contrast"]) == recorded["pairs_none"]["contrast"]
    same(plain, recorded["pairs_none"], "estimate")
    # R's ptukey() is good to some 1e-5 only; tests/inference/means hold ours against scipy and exact values
    same(means.pairs(), recorded["pairs_tukey"], "estimate", p=5e-3)


@pytest.mark.parametrize(("name", "k", "key"), CASES)
def test_joint_tests(name, k, key):
    recorded = EVERY[name].numbers["emmeans"][k][key]["joint_tests"]
    table = fit(name).joint_tests(ddf=DDF[key])
    assert list(table["term"]) == recorded["model term"]
    np.testing.assert_array_equal(table["num_df"], numbers(recorded["df1"]))
    F = table["statistic"] / (table["num_df"] if key == "asymptotic" else 1)
    one = table["num_df"] == 1
    # emmeans gives the plain Wald statistic; Kenward and Roger scale it where several contrasts are tested
    plain = one if key == "kenward_roger" else np.ones_like(one)
    np.testing.assert_allclose(F[plain], numbers(recorded["F.ratio"])[plain], atol=6e-4)  # recorded to 0.001
    np.testing.assert_allclose(table["den_df"][one], numbers(recorded["df2"])[one], atol=6e-3)
    np.testing.assert_allclose(
        table["p_value"][one], numbers(recorded["p.value"])[one], rtol=1e-3, atol=1e-12
    )


@pytest.mark.parametrize(
    "name", ["grouse_lmm_reml", "sim_unb_add_reml", "sim_unb_sum_reml", "exam_slope_reml"]
)
def test_joint_degrees_of_freedom_of_emmeans_are_the_smallest_of_orthogonal_contrasts(name):
    if name not in EVERY:
        pytest.skip("not at hand")
    spec = EVERY[name].numbers["emmeans"][0]
    recorded, found = spec["satterthwaite"]["joint_tests"], fit(name)
    factor = spec["spec"].removeprefix("~")
    L = found.emmeans(factor).contrast("sequential").linear.L
    smallest = contrast_df(found._small_sample(), np.linalg.qr(L.T)[0].T).min()
    assert abs(smallest - recorded["df2"][recorded["model term"].index(factor)]) < 6e-3


@pytest.mark.parametrize(("name", "k", "key"), SLOPES)
def test_slopes(name, k, key):
    spec = EVERY[name].numbers["emtrends"][k]
    slopes = fit(name).emtrends(spec["spec"], var=spec["var"], ddf=DDF[key])
    same(slopes, spec[key]["trends"], f"{spec['var']}.trend")
    same(slopes.pairs(adjust="none"), spec[key]["pairs"], "estimate")
