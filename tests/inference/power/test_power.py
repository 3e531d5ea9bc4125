"""Power by simulation against closed forms, and the studies it simulates."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import henderson as hd
from henderson.inference.power.extend import chosen, extended
from henderson.inference.power.record import wilson
from henderson.inference.power.replicate import by_f, by_likelihood, replicate, study

SLEEP = hd.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def arms() -> hd.LinearMixedFit:
    """Twelve groups of five rows in two arms, a covariate that varies within groups."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"g": np.repeat(np.arange(12), 5).astype(str), "x": np.tile([-2.0, -1, 0, 1, 2], 12)})
    rows["arm"] = np.repeat(["a", "b"] * 6, 5)
    rows["y"] = rng.normal(size=60) + 2 * rng.normal(size=12).repeat(5)
    return hd.lmm("y ~ arm + x + (1 | g)", rows)


@pytest.fixture(scope="module")
def sleep() -> hd.LinearMixedFit:
    return hd.lmm("Reaction ~ Days + (Days | Subject)", SLEEP)


def noncentral(shift: float, se: float, df: int) -> float:
    edge = stats.t.ppf(0.975, df)
    return stats.nct.sf(edge, df, shift / se) + stats.nct.cdf(-edge, df, shift / se)


def near(found: float, truth: float, n: int) -> bool:
    return abs(found - truth) < 3.5 * math.sqrt(truth * (1 - truth) / n)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_between_groups_it_is_the_t_test_of_group_means(arms, method):
    options = {"effect": {"armb": 3.0}, "sigma": 1.0, "sds": {"g": 2.0}, "method": method}
    result = hd.power(arms, n_groups=[8, 12, 24], n_sim=600, seed=1, **options)
    for groups, power in zip(result["n_groups"], result["power"], strict=True):
        se = math.sqrt((2.0**2 + 1 / 5) * 4 / groups)
        assert near(power, noncentral(3.0, se, groups - 2), 600)


@pytest.mark.parametrize("method", ["satterthwaite", "z"])
def test_within_groups_it_is_the_t_test_of_residuals(arms, method):
    result = hd.power(arms, effect={"x": 0.25}, sigma=1.0, sds={"g": 2.0}, method=method, n_sim=800, seed=2)
    df, se = 60 - 12 - 1, 1 / math.sqrt(12 * 10)
    edge = stats.norm.ppf(0.975) if method == "z" else stats.t.ppf(0.975, df)
    truth = stats.nct.sf(edge, df, 0.25 / se) + stats.nct.cdf(-edge, df, 0.25 / se)
    assert near(result["power"][0], truth, 800)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_false_alarms_keep_the_level(sleep, method):
    result = hd.power(sleep, effect={"Days": 0}, n_groups=8, n_sim=800, seed=3, method=method)
    assert near(result["power"][0], 0.05, 800)


def test_chi_square_tests_of_few_groups_cry_wolf(sleep):
    result = hd.power(sleep, effect={"Days": 0}, n_groups=6, n_sim=500, seed=3, method="z")
    assert result["conf_low"][0] > 0.05


def test_a_replicate_is_a_fit_of_its_response(sleep):
    prepared = study(sleep.design, sleep.estimate, reml=True)
    seen = []
    p, converged = replicate(
        prepared, np.random.SeedSequence(4), lambda design, fit: seen.append((design, fit)) or 0.5
    )
    design, fit = seen[0]
    again = hd.lmm(sleep.formula, SLEEP.assign(Reaction=design.y))
    assert (p, converged) == (0.5, True)
    assert fit.criterion == pytest.approx(again.criterion, abs=1e-6)
    np.testing.assert_allclose(fit.beta, again.beta, rtol=1e-5)


def test_p_values_are_those_of_the_tables(sleep):
    prepared, L, null = study(sleep.design, sleep.estimate, reml=True), np.array([[0.0, 1.0]]), np.zeros(1)
    kept = []

    def decide(design, fit):
        kept.append(design.y)
        return by_f(L, null, "satterthwaite")(design, fit)

    p, _ = replicate(prepared, np.random.SeedSequence(4), decide)
    again = hd.lmm(sleep.formula, SLEEP.assign(Reaction=kept[0]))
    assert p == pytest.approx(again.drop1(test="F")["p_value"][0], rel=1e-4)
    prepared = study(sleep.design, sleep.estimate, reml=False)
    p, _ = replicate(prepared, np.random.SeedSequence(4), by_likelihood(prepared, L, null))
    assert p == pytest.approx(again.drop1()["p_value"][1], rel=1e-4)


