"""Profiles and bootstraps against lme4 in one run, for ``python benchmarks/inference.py``.

R's seconds are taken inside R, ours are the medians of some calls after a first one.  The bootstrap refits
the same number of simulated responses and measures the same numbers, on one core and on two.
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

import henderson as hd

SCRIPT = Path(__file__).parent / "competitors" / "profile_bootstrap.R"
REFITS = 1000
PROBLEMS = {
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "pastes": "strength ~ 1 + (1 | batch) + (1 | sample)",
}


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall times of one program.

    Attributes
    ----------
    profile, confint, bootstrap : float
    versions : str
    """

    profile: float
    confint: float
    bootstrap: float
    versions: str


def median(call: Callable[[], Any], repeats: int) -> float:
    """Median seconds, one call before them."""
    call()
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def ours(name: str, formula: str, refits: int, jobs: int) -> Seconds:
    """henderson: curves and limits; limits alone; refits by the fit's own criterion."""
    fit = hd.lmm(formula, hd.datasets.load(name))
    return Seconds(
        median(lambda: fit.profile(), 9),
        median(lambda: fit.confint("profile"), 9),
        median(lambda: fit.bootstrap(refits, seed=1, n_jobs=1 if jobs == 1 else None), 5),
        f"henderson {hd.__version__}",
    )


def lme4(name: str, formula: str, refits: int, jobs: int) -> Seconds | None:
    """lme4, or None where there is no R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        hd.datasets.load(name).to_csv(file, index=False)
        done = subprocess.run(
            ["Rscript", str(SCRIPT), str(file), formula, str(refits), str(jobs)],
            capture_output=True,
            text=True,
            check=True,
        )
    profile, confint, bootstrap, versions = done.stdout.strip().splitlines()[-1].split("\t")
    return Seconds(float(profile), float(confint), float(bootstrap), versions)


def profile_table(refits: int = REFITS) -> list[str]:
    """One line per problem and number of cores."""
    intro = (
        "Seconds of a whole profile with its curves, of its limits alone, and of "
        f"{refits} parametric refits; lme4's ({versions_of_r()}) are `profile()`, the same with `confint()`, "
        "and `bootMer()`. On two cores bootMer has two processes; henderson decides for itself: threads for "
        "the refits, one thread for profiles of models as small as these."
    )
    heads = [
        "problem",
        "cores",
        "profile",
        "lme4",
        "ratio",
        "limits",
        "lme4",
        "ratio",
        "refits",
        "lme4",
        "ratio",
    ]
    out = [intro, "", f"| {' | '.join(heads)} |", "|---|" + "---:|" * 10]
    for name, formula in PROBLEMS.items():
        for jobs in (1, 2):
            here, there = ours(name, formula, refits, jobs), lme4(name, formula, refits, jobs)
            pairs = [
                (here.profile, None if there is None else there.profile),
                (here.confint, None if there is None else there.profile + there.confint),
                (here.bootstrap, None if there is None else there.bootstrap),
            ]
            cells = [cell for pair in pairs for cell in _cells(*pair)]
            out.append(f"| {name} | {jobs} | {' | '.join(cells)} |")
    return out


def versions_of_r() -> str:
    """R and lme4, or that they are missing."""
    if shutil.which("Rscript") is None:
        return "not here"
    ask = "cat('lme4', as.character(packageVersion('lme4')), 'in R', as.character(getRversion()))"
    return subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True, check=True).stdout


def _cells(ours: float, theirs: float | None) -> list[str]:
    rest = ["", ""] if theirs is None else [f"{theirs:.3g}", f"{theirs / ours:.0f}"]
    return [f"{ours:.3g}", *rest]
