"""Profiles and bootstraps against lme4 in one run: ``python -m benchmarks.profile_bootstrap``.

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
        median(lambda: fit.bootstrap(refits, seed=1, n_jobs=jobs), 5),
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


def lines(refits: int = REFITS) -> list[str]:
    """The report: one line per problem and number of cores."""
    head = f"{'':12} {'cores':>5} {'profile':>22} {'limits alone':>22} {f'{refits} refits':>22}"
    out = [head]
    for name, formula in PROBLEMS.items():
        for jobs in (1, 2):
            here, there = ours(name, formula, refits, jobs), lme4(name, formula, refits, jobs)
            cells = [
                _cell(here.profile, None if there is None else there.profile),
                _cell(here.confint, None if there is None else there.profile + there.confint),
                _cell(here.bootstrap, None if there is None else there.bootstrap),
            ]
            out.append(f"{name:12} {jobs:>5} " + " ".join(f"{cell:>22}" for cell in cells))
    versions = [here.versions] + ([] if there is None else [there.versions])
    return [*out, "seconds, lme4's, ratio; " + "; ".join(versions)]


def _cell(ours: float, theirs: float | None) -> str:
    if theirs is None:
        return f"{ours:.4f}"
    return f"{ours:.4f} {theirs:6.2f} {theirs / ours:5.0f}x"


if __name__ == "__main__":
    print("\n".join(lines()))
