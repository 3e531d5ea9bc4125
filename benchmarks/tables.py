"""The tables that need henderson alone: evaluations, memory, import time, factorisation."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.problems import ROOT
from benchmarks.race import single_threaded


def child(module: str, *arguments: str) -> str:
    """Standard output of a module in a fresh single-threaded interpreter; raises with its last error line."""
    command = [sys.executable, *(["-m", module] if not module.startswith("-") else [module]), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=single_threaded(), check=False
    )
    if done.returncode:
        tail = done.stderr.strip().splitlines()
        raise RuntimeError(tail[-1] if tail else f"exit status {done.returncode}")
    return done.stdout


def evaluations() -> str:
    """Evaluations of the criterion over the recorded models."""
    from tests.parity import fits, reference

    models = [m for m in reference.models() if not m.caveat.startswith("DEGENERATE")]
    if not models:
        return f"## Evaluations\n\nNot run: {reference.MISSING}."
    rows, counts, failed = [], [], []
    for model in models:
        try:
            fitted = fits.fit_model(model)
        except Exception as error:  # the table says so
            failed.append(f"{model.id} ({type(error).__name__})")
            continue
        estimate = fitted.estimate
        theirs = model.numbers.get("default_fit", {}).get("feval", "")
        counts.append(estimate.search.evaluations)
        gap = estimate.criterion - model.criterion
        singular = "yes" if estimate.singular else ""
        rows.append(
            f"| {model.id} | {len(estimate.theta)} | {singular} | {counts[-1]} | {theirs} | {gap:.1e} |"
        )
    summary = (
        f"{len(counts)} models: median {statistics.median(counts):g}, 90 % {np.quantile(counts, 0.9):g}, "
        f"maximum {max(counts)}." + (f"  Failed: {', '.join(failed)}." if failed else "")
    )
    head = "| model | parameters | singular | henderson | lme4 default | criterion minus recorded |"
    head += "\n|---|---:|---|---:|---:|---:|"
    return "\n\n".join(["## Evaluations over the recorded models", summary, head + "\n" + "\n".join(rows)])


def memory() -> str:
    """Peak memory at a million rows."""
    lines = [
        "| problem | frame | X | allowed | peak | peak / (frame + X) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in ("slope", "bigcrossed"):
        try:
            m = json.loads(child("benchmarks.memory", name).splitlines()[-1])
        except RuntimeError as reason:
            lines.append(f"| {name} | | | | | not run: {reason} |")
            continue
        allowed = 1.4 * (m["frame"] + m["X"])
        cells = [f"{value / 1e6:.0f} MB" for value in (m["frame"], m["X"], allowed, m["frame"] + m["peak"])]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {(m['frame'] + m['peak']) / (m['frame'] + m['X']):.2f} |"
        )
    text = "Peak of the process during `lmm()` above what it held before, plus the frame; allowed 1.4."
    note = (
        "The allowance is for what grows with the rows.  The crossed problem has nearly a million pairs of "
        "levels, so cross-products, factor and selected inverse are each as large as a column of the data."
    )
    return "\n\n".join(["## Memory at 1e6 rows", text, "\n".join(lines), note])


IMPORT = """
import time, pandas
begin = time.perf_counter()
import henderson
after = time.perf_counter()
henderson.lmm
print(after - begin, time.perf_counter() - after)
"""


def imports() -> str:
    """Import time beyond pandas."""
    try:
        runs = np.array([child("-c", IMPORT).split() for _ in range(7)], dtype=float)
    except RuntimeError as reason:
        return f"## Import\n\nNot run: {reason}."
    package, call = runs.min(axis=0)
    return (
        f"## Import\n\n`import henderson` beyond pandas: {package:.3f} s (allowed 0.1 s); "
        f"what `henderson.lmm` loads when first named: {call:.3f} s."
    )


def factorisation() -> str:
    """InstEval's factorisation against LAPACK on its dense tail."""
    try:
        m = json.loads(child("benchmarks.factorisation").splitlines()[-1])
    except RuntimeError as reason:
        return f"## Factorisation of InstEval\n\nNot run: {reason}."
    ratio = m["factor"] / (m["potrf"] + m["update"])
    return (
        "## Factorisation of InstEval\n\n"
        f"{1e3 * m['factor']:.1f} ms against {1e3 * m['potrf']:.1f} ms LAPACK `potrf` of the dense tail of "
        f"{m['tail']} and {1e3 * m['update']:.1f} ms for the sparse update: ratio {ratio:.2f} (allowed 1.5)."
    )


TABLES: dict[str, Callable[[], str]] = {
    "evaluations": evaluations,
    "memory": memory,
    "import": imports,
    "factorisation": factorisation,
}
