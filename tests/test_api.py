"""The arguments of `lmm`, and what the package offers."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DataError, FitError, FormulaError, HendersonError, HendersonWarning, OptionError

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return hd.datasets.load("sleepstudy")


def test_the_package_offers_its_names():
    assert {"lmm", "datasets", "errors", "plot", "LinearMixedModel", "LinearMixedFit", "__version__"} <= set(
        dir(hd)
    )
    assert isinstance(hd.lmm(FORMULA, hd.datasets.load("sleepstudy")), hd.LinearMixedFit)
    with pytest.raises(AttributeError, match="lmm"):
        _ = hd.lme


def test_options_are_checked_before_anything_is_done(sleep):
    with pytest.raises(FormulaError, match=r"lmm\(formula, data\)"):
        hd.lmm(sleep, FORMULA)
    with pytest.raises(OptionError, match=r"True.*False"):
        hd.lmm(FORMULA, sleep, reml="yes")
    with pytest.raises(OptionError, match=r"'drop' or 'raise'"):
        hd.lmm(FORMULA, sleep, na_action="omit")
    with pytest.raises(OptionError):
        hd.lmm(FORMULA, sleep, tol=-1)
    with pytest.raises(OptionError):
        hd.lmm(FORMULA, sleep, max_evaluations=0)
    with pytest.raises(DataError, match=r"3 covariance parameters|3 numbers"):
        hd.lmm(FORMULA, sleep, start=[1.0])
    with pytest.raises(OptionError, match=r"'REML'. Did you mean 'reml'.*formula, data, reml, weights"):
        hd.lmm(FORMULA, sleep, REML=False)


def test_errors_are_ours_and_standard_ones_too(sleep):
    with pytest.raises(HendersonError):
        hd.lmm("Reaction ~ Days + (Days | Subjekt)", sleep)
    with pytest.raises(ValueError, match="Subjekt"):
        hd.lmm("Reaction ~ Days + (Days | Subjekt)", sleep)
    with pytest.raises(FormulaError):
        hd.lmm("Reaction ~ Days + (Days | Subject", sleep)


def test_start_and_limits_reach_the_search(sleep):
    fit = hd.lmm(FORMULA, sleep)
    assert hd.lmm(FORMULA, sleep, start=fit.theta).opt.evaluations <= 2
    with pytest.warns(
        HendersonWarning, match=r"limit of 2 eval.*lmm\(\.\.\., max_evaluations=200\)"
    ) as caught:
        short = hd.lmm(FORMULA, sleep, max_evaluations=2)
    assert [w.filename for w in caught] == [__file__]
    assert not short.converged
    assert "Not converged after 2 evaluations" in str(short)
    assert f"REML criterion where the search stopped: {short.criterion:.1f}" in str(short)
    assert "at convergence" not in str(short)
    assert "REML criterion where the search stopped" in short._repr_html_()
    assert "REML criterion where the search stopped" not in fit._repr_html_()
    assert hd.lmm(FORMULA, sleep, tol=1e-2).opt.evaluations <= fit.opt.evaluations


def test_arguments_do_what_they_say(sleep):
    rows = sleep.assign(w=np.tile([1.0, 2.0], 90), off=np.arange(180.0))
    named = hd.lmm(FORMULA, rows, weights="w", offset="off")
    given = hd.lmm(FORMULA, rows, weights=rows["w"].to_numpy(), offset=rows["off"])
    assert named.criterion == pytest.approx(given.criterion, abs=1e-9)
    assert not hd.lmm(FORMULA, rows, reml=False).reml
    double = hd.lmm("Reaction ~ twice(Days) + (1 | Subject)", rows, env={"twice": lambda x: 2 * x})
    plain = hd.lmm("Reaction ~ Days + (1 | Subject)", rows)
    assert double.beta[1] == pytest.approx(plain.beta[1] / 2)
    again = double.predict({"Days": [1.0], "Subject": ["308"]})
    np.testing.assert_allclose(again, plain.predict({"Days": [1.0], "Subject": ["308"]}))
    with pytest.raises(DataError):
        hd.lmm(FORMULA, rows.assign(Days=rows["Days"].where(rows["Days"] > 0)), na_action="raise")


def test_the_data_are_left_alone(sleep):
    before = sleep.copy()
    hd.lmm(FORMULA, sleep).augment()
    assert before.equals(sleep)


def test_a_perfect_fit_is_an_error_of_ours():
    g = np.repeat(np.arange(5), 4)
    with pytest.raises((FitError, DataError)):
        hd.lmm("y ~ 1 + (1 | g)", {"y": g.astype(float), "g": g.astype(str)})


def test_a_search_cut_short_in_a_refit_warns_too(sleep):
    with pytest.warns(HendersonWarning, match="limit of 1 eval"):
        fit = hd.lmm(FORMULA, sleep, max_evaluations=1)
    with pytest.warns(HendersonWarning, match="limit of 1 eval") as caught:
        assert not fit.refit(np.roll(fit.design.y, 7)).converged
    assert [w.filename for w in caught] == [__file__]


def test_a_search_that_converges_does_not_warn(sleep, recwarn):
    hd.lmm(FORMULA, sleep).with_ml()
    assert not list(recwarn)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"groups": "Subject"}, r"'groups'.*\(1 \| Subject\)"),
        ({"re_formula": "~Days"}, r"'re_formula'.*\(Days \| g\)"),
        ({"vc_formula": {}}, r"'vc_formula'.*\|\|"),
        ({"family": "binomial"}, r"'family'.*linear mixed models only"),
        ({"control": None}, r"'control'.*max_evaluations=.*tol="),
        ({"REML": False}, r"'REML'. Did you mean 'reml'"),
        ({"subset": None}, r"'subset'.*data\[rows\]"),
    ],
)
def test_options_of_other_packages_are_answered(sleep, option, said):
    with pytest.raises(OptionError, match=said):
        hd.lmm("Reaction ~ Days", sleep, **option)


def test_contrasts_by_name_for_every_factor():
    rows = hd.datasets.load("machines")
    both = ("contr.sum", {"Machine": "contr.sum"})
    fits = [hd.lmm("score ~ Machine + (1 | Worker)", rows, contrasts=c) for c in both]
    assert fits[0].fixef.equals(fits[1].fixef)
    assert "str" in hd.lmm.__annotations__["contrasts"] and "ArrayLike" in hd.lmm.__annotations__["contrasts"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("anova", r"fit\.anova"),
        ("emmeans", r"fit\.emmeans"),
        ("lmer", "write lmm"),
        ("datset", "did you mean datasets"),
        ("zzzz", "it offers .*LinearMixedFit"),
    ],
)
def test_names_that_the_package_does_not_have_are_answered(name, said):
    assert hd.LinearMixedFit  # methods of fits are known once there can be one
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'.*{said}"):
        getattr(hd, name)
