"""The page about a fit: what it holds, where it is written, and that it loads nothing."""

from __future__ import annotations

import re

import pytest

import henderson as hd
from henderson.errors import DataError, OptionError
from henderson.report import render_report

load = hd.datasets.load
HEADINGS = ["In plain words", "Summary", "Pictures", "Checks", "How to cite"]


@pytest.fixture(scope="module")
def sleep():
    return hd.lmm("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))


def test_the_page_has_words_tables_pictures_checks_and_how_to_cite(sleep):
    page = render_report(sleep, units={"Reaction": "ms", "Days": "days"})
    assert re.findall(r"<h2>([^<]*)</h2>", page) == HEADINGS
    assert "Reaction is on average 10.47 ms higher" in page
    assert "251.405" in page
    assert page.count("data:image/png;base64,") == 3
    assert re.search(r"\d+ checks[:,]", page)
    assert f"henderson {hd.__version__}" in page
    for tag in ("section", "div", "table", "figure", "main"):
        assert page.count(f"<{tag}>") + page.count(f"<{tag} ") == page.count(f"</{tag}>")


def test_the_page_loads_nothing_and_has_dark_colours(sleep):
    page = render_report(sleep)
    assert not re.search(r"https?://|<script|<link|@import", page)
    assert "prefers-color-scheme: dark" in page


def test_terms_of_several_coefficients_are_tested_whole():
    fit = hd.lmm("score ~ Machine + (1 | Worker)", load("machines"))
    assert "Type III analysis of variance" in render_report(fit)
    assert "Type III" not in render_report(hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff")))


def test_how_to_cite_says_what_was_done(sleep):
    page = render_report(sleep.with_ml(), ddf="none")
    assert "fitted by maximum likelihood with henderson" in page
    assert "tests of fixed effects use z tests" in page
    assert "tests of fixed effects use Satterthwaite" in render_report(sleep)


def test_report_writes_a_file_with_a_title(sleep, tmp_path):
    target = sleep.report(str(tmp_path / "sleep.html"), "Sleep <& wake>")
    page = target.read_text(encoding="utf-8")
    assert target == tmp_path / "sleep.html"
    assert "<title>Sleep &lt;&amp; wake&gt;</title>" in page
    assert "<h1>Sleep &lt;&amp; wake&gt;</h1>" in page
    assert "<code>Reaction ~ Days + (Days | Subject)</code>" in page


def test_nothing_is_written_where_something_is_wrong(sleep, tmp_path):
    target = tmp_path / "sleep.html"
    target.write_text("of yesterday")
    with pytest.raises(OptionError, match="ddf='exact'"):
        sleep.report(target, ddf="exact")
    with pytest.raises(OptionError, match="units"):
        sleep.report(target, units={"Day": "days"})
    with pytest.raises(OptionError, match=r"report\.html"):
        sleep.report(3)
    with pytest.raises(DataError, match="Cannot write"):
        sleep.report(tmp_path / "nowhere" / "sleep.html")
    assert target.read_text() == "of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["sleep.html"]


def test_other_designs_have_a_page_too():
    for formula, data in (
        ("diameter ~ 1 + (1 | plate) + (1 | sample)", load("penicillin")),
        ("Yield ~ 1 + (1 | Batch)", load("dyestuff2")),
        ("log(Reaction) ~ 0 + Days + (Days | Subject)", load("sleepstudy")),
    ):
        assert re.findall(r"<h2>([^<]*)</h2>", render_report(hd.lmm(formula, data))) == HEADINGS


def test_cells_of_one_machine_are_drawn_by_worker():
    """A line needs two places: the caption names the factor along whose levels the picture is drawn."""
    page = render_report(hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines")))
    assert "The data of each Worker with the model" in page
    assert "The data of each Machine:Worker" not in page
