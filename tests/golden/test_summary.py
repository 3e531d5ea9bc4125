"""The printed summary, character by character, in a terminal of 80 columns.

``HENDERSON_APPROVE=1 pytest tests/golden`` writes the texts anew, to be read before they are committed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .models import FITS, fit

APPROVED = Path(__file__).parent / "approved"
every = pytest.mark.parametrize("name", FITS)


def settled(text: str) -> str:
    """Without the number of evaluations, which may differ by one between machines."""
    return re.sub(r"(?<=in )\d+(?= evaluation)", "N", text)


def agree(text: str, approved: str) -> bool:
    """Same characters; numbers may differ by one in the last place, or 2e-4, as machines and searches do."""
    number = re.compile(r"\d+(?:\.(\d+))?")
    if number.sub(lambda m: "0" * len(m[0]), text) != number.sub(lambda m: "0" * len(m[0]), approved):
        return False
    pairs = zip(number.finditer(text), number.finditer(approved), strict=True)
    return all(
        abs(float(a[0]) - float(b[0])) < max(1.5 * 10 ** -len(a[1] or ""), 2e-4 * float(b[0]))
        for a, b in pairs
    )


def compare(path: Path, text: str) -> None:
    if os.environ.get("HENDERSON_APPROVE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    approved = path.read_text(encoding="utf-8")
    assert agree(text, approved) or text == approved


def test_agreement_is_to_the_last_place():
    assert agree("a 1.23  45", "a 1.24  45")
    assert not agree("a 1.23", "a 1.25")
    assert not agree("a 1.23", "b 1.23")
    assert not agree("a 1.23", "a  1.23")


@every
def test_text(name):
    compare(APPROVED / f"{name}.txt", settled(f"{fit(name)}\n"))


@every
def test_text_stays_within_eighty_columns_without_trailing_blanks(name):
    for line in str(fit(name)).splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


@pytest.mark.parametrize("name", ["sleep_reml", "machines_slopes"])
def test_html(name):
    compare(APPROVED / f"{name}.html", settled(fit(name)._repr_html_() + "\n"))


@pytest.mark.parametrize("name", ["sleep_reml", "rank_deficient_with_gaps"])
def test_latex(name):
    compare(APPROVED / f"{name}.tex", settled(fit(name).summary().to_latex(label="tab:fit")))


def test_printing_says_the_number_of_evaluations():
    f = fit("sleep_reml")
    assert f"Converged in {f.opt.evaluations} evaluations." in str(f)


def test_variance_components_print_in_the_same_layout():
    shown = str(fit("machines_slopes").varcorr)
    assert shown in str(fit("machines_slopes"))
