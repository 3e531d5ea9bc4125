"""Hypotheses about terms: what they must not depend on, SAS's type III by hand, and car's definitions."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.design.spec import DesignSpec
from henderson.errors import OptionError
from henderson.inference.hypotheses.coding import cell_coding
from henderson.inference.hypotheses.term_contrasts import marginal_means
from henderson.inference.small_sample import f_test

DDF = ("satterthwaite", "kenward-roger", "residual", "none")


@cache
def rows() -> pd.DataFrame:
    """Unbalanced two factors, a covariate, groups; seed fixed."""
    rng = np.random.default_rng(8)
    n = 160
    out = pd.DataFrame(
        {
            "a": rng.choice(list("uvw"), n, p=[0.5, 0.3, 0.2]),
            "b": rng.choice(list("pq"), n, p=[0.6, 0.4]),
            "x": rng.normal(2, 1, n),
            "g": rng.integers(0, 12, n).astype(str),
        }
    )
    effect = rng.normal(size=12)
    out["y"] = out["x"] * (out["a"] == "v") + (out["b"] == "q") + rng.normal(size=n)
    out["y"] += effect[out["g"].astype(int)]
    return out


def fit(formula, **options):
    return hd.lmm(formula, options.pop("data", rows()), **options)


def numbers(table):
    return np.column_stack([table[name] for name in ("statistic", "num_df", "den_df", "p_value")])


@pytest.mark.parametrize(
    "formula", ["y ~ a * b + (1 | g)", "y ~ a * x + b + (1 | g)", "y ~ a * b * x + (1 | g)"]
)
@pytest.mark.parametrize("ddf", ["kenward-roger", "none"])
def test_type_three_does_not_depend_on_the_coding(formula, ddf):
    treatment, by_sum = fit(formula).anova(ddf=ddf), fit(formula, contrasts="contr.sum").anova(ddf=ddf)
    helmert = fit(formula, contrasts={"a": "contr.helmert"}).anova(ddf=ddf)
    np.testing.assert_allclose(numbers(by_sum), numbers(treatment), rtol=1e-6)
    np.testing.assert_allclose(numbers(helmert), numbers(treatment), rtol=1e-6)


def test_satterthwaite_of_type_three_does_not_depend_on_the_coding_either():
    """Fai and Cornelius depend on how a hypothesis is written, so it is always written in the same way."""
    tables = [
        fit("y ~ a * b + x + (1 | g)", contrasts=c).anova() for c in (None, "contr.sum", "contr.helmert")
    ]
    np.testing.assert_allclose(numbers(tables[1]), numbers(tables[0]), rtol=1e-6)
    np.testing.assert_allclose(numbers(tables[2]), numbers(tables[0]), rtol=1e-6)


def test_type_three_with_sum_coding_are_the_models_own_coefficients():
    f = fit("y ~ a * b + x + (1 | g)", contrasts="contr.sum")
    sas, car = f.anova(ddf="none"), f.anova(ddf="none", definition="car")
    np.testing.assert_allclose(sas["statistic"], car["statistic"], rtol=1e-8)


def test_type_three_averages_cell_means():
    """a in a * b: equal weights on the levels of b, from the six cell means by hand."""
    f = fit("y ~ a * b + (1 | g)")
    cells = fit("y ~ 0 + a:b + (1 | g)")
    names = list(cells.design.x_names)
    L = np.zeros((2, 6))
    for i, level in enumerate("vw"):
        for b in "pq":
            L[i, names.index(f"a{level}:b{b}")] = 0.5
            L[i, names.index(f"au:b{b}")] = -0.5
    by_hand = f_test(cells._small_sample(), L)
    assert f.anova()["statistic"][0] == pytest.approx(by_hand.statistic, rel=1e-6)
    assert f.anova()["den_df"][0] == pytest.approx(by_hand.den_df, rel=1e-5)


def test_a_row_that_is_a_cell_of_its_own_tests_nothing_where_slopes_differ():
    """Its mean and slope cannot be told apart, and it fits itself: type III is that without it.

    lmerTest gives a and a:b other F here, with 2 degrees of freedom for a:b, but ours once the row is gone.
    """
    data = rows()
    cell = np.flatnonzero((data["a"] == "w") & (data["b"] == "q"))
    with_one = data.drop(index=cell[1:])
    found = hd.lmm("y ~ a * b * x + (1 | g)", with_one).anova().to_frame()
    other = hd.lmm("y ~ a * b * x + (1 | g)", data.drop(index=cell)).anova().to_frame()
    assert found["num_df"].tolist() == other["num_df"].tolist()
    assert dict(zip(found["term"], found["num_df"], strict=True))["a:b"] == 1
    for column in ("statistic", "den_df"):
        np.testing.assert_allclose(found[column], other[column], rtol=1e-6)


def test_an_empty_cell_leaves_what_can_be_estimated():
    """SAS's type III with a missing cell: a is tested where both levels of b are there."""
    data = rows()[~((rows()["a"] == "w") & (rows()["b"] == "q"))]
    f = fit("y ~ a * b + (1 | g)", data=data)
    table = f.anova()
    assert f.design.dropped == ("aw:bq",)
    assert list(table["num_df"]) == [2, 1, 1]
    other = fit("y ~ a * b + (1 | g)", data=data, contrasts="contr.sum").anova()
    np.testing.assert_allclose(other["statistic"], table["statistic"], rtol=1e-5)


