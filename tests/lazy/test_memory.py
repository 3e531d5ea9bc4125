"""Our process does not grow with the rows: ten times as many take the same memory, within a few megabytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
import henderson as hd
from benchmarks.memory import Peak
small, large = (hd.scan(sys.argv[i]) for i in (1, 2))
hd.lmm("y ~ x + (x | g)", small)
peaks = []
for rows in (small, large):
    with Peak() as watch:
        fit = hd.lmm("y ~ x + (x | g)", rows)
    peaks.append(watch.peak)
print(fit.nobs, *peaks)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path):
    import duckdb

    paths = []
    for rows in (200_000, 2_000_000):
        path = tmp_path / f"{rows}.parquet"
        duckdb.connect().execute(
            f"COPY (SELECT hash(i) % 300 AS g, (hash(i + 1) % 1000) / 100.0 AS x, "
            f"sin(g) + 0.3 * x * cos(g) + (hash(i + 2) % 1000) / 250.0 AS y FROM range({rows}) AS t(i)) "
            f"TO '{path}' (FORMAT parquet)"
        )
        paths.append(str(path))
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", CODE, *paths], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    rows, small, large = map(int, done.stdout.split())
    assert rows == 2_000_000
    assert large < small + 48e6  # in memory it would be 24 bytes for each of 1.8 million rows, twice over
