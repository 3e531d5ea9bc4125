"""Leaving out groups, against whole fits of the data without them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, OptionError
from henderson.inference.influence import groups

load = hd.datasets.load


def weighted():
    rows = load("sleepstudy")
    rng = np.random.default_rng(2)
    return rows.assign(w=rng.uniform(0.5, 2, 180), known=rng.normal(size=180) * 30, half=rows["Days"] > 4)


def crossed():
    return hd.datasets.simulate_crossed(12, 8, seed=3)[0]


def schools():
    rng = np.random.default_rng(8)
    school = np.repeat(np.arange(9), 24)
    room = np.tile(np.repeat(np.arange(4), 6), 9)
    x = rng.normal(size=216)
    b, c = rng.normal(size=(9, 2)), rng.normal(size=36)
    y = 5 + x + b[school, 0] + 0.5 * b[school, 1] * x + 0.7 * c[school * 4 + room] + rng.normal(size=216)
    return pd.DataFrame({"y": y, "x": x, "school": school.astype(str), "room": room.astype(str)})


CASES = {
    "slopes": ("Reaction ~ Days + (Days | Subject)", lambda: load("sleepstudy"), "Subject", {}),
    "ml": ("Reaction ~ Days + (Days || Subject)", lambda: load("sleepstudy"), "Subject", {"reml": False}),
    "weights_offset": (
        "Reaction ~ Days + (Days | Subject)",
        weighted,
        "Subject",
        {"weights": "w", "offset": "known"},
    ),
    "crossed": ("diameter ~ 1 + (1 | plate) + (1 | sample)", lambda: load("penicillin"), "sample", {}),
    "nested_inner": ("y ~ x + (x | school) + (1 | school:room)", schools, "school:room", {}),
    "nested_outer": ("y ~ x + (x | school) + (1 | school:room)", schools, "school", {}),
    "no_intercept": ("Reaction ~ 0 + Days + (1 | Subject)", lambda: load("sleepstudy"), "Subject", {}),
    "cell_means": ("score ~ 0 + Machine + (1 | Worker)", lambda: load("machines"), "Worker", {}),
    "singular": ("Yield ~ 1 + (1 | Batch)", lambda: load("dyestuff2"), "Batch", {}),
    "column": ("Reaction ~ Days + (1 | Subject)", weighted, "half", {}),
}


def labels_of(rows, by):
    if by in rows:
        return rows[by].astype(str)
    a, b = by.split(":")
    return rows[a].astype(str) + ":" + rows[b].astype(str)


@pytest.mark.parametrize("name", CASES)
def test_as_fitted_without_the_group(name):
    formula, make, by, options = CASES[name]
    rows = make()
    fit = hd.lmm(formula, rows, tol=1e-12, **options)
    found = fit.influence(by)
    label = labels_of(rows, by)
    assert sorted(label.unique()) == sorted(map(str, found.record.levels))
    V = fit.vcov.to_numpy()
    for i, level in enumerate(found.record.levels):
        left = rows[label != str(level)]
        again = hd.lmm(formula, left, tol=1e-12, **options)
        np.testing.assert_allclose(found.fixef_deleted[i], again.beta, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(found.record.se_deleted[i], again.se, rtol=1e-4)
        np.testing.assert_allclose(found.theta_deleted[i], again.theta, rtol=2e-3, atol=1e-5)
        assert found.record.sd_deleted[i, -1] == pytest.approx(again.sigma, rel=1e-5)
        sds = np.concatenate([t.sd for t in again.varcorr.terms])
        np.testing.assert_allclose(found.record.sd_deleted[i, :-1], sds, rtol=2e-3, atol=1e-5)
        change = again.beta - fit.beta
        distance = change @ np.linalg.solve(V, change) / len(change)
        assert found.cooks_distance[i] == pytest.approx(distance, rel=1e-4, abs=1e-10)
        ratio = np.linalg.det(again.vcov.to_numpy()) / np.linalg.det(V)
        assert found.record.covratio[i] == pytest.approx(ratio, rel=1e-3)


@pytest.mark.parametrize("name", ["slopes", "weights_offset", "nested_inner", "nested_outer", "cell_means"])
def test_with_theta_held(name):
    """Against generalised least squares on the rows left, at the full fit's theta."""
    from tests.inference.dense import lambda_matrix, z_matrix

    formula, make, by, options = CASES[name]
    rows = make()
    fit = hd.lmm(formula, rows, **options)
    found, label, design = fit.influence(by, exact=False), labels_of(rows, by), fit.design
    ZL = z_matrix(design) @ lambda_matrix(design, fit.estimate.lambdas)
    w = np.ones(design.n) if design.weights is None else design.weights
    y = design.y if design.offset is None else design.y - design.offset
    V = ZL @ ZL.T + np.diag(1 / w)
    for i, level in enumerate(found.record.levels):
        keep = (label != str(level)).to_numpy()
        X, Vi = design.X[keep], np.linalg.inv(V[np.ix_(keep, keep)])
        C = np.linalg.inv(X.T @ Vi @ X)
        beta = C @ X.T @ Vi @ y[keep]
        rest = y[keep] - X @ beta
        sigma = np.sqrt(rest @ Vi @ rest / (keep.sum() - design.p))
        np.testing.assert_allclose(found.fixef_deleted[i], beta, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found.record.se_deleted[i], sigma * np.sqrt(np.diag(C)), rtol=1e-8)
        assert found.record.sd_deleted[i, -1] == pytest.approx(sigma, rel=1e-9)
        np.testing.assert_array_equal(found.theta_deleted[i], fit.theta)


