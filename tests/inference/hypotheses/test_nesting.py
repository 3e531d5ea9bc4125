"""Which models are special cases of which, and what is said when they are not."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.inference.hypotheses.nesting import nesting

SLEEP = hd.datasets.load("sleepstudy")
MACHINES = hd.datasets.load("machines")


def step(small: str, large: str, rows=SLEEP):
    designs = [hd.lmm(formula, rows).design for formula in (small, large)]
    return nesting(*designs, ("fit0", "fit1"))


@pytest.mark.parametrize(
    ("small", "large", "df", "zero"),
    [
        ("Days + (1 | Subject)", "Days + (Days | Subject)", 2, 1),
        ("Days + (1 | Subject)", "Days + (Days || Subject)", 1, 1),
        ("Days + (Days || Subject)", "Days + (Days | Subject)", 1, 0),
        ("Days + (0 + Days | Subject)", "Days + (Days | Subject)", 2, 1),
        ("Days + (I(Days - 4) | Subject)", "Days + I(Days^2) + (Days | Subject)", 1, 0),
        ("1 + (1 | Subject)", "Days + (Days + I(Days^2) | Subject)", 6, 2),
        ("poly(Days, 2) + (1 | Subject)", "factor(Days) + (1 | Subject)", 7, 0),
    ],
)
def test_sizes_of_a_step(small, large, df, zero):
    found = step(f"Reaction ~ {small}", f"Reaction ~ {large}")
    assert (found.df, found.zero_variances) == (df, zero)


def test_equal_correlations_lie_in_any_correlations():
    found = step(
        "score ~ Machine + (1 | Worker/Machine)", "score ~ Machine + (0 + Machine | Worker)", MACHINES
    )
    assert (found.df, found.zero_variances) == (4, 0)


def test_a_model_that_says_one_thing_twice_has_no_count_of_zero_variances():
    large = "score ~ Machine + (1 | Worker) + (0 + Machine | Worker)"
    assert step("score ~ Machine + (1 | Worker)", large, MACHINES).zero_variances is None


@pytest.mark.parametrize(
    ("small", "large", "named"),
    [
        (
            "Reaction ~ I(Days^2) + (1 | Subject)",
            "Reaction ~ Days + (Days | Subject)",
            r"fixed effect I\(Days\^2\)",
        ),
        (
            "Reaction ~ Days + (0 + I(Days - 3) | Subject)",
            "Reaction ~ Days + (Days || Subject)",
            r"\(0 \+ I\(Days - 3\) \| Subject\)",
        ),
    ],
)
def test_what_is_in_the_way_is_named(small, large, named):
    with pytest.raises(hd.errors.DesignError, match=rf"fit0 is not nested in fit1.*{named}"):
        step(small, large)


def test_crossed_groupings_are_not_nested():
    rows = hd.datasets.load("penicillin")
    with pytest.raises(hd.errors.DesignError, match=r"\(1 \| plate\)"):
        step("diameter ~ 1 + (1 | plate)", "diameter ~ 1 + (1 | sample)", rows)


def test_rows_are_sampled_in_large_data():
    # 5,000 rows: pairs of rows are drawn, those within a group among them.
    rng = np.random.default_rng(2)
    rows = {"y": rng.normal(size=5000), "x": rng.normal(size=5000), "z": rng.normal(size=5000)}
    rows["g"] = rng.integers(0, 900, 5000).astype(str)
    assert step("y ~ x + (x | g)", "y ~ x + (x + z | g)", rows).zero_variances == 1
    with pytest.raises(hd.errors.DesignError, match="not nested"):
        step("y ~ x + (0 + z | g)", "y ~ x + (x | g)", rows)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.iloc[:170], "180 rows and"),
        (lambda rows: rows.iloc[::-1], "rows in the same order"),
        (lambda rows: rows.assign(Reaction=rows["Reaction"] + 1), "differs between"),
    ],
)
def test_other_data_are_refused(change, words):
    fit0, fit1 = (
        hd.lmm("Reaction ~ 1 + (1 | Subject)", SLEEP),
        hd.lmm("Reaction ~ Days + (1 | Subject)", change(SLEEP)),
    )
    with pytest.raises(hd.errors.DataError, match=words):
        hd.lrt(fit0, fit1)


def test_missing_values_are_named_where_rows_differ():
    gaps = SLEEP.assign(Days=SLEEP["Days"].where(SLEEP["Days"] < 8))
    fit0, fit1 = hd.lmm("Reaction ~ 1 + (1 | Subject)", gaps), hd.lmm("Reaction ~ Days + (1 | Subject)", gaps)
    with pytest.raises(hd.errors.DataError, match="fit1 lost 36 to missing values"):
        hd.lrt(fit0, fit1)


def test_another_response_is_refused():
    fit0, fit1 = (
        hd.lmm(f"{y} ~ {x} + (1 | Subject)", SLEEP) for y, x in (("log(Reaction)", 1), ("Reaction", "Days"))
    )
    with pytest.raises(hd.errors.DataError, match=r"fit0 is log\(Reaction\), that of fit1 is Reaction"):
        hd.lrt(fit0, fit1)


def test_other_weights_are_refused():
    fit0 = hd.lmm("Reaction ~ 1 + (1 | Subject)", SLEEP, weights=np.linspace(1, 2, 180))
    with pytest.raises(hd.errors.DataError, match="weights of fit0 and fit1 differ"):
        hd.lrt(fit0, hd.lmm("Reaction ~ Days + (1 | Subject)", SLEEP))
