"""Columns of numbers print as R prints them (expected texts are R's own output)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henderson.display.names import abbreviate, abbreviate_all, shorten, shorten_all
from henderson.display.numbers import (
    format_coefficients,
    format_column,
    format_correlation,
    format_fixed,
    format_quantiles,
    format_statistics,
)
from henderson.display.table import TableView, table_text

nan = math.nan


@pytest.mark.parametrize(
    ("values", "digits", "expected"),
    [
        ([612.0899, 35.07166, 654.941], 4, ["612.09", " 35.07", "654.94"]),
        ([24.74045, 5.922133, 25.59182], 4, ["24.740", " 5.922", "25.592"]),
        ([0.7169, 3.7309, 0.3024], 4, ["0.7169", "3.7309", "0.3024"]),
        ([0.0, 13.806], 4, [" 0.00", "13.81"]),
        ([1.0, 2.0], 4, ["1", "2"]),
        ([100000.0], 4, ["1e+05"]),
        ([123456.0], 4, ["123456"]),
        ([1e-5, 1.0], 4, ["1e-05", "1e+00"]),
        ([1.5e-9, 2.25], 4, ["1.50e-09", "2.25e+00"]),
        ([0.00012345], 4, ["0.0001234"]),
        ([-1.5, 22.25], 4, ["-1.50", "22.25"]),
        ([nan, 1.5], 4, [" NA", "1.5"]),
        ([math.inf, -math.inf, 1.0], 4, [" Inf", "-Inf", "   1"]),
        ([], 4, []),
        ([nan], 4, ["NA"]),
    ],
)
def test_common_format(values, digits, expected):
    assert format_column(values, digits) == expected


@given(st.lists(st.floats(-1e300, 1e300) | st.just(nan) | st.just(math.inf), max_size=6), st.integers(1, 8))
def test_any_column_has_one_width_and_enough_digits(values, digits):
    texts = format_column(values, digits)
    assert len({len(t) for t in texts}) <= 1
    for value, text in zip(values, texts, strict=True):
        if math.isfinite(value) and value != 0:
            assert math.isclose(float(text), value, rel_tol=10.0 ** (1 - digits), abs_tol=5e-324)


def test_coefficients_share_their_decimals():
    # printCoefmat of R for the sleep study
    estimate, error = format_coefficients([251.40510, 10.46729], [6.824557, 1.545789])
    assert estimate == ["251.405", " 10.467"]
    assert error == ["6.825", "1.546"]
    assert format_statistics([36.8383, 6.77148]) == ["36.838", " 6.771"]
    assert format_coefficients([5.6656], [0.67837]) == (["5.6656"], ["0.6784"])
    assert format_coefficients([nan, 1.0], [nan, 0.25])[0][0].strip() == "NA"
    assert format_coefficients([], []) == ([], [])


def test_quantiles_and_single_numbers():
    assert format_quantiles([-3.95357, -0.46340, 0.02312, 0.46340, 5.17926])[2] == " 0.0231"
    assert format_quantiles([0.0] * 5) == ["0"] * 5
    assert format_fixed(1743.628272) == "1743.6"
    assert format_fixed(nan) == "NA"
    assert format_fixed(3e15) == "3e+15"


def test_no_negative_zero():
    assert format_column([-0.0, 1.25])[0].strip() == "0.00"


def test_correlations_are_never_minus_zero():
    assert format_correlation(-1e-9) == "0.00"
    assert format_correlation(-0.5, 3) == "-0.500"
    assert format_correlation(nan) == "NA"


def test_abbreviations_as_in_r():
    # base::abbreviate(minlength = 6)
    expected = {
        "(Intercept)": "(Intr)",
        "Days": "Days",
        "period2": "perid2",
        "MachineB": "MachnB",
        "treatment": "trtmnt",
    }
    for name, short in expected.items():
        assert abbreviate(name) == short
    names = ["covariate_number_01", "covariate_number_02", "covariate_number_11"]
    assert len(set(abbreviate_all(names))) == 3


@given(st.text(max_size=40), st.integers(1, 20))
def test_short_names_fit(name, width):
    assert len(shorten(name, width)) <= max(width, 0) or len(name) <= width
    assert len(abbreviate(name, width)) <= width + 2


@given(st.lists(st.text("ab_", min_size=1, max_size=24), max_size=8), st.integers(6, 16))
def test_shortened_names_stay_distinct(names, width):
    short = shorten_all(names, width)
    assert all(len(one) <= width for one in short)
    assert len(set(short)) == len(set(names))
    assert all(a == b for a, b in zip(names, short, strict=True) if len(a) <= width)


def test_names_that_differ_in_their_middle_show_where():
    names = [f"a_really_very_long_and_{which}_explanatory_variable_name" for which in ("first", "other")]
    short = shorten_all(names, 30)
    assert "first" in short[0]
    assert "other" in short[1]
    assert shorten_all(["short", *names], 30)[0] == "short"


def test_no_two_rows_of_a_wide_table_have_one_label():
    names = [f"a_really_very_long_and_{which}_explanatory_variable_name" for which in ("first", "other")]
    rows = [[name, *["123456.789"] * 5] for name in names]
    lines = table_text(TableView("Title", ["", *"abcde"], rows)).splitlines()
    assert max(map(len, lines)) <= 80
    assert len({line.split()[0] for line in lines[2:]}) == 2
