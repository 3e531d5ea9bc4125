"""Fits of lazy frames beside the bare group-by: time, memory of our process, equality with the fit in memory.

``python -m benchmarks.lazy_engines`` measures 1e6, 2e7 and 1e8 rows (12 GB of memory for the fit that the
others are compared with, 4 GB of disk) and writes ``RESULTS-lazy.md``; ``--rows`` names other sizes. Every
measurement runs in a process of its own, and so does the generation of the files, which are deleted at last.
The bare query and the fit take turns and the best of each counts, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.memory import resident

PAGE = Path(__file__).with_name("RESULTS-lazy.md")
MODELS = {
    "slope": ("y ~ x + f + (x | g)", "g, f"),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", "g, h"),
}
SUMS = "count(*), sum(x), sum(y), sum(x * x), sum(x * y), sum(y * y)"
THREADS = 2
EVERYWHERE, ONCE = 1_000_000, 50_000_000
"""Up to the first every engine fits, beyond it DuckDB and Polars; beyond the second one model, once."""


def connect() -> Any:
    """A DuckDB connection with a fixed number of threads and little memory of its own."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute("SET memory_limit = '2GB'")
    return connection


def make_parquet(path: Path, rows: int, groups: int = 10_000, items: int = 200) -> None:
    """Write rows with random intercepts and slopes by g, intercepts by h, and a factor f of three levels."""
    connect().execute(
        f"""COPY (
            WITH base AS (
                SELECT hash(i) % {groups} AS g, hash(i + 1000000007) % {items} AS h, hash(2 * i + 1) % 3 AS k,
                       (hash(i + 7) % 1000003) / 250000.0 AS x, (hash(i + 11) % 1000003) / 1000003.0 AS u,
                       (hash(i + 13) % 1000003) / 1000003.0 AS v
                FROM range({rows}) AS t(i))
            SELECT g::INTEGER AS g, h::INTEGER AS h, ['low', 'mid', 'high'][k::BIGINT + 1] AS f,
                   x::DOUBLE AS x, 2 + 0.5 * x + 0.2 * k + 0.5 * sin(h * 37.719)
                   + sin(g * 12.9898) + 0.4 * x * sin(g * 78.233)
                   + sqrt(-2 * ln(u + 1e-12)) * cos(6.283185307 * v) AS y
            FROM base) TO '{path}' (FORMAT parquet)"""
    )


def bare(path: Path, keys: str, connection: Any) -> None:
    """Run the group-by that any implementation must do."""
    connection.sql(f"SELECT {keys}, {SUMS} FROM '{path}' GROUP BY {keys}").to_arrow_table()


def lazy_frame(engine: str, path: Path, connection: Any) -> Any:
    """The file as a lazy frame of an engine."""
    if engine == "polars":
        import polars

        return polars.scan_parquet(path)
    if engine == "dask":
        import dask.dataframe

        return dask.dataframe.read_parquet(path)
    if engine == "spark":
        from pyspark.sql import SparkSession

        return SparkSession.builder.master(f"local[{THREADS}]").getOrCreate().read.parquet(str(path))
    if engine == "ibis":
        import ibis

        return ibis.duckdb.connect(threads=THREADS).read_parquet(path)
    import henderson

    return henderson.scan(str(path), connection=connection)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time and result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measure(engine: str, path: Path, model: str, repeats: int) -> dict[str, Any]:
    """Time a fit and the bare query by turns, in this process.

    Returns
    -------
    dict
        rows, seconds, bare, ratio, peak (bytes of this process after its first fit, before any bare query),
        theta, loglik.
    """
    import henderson

    formula, keys = MODELS[model]
    connection = connect()
    best, least, peak, fit = float("inf"), float("inf"), 0, None
    for _ in range(repeats):
        took, fit = seconds(lambda: henderson.lmm(formula, lazy_frame(engine, path, connection)))
        best, peak = min(best, took), peak or resident("VmHWM")
        if engine == "duckdb":
            least = min(least, seconds(lambda: bare(path, keys, connection))[0])
    assert fit is not None
    ratio = best / least if least < float("inf") else None
    return {
        "rows": fit.nobs, "seconds": best, "bare": None if ratio is None else least, "ratio": ratio,
        "peak": peak, "theta": list(map(float, fit.theta)), "loglik": float(fit.loglik),
    }  # fmt: skip


