"""The fits that SAS, JMP and lmerTest were given, and their recorded tables."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

import henderson as hd
from tests.parity import reference


def folder() -> Path:
    """The folder of SAS results, or a skip."""
    root = reference.folder()
    if root is None or not (root / "sas").is_dir():
        pytest.skip(reference.MISSING)
    return root / "sas"


def surface(factors, squares):
    """Main effects, two-factor products and squares."""
    terms = [*factors, *(f"{a}:{b}" for a, b in combinations(factors, 2))]
    return " + ".join([*terms, *(f"I({f}^2)" for f in squares)])


def wind_tunnel():
    rows = pd.read_csv(folder() / "Data wind tunnel Chapter 10.csv").rename(columns={"Whole Plots": "WP"})
    f = ["FRH", "RRH", "YA", "GC"]
    return hd.lmm(f"EFFICIENCY ~ {surface(f, f)} + (1 | WP)", rows)


def pastry_dough():
    rows = pd.read_csv(folder() / "Data Pastry Dough Experiment Chapter 7.csv")
    rows["LEI"] = rows["Longitudinal Expansion Index"]
    for short, name in {"FR": "Flow Rate", "MC": "Moisture Content", "SS": "Screw Speed"}.items():
        low, high = rows[name].min(), rows[name].max()
        rows[short] = (rows[name] - (low + high) / 2) / ((high - low) / 2)
    f = ["FR", "MC", "SS"]
    return hd.lmm(f"LEI ~ {surface(f, f)} + (1 | Day)", rows)


def battery_cell():
    rows = pd.read_csv(folder() / "Data battery cell Chapter 11.csv")
    rows = rows.rename(columns={"Whole Plots": "WP", "Subplots": "SP"})
    return hd.lmm(f"Y ~ {surface([f'X{i}' for i in range(1, 7)], [])} + (1 | WP) + (1 | SP)", rows)


def sleep(fixed, random):
    return hd.lmm(f"Reaction ~ {fixed} + {random}", hd.datasets.load("sleepstudy"))


QUADRATIC = "Days + I(Days^2)"
FITS = {
    "wind tunnel": wind_tunnel,
    "pastry dough": pastry_dough,
    "battery cell": battery_cell,
    "sleep study": lambda: sleep("Days", "(1 | Subject) + (0 + Days | Subject)"),
    "sleep study corr": lambda: sleep("Days", "(Days | Subject)"),
    "sleep study quadratic": lambda: sleep(QUADRATIC, f"({QUADRATIC} || Subject)"),
    "sleep study corr quadratic": lambda: sleep(QUADRATIC, f"({QUADRATIC} | Subject)"),
    "sleep study some corr quadratic": lambda: sleep(
        QUADRATIC, "(1 | Subject) + (0 + Days + I(Days^2) | Subject)"
    ),
}


@cache
def fit(name: str) -> hd.LinearMixedFit:
    """One of `FITS`, made once."""
    return FITS[name]()


def table(name: str) -> pd.DataFrame:
    """One recorded table; the rows are named as ours."""
    out = pd.read_csv(folder() / f"Results {name}.csv")
    first = out.columns[0]
    out.index = pd.Index([ours(str(term)) for term in out[first]])
    return out.drop(columns=first)


def ours(term: str) -> str:
    """SAS's name of a coefficient in our spelling: ``X1*X2`` as ``X1:X2``, ``FR*FR`` as ``I(FR^2)``."""
    term = {"Intercept": "(Intercept)"}.get(term, term.replace("days", "Days"))
    parts = term.split("*")
    if len(parts) == 1:
        return term
    return f"I({parts[0]}^2)" if parts[0] == parts[1] else ":".join(parts)
