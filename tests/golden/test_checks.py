"""Printed measures of quality, influence and diagnosis, character by character, as in `test_summary`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import henderson as hd

from .models import fit
from .test_summary import APPROVED, compare, settled

PRINTS: dict[str, Callable[[], object]] = {
    "icc": lambda: fit("sleep_reml").icc(),
    "icc_by_group": lambda: fit("pastes_nested").icc(by_group=True),
    "r2_singular": lambda: fit("dyestuff2_singular").r2(),
    "vif": lambda: hd.lmm("distance ~ age * Sex + (age | Subject)", hd.datasets.load("orthodont")).vif(),
    "rpca": lambda: fit("maximal_singular").rpca(),
    "compare": lambda: fit("sleep_reml").compare(
        hd.lmm("Reaction ~ 1 + (1 | Subject)", hd.datasets.load("sleepstudy"))
    ),
    "caic": lambda: fit("sleep_ml").caic(),
    "influence": lambda: fit("sleep_reml").influence(),
    "influence_rows": lambda: fit("weights_and_offset").influence("observation"),
    "influence_many_terms": lambda: fit("long_names").influence(),
    "influence_undetermined": lambda: fit("machines_slopes").influence("Machine"),
    "scaled_residuals": lambda: fit("sleep_reml").simulate_residuals(groups="all"),
    "diagnosis": lambda: fit("sleep_reml").diagnose(),
    "diagnosis_singular": lambda: fit("maximal_singular").diagnose(),
}
every = pytest.mark.parametrize("name", PRINTS)


@every
def test_text(name):
    compare(APPROVED / f"{name}.txt", settled(f"{PRINTS[name]()}\n"))


@every
def test_text_stays_within_eighty_columns_without_trailing_blanks(name):
    for line in str(PRINTS[name]()).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


@every
def test_html_is_closed(name):
    html = PRINTS[name]()._repr_html_()
    assert html.startswith("<")
    for tag in ("div", "table", "td", "th"):
        assert html.count(f"<{tag}") - html.count("<thead" if tag == "th" else "\0") == html.count(
            f"</{tag}>"
        )
