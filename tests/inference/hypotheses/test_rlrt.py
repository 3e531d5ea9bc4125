"""The exact test of one variance against closed forms, and against refits of simulated responses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import henderson as hd
from henderson import estimate as estimation
from henderson.inference.hypotheses.null_distribution import eigenvalues, null_draws, spectrum

DYESTUFF = hd.datasets.load("dyestuff")


def anova(rows) -> tuple[float, int, int]:
    groups = [each["Yield"].to_numpy() for _, each in rows.groupby("Batch", observed=True)]
    return stats.f_oneway(*groups).statistic, len(groups) - 1, len(rows) - len(groups)


@pytest.mark.parametrize("restricted", [True, False])
def test_a_balanced_one_way_layout_is_the_f_test(restricted):
    # There RLRT and LRT grow with F and nothing else, and are zero where F < 1 or F < a / (a - 1).
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", DYESTUFF)
    test = fit.rlrt(n_sim=40_000, seed=1, restricted=restricted).record
    F, a, b = anova(DYESTUFF)
    exact = stats.f.sf(F, a, b)
    assert abs(test.p_value - exact) < 4 * np.sqrt(exact / 40_000)
    zero = stats.f.cdf(1 if restricted else (a + 1) / a, a, b)
    assert abs(test.at_zero - zero) < 4 * np.sqrt(zero * (1 - zero) / 40_000)


def test_the_statistic_is_the_one_on_record():
    # lmerTest::ranova of the same fits
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", DYESTUFF)
    assert fit.rlrt(n_sim=10, seed=1)["statistic"][0] == pytest.approx(6.368955313621257, abs=1e-6)
    assert fit.rlrt(n_sim=10, seed=1, restricted=False)["statistic"][0] == pytest.approx(
        5.40282609364607, abs=1e-6
    )


def test_a_variance_estimated_as_zero_is_no_evidence():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    assert fit.rlrt(n_sim=100, seed=1)["p_value"][0] == 1


@pytest.mark.parametrize("restricted", [True, False])
def test_draws_are_distributed_as_refits(restricted):
    # Unbalanced, with weights and a slope: quantiles of the spectral draws against 600 fits of white noise.
    rng = np.random.default_rng(5)
    rows = {"g": np.repeat(np.arange(9), rng.integers(2, 14, 9)).astype(str)}
    n = len(rows["g"])
    rows |= {"x": rng.normal(size=n), "w": rng.uniform(0.3, 3, n), "y": rng.normal(size=n)}
    fit = hd.lmm("y ~ x + (0 + x | g)", rows, weights="w", reml=restricted)
    draws = null_draws(spectrum(fit.estimate.cross, 0, restricted=restricted), 20_000, rng)
    noise = rng.normal(size=(600, n)) / np.sqrt(rows["w"])
    t = np.array([_statistic(fit, y) for y in noise])
    share = (draws <= 0).mean()
    assert abs((t < 1e-6).mean() - share) < 4 * np.sqrt(share * (1 - share) / 600)
    for q in (0.8, 0.9, 0.95):
        assert abs((t <= np.quantile(draws, q)).mean() - q) < 4 * np.sqrt(q * (1 - q) / 600)


def _statistic(fit: hd.LinearMixedFit, y: np.ndarray) -> float:
    from henderson.inference.hypotheses.reduced import linear_criterion

    refitted = estimation.refit(fit.estimate, fit.design, y)
    return linear_criterion(refitted.cross, reml=refitted.reml) - refitted.criterion


def test_one_of_several_variances_is_tested_with_the_others_in_the_model():
    # Under the smaller model p-values are uniform as far as the approximation goes: 5 % and 20 % of them.
    rng = np.random.default_rng(8)
    rows = {"g": np.repeat(np.arange(20), 6).astype(str), "x": np.tile(np.linspace(-1, 1, 6), 20)}
    rows["y"] = 2 * rng.normal(size=20).repeat(6) + rng.normal(size=120)
    fit0, fit1 = hd.lmm("y ~ x + (1 | g)", rows), hd.lmm("y ~ x + (x || g)", rows)
    draws = null_draws(spectrum(fit1.estimate.cross, 1, restricted=True), 20_000, rng)
    t = []
    for y in fit0.simulate(400, seed=2):
        small, large = (estimation.refit(f.estimate, f.design, y) for f in (fit0, fit1))
        t.append(small.criterion - large.criterion)
    for level in (0.05, 0.2):
        share = (np.array(t) > np.quantile(draws, 1 - level)).mean()
        assert abs(share - level) < 3.5 * np.sqrt(level * (1 - level) / 400)
    shown = fit1.rlrt("g.x", n_sim=100, seed=1)
    assert shown.record.approximate
    assert "Greven" in str(shown)


def test_the_spectrum_is_that_of_the_term_alone():
    rng = np.random.default_rng(3)
    rows = {"g": rng.integers(0, 8, 90).astype(str), "h": rng.integers(0, 5, 90).astype(str)}
    rows |= {"x": rng.normal(2, 1, 90), "y": rng.normal(size=90)}
    many = hd.lmm("y ~ x + (x || g) + (1 | h)", rows).estimate
    place = many.theta_names.index("g.x")
    alone = hd.lmm("y ~ x + (0 + x | g)", rows).estimate
    ours, theirs = (spectrum(e.cross, i, restricted=True) for e, i in ((many, place), (alone, 0)))
    np.testing.assert_allclose(ours.mu, theirs.mu)
    assert (ours.rest, ours.nu) == (theirs.rest, theirs.nu)


@pytest.mark.parametrize("values", [[3.0], [1.0, 4.0, 7.0], None])
def test_eigenvalues_are_those_of_the_whole_matrix(values):
    rng = np.random.default_rng(6)
    d, B = rng.choice(values, 60) if values else rng.uniform(1, 9, 60), rng.normal(size=(60, 4)) / 10
    whole = np.linalg.eigvalsh(np.diag(d) - B @ B.T)
    np.testing.assert_allclose(np.sort(eigenvalues(d, B, 60)), whole, atol=1e-12)


def test_too_many_different_levels_are_said():
    with pytest.raises(hd.errors.OptionError, match="3001 rows for these 3001 levels"):
        eigenvalues(np.arange(1, 3002.0), np.zeros((3001, 1)), 3001)


def test_many_groups_of_few_sizes_are_quick():
    sizes = np.tile([2, 3, 4], 10_000)
    rows = {"g": np.repeat(np.arange(30_000), sizes)}
    rows |= {"x": np.random.default_rng(1).normal(size=len(rows["g"]))}
    fit = hd.lmm("x ~ 1 + (1 | g)", {"x": rows["x"], "g": rows["g"].astype(str)})
    assert fit.rlrt(n_sim=200, seed=1).record.at_zero == pytest.approx(0.5, abs=0.15)


def test_terms_are_named_in_several_ways():
    fit = hd.lmm("Reaction ~ Days + (Days || Subject)", hd.datasets.load("sleepstudy"))
    found = {
        fit.rlrt(name, n_sim=10, seed=1).record.term
        for name in ("Subject.Days", "(0 + Days | Subject)", "(0+Days|Subject)")
    }
    assert found == {"(0 + Days | Subject)"}


@pytest.mark.parametrize(
    ("formula", "term", "words"),
    [
        ("(Days || Subject)", None, r"this model has several.*'\(0 \+ Days \| Subject\)'"),
        ("(Days || Subject)", "Subjet", "'Subjet' names no one term"),
        ("(Days | Subject)", None, r"2 variances.*Fit \(Days \|\| Subject\)"),
    ],
)
def test_what_can_be_tested_is_said(formula, term, words):
    fit = hd.lmm(f"Reaction ~ Days + {formula}", hd.datasets.load("sleepstudy"))
    with pytest.raises(hd.errors.OptionError, match=words):
        fit.rlrt(term)


@pytest.mark.parametrize("options", [{"n_sim": 0}, {"n_sim": 2.5}, {"seed": "one"}, {"nsim": 5}])
def test_bad_options(options):
    with pytest.raises(hd.errors.OptionError):
        hd.lmm("Yield ~ 1 + (1 | Batch)", DYESTUFF).rlrt(**options)


def test_a_seed_makes_it_repeatable():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", DYESTUFF)
    assert fit.rlrt(n_sim=2000, seed=3)["p_value"] == fit.rlrt(n_sim=2000, seed=3)["p_value"]


def test_a_nested_factor_may_be_named_either_way():
    machines = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    one, other = (machines.rlrt(name, n_sim=50, seed=1) for name in ("Worker:Machine", "Machine:Worker"))
    assert one["term"] == other["term"] == ["(1 | Machine:Worker)"]


@pytest.mark.parametrize("seed", [None, 7, np.random.default_rng(2)])
def test_the_seed_is_printed_and_repeats_the_draws(seed):
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", DYESTUFF)
    found = fit.rlrt(n_sim=500, seed=seed)
    again = fit.rlrt(n_sim=500, seed=found.record.seed)
    assert f"(seed {found.record.seed})" in str(found)
    assert again.record.p_value == found.record.p_value
    assert again.record.at_zero == found.record.at_zero
