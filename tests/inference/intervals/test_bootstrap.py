"""Bootstrap: the same numbers however it is run, the moments they should have, and what goes wrong said."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson import estimate as estimation
from henderson.errors import DataError, FitError, OptionError
from henderson.inference.intervals.batch import refit_block
from henderson.inference.intervals.bootstrap import bootstrap, limits
from henderson.inference.intervals.cases import resampled, top_groups
from henderson.inference.intervals.coordinates import Frames
from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.responses import Drawer, Streams, products, reflated
from henderson.inference.intervals.statistic import as_refits, parameter_values
from tests.inference.cases import NAMES, fit
from tests.inference.dense import lambda_matrix, z_matrix


@cache
def sleep(reml: bool = True) -> hd.LinearMixedFit:
    return hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"), reml=reml)


@cache
def drawn(kind: str = "parametric", n: int = 400, seed: int = 1):
    return bootstrap(sleep().design, sleep().estimate, n, seed, kind)


# -- refits in blocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_a_block_of_refits_is_as_good_as_one_by_one(name, reml):
    f = fit(name, reml)
    frame, every = Frames(f.estimate).usual(), parameters(f.design)
    Y = Drawer(f.design, f.estimate, "parametric").draw(Streams(7), range(12), 16)
    block = products(f.design, frame.cross, Y)
    refits = refit_block(f.estimate, frame, block, 12)
    values = parameter_values(every, refits)
    for i in range(12):
        alone = estimation.refit(f.estimate, f.design, Y[i])
        expected = parameter_values(every, as_refits(alone))[0]
        kinds = [p.kind for p in every]
        scale = np.array([alone.sigma if kind == "sd" else 1.0 for kind in kinds])
        if alone.singular:  # where a variance is zero its correlations mean nothing
            scale[[kind == "cor" for kind in kinds]] = np.inf
        off = np.nan_to_num(values[i] - expected) / scale
        assert np.abs(off).max() < (2e-4 if alone.singular else 1e-5)


def test_products_are_those_of_one_pass_over_the_rows():
    f = fit("weights_offset")
    frame = Frames(f.estimate).usual()
    Y = np.vstack([f.design.y, f.design.y[::-1]])
    block = products(f.design, frame.cross, Y)
    np.testing.assert_allclose(block.of(0, frame.cross).xx, frame.cross.xx, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(block.of(0, frame.cross).zx, frame.cross.zx, rtol=1e-10, atol=1e-9)


# -- the same numbers, however it is run -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["parametric", "residual", "cases"])
def test_threads_and_length_change_no_bit(kind):
    f = sleep()
    whole = drawn(kind, 150, 3).replicates
    for jobs in (1, 2, 3, 7):
        assert (bootstrap(f.design, f.estimate, 150, 3, kind, n_jobs=jobs).replicates == whole).all()
    for n in (1, 37, 64, 70):
        assert (bootstrap(f.design, f.estimate, n, 3, kind).replicates == whole[:n]).all()
    assert (bootstrap(f.design, f.estimate, 20, 4, kind).replicates != whole[:20]).any()


def test_threads_change_no_bit_of_a_statistic_of_ones_own():
    f = sleep()
    options = {"seed": 5, "statistic": lambda fit: fit.fixef}
    one, two = f.bootstrap(70, **options), f.bootstrap(70, n_jobs=2, **options)
    assert (one.record.replicates == two.record.replicates).all()
    assert one.record.terms == ("(Intercept)", "Days")


def test_a_statistic_of_ones_own_sees_the_same_refits():
    f = sleep()
    own = f.bootstrap(80, 1, statistic=lambda fit: {"sigma": fit.sigma, **fit.fixef})
    same = [drawn().terms.index(name) for name in own.record.terms]
    np.testing.assert_allclose(own.record.replicates, drawn().replicates[:80][:, same], rtol=1e-6)


def test_no_seed_means_new_draws_with_a_seed_to_repeat_them():
    f = sleep()
    one, two = f.bootstrap(3), f.bootstrap(3)
    assert one.record.seed != two.record.seed
    assert (f.bootstrap(3, one.record.seed).record.replicates == one.record.replicates).all()


def test_a_generator_is_a_seed():
    f = sleep()
    one, two = (f.bootstrap(3, np.random.default_rng(1)).record for _ in range(2))
    assert (one.replicates == two.replicates).all()


# -- kept in a file ----------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    f, file = sleep(), tmp_path / "replicates.csv"
    f.bootstrap(100, 1, file=file)
    text = file.read_text()
    file.write_text(text[: len(text) * 2 // 3])  # in the middle of a line
    again = f.bootstrap(150, file=file)  # the seed is that of the file
    assert again.record.seed == 1
    assert (again.record.replicates == drawn().replicates[:150]).all()
    frame = pd.read_csv(io.StringIO(file.read_text()), comment="#")
    assert sorted(frame["replicate"]) == list(range(150))
    assert list(frame.columns[3:]) == list(again.record.terms)


def test_what_is_there_is_not_computed_again(tmp_path):
    f, file, calls = sleep(), tmp_path / "replicates.csv", []

    def statistic(fit):
        calls.append(1)
        return fit.sigma

    f.bootstrap(20, 1, file=file, statistic=statistic)
    f.bootstrap(20, 1, file=file, statistic=statistic)
    assert len(calls) == 1 + 20 + 1


def test_a_stop_in_the_middle_loses_nothing_that_was_done(tmp_path):
    f, file, calls = sleep(), tmp_path / "replicates.csv", []

    def statistic(fit):
        calls.append(1)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return fit.sigma

    with pytest.raises(KeyboardInterrupt):
        f.bootstrap(150, 1, file=file, statistic=statistic)
    kept = len(file.read_text().splitlines()) - 2
    assert kept == 64
    calls[:] = [1] * 1000
    assert f.bootstrap(90, 1, file=file, statistic=statistic).record.replicates.shape == (90, 1)
    assert len(calls) == 1000 + 1 + 26


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 2}, "seed differs"),
        ({"kind": "residual"}, "kind differs"),
        ({"statistic": lambda fit: fit.sigma}, "statistic differs"),
    ],
)
def test_a_file_of_another_run_is_refused(tmp_path, change, word):
    f, file = sleep(), tmp_path / "replicates.csv"
    f.bootstrap(5, 1, file=file)
    with pytest.raises(DataError, match=word):
        f.bootstrap(**{"n": 5, "seed": 1, "file": file, **change})


def test_files_of_other_fits_and_other_files_are_refused(tmp_path):
    file = tmp_path / "replicates.csv"
    sleep().bootstrap(5, 1, file=file)
    with pytest.raises(DataError, match="fit differs"):
        sleep(False).bootstrap(5, 1, file=file)
    file.write_text("something else\n")
    with pytest.raises(DataError, match="no file of bootstrap replicates"):
        sleep().bootstrap(5, 1, file=file)


# -- moments -----------------------------------------------------------------------------------------------


def test_moments_of_a_balanced_one_way_layout():
    """REML of a balanced layout: the mean has variance (s^2 + n tau^2) / (a n); chi-square within."""
    rng = np.random.default_rng(2)
    a, n = 30, 6
    y = 10 + 2 * np.repeat(rng.normal(size=a), n) + rng.normal(size=a * n)
    f = hd.lmm("y ~ 1 + (1 | g)", pd.DataFrame({"y": y, "g": np.repeat(np.arange(a), n).astype(str)}))
    record = bootstrap(f.design, f.estimate, 4000, 11)
    tau, sigma, _ = record.estimate
    t, s, mu = record.replicates.T
    se = np.sqrt((sigma**2 + n * tau**2) / (a * n))
    assert mu.std() == pytest.approx(se, rel=4 / np.sqrt(2 * 4000))
    assert mu.mean() == pytest.approx(record.estimate[2], abs=4 * se / np.sqrt(4000))
    df = a * (n - 1)
    share = s**2 / sigma**2 * df  # chi-square on df, as long as tau > 0
    assert share.mean() == pytest.approx(df, abs=4 * np.sqrt(2 * df / 4000))
    assert share.var() == pytest.approx(2 * df, rel=0.12)
    between = (s**2 + n * t**2) / (sigma**2 + n * tau**2) * (a - 1)
    assert between.mean() == pytest.approx(a - 1, abs=4 * np.sqrt(2 * (a - 1) / 4000))


@pytest.mark.parametrize("kind", ["parametric", "residual", "cases"])
def test_every_kind_knows_the_standard_error_of_the_mean(kind):
    se = np.sqrt(np.diag(sleep().estimate.vcov))
    ratio = drawn(kind, 400 if kind != "cases" else 200).std_error[-2:] / se
    assert (np.abs(ratio - 1) < 0.2).all()


def test_reflated_effects_have_the_estimated_covariance():
    rng = np.random.default_rng(1)
    b, root = rng.normal(size=(40, 3)) + 2, np.tril(rng.normal(size=(3, 3)))
    out = reflated(b, root)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.T @ out / 40, root @ root.T, atol=1e-10)
    flat = reflated(b[:, :1] * [1.0, 2.0], root[:2, :2] * [[1.0, 0.0], [1.0, 0.0]])
    assert np.isfinite(flat).all()


@pytest.mark.parametrize("kind", ["parametric", "residual"])
def test_responses_drawn_have_the_mean_and_variance_of_the_model(kind):
    f = fit("weights_offset")
    Y = Drawer(f.design, f.estimate, kind).draw(Streams(1), range(3000), 3000)
    mean = f.design.X @ f.beta + f.design.offset
    Z, lam = z_matrix(f.design), lambda_matrix(f.design, f.estimate.lambdas)
    variance = f.sigma**2 * (((Z @ lam) ** 2).sum(axis=1) + 1 / f.design.weights)
    z = (Y.mean(axis=0) - mean) / np.sqrt(variance / 3000)
    assert np.abs(z).max() < 4.5
    assert np.abs(Y.var(axis=0) / variance - 1).max() < (0.15 if kind == "parametric" else 0.35)
    slope = np.polyfit(np.log(1 / f.design.weights), np.log(Y.var(axis=0)), 1)[0]
    expected = np.polyfit(np.log(1 / f.design.weights), np.log(variance), 1)[0]
    assert slope == pytest.approx(expected, abs=0.03)


def test_residuals_drawn_are_those_of_the_fit():
    f = fit("weights_offset")
    drawer = Drawer(f.design, f.estimate, "residual")
    assert drawer.errors.mean() == pytest.approx(0, abs=1e-12)
    assert (drawer.errors**2).mean() == pytest.approx(1)
    Y = drawer.draw(Streams(1), range(3), 3)
    assert Y.shape == (3, f.design.n)


# -- whole groups ------------------------------------------------------------------------------------------


def test_groups_drawn_twice_count_as_two():
    f = fit("nested")
    groups = top_groups(f.design)
    assert f.design.groupings[groups.top].name == "h"
    again = resampled(f.design, groups, np.random.default_rng(1))
    inner, outer = again.groupings
    assert len(outer.levels) == len(f.design.groupings[1].levels)
    pairs = set(zip(inner.codes.tolist(), outer.codes.tolist(), strict=True))
    assert len(pairs) == len(inner.levels)  # still nested
    sizes = np.bincount(f.design.groupings[1].codes)
    assert set(np.bincount(outer.codes)) <= set(sizes)
    lines = {tuple(row) for row in np.column_stack([f.design.y, f.design.X])}
    assert {tuple(row) for row in np.column_stack([again.y, again.X])} <= lines


def test_crossed_factors_have_no_cases():
    f = fit("crossed")
    with pytest.raises(OptionError, match="'g' and 'h' are crossed"):
        bootstrap(f.design, f.estimate, 5, 1, "cases")


# -- singular fits, failures -------------------------------------------------------------------------------


def test_a_singular_fit_is_bootstrapped_and_counted():
    f = hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff2"))
    record = bootstrap(f.design, f.estimate, 100, 1)
    zero = record.replicates[:, 0] == 0
    assert record.singular == zero.sum() > 20
    assert "refits were singular" in str(f.bootstrap(100, 1))


def test_failures_are_counted_not_raised():
    f = sleep()

    def sometimes(fit):
        if fit.sigma < f.sigma - 0.5:
            raise ValueError("too small. Indeed")
        return fit.sigma

    result = f.bootstrap(40, 1, statistic=sometimes)
    failed = np.isnan(result.record.replicates[:, 0])
    assert result.failures == {"ValueError: too small": failed.sum()}
    assert 0 < failed.sum() < 40
    assert f"{failed.sum()} of 40 refits failed" in str(result)
    assert np.isfinite(result["conf_low"]).all()


def test_nothing_but_failures_is_an_error():
    calls = []

    def never(fit):
        calls.append(1)
        if len(calls) > 1:
            raise ValueError("no")
        return 1.0

    with pytest.raises(FitError, match=r"None of the 5 refits succeeded.*ValueError: no"):
        sleep().bootstrap(5, 1, statistic=never)


def test_a_resample_without_a_column_of_the_fixed_effects_is_a_failure():
    rows = pd.DataFrame(hd.datasets.load("sleepstudy"))
    rows["late"] = (rows["Subject"].astype(str) == "308").astype(float)
    f = hd.lmm("Reaction ~ Days + late + (1 | Subject)", rows)
    result = f.bootstrap(40, 1, kind="cases")
    assert 5 < sum(result.failures.values()) < 30
    assert np.isnan(result.record.replicates).any(axis=1).sum() == sum(result.failures.values())


# -- limits ------------------------------------------------------------------------------------------------


def test_kinds_of_limits():
    record = drawn()
    low, high = limits(record, 0.9, "percentile")
    np.testing.assert_allclose(
        low, np.quantile(record.replicates, 0.05, axis=0, method="weibull"), rtol=1e-12
    )
    np.testing.assert_allclose(limits(record, 0.9, "basic")[0], 2 * record.estimate - high)
    z = 1.6448536269514722
    low, high = limits(record, 0.9, "normal")
    np.testing.assert_allclose((high - low) / 2, z * record.std_error)
    np.testing.assert_allclose((high + low) / 2, record.estimate - record.bias)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n=0: the number of replicates must be a positive whole number"),
        ({"n": 10.5}, r"n=10\.5"),
        ({"n": True}, "n=True"),
        ({"kind": "wild"}, "kind='wild': choose among 'parametric', 'residual', 'cases'"),
        ({"type": "bca"}, "type='bca': choose among 'percentile', 'basic', 'normal'"),
        ({"seed": -1}, "seed=-1"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"level": 95}, r"Type 0\.95"),
        ({"statistic": "sigma"}, "statistic='sigma' must be a function"),
        ({"statistic": lambda fit: "many"}, "statistic.*returned a str"),
        ({"statistic": lambda fit: []}, "returned nothing"),
        ({"statistic": lambda fit: None}, "returned None"),
        ({"times": 3}, r"bootstrap\(\) has no option 'times'"),
        ({"nsim": 3}, r"Write n=\."),
        ({"random_state": 3}, r"Write seed=\."),
        ({"alpha": 0.1}, r"Write level=, which is 1 - alpha\."),
    ],
)
def test_bad_input_is_answered(options, message):
    with pytest.raises(OptionError, match=message):
        sleep().bootstrap(**{"n": 5, "seed": 1, **options})


def test_a_statistic_that_changes_its_length_is_an_error():
    f = sleep()
    with pytest.raises(OptionError, match=r"returned 1 numbers .* and 2 .* for the fit"):
        f.bootstrap(5, 1, statistic=lambda fit: [1.0, 2.0] if fit.sigma == f.sigma else [1.0])
