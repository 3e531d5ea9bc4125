"""Terms and their columns: against the column names themselves, after dropping, and from the record alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from henderson.design import build
from henderson.design.assign import fixed_terms
from henderson.design.spec import DesignSpec

RNG = np.random.default_rng(3)
ROWS = pd.DataFrame(
    {
        "y": RNG.normal(size=60),
        "x": RNG.normal(size=60),
        "z": RNG.normal(size=60),
        "a": np.tile(list("uvw"), 20),
        "b": np.repeat(list("pq"), 30),
        "g": np.tile(list("abcdef"), 10),
        "a2": RNG.normal(size=60),
    }
)


def names(formula, **options):
    design = build(formula, ROWS, **options)
    return {t.name: [design.x_names[j] for j in t.columns] for t in fixed_terms(design)}


def test_columns_stand_under_their_terms():
    assert names("y ~ a * b + x + (1 | g)") == {
        "(Intercept)": ["(Intercept)"],
        "a": ["av", "aw"],
        "b": ["bq"],
        "x": ["x"],
        "a:b": ["av:bq", "aw:bq"],
    }


def test_names_that_begin_alike_are_told_apart():
    assert names("y ~ a2 + a + a:a2 + (1 | g)") == {
        "(Intercept)": ["(Intercept)"],
        "a2": ["a2"],
        "a": ["av", "aw"],
        "a2:a": ["a2:av", "a2:aw"],
    }


def test_cell_means_and_functions_of_several_columns():
    got = names("y ~ 0 + a + poly(x, 2) + I(z^2):b + own(z) + (1 | g)", env={"own": np.exp})
    assert got["a"] == ["au", "av", "aw"]
    assert got["poly(x, 2)"] == ["poly(x, 2)1", "poly(x, 2)2"]
    assert got["I(z^2):b"] == ["I(z^2):bp", "I(z^2):bq"]
    assert got["own(z)"] == ["own(z)"]
    assert "(Intercept)" not in got


def test_dropped_columns_keep_their_place_among_all():
    rows = ROWS.assign(twice=2 * ROWS["x"])
    design = build("y ~ x + twice + a + (1 | g)", rows)
    terms = {t.name: t for t in fixed_terms(design)}
    assert terms["twice"].columns.tolist() == []
    assert terms["twice"].all_columns.tolist() == [2]
    assert [design.x_names[j] for j in terms["a"].columns] == ["av", "aw"]


def test_factors_are_named():
    design = build("y ~ x * factor(b) + a + (1 | g)", ROWS)
    assert {t.name: t.factors for t in fixed_terms(design)} == {
        "(Intercept)": (),
        "x": (),
        "factor(b)": ("factor(b)",),
        "a": ("a",),
        "x:factor(b)": ("factor(b)",),
    }


def test_a_numeric_grouping_is_no_factor_of_the_fixed_part():
    rows = ROWS.assign(k=np.repeat(np.arange(10.0), 6))
    (_, term) = fixed_terms(build("y ~ k + (1 | k)", rows))
    assert term.factors == ()


def test_the_record_alone_suffices():
    design = build("y ~ a * poly(x, 2) + offset(z) + (1 | g)", ROWS)
    stored = DesignSpec.from_dict(json.loads(json.dumps(design.spec.to_dict())))
    again = fixed_terms(replace(design, spec=stored))
    for ours, theirs in zip(fixed_terms(design), again, strict=True):
        assert ours.name == theirs.name
        assert ours.factors == theirs.factors
        assert ours.columns.tolist() == theirs.columns.tolist()


@pytest.mark.parametrize("old", [True, False])
def test_without_a_record_every_column_is_a_term(old):
    design = build("y ~ a + (1 | g)", ROWS)
    record = design.spec.to_dict()
    del record["assign"]
    spec = DesignSpec.from_dict(record) if old else None
    terms = fixed_terms(replace(design, spec=spec))
    assert [t.name for t in terms] == ["(Intercept)", "av", "aw"]
    assert [t.columns.tolist() for t in terms] == [[0], [1], [2]]
