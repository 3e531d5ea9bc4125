"""The page of checks: silent on right models, and clear about what is wrong with wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import henderson as hd
from henderson.inference.diagnosis import distribution, outliers
from henderson.inference.diagnosis.record import STATUS

from ..cases import NAMES, dense, fit

load = hd.datasets.load


def simulated(seed: int, groups: int = 24, size: int = 10, **wrong) -> pd.DataFrame:
    """A right model with a random slope and a group-level covariate, unless `wrong` says otherwise."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), size)
    x, v = rng.normal(size=groups * size), rng.normal(size=groups)
    b = rng.normal(size=(groups, 2)) * [1.0, 0.6]
    mean = 2 + x + 0.5 * v[g] + b[g, 0] + b[g, 1] * x
    e = rng.normal(size=groups * size)
    rows = pd.DataFrame({"x": x, "v": v[g], "g": [f"s{i:02d}" for i in g]})
    rows["y"] = wrong.get("response", lambda mean, e, x: mean + e)(mean, e, x)
    return rows


def page(rows, formula="y ~ x + v + (x | g)", **options):
    return hd.lmm(formula, rows, **options).diagnose()


def topics(found, status):
    return {check.topic for check in found.record.of(status)}


def test_right_models_seldom_get_anything_to_look_at():
    """Of 80 pages, with about nine random checks each, no more than one in ten asks to look."""
    pages = [page(simulated(seed)) for seed in range(80)]
    assert np.mean([bool(p.look) for p in pages]) <= 0.1
    noted = [topics(p, "note") - {"random effects"} for p in pages]
    assert np.mean([bool(n) for n in noted]) <= 0.1
    assert all({"search", "minimum"} <= topics(p, "ok") for p in pages)


def test_small_and_crossed_right_models_too():
    def crossed(seed):
        rng = np.random.default_rng([seed, 3])
        s, i = (a.ravel() for a in np.meshgrid(np.arange(12), np.arange(8)))
        y = 5 + rng.normal(size=12)[s] + 0.7 * rng.normal(size=8)[i] + rng.normal(size=96)
        return pd.DataFrame({"y": y, "s": s.astype(str), "i": i.astype(str)})

    pages = [page(crossed(seed), "y ~ 1 + (1 | s) + (1 | i)") for seed in range(60)]
    assert np.mean([bool(p.look) for p in pages]) <= 0.1


