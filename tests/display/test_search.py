"""The search in text and HTML: a number where there is one, and words for its steps."""

from __future__ import annotations

import json

import numpy as np
import pytest

import henderson as hd
from henderson.optim.record import SearchRecord, Step


@pytest.fixture(scope="module")
def search() -> SearchRecord:
    at = np.array([1.0])
    steps = (
        Step(at, 20.0, 3.0, np.inf, 0.0, True, "start"),
        Step(at, np.inf, np.inf, 1.0, 0.5, False, "newton"),
        Step(at, 12.5, 1e-4, 1.0, 1e-9, True, "leave boundary"),
        Step(at, 12.5, np.nan, 1.0, 1e-9, True, "polish"),
    )
    return SearchRecord(steps, True, "Converged in 4 evaluations.", 1e-10, 200)


def test_what_was_not_computed_is_a_dash(search):
    lines = str(search).splitlines()
    assert "nan" not in str(search) and "inf" not in str(search)
    assert lines[1].split() == ["1", "20.00000000", "3.00e+00", "-", "-", "start"]
    assert lines[2].split() == ["2", "-", "-", "5.00e-01", "1", "Newton", "step", "(rejected)"]
    assert lines[3].endswith("variance added")
    assert lines[4].split()[:5] == ["4", "12.50000000", "-", "1.00e-09", "1"]
    assert lines[4].endswith("last step, value only")
    assert max(map(len, lines)) <= 90


def test_the_search_of_a_fit_in_html_and_json():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    assert isinstance(fit.opt, SearchRecord)
    block = fit.opt._repr_html_()
    assert "nan" not in block and "Newton step" in block and fit.opt.message in block
    assert any(np.isnan(step.gradient_norm) for step in fit.opt.steps)
    again = hd.LinearMixedFit.from_dict(json.loads(json.dumps(fit.to_dict(), allow_nan=False)))
    assert str(again.opt) == str(fit.opt)
    assert [s.stage for s in again.opt.steps] == [s.stage for s in fit.opt.steps]
