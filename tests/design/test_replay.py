"""The specification replays the design on new data: same numbers, levels of the fit, no code."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest

from henderson.design import DesignSpec, build, replay
from henderson.errors import DataError, OptionError


@pytest.fixture
def frame():
    rng = np.random.default_rng(7)
    n = 48
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n) + 3,
            "z": rng.uniform(1, 2, size=n),
            "f": pd.Categorical(np.tile(["lo", "mid", "hi"], 16), categories=["lo", "mid", "hi", "unused"]),
            "o": pd.Categorical(np.repeat(["s", "m", "l"], 16), categories=["s", "m", "l"], ordered=True),
            "flag": rng.normal(size=n) > 0,
            "g": np.repeat(np.arange(8) * 10, 6),
            "h": np.tile(["p", "q"], 24),
            "a b": rng.normal(size=n),
        }
    )


FORMULAS = [
    "y ~ x + f + (x | g)",
    "log(z) ~ poly(x, 3) + bs(z, 4) + ns(x, df = 3) + (1 | g)",
    "y ~ scale(x) + center(z) + I(x - mean(x)) + o * f + (0 + f | h) + (1 | g:h)",
    "y ~ flag * x + `a b` + offset(z) + (1 | h/g)",
    "y ~ C(f, contr.sum) + factor(h) + I(x > 3) + relevel(f, ref = 'hi') + (poly(z, 2) || g)",
    "y ~ 0 + f + f:x + ifelse(x > 3, 'big', 'small') + (1 | factor(g))",
    "y ~ x + I(2 * x) + f + (1 | g)",
    "y ~ . - g + (1 | g)",
    "y ~ factor(f, levels = c('hi', 'lo', 'mid'), labels = c('H', 'L', 'M')) + interaction(f, h) + (1 | g)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_replay_on_the_training_rows_is_the_design(frame, formula):
    design = build(formula, frame)
    spec = DesignSpec.from_dict(json.loads(json.dumps(design.spec.to_dict())))
    assert pickle.loads(pickle.dumps(design.spec)).to_dict() == spec.to_dict()
    new = replay(spec, frame, need_response=True)
    np.testing.assert_allclose(new.X, design.X, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(new.y, design.y)
    assert new.complete.all()
    for known, grouping in zip(design.groupings, new.groupings, strict=True):
        np.testing.assert_array_equal(known.codes, grouping.codes)
    for known, term in zip(design.terms, new.terms, strict=True):
        assert known.names == term.names
        assert known.grouping == term.grouping
        for a, b in zip(known.columns, term.columns, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    if design.offset is not None:
        np.testing.assert_array_equal(design.offset, new.offset)


@pytest.mark.parametrize("formula", FORMULAS)
def test_one_row_at_a_time_gives_the_same_columns(frame, formula):
    design = build(formula, frame)
    rows = [0, 17, 40]
    single = [replay(design.spec, frame.iloc[[i]]) for i in rows]
    np.testing.assert_allclose(np.vstack([new.X for new in single]), design.X[rows], rtol=1e-10, atol=1e-10)
    for g, grouping in enumerate(design.groupings):
        assert [new.groupings[g].codes[0] for new in single] == grouping.codes[rows].tolist()


def test_unseen_groups_are_named(frame):
    design = build("y ~ x + (1 | g/h) + (1 | o)", frame)
    new = frame.iloc[:4].assign(g=[0, 99, 99, 10], h=["p", "p", "q", "zz"])
    result = replay(design.spec, new)
    by_name = {grouping.name: grouping for grouping in result.groupings}
    assert by_name["g"].codes.tolist() == [0, -1, -1, 1]
    assert by_name["g"].unseen == (99,)
    assert by_name["g"].unseen_codes.tolist() == [-1, 0, 0, -1]
    assert by_name["h:g"].unseen == ("p:99", "q:99", "zz:10")
    assert by_name["h:g"].codes[0] == 0
    assert result.complete.all()


@pytest.mark.parametrize(
    "group", ["factor(g)", "as.factor(g):h", "factor(g, levels=c(0, 10, 20, 30, 40, 50, 60, 70))"]
)
def test_unseen_groups_of_an_expression_are_no_error(frame, group):
    design = build(f"y ~ x + (1 | {group})", frame)
    result = replay(design.spec, frame.iloc[[0, 7, 20]].assign(g=[0, 99, 30])).groupings[0]
    assert result.codes.tolist()[1] == -1
    assert min(result.codes[[0, 2]]) >= 0
    assert [str(label).split(":")[0] for label in result.unseen] == ["99"]


def test_missing_offsets_make_rows_incomplete(frame):
    design = build("y ~ x + (1 | g)", frame, offset="z")
    new = frame.iloc[:3].assign(z=[1.0, np.nan, 2.0])
    assert replay(design.spec, new).complete.tolist() == [True, False, True]


def test_labels_match_by_text_whatever_their_type(frame):
    design = build("y ~ x + (1 | g)", frame)
    new = pd.DataFrame({"x": [1.0, 2.0], "g": ["70", "30"]})
    assert replay(design.spec, new).groupings[0].codes.tolist() == [7, 3]
    assert replay(design.spec, new.assign(g=[70.0, 30.0])).groupings[0].codes.tolist() == [7, 3]


def test_unseen_level_of_a_fixed_factor_is_an_error_that_names_it(frame):
    design = build("y ~ f + (1 | g)", frame)
    with pytest.raises(
        DataError, match=r"f has levels that the fit has not seen: top.*Known levels: lo, mid, hi\."
    ):
        replay(design.spec, pd.DataFrame({"f": ["lo", "top"], "g": [0, 10]}))


def test_only_what_is_asked_for_must_be_there(frame):
    design = build("y ~ x + (z | g) + (1 | h)", frame)
    new = replay(design.spec, {"x": [1.0, 2.0]}, groups=False)
    assert new.X.tolist() == [[1.0, 1.0], [1.0, 2.0]]
    assert new.groupings == (None, None)
    some = replay(design.spec, {"x": [1.0], "h": ["q"]}, groups=["h"])
    assert [g is None for g in some.groupings] == [g.name != "h" for g in design.groupings]
    with pytest.raises(DataError, match="no column 'z' in the new data"):
        replay(design.spec, {"x": [1.0], "h": ["q"]})
    with pytest.raises(OptionError, match="'k' is not a grouping factor"):
        replay(design.spec, {"x": [1.0]}, groups="k")


def test_missing_values_give_nan_rows(frame):
    design = build("y ~ x + f + (1 | g)", frame)
    new = pd.DataFrame({"x": [1.0, np.nan, 2.0, 3.0], "f": ["lo", "hi", None, "mid"], "g": [0, 10, 20, None]})
    result = replay(design.spec, new)
    assert result.complete.tolist() == [True, False, False, False]
    assert np.isnan(result.X[1:3]).all()
    assert np.isfinite(result.X[0]).all()
    assert replay(design.spec, new, groups=False).complete.tolist() == [True, False, False, True]


def test_text_where_the_fit_had_numbers_is_refused(frame):
    design = build("y ~ x + (1 | g)", frame)
    with pytest.raises(DataError, match="'x' held numbers"):
        replay(design.spec, {"x": ["a", "b"], "g": [0, 0]})


def test_functions_of_the_caller_are_asked_for_again(frame):
    design = build("y ~ f2(x) + (1 | g)", frame, env={"f2": lambda x: x**2, "unused": np.sin})
    assert design.spec.env == ("f2",)
    with pytest.raises(OptionError, match="f2"):
        replay(design.spec, frame)
    np.testing.assert_allclose(replay(design.spec, frame, env={"f2": lambda x: x**2}).X, design.X)


def test_a_foreign_record_is_refused():
    with pytest.raises(DataError, match="not the record of a design"):
        DesignSpec.from_dict({"version": 1})
    with pytest.raises(DataError, match="version 99"):
        DesignSpec.from_dict({"version": 99})


def test_polynomial_and_natural_spline_beyond_the_training_range_follow_the_training_basis(frame):
    design = build("y ~ ns(x, 3) + (1 | g)", frame)
    far = replay(design.spec, {"x": np.array([20.0, 21.0, 22.0]), "g": [0, 0, 0]}).X
    np.testing.assert_allclose(far[2] - far[1], far[1] - far[0], rtol=1e-10)


@pytest.mark.parametrize("column", ["f", "o", "flag", "h"])
@pytest.mark.parametrize("nothing", [None, np.nan])
def test_a_factor_without_any_value_leaves_its_rows_incomplete(frame, column, nothing):
    spec = build("y ~ x + f * o + flag + I(flag + 1) + h + (1 | g)", frame).spec
    new = replay(spec, frame.head(3).assign(**{column: nothing}))
    assert np.isnan(new.X).all()
    assert not new.complete.any()
