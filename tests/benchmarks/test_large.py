"""The study of large designs runs on a small table, and its lines say what was found."""

from __future__ import annotations

import numpy as np

from benchmarks import large


def test_a_small_table_goes_all_the_way(tmp_path, monkeypatch):
    small = large.Large("small", "a hundredth", ("ratings", "plain", 0.01), ("direct", "iterative"), "others")
    monkeypatch.setattr(large, "TABLES", (small,))
    large.main(["--out", str(tmp_path / "page.md"), "--folder", str(tmp_path)])
    page = (tmp_path / "page.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| a hundredth")]
    assert [line.split("|")[2].strip() for line in lines] == ["direct", "iterative"]
    assert "others" in lines[0]
    assert "others" not in lines[1]
    assert "a hundredth: theta by the iterative solver within" in page


def test_what_fails_is_said():
    found = large.ask(("no such problem",), "direct", None)
    assert "StopIteration" in found["failed"]
    assert "not run" in large.row(large.TABLES[0], "direct", found)


def test_ratings_have_the_margins_of_the_million():
    formula, frame, truth = large.million()
    assert len(frame) == 1_000_209
    assert not frame.duplicated(["user", "item"]).any()
    assert frame["user"].nunique() == 6_040
    assert 3_600 < frame["item"].nunique() <= 3_706
    assert frame["item"].value_counts().max() > 15 * frame["item"].value_counts().median()
    assert truth.keys() == {"user", "item"}
    assert np.isfinite(frame["y"]).all()
    assert "(1 | item)" in formula
