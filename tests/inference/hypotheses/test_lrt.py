"""What `lrt` and `ftest` accept, say and refuse; numbers are held in tests/parity/test_refit_tests.py."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.inference.hypotheses.restriction import restriction

SLEEP = hd.datasets.load("sleepstudy")


def fit(right: str, **options) -> hd.LinearMixedFit:
    return hd.lmm(f"Reaction ~ {right}", SLEEP, **options)


# Right-hand sides, then lme4's anova(): chi-square of ML and of REML fits (None where X differs), df, p of ML
RECORDED = [
    ("Days + (Days || Subject)", "Days + (Days | Subject)", 0.0639106767, 0.0410216228, 1, 0.80041843),
    ("Days + (1 | Subject)", "Days + (Days | Subject)", 42.1392985420, 42.8368134364, 2, 7.07241254719e-10),
    ("1 + (Days | Subject)", "Days + (Days | Subject)", 23.536537497878, None, 1, 1.22563995719e-06),
]  # fmt: skip


@pytest.mark.parametrize(("small", "large", "ml", "reml", "df", "p"), RECORDED)
def test_numbers_of_lme4(small, large, ml, reml, df, p):
    fits = fit(small), fit(large)
    table = hd.lrt(*fits)
    assert table["statistic"][1] == pytest.approx(ml, abs=1e-6)
    assert table["df"][1] == df
    assert table["p_value"][1] == pytest.approx(p, rel=1e-5)
    if reml is not None:
        assert hd.lrt(*fits, refit=False)["statistic"][1] == pytest.approx(reml, abs=1e-6)


def test_numbers_of_pbkrtest():
    rows = hd.datasets.load("orthodont")
    fits = [hd.lmm(f"distance ~ {x} + (age | Subject)", rows) for x in ("age", "age * Sex")]
    kr, sat = hd.ftest(*fits, ddf="kenward-roger"), hd.ftest(*fits)
    assert kr["statistic"][0] == pytest.approx(6.308000351567081, rel=1e-6)
    assert kr["den_df"][0] == pytest.approx(24, rel=1e-6)
    assert kr["p_value"][0] == pytest.approx(0.006287587001245456, rel=1e-5)
    assert sat["statistic"][0] == pytest.approx(6.570833699549016, rel=1e-6)
    assert sat["den_df"][0] == pytest.approx(25, rel=1e-5)


def test_models_are_sorted_and_keep_their_names():
    table = hd.lrt(
        fit("Days + (Days | Subject)"), null=fit("1 + (1 | Subject)"), slope=fit("Days + (1 | Subject)")
    )
    assert list(table.columns()["model"]) == ["null", "slope", "fit0"]
    assert "null: Reaction ~ 1 + (1 | Subject)" in str(table)


def test_refits_are_said_and_reml_fits_are_left_as_they_are():
    fits = fit("Days + (1 | Subject)"), fit("Days + (Days | Subject)")
    before = [f.criterion for f in fits]
    assert "2 REML fits refitted by maximum likelihood" in str(hd.lrt(*fits))
    assert [f.criterion for f in fits] == before
    assert "refitted" not in str(hd.lrt(*(f.with_ml() for f in fits)))
    assert "fits by REML" in str(hd.lrt(*fits, refit=False))


def test_likelihoods_of_reml_and_ml_are_not_compared():
    fits = fit("Days + (1 | Subject)"), fit("Days + (Days | Subject)", reml=False)
    with pytest.raises(hd.errors.OptionError, match="fit0 is a REML fit and others are ML fits"):
        hd.lrt(*fits, refit=False)


def test_reml_fits_with_other_fixed_effects_are_not_compared():
    with pytest.raises(
        hd.errors.OptionError, match=r"fit0 and fit1 differ in their fixed effects.*Leave refit out"
    ):
        hd.lrt(fit("1 + (1 | Subject)"), fit("Days + (1 | Subject)"), refit=False)


def test_reml_fits_whose_columns_span_the_same_are_compared():
    table = hd.lrt(fit("Days + (1 | Subject)"), fit("I(Days - 5) + (Days | Subject)"), refit=False)
    assert table.record.restricted


def test_models_of_one_size_have_no_test():
    with pytest.raises(hd.errors.OptionError, match="4 parameters each"):
        hd.lrt(fit("Days + (1 | Subject)"), fit("I(Days^2) + (1 | Subject)"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: hd.lrt(f), "two fits or more; got 1"),
        (lambda f: hd.lrt(), "got 0"),
        (lambda f: hd.lrt(f, 3), "argument 1 is a int"),
        (lambda f: hd.lrt(f, f, refti=False), "no option 'refti'"),
        (lambda f: hd.lrt(f, f, refit="no"), "choose True or False"),
    ],
)
def test_misuse(call, words):
    with pytest.raises(hd.errors.OptionError, match=words):
        call(fit("Days + (1 | Subject)"))


def test_several_zero_variances_have_no_mixture():
    table = hd.lrt(fit("Days + (1 | Subject)"), fit("Days + (Days + I(Days^2) | Subject)"))
    assert np.isnan(table["p_boundary"]).all()
    assert "sets 2 variances of fit1 to zero" in str(table)


def test_a_zero_variance_of_the_smaller_model_is_noted():
    rows = hd.datasets.load("dyestuff2").assign(x=np.tile(np.arange(5.0), 6))
    table = hd.lrt(hd.lmm("Yield ~ x + (1 | Batch)", rows), hd.lmm("Yield ~ x + (x | Batch)", rows))
    assert "fit0 has a variance of zero itself" in " ".join(str(table).split())


def test_simulated_p_values_stand_beside_the_others():
    rows = hd.datasets.load("dyestuff")
    rows["c"] = np.tile([0.0, 1, 2, 3, 4], 6)
    fits = hd.lmm("Yield ~ 1 + (1 | Batch)", rows), hd.lmm("Yield ~ 1 + (c | Batch)", rows)
    table = hd.lrt(*fits, n_sim=200, seed=1)
    assert 0 < table["p_simulated"][1] <= 1
    assert "p simul.: 200 responses" in str(table)
    assert list(table.columns())[-1] == "p_simulated"


def test_simulated_p_values_of_a_fixed_effect_are_those_of_the_f_test():
    # Balanced within groups: the likelihood ratio grows with F, so that both have one p-value.
    rng = np.random.default_rng(2)
    rows = {"g": np.repeat(np.arange(6), 4).astype(str), "x": np.tile([-1.5, -0.5, 0.5, 1.5], 6)}
    rows["y"] = 5 * rng.normal(size=6).repeat(4) + 0.4 * rows["x"] + rng.normal(size=24)
    small, large = hd.lmm("y ~ 1 + (1 | g)", rows), hd.lmm("y ~ x + (1 | g)", rows)
    exact, found = hd.ftest(small, large)["p_value"][0], hd.lrt(small, large, n_sim=1500, seed=3)
    assert abs(found["p_simulated"][1] - exact) < 4 * np.sqrt(exact * (1 - exact) / 1500)
    assert found["p_value"][1] < exact


def test_simulations_do_not_depend_on_threads():
    fits = (
        fit("Days + (1 | Subject)"),
        fit("Days + (Days | Subject)"),
        fit("poly(Days, 2) + (Days | Subject)"),
    )
    one, two = (hd.lrt(*fits, n_sim=30, seed=5, n_jobs=jobs)["p_simulated"] for jobs in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert one[1] == 1 / 31


@pytest.mark.parametrize(
    "options", [{"n_sim": -1}, {"n_sim": 2.5}, {"n_sim": 5, "seed": "x"}, {"n_sim": 5, "n_jobs": 0}]
)
def test_bad_options_of_a_simulation(options):
    with pytest.raises(hd.errors.OptionError):
        hd.lrt(fit("Days + (1 | Subject)"), fit("Days + (Days | Subject)"), **options)


def test_f_of_a_step_is_that_of_its_coefficient():
    table = hd.ftest(fit("Days + (Days | Subject)"), fit("1 + (Days | Subject)"))
    t = fit("Days + (Days | Subject)").coeftable()
    assert table["statistic"][0] == pytest.approx(float(np.asarray(t["statistic"])[1]) ** 2)
    assert list(table.columns()["model"]) == ["fit1"]


def test_ml_fits_are_refitted_for_f():
    big, small = fit("Days + (Days | Subject)"), fit("1 + (Days | Subject)")
    table = hd.ftest(small.with_ml(), big.with_ml(), ddf="kenward-roger")
    assert table["den_df"][0] == pytest.approx(
        hd.ftest(small, big, ddf="kenward-roger")["den_df"][0], rel=1e-6
    )
    assert "fit1 refitted by REML" in str(table)


def test_f_needs_one_random_part_and_two_means():
    with pytest.raises(hd.errors.DesignError, match="random parts of fit0 and fit1 differ"):
        hd.ftest(fit("1 + (1 | Subject)"), fit("Days + (Days | Subject)"))
    with pytest.raises(hd.errors.OptionError, match="have the same mean"):
        hd.ftest(fit("Days + (1 | Subject)"), fit("Days + (Days | Subject)"))
    with pytest.raises(hd.errors.OptionError, match="no kind of degrees of freedom"):
        hd.ftest(fit("1 + (1 | Subject)"), fit("Days + (1 | Subject)"), ddf="exact")


def test_the_restriction_is_zero_on_the_smaller_mean_only():
    rng = np.random.default_rng(1)
    scale = np.array([1, 1e4, 1, 1e-4, 1])
    large, beta = rng.normal(size=(30, 5)) * scale, rng.normal(size=(5, 3)) / scale[:, None]
    L = restriction(large @ beta, large)
    size = np.abs(L).max(axis=1)[:, None] * np.abs(beta).max(axis=0)
    assert L.shape == (2, 5)
    assert np.abs(L @ beta / size).max() < 1e-9
    assert np.linalg.matrix_rank(L / np.linalg.norm(large, axis=0)) == 2


def test_tables_print_in_a_notebook_and_as_frames():
    table = hd.lrt(fit("Days + (1 | Subject)"), fit("Days + (Days | Subject)"))
    assert "<table" in table.to_html()
    assert list(table.to_frame().columns[:3]) == ["model", "npar", "aic"]


def test_a_seed_that_nobody_chose_is_printed_and_repeats_the_responses():
    fits = fit("Days + (1 | Subject)"), fit("Days + (Days || Subject)")
    found = hd.lrt(*fits, n_sim=20)
    assert f"(seed {found.record.seed})" in " ".join(str(found).split())
    assert hd.lrt(*fits, n_sim=20, seed=found.record.seed)["p_simulated"][1] == found["p_simulated"][1]
    assert hd.lrt(*fits).record.seed is None


def test_one_model_against_itself_is_called_that():
    one = fit("Days + (Days | Subject)")
    for other in (one, one.with_ml(), fit("Days + (Days | Subject)")):
        with pytest.raises(hd.errors.OptionError, match="are the same model, Reaction"):
            hd.lrt(one, other)
    with pytest.raises(hd.errors.OptionError, match="parameters each"):
        hd.lrt(fit("Days + (1 | Subject)"), fit("I(Days ** 2) + (1 | Subject)"))
