"""The HTML and LaTeX of a summary as text: names escaped, numbers with a minus sign, nothing loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import henderson as hd
from tests.golden.models import FITS, fit

BAD = ["<script>document.title='x'</script>", "<b>&amp;-", 'quo"te']


@pytest.fixture(scope="module")
def hostile() -> hd.LinearMixedFit:
    """A model whose every name is markup."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({name: rng.normal(size=60) for name in BAD})
    rows["<i>g"] = np.repeat([f"g{i}" for i in range(12)], 5)
    rows["y"] = rng.normal(size=60) + rng.normal(size=12).repeat(5)
    fixed = " + ".join(f"`{name}`" for name in BAD)
    return hd.lmm(f"y ~ {fixed} + (1 + `{BAD[1]}` | `<i>g`)", rows)


class Balance(HTMLParser):
    """Collects tags that were opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_names_from_the_data_cannot_become_markup(hostile):
    block = hostile._repr_html_()
    for name in [*BAD, "<i>g"]:
        assert "<" not in name or name not in block
    assert block.count("&lt;script&gt;") >= 3  # formula, coefficients, heading of the correlations
    assert "<th>`&lt;b&gt;&amp;amp;-`</th>" in block  # a name keeps its hyphen
    assert "<script" not in block and "<i>" not in block


def test_tags_are_balanced(hostile):
    for block in [hostile._repr_html_(), *(fit(name)._repr_html_() for name in FITS)]:
        balance = Balance()
        balance.feed(block)
        assert balance.open == []


def test_numbers_have_a_minus_sign_and_nothing_is_loaded_from_elsewhere():
    block = fit("cbpp_rates")._repr_html_()
    assert "−0.12107" in block
    assert not re.search(r"https?://|@import|url\(|src=", block)
    assert block.startswith('<div class="henderson"><style>') and block.endswith("</div>")


def test_latex_is_escaped_and_balanced(hostile):
    text = hostile.summary().to_latex(caption="50 % of {it}")
    assert r"\textless{}script\textgreater{}" in text
    assert r"\caption{50 \% of \{it\}}" in text
    body = text.replace(r"\{", "").replace(r"\}", "")
    assert body.count("{") == body.count("}")
    for line in re.findall(r"^.* \\\\$", text, re.M):
        if "multicolumn" not in line:
            assert line.replace(r"\&", "").count("&") == 6


def test_a_model_without_fixed_effects_prints_everywhere():
    none = hd.lmm("Reaction ~ 0 + (1 | Subject)", hd.datasets.load("sleepstudy"))
    assert "(no fixed effects)" in str(none)
    assert "Fixed effects" not in none._repr_html_()
    assert "Fixed effects" not in none.summary().to_latex()


@pytest.mark.parametrize("part", ["varcorr", "ranef", "coef", "opt"])
def test_parts_of_a_fit_show_themselves_in_notebooks(part, hostile):
    block = getattr(hostile, part)._repr_html_()
    assert block.startswith('<div class="henderson"><style>') and block.endswith("</div>")
    tree = Balance()
    tree.feed(block)
    assert tree.open == []
    assert "<script" not in block and "<i>" not in block and "nan" not in block
    if part != "opt":
        assert "&lt;i&gt;g" in block


def test_one_factor_shows_itself_as_all_factors_do(hostile):
    [effects] = hostile.ranef.values()
    assert effects._repr_html_() == hostile.ranef._repr_html_()


def test_long_effects_are_cut_in_the_middle():
    fit = hd.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", hd.datasets.load("penicillin"))
    block = fit.ranef._repr_html_()
    assert block.count("<tr") == 2 + 10 + 1 + 10 + 6  # headings; first and last ten plates, a gap; samples
    assert "24 levels" in block
