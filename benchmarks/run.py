"""Time henderson against its peers and write RESULTS.md.

    python benchmarks/run.py                          everything
    python benchmarks/run.py --only sleep,insteval    some problems
    python benchmarks/run.py --tables evaluations     some of the other tables
    python benchmarks/run.py --peers /path/python     the interpreter that has glmm, mixedlm and statsmodels

Every competitor runs in a process of its own with one thread; R is timed inside R.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not the folder of this file, whose competitors/ would shadow what they time

from benchmarks import problems, race, tables  # noqa: E402
from benchmarks.competitors import in_r  # noqa: E402

WORSE = 1e-4  # log-likelihood units below the best that count as not the same optimum


def processor() -> str:
    """Name of the CPU, with the number of cores."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        name += f", {sum(line.startswith('processor') for line in lines)} cores"
    return name


def duration(seconds: float | None) -> str:
    """Three significant digits, plain."""
    return "" if seconds is None else f"{seconds:#.3g}".rstrip(".") if seconds < 1000 else f"{seconds:.0f}"


def rows_of(problem: problems.Problem, results: dict[str, race.Result]) -> list[str]:
    """The lines of one problem in the first table, the fastest first."""
    ran = {name: r for name, r in results.items() if r.best is not None}
    best = max((r.loglik for r in ran.values() if r.loglik is not None), default=float("nan"))
    peers = [r.best for name, r in ran.items() if name != "henderson" and r.best is not None]
    lines = []
    for name, r in sorted(results.items(), key=lambda item: item[1].best or float("inf")):
        if r.best is None:
            lines.append(f"| {problem.title} | {name} | | | | | {r.reason} |")
            continue
        ratio = f"{r.best / min(peers):.2f}" if peers else ""
        gap = best - (r.loglik if r.loglik is not None else float("nan"))
        remark = "reports a log-likelihood below the best" if gap > WORSE else ""
        lines.append(
            f"| {problem.title} | {name} | {duration(r.best)} | {duration(r.median)} | {ratio} | "
            f"{gap:.1e}, {r.evaluations if r.evaluations is not None else '?'} | {remark} |"
        )
    return lines


def prepare(problem: problems.Problem, folder: Path, with_r: bool) -> Path:
    """Generate the data of a problem and write them for the competitors."""
    file = folder / f"{problem.name}.npz"
    rows = problem.make()
    problems.save(rows, file)
    if with_r:
        in_r.export(rows, file.with_suffix(""))
    return file


def timings(
    chosen: Sequence[problems.Problem], options: argparse.Namespace
) -> tuple[list[str], dict[str, str]]:
    """The first table, and the versions of everything that ran."""
    names = options.competitors.split(",") if options.competitors else race.COMPETITORS
    workers = race.open_workers(names, options.peers)
    lines: list[str] = []
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for problem in chosen:
            try:
                file = prepare(problem, Path(folder), "lme4" in names)
            except problems.UnavailableError as reason:
                lines.append(f"| {problem.title} | | | | | | not run: {reason} |")
                continue
            results = race.race(problem, file, workers, options.repeats, options.limit)
            lines += rows_of(problem, results)
            print("\n".join(rows_of(problem, results)), flush=True)
    for worker in workers:
        versions |= worker.versions
        worker.stop()
    return lines, versions


HEAD = """# Timings

{date}; {cpu}, load average {load:.1f} at the start; Python {python}; {versions}.

One thread for everybody, each program in its own process, data already in memory, REML.  Seconds are the
best of the repeats (median beside it); calls above {short:g} s are single shots.  The ratio is to the fastest
peer.  The gap is how far the log-likelihood at the end lies below the best of the row's problem, followed by
the number of evaluations that the program reports.  Made by `python benchmarks/run.py`.

| problem | program | seconds | median | ratio | gap, evaluations | remark |
|---|---|---:|---:|---:|---|---|
"""


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ",".join(p.name for p in problems.PROBLEMS)
    parser.add_argument("--only", help=f"problems, separated by commas: {known}; 'none' for no timings")
    parser.add_argument("--competitors", help=f"programs, separated by commas: {','.join(race.COMPETITORS)}")
    parser.add_argument(
        "--tables", help=f"other tables, separated by commas: {','.join(tables.TABLES)}; or 'none'"
    )
    parser.add_argument("--repeats", type=int, default=7, help="rounds for short calls")
    parser.add_argument("--limit", type=float, default=180.0, help="seconds after which a call is given up")
    parser.add_argument(
        "--peers", help="Python interpreter of the other Python programs; this one by default"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "RESULTS.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run what was asked for and write the file."""
    options = arguments(given)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    wanted = options.only.split(",") if options.only else [p.name for p in problems.PROBLEMS]
    chosen = [p for p in problems.PROBLEMS if p.name in wanted]
    lines, versions = timings(chosen, options) if chosen else ([], {})
    asked = options.tables.split(",") if options.tables else list(tables.TABLES)
    sections = [tables.TABLES[name]() for name in asked if name in tables.TABLES]
    head = HEAD.format(
        date=datetime.date.today().isoformat(),
        cpu=processor(),
        load=load,
        python=platform.python_version(),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        short=race.SHORT,
    )
    options.out.write_text("\n\n".join([head + "\n".join(lines), *sections]) + "\n")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
