"""Comparisons of models, deletions of terms and power as printed, character by character."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import pytest

import henderson as hd

from .models import fit, load, maximal_rows
from .test_summary import APPROVED, compare


def sleep(right: str) -> hd.LinearMixedFit:
    return hd.lmm(f"Reaction ~ {right}", load("sleepstudy"))


def machines(right: str = "Machine + (1 | Worker/Machine)") -> hd.LinearMixedFit:
    return hd.lmm(f"score ~ {right}", load("machines"))


def orthodont() -> hd.LinearMixedFit:
    return hd.lmm("distance ~ age * Sex + (age | Subject)", load("orthodont"))


TABLES: dict[str, Callable[[], Any]] = {
    "lrt_random": lambda: hd.lrt(
        sleep("Days + (1 | Subject)"), sleep("Days + (Days | Subject)"), refit=False
    ),
    "lrt_three": lambda: hd.lrt(
        constant=sleep("1 + (1 | Subject)"), line=sleep("Days + (1 | Subject)"), slopes=fit("sleep_reml")
    ),
    "lrt_two_variances": lambda: hd.lrt(
        sleep("Days + (1 | Subject)"), sleep("Days + (poly(Days, 2) | Subject)")
    ),
    "lrt_simulated": lambda: hd.lrt(sleep("Days + (1 | Subject)"), fit("sleep_reml"), n_sim=20, seed=1),
    "ftest_kenward_roger": lambda: hd.ftest(
        hd.lmm("distance ~ age + (age | Subject)", load("orthodont")), orthodont(), ddf="kenward-roger"
    ),
    "ranova_nested": lambda: machines().ranova(),
    "ranova_maximal": lambda: hd.lmm("rt ~ a * b + (a * b | subj) + (1 | item)", maximal_rows()).ranova(),
    "drop1_lrt": lambda: orthodont().drop1(),
    "drop1_f": lambda: machines().drop1(test="F"),
    "drop1_none": lambda: machines().drop1(test="F", ddf="none"),
    "rlrt_exact": lambda: hd.lmm("Yield ~ 1 + (1 | Batch)", load("dyestuff")).rlrt(seed=1),
    "rlrt_approximate": lambda: sleep("Days + (Days || Subject)").rlrt(
        "Subject.Days", seed=1, restricted=False
    ),
    "power_curve": lambda: hd.power(
        fit("sleep_reml"), effect={"Days": 5}, n_groups=[4, 8], n_within=[4, 10], n_sim=40, seed=1
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_text(name):
    text = f"{TABLES[name]()}\n"
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
    compare(APPROVED / f"{name}.txt", text)


@pytest.mark.parametrize("name", ["lrt_three", "power_curve"])
def test_html(name):
    compare(APPROVED / f"{name}.html", TABLES[name]().to_html() + "\n")


@pytest.mark.parametrize("name", ["lrt_three", "power_curve"])
def test_what_stands_below_the_title_in_text_does_so_in_html(name):
    table = TABLES[name]()
    title, first = table._view().title, escape(table._view().before[0])
    page = table.to_html()
    assert 0 < page.index(title) < page.index(first) < page.index("<thead>")
