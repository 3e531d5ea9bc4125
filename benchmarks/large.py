"""Large crossed designs, and published figures of others for the same shapes.

    python -m benchmarks.large                         everything: 3 GB of memory, 2 GB of disk
    python -m benchmarks.large --only million,rings    some of the tables

Every table is drawn in a process of its own and fitted in another, whose memory counts from the frame on.
Writes RESULTS-large.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import memory, problems, ratings
from benchmarks.race import single_threaded

JULIA = "MixedModels.jl 5.8"
FOLDER = "HENDERSON_BENCH_FOLDER"


@dataclass(frozen=True, slots=True)
class Large:
    """One table to fit.

    Attributes
    ----------
    name, title : str
    source : tuple
        ``("ratings", kind, scale)``, ``("million",)`` or the name of a problem of `benchmarks.problems`.
    solvers : tuple of str
        Fitted in this order; the last is compared with the first.
    published : str
        What others have published for the shape.
    """

    name: str
    title: str
    source: tuple[Any, ...]
    solvers: tuple[str, ...]
    published: str = ""


TABLES = (
    Large("insteval", "InstEval", ("insteval",), ("direct", "iterative"), f"{JULIA}: 0.42-1.23 s"),
    Large("bigcrossed", "1e6 rows, 50,000 x 1,000", ("bigcrossed",), ("auto",)),
    Large("million", "a million ratings, 6,040 x 3,706", ("million",), ("auto",), f"{JULIA}, ml-1m: 36-46 s"),
    Large("twentieth", "a twentieth of the ratings", ("ratings", "plain", 0.05), ("direct", "iterative")),
    Large(
        "ratings",
        "ratings, 200,948 x 84,432",
        ("ratings", "plain", 1.0),
        ("auto",),
        f"{JULIA}, ml-32m: 18,740 s, 56 GB, 667 s an evaluation",
    ),
    Large("rings", "the same in 30 taste clusters on a ring", ("ratings", "clusters", 1.0), ("auto",)),
    Large("slopes", "the same with random slopes of users", ("ratings", "slopes", 1.0), ("auto",)),
    Large("third", "the same with a third crossed factor", ("ratings", "third", 1.0), ("auto",)),
    Large("nested", "the same with items nested in genres", ("ratings", "nested", 1.0), ("auto",)),
)


def million(seed: int = 1) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """A ratings table with the margins of ml-1m: pairs distinct, degrees heavy-tailed, at least 20 a user."""
    draw, users, items, n = np.random.default_rng(seed), 6_040, 3_706, 1_000_209
    activity = 20 + np.minimum(draw.lognormal(4.4, 1.0, users), 2_300)
    popularity = np.minimum(draw.lognormal(4.6, 1.5, items), 3_400)
    keys = np.empty(0, dtype=np.int64)
    while len(keys) < n:
        user = draw.choice(users, n, p=activity / activity.sum())
        item = draw.choice(items, n, p=popularity / popularity.sum())
        keys = np.unique(np.concatenate([keys, user * items + item]))
    keys = draw.permutation(keys)[:n]
    user, item, truth = keys // items, keys % items, {"user": 0.45, "item": 0.6}
    y = 3.6 + 0.9 * (
        truth["user"] * draw.normal(size=users)[user]
        + truth["item"] * draw.normal(size=items)[item]
        + draw.normal(size=n)
    )
    frame = pd.DataFrame({"user": user.astype(np.int32), "item": item.astype(np.int32), "y": y})
    return "y ~ 1 + (1 | user) + (1 | item)", frame, truth


def table(source: Sequence[Any], folder: Path) -> tuple[str, pd.DataFrame, dict[str, float]]:
    """Formula, frame and true relative standard deviations of a table, from a file where it is there."""
    if source[0] == "ratings":
        return ratings.saved(source[1], source[2], 1, folder)
    if source[0] == "million":
        return million()
    problem = next(p for p in problems.PROBLEMS if p.name == source[0])
    return problem.formula, problem.make(), {}


def fit(source: Sequence[Any], solver: str, folder: Path) -> dict[str, Any]:
    """Fit one table here: seconds, memory, estimates and their errors."""
    import henderson as hd

    formula, frame, truth = table(source, folder)
    held = float(frame.memory_usage(index=False, deep=True).sum())
    hd.lmm(problems.SLEEP, problems.sleep_study())
    with memory.Peak() as watch:
        start = time.perf_counter()
        fitted = hd.lmm(formula, frame, solver=solver)
        seconds = time.perf_counter() - start
    estimate, errors = fitted.estimate, fitted.estimate.monte_carlo
    return {
        "rows": len(frame),
        "frame": held,
        "peak": held + watch.peak,
        "seconds": seconds,
        "evaluations": int(fitted.opt.evaluations),
        "solver": fitted.solver.name,
        "reason": fitted.solver.reason,
        "names": list(estimate.theta_names),
        "theta": estimate.theta.tolist(),
        "criterion": float(estimate.criterion),
        "std_error": None if errors is None else errors.theta_std_error.tolist(),
        "error": None if errors is None else errors.theta_error.tolist(),
        "criterion_error": None if errors is None else float(errors.criterion_error),
        "truth": truth,
        "threads": hd.get_threads(),
    }


def ask(source: Sequence[Any], solver: str, folder: Path) -> dict[str, Any]:
    """`fit` in a process of its own, after the table was drawn in another."""
    for action in ("draw", solver):
        command = [sys.executable, "-m", "benchmarks.large", "--child", action, json.dumps(list(source))]
        environment = single_threaded() | {FOLDER: str(folder)}
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=problems.ROOT, env=environment, check=False
        )
        if done.returncode:
            tail = done.stderr.strip().splitlines()
            return {"failed": tail[-1] if tail else f"exit status {done.returncode}"}
    reply: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return reply


def child(action: str, source: Sequence[Any]) -> None:
    """What the processes do."""
    folder = Path(os.environ[FOLDER])
    if action == "draw":
        if source[0] == "ratings":
            table(source, folder)
        return
    print(json.dumps(fit(source, action, folder)))


def row(large: Large, solver: str, found: dict[str, Any]) -> str:
    """A line of the first table."""
    if "failed" in found:
        return f"| {large.title} | {solver} | | | | | | not run: {found['failed']} | |"
    share = ""
    if found["error"] is not None:
        share = f"{100 * max(e / s for e, s in zip(found['error'], found['std_error'], strict=True)):.2f} %"
    cells = (
        large.title,
        found["solver"] + (" (auto)" if solver == "auto" else ""),
        f"{found['rows']:,}",
        f"{found['seconds']:.3g}",
        f"{found['peak'] / 1e9:.2f} ({found['frame'] / 1e9:.2f})",
        f"{found['evaluations']}",
        share,
        agreement(found),
        large.published if solver == large.solvers[0] else "",
    )
    return "| " + " | ".join(cells) + " |"


def agreement(found: dict[str, Any]) -> str:
    """How far the truth lies from the estimates, in standard errors, where both are known."""
    if not found["truth"] or found["std_error"] is None:
        return ""
    by_name = dict(zip(found["names"], zip(found["theta"], found["std_error"], strict=True), strict=True))
    distances = []
    for name, true in found["truth"].items():
        factor, column = (name.split(".") + ["(Intercept)"])[:2]
        theta, se = by_name[f"{factor}.{column}"]
        distances.append(abs(theta - true) / se)
    return f"{max(distances):.1f}"


def comparison(large: Large, runs: dict[str, dict[str, Any]]) -> str:
    """Iterative beside direct, where both ran."""
    one, other = runs["direct"], runs["iterative"]
    gap = np.max(np.abs(np.array(other["theta"]) / np.array(one["theta"]) - 1))
    text = f"{large.title}: theta by the iterative solver within {gap:.1e} (relative) of the direct optimum"
    text += f"; {other['seconds']:.2f} s against {one['seconds']:.2f} s"
    if other["criterion_error"] is not None:
        off = abs(other["criterion"] - one["criterion"])
        text += f"; criterion off by {off:.2g}, its stated standard error {other['criterion_error']:.2g}"
    return text + "."


HEAD = """# Large crossed designs

