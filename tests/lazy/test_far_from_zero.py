"""Covariates far from zero on an engine: the criterion is that of the rows; and rows of levels are known."""

from __future__ import annotations

import numpy as np
import pytest

import henderson as hd
from henderson.design import build
from henderson.design.gathered import rows_per_level
from tests.crossprod.by_rows import by_rows, far
from tests.lazy.engines import ALWAYS, table


@pytest.mark.parametrize("mean", [1e3, 1e5])
@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x * f + (1 | g)",
        "y ~ x:f + (1 | g) + (1 | h)",
        "y ~ t:x + (1 | g) + (1 | h)",
        "y ~ 0 + f + x:f + (1 | g)",
        "y ~ 0 + t * x + (1 | g) + (1 | h)",
    ],
)
def test_the_criterion_is_that_of_the_rows(formula, engine, mean):
    data = far(mean)
    fit = hd.lmm(formula, ALWAYS[engine](data))
    assert fit.criterion == pytest.approx(by_rows(formula, data, fit), rel=1e-9)


@pytest.mark.parametrize("formula", ["y ~ 0 + f + x + I(x^2) + (1 | g)", "y ~ 0 + t + I(x^2) + x + (1 | g)"])
def test_without_an_intercept_the_same_columns_are_kept_as_with_rows(formula):
    data = far(1100.0)
    fit, rows = hd.lmm(formula, ALWAYS["polars"](data)), build(formula, data)
    assert (fit.design.x_names, fit.design.dropped) == (rows.x_names, rows.dropped)


@pytest.mark.parametrize("engine", ALWAYS)
def test_rows_of_levels_and_marginal_means(engine):
    data, formula = table(), "y ~ x * f + (1 | g) + (1 | h)"
    fit, rows = hd.lmm(formula, ALWAYS[engine](data)), hd.lmm(formula, data)
    for f in range(2):
        found = rows_per_level(fit.design, f)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, rows_per_level(rows.design, f))
    assert str(fit.emmeans("f")) == str(rows.emmeans("f"))
