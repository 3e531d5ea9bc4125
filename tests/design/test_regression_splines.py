"""Cubic regression splines: formulaic's numbers, replayed on new rows, refused where they cannot be."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from henderson.design import DesignSpec, build
from henderson.design.replay import replay
from henderson.errors import HendersonError

FORMULA = "y ~ {} + (1 | g)"


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, 60)
    return pd.DataFrame({"x": x, "flat": 1.0, "y": np.sin(x) + rng.normal(size=60), "g": np.arange(60) % 6})


@pytest.mark.parametrize("call", ["cr(x, df = 4)", "cc(x, df = 3)", "cr(x, df = 6)"])
def test_the_columns_are_formulaics(rows, call):
    formulaic = pytest.importorskip("formulaic")
    spelt = call.replace(" = ", "=").replace(")", ", constraints='center')")
    theirs = np.asarray(formulaic.model_matrix(f"1 + {spelt}", rows), dtype=float)
    design = build(FORMULA.format(call), rows)
    np.testing.assert_allclose(design.X, theirs, atol=1e-12)
    assert design.x_names[1] == f"{call}1" and not design.dropped


@pytest.mark.parametrize("call", ["cr(x, df = 4)", "cc(x, knots = c(2, 5, 7))"])
def test_new_rows_get_the_training_basis(rows, call):
    design = build(FORMULA.format(call), rows)
    spec = DesignSpec.from_dict(json.loads(json.dumps(design.spec.to_dict())))
    np.testing.assert_allclose(replay(spec, rows.iloc[[5, 2, 33]]).X, design.X[[5, 2, 33]], atol=1e-13)
    with_gap = rows.iloc[[1, 2]].assign(x=[np.nan, rows["x"].iloc[2]])
    np.testing.assert_allclose(replay(spec, with_gap).X[1], design.X[2], atol=1e-13)


def test_a_cyclic_spline_closes(rows):
    design = build(FORMULA.format("cc(x, df = 4)"), rows)
    ends = pd.DataFrame({"x": [rows["x"].min(), rows["x"].max()], "g": [0, 0]})
    first, last = replay(design.spec, ends).X
    np.testing.assert_allclose(first, last, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("cr(x)", "number of columns"),
        ("cr(x, df = 1)", "from 2 to 500"),
        ("cr(x, df = 501)", "from 2 to 500"),
        ("cr(x, df = 3, knots = c(1, 2))", "cannot specify both"),
        ("cc(x, knots = c(-5, 2))", "below lower bound"),
        ("cr(flat, df = 3)", "values that differ"),
    ],
)
def test_what_cannot_be_formed_is_refused(rows, call, message):
    with pytest.raises(HendersonError, match=message):
        build(FORMULA.format(call), rows)
