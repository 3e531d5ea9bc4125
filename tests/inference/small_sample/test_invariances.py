"""What degrees of freedom must not depend on; closed forms where they exist; contrasts that contradict."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import FitError, OptionError
from henderson.inference.small_sample import best_available, f_test, small_sample, t_tests
from henderson.inference.small_sample.fscale import fai_cornelius
from tests.inference.cases import fit as case

both = pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])


@cache
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(9), rng.integers(4, 9, 9))
    x = rng.normal(3, 1, len(g))
    y = (1 + rng.normal(size=9))[g] + (0.5 + 0.6 * rng.normal(size=9))[g] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "z": (g % 2).astype(float), "g": g.astype(str)})


def table(data, formula="y ~ x + z + (x | g)", **options):
    return hd.lmm(formula, data).coeftable(**options).set_index("term")


@both
def test_units_of_the_response_change_nothing(ddf):
    here, there = table(rows(), ddf=ddf), table(rows().assign(y=1e5 * rows()["y"] + 7e6), ddf=ddf)
    np.testing.assert_allclose(there["df"], here["df"], rtol=1e-5)
    np.testing.assert_allclose(there.loc[["x", "z"], "p_value"], here.loc[["x", "z"], "p_value"], rtol=1e-5)


@both
def test_centre_and_scale_of_a_covariate_change_nothing(ddf):
    here, there = table(rows(), ddf=ddf), table(rows().assign(x=1000 * (rows()["x"] - 50)), ddf=ddf)
    np.testing.assert_allclose(there.loc[["x", "z"], "df"], here.loc[["x", "z"], "df"], rtol=1e-5)
    np.testing.assert_allclose(1000 * there.loc["x", "std_error"], here.loc["x", "std_error"], rtol=1e-6)


@both
def test_order_of_the_rows_changes_nothing(ddf):
    shuffled = rows().sample(frac=1, random_state=2)
    np.testing.assert_allclose(table(shuffled, ddf=ddf)["df"], table(rows(), ddf=ddf)["df"], rtol=1e-5)


@both
def test_a_basis_of_the_hypothesis_changes_no_kenward_roger_test(ddf):
    f = hd.lmm("y ~ x + z + (x | g)", rows())
    sample, turn = f._small_sample(ddf), np.array([[1.0, 0.5], [-2.0, 3.0]])
    L = np.eye(3)[1:]
    one, other = f_test(sample, L), f_test(sample, turn @ L)
    assert one.statistic == pytest.approx(other.statistic)
    if ddf == "kenward-roger":
        assert one.den_df == pytest.approx(other.den_df)


@pytest.mark.parametrize("ddf", ["satterthwaite", "kenward-roger"])
def test_balanced_one_way_layout(ddf):
    """a groups of n rows: the mean has a - 1 degrees of freedom, and F of a between factor a - 2."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 6)
    data = pd.DataFrame({"y": rng.normal(size=8)[g] + rng.normal(size=48), "g": g.astype(str), "z": g % 2})
    assert table(data, "y ~ 1 + (1 | g)", ddf=ddf)["df"].iloc[0] == pytest.approx(7, rel=1e-5)
    assert table(data, "y ~ z + (1 | g)", ddf=ddf)["df"].to_list() == pytest.approx([6, 6], rel=1e-5)


def test_balanced_split_plot_has_the_degrees_of_freedom_of_the_textbook():
    """Whole plots against blocks x whole plots, sub plots against the rest; Kenward-Roger's factor is 1."""
    rng = np.random.default_rng(2)
    block, whole, sub = (v.ravel() for v in np.meshgrid(range(6), range(3), range(4), indexing="ij"))
    y = rng.normal(size=6)[block] + rng.normal(size=18)[block * 3 + whole] + 0.7 * rng.normal(size=72)
    data = pd.DataFrame({"y": y, "b": block.astype(str), "w": whole.astype(str), "s": sub.astype(str)})
    f = hd.lmm("y ~ w * s + (1 | b) + (1 | b:w)", data)
    assert not f.is_singular
    for ddf in ("satterthwaite", "kenward-roger"):
        found = f.anova(ddf=ddf)
        np.testing.assert_allclose(found["den_df"], [10, 45, 45], rtol=1e-5)
        np.testing.assert_allclose(f_test(f._small_sample(ddf), np.eye(12)[6:]).scale, 1, rtol=1e-6)


