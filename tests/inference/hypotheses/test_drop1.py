"""Fixed terms left out, against numbers recorded with R 4.2, lme4 and lmerTest (rhoend 1e-9)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from tests.parity import reference

# model: term -> (df, AIC, LRT) by maximum likelihood, (F, den df) Satterthwaite, (F, den df) Kenward-Roger
RECORDED = {
    "y ~ A + B + x + (1 | g)": {
        "A": (2, 629.883325120, 39.7568694962, 21.4306034261, 160.792761818, 21.2715999998, 161.913561600),
        "B": (3, 624.662074428, 36.5356188046, 12.9838752393, 158.647694514, 12.9104594313, 159.852026324),
        "x": (1, 678.702166444, 86.5757108209, 107.1106110277, 164.115741339, 106.2184579454, 164.810909437),
    },
    "y ~ A*x + B + (1 | g)": {
        "B": (3, 624.259072704, 35.98904261826, 12.62148897154, 154.760804670, 12.55445853661, 157.109261899),
        "A:x": (2, 594.126455623, 3.85642553801, 1.99465689191, 162.233947303, 1.96462378789, 164.052592416),
    },
    "y ~ A*B + x + (1 | g)": {
        "x": (
            1,
            684.507192058,
            89.0755217872,
            107.80508885922,
            158.560897892,
            106.94345688996,
            159.337381009,
        ),
        "A:B": (5, 594.126455623, 6.6947853526, 1.28011604314, 156.150178612, 1.26831103237, 157.254728169),
    },
}
NO_CONSTANT = "y ~ 0 + A + B + x + (1 | g)"
CASES = [(formula, term) for formula, terms in RECORDED.items() for term in terms]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    models = [m for m in reference.models() if m.id == "sim_unb_add_reml"]
    if not models:
        pytest.skip(reference.MISSING)
    return models[0].frame()


@pytest.mark.parametrize(("formula", "term"), CASES)
def test_likelihood_ratios(rows, formula, term):
    table = hd.lmm(formula, rows).drop1()
    df, aic, lrt, *_ = RECORDED[formula][term]
    i = list(table.columns()["term"]).index(term)
    assert table["df"][i] == df
    np.testing.assert_allclose([table["aic"][i], table["statistic"][i]], [aic, lrt], atol=1e-6)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
@pytest.mark.parametrize(("formula", "term"), CASES)
def test_f(rows, formula, term, ddf):
    table = hd.lmm(formula, rows).drop1(test="F", ddf=ddf)
    F, den_df = RECORDED[formula][term][3:5] if ddf == "satterthwaite" else RECORDED[formula][term][5:]
    i = list(table.columns()["term"]).index(term)
    assert table["num_df"][i] == RECORDED[formula][term][0]
    assert table["statistic"][i] == pytest.approx(F, rel=1e-4)
    assert table["den_df"][i] == pytest.approx(den_df, rel=1e-3)


def test_terms_within_interactions_stay(rows):
    table = hd.lmm("y ~ A*x + B + (1 | g)", rows).drop1()
    assert list(table.columns()["term"]) == ["<none>", "B", "A:x"]
    assert table.record.kept == ("A", "x")
    assert "Not left out, as interactions with them are in the model: A, x." in str(table)


def test_without_a_constant_the_next_factor_takes_its_place(rows):
    # Without A the levels of B get indicators, so two parameters go and not three, as in lme4's drop1().
    with_one, without = hd.lmm("y ~ A + B + x + (1 | g)", rows), hd.lmm(NO_CONSTANT, rows)
    np.testing.assert_allclose(without.drop1()["statistic"], with_one.drop1()["statistic"], atol=1e-6)
    np.testing.assert_allclose(without.drop1()["df"], with_one.drop1()["df"])


def test_f_without_a_constant_is_of_the_smaller_model(rows):
    # lmerTest's drop1() sets the three coefficients of A to zero instead, 3 df: no model of the formula.
    with_one, without = hd.lmm("y ~ A + B + x + (1 | g)", rows), hd.lmm(NO_CONSTANT, rows)
    ours, theirs = without.drop1(test="F"), with_one.drop1(test="F")
    for name in ("statistic", "num_df"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6)
    # Fai and Cornelius's degrees of freedom depend a little on how one hypothesis is written in rows.
    np.testing.assert_allclose(ours["den_df"], theirs["den_df"], rtol=1e-3)
    kr = [fit.drop1(test="F", ddf="kenward-roger")["den_df"] for fit in (with_one, without)]
    np.testing.assert_allclose(*kr, rtol=1e-6)


def test_codings_and_weights_survive_being_built_anew(rows):
    options = {"weights": "wt", "contrasts": {"B": "contr.sum", "A": "contr.helmert"}}
    table = hd.lmm(NO_CONSTANT, rows, **options).drop1()
    for term, rest in (("A", "0 + B + x"), ("B", "0 + A + x")):
        left = hd.lmm(f"y ~ {rest} + (1 | g)", rows, reml=False, weights="wt")
        i = list(table.columns()["term"]).index(term)
        assert table["loglik"][i] == pytest.approx(left.loglik, abs=1e-6)


def test_codings_that_leave_something_out_are_kept(rows):
    # C as a trend over its three levels, one column: built anew with the default it would have two.
    rows = rows.assign(C=np.digitize(rows["x"], [3, 6]).astype(str))
    trend = {"C": np.array([[-1.0], [0.0], [1.0]])}
    table = hd.lmm("y ~ 0 + A + B + C + (1 | g)", rows, contrasts=trend).drop1()
    left = hd.lmm("y ~ 0 + B + C + (1 | g)", rows, reml=False, contrasts=trend)
    assert table["loglik"][1] == pytest.approx(left.loglik, abs=1e-6)
    assert table["df"][1] == 2


def test_a_margin_that_goes_is_made_up_for(rows):
    # The columns of B:f leave out what A:B holds; without A:B they get it back.
    rows = rows.assign(f=np.where(rows["x"] > 5, "high", "low"))
    table = hd.lmm("y ~ A:B + B:f + (1 | g)", rows).drop1()
    left = hd.lmm("y ~ B:f + (1 | g)", rows, reml=False)
    i = list(table.columns()["term"]).index("A:B")
    assert table["loglik"][i] == pytest.approx(left.loglik, abs=1e-6)


def test_a_fit_without_its_data_says_what_to_do(rows):
    fit = hd.LinearMixedFit.from_dict(hd.lmm(NO_CONSTANT, rows).to_dict())
    with pytest.raises(hd.errors.OptionError, match=r"Without A other terms would be coded anew.*hd\.lrt"):
        fit.drop1()


def test_a_constant_alone_cannot_be_left_out():
    fit = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    with pytest.raises(hd.errors.DesignError, match=r"constant only.*ranova"):
        fit.drop1()


@pytest.mark.parametrize("options", [{"test": "wald"}, {"test": "F", "ddf": "kr2"}, {"tset": "F"}])
def test_unknown_options_list_the_known_ones(options):
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    with pytest.raises(hd.errors.OptionError, match=r"'lrt'|satterthwaite|test, ddf"):
        fit.drop1(**options)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_tables_come_as_the_users_kind(kind):
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy", as_=kind))
    for table in (fit.drop1(), fit.drop1(test="F"), fit.ranova()):
        assert type(table.to_frame()).__module__.startswith(kind)


@pytest.mark.parametrize(("name", "ours"), [("Chisq", "lrt"), ("f", "F")])
def test_names_of_the_tests_in_r(name, ours):
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    assert str(fit.drop1(test=name)) == str(fit.drop1(test=ours))
