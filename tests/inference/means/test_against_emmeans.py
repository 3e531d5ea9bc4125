"""Means, contrasts, slopes and joint tests against R's emmeans, recorded; unbalanced data throughout."""

from __future__ import annotations

import numpy as np
import pytest

from henderson.inference.small_sample.contrasts import contrast_df

from .recorded import agree, answers, fitted, numbers, rows

FULL = "y ~ A * B + z + log(x) + (1 | g)"
CURVE = "y ~ A * poly(x, 3) + (1 | g)"
DEFICIENT = "y ~ A * B + x + (1 | g)"


def full():
    return fitted(FULL, weights="w")


@pytest.mark.parametrize("weights", ["equal", "proportional", "outer", "cells", "flat"])
def test_weights(weights):
    # frequencies are sums of the fit's weights; cells that do not occur weigh nothing under "flat"
    agree(full().emmeans("A", weights=weights), answers()["full"][weights])


@pytest.mark.parametrize("weights", ["outer", "proportional"])
def test_weights_over_two_factors(weights):
    agree(full().emmeans("z", weights=weights), answers()["full"][f"{weights}_z"])


def test_values_and_groups():
    found = full().emmeans("~ A | B", at={"z": 0, "x": 3})
    agree(found, answers()["full"]["at_by"])
    agree(found.pairs(), answers()["full"]["at_by_pairs"])
    # z has two different values: they are levels
    agree(full().emmeans("~ x | z", at={"x": [2, 4]}), answers()["full"]["x_z"])
    agree(full().emmeans("~ 1"), answers()["full"]["overall"], labels=False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("pairwise", "pairwise"),
        ("revpairwise", "revpairwise"),
        ("treatment", "trt.vs.ctrl"),
        ("sequential", "consec"),
        ("polynomial", "poly"),
        ("eff", "eff"),
        ("del.eff", "del.eff"),
    ],
)
def test_families(ours, theirs):
    found = full().emmeans("A")
    agree(found.contrast(ours, adjust="none"), answers()["full"][f"family_{theirs}"])
    agree(found.contrast(theirs, adjust="none"), answers()["full"][f"family_{theirs}"])


@pytest.mark.parametrize("adjust", ["tukey", "holm", "bonferroni", "sidak", "fdr", "scheffe", "none"])
def test_adjustments(adjust):
    agree(full().emmeans("A").pairs(adjust=adjust), answers()["full"][f"adjust_{adjust}"])


def test_multivariate_t():
    # R samples: its own p-values move by 1e-4 and its limits by 1e-3 of the standard error between seeds
    found, recorded = full().emmeans("A").pairs(adjust="mvt"), answers()["full"]["adjust_mvt"]
    np.testing.assert_allclose(found["p_value"], numbers(recorded["p.value"]), atol=3e-4)
    np.testing.assert_allclose(found["conf_low"], numbers(recorded["lower.CL"]), atol=2e-3)


def without(recorded, *names):
    return {name: values for name, values in recorded.items() if name not in names}


def test_adjusted_limits_of_means():
    agree(full().emmeans("A", adjust="sidak"), answers()["full"]["means_sidak"])
    agree(full().emmeans("A").confint(adjust="sidak"), answers()["full"]["means_sidak"])
    tukey = full().emmeans("A").confint(adjust="tukey")  # is not for means
    agree(tukey, answers()["full"]["means_sidak"])
    assert "Sidak" in str(tukey)


def test_sides_and_nulls():
    means = full().emmeans("A")
    agree(means.test(25, side="<"), without(answers()["full"]["means_less"], "lower.CL", "upper.CL"))
    agree(means.confint(side="less"), without(answers()["full"]["means_less"], "t.ratio", "p.value"))
    greater = answers()["full"]["pairs_greater"]
    agree(means.pairs(adjust="tukey").test(side="greater"), without(greater, "lower.CL", "upper.CL"))
    agree(means.pairs(adjust="sidak").confint(side="greater"), without(greater, "p.value"))