{date}; {cores} cores, load average {load:.1f} at the start; Python {python}; henderson {version}.

Seconds are those of the whole call, from the data frame to the REML estimate, once. Memory is the peak of the
process from the frame on, with the frame in brackets, in GB. The Monte Carlo error is the largest of theta's,
in percent of its standard error; the distance to the truth is the largest of the standard deviations', in
standard errors. Made by `python -m benchmarks.large`; published figures are quoted, measured by others on
other machines and, for MovieLens, on the real ratings, which these tables imitate in size and degrees.

| table | solver | rows | seconds | memory | evaluations | Monte Carlo error | truth | published |
|---|---|---:|---:|---:|---:|---:|---:|---|
"""


def main(given: Sequence[str] | None = None) -> None:
    """Run what was asked for and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help=f"tables, separated by commas: {','.join(t.name for t in TABLES)}")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where drawn tables are kept; a temporary one by default")
    parser.add_argument("--out", type=Path, default=problems.ROOT / "benchmarks" / "RESULTS-large.md")
    options = parser.parse_args(given)
    if options.child:
        child(options.child[0], json.loads(options.child[1]))
        return
    import henderson

    load, lines, remarks = os.getloadavg()[0], [], []
    chosen = [t for t in TABLES if not options.only or t.name in options.only.split(",")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for large in chosen:
            runs = {solver: ask(large.source, solver, folder) for solver in large.solvers}
            lines += [row(large, solver, found) for solver, found in runs.items()]
            if len(runs) == 2 and not any("failed" in found for found in runs.values()):
                remarks.append(comparison(large, runs))
            remarks += [
                f'{large.title}: `solver="auto"` chose {found["solver"]}, because {found["reason"]}.'
                for solver, found in runs.items()
                if solver == "auto" and "failed" not in found
            ]
            print("\n".join(lines[-len(runs) :]), flush=True)
            if options.folder is None:
                for file in folder.iterdir():
                    file.unlink()
    head = HEAD.format(
        date=datetime.date.today().isoformat(),
        cores=os.cpu_count(),
        load=load,
        python=platform.python_version(),
        version=henderson.__version__,
    )
    options.out.write_text(head + "\n".join(lines) + "\n\n" + "\n\n".join(remarks) + "\n")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
