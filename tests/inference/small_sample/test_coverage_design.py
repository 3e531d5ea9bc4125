"""Forty replicates of the design on which Satterthwaite's intervals are too short, beside lmerTest's numbers.

`record_coverage` wrote the file; R is not needed here. That the numbers agree to so many digits, singular
fits included, makes the shortfall in benchmarks/RESULTS-coverage.md the method's and not the program's.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import henderson as hd
from benchmarks import coverage

FILE = Path(__file__).parent / "fixtures" / "coverage.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fits():
    return [hd.lmm(RECORDED["formula"], {**RECORDED["rows"], "y": y}) for y in RECORDED["y"]]


def table(fits, name, ddf):
    return np.array([fit.coeftable(ddf=ddf)[name] for fit in fits])


def test_the_benchmark_still_draws_these_rows():
    rows, responses = coverage.drawn(coverage.HARD, len(RECORDED["y"]))
    assert RECORDED["formula"] == coverage.HARD.formula
    np.testing.assert_allclose(rows.x, RECORDED["rows"]["x"], atol=1e-6)
    np.testing.assert_allclose(responses, RECORDED["y"], atol=1e-6)


def test_fits_agree_and_so_does_which_are_singular(fits):
    np.testing.assert_allclose([f.criterion for f in fits], RECORDED["criterion"], rtol=1e-9)
    assert [int(f.is_singular) for f in fits] == RECORDED["singular"]
    assert 0 < sum(RECORDED["singular"]) < len(fits)


@pytest.mark.parametrize(("ddf", "suffix"), [("satterthwaite", ""), ("kenward-roger", "_kr")])
def test_estimates_standard_errors_and_degrees_of_freedom(fits, ddf, suffix):
    scale = np.array(RECORDED["std_error"])
    estimates = table(fits, "estimate", ddf)
    np.testing.assert_allclose((estimates - RECORDED["estimate"]) / scale, 0, atol=1e-5)
    np.testing.assert_allclose(table(fits, "std_error", ddf), RECORDED["std_error" + suffix], rtol=1e-5)
    np.testing.assert_allclose(table(fits, "df", ddf), RECORDED["df" + suffix], rtol=1e-4)


def test_counting_by_blocks_is_counting_by_calls(fits):
    found = coverage.count(coverage.HARD, len(fits))
    for method in coverage.METHODS:
        low, high = table(fits, "conf_low", method), table(fits, "conf_high", method)
        assert np.array_equal(found.covered[method], (low < 0) & (high > 0))
    assert found.singular.tolist() == [bool(s) for s in RECORDED["singular"]]
    among = found.share("none", found.singular)
    np.testing.assert_allclose(among, 100 * found.covered["none"][found.singular].mean(axis=0))


def test_every_design_of_the_benchmark_gives_a_line_a_coefficient():
    for simulation in coverage.SIMULATIONS:
        found = coverage.count(simulation, 3)
        for some, bars in zip((coverage.coverage_lines, coverage.cause_lines), (8, 9), strict=True):
            lines = some(simulation, found)
            assert len(lines) == len(found.terms)
            assert all(line.replace(r"\|", "").count("|") == bars for line in lines)
