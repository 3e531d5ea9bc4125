"""Formulas that say the same thing give the same fit, and predictions carry the oracle's variance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import henderson as hd
from henderson import estimate as stage
from henderson.design import build
from tests import oracle
from tests.property import designs

SEEDS = st.integers(0, 10**6)
SAME = [
    ("y ~ x + (1 | a/b)", "y ~ x + (1 | a) + (1 | a:b)"),
    ("y ~ x + (1 | a/b)", "y ~ x + (1 | a) + (1 | unique)"),
    ("y ~ x + (1 | a/b)", "y ~ x + (1 | b:a) + (1 | a)"),
    ("y ~ x + (x || a)", "y ~ x + (1 | a) + (0 + x | a)"),
    ("y ~ x + (x | a)", "y ~ 1 + x + (1 + x | a)"),
    ("y ~ x + (x - 1 | a)", "y ~ x + (0 + x | a)"),
    ("y ~ x * f + (1 | a)", "y ~ x + f + f:x + (1 | a)"),
    ("y ~ x + (1 | a) + (1 | c)", "y ~ x + (1 | c) + (1 | a)"),
    ("y ~ x + offset(o) + (1 | a)", "I(y - o) ~ x + (1 | a)"),
    ("y ~ f + (1 | a)", "y ~ 0 + f + (1 | a)"),
    ("y ~ f + (f | a)", "y ~ f + (0 + f | a)"),
    ("y ~ poly(x, 2) + (1 | a)", "y ~ x + I(x^2) + (1 | a)"),
    ("y ~ x + (1 | a)", "y ~ scale(x) + (1 | a)"),
    ("y ~ x + f + (1 | a)", "y ~ x + C(f, contr.sum) + (1 | a)"),
]
"""Pairs that span the same model; where only the columns of X differ, the ML deviance is what must agree."""


def frame(seed: int) -> pd.DataFrame:
    """Sixty rows of everything the formulas name; b is a factor within a, `unique` labels it across a."""
    draw = np.random.default_rng(seed)
    n = 60
    a, c = designs.codes_of(draw, n, 5), designs.codes_of(draw, n, 6)
    b, f = draw.integers(3, size=n), designs.codes_of(draw, n, 3)
    x, o = draw.normal(size=n), draw.normal(size=n)
    effects = draw.normal(size=5)[a] + draw.normal(size=(5, 3))[a, b] + x * draw.normal(size=5)[a]
    y = 1 + x + 0.5 * f + o + effects + draw.normal(size=6)[c] + draw.normal(size=n)
    text = {name: [f"{name}{v}" for v in codes] for name, codes in {"a": a, "b": b, "c": c, "f": f}.items()}
    unique = [f"{i}.{j}" for i, j in zip(a, b, strict=True)]
    return pd.DataFrame({"y": y, "x": x, "o": o, "unique": unique} | text)


@pytest.mark.parametrize(("one", "other"), SAME)
@designs.few_examples
@given(seed=SEEDS)
def test_two_spellings_of_a_model(one, other, seed):
    rows = frame(seed)
    first, second = (stage.fit(build(formula, rows), reml=False) for formula in (one, other))
    assert first.criterion == pytest.approx(second.criterion, abs=1e-6)
    assert first.sigma == pytest.approx(second.sigma, rel=1e-4)


@designs.few_examples
@given(seed=SEEDS, reml=st.booleans())
def test_standard_errors_of_predictions(seed, reml):
    """x'beta_hat + z'b_hat: variance of its error, theta as known; unseen levels add their own variance."""
    rows = frame(seed)
    fit = hd.lmm("y ~ x + (x | a) + (1 | c)", rows, reml=reml)
    new = frame(seed + 1).head(8)
    new.loc[[2, 5], "a"] = "unseen"
    dense = oracle.problem(fit.design, reml)
    levels = {g.name: [*g.levels] for g in fit.design.groupings}
    starts = np.concatenate([[0], np.cumsum([k * size for size, k in dense.groupings])])
    Z = np.zeros((len(new), dense.Z.shape[1]))
    extra = np.zeros(len(new))
    X = np.column_stack([np.ones(len(new)), new["x"]])
    for f, grouping in enumerate(fit.design.groupings):
        columns = X if grouping.name == "a" else X[:, :1]
        sigma = fit.varcorr.terms[[t.grouping for t in fit.design.terms].index(f)].cov
        for i, label in enumerate(new[grouping.name]):
            if label in levels[grouping.name]:
                at = starts[f] + levels[grouping.name].index(label) * columns.shape[1]
                Z[i, at : at + columns.shape[1]] = columns[i]
            else:
                extra[i] += columns[i] @ sigma @ columns[i]
    expected = np.sqrt(oracle.prediction_variance(dense, fit.theta, X, Z) + extra)
    ours = fit.predict(new, new_levels="population", se=True)
    np.testing.assert_allclose(ours["std_error"], expected, rtol=1e-7)
