"""Fits by the iterative solver: every public answer is that of the direct fit, or an error with a way out."""

from __future__ import annotations

import json
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import henderson as hd
from henderson.errors import DataError, FitError
from tests.test_gathered_fit import ARGUMENTS, FORMULA, NAMES, NEEDS_ROWS, answer, numbers, pictures
from tests.test_gathered_fit import data as data  # the fixture

mpl.use("Agg")

NEEDS_FACTOR = {"arrivals", "caic", "cooks_distance", "hat_values", "predict"}
Z_TESTS = {"anova", "coeftable", "emmeans", "emtrends", "joint_tests", "test", "tidy"}
LESS = {"augment", "diagnose", "explain"}
"""What is there without leverages, checks of levels and intervals of standard deviations."""
OF_ITS_OWN = {"opt", "solver", "to_dict"}
MADE = ("frame", "sums", "stored")


@pytest.fixture(scope="module")
def direct(data):
    return hd.lmm(FORMULA, data)


@pytest.fixture(scope="module")
def fits(data):
    fit = hd.lmm(FORMULA, data, solver="iterative", tol=1e-4)
    sums = hd.cross_products(FORMULA, (data.iloc[i : i + 50] for i in range(0, len(data), 50)))
    back = hd.LinearMixedFit.from_dict(json.loads(json.dumps(fit.to_dict(), allow_nan=False)))
    return {"frame": fit, "sums": sums.fit(solver="iterative", tol=1e-4), "stored": back}


def wanted(direct, name, data):
    if name not in Z_TESTS:
        return answer(direct, name, data)
    args, options = ARGUMENTS.get(name, lambda _: ((), {}))(data)
    return getattr(direct, name)(*args, **options, ddf="none")


def check_refusal(error, name, made):
    """What needs a factor, or rows, says so and what to type."""
    if isinstance(error, FitError):
        assert name in NEEDS_FACTOR, f"{name} should do without a factor: {error}"
        assert "which the iterative solver does not form" in str(error)
        assert "lmm(..., solver='direct')" in str(error)
    else:
        assert made == "sums", error
        assert name in NEEDS_ROWS
        assert "lmm(formula, frame)" in str(error) or "fit.augment(data)" in str(error)


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("name", [name for name in NAMES if ARGUMENTS.get(name, 1) is not None])
def test_every_answer_is_that_of_the_direct_fit_or_names_a_way_out(name, made, fits, direct, data):
    if made == "stored" and name in {"emmeans", "emtrends", "joint_tests", "drop1", "simulate_residuals"}:
        pytest.skip("asks for the data: tests of stored fits")
    try:
        found, refused = answer(fits[made], name, data), None
    except (FitError, DataError) as error:
        found, refused = None, error
    if refused is not None:
        check_refusal(refused, name, made)
        return
    assert name not in NEEDS_FACTOR, f"{name} has learnt to do without a factor: take it off the list"
    if name in OF_ITS_OWN:
        return
    reference = wanted(direct, name, data)
    assert type(found) is type(reference)
    a, b = numbers(found), numbers(reference)
    if name == "glance":  # but for the number of evaluations
        a, b = a[:-1], b[:-1]
    if name in LESS and made == "frame":
        assert 0 < len(a) < len(b)
    elif name not in LESS:
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=name)


def test_rows_are_told_without_leverages(fits, direct):
    found, whole = fits["frame"].augment(), direct.augment()
    assert [*found.columns] == [name for name in whole.columns if name not in (".hat", ".cooksd")]
    pd.testing.assert_frame_equal(found, whole[found.columns], rtol=1e-5, atol=1e-5)


def test_predictions_have_means_and_errors_of_the_population(fits, direct, data):
    rows = data[:9]
    for fit in fits.values():
        np.testing.assert_allclose(fit.predict(rows), direct.predict(rows), rtol=1e-5)
        a, b = (f.predict(rows, groups=None, interval="confidence") for f in (fit, direct))
        np.testing.assert_allclose(a, b, rtol=1e-4)
        with pytest.raises(FitError, match=r"Means do not: predict\(newdata\)"):
            fit.predict(rows, se=True)


def test_checks_say_what_was_left_out(fits):
    page = " ".join(str(fits["frame"].diagnose()).split())
    assert "Not checked: the iterative solver does not tell how well single levels are known." in page
    assert "leaving each out would take long here, and was not tried" in page
    assert "No row lies apart" in page


def test_a_report_is_written(fits, tmp_path):
    page = fits["frame"].report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= 3
    assert "tests of fixed effects use z tests" in page
    assert "Not checked: the iterative solver" in " ".join(page.split())
    assert "conditional modes; the iterative solver gives no intervals" in page


@pytest.mark.parametrize("name", pictures())
def test_a_picture_is_drawn_or_the_error_names_a_way_out(name, fits):
    options, refused = {"one": {"level": "g01"}}.get(name, {}), ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(fits["frame"].plot, name)(**options)
    except FitError as error:
        refused = str(error)
    finally:
        mpl.pyplot.close("all")
    assert bool(refused) == (name == "shrinkage")
    assert not refused or "lmm(..., solver='direct')" in refused


def test_pictures_of_effects_say_that_intervals_are_missing(fits, direct):
    for fit, words, bars in (
        (fits["frame"], "effect (iterative: no interval)", 0),
        (direct, "effect and", 15),
    ):
        ax = fit.plot.caterpillar("g")
        assert ax.get_xlabel().startswith(words)
        lengths = [np.ptp(path.vertices[:, 0]) for c in ax.collections for path in c.get_paths()]
        assert sum(length > 0 for length in lengths) == bars
        mpl.pyplot.close("all")
        text = [note.get_text() for note in fit.plot.ranef_correlation("g").texts]
        assert any("Bars" in one for one in text) == (bars > 0)
        mpl.pyplot.close("all")


@pytest.mark.parametrize("made", MADE)
def test_refits_have_the_solver_and_the_error_of_the_fit(made, fits, direct):
    """Not the limit of a step, which as a Monte Carlo error would take every probe there is."""
    from henderson.inference.hypotheses.lrt import again
    from henderson.inference.hypotheses.reduced import fit_reduced, without_columns

    estimate = fits[made].estimate
    refits = [again(estimate, reml=False)]
    refits.append(fit_reduced(without_columns(estimate.cross, np.array([1])), estimate, reml=False))
    for one in refits:
        assert (one.choice.solver, one.monte_carlo.wanted) == ("iterative", 1e-4)
    plain = again(direct.estimate, reml=False)
    assert (plain.choice.solver, plain.search.tol) == ("direct", direct.estimate.search.tol)


def test_a_profile_of_a_design_too_large_to_factor_says_so(fits, monkeypatch):
    """And does not end in an attribute of what was never made."""
    from henderson.solve import choose, cost

    monkeypatch.setattr(choose, "FEW_EQUATIONS", 0)
    monkeypatch.setattr(cost, "CHEAP_FILL", 0.0)
    monkeypatch.setattr(cost, "memory_of_machine", lambda: 1e3)
    fresh = hd.LinearMixedFit.from_dict(fits["frame"].to_dict())
    for ask in ("profile", "bootstrap", "influence"):
        with pytest.raises(FitError, match="What needs a factor cannot be had here"):
            getattr(fresh, ask)()
