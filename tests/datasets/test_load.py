"""The shipped data sets: complete, declared, documented, and fresh on every call."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from henderson import datasets
from henderson.datasets import frames, registry
from henderson.errors import MissingDependencyError, OptionError
from tests.parity.reference import folder

NAMES = datasets.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_as_declared(name):
    declared, data = datasets.describe(name), datasets.load(name)
    assert list(data.columns) == [column.name for column in declared.columns]
    assert len(data) == declared.rows
    assert not data.isna().any().any()
    for column in declared.columns:
        values = data[column.name]
        if column.kind == "factor":
            assert list(values.cat.categories) == list(column.levels)
            assert not values.cat.ordered
            assert set(values) == set(column.levels), "every declared level occurs"
        else:
            assert values.dtype == (np.float64 if column.kind == "number" else np.int64)
            assert column.unit


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_of_frame_hold_the_same(name):
    pandas = datasets.load(name)
    polars = datasets.load(name, as_="polars")
    arrow = datasets.load(name, as_="pyarrow")
    columns = datasets.load(name, as_="dict")
    assert isinstance(polars, pl.DataFrame)
    assert isinstance(arrow, pa.Table)
    pd.testing.assert_frame_equal(pandas, pd.DataFrame(columns))
    for column in datasets.describe(name).columns:
        expected = [str(value) if column.kind == "factor" else value for value in pandas[column.name]]
        assert polars[column.name].to_list() == expected
        assert arrow[column.name].to_pylist() == expected
        if column.kind == "factor":
            assert polars[column.name].dtype == pl.Enum(column.levels)
            assert arrow[column.name].chunk(0).dictionary.to_pylist() == list(column.levels)


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_those_of_the_reference(name):
    home = folder()
    if home is None:
        pytest.skip("the reference folder is not here; set HENDERSON_REFERENCE to it")
    theirs = datasets.describe(name).distributed.partition("::")[2]
    with (home / "data" / f"{theirs}.csv").open(newline="") as stream:
        header, *rows = list(csv.reader(stream))
    sidecar = json.loads((home / "data" / f"{theirs}.json").read_text())
    ours = datasets.load(name)
    assert list(ours.columns) == header
    for j, column in enumerate(sidecar["columns"]):
        if column["type"] == "factor":
            assert list(ours[column["name"]].cat.categories) == column["levels"]
            assert list(ours[column["name"]]) == [row[j] for row in rows]
        else:
            assert list(ours[column["name"]]) == [float(row[j]) for row in rows]


def test_a_caller_cannot_spoil_the_next_copy():
    frame, columns = datasets.load("sleepstudy"), datasets.load("sleepstudy", as_="dict")
    frame.loc[0, "Reaction"] = columns["Reaction"][0] = -1.0
    frame.loc[0, "Subject"] = columns["Subject"][0] = "372"
    polars = datasets.load("sleepstudy", as_="polars")
    polars[0, "Reaction"] = -1.0
    for again in (datasets.load("sleepstudy"), pd.DataFrame(datasets.load("sleepstudy", as_="dict"))):
        assert again.loc[0, "Reaction"] == 249.56
        assert again.loc[0, "Subject"] == "308"
    assert datasets.load("sleepstudy", as_="polars")[0, "Reaction"] == 249.56


def test_what_is_kept_between_calls_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        frames.parsed("sleepstudy")["Reaction"].values[0] = 0.0


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(OptionError, match=r"no data set named 'SleepStudy'.*Did you mean 'sleepstudy'"):
        datasets.load("SleepStudy")
    with pytest.raises(OptionError, match="Available: cbpp, dyestuff"):
        datasets.describe("zebra")
    with pytest.raises(OptionError):
        datasets.describe("../registry")


def test_an_unknown_kind_of_frame_lists_the_known_ones():
    with pytest.raises(OptionError, match="'pandas', 'polars', 'pyarrow', 'dict'"):
        datasets.load("cbpp", as_="modin")


@pytest.mark.parametrize("as_", ["polars", "pyarrow"])
def test_a_missing_frame_library_is_named(as_, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, as_, None)
    with pytest.raises(MissingDependencyError, match=f"pip install {as_}"):
        datasets.load("cbpp", as_=as_)


def test_provenance_names_every_source_column_and_unit():
    text = (registry.folder() / "PROVENANCE.md").read_text(encoding="utf-8")
    for name in NAMES:
        declared = datasets.describe(name)
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        assert declared.reference in section
        assert declared.distributed in section
        for column in declared.columns:
            assert f"| {column.name} |" in section
            assert column.about in section
            assert (column.unit or "–") in section


def test_describing_prints_units_and_source():
    text = str(datasets.describe("orthodont"))
    assert "27 levels" in text
    assert "(mm)" in text
    assert "Biometrika" in text
    assert max(map(len, text.splitlines())) <= 80
