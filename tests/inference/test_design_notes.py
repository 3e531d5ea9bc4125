"""What is wrong with a model whatever the response is said once, by every way to fit it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import HendersonWarning

LEVELS = 20


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    n = 300
    a, h, x = rng.integers(0, LEVELS, n), rng.integers(0, 7, n), rng.normal(size=n)
    y = rng.normal(size=LEVELS)[a] + rng.normal(size=7)[h] + rng.normal(size=n)
    renamed = [f"site {(7 * i) % LEVELS}" for i in a]
    moved = a.copy()
    moved[0] = (a[0] + 1) % LEVELS  # one row elsewhere: no longer the same groups
    return pd.DataFrame({"y": y, "x": x, "a": a, "b": renamed, "c": moved, "h": h})


def ways():
    """Each fits a formula to a frame."""
    import duckdb

    def on_duckdb(formula, data):
        connection = duckdb.connect()
        connection.register("rows", data)
        return hd.lmm(formula, connection.table("rows"))

    return {
        "frame": hd.lmm,
        "iterative": lambda formula, data: hd.lmm(formula, data, solver="iterative"),
        "chunks": lambda formula, data: hd.lmm(formula, [data[:100], data[100:]]),
        "sums": lambda formula, data: hd.lmm(hd.cross_products(formula, data)),
        "engine": on_duckdb,
        "many": lambda formula, data: hd.lmm_many(
            formula, data, np.column_stack([data["y"] + i for i in range(40)])
        ),
    }


def warned(way, formula, data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = way(formula, data)
    return fit, [w for w in caught if issubclass(w.category, HendersonWarning)]


@pytest.mark.parametrize("way", ways())
def test_a_factor_that_is_another_renamed_is_named_at_the_line_of_the_fit(way, data):
    fit, (warning,) = warned(ways()[way], "y ~ x + (1 | h) + (1 | a) + (1 | b)", data)
    text = str(warning.message)
    assert f"a and b divide the rows into the same {LEVELS} groups" in text.replace("b and a", "a and b")
    assert "both terms have the intercept" in text
    assert "Leave one of the two out." in text
    assert "say the same twice" in " ".join(str(fit).split())
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ x + (1 | a) + (1 | a)", "(1 | a) and (1 | a) say the same twice: both vary by a"),
        ("y ~ x + (x | a) + (0 + x | a)", "both terms have the x"),
        ("y ~ x + (x | a) + (x | b)", "both terms have the intercept and 1 more"),
        ("y ~ x + (1 | a / b)", "divide the rows into the same 20 groups"),
    ],
)
def test_terms_that_say_the_same_twice_are_named(formula, words, data):
    fit, (warning,) = warned(hd.lmm, formula, data)
    assert words in str(warning.message)
    page = fit.diagnose()
    assert "random terms" in page.look


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1 | a)",
        "y ~ x + (1 | a) + (1 | h)",
        "y ~ x + (1 | a) + (0 + x | b)",  # an intercept and a slope without correlation, oddly typed
        "y ~ x + (x || a)",
        "y ~ x + (1 | a) + (1 | c)",
        "y ~ x + (1 | a / h)",
    ],
)
@pytest.mark.parametrize("way", ["frame", "chunks"])
def test_terms_that_differ_are_not(formula, way, data):
    fit, caught = warned(ways()[way], formula, data)
    assert not caught
    assert "say the same twice" not in " ".join(str(fit).split())


def test_the_split_of_what_is_said_twice_is_arbitrary_indeed(data):
    """The criterion sees the sum of the variances alone, and equals that of the model with one term."""
    fit, _ = warned(hd.lmm, "y ~ x + (1 | a) + (1 | b)", data)
    alone = hd.lmm("y ~ x + (1 | a)", data)
    assert fit.criterion == pytest.approx(alone.criterion, abs=1e-6)
    assert (fit.theta**2).sum() == pytest.approx(alone.theta[0] ** 2, rel=1e-4)


def nearly(data):
    rng = np.random.default_rng(1)
    return data.assign(z=data["x"] + 1e-6 * rng.normal(size=len(data)), w=2 * data["x"])


@pytest.mark.parametrize("way", ["frame", "iterative", "many"])  # sums take them apart before: digits go once
def test_collinear_columns_are_said_once(way, data):
    fit, (warning,) = warned(ways()[way], "y ~ x + z + (1 | a)", nearly(data))
    assert "x and z are almost a combination of one another" in str(warning.message)
    assert "are almost a combination of one another" in " ".join(str(fit).split())


@pytest.mark.parametrize("way", ["frame", "chunks", "many"])
def test_columns_left_out_are_listed(way, data):
    fit, caught = warned(ways()[way], "y ~ x + w + (1 | a)", nearly(data))
    assert not caught
    assert "1 column dropped (a combination of the others): w." in " ".join(str(fit).split())