def in_memory(path: Path, model: str, repeats: int) -> dict[str, Any]:
    """Fit the same rows from a pandas frame: what a lazy fit has to equal."""
    import pandas

    import henderson

    formula, _ = MODELS[model]
    rows = pandas.read_parquet(path)
    first, fit = seconds(lambda: henderson.lmm(formula, rows))
    peak = resident("VmHWM")
    best = min([first, *(seconds(lambda: henderson.lmm(formula, rows))[0] for _ in range(repeats - 1))])
    return {
        "rows": fit.nobs, "seconds": best, "bare": None, "ratio": None, "peak": peak,
        "theta": list(map(float, fit.theta)), "loglik": float(fit.loglik),
    }  # fmt: skip


def apart(*arguments: str) -> dict[str, Any]:
    """Run one measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.lazy_engines", *arguments], capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1])) if done.stdout.strip() else {}


def difference(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """Largest relative difference of theta and of the log-likelihood."""
    pairs = [*zip(ours["theta"], theirs["theta"], strict=True), (ours["loglik"], theirs["loglik"])]
    return max(abs(a - b) / abs(b) for a, b in pairs)


def study(sizes: list[int], *, models: tuple[str, ...] = ("slope", "crossed")) -> list[dict[str, Any]]:
    """Measure engines, models and sizes."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            path = Path(folder) / "rows.parquet"
            apart("make", str(path), str(rows))
            for model in models if rows <= ONCE else models[:1]:
                repeats = "3" if rows <= ONCE else "1"
                reference = apart("memory", str(path), model, repeats)
                out.append({"engine": "pandas, in memory", "model": model, **reference, "error": 0.0})
                others = ("dask", "spark", "ibis") if rows <= EVERYWHERE else ()
                for engine in ("duckdb", "polars", *others):
                    got = apart("fit", engine, str(path), model, repeats)
                    out.append({"engine": engine, "model": model, **got, "error": difference(got, reference)})
            path.unlink()
    return out


def table(results: list[dict[str, Any]]) -> str:
    """The measurements as Markdown."""
    lines = [
        "| model | rows | engine | seconds | rows/s | bare query, s | ratio | peak, MB | difference |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for each in results:
        formula = MODELS[each["model"]][0].replace("|", "\\|")
        speed = each["rows"] / each["seconds"]
        cells = [
            f"`{formula}`",
            f"{each['rows']:.0e}",
            each["engine"],
            f"{each['seconds']:.2f}",
            f"{speed:.1e}",
        ]
        cells += ["" if each[name] is None else f"{each[name]:.2f}" for name in ("bare", "ratio")]
        cells += [f"{each['peak'] / 1e6:.0f}", f"{each['error']:.0e}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_page(results: list[dict[str, Any]]) -> None:
    """Write the page of results."""
    PAGE.write_text(
        "# Lazy frames\n\n"
        "Written by `python -m benchmarks.lazy_engines`. Parquet on a local disk, 10,000 groups, two "
        "threads. The bare query is DuckDB's group-by of the same sums by the same keys; ratio is the whole "
        "fit over it, the best of three turns (one for 1e8 rows). Peak is the largest resident memory of a "
        "process that has fitted once and not run the bare query, imports and DuckDB's own memory (limited "
        "to 2 GB) included; Spark's Java is a process of its own and is not. "
        "Difference is the largest relative one of theta and log-likelihood from the fit in memory.\n\n"
        + table(results)
    )


def main(arguments: list[str]) -> None:
    """Study, or one step of it in a process of its own."""
    step, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if step == "make":
        make_parquet(Path(rest[0]), int(rest[1]))
    elif step == "memory":
        print(json.dumps(in_memory(Path(rest[0]), rest[1], int(rest[2]))))
    elif step == "fit":
        print(json.dumps(measure(rest[0], Path(rest[1]), rest[2], int(rest[3]))))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--rows", nargs="+", type=float, default=[1e6, 2e7, 1e8])
        parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
        asked = parser.parse_args(arguments)
        results = study([int(rows) for rows in asked.rows], models=tuple(asked.models))
        write_page(results)
        print(table(results))


if __name__ == "__main__":
    main(sys.argv[1:])
