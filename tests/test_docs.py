"""What the pages say exists, exists: every accessor, every formula, every link between pages."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import henderson as hd

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def cells(page: str, column: int) -> list[str]:
    """Code in one column of the tables of a page, as typed."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text(page).splitlines() if line.startswith("| ")]
    found = [pair for row in rows[1:] for pair in re.findall(r"`` (.+?) ``|`([^`]+)`", row[column])]
    return [(double or single).replace(r"\|", "|") for double, single in found]


def formulas() -> list[str]:
    return [code for code in cells("how-to/write-formulas.md", 1) if "~" in code]


@pytest.fixture(scope="module")
def anything():
    """A frame with a column for every name that the page of formulas uses."""
    rng = np.random.default_rng(1)
    n = 480
    a, b, g = rng.integers(0, 8, n), rng.integers(0, 3, n), rng.integers(0, 12, n)
    x, f = rng.uniform(0, 3, n), rng.integers(0, 3, n)
    effect = rng.normal(size=(12, 2))
    y = 20 + x + effect[g, 0] + effect[g, 1] * x + rng.normal(size=8)[a] + rng.normal(size=n)
    columns = {"y": y, "my score": y, "x": x, "o": x / 2, "g": g, "a": a, "b": b, "f": f}
    return pd.DataFrame(columns).astype(dict.fromkeys("gabf", "category"))


def test_the_page_of_formulas_is_read():
    assert len(formulas()) == 18
    assert "`my score` ~ x + (1 | g)" in formulas()


@pytest.mark.parametrize("formula", formulas())
def test_a_formula_of_the_page_fits(formula, anything):
    fit = hd.lmm(formula, anything)
    assert fit.nobs == len(anything)


def test_contrasts_of_the_page_are_accepted(anything):
    fit = hd.lmm("y ~ f + (1 | g)", anything, contrasts={"f": "contr.sum"})
    assert list(fit.fixef.index) == ["(Intercept)", "f1", "f2"]


def test_what_r_users_are_told_to_type_exists():
    fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    told = cells("for-r-users.md", 1)
    names = {name for code in told for name in re.findall(r"\bfit\.(\w+)", code)}
    assert len(names) > 25
    assert not [name for name in names if not hasattr(fit, name)]
    calls = (hd.lmm, fit.confint, fit.predict, fit.simulate, fit.bootstrap, fit.emtrends, hd.power)
    options = {name for code in told for name in re.findall(r"\b(\w+)=", code)}
    assert options <= {name for call in calls for name in inspect.signature(call).parameters}


@pytest.mark.parametrize("code", [code for code in cells("for-r-users.md", 1) if re.match(r"fit[.]", code)])
def test_what_r_users_are_told_to_type_runs(code):
    data = hd.datasets.load("sleepstudy").rename(columns={"Subject": "g"})
    fit = hd.lmm("Reaction ~ Days + (Days | g)", data)
    if re.search(r"\bA\b|vif|rlrt", code):  # what needs factors, or a single variance
        rows = np.arange(len(data))
        data = data.assign(A=np.array(["a", "b"])[rows % 2], B=np.array(["a", "b", "c"])[rows % 3])
        fit = hd.lmm("Reaction ~ Days * A + B + (1 | g)", data)
    new = {"Days": [1.0, 2.0], "g": ["308", "309"]}
    few_rows = {"Days": [0.0], "g": ["new"], "Reaction": [300.0]}
    if "given=" in code:
        new = {"Days": [1.0], "g": ["new"]}
    names = {"fit": fit, "new": new, "few_rows": few_rows, "y": data["Reaction"] + 1.0}
    names |= {"L": np.array([[0.0, 1.0]]), "f": lambda refitted: refitted.sigma}
    found = eval(code.replace("Subject", "g").replace("…", "new"), names)
    assert found is not None
    assert not inspect.ismethod(found), f"{code} wants parentheses"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_links_of_the_readme_lead_somewhere():
    root = DOCS.parent
    for target in re.findall(r"\]\(([^)#]+)\)", (root / "README.md").read_text(encoding="utf-8")):
        assert (root / target).exists(), target
