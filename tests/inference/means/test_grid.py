"""The grid and its averages against predictions, whatever the formula does to its variables."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import OptionError

from .recorded import rows

FORMULAS = [
    "y ~ A * B + x + (1 | g)",
    "y ~ A + B * poly(x, 2) + (x | g)",
    "y ~ C(A, contr.sum) * scale(x) + B + (1 | g)",
    "y ~ 0 + A + B + A:B + I(x^2) + log(x) + (1 | g)",
    "y ~ A:B + ns(x, 3) + (1 | g)",
    "y ~ ifelse(x > 4, 1, 0) * A + B + sqrt(x) + (1 | g)",
    "y ~ relevel(A, 'b') + B + x:A + off + (1 | g)",
    "y ~ x + off + (1 | g)",
    "y ~ own(x) + A + B + (1 | g)",
]


def own(x):
    return x - x**2 / 20


def fit_of(formula, frame, **options):
    return hd.lmm(formula, frame, env={"own": own} if "own" in formula else None, **options)


@pytest.mark.parametrize("formula", FORMULAS)
def test_means_are_averages_of_predictions(formula):
    frame = rows("d")
    fit = fit_of(formula, frame)
    at = {"x": [2.5, 6.0]} if "x" in formula else {}
    held = {"off": frame["off"].mean()}
    names = [name for name in ("A", "B") if name in formula.partition("~")[2].replace("A:", "A :")]
    levels = {name: sorted(frame[name].unique()) for name in names}
    grid = pd.DataFrame(list(itertools.product(*levels.values(), at["x"])), columns=[*names, "x"]).assign(
        **held
    )
    grid["mean"] = fit.predict(grid, groups=None)
    for keys in itertools.chain.from_iterable(itertools.combinations([*names, "x"], k) for k in (1, 2)):
        found = fit.emmeans(list(keys), at=at)
        expected = grid.groupby(list(keys))["mean"].mean()
        for i in range(len(found)):
            place = tuple(found.record.linear.keys[key][i] for key in keys)
            assert found["estimate"][i] == pytest.approx(
                expected[place if len(keys) > 1 else place[0]], rel=1e-10
            )


@pytest.mark.parametrize("formula", FORMULAS)
def test_standard_errors_are_those_of_predictions_at_one_point(formula):
    frame = rows("d")
    fit = fit_of(formula, frame)
    point = {"A": ["b"], "B": ["v"], "x": [3.0], "off": [1.5]}
    used = {name: values for name, values in point.items() if name in fit._grid(None, None).interactions}
    found = (
        fit.emmeans(list(used), at=used, ddf="none") if "A" in used else fit.emmeans(["x", "off"], at=used)
    )
    expected = fit.predict(pd.DataFrame(point), groups=None, se=True)
    assert found["std_error"][0] == pytest.approx(expected["std_error"].iloc[0], rel=1e-10)


@pytest.mark.parametrize("formula", FORMULAS)
def test_slopes_are_derivatives_of_predictions(formula):
    frame = rows("d")
    fit = fit_of(formula, frame)
    found = fit.emtrends("1", var="x", at={"x": 3.3})
    h = 1e-3
    names = [n for n in ("A", "B") if n in fit._grid(None, None).interactions]
    levels = [sorted(frame[name].unique()) for name in names]
    grid = pd.DataFrame(list(itertools.product(*levels)) or [()], columns=names).assign(
        off=frame["off"].mean()
    )
    ends = [fit.predict(grid.assign(x=3.3 + side), groups=None).mean() for side in (-h, h)]
    assert found["estimate"][0] == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-6)


def test_covariates_are_held_at_the_mean_of_the_rows_used():
    frame = rows("d").copy()
    frame.loc[3:7, "y"] = np.nan
    fit = hd.lmm("y ~ A + x + (1 | g)", frame)
    assert dict(fit.emmeans("A").linear.constants)["x"] == pytest.approx(frame["x"].drop(range(3, 8)).mean())


def test_balanced_cell_means():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(list(itertools.product("abc", "uv", range(8))), columns=["A", "B", "g"])
    frame["g"] = frame["g"].astype(str)
    frame["y"] = rng.normal(size=len(frame))
    found = hd.lmm("y ~ A * B + (1 | g)", frame).emmeans("A:B")
    cells = frame.groupby(["B", "A"])["y"].mean()
    np.testing.assert_allclose(found["estimate"], cells.to_numpy(), rtol=1e-12)


def test_weights_by_hand():
    frame = rows("d")
    fit = hd.lmm("y ~ A * B + (1 | g)", frame)
    cells = fit.emmeans("A:B")
    table = pd.Series(cells["estimate"], index=pd.MultiIndex.from_arrays([cells["A"], cells["B"]]))
    counts = frame.groupby(["A", "B"]).size()
    for a in "abc":
        within = counts[a] / counts[a].sum()
        overall = frame.groupby("B").size() / len(frame)
        place = "abc".index(a)
        assert fit.emmeans("A", weights="cells")["estimate"][place] == pytest.approx(
            (table[a] * within).sum()
        )
        found = fit.emmeans("A", weights="proportional")["estimate"][place]
        assert found == pytest.approx((table[a] * overall).sum())


def test_offset_columns_may_be_set():
    fit = hd.lmm("y ~ A + offset(log(off)) + (1 | g)", rows("d"))
    low, high = (fit.emmeans("A", at={"off": value})["estimate"] for value in (1.0, 2.0))
    np.testing.assert_allclose(high - low, np.log(2.0), rtol=1e-10)


def many_factors():
    levels = {f"f{i}": np.random.default_rng(i).integers(0, 9, 400).astype(str) for i in range(9)}
    noise = np.random.default_rng(5).normal(size=400)
    frame = pd.DataFrame(levels).assign(g=(np.arange(400) % 10).astype(str), x=noise, y=np.roll(noise, 3))
    return frame, hd.lmm("y ~ x * f0 + " + " + ".join(f"f{i}" for i in range(1, 9)) + " + (1 | g)", frame)


def test_large_grids_are_refused_with_a_remedy():
    _, fit = many_factors()
    for weights in ("cells", "flat"):
        with pytest.raises(OptionError, match=r"combinations .* at="):
            fit.emmeans("f1", weights=weights)


def test_additive_factors_need_no_grid():
    # nine factors of nine levels: 387,420,489 combinations
    frame, fit = many_factors()
    found = fit.emmeans("f1")
    assert "f2" in str(found)
    one = [fit.emmeans("f1", at={f"f{i}": "0" for i in range(9) if i != 1} | {"x": 0.0})]
    np.testing.assert_allclose(found.pairs()["estimate"], one[0].pairs()["estimate"], atol=1e-10)
    weighted = fit.emmeans("f1", weights="proportional")["estimate"] - fit.emmeans("f1")["estimate"]
    share = frame["f3"].value_counts(normalize=True).sort_index() - 1 / 9
    assert np.ptp(weighted) < 1e-10
    assert abs(share).max() > 0
    slopes = fit.emtrends("f0", var="x")
    assert len(slopes) == 9
    joint = fit.joint_tests()
    assert list(joint["term"]) == ["x", "f0", *(f"f{i}" for i in range(1, 9)), "x:f0"]
    type_three = fit.anova(type=3)
    place = list(type_three["term"]).index("f5")
    assert joint["statistic"][6] == pytest.approx(type_three["statistic"][place])


@pytest.mark.parametrize("weights", ["equal", "proportional", "outer"])
@pytest.mark.parametrize("specs", ["A", "B", "~ A | B", "~ 1", "factor(f)", "C"])
def test_averaging_at_once_is_averaging_over_the_grid(specs, weights, monkeypatch):
    from henderson.inference.means import collapse

    formula = "y ~ A * x + B + factor(f) + z + A:C + (1 | g)"
    if weights == "proportional":  # nested factors with joint frequencies are not taken apart
        formula, specs = formula.replace(" + A:C", ""), specs.replace("C", "z")
    whole = hd.lmm(formula, rows("d"), weights="w")
    full = whole.emmeans(specs, weights=weights)
    slopes = whole.emtrends("B", var="x", weights=weights)
    whole_joint = {by: whole.joint_tests(by, weights=weights) for by in (None, "B")}
    monkeypatch.setattr(collapse, "FEW_NUMBERS", 0)
    fit = hd.lmm(formula, rows("d"), weights="w")
    found = fit.emmeans(specs, weights=weights)
    assert found._grid.averaged
    assert set(found.linear.averaged) == set(full.linear.averaged)
    for column in ("estimate", "std_error", "df"):
        np.testing.assert_allclose(found[column], full[column], rtol=1e-9, equal_nan=True)
    np.testing.assert_allclose(fit.emtrends("B", var="x", weights=weights)["std_error"], slopes["std_error"])
    for by in (None, "B"):
        ours, theirs = fit.joint_tests(by, weights=weights), whole_joint[by]
        assert list(ours["term"]) == list(theirs["term"])
        np.testing.assert_allclose(ours["statistic"], theirs["statistic"], rtol=1e-8)
        np.testing.assert_allclose(ours["den_df"], theirs["den_df"], rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-8, 1.0, 1e8])
def test_units_do_not_decide_what_can_be_estimated(unit):
    frame = rows("e").assign(x=lambda t: t["x"] * unit, twice=lambda t: 2 * t["x"] * unit - unit)
    frame["twice"] = 2 * frame["x"] - unit
    fit = hd.lmm("y ~ A * B + x + twice + (1 | g)", frame)
    assert fit.design.dropped == ("twice", "Ac:Bv")
    cells = fit.emmeans("A:B")  # x and twice at their means are on the line that the data are on
    assert cells.linear.estimable.tolist() == [True] * 5 + [False]
    assert not fit.emmeans("A:B", at={"x": unit}).linear.estimable.any()
    assert not fit.emmeans("A:B", at={"x": frame["x"].mean() + 1e-4 * unit}).linear.estimable.any()
    on_the_line = fit.emmeans("A:B", at={"x": 3 * unit, "twice": 5 * unit})
    assert on_the_line.linear.estimable.tolist() == [True] * 5 + [False]
    assert not fit.emtrends("1", var="x").linear.estimable.any()
    pairs = cells.pairs()
    assert np.isfinite(pairs["estimate"]).tolist() == ["c v" not in name for name in pairs["contrast"]]
