"""How time and memory grow with the size of the problem, beside the peers.

    python -m benchmarks.scaling                          every axis
    python -m benchmarks.scaling --only rows,levels       some axes
    python -m benchmarks.scaling --peers /path/python     the interpreter that has the other Python programs

Along each axis one size grows and the others stay.  Every program runs in a process of its own with one
thread, by maximum likelihood (not all have REML), and leaves the axis after a fit that took longer than
`--patience` seconds.  Writes RESULTS-scaling.md and, per axis, the picture scaling-<axis>.png.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import problems, race, scaling_page, scaling_responses
from benchmarks.competitors import in_r
from benchmarks.scaling_page import Curve

PROGRAMS = ("henderson", "glmm", "mixedlm", "lme_python", "gpboost", "statsmodels", "lme4", "glmmTMB")
BRIEF = 1.0
"""A fit quicker than this, in seconds, is repeated thrice more and the best time kept."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One size that grows.

    Attributes
    ----------
    name, title, label : str
        For the command line, the heading, and the axis of the picture.
    sizes : tuple of int
    formula : callable
        Of the size, in lme4's language.
    make : callable
        Data of the size.
    """

    name: str
    title: str
    label: str
    sizes: tuple[int, ...]
    formula: Callable[[int], str]
    make: Callable[[int], pd.DataFrame]


def crossed(levels: int) -> pd.DataFrame:
    """20 rows a level of the larger factor, a 50th as many levels of the smaller."""
    return problems.crossed(11, 20 * levels, levels, max(levels // 50, 4))


def covariates(seed: int, n: int, groups: int, slopes: int, fixed: int) -> pd.DataFrame:
    """Standard normal covariates, of which the first `slopes` vary by group."""
    draw = np.random.default_rng(seed)
    X, g = draw.normal(size=(n, max(slopes, fixed))), draw.integers(groups, size=n)
    effects = draw.normal(size=(groups, slopes + 1)) * 0.7
    y = X[:, :fixed].sum(axis=1) * 0.1 + effects[g, 0] + draw.normal(size=n)
    y += (X[:, :slopes] * effects[g, 1:]).sum(axis=1)
    return pd.DataFrame(
        {"y": y, "g": problems.factor(g, "g")} | {f"x{j}": X[:, j] for j in range(X.shape[1])}
    )


def names(count: int) -> str:
    """``x0 + x1 + …``."""
    return " + ".join(f"x{j}" for j in range(count))


AXES = (
    Axis(
        "rows",
        "Rows: one factor, random intercept and slope, 100 rows a group",
        "rows n",
        (1_000, 10_000, 100_000, 1_000_000, 4_000_000),
        lambda n: "y ~ x + z + (x | g)",
        lambda n: problems.random_slope(12, n, n // 100),
    ),
    Axis(
        "levels",
        "Levels: two crossed factors, 20 rows a level of the larger, 50 times fewer levels of the smaller",
        "levels of the larger factor",
        (200, 1_000, 5_000, 20_000, 100_000),
        lambda levels: "y ~ x + (1 | a) + (1 | b)",
        crossed,
    ),
    Axis(
        "slopes",
        "Columns of a random term: 300 groups, 60 rows each, all correlated",
        "columns k of the term (k (k + 1) / 2 parameters)",
        (1, 2, 3, 4, 6, 8),
        lambda k: f"y ~ {names(k - 1) or '1'} + ({names(k - 1) or '1'} | g)",
        lambda k: covariates(13, 18_000, 300, k - 1, max(k - 1, 1)),
    ),
    Axis(
        "fixed",
        "Fixed effects: 20,000 rows, 500 groups, a random intercept",
        "fixed-effects columns p",
        (2, 5, 10, 25, 50, 100),
        lambda p: f"y ~ {names(p - 1)} + (1 | g)",
        lambda p: covariates(14, 20_000, 500, 0, p - 1),
    ),
)


def measure(worker: race.Worker, request: dict[str, Any], patience: float) -> tuple[dict[str, Any], float]:
    """A program's reply for one fit, and the peak of its memory; the data are read before."""
    loaded = worker.ask(request | {"action": "load"}, 60 + patience)
    if "error" in loaded or worker.process is None:
        return loaded, float("nan")
    status = Path(f"/proc/{worker.process.pid}")
    before = mark(status)
    reply = worker.ask(request | {"action": "fit"}, 3 * patience)
    return reply, peak(status) - before


