"""Coverage and cost of the small-sample methods: for ``python benchmarks/inference.py``.

Seeds are fixed.  R's seconds are taken inside R; where R or its packages are
missing those cells stay empty.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import problems
from henderson import design as designing
from henderson import estimate as estimation
from henderson.inference.small_sample import small_sample, t_tests

HERE = Path(__file__).parent
SCRIPT = HERE / "competitors" / "small_sample.R"
METHODS = ("none", "residual", "satterthwaite", "kenward-roger")
COVERED = (93.5, 96.5)
NAMES = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}


@dataclass(frozen=True, slots=True)
class Simulation:
    """A design of ten groups and what is drawn on it.

    Attributes
    ----------
    title, formula : str
    sizes : tuple of int
        Rows of every group.
    spread : (float, float)
        Standard deviations of the intercepts and slopes of the groups, in those of the residual.
    """

    title: str
    formula: str
    sizes: tuple[int, ...]
    spread: tuple[float, float]


SIMULATIONS = (
    Simulation(
        "random intercepts, 3 to 10 rows a group",
        "y ~ x + z + (1 | g)",
        (3, 3, 4, 5, 5, 6, 7, 8, 9, 10),
        (1, 0),
    ),
    Simulation("random slopes, 10 rows a group", "y ~ x + (x | g)", (10,) * 10, (1, 0.7)),
    Simulation(
        "random slopes, 4 to 8 rows a group", "y ~ x + z + (x | g)", (4, 4, 5, 5, 6, 6, 7, 7, 8, 8), (1, 0.7)
    ),
)


def coverage(simulation: Simulation, replicates: int, seed: int = 20) -> dict[str, np.ndarray]:
    """Share of 95 % intervals, in percent, that cover the true coefficients (all 0): method to (p,)."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(10), simulation.sizes)
    x, z = rng.normal(size=len(g)), (g % 2).astype(float)
    hits: dict[str, Any] = dict.fromkeys(METHODS, 0)
    first = None
    for _ in range(replicates):
        b = rng.normal(size=(10, 2)) * simulation.spread
        y = b[g, 0] + b[g, 1] * x + rng.normal(size=len(g))
        if first is None:
            design = designing.build(simulation.formula, {"y": y, "x": x, "z": z, "g": g})
            first = fit = estimation.fit(design)
        else:
            fit = estimation.refit(first, design, y)
        for method in METHODS:
            found = t_tests(small_sample(design, fit, method), np.eye(design.p))
            hits[method] = hits[method] + ((found.conf_low < 0) & (found.conf_high > 0))
    return {"terms": np.array(design.x_names)} | {m: 100 * hits[m] / replicates for m in METHODS}


def coverage_table(replicates: int) -> list[str]:
    """One line a coefficient."""
    error = 100 * (0.95 * 0.05 / replicates) ** 0.5
    intro = (
        f"Ten groups, {replicates} replicates a design (simulation error {error:.2f} percentage points), "
        "seeds fixed; x varies within groups, z between them. In percent; 95 are promised."
    )
    outside: list[str] = []
    lines = [
        intro,
        "",
        "| design | coefficient | z | residual df | Satterthwaite | Kenward-Roger |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for simulation in SIMULATIONS:
        found = coverage(simulation, replicates)
        for j, term in enumerate(found["terms"]):
            cells = " | ".join(f"{found[m][j]:.2f}" for m in METHODS)
            lines.append(f"| {simulation.title} | {term} | {cells} |")
            outside += [
                f"{NAMES[m]} {found[m][j]:.2f} ({simulation.title}, {term})"
                for m in METHODS[2:]
                if not COVERED[0] <= found[m][j] <= COVERED[1]
            ]
    low, high = COVERED
    return [*lines, "", f"Outside {low} to {high} percent: {'; '.join(outside) or 'neither method'}."]


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
