"""Random terms left out, against fits of the smaller formula; recorded tables are in tests/parity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import henderson as hd


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two factors, two covariates, two groupings."""
    rng = np.random.default_rng(12)
    n = 400
    rows = pd.DataFrame({"x": rng.normal(2, 1, n), "z": rng.normal(size=n)})
    for name, labels in (("A", "abc"), ("B", "uvw")):
        rows[name] = rng.choice(list(labels), n)
    rows["g"], rows["h"] = rng.integers(0, 15, n).astype(str), rng.integers(0, 10, n).astype(str)
    g, h = rows["g"].astype(int), rows["h"].astype(int)
    rows["y"] = rng.normal(size=n) + rng.normal(size=15)[g] * rows["x"] + rng.normal(size=10)[h]
    rows["y"] += rng.normal(size=(15, 3))[g, rows["A"].map("abc".index)]
    return rows


CASES = [
    ("(x + z | g)", {"x in (1 + x + z | g)": "(z | g)", "z in (1 + x + z | g)": "(x | g)"}),
    ("(0 + A + B | g)", {"A in (0 + A + B | g)": "(0 + B | g)", "B in (0 + A + B | g)": "(0 + A | g)"}),
    ("(0 + A + x | g)", {"A in (0 + A + x | g)": "(0 + x | g)", "x in (0 + A + x | g)": "(0 + A | g)"}),
    ("(0 + A | g) + (1 | h)", {"A in (0 + A | g)": "(1 | g) + (1 | h)", "(1 | h)": "(0 + A | g)"}),
    ("(A * x | g)", {"A:x in (1 + A + x + A:x | g)": "(A + x | g)"}),
    ("(poly(x, 2) | h)", {"poly(x, 2) in (1 + poly(x, 2) | h)": "(1 | h)"}),
    ("(x || g) + (1 | h)", {"(1 | g)": "(0 + x | g) + (1 | h)", "x in (0 + x | g)": "(1 | g) + (1 | h)"}),
    ("(1 | g/A)", {"(1 | A:g)": "(1 | g)", "(1 | g)": "(1 | A:g)"}),
]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(("random", "left"), CASES, ids=[random for random, _ in CASES])
def test_a_row_is_the_fit_without_it(rows, random, left, reml):
    table = hd.lmm(f"y ~ x + {random}", rows, reml=reml).ranova()
    terms = list(table.columns()["term"])
    for term, smaller in left.items():
        fit = hd.lmm(f"y ~ x + {smaller}", rows, reml=reml)
        assert table["loglik"][terms.index(term)] == pytest.approx(fit.loglik, abs=1e-5)
        assert table["npar"][terms.index(term)] == fit.df


def test_whole_terms_go_where_asked(rows):
    fit = hd.lmm("y ~ x + (x | g) + (1 | h)", rows)
    table = fit.ranova(reduce_terms=False)
    assert list(table.columns()["term"]) == ["<none>", "(1 + x | g)", "(1 | h)"]
    assert table["loglik"][1] == pytest.approx(hd.lmm("y ~ x + (1 | h)", rows).loglik, abs=1e-6)
    assert np.isnan(table["p_boundary"][1])
    assert "more than one variance" in " ".join(str(table).split())


def test_a_stored_fit_has_the_table_too(rows):
    fit = hd.lmm("y ~ x + (x | g) + (1 | h)", rows)
    again = hd.LinearMixedFit.from_dict(fit.to_dict())
    np.testing.assert_allclose(again.ranova()["statistic"], fit.ranova()["statistic"], rtol=1e-6)


def test_unknown_options_are_answered(rows):
    with pytest.raises(hd.errors.OptionError, match="Did you mean 'reduce_terms'"):
        hd.lmm("y ~ x + (x | g)", rows).ranova(reduce_term=False)
