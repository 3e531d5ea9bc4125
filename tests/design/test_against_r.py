"""Columns, names, codings, groups and aliasing against R's model.matrix and lme4's lFormula.

The expected values are in fixtures/design_cases.json, made by fixtures/design_cases.R.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from henderson.data import label_text, open_frame
from henderson.design import build, replay
from henderson.design.build import lme4_order, raw_columns
from henderson.design.calls import CALLS
from henderson.design.context import Context
from henderson.design.contrasts import coding_from_name
from henderson.design.fixed import fixed_matrix, random_columns
from henderson.design.groupings import learn_grouping
from henderson.design.rank import independent_columns
from henderson.formula import read_formula, read_sides

CASES = json.loads((Path(__file__).parent / "fixtures" / "design_cases.json").read_text())
FRAME = pd.DataFrame(CASES["data"])
for name, levels in (("a", "r p q"), ("b", "u v"), ("c", "k l"), ("f g", "u v")):
    FRAME[name] = pd.Categorical(FRAME[name], categories=levels.split())
FRAME["o"] = pd.Categorical(FRAME["o"], categories=["lo", "mid", "hi", "top"], ordered=True)
GROUP = " + (1 | g)"


def context_of(text):
    """Read a formula and prepare its evaluation, without the checks that a fit needs."""
    frame = open_frame(FRAME)
    columns = frame.names() if read_sides(text).has_dot else None
    formula = read_formula(text, columns=columns)
    context = Context({}, frame.n, formula.text, True, {}, {}, {}, CALLS)
    context.columns = raw_columns(formula, frame, context)
    return formula, context


def matrix_of(text, contrasts=None):
    formula, context = context_of(text)
    codings = {factor: coding_from_name(value) for factor, value in (contrasts or {}).items()}
    return fixed_matrix(formula.fixed, context, codings)[:3]


@pytest.mark.parametrize("case", CASES["fixed"], ids=[c["formula"] for c in CASES["fixed"]])
def test_fixed_columns_equal_model_matrix(case):
    X, names, _ = matrix_of("y " + case["formula"] + GROUP, case["contrasts"])
    expected = case["names"] if isinstance(case["names"], list) else [case["names"]]
    assert names == expected
    for computed, recorded in (
        (X[0], case["first"]),
        (X[-1], case["last"]),
        (X.sum(axis=0), case["sums"]),
        (np.square(X).sum(axis=0), case["squares"]),
    ):
        np.testing.assert_allclose(computed, np.atleast_1d(recorded), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES["random"], ids=[c["formula"] for c in CASES["random"]])
def test_random_terms_equal_lme4(case):
    formula, context = context_of("y ~ x + " + case["formula"])
    learnt = {part.grouping.name: learn_grouping(part.grouping, context)[0] for part in formula.random}
    order = lme4_order([len(learnt[part.grouping.name].levels) for part in formula.random])
    parts = [formula.random[i] for i in order]
    assert [part.grouping.name for part in parts] == case["groups"]
    for part, names, z in zip(parts, case["columns"], case["z"], strict=True):
        computed, columns = random_columns(part.terms, context, {})
        assert list(computed) == (names if isinstance(names, list) else [names])
        levels = len(learnt[part.grouping.name].levels)
        assert len(columns) * levels == z["rows"]
        np.testing.assert_allclose(sum(c.sum() for c in columns), z["sum"], rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(
            sum(np.square(c).sum() for c in columns), z["squares"], rtol=1e-10, atol=1e-10
        )
    for factor in case["flist"]:
        grouping = learnt[factor["name"]]
        assert [label_text(level) for level in grouping.levels] == factor["levels"]
        assert grouping.codes.tolist() == factor["codes"]


@pytest.mark.parametrize("case", CASES["aliased"], ids=[c["formula"] for c in CASES["aliased"]])
def test_aliased_columns_are_those_that_r_drops(case):
    X, names, _ = matrix_of("y " + case["formula"] + GROUP)
    assert names == case["names"]
    assert independent_columns(X) == case["kept"]


@pytest.mark.parametrize("case", CASES["replayed"], ids=[c["formula"] for c in CASES["replayed"]])
def test_new_rows_equal_those_of_r(case):
    design = build("y " + case["formula"] + " + (1 | s)", FRAME)
    new = replay(design.spec, pd.DataFrame(CASES["new"]), groups=False)
    assert list(design.x_names) == case["names"]
    np.testing.assert_allclose(new.X, case["rows"], rtol=1e-9, atol=1e-9)