def test_equivalence_and_non_inferiority():
    means = full().emmeans("A")
    agree(means.test(25, delta=1), answers()["full"]["equivalent"])
    agree(means.test(25, delta=1, side="greater"), answers()["full"]["noninferior"])


def test_slopes():
    for var, name in (("x", "trend"), ("log(x)", "trend_log")):
        slopes_agree(full().emtrends("A", var=var), answers()["full"][name], var)


def slopes_agree(table, recorded, var="x"):
    """As near as the one-sided difference quotient of emmeans is to the slope."""
    np.testing.assert_allclose(table["estimate"], numbers(recorded[f"{var}.trend"]), rtol=2e-5)
    np.testing.assert_allclose(table["std_error"], numbers(recorded["SE"]), rtol=2e-5)
    np.testing.assert_allclose(table["df"], numbers(recorded["df"]), rtol=1e-4)


def test_cells_and_their_contrasts():
    means, recorded = full().emmeans("A:B"), answers()["full"]
    agree(means, recorded["cells_means"])
    agree(means.pairs(), recorded["cells_pairs"])
    agree(means.pairs(by="B"), recorded["cells_simple"])
    given = means.contrast({"foo": [1, 0, 0, -1, 0, 0], "bar": [1, 1, 0, 0, 0, 0]})
    agree(given, recorded["cells_given"])


def test_contrasts_of_contrasts():
    means, recorded = full().emmeans("A:B"), answers()["full"]
    found = means.contrast("pairwise", interaction=True)
    assert found["A"].tolist() == recorded["interaction"]["A_pairwise"]
    assert found["B"].tolist() == recorded["interaction"]["B_pairwise"]
    agree(found, recorded["interaction"], labels=False)
    mixed = means.contrast({"A": "polynomial", "B": "sequential"}, interaction=True)
    agree(mixed, recorded["interaction_mixed"], labels=False)


def joint_agree(table, recorded):
    """F to the three decimals recorded, numerator and (for one) denominator degrees of freedom.

    Where several degrees of freedom are tested together, emmeans takes the smallest of those of orthogonal
    contrasts; here Fai and Cornelius combine them, as in `anova`.
    """
    groups = recorded.get("B", [""] * len(recorded["model term"])) if table.record.by else None
    keep = list(range(len(recorded["model term"])))
    if groups:
        keep.sort(key=lambda i: groups[i])
    some = table["num_df"] > 0  # emmeans leaves out hypotheses of which nothing can be estimated
    assert [str(t) for t in table["term"][some]] == [recorded["model term"][i] for i in keep]
    column = lambda name: numbers([recorded[name][i] for i in keep])  # noqa: E731
    np.testing.assert_array_equal(table["num_df"][some], column("df1"))
    last = np.array(["confounded" in recorded["model term"][i] for i in keep])  # a difference of rounded F
    np.testing.assert_allclose(table["statistic"][some][~last], column("F.ratio")[~last], atol=6e-4)
    np.testing.assert_allclose(table["statistic"][some][last], column("F.ratio")[last], atol=5e-3)
    one = (column("df1") == 1) & ~last
    np.testing.assert_allclose(table["den_df"][some][one], column("df2")[one], atol=6e-3)
    np.testing.assert_allclose(table["p_value"][some][one], column("p.value")[one], rtol=2e-3, atol=1e-8)


def test_joint_tests():
    joint_agree(full().joint_tests(), answers()["full"]["joint"])
    joint_agree(full().joint_tests(by="B"), answers()["full"]["joint_by"])
    joint_agree(fitted(CURVE, "e").joint_tests(), answers()["curve"]["joint"])


def test_joint_degrees_of_freedom_of_emmeans_are_the_smallest_of_orthogonal_contrasts():
    fit = full()
    L = fit.emmeans("A").contrast("sequential").linear.L
    orthogonal = np.linalg.qr(L.T)[0].T
    smallest = contrast_df(fit._small_sample(), orthogonal).min()
    recorded = answers()["full"]["joint"]
    assert abs(smallest - numbers(recorded["df2"])[recorded["model term"].index("A")]) < 6e-3