WRONG = {
    "rows": {"response": lambda mean, e, x: mean + e + 9 * (np.arange(len(e)) == 17)},
    "levels of g": {"response": lambda mean, e, x: mean + e + 9 * (np.arange(len(e)) // 10 == 3)},
    "equal variance": {"response": lambda mean, e, x: np.exp(0.6 * (mean + e))},
    "curve": {"response": lambda mean, e, x: mean + e + 1.5 * x**2},
}


@pytest.mark.parametrize("topic", WRONG)
def test_what_is_wrong_is_to_be_looked_at(topic):
    found = page(simulated(1, **WRONG[topic]))
    assert topic in found.look
    check = next(c for c in found.record.checks if c.topic == topic)
    assert check.advice
    assert "LOOK" in str(found)


def test_the_outlying_row_and_level_are_named():
    row = next(c for c in page(simulated(1, **WRONG["rows"])).record.checks if c.topic == "rows")
    assert ": 17;" in row.finding
    level = page(simulated(1, **WRONG["levels of g"]))
    finding = next(c.finding for c in level.record.checks if c.topic == "levels of g")
    assert finding.startswith("s03 lies apart")


def test_a_decisive_group_is_to_be_looked_at():
    rows = simulated(5)
    rows.loc[rows["g"] == "s00", "v"] = 12.0
    rows.loc[rows["g"] == "s00", "y"] += 25
    found = page(rows, "y ~ x + v + (1 | g)")
    assert "influence of g" in found.look
    check = next(c for c in found.record.checks if c.topic == "influence of g")
    assert check.finding.startswith("Leaving out s00 changes the fixed effects most: v by")


def test_a_group_that_moves_a_coefficient_is_noted():
    """Without B:6 of the machines MachineB moves by 1.9 standard errors, though Cook's distance is 0.6."""
    found = hd.lmm("score ~ Machine + (1 | Worker / Machine)", load("machines")).diagnose()
    check = next(c for c in found.record.checks if c.topic == "influence of Machine:Worker")
    assert check.status == "note"
    assert "B:6 changes the fixed effects most: MachineB by +1.92" in check.finding
    assert "fit.influence('Machine:Worker')" in check.advice


@pytest.mark.parametrize("groups", [10, 40])
def test_groups_of_right_models_are_seldom_noted(groups):
    pages = [page(simulated(seed, groups)) for seed in range(60)]
    assert np.mean(["influence of g" in topics(p, "note") for p in pages]) <= 0.1


def test_heavy_tails_are_noted_not_alarming():
    found = page(simulated(2, response=lambda mean, e, x: mean + np.sign(e) * np.abs(e) ** 1.7))
    assert "residuals" in topics(found, "note")


def test_collinearity_scale_few_groups_and_singularity():
    rows = simulated(3, groups=4, size=30)
    rows["year"], rows["twin"] = 2010 + rows["x"] * 3, rows["v"] * 0 + rows["x"] * 2
    rows["twin"] += 0.1 * np.random.default_rng(1).normal(size=120)
    found = page(rows, "y ~ x + twin + (1 | g)")
    assert "collinearity" in found.look
    assert "groups" in topics(found, "note")
    assert "scale" in topics(page(rows, "y ~ year + (1 | g)"), "note")
    assert "I(year - 2010" in str(page(rows, "y ~ year + (1 | g)"))
    singular = page(load("dyestuff2"), "Yield ~ 1 + (1 | Batch)")
    assert topics(singular, "note") == {"random effects"}
    assert "leave out the term of Batch" in str(singular).replace("\n       ", " ")
    assert not singular.look


def test_dropped_columns_are_noted():
    rows = simulated(4)
    rows["again"] = rows["x"] * 3
    assert "Left out as combinations of other columns: again." in str(page(rows, "y ~ x + again + (1 | g)"))


def test_a_search_cut_short_is_to_be_looked_at():
    with pytest.warns(hd.errors.HendersonWarning):
        f = hd.lmm("y ~ x + v + (x | g)", simulated(6), max_evaluations=2)
    found = f.diagnose()
    assert "search" in found.look
    assert "max_evaluations=8" in str(found)


def test_a_point_that_is_no_minimum_is_to_be_looked_at():
    f = fit("slope")
    wrong = replace(f.estimate.kkt, satisfied=False, smallest_eigenvalue=(-3.0,))
    from henderson.inference.diagnosis.search import check_search

    found = check_search(f.design, replace(f.estimate, kkt=wrong))[1]
    assert found.status == "look"
    assert "g would lower the criterion" in found.finding


@pytest.mark.parametrize("name", NAMES)
def test_modes_are_standardised_by_their_covariance(name):
    """Var(b hat) = L L'Z'V^-1 Z L L' sigma^2 at known beta, from the dense matrices."""
    f, d = fit(name), dense(name)
    full = d.sigma**2 * d.L @ d.L.T @ d.Z.T @ d.Vi @ d.Z @ d.L @ d.L.T
    at = 0
    for b, one in zip(f.estimate.b, outliers.standardised_modes(f.estimate), strict=True):
        for g in range(len(b)):
            here = slice(at, at + b.shape[1])
            own = b[g] @ np.linalg.pinv(full[here, here], rcond=1e-9) @ b[g]
            assert one.distance[g] == pytest.approx(own, rel=1e-5)
            at += b.shape[1]


def test_shape_is_the_test_of_dagostino_and_pearson():
    for n in (20, 60, 500):
        x = np.random.default_rng(n).gamma(3, size=n)
        skew, kurt, p = distribution.shape(x)
        assert p == pytest.approx(stats.normaltest(x).pvalue, rel=1e-8)
        assert skew == pytest.approx(stats.skew(x))
        assert kurt == pytest.approx(stats.kurtosis(x))
    assert distribution.shape(np.ones(30)) == (0, 0, 1)


def test_rank_correlation():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 9, 80).astype(float), rng.normal(size=80)
    r, p = distribution.correlation(distribution.ranks(x), distribution.ranks(y))
    there = stats.spearmanr(x, y)
    assert r == pytest.approx(there.statistic)
    assert p == pytest.approx(there.pvalue, rel=0.05)


def test_a_dear_deletion_is_replaced_or_left_to_the_user(monkeypatch):
    f = fit("slope")
    cost = outliers.deletion_cost(f.estimate, 12, True)
    monkeypatch.setattr(outliers, "BUDGET", 0.5 * cost)
    check = next(c for c in f.diagnose().record.checks if c.topic == "influence of g")
    assert "(theta held)" in check.finding
    monkeypatch.setattr(outliers, "BUDGET", 0.0)
    check = next(c for c in f.diagnose().record.checks if c.topic == "influence of g")
    assert "fit.influence('g', exact=False)" in check.advice
    assert check.status == "note"


def test_text_html_and_frame():
    found = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy")).diagnose()
    assert all(len(line) <= 80 for line in str(found).splitlines())
    assert list(found.to_frame().columns) == ["topic", "status", "finding", "advice", "value", "limit"]
    assert set(found["status"]) <= set(STATUS)
    html = found._repr_html_()
    assert html.count("<div") == html.count("</div")
    assert "LOOK" in html


def test_a_fit_read_back_and_fits_by_ml_are_checked_too():
    f = hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"), reml=False)
    again = hd.LinearMixedFit.from_dict(f.to_dict())
    assert again.diagnose().look == f.diagnose().look
    assert "fit by ML" in str(f.diagnose())


def test_what_many_rows_make_certain_but_does_not_matter_is_no_alarm():
    rng = np.random.default_rng(3)
    n = 40_000
    x = rng.normal(size=n)
    weak = distribution.check_spread(rng.normal(size=n) * np.exp(0.05 * x), x)
    assert weak.value < 1e-6
    assert weak.status == "ok"
    assert distribution.check_residuals(rng.gamma(200, size=n) - 200).status == "ok"
    assert distribution.check_curve(rng.normal(size=n) + 0.05 * x**2, x).status == "ok"
    assert distribution.check_spread(rng.normal(size=n) * np.exp(0.5 * x), x).status == "look"