def test_type_one_adds_up_and_depends_on_the_order():
    """With the fit at hand the sequential hypotheses are uncorrelated in the metric of X'X, and span all."""
    f = fit("y ~ a + b + x + (1 | g)")
    first, last = f.anova(type=1), fit("y ~ x + b + a + (1 | g)").anova(type=1)
    assert list(first["term"]) == ["a", "b", "x"]
    assert first["statistic"][2] == pytest.approx(f.anova()["statistic"][2], rel=1e-8)  # the last term of all
    assert abs(first["statistic"][0] / last["statistic"][2] - 1) > 1e-3


def test_type_two_without_products_is_type_three():
    f = fit("y ~ a + b + x + (1 | g)")
    np.testing.assert_allclose(f.anova(type=2)["statistic"], f.anova()["statistic"], rtol=1e-8)


def test_type_two_of_an_ordinary_regression():
    """Where groups do not differ the fit is least squares, and type II is the drop in the sum of squares."""
    data = rows().assign(y=lambda d: d["y"] - d.groupby("g")["y"].transform("mean"))
    f = fit("y ~ a * b + (1 | g)", data=data)
    assert f.theta[0] == 0

    def rss(formula):
        X = hd.lmm(f"y ~ {formula} + (1 | g)", data).design.X
        return np.sum((data["y"] - X @ np.linalg.lstsq(X, data["y"], rcond=None)[0]) ** 2)

    expected = [rss("b") - rss("a + b"), rss("a") - rss("a + b"), rss("a + b") - rss("a * b")]
    np.testing.assert_allclose(f.anova(type=2)["sum_sq"], expected, rtol=1e-6)
    np.testing.assert_allclose(f.anova(type=2, definition="car")["sum_sq"], expected, rtol=1e-6)


def estimable(X1, X2, X):
    """SAS's type II in one line: the rows of X_2'M_1 X."""
    M1 = np.eye(len(X)) - X1 @ np.linalg.pinv(X1)
    return X2.T @ M1 @ X


def cells(data, *names):
    """An indicator of every cell of some factors."""
    return pd.get_dummies(data[list(names)].astype(str).agg("-".join, axis=1)).to_numpy(dtype=float)


@pytest.mark.parametrize("formula", ["y ~ a * b * x + (1 | g)", "y ~ a * x + a:b + (1 | g)"])
def test_type_two_with_an_empty_cell_is_sas_s(formula):
    """Which columns are left out must not matter; of lmerTest's `a` in the second it does."""
    data = rows()[~((rows()["a"] == "w") & (rows()["b"] == "q"))]
    f = fit(formula, data=data)
    x, one = data["x"].to_numpy()[:, None], np.ones((len(data), 1))
    a, b = cells(data, "a"), cells(data, "b")
    others = (
        [one, x, a * x] if "*" not in formula[9:] else [one, x, b, a * x, b * x, cells(data, "a", "b") * x]
    )
    L = estimable(np.hstack(others), a, f.design.X)
    expected = f_test(f._small_sample(), L)
    found = f.anova(type=2).to_frame().set_index("term").loc["a"]
    assert found["num_df"] == expected.num_df
    assert found["statistic"] == pytest.approx(expected.statistic, rel=1e-6)


def test_type_two_does_not_depend_on_the_order_of_terms_where_columns_are_left_out():
    data = rows().assign(inner=lambda d: d["a"] + d["b"])
    first = fit("y ~ a + inner + x + (1 | g)", data=data).anova(type=2)
    second = fit("y ~ inner + a + x + (1 | g)", data=data).anova(type=2)
    one, other = (table.to_frame().set_index("term") for table in (first, second))
    assert one.loc["a", "num_df"] == other.loc["a", "num_df"] == 0
    assert one.loc["x", "statistic"] == pytest.approx(other.loc["x", "statistic"], rel=1e-8)
    assert "No test of a: nothing of its own is left beside the others" in " ".join(str(first).split())


