"""The fit that is said to fail, on the data that the lesson in docs/tutorials/bounce-times.md simulates."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

import henderson as hd
from henderson.adapters import statsmodels as ours

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "bounce-times.md"


@pytest.fixture(scope="module")
def visits():
    """Run the cell of the page that simulates the visits."""
    first = re.findall(r"```\{code-cell\}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    names: dict[str, object] = {}
    exec(first, names)
    return names["visits"]


def fitted(module, visits):
    groups = visits["county"]
    return module.mixedlm("time ~ age_scaled", visits, groups=groups, re_formula="~age_scaled").fit()


def test_slopes_by_county_end_on_the_edge_and_say_so(visits):
    fit = hd.lmm("time ~ age_scaled + (age_scaled | county)", visits)
    assert fit.converged
    assert fit.is_singular
    assert fit.loglik == pytest.approx(-1668.2285, abs=5e-5)
    assert fitted(ours, visits).llf == pytest.approx(fit.loglik, abs=1e-8)


def test_statsmodels_does_not_get_higher(visits):
    theirs = pytest.importorskip("statsmodels.formula.api")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fitted(theirs, visits).llf <= fitted(ours, visits).llf + 1e-6


def test_the_single_regression_takes_the_place_for_an_effect_of_age(visits):
    table = hd.pooling("time ~ age_scaled + (1 | county)", visits).to_frame()
    rows = table[table["level"].isna() & (table["term"] == "age_scaled")].set_index("method")
    ratio = rows["estimate"] / rows["std_error"]
    assert round(ratio["complete"]) == 13
    assert abs(ratio["partial"]) < 1
