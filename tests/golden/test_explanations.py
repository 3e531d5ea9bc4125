"""Explanations in plain words, character by character, as in `test_summary`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import henderson as hd

from .models import fit, load
from .test_summary import APPROVED, compare, settled

UNITS = {"Reaction": "ms", "Days": "days"}
EXPLAINED: dict[str, Callable[[], object]] = {
    "sleep": lambda: fit("sleep_reml").explain(units=UNITS),
    "sleep_kr": lambda: fit("sleep_reml").explain(units=UNITS, level=0.9, ddf="kenward-roger"),
    "interaction": lambda: hd.lmm("distance ~ age * Sex + (age | Subject)", load("orthodont")).explain(
        units={"distance": "mm", "age": "years"}
    ),
    "levels": lambda: fit("machines_slopes").explain(),
    "means": lambda: hd.lmm("score ~ 0 + Machine + (1 | Worker)", load("machines")).explain(),
    "singular": lambda: fit("dyestuff2_singular").explain(),
    "maximal": lambda: fit("maximal_singular").explain(),
    "weights": lambda: fit("weights_and_offset").explain(),
    "gaps": lambda: fit("rank_deficient_with_gaps").explain(),
    "crossed": lambda: fit("penicillin_crossed").explain(),
    "log_ml": lambda: hd.lmm(
        "log(Reaction) ~ Days + (Days | Subject)", load("sleepstudy"), reml=False
    ).explain(units=UNITS, ddf="none"),
    "curve": lambda: hd.lmm("Reaction ~ Days + I(Days^2) + (1 | Subject)", load("sleepstudy")).explain(),
    "long_names": lambda: fit("long_names").explain(),
}
every = pytest.mark.parametrize("name", EXPLAINED)


@every
def test_text(name):
    compare(APPROVED / "explanations" / f"{name}.txt", settled(f"{EXPLAINED[name]()}\n"))


@every
def test_text_stays_within_eighty_columns_without_trailing_blanks(name):
    for line in str(EXPLAINED[name]()).splitlines():
        assert len(line) <= 80 or " " not in line.strip("- ")
        assert line == line.rstrip()


@every
def test_html_is_closed_and_markdown_has_every_sentence(name):
    page = EXPLAINED[name]()
    html, marked = page._repr_html_(), page.to_markdown()
    for tag in ("div", "ul", "li", "style"):
        assert html.count(f"<{tag}") - (html.count("<link") if tag == "li" else 0) == html.count(f"</{tag}>")
    assert html.count("<li>") == len(page.sentences)
    assert marked.count("\n- ") == len(page.sentences)
    assert marked.startswith("## In plain words\n")


def test_markdown_of_the_sleep_study():
    compare(APPROVED / "explanations" / "sleep.md", settled(EXPLAINED["sleep"]().to_markdown()))
