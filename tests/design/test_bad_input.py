"""What cannot be used gets an error of ours that names the column, the value or the factor."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from henderson.design import build
from henderson.errors import (
    DataError,
    DesignError,
    FormulaError,
    HendersonError,
    HendersonWarning,
    OptionError,
)

GOOD = "y ~ x + (1 | g)"


@pytest.fixture
def frame():
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {
            "y": rng.normal(size=30),
            "x": rng.normal(size=30),
            "z": rng.uniform(1, 2, size=30),
            "f": np.tile(["a", "b", "c"], 10),
            "g": np.repeat(np.arange(6), 5),
            "w": rng.uniform(1, 2, size=30),
        }
    )


def refused(kind, message, formula, data, **options):
    with pytest.raises(kind, match=message) as caught:
        build(formula, data, **options)
    assert isinstance(caught.value, HendersonError)
    return str(caught.value)


# -- columns and values ----------------------------------------------------------------------------------


def test_missing_column(frame):
    refused(DataError, "no column 'X' in the data. Did you mean x", "y ~ X + (1 | g)", frame)
    refused(DataError, "no column 'group' .*There are: y, x, z, f, g, w", "y ~ x + (1 | group)", frame)


def test_infinite_values_are_named_by_row(frame):
    frame.loc[[4, 9], "x"] = np.inf
    refused(DataError, r"'x' holds infinite values in 2 rows: 4, 9", GOOD, frame)
    frame["x"] = 1.0
    frame.loc[3, "y"] = -np.inf
    refused(DataError, r"'y' holds infinite values in 1 rows: 3", GOOD, frame)


def test_missing_values_drop_or_raise(frame):
    frame.loc[[0, 5], "x"] = np.nan
    frame.loc[5, "y"] = np.nan
    frame.loc[29, "w"] = np.nan
    design = build(GOOD, frame, weights="w")
    assert design.n == 27
    assert design.n_input == 30
    assert design.kept_rows.tolist() == [i for i in range(30) if i not in (0, 5, 29)]
    assert design.missing == (("y", 1), ("x", 2), ("weights", 1))
    refused(DataError, r"2 of 30 rows have missing values: y \(1\), x \(2\)", GOOD, frame, na_action="raise")
    assert build(GOOD, frame.fillna(0.5)).kept_rows is None


def test_a_level_that_only_dropped_rows_had_is_gone(frame):
    frame["f"] = pd.Categorical(frame["f"], categories=["c", "b", "a", "never"])
    frame.loc[frame["f"] == "b", "x"] = np.nan
    design = build("y ~ x + f + (1 | g)", frame)
    assert design.x_names == ("(Intercept)", "x", "fa")
    frame.loc[frame["g"] == 2, "x"] = np.nan
    assert build(GOOD, frame).groupings[0].levels == (0, 1, 3, 4, 5)


def test_no_rows_left(frame):
    refused(DataError, "no rows", GOOD, frame.iloc[:0])
    refused(
        DataError,
        r"No rows are left: every one of the 30 rows has a missing value in x \(30\)",
        GOOD,
        frame.assign(x=np.nan),
    )


def test_response_must_be_numbers_that_vary(frame):
    refused(DataError, "response y holds text or categories", GOOD, frame.assign(y="1.5"))
    refused(DataError, r"truth values.*as.numeric\(y\)", GOOD, frame.assign(y=frame["y"] > 0))
    refused(DesignError, r"response y is constant \(2 in all 30 rows\)", GOOD, frame.assign(y=2.0))
    refused(DataError, "has 2 columns", "poly(y, 2) ~ x + (1 | g)", frame)


def test_expressions_that_leave_the_numbers(frame):
    refused(DataError, r"log\(x\) is not a finite number in \d+ of 30 rows", "y ~ log(x) + (1 | g)", frame)
    refused(DataError, "sqrt", "sqrt(y) ~ x + (1 | g)", frame)
    refused(DataError, r"log\(x\)", "y ~ x + (log(x) | g)", frame)
    refused(FormulaError, "Numbers are needed here, but f holds categories", "y ~ log(f) + (1 | g)", frame)
    refused(FormulaError, "constant", "y ~ I(3) + (1 | g)", frame)
    refused(FormulaError, "is a function", "y ~ h + (1 | g)", frame, env={"h": np.sin})


def test_transforms_with_too_few_values(frame):
    few = frame.assign(x=np.tile([1.0, 2.0], 15))
    refused(
        DataError,
        r"poly\(x, 2\) needs more than 2 different values; there are 2",
        "y ~ poly(x, 2) + (1 | g)",
        few,
    )
    refused(DataError, "spread", "y ~ scale(x) + (1 | g)", frame.assign(x=1.0))
    refused(DataError, "boundary knots", "y ~ ns(x, 3) + (1 | g)", frame.assign(x=1.0))
    refused(DataError, "out of reach", "y ~ bs(x, 2) + (1 | g)", frame)
    refused(DataError, "interior knots", "y ~ bs(x, knots = 99) + (1 | g)", frame)
    refused(FormulaError, "goes to 50", "y ~ poly(x, 1000) + (1 | g)", frame)


# -- weights and offset ----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_weights_must_be_positive(frame, bad):
    frame.loc[[2, 7], "w"] = bad
    refused(DataError, r"2 weights are zero or negative.* 2, 7", GOOD, frame, weights="w")


def test_weights_and_offset_of_wrong_kind(frame):
    refused(DataError, "'v'.*", GOOD, frame, weights="v")
    refused(DataError, "weights must be numbers", GOOD, frame, weights="f")
    refused(DataError, "weights has 3 values; the data have 30 rows", GOOD, frame, weights=[1, 2, 3])
    refused(DataError, "offset has 1 values", GOOD, frame, offset=np.ones(1))
    refused(OptionError, "weights is a column name or one number per row; got int", GOOD, frame, weights=3)
    refused(OptionError, "got dict", GOOD, frame, offset={"a": 1})
    refused(DataError, "'weights' holds infinite values", GOOD, frame, weights=np.full(30, np.inf))
    refused(DataError, "weights.*2 dimensions", GOOD, frame, weights=np.ones((30, 1)))


def test_weights_and_offset_as_column_array_or_series(frame):
    for given in ("w", frame["w"], frame["w"].to_numpy(), frame["w"].tolist()):
        design = build(GOOD, frame, weights=given, offset=given)
        np.testing.assert_array_equal(design.weights, frame["w"])
        np.testing.assert_array_equal(design.offset, frame["w"])
    both = build("y ~ x + offset(log(z)) + offset(x) + (1 | g)", frame, offset="w")
    np.testing.assert_allclose(both.offset, frame["w"] + np.log(frame["z"]) + frame["x"])
    assert build(GOOD, frame).offset is None
    assert build(GOOD, frame).weights is None


# -- what the data cannot identify -----------------------------------------------------------------------


def test_grouping_factors_that_identify_nothing(frame):
    refused(DesignError, r"grouping factor g has one level \(1\) in the 30 rows", GOOD, frame.assign(g=1))
    refused(DesignError, "grouping factor g has 30 levels in 30 rows", GOOD, frame.assign(g=np.arange(30)))
    refused(
        DesignError,
        r"\(\(Intercept\) \+ fb \+ fc \| h\) has 3 × 10 = 30",
        "y ~ x + (f | h)",
        frame.assign(h=np.arange(30) // 3),
    )
    refused(DesignError, "no random term", "y ~ x", frame)
    refused(
        DesignError,
        "factor f has one level in the rows used .only 'a'",
        "y ~ f + (1 | g)",
        frame.assign(f="a"),
    )
    refused(
        DesignError,
        "grouping factor: put it",
        "y ~ id + (1 | g)",
        pd.DataFrame(
            {
                "y": np.random.default_rng(0).normal(size=12_000),
                "id": [f"i{i}" for i in range(12_000)],
                "g": np.arange(12_000) % 7,
            }
        ),
    )


def test_float_groups_warn(frame):
    with pytest.warns(HendersonWarning, match="'h' holds 10 different numbers with decimals"):
        build("y ~ x + (1 | h)", frame.assign(h=np.repeat(np.arange(10) + 0.5, 3)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build("y ~ x + (1 | h)", frame.assign(h=np.repeat(np.arange(10) + 0.0, 3)))
        build("y ~ g + (1 | g)", frame)  # a grouping factor may be a number in the fixed part


# -- options ---------------------------------------------------------------------------------------------


def test_options_are_checked(frame):
    refused(OptionError, "na_action is 'drop' or 'raise'; got 'omit'", GOOD, frame, na_action="omit")
    refused(
        OptionError, "There are: 'contr.treatment', 'contr.sum'", GOOD, frame, contrasts={"f": "contr.sums"}
    )
    refused(
        OptionError,
        "contrasts names 'f', which is not in the fixed part",
        GOOD,
        frame,
        contrasts={"f": "sum"},
    )
    refused(OptionError, "contrasts names 'x', which is not a factor", GOOD, frame, contrasts={"x": "sum"})
    refused(OptionError, "contrasts is a dict", GOOD, frame, contrasts=["sum"])
    refused(OptionError, "matrix of finite numbers", "y ~ f + (1|g)", frame, contrasts={"f": [1, 2, 3]})
    refused(
        DesignError, "2 rows; the factor has 3 levels", "y ~ f + (1|g)", frame, contrasts={"f": [[1], [-1]]}
    )
    refused(OptionError, "env is a dict", GOOD, frame, env=[np.sin])
    refused(OptionError, r"env\['f'\] is object", GOOD, frame, env={"f": object()})
    refused(OptionError, r"cannot redefine I\(\)", GOOD, frame, env={"I": np.sin})
    refused(FormulaError, "The formula is text.*got int", 3, frame)
    refused(DataError, "not a data frame", GOOD, [1, 2])


def test_functions_of_the_caller(frame):
    design = build(
        "y ~ half(x) + k + (1 | g)", frame.assign(k=1.0 * frame["g"]), env={"half": lambda x: x / 2}
    )
    np.testing.assert_allclose(design.X[:, 1], frame["x"] / 2)
    refused(
        DataError,
        r"bad\(x\) failed: ZeroDivisionError",
        "y ~ bad(x) + (1|g)",
        frame,
        env={"bad": lambda x: 1 // 0},
    )
    refused(DataError, r"returned shape \(3,\)", "y ~ bad(x) + (1|g)", frame, env={"bad": lambda x: x[:3]})
    labels = build("y ~ cls(x) + (1|g)", frame, env={"cls": lambda x: np.where(x > 0, "up", "down")})
    assert labels.x_names == ("(Intercept)", "cls(x)up")
    two = build("y ~ both(x) + (1|g)", frame, env={"both": lambda x: np.column_stack([x, x**2])})
    assert two.x_names[1:] == ("both(x)1", "both(x)2")
    constant = build("y ~ I(x * k) + bs(z, knots = at) + (1|g)", frame, env={"k": 3, "at": [1.3, 1.6]})
    np.testing.assert_allclose(constant.X[:, 1], 3 * frame["x"])


# -- promises --------------------------------------------------------------------------------------------


def test_equal_columns_are_one_array(frame):
    design = build("y ~ x * f + (x | g) + (0 + x:f | g)", frame.assign(g=np.repeat(np.arange(2), 15)))
    for term in design.terms:
        for name, column in zip(term.names, term.columns, strict=True):
            if name in design.x_names:
                assert np.shares_memory(column, design.X[:, design.x_names.index(name)])
    assert design.X.flags.f_contiguous
    assert design.X.dtype == design.y.dtype == np.float64


def test_the_data_are_neither_changed_nor_kept(frame):
    before = frame.copy()
    design = build("y ~ x + (x | g)", frame, weights="w")
    pd.testing.assert_frame_equal(frame, before)
    kept = design.y.copy(), design.X.copy(), design.weights.copy()
    arrays = {name: frame[name].to_numpy().copy() for name in frame}
    design = build("y ~ x + (x | g)", arrays, weights="w")
    for array in arrays.values():
        array[:] = array[::-1].copy()
    np.testing.assert_array_equal(design.y, kept[0])
    np.testing.assert_array_equal(design.X, kept[1])
    np.testing.assert_array_equal(design.weights, kept[2])


def test_frames_of_every_kind_give_one_design(frame):
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    formula = "y ~ poly(x, 2) * f + (x | g)"
    expected = build(formula, frame)
    kinds = [
        polars.from_pandas(frame),
        pyarrow.Table.from_pandas(frame),
        {name: frame[name].to_numpy() for name in frame},
        {name: frame[name].tolist() for name in frame},
        frame.convert_dtypes(),
        frame.set_index("w"),
    ]
    for data in kinds:
        design = build(formula, data)
        assert design.x_names == expected.x_names
        np.testing.assert_array_equal(design.X, expected.X)
        assert design.groupings[0].levels == expected.groupings[0].levels


def test_a_single_name_codes_every_unordered_factor(frame):
    frame["o"] = pd.Categorical(frame["f"], ordered=True)
    design = build("y ~ f + o:x + (1 | g)", frame, contrasts="contr.sum")
    assert design.x_names[:3] == ("(Intercept)", "f1", "f2")
    assert build("y ~ o + (1 | g)", frame, contrasts="sum").x_names[1:] == ("o.L", "o.Q")


def test_contrasts_by_matrix(frame):
    matrix = pd.DataFrame({"lin": [-1.0, 0.0, 1.0], "quad": [1.0, -2.0, 1.0]})
    design = build("y ~ f + (1 | g)", frame, contrasts={"f": matrix})
    assert design.x_names == ("(Intercept)", "flin", "fquad")
    np.testing.assert_array_equal(design.X[:3, 1:], matrix.to_numpy())
    assert build("y ~ f + (1 | g)", frame, contrasts={"f": matrix.to_numpy()}).x_names[1:] == ("f1", "f2")


# -- row numbers are those of the caller's data ----------------------------------------------------------


def test_rows_are_counted_in_the_data_and_not_in_what_is_left(frame):
    frame["x"] = frame["x"].abs() + 1
    frame.loc[[0, 3], "z"] = np.nan
    frame.loc[9, "x"] = -2.5
    message = r"log\(x\) is not a finite number in 1 of 28 rows, first in row 9 .*, where x is -2.5"
    refused(DataError, message, "y ~ log(x) + z + (1 | g)", frame)
    frame.loc[[9, 11], "w"] = 0.0
    refused(
        DataError, r"2 weights are zero or negative, in rows 9, 11 ", "y ~ z + (1 | g)", frame, weights="w"
    )


def test_codes_of_a_factor_are_a_column_to_make(frame):
    message = r"'a' is not a number.*data\['f'\]\.astype\('category'\)\.cat\.codes"
    refused(FormulaError, message, "y ~ as.numeric(factor(f)) + (1 | g)", frame)
