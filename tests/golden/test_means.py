"""Marginal means, contrasts, letters and joint tests as printed, character by character."""

from __future__ import annotations

from functools import cache

import pytest

import henderson as hd

from ..inference.means.recorded import fitted, rows
from .test_summary import APPROVED, compare


@cache
def shown() -> dict[str, object]:
    machines = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    full = fitted("y ~ A * B + z + log(x) + (1 | g)", weights="w")
    missing = fitted("y ~ A * B + x + (1 | g)", "e")
    logs = fitted("log(y) ~ A + B + (1 | g)")
    nested = fitted("y ~ A + A:C + B + x + (1 | g)")
    names = {"a": "the first of the levels, named at length", "b": "<b>another</b> level & its long name"}
    long = hd.lmm(
        "y ~ A_factor_with_a_rather_long_name * B + (1 | g)",
        rows("d").assign(A_factor_with_a_rather_long_name=lambda t: t["A"].map(lambda v: names.get(v, v))),
    )
    return {
        "long_names": long.emmeans("pairwise ~ A_factor_with_a_rather_long_name:B"),
        "machines": machines.emmeans("pairwise ~ Machine", ddf="kenward-roger"),
        "groups": full.emmeans("pairwise ~ A | B", weights="proportional"),
        "letters": full.emmeans("~ A | B").letters(),
        "equivalence": full.emmeans("A").test(25, delta=1),
        "joint": full.joint_tests(by="B"),
        "wald": full.joint_tests(ddf="none"),
        "cells": missing.emmeans(["A", "B"]),
        "cells_pairs": missing.emmeans("~ A | B").pairs(adjust="holm"),
        "cells_joint": missing.joint_tests(),
        "ratios": logs.emmeans("pairwise ~ A", type="response", ddf="none"),
        "logs": logs.emmeans("A"),
        "nested": nested.emmeans("C"),
        "slopes": full.emtrends("A", var="log(x)"),
        "overall": full.emmeans("~ 1"),
        "values": full.emmeans("~ x | z", at={"x": [2, 4]}),
        "given": full.emmeans("A").contrast({"ab": [1, -1, 0], "sum": [1, 1, 1]}).confint(adjust="scheffe"),
    }


NAMES = sorted(path.stem.removeprefix("means_") for path in APPROVED.glob("means_*.txt"))


def test_every_table_is_approved():
    assert set(NAMES) == set(shown())


@pytest.mark.parametrize("name", NAMES)
def test_text(name):
    compare(APPROVED / f"means_{name}.txt", f"{shown()[name]}\n")


@pytest.mark.parametrize("name", NAMES)
def test_text_stays_within_eighty_columns_without_trailing_blanks(name):
    for line in str(shown()[name]).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


@pytest.mark.parametrize("name", NAMES)
def test_html_shows_every_row(name):
    table = shown()[name]
    html = table.to_html()
    assert html == table._repr_html_()
    assert html.count("<table") == html.count("</table>") >= 1
    rows = len(table.to_frame())
    assert html.count("<tr") >= rows + 1