def mark(process: Path) -> float:
    """Bytes that a process holds now; its high-water mark is set back."""
    try:
        (process / "clear_refs").write_text("5")
        return memory_of(process, "VmRSS")
    except OSError:
        return float("nan")


def peak(process: Path) -> float:
    """Bytes it held at the most since."""
    try:
        return memory_of(process, "VmHWM")
    except OSError:
        return float("nan")


def memory_of(process: Path, what: str) -> float:
    """One field of the kernel's account, in bytes."""
    lines = (process / "status").read_text().splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith(what + ":")).split()[1])


def walk(axis: Axis, workers: Sequence[race.Worker], patience: float) -> dict[str, Curve]:
    """Every program along one axis, size by size."""
    curves = {worker.name: Curve() for worker in workers}
    with tempfile.TemporaryDirectory() as folder:
        for size in axis.sizes:
            file = Path(folder) / f"{axis.name}-{size}.npz"
            rows = axis.make(size)
            problems.save(rows, file)
            if any(w.name in in_r.PACKAGES and not curves[w.name].reason for w in workers):
                in_r.export(rows, file.with_suffix(""))
            request = {"file": str(file), "formula": axis.formula(size), "reml": False, "repeats": 1}
            for worker in workers:
                if not curves[worker.name].reason:
                    take(curves[worker.name], worker, request, size, patience)
                    print(axis.name, size, worker.name, curves[worker.name].seconds.get(size), flush=True)
            for written in Path(folder).iterdir():
                written.unlink()
    return curves


def take(curve: Curve, worker: race.Worker, request: dict[str, Any], size: int, patience: float) -> None:
    """One point of a curve."""
    reply, memory = measure(worker, request, patience)
    if "error" in reply:
        curve.reason = reply["error"]
        return
    seconds = reply["seconds"]
    if seconds[0] < BRIEF or not curve.seconds:  # the first fit of all loads what a program loads late
        seconds = seconds + worker.ask(request | {"action": "fit", "repeats": 3}, patience).get("seconds", [])
    curve.seconds[size], curve.bytes[size], curve.loglik[size] = min(seconds), memory, reply["loglik"]
    if min(seconds) > patience:
        curve.reason = f"stopped after a fit of more than {patience:.0f} s"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", help=f"axes, separated by commas: {','.join(a.name for a in AXES)},responses"
    )
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--peers", help="Python interpreter of the other Python programs")
    parser.add_argument("--patience", type=float, default=10.0)
    parser.add_argument("--largest", type=int, default=10**9, help="sizes above it are left out")
    parser.add_argument("--out", type=Path, default=problems.ROOT / "benchmarks" / "scaling")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    """Run what was asked for; write the page and the pictures."""
    options = arguments(given)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    chosen = [axis for axis in AXES if not options.only or axis.name in options.only.split(",")]
    workers = race.open_workers(options.programs.split(","), options.peers)
    options.out.mkdir(parents=True, exist_ok=True)
    sections, versions = [], {}
    for axis in chosen:
        sizes = tuple(size for size in axis.sizes if size <= options.largest)
        short = Axis(axis.name, axis.title, axis.label, sizes, axis.formula, axis.make)
        curves = walk(short, workers, options.patience)
        scaling_page.draw(short, curves, options.out / f"{axis.name}.png")
        sections.append(scaling_page.section(short, curves))
    responses = scaling_responses.Responses()
    if not options.only or responses.name in options.only.split(","):
        sizes = tuple(size for size in responses.sizes if size <= options.largest)
        responses = scaling_responses.Responses(sizes)
        curves = scaling_responses.measure(responses)
        scaling_page.draw(responses, curves, options.out / f"{responses.name}.png")
        sections.append(scaling_page.section(responses, curves))
    for worker in workers:
        versions |= worker.versions
        worker.stop()
    head = scaling_page.HEAD.format(
        date=datetime.date.today().isoformat(),
        load=load,
        python=platform.python_version(),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        patience=options.patience,
    )
    (options.out / "RESULTS.md").write_text("\n\n".join([head, *sections]) + "\n")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
