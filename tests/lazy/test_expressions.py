"""Every function and operator on the engine gives what it gives in memory."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pytest

from henderson.design import build
from henderson.formula import read_formula
from henderson.lazy.engines import open_lazy
from henderson.lazy.expressions import Scope, number
from henderson.lazy.functions import CALLS
from tests.lazy.engines import ALWAYS, table

EXPRESSIONS = [
    "I(x + 2 * z - k / 3)", "I(-x)", "I(x^3)", "I(x^-3)", "I(x^-2)", "I(x^-1)", "I(z^0.5)", "I(z^-1.5)",
    "I(z^x)",
    "I(2^x)", "I(x^12)", "I(x %% 2)", "I(x %/% 2)", "I(2 / z)", "I(k * b)", "log(z)", "log(z, 2)", "log2(z)",
    "log10(z)", "log1p(z)", "log1p(tiny)", "log1p(dust)", "exp(x)", "expm1(x)", "expm1(tiny)", "sqrt(z)",
    "abs(x)", "sign(x)",
    "sin(x)", "cos(x)", "tan(z)", "sinh(x)", "cosh(x)", "floor(x)", "ceiling(x)", "trunc(x)", "plogis(x)",
    "qlogis(plogis(x))", "round(x)", "round(x, 1)", "round(half)", "pmin(x, z, 1)", "pmax(x, 2)",
    "ifelse(x > 2, z, -1)", "ifelse(f == 'lo', x, z)", "ifelse(f != 'lo' & k >= 2, 1, x)", "ifelse(!b, x, k)",
    "ifelse(x < 1 | x > 4, x, 0)", "ifelse(f %in% c('lo', 'hi'), x, z)", "ifelse(k %in% c(1, 3), x, z)",
    "as.numeric(x <= 2)", "np.minimum(x, z)", "I((x + pi) * 2)",
]  # fmt: skip


@pytest.fixture(scope="module")
def data():
    """Rows without gaps, with numbers near zero and numbers on halves."""
    frame = table(300, gaps=False)
    return frame.assign(
        tiny=1e-9 * frame.x, dust=1e-18 * frame.x, half=np.arange(300) % 7 - 3.5, row=range(300)
    )


@pytest.mark.parametrize("engine", ALWAYS)
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expression(data, text, engine):
    formula = f"y ~ 0 + {text} + (1 | g)"
    lazy = open_lazy(ALWAYS[engine](data))
    node = read_formula(formula).fixed.variables[0].node
    value = number(node, Scope(lazy.types, {}, {}, formula, lazy.engine, CALLS))
    result = lazy.frame.select("row", value=value).collect().to_pandas().sort_values("row")
    expected = build(formula, data).X[:, 0]
    np.testing.assert_allclose(result["value"], expected, rtol=1e-12, atol=1e-14 * np.abs(expected).max())
    assert nw.from_native(result).schema["value"] == nw.Float64