def test_type_two_of_car_is_the_difference_of_wald_statistics():
    f = fit("y ~ a * b + (1 | g)")
    sample = f._small_sample("none")
    names = list(f.design.x_names)
    pick = lambda start: np.eye(6)[[i for i, n in enumerate(names) if n.startswith(start)]]  # noqa: E731
    with_product, product = f_test(sample, pick("a")).statistic, f_test(sample, np.eye(6)[-2:]).statistic
    table = f.anova(type=2, ddf="none", definition="car")
    assert table["statistic"][0] == pytest.approx(with_product - product, rel=1e-8)


@pytest.mark.parametrize("ddf", DDF)
def test_a_single_column_is_its_t_test(ddf):
    f = fit("y ~ x + a + (1 | g)")
    coefficients, table = f.coeftable(ddf=ddf).set_index("term"), f.anova(ddf=ddf)
    assert table["statistic"][0] == pytest.approx(coefficients.loc["x", "statistic"] ** 2)
    assert table["p_value"][0] == pytest.approx(coefficients.loc["x", "p_value"])


def test_units_of_a_covariate_change_nothing():
    other = rows().assign(x=rows()["x"] * 1e6 + 3e6)
    np.testing.assert_allclose(
        numbers(fit("y ~ a + x + (1 | g)", data=other).anova()),
        numbers(fit("y ~ a + x + (1 | g)").anova()),
        rtol=1e-5,
    )


def test_from_the_record_alone():
    f = fit("y ~ a * b + poly(x, 2) + (1 | g)")
    spec = DesignSpec.from_dict(json.loads(json.dumps(f.design.spec.to_dict())))
    stored = marginal_means(replace(f.design, spec=spec))
    for name, L in marginal_means(f.design).items():
        np.testing.assert_allclose(stored[name], L, atol=1e-12)


def test_indicators_of_cells_reproduce_the_model_matrix():
    f = fit("y ~ a * b + a:x + (1 | g)")
    coding = cell_coding(f.design)
    place = [term.name for term in coding.terms].index("a:b")
    indicators = f.design.X @ coding.Q[:, coding.columns[place]]
    assert np.allclose(np.sort(np.unique(indicators.round(9))), [0, 1])
    np.testing.assert_allclose(indicators.sum(axis=1), 1)


def test_terms_without_a_column_have_no_test():
    table = fit("y ~ x + x2 + (1 | g)", data=rows().assign(x2=2 * rows()["x"])).anova()
    assert list(table["num_df"]) == [1, 0]
    assert np.isnan(table["p_value"][1])


def test_the_constant_is_tested_on_request():
    f = fit("y ~ x + (1 | g)")
    assert list(f.anova(intercept=True)["term"]) == ["(Intercept)", "x"]


def test_a_fit_without_fixed_effects_has_an_empty_table():
    f = fit("y ~ 0 + (1 | g)")
    for ddf in DDF:
        assert len(f.anova(ddf=ddf)["term"]) == 0
        assert len(f.coeftable(ddf=ddf)) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"type": 4}, "choose 1, 2 or 3"),
        ({"type": True}, "choose 1, 2 or 3"),
        ({"type": 2.5}, "choose 1, 2 or 3"),
        ({"ddf": "kenward"}, "'satterthwaite', 'kenward-roger', 'residual', 'none'"),
        ({"information": "fisher"}, "'expected'.*'observed'"),
        ({"definition": "sass"}, "'sas'.*'car'"),
        ({"typ": 3}, "Did you mean 'type'"),
    ],
)
def test_bad_options(options, words):
    with pytest.raises(OptionError, match=words):
        fit("y ~ x + (1 | g)").anova(**options)


def test_comparing_fits_is_another_function():
    f = fit("y ~ x + (1 | g)")
    with pytest.raises(OptionError, match=r"hd\.lrt\(smaller, larger\)"):
        f.anova(f)


@pytest.mark.parametrize("spelling", ["III", "iii", "3", 3, np.int64(3)])
def test_spellings_of_a_type(spelling):
    assert fit("y ~ x + (1 | g)").anova(spelling).record.type == 3


def test_a_model_with_a_constant_only_says_that_there_is_nothing_to_test():
    text = str(hd.lmm("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff")).anova())
    assert "(no rows)" in text and "no term beside the constant" in text
