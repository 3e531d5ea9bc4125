"""The recorded fits: where they are, what they contain, and the data frames they were made from.

The reference folder is looked for in the environment variable ``HENDERSON_REFERENCE``, then beside the
checkout.  Without it the models of the compact copy in ``tests/reference_copy`` remain.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve()
COPY = HERE.parents[1] / "reference_copy"
MISSING = "the reference folder is not here; set HENDERSON_REFERENCE to it"

# The recorded `subset` entries are R expressions over rows; there are three of them, so they are spelled out.
SUBSETS: dict[str, Callable[[pd.DataFrame], np.ndarray]] = {
    "!is.na(conc)": lambda d: d["conc"].notna().to_numpy(),
    "!(seq_along(score) %in% c(1, 5, 11, 17, 28, 40, 41))": lambda d: (
        ~np.isin(np.arange(1, len(d) + 1), [1, 5, 11, 17, 28, 40, 41])
    ),
    "item == 'S1WantCurse' | item == 'S2WantCurse'": lambda d: (
        d["item"].isin(["S1WantCurse", "S2WantCurse"]).to_numpy()
    ),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded model.

    Attributes
    ----------
    id : str
        Name of the model.
    numbers : dict
        The result file, or its compact copy.
    folder : Path
        Folder that holds ``data/``.
    data : str
        Path of the data file inside `folder`.
    """

    id: str
    numbers: dict[str, Any]
    folder: Path
    data: str

    @property
    def formula(self) -> str:
        """The formula as typed in R."""
        return str(self.numbers["formula"])

    @property
    def reml(self) -> bool:
        """Whether the fit is by REML."""
        return bool(self.numbers["REML"])

    @property
    def criterion(self) -> float:
        """REML criterion or ML deviance at the recorded optimum."""
        return float(self.numbers["minus2loglik"])

    @property
    def caveat(self) -> str:
        """What to beware of; empty for most models."""
        return self.numbers.get("caveat") or ""

    def frame(self) -> pd.DataFrame:
        """The rows the model was fitted to, missing values included."""
        name = self.numbers.get("dataset")
        rows = shipped(name) if name else read_frame(self.folder, self.data)
        subset = self.numbers.get("subset")
        return rows[SUBSETS[subset](rows)].reset_index(drop=True) if subset else rows

    def options(self) -> dict[str, Any]:
        """Weights, offset and contrasts as `henderson.lmm` takes them."""
        keys = ("weights", "offset")
        out: dict[str, Any] = {key: self.numbers[key] for key in keys if self.numbers.get(key)}
        if isinstance(self.numbers.get("contrasts"), dict):
            out["contrasts"] = self.numbers["contrasts"]
        return out


def folder() -> Path | None:
    """The reference folder, or None where there is none."""
    candidates = [os.environ.get("HENDERSON_REFERENCE"), HERE.parents[3] / "shared" / "reference"]
    for candidate in candidates:
        if candidate and (Path(candidate) / "index_visible.json").is_file():
            return Path(candidate)
    return None


@lru_cache(maxsize=32)
def read_frame(root: Path, data: str) -> pd.DataFrame:
    """Read a CSV as its sidecar describes it: numbers as float64, factors with their declared levels."""
    path = root / data
    sidecar = json.loads((path.parent / (path.name.split(".")[0] + ".json")).read_text())
    kinds = {column["name"]: column for column in sidecar["columns"]}
    # Numbers are converted by Python, whose conversion is exact; pandas' default one is not in every version.
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    return pd.DataFrame({name: read_column(text[name].tolist(), column) for name, column in kinds.items()})


def shipped(name: str) -> pd.DataFrame:
    """A data set that travels with the package."""
    from henderson import datasets

    return pd.DataFrame(datasets.load(name))


def read_column(cells: list[str], column: dict[str, Any]) -> np.ndarray | pd.Categorical:
    """One column as the sidecar declares it; an empty cell is missing."""
    if "levels" in column:
        labels = [cell or None for cell in cells]
        return pd.Categorical(labels, column["levels"], ordered=column["type"] == "ordered")
    return np.array([float(cell or "nan") for cell in cells])


def visible() -> list[Recorded]:
    """Every recorded ``lme4::lmer`` model of the reference folder; empty where there is none."""
    root = folder()
    if root is None:
        return []
    entries = json.loads((root / "index_visible.json").read_text())
    return [
        Recorded(e["id"], json.loads((root / e["file"]).read_text()), root, e["data"])
        for e in entries
        if e["kind"] == "lme4::lmer"
    ]


def copied() -> list[Recorded]:
    """The models of the compact copy that travels with the tests."""
    out = []
    for path in sorted(COPY.glob("*.json")):
        numbers = json.loads(path.read_text())
        out.append(Recorded(path.stem, numbers, COPY, numbers.get("data_file", "")))
    return out


def models() -> list[Recorded]:
    """All models at hand: the reference folder's where it exists, else the compact copy's."""
    return visible() or copied()


def comparisons() -> list[Recorded]:
    """Every recorded comparison of two models; those of the compact copy where the folder is missing."""
    root = folder()
    if root is None:
        read = (
            (path, json.loads(path.read_text())) for path in sorted((COPY / "comparisons").glob("*.json"))
        )
        return [Recorded(path.stem, numbers, COPY, numbers.get("data_file", "")) for path, numbers in read]
    entries = json.loads((root / "index_visible.json").read_text())
    return [
        Recorded(e["id"], json.loads((root / e["file"]).read_text()), root, e["data"])
        for e in entries
        if e["kind"] == "comparison"
    ]


# lme4 compares the diagonal of theta with 1e-4 in the units of the data. The covariate of this model is of
# size 1e6, so that its slope's 3.4e-7 counts as zero although it explains 0.57 residual standard deviations.
ORDINARY_IN_OTHER_UNITS = {"sim_scale_x1_ml"}


def is_singular(model: Recorded) -> bool:
    """What lme4 says, but for covariates whose units alone make it say so."""
    return bool(model.numbers["is_singular"]) and model.id not in ORDINARY_IN_OTHER_UNITS