def test_likelihood_ratios_of_any_combination(arms):
    # x - 2 (armb) = 1: the smaller model has the column arm + 2 x and the offset x.
    rows = arms.source.data
    L, null = np.array([[0.0, -2.0, 1.0]]), np.array([1.0])
    prepared = study(arms.design, arms.estimate, reml=False)
    kept = []
    decide = by_likelihood(prepared, L, null)
    p, _ = replicate(prepared, np.random.SeedSequence(5), lambda d, f: kept.append(d.y) or decide(d, f))
    new = rows.assign(y=kept[0], both=2 * rows["x"] + (rows["arm"] == "b"))
    large = hd.lmm("y ~ arm + x + (1 | g)", new, reml=False)
    small = hd.lmm("y ~ both + (1 | g)", new, reml=False, offset="x")
    assert p == pytest.approx(stats.chi2.sf(small.criterion - large.criterion, 1), rel=1e-4)


def test_threads_do_not_change_the_result(sleep):
    runs = [
        hd.power(sleep, effect={"Days": 4}, n_groups=[6, 9], n_sim=40, seed=9, n_jobs=jobs).p_values
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(*runs)
    assert np.unique(runs[0]).size == 80
    more = hd.power(sleep, effect={"Days": 4}, n_groups=[6, 9], n_sim=50, seed=9).p_values
    np.testing.assert_array_equal(more[:, :40], runs[0])


def test_groups_are_repeated_evenly():
    assert chosen(5, 12).tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 4]
    assert chosen(20, 10).tolist() == [0, 2, 4, 6, 8, 11, 13, 15, 17, 19]


@pytest.mark.parametrize(("n_groups", "n_within"), [(None, None), (4, None), (30, None), (None, 3), (25, 12)])
def test_sizes_are_those_asked_for(sleep, n_groups, n_within):
    design = extended(sleep.design, 0, n_groups, n_within)
    counts = np.bincount(design.groupings[0].codes)
    assert len(counts) == (n_groups or 18)
    assert set(counts) == {n_within or 10}
    np.testing.assert_array_equal(design.X[:, 1], design.terms[0].columns[1])


def test_nested_factors_get_new_levels_and_crossed_ones_do_not():
    fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    names = [g.name for g in fit.design.groupings]
    design = extended(fit.design, names.index("Worker"), 15, None)
    assert {g.name: len(g.levels) for g in design.groupings} == {"Machine:Worker": 45, "Worker": 15}
    crossed = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))
    design = extended(crossed.design, 0, 60, None)
    assert [len(g.levels) for g in design.groupings] == [60, 6]


def test_the_study_of_the_size_of_the_fit_is_the_fit(sleep):
    design = extended(sleep.design, 0, None, None)
    np.testing.assert_array_equal(design.X, sleep.design.X)
    np.testing.assert_array_equal(design.groupings[0].codes, sleep.design.groupings[0].codes)


def test_assumed_parameters_reach_the_responses(sleep):
    from henderson.inference.power.assume import assumed

    changed = assumed(sleep.design, sleep.estimate, {"Days": 2.0}, 10.0, {"Subject.Days": 4.0})
    cov = changed.sigma**2 * changed.lambdas[0] @ changed.lambdas[0].T
    old = sleep.varcorr["Subject"]
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), [old.sd[0], 4.0])
    assert cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]) == pytest.approx(old.corr[0, 1])
    assert (changed.beta[1], changed.sigma) == (2.0, 10.0)


def test_a_variance_of_zero_can_be_assumed_otherwise():
    from henderson.inference.power.assume import assumed

    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    changed = assumed(fit.design, fit.estimate, None, None, {"Batch": 3.0})
    assert changed.sigma * changed.theta[0] == pytest.approx(3.0)


def test_a_function_of_the_fit_can_decide(arms):
    def first(fit: hd.LinearMixedFit) -> float:
        return float(fit.drop1(test="F")["p_value"][0])

    asked = hd.power(arms, test=first, effect={"armb": 3.0}, n_sim=30, seed=1)
    named = hd.power(arms, test="arm", effect={"armb": 3.0}, n_sim=30, seed=1)
    np.testing.assert_allclose(asked.p_values, named.p_values, rtol=1e-6)
    assert "the caller's own function" in str(asked)


def test_a_function_sees_whole_terms():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    seen = []

    def ask(each: hd.LinearMixedFit) -> float:
        seen.append(each)
        table = each.drop1(test="F")
        return float(table["p_value"][list(table.columns()["term"]).index("Machine")])

    asked = hd.power(fit, test=ask, n_groups=9, n_sim=5, seed=1)
    np.testing.assert_allclose(
        asked.p_values, hd.power(fit, test="Machine", n_groups=9, n_sim=5, seed=1).p_values
    )
    assert list(seen[0].ranova().columns()["term"]) == ["<none>", "(1 | Worker)"]
    with pytest.raises(hd.errors.DataError, match="Worker"):  # its groups are others than those of the data
        seen[0].predict({"Machine": ["A"], "Worker": ["1"]})