def test_kinds_without_variance_parameters():
    f = case("slope")
    residual, none = (small_sample(f.design, f.estimate, ddf) for ddf in ("residual", "none"))
    assert set(t_tests(residual, np.eye(2)).df) == {f.design.n - 2}
    assert set(t_tests(none, np.eye(2)).df) == {np.inf}
    chi = f_test(none, np.eye(2))
    assert (chi.num_df, chi.den_df) == (2, np.inf)
    assert chi.statistic == pytest.approx(2 * f_test(residual, np.eye(2)).statistic)


def test_limits_are_estimate_and_t_quantile():
    from scipy import stats

    f = hd.lmm("y ~ x + z + (x | g)", rows())
    found = f.coeftable(level=0.9).set_index("term")
    half = stats.t.ppf(0.95, found["df"]) * found["std_error"]
    np.testing.assert_allclose(found["conf_high"], found["estimate"] + half, rtol=1e-10)
    np.testing.assert_allclose(
        found["p_value"], 2 * stats.t.sf(np.abs(found["statistic"]), found["df"]), rtol=1e-10
    )
    z = f.coeftable(ddf="none")
    np.testing.assert_allclose(z["p_value"], 2 * stats.norm.sf(np.abs(z["statistic"])), rtol=1e-10)
    F = f.anova().record
    np.testing.assert_allclose(F.p_value, stats.f.sf(F.statistic, F.num_df, F.den_df), rtol=1e-10)


@pytest.mark.parametrize(("df", "expected"), [([10.0, 14.0], 11.6), ([5.0, 5.0], 5.0), ([1.5, 30.0], 2.0)])
def test_fai_cornelius(df, expected):
    assert fai_cornelius(2, np.array(df)) == pytest.approx(expected)


def test_ml_is_refitted_for_kenward_roger():
    ml, reml = case("slope", False), case("slope")
    sample = small_sample(ml.design, ml.estimate, "kenward-roger")
    np.testing.assert_allclose(
        sample.vcov, small_sample(reml.design, reml.estimate, "kenward-roger").vcov, rtol=1e-5
    )
    assert "refitted by REML" in sample.note
    assert "refitted by REML" in str(ml.summary(ddf="kenward-roger"))


def test_tables_are_shown_even_without_degrees_of_freedom():
    fit = case("slope")

    def sample(kind):
        if kind != "none":
            raise FitError("They do not exist.")
        return small_sample(fit.design, fit.estimate, kind)

    found = best_available(fit.estimate, sample)
    assert (found.ddf, found.note) == (
        "none",
        "z tests, as there are no degrees of freedom: They do not exist.",
    )
    assert best_available(fit.estimate, lambda kind: kind) == "satterthwaite"


@pytest.mark.parametrize(
    ("L", "words"),
    [
        ([[1, 0, 0]], "each of the 2 fixed effects; this has 3"),
        ([[np.inf, 0]], "finite"),
        ("Days", "matrix of numbers"),
    ],
)
def test_bad_contrasts(L, words):
    f = case("slope")
    for test in (t_tests, f_test):
        with pytest.raises(OptionError, match=words):
            test(f._small_sample(), L)


def test_hypotheses_that_contradict_one_another():
    sample = case("slope")._small_sample()
    with pytest.raises(OptionError, match="contradict"):
        f_test(sample, [[1, 0], [2, 0]], [1, 1])
    assert f_test(sample, [[1, 0], [2, 0]], [1, 2]).num_df == 1
    assert f_test(sample, [[0, 0]]).num_df == 0


def test_the_sample_is_computed_once():
    f = hd.lmm("y ~ x + (1 | g)", rows())
    assert f._small_sample() is f._small_sample("Satterthwaite")
    assert f._small_sample("kr") is f._small_sample("kenward-roger")
