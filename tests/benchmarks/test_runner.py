"""A short run from the command line, programs that are missing, and the memory of a fit to a million rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import problems, race, tables

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_run_writes_the_table(tmp_path):
    out = tmp_path / "RESULTS.md"
    options = ["--only", "sleep,refit", "--competitors", "henderson", "--tables", "none", "--repeats", "1"]
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), *options, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=race.single_threaded(), check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in out.read_text().splitlines() if line.startswith("| sleep study")]
    assert len(rows) == 2
    assert all(row.split("|")[2].strip() == "henderson" and float(row.split("|")[3]) < 1 for row in rows)


def test_a_program_that_is_missing_is_reported_not_fatal(tmp_path):
    problem = next(p for p in problems.PROBLEMS if p.name == "sleep")
    file = tmp_path / "sleep.npz"
    problems.save(problem.make(), file)
    worker = race.Worker("no_such_program", sys.executable)
    results = race.race(problem, file, [worker], rounds=1, limit=30)
    assert results["no_such_program"].best is None
    assert "not installed" in results["no_such_program"].reason


def test_frames_survive_the_way_to_the_competitors(tmp_path):
    rows = problems.maximal(subjects=6, items=8)
    problems.save(rows, tmp_path / "rows.npz")
    pd.testing.assert_frame_equal(problems.load(tmp_path / "rows.npz"), rows, check_categorical=False)


@pytest.mark.parametrize("problem", problems.PROBLEMS, ids=lambda p: p.name)
def test_generators_are_seeded(problem):
    if problem.name in ("slope", "bigcrossed", "crossed"):
        one, other = problems.random_slope(n=500, groups=20), problems.random_slope(n=500, groups=20)
    else:
        try:
            one, other = problem.make(), problem.make()
        except problems.UnavailableError as reason:
            pytest.skip(str(reason))
    pd.testing.assert_frame_equal(one, other)
    assert all(np.isfinite(one[c]).all() for c in one.select_dtypes("number"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's memory accounting")
def test_a_million_rows_take_no_more_than_the_frame_the_columns_and_two_fifths():
    measured = json.loads(tables.child("benchmarks.memory", "slope").splitlines()[-1])
    needed = measured["frame"] + measured["X"]
    assert measured["frame"] + measured["peak"] <= 1.4 * needed