def test_replicates_that_cannot_be_tested_are_counted(arms):
    result = hd.power(arms, test=lambda fit: math.nan, n_sim=5, seed=1)
    assert (result["power"][0], result["failed"][0]) == (0, 5)
    assert "5 studies could not be fitted or tested" in str(result)


def test_wilsons_interval_covers():
    low, high = wilson(np.arange(21), 20, 0.95)
    for truth in (0.05, 0.5, 0.8):
        inside = (low <= truth) & (truth <= high)
        assert stats.binom.pmf(np.arange(21), 20, truth)[inside].sum() > 0.92


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"effect": {"Dyas": 3}}, "no coefficient.*Days"),
        ({"effect": 3}, "give a dict from coefficient to value"),
        ({"effect": {"Days": "big"}}, "must be a finite number"),
        ({"test": "Dose"}, "Dose"),
        ({"method": "wald"}, "'satterthwaite', 'kenward-roger', 'z', 'lrt'"),
        ({"n_groups": 1}, "whole number from 2"),
        ({"n_within": [3, 0]}, "whole number from 1"),
        ({"n_groups": "many"}, "n_groups"),
        ({"along": "Item"}, "No grouping factor called 'Item'"),
        ({"alpha": 5}, "between 0 and 1"),
        ({"sigma": -1}, "cannot be negative"),
        ({"sigma": 0}, "leaves no residual"),
        ({"sds": {"Days": 3}}, r"'Subject\.Days'"),
        ({"n_sim": 0}, "positive integer"),
        ({"seed": -3}, "whole number from 0"),
        ({"n_job": 2}, "Did you mean 'n_jobs'"),
    ],
)
def test_bad_options(sleep, options, words):
    with pytest.raises(hd.errors.OptionError, match=words):
        hd.power(sleep, **options)


def test_groups_must_be_named_where_there_are_several():
    fit = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))
    with pytest.raises(hd.errors.OptionError, match="along= one of 'plate', 'sample'"):
        hd.power(fit, test="(Intercept)", n_groups=10)


def test_what_to_test_must_be_said(arms):
    with pytest.raises(hd.errors.OptionError, match="Say what to test: test= one of the terms 'arm', 'x'"):
        hd.power(arms)


def test_a_study_too_small_says_so(sleep):
    with pytest.raises(hd.errors.DesignError, match=r"n_within=1 .*cannot be told apart"):
        hd.power(sleep, n_within=1)


def test_a_curve_is_read_off(sleep):
    result = hd.power(sleep, effect={"Days": 5}, n_groups=[4, 30], n_sim=60, seed=1)
    assert "smallest size tried that reaches 80 % has 30 groups and 300 rows" in " ".join(str(result).split())
    assert list(result.to_frame().columns) == [
        "n_groups", "n_within", "nobs", "power", "conf_low", "conf_high", "failed",
    ]  # fmt: skip
    assert "<table" in result.to_html()


def test_hypotheses_are_typed_as_text(arms):
    # Centred at its own null, x 0.25 above what 2 x + 1 = 1.5 says is as likely found as x 0.25 above zero.
    shifted = hd.power(arms, test="2*x + 1 = 1.5", effect={"x": 0.5}, n_sim=40, seed=1)
    plain = hd.power(arms, test="x = 0", effect={"x": 0.25}, n_sim=40, seed=1)
    np.testing.assert_allclose(shifted.p_values, plain.p_values, rtol=1e-5)
    both = hd.power(arms, test="armb = 0, x = 0.25", effect={"armb": 0, "x": 0.25}, n_sim=200, seed=1)
    assert near(both["power"][0], 0.05, 200)


def test_power_of_what_is_no_fit():
    with pytest.raises(hd.errors.OptionError, match="this is a str"):
        hd.power("Reaction ~ Days")


def test_power_at_the_estimates_says_so(sleep):
    assert "as the fit estimates them" in str(hd.power(sleep, n_sim=2, seed=1))
    assert "as the fit" not in str(hd.power(sleep, effect={"Days": 5}, n_sim=2, seed=1))


def test_a_seed_that_nobody_chose_is_printed_and_repeats_the_studies(sleep):
    found = hd.power(sleep, effect={"Days": 5}, n_sim=4)
    assert f"(seed {found.record.seed})" in " ".join(str(found).split())
    again = hd.power(sleep, effect={"Days": 5}, n_sim=4, seed=found.record.seed)
    assert (again.p_values == found.p_values).all()
