"""The gradient without a factor against the dense one, and fits against those of the direct solver."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from benchmarks.problems import INSTEVAL, insteval_like
from benchmarks.ratings import ratings

import henderson as hd
from henderson import crossprod
from henderson.errors import FitError
from henderson.model.criterion import constant
from henderson.model.iterative import IterativeCriterion
from henderson.model.sampled import sample
from henderson.solve import reference
from henderson.solve.levels import lay_out
from henderson.solve.probes import draw_probes, exact_directions
from tests.solve.test_direct import make_design, structures


@pytest.fixture
def by_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No complement is so small that it is formed."""
    monkeypatch.setattr("henderson.solve.iterative.DENSE", 0)
    monkeypatch.setattr("henderson.model.sampled_search.DENSE", 0)


def basis(layout) -> np.ndarray:
    return exact_directions(layout)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", list(structures()))
def test_unit_vectors_as_probes_give_the_exact_gradient(
    name: str, weighted: bool, reml: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("henderson.model.sampled.LOOSE", 1e-12)
    cross = crossprod.from_design(make_design(structures()[name], 300, weighted=weighted))
    theta = np.random.default_rng(3).normal(size=cross.n_theta)
    layout = lay_out(cross)
    found = sample(layout, reml, draw_probes(basis(layout), 10**6, 0), cross.entries, theta, None, 1e-13)
    dense = reference.evaluate(cross, theta, reml=reml)
    assert found is not None and dense.gradient is not None and dense.curvature is not None
    assert found.at.r2 == pytest.approx(dense.r2, rel=1e-11)
    np.testing.assert_allclose(found.at.beta, dense.beta, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.at.gradient, dense.gradient, atol=1e-10 * np.abs(dense.gradient).max())
    np.testing.assert_allclose(found.at.curvature, dense.curvature, atol=1e-9 * np.abs(dense.curvature).max())
    assert not found.gradient_covariance.any()


@pytest.mark.parametrize("name", ["crossed, sparse", "nearly nested"])
@pytest.mark.usefixtures("by_probes")
def test_the_monte_carlo_error_of_the_gradient_is_what_it_says(name: str) -> None:
    cross = crossprod.from_design(make_design(structures()[name], 300))
    theta, layout = np.random.default_rng(3).normal(size=cross.n_theta), lay_out(cross)
    exact = reference.evaluate(cross, theta, reml=True).gradient
    assert exact is not None
    z = []
    for seed in range(60):
        found = sample(layout, True, draw_probes(basis(layout), 12, seed), cross.entries, theta)
        assert found is not None
        error = np.sqrt(np.diag(found.gradient_covariance))
        known = error == 0  # small groupings, by unit vectors
        np.testing.assert_allclose(found.at.gradient[known], exact[known], rtol=1e-4)
        z.append((found.at.gradient - exact)[~known] / error[~known])
    assert 0.7 < np.sqrt((np.array(z) ** 2).mean()) < 1.5
    assert np.abs(np.mean(z, axis=0)).max() < 5 / np.sqrt(60)


def test_integrated_differences_are_those_of_the_criterion() -> None:
    cross = crossprod.from_design(make_design(structures()["nested and crossed"], 300))
    layout = lay_out(cross)
    evaluate = IterativeCriterion(layout, True, draw_probes(basis(layout), 10**6, 0))
    theta = np.abs(np.random.default_rng(3).normal(size=cross.n_theta)) + 0.3
    first = evaluate(theta, 2)
    second = evaluate(theta * 1.01, 2)
    assert first is not None and second is not None
    exact = [reference.evaluate(cross, t, reml=True).value for t in (theta, theta * 1.01)]
    assert second.value - first.value == pytest.approx(exact[1] - exact[0], rel=1e-3)


@pytest.mark.usefixtures("by_probes")
@pytest.mark.parametrize("kind", ["plain", "clusters", "slopes", "third", "nested"])
def test_a_small_ratings_table_gives_the_direct_optimum(kind: str) -> None:
    formula, frame, _ = ratings(kind, 0.004)
    exact = hd.lmm(formula, frame, solver="direct")
    fit = hd.lmm(formula, frame, solver="iterative", tol=0.004)
    errors = fit.estimate.monte_carlo
    assert errors.share <= 0.004 and fit.converged
    assert np.all(np.abs(fit.theta - exact.theta) <= 5 * errors.theta_error + 0.003 * errors.theta_std_error)
    rounding = 1e-12 * abs(exact.loglik)
    assert abs(fit.loglik - exact.loglik) <= 5 * errors.criterion_error / 2 + rounding
    np.testing.assert_allclose(fit.beta, exact.beta, atol=0.01 * exact.se.max())
    np.testing.assert_allclose(fit.vcov, exact.vcov, rtol=0.01)
    assert fit.sigma == pytest.approx(exact.sigma, rel=1e-4)
    for group in fit.ngroups:
        ours, theirs = np.asarray(fit.ranef[group]), np.asarray(exact.ranef[group])
        np.testing.assert_allclose(ours, theirs, atol=0.01 * theirs.std())
    np.testing.assert_allclose(fit.predict(frame.head(9)), exact.predict(frame.head(9)), rtol=1e-3)


@pytest.mark.usefixtures("by_probes")
def test_the_default_accuracy_is_four_digits_of_theta_on_a_likeness_of_insteval() -> None:
    frame = insteval_like()
    exact = hd.lmm(INSTEVAL, frame, solver="direct")
    fit = hd.lmm(INSTEVAL, frame, solver="iterative")
    np.testing.assert_allclose(fit.theta, exact.theta, rtol=1e-4)
    assert abs(fit.criterion - exact.criterion) <= 4 * fit.estimate.monte_carlo.criterion_error


@pytest.fixture(scope="module")
def small() -> tuple[hd.LinearMixedFit, pd.DataFrame]:
    formula, frame, _ = ratings("plain", 0.002)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("henderson.solve.iterative.DENSE", 0)
        patch.setattr("henderson.model.sampled_search.DENSE", 0)
        return hd.lmm(formula, frame, solver="iterative"), frame


def test_the_summary_says_how_it_was_solved(small) -> None:
    fit, _ = small
    text = str(fit)
    assert "Solved iteratively: theta has a Monte Carlo error" in text and "z tests" in text
    assert max(map(len, text.splitlines())) <= 80
    table = fit.solver
    assert table.name == "iterative" and "Monte Carlo error" in str(table)
    assert "13 random probes and 1 direction taken exactly" in str(table)
    assert list(table.to_frame().columns) == ["term", "estimate", "std_error", "mc_error"]
    assert max(map(len, str(table).splitlines())) <= 80


def test_what_needs_a_factor_says_so(small) -> None:
    fit, _ = small
    with pytest.raises(FitError, match="solver='direct'"):
        fit.ranef["item"].cov  # noqa: B018


def test_an_iterative_fit_is_stored_and_read_back(small) -> None:
    fit, _ = small
    back = hd.LinearMixedFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    assert back.solver.name == "iterative"
    np.testing.assert_array_equal(back.estimate.monte_carlo.theta_error, fit.estimate.monte_carlo.theta_error)
    np.testing.assert_allclose(np.asarray(back.ranef["item"]), np.asarray(fit.ranef["item"]), atol=1e-6)


def test_the_search_is_told_as_one(small) -> None:
    fit, _ = small
    assert f"in {fit.opt.evaluations} evaluations" in fit.opt.message
    assert [s.stage for s in fit.opt.steps].count("start") == 1
    assert "the same, more probes" in str(fit.opt)
    assert fit.with_ml().solver.name == "iterative"


@pytest.mark.usefixtures("by_probes")
def test_a_refit_is_iterative_again(small) -> None:
    fit, frame = small
    again = fit.refit(frame["y"].to_numpy())
    assert again.solver.name == "iterative"
    assert np.all(np.abs(again.theta - fit.theta) < 0.02 * fit.estimate.monte_carlo.theta_std_error)


@pytest.mark.usefixtures("by_probes")
def test_a_variance_of_zero_is_an_ordinary_answer() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.integers(0, 400, 6000), rng.integers(0, 200, 6000)
    y = rng.normal(size=6000) + 0.5 * rng.normal(size=400)[a]
    y -= pd.Series(y).groupby(b).transform("mean").to_numpy()  # less between b than chance would leave
    frame = pd.DataFrame({"y": y, "a": a, "b": b})
    fit = hd.lmm("y ~ 1 + (1 | a) + (1 | b)", frame, solver="iterative")
    exact = hd.lmm("y ~ 1 + (1 | a) + (1 | b)", frame, solver="direct")
    assert exact.theta[1] == 0 and fit.theta[1] == 0 and fit.is_singular and fit.converged
    assert fit.theta[0] == pytest.approx(exact.theta[0], rel=1e-3)


def test_sums_of_products_are_enough() -> None:
    formula, frame, _ = ratings("plain", 0.002)
    sums = hd.cross_products(formula, frame)
    fit = hd.lmm(sums, solver="iterative")
    rows = hd.lmm(formula, frame, solver="iterative")
    assert fit.solver.name == "iterative"
    np.testing.assert_allclose(fit.theta, rows.theta, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(fit.ranef["item"]), np.asarray(rows.ranef["item"]), atol=1e-5)


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
        ("Reaction ~ 0 + (1 | Subject)", "sleepstudy"),
        ("Yield ~ 1 + (1 | Batch)", "dyestuff2"),
        ("strength ~ 1 + (1 | batch/cask)", "pastes"),
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", "penicillin"),
    ],
)
@pytest.mark.parametrize("reml", [True, False])
def test_small_data_come_out_exactly(formula: str, name: str, reml: bool) -> None:
    data = hd.datasets.load(name)
    fit, exact = (hd.lmm(formula, data, reml=reml, solver=solver) for solver in ("iterative", "direct"))
    assert fit.estimate.monte_carlo.share == 0
    np.testing.assert_allclose(fit.theta, exact.theta, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(fit.beta, exact.beta, rtol=1e-5)
    assert fit.loglik == pytest.approx(exact.loglik, rel=1e-7)


@pytest.mark.usefixtures("by_probes")
def test_weights_missing_values_and_text_labels() -> None:
    rng = np.random.default_rng(0)
    a, b, x, w = (
        rng.integers(0, 300, 5000),
        rng.integers(0, 250, 5000),
        rng.normal(size=5000),
        rng.uniform(1, 2, 5000),
    )
    y = (
        1
        + x
        + 0.5 * rng.normal(size=300)[a]
        + 0.4 * rng.normal(size=250)[b]
        + rng.normal(size=5000) / np.sqrt(w)
    )
    y[::97] = np.nan
    frame = pd.DataFrame({"y": y, "x": x, "a": [f"a{i}" for i in a], "b": pd.Categorical(b), "w": w})
    fit, exact = (
        hd.lmm("y ~ x + (x | a) + (1 | b)", frame, weights="w", solver=solver)
        for solver in ("iterative", "direct")
    )
    errors = fit.estimate.monte_carlo
    assert np.all(np.abs(fit.theta - exact.theta) <= 5 * errors.theta_error + 0.003 * errors.theta_std_error)
    assert abs(fit.loglik - exact.loglik) <= 5 * errors.criterion_error / 2


@pytest.mark.parametrize("pivot", [1e-9, 1e-5, -4e-4])
def test_the_gradient_is_smooth_through_a_variance_of_zero(pivot: float) -> None:
    """Derivatives by variances are taken at a small one; those by theta must vanish with theta."""
    cross = crossprod.from_design(make_design(structures()["crossed, sparse"], 300))
    layout, theta = lay_out(cross), np.full(cross.n_theta, 0.6)
    theta[-1] = pivot
    found = sample(layout, True, draw_probes(basis(layout), 10**6, 0), cross.entries, theta)
    dense = reference.evaluate(cross, theta, reml=True)
    assert found is not None and dense.gradient is not None and dense.curvature is not None
    np.testing.assert_allclose(found.at.gradient, dense.gradient, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(found.at.curvature, dense.curvature, rtol=1e-3, atol=1e-3)
    assert found.at.value == pytest.approx(dense.value + constant(cross, True), abs=1e-6)


def test_one_grouping_without_variance_and_heavy_weights() -> None:
    rng = np.random.default_rng(0)
    g, n = rng.integers(0, 3, 6000), 6000
    frame = pd.DataFrame({"g": g, "x": rng.normal(size=n), "w": rng.uniform(0.2, 4, n)})
    frame["y"] = rng.normal(size=n) / np.sqrt(frame.w)
    frame["y"] -= frame.groupby("g").y.transform("mean")
    fit = hd.lmm("y ~ x + (1 | g)", frame, weights="w", solver="iterative")
    assert fit.converged and fit.theta[0] == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_complement_that_can_be_formed_leaves_nothing_to_chance(seed: int) -> None:
    """Slopes by four small groupings, most of their variances zero: hard for integrated differences."""
    rng = np.random.default_rng(seed)
    n = 600
    frame = pd.DataFrame({k: rng.integers(0, m, n) for k, m in zip("abcd", (150, 60, 45, 30), strict=True)})
    frame["z"], frame["v"] = rng.normal(size=n), rng.normal(size=n)
    frame["y"] = 3 * rng.normal(size=150)[frame.a] + 0.8 * rng.normal(size=60)[frame.b] * frame.z
    frame["y"] += rng.normal(size=n)
    formula = "y ~ z + (z + v | a) + (z | b) + (0 + z | c) + (z + v || d)"
    fit, exact = (hd.lmm(formula, frame, reml=False, solver=s) for s in ("iterative", "direct"))
    assert fit.converged and fit.estimate.monte_carlo.share == 0
    assert fit.criterion == pytest.approx(exact.criterion, abs=1e-4)
