"""Leaving out rows: closed form against the same by hand, and exact against whole fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd

from ..cases import NAMES, dense, fit


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_closed_form_against_dense_deletion(name, reml):
    f, d = fit(name, reml), dense(name, reml)
    found = f.influence("observation")
    y = f.design.y if f.design.offset is None else f.design.y - f.design.offset
    for i in range(0, f.design.n, 11):
        keep = np.arange(f.design.n) != i
        X, Vi = f.design.X[keep], np.linalg.inv(d.V[np.ix_(keep, keep)])
        C = np.linalg.inv(X.T @ Vi @ X)
        beta = C @ X.T @ Vi @ y[keep]
        rest = y[keep] - X @ beta
        sigma = np.sqrt(rest @ Vi @ rest / (f.estimate.nu - 1))
        np.testing.assert_allclose(found.fixef_deleted[i], beta, rtol=1e-8)
        np.testing.assert_allclose(found.record.se_deleted[i], sigma * np.sqrt(np.diag(C)), rtol=1e-8)
        assert found.record.sd_deleted[i, -1] == pytest.approx(sigma, rel=1e-9)
        change = beta - d.beta
        assert found.cooks_distance[i] == pytest.approx(
            change @ np.linalg.solve(d.vcov, change) / f.design.p, rel=1e-6, abs=1e-14
        )
        ratio = np.linalg.det(sigma**2 * C) / np.linalg.det(d.vcov)
        assert found.record.covratio[i] == pytest.approx(ratio, rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_closed_form_is_the_deletion_from_cross_products(name):
    f = fit(name)
    closed, deleted = (
        f.influence("observation").record,
        f._new_influence("rows", np.arange(f.design.n), tuple(range(f.design.n)), False),
    )
    np.testing.assert_allclose(closed.fixef_deleted, deleted.fixef_deleted, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(closed.covratio, deleted.covratio, rtol=1e-7)


def test_exact_against_whole_fits():
    rows = hd.datasets.load("sleepstudy")
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", rows, tol=1e-12)
    found = f.influence("observation", exact=True)
    for i in (0, 59, 130, 179):
        again = hd.lmm("Reaction ~ Days + (Days | Subject)", rows.drop(index=i), tol=1e-12)
        np.testing.assert_allclose(found.fixef_deleted[i], again.beta, rtol=1e-7)
        np.testing.assert_allclose(found.theta_deleted[i], again.theta, rtol=1e-3)


def test_a_row_with_a_parameter_of_its_own_is_reported():
    rows = hd.datasets.load("sleepstudy")
    rows["one"] = (np.arange(180) == 17).astype(float)
    f = hd.lmm("Reaction ~ Days + one + (1 | Subject)", rows)
    found = f.influence("observation")
    assert found.reasons == {17: "the row alone determines an effect"}
    assert np.isnan(found.fixef_deleted[17]).all()
    assert np.isnan(found.record.sd_deleted[17]).all()


@pytest.mark.parametrize("unit", [1.0, 1e6, 1e-6])
def test_cooks_distance_of_a_row_with_a_parameter_of_its_own_is_not_rounding(unit):
    rows = hd.datasets.load("sleepstudy")
    rows["late"] = np.where(rows["Days"] > 4, "yes", "no")
    rows["who"] = np.where(rows["Subject"].astype(str) == "308", "him", "them")
    rows.loc[17, "who"] = "rare"  # the only one of its cell with late = yes
    rows["Days"] = rows["Days"] * unit
    f = hd.lmm("Reaction ~ late * who + Days + (1 | Subject)", rows)
    alone = f.influence("observation").reasons
    assert list(alone) == [17]
    assert np.isnan(f.cooks_distance()[17]) and np.isnan(f.augment()[".cooksd"][17])
    assert np.isfinite(np.delete(f.cooks_distance(), 17)).all()


def test_cooks_distance_of_the_rows_is_that_of_augment():
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    np.testing.assert_array_equal(f.cooks_distance(), f.augment()[".cooksd"])
    assert f.cooks_distance("observation").shape == (180,)


def test_exact_deletion_of_rows_as_lme4():
    """lme4: influence(lmer(Reaction ~ Days + (1 | Subject), sleepstudy)); cooks.distance() x 180 / 178."""
    f = hd.lmm("Reaction ~ Days + (1 | Subject)", hd.datasets.load("sleepstudy"))
    found, at = f.influence("observation", exact=True), [0, 59, 179]
    np.testing.assert_allclose(
        found.cooks_distance[at], [1.668877500e-02, 9.160718694e-02, 1.497365939e-06], rtol=2e-6
    )
    there = [[0.0933764001, -0.1797576572], [-0.0928395253, 0.4342964625], [0.0003754620, -0.0016898693]]
    np.testing.assert_allclose(found.dfbetas[at], there, rtol=5e-5)
    np.testing.assert_allclose(found.record.sd_deleted[0] ** 2, [1405.460015, 951.9059117], rtol=1e-7)


def test_rows_go_by_the_index_of_a_pandas_frame():
    sleep = hd.datasets.load("sleepstudy")
    late = sleep[sleep["Days"] > 1]
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", late)
    table = f.influence("observation")
    worst = table["level"][table.cooks_distance.argmax()]
    assert worst == late.index[table.cooks_distance.argmax()] == 59
    assert (
        "59 " in str(table) and "59" in str(f.simulate_residuals(n=50, seed=1)) and "59" in str(f.diagnose())
    )
    assert f.simulate_residuals(n=50, seed=1).rows()["row"].tolist() == late.index.tolist()


def test_rows_without_names_go_by_their_place():
    sleep = hd.datasets.load("sleepstudy")
    holes = sleep.assign(Days=sleep["Days"].where(sleep["Days"] != 3))
    once = hd.lmm("Reaction ~ Days + (1 | Subject)", holes).influence("observation")["level"]
    assert once[:5].tolist() == [0, 1, 2, 4, 5]
    twice = pd.concat([sleep, sleep])
    found = hd.lmm("Reaction ~ Days + (1 | Subject)", twice).influence("observation")["level"]
    assert found.tolist() == list(range(360))
    plain = {name: sleep[name].to_numpy() for name in sleep}
    assert hd.lmm("Reaction ~ Days + (1 | Subject)", plain).influence("observation")["level"][-1] == 179
