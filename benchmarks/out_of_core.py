"""Rows per second and peak memory of fits from Parquet files, beside the fit in memory.

    python benchmarks/out_of_core.py                       1e6 and 2e7 rows, a table on the screen
    python benchmarks/out_of_core.py --rows 1e5 --write    and benchmarks/RESULTS-out-of-core.md

Every measurement runs in a process of its own: its peak memory is that of the process, the interpreter and
its packages included; the last row of each size says how much these take by themselves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "RESULTS-out-of-core.md"
FORMULA = "y ~ x + a + (x | g) + (1 | h)"
WAYS = ("chunks", "memory", "imports")
CHUNK = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    Attributes
    ----------
    way : str
        ``chunks``, ``memory`` or ``imports`` alone.
    rows : int
    read : float
        Seconds to read the rows into memory, or to sum over them.
    fit : float
        Seconds from there to the estimates.
    peak : float
        Largest resident memory in MB.
    theta : tuple of float
    """

    way: str
    rows: int
    read: float
    fit: float
    peak: float
    theta: tuple[float, ...]


def write_parquet(path: Path, rows: int, groups: int = 20_000, items: int = 100, seed: int = 1) -> None:
    """Write simulated rows, a million at a time: two groupings, a slope that varies, a factor.

    Parameters
    ----------
    path : Path
    rows, groups, items : int
        Rows, levels of g and levels of h.
    seed : int
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(seed)
    slopes, levels = rng.normal(size=(groups, 2)) * [1.0, 0.5], rng.normal(size=items) * 0.7
    writer = None
    for first in range(0, rows, CHUNK):
        n = min(CHUNK, rows - first)
        g, h, a = rng.integers(0, groups, n), rng.integers(0, items, n), rng.integers(0, 3, n)
        x = rng.normal(size=n)
        y = 20 + x + a + slopes[g, 0] + slopes[g, 1] * x + levels[h] + rng.normal(size=n)
        labels = pa.array(np.array(["p", "q", "r"])[a])
        table = pa.table({"y": y, "x": x, "a": labels, "g": g.astype(np.int32), "h": h.astype(np.int32)})
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=CHUNK // 4)
    assert writer is not None
    writer.close()


_RUN = """
import json, resource, sys, time
way, path, formula = sys.argv[1:]
import henderson as hd
hd.lmm("y ~ x + (1 | g)", {"y": [1.0, 2, 4, 3, 5, 5.5], "x": [0.0, 1, 2, 0, 1, 2], "g": list("aaabbb")})
import pandas, pyarrow.parquet
start = time.perf_counter()
read = fit = 0.0
theta = []
if way == "chunks":
    sums = hd.cross_products(formula, path)
    read = time.perf_counter() - start
    theta = sums.fit().theta.tolist()
elif way == "memory":
    frame = pandas.read_parquet(path)
    read = time.perf_counter() - start
    theta = hd.lmm(formula, frame).theta.tolist()
fit = time.perf_counter() - start - read
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([read, fit, peak, theta]))
"""


def measure(way: str, path: Path, rows: int, formula: str = FORMULA) -> Measured:
    """Run one way in a process of its own.

    Parameters
    ----------
    way : {"chunks", "memory", "imports"}
    path : Path
        Of `write_parquet`.
    rows : int
        In it.
    formula : str

    Returns
    -------
    Measured
    """
    done = subprocess.run(
        [sys.executable, "-c", _RUN, way, str(path), formula], capture_output=True, text=True, check=True
    )
    read, fit, peak, theta = json.loads(done.stdout.splitlines()[-1])
    return Measured(way, rows, read, fit, peak, tuple(theta))


def compare(rows: int, folder: Path, ways: Sequence[str] = WAYS) -> list[Measured]:
    """Measure all ways on one file, which is deleted afterwards."""
    path = folder / f"{rows}.parquet"
    write_parquet(path, rows)
    try:
        return [measure(way, path, rows) for way in ways]
    finally:
        path.unlink()


def table(results: Sequence[Measured]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| rows | way | read or sum, s | fit, s | rows/s | peak memory, MB | largest difference of theta |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    by_rows = {r.rows: r for r in results if r.way == "memory"}
    for r in results:
        total, other = r.read + r.fit, by_rows.get(r.rows)
        speed = f"{r.rows / total:,.0f}" if r.theta else ""
        far = ""
        if other is not None and r.theta and r is not other:
            far = f"{np.abs(np.subtract(r.theta, other.theta)).max():.1e}"
        seconds = (f"{r.read:.2f}", f"{r.fit:.2f}") if r.theta else ("", "")
        name = {"chunks": "from Parquet, in chunks", "memory": "in memory", "imports": "packages alone"}[
            r.way
        ]
        lines.append(f"| {r.rows:,} | {name} | {' | '.join(seconds)} | {speed} | {r.peak:,.0f} | {far} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; with --write also write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=lambda text: [int(float(x)) for x in text.split(",")], default="1e6,2e7"
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--note", default="", help="a sentence for the page, such as what else was running")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [r for rows in given.rows for r in compare(rows, Path(folder))]
    print(table(results))
    if given.write:
        from benchmarks.run import processor

        PAGE.write_text(
            "# Rows that do not fit in memory\n\n"
            f"`{FORMULA}`, 20,000 and 100 levels, from one Parquet file; written by\n"
            f"`python benchmarks/out_of_core.py --write` on {processor()}. {given.note}\n\n"
            f"{table(results)}\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
