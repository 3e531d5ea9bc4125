"""Sums over chunks against the cross-products of all rows at once."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.crossprod import from_design
from henderson.design import build

from .chunked import FORMULAS, cut, frame, orders, parts

FIELDS = (
    "n", "p", "q", "columns", "levels", "zx", "xx", "entries", "x_centre", "x_scale", "y_centre",
    "sum_log_weights",
)  # fmt: skip
NAMES = ("x_names", "dropped", "all_x_names", "intercept", "response", "n_input", "missing", "n", "p")


def assert_near(name, found, wanted, tolerance=1e-10):
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    assert found.shape == wanted.shape, name
    scale = max(1.0, np.abs(wanted).max(initial=0.0))
    assert np.abs(found - wanted).max(initial=0.0) <= tolerance * scale, name


def assert_same(sums, design):
    """Cross-products, names and specification of the two are the same."""
    cross, found = from_design(design).in_columns(), sums.cross.in_columns()
    for name in FIELDS:
        assert_near(name, getattr(found, name), getattr(cross, name))
    assert (found.constant is None) == (cross.constant is None)
    if cross.constant is not None:
        assert_near("constant", design.X @ found.constant, np.ones(design.n), 1e-8)
    for name in ("zz", "z_transform"):
        for a, b in zip(getattr(found, name), getattr(cross, name), strict=True):
            assert_near(name, a, b)
    for a, b in zip(found.pairs, cross.pairs, strict=True):
        for name in ("first", "second", "start", "partner", "blocks"):
            assert_near(f"pair {name}", getattr(a, name), getattr(b, name))
    for name in NAMES:
        assert getattr(sums.design, name) == getattr(design, name), name
    for a, b in zip(sums.design.groupings, design.groupings, strict=True):
        assert (a.name, a.levels) == (b.name, b.levels)
    for a, b in zip(sums.design.terms, design.terms, strict=True):
        assert (a.grouping, a.names) == (b.grouping, b.names)
    assert_same_spec(sums.design.spec.to_dict(), design.spec.to_dict())


def assert_same_spec(found, wanted):
    for name in wanted:
        if name == "aliases":
            assert_near(name, found[name], wanted[name], 1e-9)
        elif name == "states":
            assert found[name].keys() == wanted[name].keys()
        else:
            assert found[name] == wanted[name], name


@pytest.mark.parametrize("formula", FORMULAS)
def test_sums_of_chunks_are_the_cross_products_of_all_rows(formula):
    data = frame()
    design = build(formula, data)
    for called, chunks in orders(data):
        sums = hd.cross_products(formula, chunks)
        assert_same(sums, design), called


@pytest.mark.parametrize("formula", FORMULAS)
def test_weights_and_an_offset_enter(formula):
    data = frame(seed=2)
    design = build(formula, data, weights="w", offset="o")
    assert_same(hd.cross_products(formula, cut(data, 97), weights="w", offset="o"), design)


@pytest.mark.parametrize("formula", FORMULAS[:9])
def test_merged_is_pooled(formula):
    data = frame(seed=3, mean=3)  # near 2000, interactions would leave theta few digits in either fit
    sites = parts(data.sort_values(["a", "h"], kind="stable"), 3)
    merged = sum(hd.cross_products(formula, site) for site in sites)
    assert_same(merged, build(formula, data))
    fit, pooled = merged.fit(), hd.lmm(formula, data)
    assert fit.criterion == pytest.approx(pooled.criterion, rel=1e-10)
    np.testing.assert_allclose(fit.estimate.vcov, pooled.estimate.vcov, rtol=1e-4)
    if not pooled.is_singular:  # else the criterion is flat, and theta is determined to fewer digits
        np.testing.assert_allclose(fit.theta, pooled.theta, rtol=1e-8, atol=1e-8)


def test_merged_is_pooled_to_ten_digits_where_theta_is_determined():
    sleep = hd.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    merged = sum(hd.cross_products(formula, site) for site in parts(sleep, 3))
    np.testing.assert_allclose(merged.fit().theta, hd.lmm(formula, sleep).theta, rtol=1e-10)


def test_the_order_of_merging_changes_nothing_but_rounding():
    data = frame()
    formula = "y ~ a * x + c + (x | g) + (1 | h)"
    a, b, c = (hd.cross_products(formula, site) for site in parts(data.sort_values("c"), 3))
    design = build(formula, data)
    for merged in ((a + b) + c, a + (b + c), c + b + a, a.merge(b, c), b.merge([a, c])):
        assert_same(merged, design)


def test_threads_do_not_change_a_digit():
    data, formula = frame(4000), "y ~ a * x + (x | g) + (1 | h)"
    with hd.set_threads(1):
        one = hd.cross_products(formula, cut(data, 100))
    with hd.set_threads(5):
        five = hd.cross_products(formula, cut(data, 100))
    for name in ("xx", "zx"):
        np.testing.assert_array_equal(getattr(one.cross, name), getattr(five.cross, name))
    np.testing.assert_array_equal(one.cross.pairs[0].blocks, five.cross.pairs[0].blocks)


def test_a_mean_far_from_zero_costs_no_digits():
    """Centres are moved in units of the spread: 1e6 plus noise of size one fits like the noise."""
    data = frame()
    far = data.assign(x=(data.x - 2000).round(3) + 1e6)
    formula = "y ~ x + a + (x | g)"
    chunks = cut(far.sort_values("x"), 60)
    fit = hd.cross_products(formula, chunks).fit()
    near = hd.lmm(formula, data.assign(x=far.x - 1e6))
    np.testing.assert_allclose(fit.fixef["x"], near.fixef["x"], rtol=1e-6)
    np.testing.assert_allclose(fit.sigma, near.sigma, rtol=1e-7)


def test_a_site_may_lack_levels():
    data = frame()
    formula = "y ~ a + (1 | g)"
    sites = [data[data.a == "p"], data[data.a == "q"], data[data.a == "r"]]
    merged = sum(hd.cross_products(formula, site) for site in sites)
    assert_same(merged, build(formula, data))
    with pytest.raises(hd.errors.DesignError, match="one level"):
        _ = hd.cross_products(formula, sites[0]).design


def test_levels_can_be_given():
    data = frame()
    formula = "y ~ a + (1 | g)"
    sums = hd.cross_products(formula, cut(data, 50), levels={"a": ["r", "q", "p", "never"]})
    declared = data.assign(a=data.a.astype("category").cat.set_categories(["r", "q", "p", "never"]))
    assert_same(sums, build(formula, declared))
    with pytest.raises(hd.errors.DataError, match=r"In chunk 1: Column 'a' holds 'r', not among its levels="):
        hd.cross_products(formula, cut(data, 50), levels={"a": ["p", "q"]})
    with pytest.raises(hd.errors.OptionError, match="give the list of levels"):
        hd.cross_products(formula, data, levels={"a": "p"})


def test_contradicting_orders_of_levels_are_refused():
    data = frame(60)
    one = data.assign(a=data.a.astype("category").cat.set_categories(["r", "q", "p"]))
    two = data.assign(a=data.a.astype("category").cat.set_categories(["q", "r", "p"]))
    with pytest.raises(hd.errors.DataError, match=r"different orders.*levels="):
        hd.cross_products("y ~ a + (1 | h)", [one, two])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"formula": "y ~ z + (1 | g)"}, "different formulas"),
        ({"contrasts": {"a": "contr.sum"}}, "different contrasts"),
        ({"weights": "w"}, "different weights"),
    ],
)
def test_sums_of_different_models_do_not_add(change, message):
    data = frame()
    given = {"formula": "y ~ a + (1 | g)"}
    with pytest.raises(hd.errors.DataError, match=message):
        hd.cross_products(**given, data=data) + hd.cross_products(**{**given, **change}, data=data)


def test_what_is_learnt_from_the_rows_must_be_shared():
    data = frame()
    formula = "y ~ scale(x) + (1 | g)"
    a, b = (hd.cross_products(formula, site) for site in parts(data, 2))
    with pytest.raises(hd.errors.DataError, match=r"scale\(x\) was learnt.*like="):
        _ = a + b
    shared = a + hd.cross_products(formula, parts(data, 2)[1], like=a)
    assert shared.fit().loglik == pytest.approx(hd.lmm(formula, data).loglik, abs=2)


def test_too_little_to_fit_is_said():
    data = frame()
    with pytest.raises(hd.errors.DesignError, match="is constant"):
        _ = hd.cross_products("y ~ a + (1 | g)", data.assign(y=3.25)).design
    with pytest.raises(hd.errors.DesignError, match="one level"):
        _ = hd.cross_products("y ~ a + (1 | g)", data.assign(g="same")).design
    with pytest.raises(hd.errors.DataError, match="No complete row"):
        hd.cross_products("y ~ a + (1 | g)", [data.assign(g=None), data.assign(g=None)])


def test_levels_of_a_name_that_the_formula_lacks_are_refused():
    sleep = hd.datasets.load("sleepstudy")
    with pytest.raises(hd.errors.OptionError, match="levels= names 'Subjct'"):
        hd.cross_products("Reaction ~ Days + (1 | Subject)", sleep, levels={"Subjct": ["308"]})


def test_an_iterator_that_was_read_before_says_so():
    chunks = iter([hd.datasets.load("sleepstudy")])
    hd.cross_products("Reaction ~ Days + (1 | Subject)", chunks)
    with pytest.raises(hd.errors.DataError, match="read only once"):
        hd.cross_products("Reaction ~ Days + (1 | Subject)", chunks)


@pytest.mark.parametrize("formula", ["Reaction ~ Days", "Reaction ~ ."])
def test_a_formula_without_random_terms_is_no_mixed_model(formula):
    for data in (hd.datasets.load("sleepstudy"), [hd.datasets.load("sleepstudy")]):
        with pytest.raises(hd.errors.DesignError, match="no random term"):
            hd.cross_products(formula, data)


def test_missing_values_of_all_parts_are_counted():
    data = frame(200)
    data.loc[[5, 60, 61, 190], "x"] = np.nan
    design = build("y ~ x + (1 | g)", data)
    assert dict(design.missing)["x"] == 4
    assert_same(hd.cross_products("y ~ x + (1 | g)", cut(data, 50)), design)
    first, second = (hd.cross_products("y ~ x + (1 | g)", part) for part in (data[:100], data[100:]))
    assert dict((first + second).design.missing) == dict(design.missing)


def test_weighted_sums_and_others_do_not_add():
    data = frame(200)
    weighted = hd.cross_products("y ~ x + (1 | g)", data, weights=data["w"].to_numpy())
    with pytest.raises(hd.errors.DataError, match="Sums with weights and sums without weights"):
        weighted + hd.cross_products("y ~ x + (1 | g)", data)


def test_rows_of_every_level_add_up():
    data = hd.datasets.load("sleepstudy")
    formula = "Reaction ~ Days + (1 | Subject)"
    added = hd.cross_products(formula, data[:95]) + hd.cross_products(formula, data[95:])
    assert added.design.level_rows[0].tolist() == [10] * 18
