"""Scaled residuals: their definition, and tests that hold their level and find what is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm

import henderson as hd
from henderson.errors import DataError, OptionError
from henderson.inference.influence.scaled import own_stream, simulated
from henderson.inference.influence.trend import Predictor, quantile_trend

from ..cases import NAMES, dense, fit

sleep = hd.datasets.load("sleepstudy")
FIT = hd.lmm("Reaction ~ Days + (Days | Subject)", sleep)


@pytest.mark.parametrize("name", NAMES)
def test_residuals_are_the_marginal_distribution_at_the_response(name):
    f, d = fit(name), dense(name)
    offset = 0 if f.design.offset is None else f.design.offset
    z = (f.design.y - offset - f.design.X @ f.beta) / (d.sigma * np.sqrt(np.diag(d.V)))
    np.testing.assert_allclose(f.simulate_residuals(20).residuals, norm.cdf(z), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_with_all_effects_kept_they_are_those_of_the_fitted_values(name):
    f = fit(name)
    found = f.simulate_residuals(20, groups="all")
    np.testing.assert_allclose(found.residuals, norm.cdf(f.residuals("scaled")), rtol=1e-9)
    np.testing.assert_allclose(found.predicted, f.fitted, rtol=1e-12)


def test_simulations_have_the_distribution_that_residuals_are_computed_from():
    """Shares of 4,000 simulated responses below the data, against the residuals."""
    f = fit("weights_offset")
    below = (f.simulate(4000, seed=3) < f.design.y).mean(axis=0)
    assert np.abs(below - f.simulate_residuals(20).residuals).max() < 4 * 0.5 / np.sqrt(4000)


def test_statistics():
    found = FIT.simulate_residuals(50, by="Days")
    u = found.residuals
    values = dict(zip(found["test"], found["statistic"], strict=True))
    assert values["uniformity"] == pytest.approx(kstest(u, "uniform").statistic)
    assert values["dispersion"] == pytest.approx(np.std(norm.ppf(u)))
    assert values["outliers"] == ((u < 1 / 51) | (u > 50 / 51)).sum() == len(found.record.outlying)


def test_a_trend_is_a_sum_of_squared_scores():
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=50), rng.normal(size=50)
    ranks = x.argsort().argsort() / 50
    B = np.linalg.qr(np.column_stack([np.ones(50), ranks, ranks**2]))[0][:, 1:]
    by_hand = sum(((B.T @ (t - (norm.cdf(z) < t))) ** 2).sum() / (t * (1 - t)) for t in (0.25, 0.5, 0.75))
    assert quantile_trend(z, Predictor.of_numbers("x", x).basis) == pytest.approx(by_hand)
    assert Predictor.of_numbers("x", np.ones(5)) is None
    assert Predictor.of_numbers("x", np.array([0.0, 1, 0, 1])).basis.shape == (4, 1)
    assert Predictor.of_categories("x", np.array([0, 1, 2, 1])).basis.shape == (4, 2)


def clean(seed: int, noise=None) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(12), 8), rng.normal(size=96)
    e = rng.normal(size=96) if noise is None else noise(rng, x)
    y = 1 + x + rng.normal(size=12)[g] + (0.5 * rng.normal(size=12))[g] * x + e
    return pd.DataFrame({"y": y, "x": x, "g": g.astype(str)})


def p_values(formula, seeds, **options):
    noise = options.pop("noise", None)
    return np.array(
        [
            hd.lmm(formula, clean(s, noise)).simulate_residuals(79, seed=s, by="x", **options)["p_value"]
            for s in seeds
        ]
    )


def test_refitted_tests_hold_their_level():
    p = p_values("y ~ x + (x | g)", range(100), refit=True)
    assert ((p <= 0.1).mean(axis=0) < 0.1 + 3.3 * np.sqrt(0.09 / 100)).all()
    assert ((p[:, [0, 1, 4]] <= 0.1).mean(axis=0) > 0.1 - 3.3 * np.sqrt(0.09 / 100)).all()


def test_without_refitting_they_seldom_reject_a_right_model():
    p = p_values("y ~ x + (x | g)", range(100))
    assert ((p <= 0.05).mean(axis=0) < 0.05 + 3 * np.sqrt(0.0475 / 100)).all()


WRONG = {
    "curved": (lambda rng, x: rng.normal(size=96) + 1.2 * x**2, 4),
    "unequal variance": (lambda rng, x: rng.normal(size=96) * np.exp(0.9 * x) * 2, 4),
    "skewed": (lambda rng, x: 4 * rng.exponential(size=96) ** 1.5, 0),
    "gross errors": (lambda rng, x: rng.normal(size=96) + 25 * (rng.random(96) < 0.02), 0),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_model_is_found(kind):
    noise, which = WRONG[kind]
    p = p_values("y ~ x + (x | g)", range(15), noise=noise, refit=True)
    assert (p[:, which] <= 0.05).mean() > 0.6


def test_a_slope_left_out_shows_in_the_variance_along_it():
    found = hd.lmm("Reaction ~ 1 + (1 | Subject)", sleep).simulate_residuals(by="Days")
    assert found["test"].tolist()[-1] == "trend with Days"
    assert found["p_value"][-1] < 0.01
    assert "trend with Days: their quartiles move with Days" in str(found)


def test_seeds_and_frames():
    one, two = FIT.simulate_residuals(50, seed=5), FIT.simulate_residuals(50, seed=5)
    np.testing.assert_array_equal(one["p_value"], two["p_value"])
    assert (FIT.simulate_residuals(50, seed=6)["expected"] != one["expected"]).any()
    assert list(one.rows().columns) == ["row", "predicted", "residual"]
    assert list(one.to_frame().columns) == ["test", "statistic", "expected", "p_value"]
    assert all(len(line) <= 80 for line in str(one).splitlines())


def test_a_column_of_categories_and_dropped_rows():
    rows = sleep.assign(half=np.where(sleep["Days"] > 4, "late", "early"))
    rows.loc[5, "Reaction"] = np.nan
    f = hd.lmm("Reaction ~ Days + (1 | Subject)", rows)
    found = f.simulate_residuals(30, by=["half", "Subject"])
    assert found["test"].tolist()[-2:] == ["trend with half", "trend with Subject"]
    assert found.rows()["row"].tolist()[5] == 6


def test_data_made_from_the_same_seed_do_not_come_back_as_errors():
    x = np.random.default_rng(7).normal(size=180)
    noise = next(simulated(FIT.design, FIT.estimate, 1, own_stream(7), (0,))) - FIT.fitted
    assert abs(np.corrcoef(x, noise)[0, 1]) < 0.3


def test_bad_arguments():
    with pytest.raises(OptionError, match="at least 20"):
        FIT.simulate_residuals(5)
    with pytest.raises(OptionError, match="Did you mean 'Days'"):
        FIT.simulate_residuals(by="days")
    with pytest.raises(OptionError, match="'all', None"):
        FIT.simulate_residuals(groups="some")
    f = hd.lmm("Reaction ~ Days + (1 | Subject)", sleep.assign(z=[1.0, None] * 90, one=1))
    with pytest.raises(DataError, match="90 rows have no 'z'"):
        f.simulate_residuals(by="z")
    with pytest.raises(DataError, match="'one' cannot show a trend"):
        f.simulate_residuals(by="one")
