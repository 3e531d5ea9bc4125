"""Cost of the small-sample methods: for ``python benchmarks/inference.py``.

R's seconds are taken inside R; where R or its packages are
missing those cells stay empty.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import problems
from henderson import design as designing
from henderson import estimate as estimation
from henderson.inference.small_sample import small_sample, t_tests

HERE = Path(__file__).parent
SCRIPT = HERE / "competitors" / "small_sample.R"


def median(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds, one call before them."""
    call()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def in_r(frame: Any, formula: str, repeats: int) -> tuple[float, float, str] | None:
    """Seconds of lmerTest's two tables, and versions; None where R or its packages are missing."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame.to_csv(path, index=False)
        done = subprocess.run(
            [program, str(SCRIPT), str(path), formula, str(repeats)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return None
    a, b, versions = done.stdout.strip().splitlines()[-1].split("\t")
    return float(a), float(b), versions


def tables_of(fit: estimation.Estimate, design: Any, ddf: str) -> Callable[[], Any]:
    """The coefficient table from the estimate on, nothing remembered."""

    def call() -> Any:
        for name in ("factor", "vcov", "RX", "zx"):
            fit.__dict__.pop(name, None)
        return t_tests(small_sample(design, fit, ddf), np.eye(design.p))

    return call


def cost_table(repeats: int) -> list[str]:
    """Seconds of both tables, in units of the fit, and beside R."""
    intro = (
        "From a fitted model to the coefficient table with degrees of freedom, nothing remembered; medians. "
        "R's seconds are those of `coef(summary(as_lmerModLmerTest(fit), ddf = ...))`; for InstEval pbkrtest "
        "would form n x n matrices of 43 GB."
    )
    heads = ["problem", "rows", "fit", "Satterthwaite", "in fits", "Kenward-Roger", "in fits"]
    heads += ["R, Satterthwaite", "ratio", "R, Kenward-Roger", "ratio"]
    lines = [
        intro,
        "",
        f"| {' | '.join(heads)} |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in ("sleep", "insteval", "instlike"):
        problem = next(p for p in problems.PROBLEMS if p.name == name)
        try:
            frame = problem.make()
        except problems.UnavailableError:
            continue
        design = designing.build(problem.formula, frame)
        small = design.n < 1000
        count = 20 * repeats if small else repeats
        fit = estimation.fit(design)
        seconds = [median(lambda d=design: estimation.fit(d), count)]
        seconds += [median(tables_of(fit, design, ddf), count) for ddf in ("satterthwaite", "kenward-roger")]
        peer = in_r(frame, problem.formula, repeats) if small else None
        lines.append(cost_line(problem.title, design.n, seconds, peer))
    return lines


def cost_line(title: str, n: int, seconds: list[float], peer: tuple[float, float, str] | None) -> str:
    """One line of the table."""
    fit, sat, kr = seconds
    cells = [title, str(n), f"{fit:.3g}", f"{sat:.3g}", f"{sat / fit:.1f}", f"{kr:.3g}", f"{kr / fit:.1f}"]
    cells += (
        [f"{peer[0]:.3g}", f"{peer[0] / sat:.0f}", f"{peer[1]:.3g}", f"{peer[1] / kr:.0f}"]
        if peer
        else [""] * 4
    )
    return f"| {' | '.join(cells)} |"
