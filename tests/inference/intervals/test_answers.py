"""Intervals as users ask for them: methods, parameters, frames, printouts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import henderson as hd
from henderson.errors import OptionError

NAMES = [
    "sd_(Intercept)|Subject",
    "cor_Days.(Intercept)|Subject",
    "sd_Days|Subject",
    "sigma",
    "(Intercept)",
    "Days",
]


@pytest.fixture(scope="module")
def fit():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))


def test_wald_is_the_default_and_normal(fit):
    table = fit.confint()
    assert list(table.columns) == ["term", "conf_low", "conf_high"]
    half = 1.959963984540054 * fit.se.to_numpy()
    np.testing.assert_allclose(table["conf_low"], fit.beta - half, rtol=1e-12)
    assert list(table["term"]) == ["(Intercept)", "Days"]


def test_wald_takes_degrees_of_freedom(fit):
    table, t = fit.confint(ddf="satterthwaite"), fit.coeftable()
    np.testing.assert_allclose(table["conf_low"], t["conf_low"], rtol=1e-10)
    assert (fit.confint(ddf="kenward-roger")["conf_high"] > fit.confint()["conf_high"]).all()


@pytest.mark.parametrize("method", ["profile", "bootstrap"])
def test_other_methods_are_for_all_parameters(fit, method):
    table = fit.confint(method=method, **({"n": 50, "seed": 1} if method == "bootstrap" else {}))
    assert list(table["term"]) == NAMES
    assert (table["conf_low"] < table["conf_high"]).all()


def test_the_spellings_of_lme4_are_understood(fit):
    assert fit.confint("Wald").equals(fit.confint())
    boot = fit.confint("boot", n=50, seed=1, parm="theta_")
    assert list(boot["term"]) == NAMES[:4]
    assert boot.equals(fit.confint("bootstrap", n=50, seed=1, parm=[".sig01", ".sig02", ".sig03", ".sigma"]))


def test_parameters_are_chosen_by_name(fit):
    assert list(fit.confint(parm="Days")["term"]) == ["Days"]
    chosen = fit.confint("profile", parm=["Days", "sigma"])
    assert list(chosen["term"]) == ["sigma", "Days"]
    assert list(fit.profile().to_frame()["term"]) == NAMES


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exact"}, "choose among 'wald', 'profile', 'bootstrap'"),
        ({"parm": "Dyas"}, r"parm='Dyas' is no parameter of the model\. Did you mean Days"),
        ({"parm": "sigma"}, "no Wald interval"),
        ({"method": "profile", "ddf": "satterthwaite"}, r"does not use ddf='satterthwaite'"),
        ({"seed": 1}, r"does not use seed=1: that is for method='bootstrap'"),
        ({"ddf": "welch"}, "welch"),
        ({"method": "bootstrap", "type": "bca"}, "'percentile', 'basic', 'normal'"),
        ({"methods": "wald"}, r"no option 'methods'\. Did you mean 'method'"),
    ],
)
def test_bad_input_is_answered(fit, options, message):
    with pytest.raises(OptionError, match=message):
        fit.confint(**options)


def test_a_dropped_column_has_no_interval():
    sleep = hd.datasets.load("sleepstudy")
    fit = hd.lmm("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep)
    assert fit.confint()["conf_low"].isna().tolist() == [False, False, True]
    with pytest.raises(OptionError, match="was dropped"):
        fit.profile("I(2 * Days)")


def test_frames_are_of_the_users_kind():
    sleep = pl.from_pandas(pd.DataFrame(hd.datasets.load("sleepstudy")))
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    profile, drawn = fit.profile(), fit.bootstrap(20, 1)
    frames = [fit.confint("profile"), profile.to_frame(), profile.curves(), drawn.to_frame()]
    for frame in [*frames, drawn.replicates, drawn.confint()]:
        assert isinstance(frame, pl.DataFrame)
    assert drawn.replicates.shape == (20, 4)
    assert profile.curves().columns == ["term", "value", "zeta"]


def test_results_print_within_eighty_columns_and_as_html(fit):
    for shown in (fit.profile(), fit.bootstrap(30, 1), fit.bootstrap(30, 1, kind="residual", type="basic")):
        lines = str(shown).splitlines()
        assert max(map(len, lines)) <= 80
        assert all(line == line.rstrip() for line in lines)
        html = shown._repr_html_()
        assert html.startswith("<div")
        assert "cor_Days.(Intercept)|Subject" in html
    assert "REML" in str(fit.profile())
    assert "ML refit" not in str(fit.with_ml().profile())


def test_long_names_stay_within_eighty_columns():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "y": rng.normal(size=120),
            "a_covariate_with_a_name_of_many_words_that_nobody_reads": rng.normal(size=120),
            "a_grouping_factor_with_a_long_name": np.repeat(np.arange(12), 10).astype(str),
        }
    )
    long = list(rows)
    fit = hd.lmm(f"y ~ {long[1]} + ({long[1]} | {long[2]})", rows)
    for shown in (fit.profile(), fit.bootstrap(20, 1)):
        assert max(map(len, str(shown).splitlines())) <= 80


def test_columns_by_name(fit):
    drawn = fit.bootstrap(30, 1)
    np.testing.assert_allclose(drawn["std_error"], drawn.replicates.std(ddof=1).to_numpy())
    assert (drawn.confint(0.5, "normal")["conf_low"] > drawn["conf_low"]).all()
    with pytest.raises(OptionError, match="parm='Dais' is not among the replicates"):
        drawn.confint(parm="Dais")


def test_a_fit_read_back_is_profiled_and_bootstrapped(fit):
    again = hd.LinearMixedFit.from_dict(fit.to_dict())
    np.testing.assert_allclose(again.profile()["conf_low"], fit.profile()["conf_low"], rtol=1e-7)
    np.testing.assert_allclose(again.bootstrap(5, 1)["estimate"], fit.bootstrap(5, 1)["estimate"])


def test_a_profile_gives_limits_of_any_level(fit):
    found = fit.profile()
    for level, parm in ((0.95, None), (0.9, None), (0.8, ["Days", ".sigma"])):
        there = fit.confint("profile", level, parm)
        here = found.confint(level, parm)
        assert list(here["term"]) == list(there["term"])
        np.testing.assert_allclose(
            here[["conf_low", "conf_high"]], there[["conf_low", "conf_high"]], rtol=1e-7
        )


def test_a_profile_of_some_parameters_gives_theirs_and_others_when_asked(fit):
    found = fit.profile("Days", level=0.9)
    assert list(found.confint()["term"]) == ["Days"]
    assert found.confint(0.9)["conf_low"][0] == found["conf_low"][0]
    assert list(found.confint(parm="sigma")["term"]) == ["sigma"]
    with pytest.raises(OptionError, match="Type 0"):
        found.confint(level=95)
    with pytest.raises(OptionError, match="parm='Dys'"):
        found.confint(parm="Dys")
