"""Degrees of freedom after the iterative solver, which has none: one rule for everything that tests."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import FitError

NOTE = "z tests: the iterative solver does not form the inverse"
FORMULA = "y ~ a * x + (1 | g) + (1 | h)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    n = 500
    g, h, a = rng.integers(0, 30, n), rng.integers(0, 12, n), rng.choice(list("pqr"), n)
    x = rng.normal(size=n)
    y = x * (a == "q") + rng.normal(size=30)[g] + rng.normal(size=12)[h] + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "a": a, "g": g, "h": h})


@pytest.fixture(scope="module")
def direct(data):
    return hd.lmm(FORMULA, data, solver="direct")


@pytest.fixture(scope="module")
def fits(data):
    """The same model, solved iteratively: from a frame, from sums, and read back."""
    fit = hd.lmm(FORMULA, data, solver="iterative")
    sums = hd.cross_products(FORMULA, [data[:200], data[200:]]).fit(solver="iterative")
    back = hd.LinearMixedFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    return {"frame": fit, "sums": sums, "stored": back}


def smaller(fit):
    """Without the interaction, of the same rows."""
    return hd.lmm("y ~ a + x + (1 | g) + (1 | h)", fit.source.data, solver="iterative")


PRINTED = {
    "summary": lambda fit, data, **ddf: fit.summary(**ddf),
    "anova": lambda fit, data, **ddf: fit.anova(**ddf),
    "test": lambda fit, data, **ddf: fit.test("x = 0, aq:x = 0", **ddf),
    "drop1": lambda fit, data, **ddf: fit.drop1(test="F", **ddf),
    "emmeans": lambda fit, data, **ddf: fit.emmeans("a", data=data, **ddf),
    "contrast": lambda fit, data, **ddf: fit.emmeans("a", data=data, **ddf).contrast(),
    "emtrends": lambda fit, data, **ddf: fit.emtrends("a", "x", data=data, **ddf),
    "joint_tests": lambda fit, data, **ddf: fit.joint_tests(data=data, **ddf),
    "explain": lambda fit, data, **ddf: fit.explain(**ddf),
}
FRAMES = {
    "coeftable": lambda fit, data, **ddf: fit.coeftable(**ddf),
    "tidy": lambda fit, data, **ddf: fit.tidy("fixed", **ddf),
    "confint": lambda fit, data, **ddf: fit.confint(**(ddf or {"ddf": "auto"})),
}
NO_ROWS = {"explain"}


def numbers(answer):
    frame = answer.record.coefficients.columns() if isinstance(answer, hd.results.Summary) else answer
    frame = pd.DataFrame(frame) if isinstance(frame, dict) else frame
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_frame()
    return frame.select_dtypes("number").to_numpy()


@pytest.mark.parametrize("made", ["frame", "sums", "stored"])
@pytest.mark.parametrize("name", [*PRINTED, *FRAMES])
def test_what_is_asked_without_a_kind_is_answered_by_z_tests_that_say_so(name, made, fits, direct, data):
    if made == "sums" and name in NO_ROWS:
        pytest.skip("needs rows")
    ask, fit = {**PRINTED, **FRAMES}[name], fits[made]
    given = None if made == "sums" else data
    answer = ask(fit, given)
    if name != "explain":  # which leaves out the intervals that need the inverse
        wanted = numbers(ask(direct, None, ddf="none"))
        np.testing.assert_allclose(numbers(answer), wanted, rtol=1e-3, atol=1e-5)
    with pytest.raises(FitError, match=r"ddf='none' for z tests.*solver='direct'"):
        ask(fit, given, ddf="satterthwaite")
    if name in PRINTED:
        words = " ".join(str(answer).split())
        assert words.count(NOTE) == 1
        assert NOTE not in " ".join(str(ask(fit, given, ddf="none")).split())
        assert max(map(len, str(answer).splitlines())) <= 80


@pytest.mark.parametrize("name", [*PRINTED, *FRAMES])
def test_a_direct_fit_has_satterthwaite_s_without_asking(name, direct):
    ask = {**PRINTED, **FRAMES}[name]
    np.testing.assert_array_equal(numbers(ask(direct, None)), numbers(ask(direct, None, ddf="satterthwaite")))


def test_models_are_compared_by_chi_square(fits, data, direct):
    small = smaller(fits["frame"])
    found = hd.ftest(small, fits["frame"])
    assert NOTE in " ".join(str(found).split())
    reference = hd.ftest(hd.lmm(small.formula, data), direct, ddf="none")
    np.testing.assert_allclose(numbers(found), numbers(reference), rtol=1e-3)
    with pytest.raises(FitError, match="solver='direct'"):
        hd.ftest(small, fits["frame"], ddf="satterthwaite")


def test_tables_for_publication_follow(fits):
    fit = fits["frame"]
    assert np.isinf(fit.__maketables_coef_table__["df"]).all()
    assert fit.__maketables_stat__("se_type") == "z tests"


def test_other_kinds_that_exist_are_given(fits, direct):
    for ddf in ("residual", "kenward-roger"):
        np.testing.assert_allclose(
            numbers(fits["frame"].coeftable(ddf=ddf)), numbers(direct.coeftable(ddf=ddf)), rtol=1e-3
        )
    ml = fits["frame"].with_ml()  # refitted by REML for Kenward and Roger
    reference = numbers(direct.coeftable(ddf="kenward-roger"))
    np.testing.assert_allclose(numbers(ml.coeftable(ddf="kenward-roger")), reference, rtol=1e-3)


def test_likelihood_ratios_state_the_error_of_their_criteria():
    """Larger than what is left to chance in the criteria of a design whose determinant is estimated."""
    rng = np.random.default_rng(7)  # k has no variance, and the statistic of leaving it out is -0.05
    n = 6_000
    g, h, k, x = (*(rng.integers(0, m, n) for m in (700, 400, 300)), rng.normal(size=n))
    y = rng.normal(size=700)[g] + rng.normal(size=400)[h] + rng.normal(size=n)
    data = pd.DataFrame({"y": y, "x": x, "g": g, "h": h, "k": k})
    large = "y ~ x + (1 | g) + (1 | h) + (1 | k)"
    direct, fit = (hd.lmm(large, data, solver=s) for s in ("direct", "iterative"))
    error = fit.estimate.monte_carlo.criterion_error
    assert error > 0
    for ask in (
        lambda f, s: f.ranova(),
        lambda f, s: hd.lrt(hd.lmm("y ~ x + (1 | g) + (1 | h)", data, solver=s), f, refit=False),
        lambda f, s: hd.lrt(hd.lmm("y ~ 1 + (1 | g) + (1 | h) + (1 | k)", data, solver=s), f),
    ):
        found, exact = ask(fit, "iterative"), ask(direct, "direct")
        words = " ".join(str(found).split())
        assert "criteria (-2 logLik) have a Monte Carlo error of about" in words
        assert "Monte Carlo" not in str(exact)
        assert "has not reached the optimum" not in words
        off = found.to_frame().statistic - exact.to_frame().statistic
        assert off.abs().max() < 5 * error


def test_words_name_the_solver_where_intervals_are_missing(data):
    page = hd.lmm("y ~ x + (x | g) + (1 | h)", data, solver="iterative").explain()
    words = " ".join(str(page).split())
    assert "no interval is given, as the iterative solver forms no inverse" in words
    assert "an iterative fit has no simple intervals" in words
