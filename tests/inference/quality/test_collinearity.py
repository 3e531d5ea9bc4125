"""Variance inflation against R's car and against its definition."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.errors import DesignError

load = hd.datasets.load
CAR_GVIF, CAR_SCALED = [1.11833562016, 1.11833562016], [1.01881506848, 1.05751388651]


def test_a_factor_and_a_covariate_as_in_car():
    """car 3.1 and lme4 1.1: vif(lmer(incidence / size ~ period + size + (1 | herd), cbpp))."""
    rows = load("cbpp")
    rows["rate"] = rows["incidence"] / rows["size"]
    table = hd.lmm("rate ~ period + size + (1 | herd)", rows).vif()
    assert table["term"].tolist() == ["period", "size"]
    assert table["df"].tolist() == [3, 1]
    np.testing.assert_allclose(table["gvif"], CAR_GVIF, rtol=1e-5)
    np.testing.assert_allclose(table["gvif_scaled"], CAR_SCALED, rtol=1e-5)


def test_with_single_columns_it_is_the_diagonal_of_the_inverse_correlation():
    f = hd.lmm("distance ~ age * Sex + (age | Subject)", load("orthodont"))
    se = f.se.to_numpy()
    R = f.vcov.to_numpy() / np.outer(se, se)
    np.testing.assert_allclose(f.vif()["gvif"], np.diag(np.linalg.inv(R[1:, 1:])), rtol=1e-9)


def test_one_term_has_nothing_to_be_collinear_with():
    f = hd.lmm("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    with pytest.raises(DesignError, match="only Days"):
        f.vif()


def test_without_intercept_the_table_warns():
    f = hd.lmm("distance ~ 0 + age + Sex + (1 | Subject)", load("orthodont"))
    assert "Without an intercept" in str(f.vif())