def test_curves():
    fit, recorded = fitted(CURVE, "e"), answers()["curve"]
    agree(fit.emmeans("A:x", at={"x": [2, 5]}), recorded["means"])
    slopes_agree(fit.emtrends("A", var="x"), recorded["trend"])
    slopes_agree(fit.emtrends("x", var="x", at={"x": [2, 5]}), recorded["trend_at"])


@pytest.mark.parametrize(
    ("name", "response"),
    [("log", "log(y)"), ("log10", "log10(y)"), ("log1", "log(y + 1)"), ("sqrt", "sqrt(y)")],
)
def test_transformed_responses(name, response):
    means = fitted(f"{response} ~ A + B + (1 | g)").emmeans("A", type="response")
    agree(means, without(answers()[name]["means"], "t.ratio", "p.value"))
    pairs = means.pairs()
    agree(pairs, answers()[name]["pairs"])


def test_effects_of_logarithms_are_ratios():
    found = fitted("log(y) ~ A + B + (1 | g)").emmeans("A", type="response").contrast("eff")
    agree(found, without(answers()["log"]["eff"], "lower.CL", "upper.CL"))


def test_what_cannot_be_estimated_is_found():
    fit, recorded = fitted(DEFICIENT, "e"), answers()["deficient"]
    assert fit.design.dropped
    agree(fit.emmeans("A"), recorded["A"])
    agree(fit.emmeans("A:B"), recorded["AB"])
    agree(fit.emmeans("~ A | B").pairs(), recorded["pairs"])
    agree(fit.emmeans("A", weights="flat"), recorded["flat"])
    agree(fit.emmeans("A", weights="cells"), recorded["cells"])
    joint = fit.joint_tests()
    joint_agree(joint, recorded["joint"])
    assert joint.record.lost.tolist() == [True, True, False, True, False]
    joint_agree(fit.joint_tests(by="B"), recorded["joint_by"])


@pytest.mark.parametrize(
    ("name", "formula"),
    [("nested_term", "y ~ A + A:C + B + x + (1 | g)"), ("nested_data", "y ~ A + C + B + x + (1 | g)")],
)
def test_nested_factors(name, formula):
    fit, recorded = fitted(formula), answers()[name]
    inner = fit.emmeans("C")
    agree(inner, recorded["inner"])
    agree(inner.pairs(), recorded["pairs"])
    agree(fit.emmeans("A"), recorded["outer"])
    agree(fit.emmeans("B"), recorded["B"])
    agree(fit.emmeans("A", weights="cells"), recorded["weighted"])
    assert "C in A" in str(inner)


def test_nested_by_the_formula_alone():
    fit, recorded = fitted("y ~ A + A:D + x + (1 | g)", "e"), answers()["within"]
    agree(fit.emmeans("D"), recorded["D"])
    joint_agree(fit.joint_tests(), recorded["joint"])


def test_offsets():
    given = fitted("y ~ A + x + (1 | g)", offset="off")
    agree(given.emmeans("A"), answers()["offset"]["given"])
    agree(fitted("y ~ A + x + offset(log(off)) + (1 | g)").emmeans("A"), answers()["offset"]["formula"])


def test_numbers_and_truth_values_as_levels():
    fit, recorded = fitted("y ~ factor(f) + z + (1 | g)"), answers()["levels"]
    agree(fit.emmeans("f"), recorded["f"], labels=False)
    agree(fit.emmeans("factor(f)"), recorded["f"], labels=False)
    agree(fit.emmeans("f").pairs(), recorded["pairs"])
    agree(fit.emmeans("z"), recorded["z"], labels=False)
    joint_agree(fit.joint_tests(), recorded["joint"])
    truth = fitted("y ~ L + x + (1 | g)")
    agree(truth.emmeans("L"), recorded["L"])
    agree(truth.emmeans("L").pairs(), recorded["L_pairs"])


def test_rows_are_those_of_the_record():
    assert len(rows("d")) == 120
    assert len(rows("e")) < 120
