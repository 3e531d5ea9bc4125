"""Design matrices of every recorded lme4 model: names, order, contents, groups, aliased columns."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from henderson.design import build

REFERENCE = Path(os.environ.get("HENDERSON_REFERENCE", Path(__file__).parents[3] / "shared" / "reference"))
INDEX = REFERENCE / "index_visible.json"
pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the reference results are not on this machine")
MODELS = [m for m in json.loads(INDEX.read_text()) if m["kind"] == "lme4::lmer"] if INDEX.exists() else []

SUBSETS = {
    "!is.na(conc)": lambda frame: frame["conc"].notna(),
    "!(seq_along(score) %in% c(1, 5, 11, 17, 28, 40, 41))": lambda frame: (
        ~np.isin(np.arange(1, len(frame) + 1), (1, 5, 11, 17, 28, 40, 41))
    ),
    "item == 'S1WantCurse' | item == 'S2WantCurse'": lambda frame: frame["item"].isin(
        ["S1WantCurse", "S2WantCurse"]
    ),
}


def read_frame(path: str) -> pd.DataFrame:
    """Read a CSV of the reference with the declared types of its columns."""
    csv = REFERENCE / path
    sidecar = json.loads((csv.parent / (csv.name.split(".csv")[0] + ".json")).read_text())
    text = {c["name"]: str for c in sidecar["columns"] if c["type"] in ("factor", "ordered")}
    frame = pd.read_csv(csv, dtype=text, keep_default_na=False, na_values=[""])
    for column in sidecar["columns"]:
        if column["name"] in text:
            frame[column["name"]] = pd.Categorical(
                frame[column["name"]], categories=column["levels"], ordered=column["type"] == "ordered"
            )
    return frame


def build_reference(model: dict):
    """Build the design of one recorded model."""
    frame = read_frame(model["data"])
    if model["subset"]:
        frame = frame[SUBSETS[model["subset"]](frame)]
    contrasts = model["contrasts"] if isinstance(model["contrasts"], dict) else None
    return build(
        model["formula"], frame, weights=model["weights"], offset=model["offset"], contrasts=contrasts
    )


@pytest.mark.parametrize("model", MODELS, ids=[m["id"] for m in MODELS])
def test_design_equals_lme4(model):
    design = build_reference(model)
    result = json.loads((REFERENCE / model["file"]).read_text())
    recorded = result["X"]
    assert [design.n, design.p] == recorded["dim"] == [result["n_obs"], len(result["beta_names"])]
    assert list(design.x_names) == result["beta_names"]
    assert list(design.dropped) == list(result.get("dropped_columns") or [])
    scale = np.sqrt(np.array(recorded["col_sumsq"]) * design.n)
    np.testing.assert_allclose((design.X.sum(axis=0) - recorded["col_sums"]) / scale, 0, atol=1e-12)
    np.testing.assert_allclose(np.square(design.X).sum(axis=0), recorded["col_sumsq"], rtol=1e-11)
    head = np.array(recorded["head"])
    np.testing.assert_allclose(design.X[: len(head)], head, rtol=1e-11, atol=1e-11 * np.abs(head).max())

    cnms = [(design.groupings[t.grouping].name, list(t.names)) for t in design.terms]
    assert cnms == [(c["group"], c["columns"]) for c in result["cnms"]]
    assert {g.name: len(g.levels) for g in design.groupings} == result["n_groups"]
    for group in design.groupings:
        recorded_levels = (
            result["ranef"][group.name]["levels"] if group.name in result.get("ranef", {}) else None
        )
        if recorded_levels is not None and len(recorded_levels) == len(group.levels):
            assert [str(level) for level in group.levels] == recorded_levels
    columns = [c for t in design.terms for c in t.columns]
    q = sum(t.k * len(design.groupings[t.grouping].levels) for t in design.terms)
    assert [design.n, q] == result["Z"]["dim"]
    np.testing.assert_allclose(sum(c.sum() for c in columns), result["Z"]["sum"], rtol=1e-11, atol=1e-8)
    np.testing.assert_allclose(sum(np.square(c).sum() for c in columns), result["Z"]["sumsq"], rtol=1e-11)


def test_every_model_is_there():
    assert len(MODELS) >= 80
