"""Comparison of fits by information criteria."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError

sleep = hd.datasets.load("sleepstudy")


def lmm(formula, data=sleep, **options):
    return hd.lmm(formula, data, **options)


ONE = lmm("Reaction ~ Days + (1 | Subject)")
TWO = lmm("Reaction ~ Days + (Days | Subject)")
NULL = lmm("Reaction ~ 1 + (1 | Subject)")


def test_reml_fits_with_the_same_fixed_effects_are_compared_as_they_are():
    table = ONE.compare(TWO)
    assert table["model"].tolist() == [TWO.formula, ONE.formula]
    np.testing.assert_allclose(table["aic"], [TWO.aic, ONE.aic])
    np.testing.assert_allclose(table["bic"], [TWO.bic, ONE.bic])
    assert "by REML" in str(table)


def test_reml_fits_with_other_fixed_effects_are_fitted_again_and_the_table_says_so():
    table = ONE.compare(NULL)
    np.testing.assert_allclose(table["loglik"], [ONE.with_ml().loglik, NULL.with_ml().loglik])
    assert "fitted again by ML" in str(table).replace("\n  ", " ")
    with pytest.raises(OptionError, match="with_ml"):
        ONE.compare(NULL, refit=False)


def test_one_fit_by_ml_makes_all_ml():
    table = ONE.with_ml().compare(TWO)
    assert table.record.refitted == (TWO.formula,)


def test_weights_and_corrected_criterion():
    table = ONE.compare(TWO, NULL, criterion="aicc")
    k, n = table["df"], 180
    np.testing.assert_allclose(table["aicc"], -2 * table["loglik"] + 2 * k + 2 * k * (k + 1) / (n - k - 1))
    share = np.exp(-(table["aicc"] - table["aicc"].min()) / 2)
    np.testing.assert_allclose(table["weight"], share / share.sum())
    assert (np.diff(table["delta"]) >= 0).all()


def test_other_rows_and_other_responses_are_refused():
    with pytest.raises(DataError, match=r"180 rows.*170"):
        ONE.compare(lmm("Reaction ~ Days + (1 | Subject)", sleep.iloc[10:]))
    with pytest.raises(DataError, match=r"log\(Reaction\)"):
        ONE.compare(lmm("log(Reaction) ~ Days + (1 | Subject)"))


def test_bad_arguments():
    with pytest.raises(OptionError, match="another fit"):
        ONE.compare()
    with pytest.raises(OptionError, match=r"\*fits"):
        ONE.compare([TWO])
    with pytest.raises(OptionError, match="'aicc'"):
        ONE.compare(TWO, criterion="cp")


def test_the_same_formula_twice_is_told_apart():
    assert ONE.compare(lmm(ONE.formula))["model"].tolist() == [f"{ONE.formula} [1]", f"{ONE.formula} [2]"]


def test_too_few_rows_for_the_correction_give_infinity():
    few = sleep.iloc[[0, 1, 10, 11, 20, 21]]
    one = lmm("Reaction ~ Days + (1 | Subject)", few, reml=False)
    two = lmm("Reaction ~ Days + I(Days**2*0 + Days*(Subject == '308')) + (1 | Subject)", few, reml=False)
    assert np.isinf(one.compare(two)["aicc"]).any()
