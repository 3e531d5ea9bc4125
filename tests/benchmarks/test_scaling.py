"""The scaling study runs, and its memory is the kernel's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import race, scaling


@pytest.mark.parametrize("axis", scaling.AXES, ids=lambda axis: axis.name)
def test_every_formula_names_columns_of_its_data(axis):
    size = axis.sizes[0]
    rows, formula = axis.make(size), axis.formula(size)
    names = formula.translate(str.maketrans("|~()", "++  ")).split("+")
    assert {name.strip() for name in names} - {"", "1"} <= set(rows.columns)


def test_a_short_run_writes_the_page_and_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    options = ["--only", "rows", "--programs", "henderson,no_such_program", "--largest", "10000"]
    scaling.main([*options, "--out", str(tmp_path), "--peers", sys.executable])
    page = (tmp_path / "RESULTS.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| 1,000 |")]
    assert float(rows[0][2]) > 0
    assert "no_such_program: not installed" in page
    assert (tmp_path / "rows.png").stat().st_size > 10_000


HELD = """
from pathlib import Path
from benchmarks import scaling
me = Path("/proc/self")
before = scaling.mark(me)
held = b"x" * 50_000_000
print(scaling.peak(me) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's memory accounting")
def test_the_peak_is_what_was_held():
    done = subprocess.run(
        [sys.executable, "-c", HELD], capture_output=True, text=True, check=True, env=race.single_threaded()
    )
    assert 45e6 < float(done.stdout) < 60e6
