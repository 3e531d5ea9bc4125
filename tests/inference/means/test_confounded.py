"""What joint tests of terms leave out where cells are empty."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.inference.small_sample import f_test


@pytest.fixture(scope="module")
def rows():
    data = hd.datasets.load("machines")
    place = data.groupby(["Worker", "Machine"], observed=True).cumcount()
    data = data.assign(rep=[f"r{i + 1}" for i in place])
    return data[~((data["Machine"] == "C") & (data["rep"] == "r3"))]


def test_it_is_emmeans(rows):
    """emmeans 1.8.4 on the same rows; it subtracts F statistics that it has rounded to three decimals."""
    found = hd.lmm("score ~ Machine * rep + (1 | Worker)", rows).joint_tests()
    assert found["term"].tolist() == ["Machine", "rep", "Machine:rep", "(confounded)"]
    np.testing.assert_allclose(found["statistic"], [46.846, 0.008, 0.021, 37.5825], atol=6e-4)
    assert found["num_df"].tolist() == [1, 1, 3, 2]
    np.testing.assert_allclose(found["den_df"], 35, rtol=1e-3)
    assert found["p_value"][-1] == pytest.approx(1.92942e-09, rel=1e-3)
    assert "(confounded): the differences between means" in " ".join(str(found).split())


def test_with_what_the_terms_test_it_is_all_that_can_be_estimated(rows):
    fit = hd.lmm("score ~ Machine * rep + (1 | Worker)", rows)
    found = fit.joint_tests(ddf="none")
    contrasts = np.eye(fit.design.p)[1:]
    whole = f_test(fit._small_sample("none"), contrasts)
    assert found["num_df"].sum() == whole.num_df == 7
    half = rows[rows["Worker"].isin(["1", "2", "3"])]
    balanced = hd.lmm("score ~ Machine * rep + (1 | Worker)", half).joint_tests(ddf="none")
    assert balanced["num_df"].sum() == 7


def test_nothing_is_added_where_nothing_is_lost():
    full = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines")).joint_tests()
    assert full["term"].tolist() == ["Machine"]


def test_every_group_has_its_own(rows):
    data = rows.assign(kind=np.where(rows["Worker"].astype(str).isin(["1", "2", "3"]), "old", "new"))
    found = hd.lmm("score ~ Machine * rep * kind + (1 | Worker)", data).joint_tests(by="kind")
    assert (found["term"] == "(confounded)").sum() == 2
    assert found["num_df"][found["term"] == "(confounded)"].tolist() == [2, 2]