def test_a_group_that_alone_carries_a_level_of_a_factor_is_reported():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", load("machines"))
    found = fit.influence("Machine")
    assert np.isnan(found.fixef_deleted).all()
    assert np.isnan(found.cooks_distance).all()
    assert found.reasons["B"] == "the rows left do not determine MachineB"
    assert "Not estimated without B" in str(found)


def test_two_groups_leave_one():
    rows = load("sleepstudy")
    rows = rows[rows["Subject"].isin(["308", "309"])]
    found = hd.lmm("Reaction ~ Days + (1 | Subject)", rows).influence()
    assert set(found.reasons.values()) == {
        "one level of Subject is left, which has no variance between levels"
    }
    assert np.isnan(found.cooks_distance).all()


def test_a_covariate_that_varies_in_one_group_only():
    rows = load("sleepstudy")
    rows["z"] = np.where(rows["Subject"] == "330", rows["Days"], 0.0)
    found = hd.lmm("Reaction ~ Days + z + (1 | Subject)", rows).influence()
    assert found.reasons == {"330": "the rows left do not determine z"}
    assert np.isfinite(found.cooks_distance).sum() == 17


def test_missing_rows_and_columns_of_polars():
    polars = pytest.importorskip("polars")
    rows = load("sleepstudy", as_="polars").with_columns(half=polars.col("Days") > 4)
    rows[3, "Reaction"] = None
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", rows)
    found = fit.influence("half")
    assert found["rows"].tolist() == [89, 90]
    assert isinstance(found.to_frame(), polars.DataFrame)
    assert isinstance(found.changes(), polars.DataFrame)
    assert fit.influence("observation").record.levels[3] == 4


def test_names_and_options():
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    with pytest.raises(OptionError, match="Did you mean 'Subject'"):
        fit.influence("subject")
    with pytest.raises(OptionError, match="exact"):
        fit.influence("Subject", exact="yes")
    with pytest.raises(OptionError, match="by, exact"):
        fit.influence(group="Subject")
    rows = load("sleepstudy").assign(site=["a", None] * 90, one=1)
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", rows)
    with pytest.raises(DataError, match="90 rows have no 'site'"):
        fit.influence("site")
    with pytest.raises(DataError, match="one value only"):
        fit.influence("one")


def test_answers_are_kept_and_do_not_change_the_fit():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    before = fit.estimate.cross.xx.copy()
    assert fit.influence().record is fit.influence("Subject").record
    np.testing.assert_array_equal(before, fit.estimate.cross.xx)


def test_tables():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    changes = fit.influence().changes()
    assert len(changes) == 18 * 5
    row = changes[(changes["level"] == "309") & (changes["term"] == "Days")].iloc[0]
    assert row["change"] == pytest.approx(row["estimate"] - fit.fixef["Days"])
    np.testing.assert_array_equal(fit.dfbetas("Subject")["Days"], fit.influence().dfbetas[:, 1])
    assert all(len(line) <= 80 for line in str(fit.influence()).splitlines())


def test_without_data_groupings_still_work():
    fit = hd.lmm("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    again = hd.LinearMixedFit.from_dict(fit.to_dict())
    np.testing.assert_allclose(again.influence().cooks_distance, fit.influence().cooks_distance, rtol=1e-6)


def test_a_model_without_fixed_effects():
    rows = load("sleepstudy").assign(y=lambda d: d["Reaction"] - 300)
    fit = hd.lmm("y ~ 0 + (1 | Subject)", rows)
    found = fit.influence()
    again = hd.lmm("y ~ 0 + (1 | Subject)", rows[rows["Subject"] != "308"])
    assert found.record.sd_deleted[0, -1] == pytest.approx(again.sigma, rel=1e-5)
    assert np.isnan(found.cooks_distance).all()
    assert "no fixed effects" in str(found)
    assert "influence of Subject" not in fit.diagnose()["topic"]


def test_threads_change_nothing_but_the_time(monkeypatch):
    """The same bits for one thread and for three, in a crossed design where levels vanish with a group."""
    data, truth = hd.datasets.simulate_crossed(12, 9, seed=3)
    monkeypatch.setattr(groups, "workers", lambda *_: 1)
    one = hd.lmm(truth.formula, data).influence("subject").record
    monkeypatch.setattr(groups, "workers", lambda *_: 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        three = hd.lmm(truth.formula, data).influence("subject").record  # anew: a fit remembers
        assert warnings.filters == before
    for name in ("fixef_deleted", "se_deleted", "cooks_distance", "theta_deleted", "covratio"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    assert one.reasons == three.reasons
