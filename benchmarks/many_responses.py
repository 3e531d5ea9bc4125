"""One model, thousands of responses, beside loops over others: ``python benchmarks/many_responses.py``.

The loops are timed on a few responses and multiplied; ours are timed whole, on one thread and on all, with
Satterthwaite's degrees of freedom.  Written to RESULTS-many.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")  # R's
HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:
    sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

import henderson as hd  # noqa: E402
from benchmarks.memory import Peak  # noqa: E402

SCRIPT = HERE / "competitors" / "many_responses.R"
FEW = 24
NOTE = (
    "Ours with Satterthwaite's degrees of freedom, variance components and false discovery rates; lme4's "
    "`refit` has no degrees of freedom, and statsmodels tests by the normal distribution. *Memory* is the "
    "peak beyond the responses, which are float32. *Largest difference*: of estimates (in standard errors), "
    "standard errors and degrees of freedom from `lmm` of the response alone, relative, over 40 responses."
)


@dataclass(frozen=True, slots=True)
class Case:
    """A design and how many responses it gets.

    Attributes
    ----------
    name, formula : str
    make : callable
        Returns the rows.
    responses : int
    grouping : str
        For statsmodels, which takes one factor; empty where it cannot fit the model.
    slope : str
        Right-hand side of its random part.
    """

    name: str
    formula: str
    make: Callable[[], pd.DataFrame]
    responses: int
    grouping: str = ""
    slope: str = "1"


def wide() -> pd.DataFrame:
    """200 subjects at 5 times, in two groups."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(200), 5),
            "time": np.tile(np.arange(5.0), 200),
            "group": np.repeat(rng.integers(0, 2, 200), 5).astype(float),
        }
    )


CASES = (
    Case(
        "sleep study",
        "~ Days + (Days | Subject)",
        lambda: hd.datasets.load("sleepstudy"),
        10_000,
        "Subject",
        "Days",
    ),
    Case(
        "Penicillin, crossed",
        "~ 1 + (1 | plate) + (1 | sample)",
        lambda: hd.datasets.load("penicillin"),
        10_000,
    ),
    Case("200 subjects x 5", "~ time * group + (time | id)", wide, 10_000, "id", "time"),
    Case("sleep study, 1e5", "~ Days + (Days | Subject)", lambda: hd.datasets.load("sleepstudy"), 100_000),
)


def responses(case: Case, rows: pd.DataFrame, count: int, seed: int = 1) -> np.ndarray:
    """(n, count) responses in single precision: effects of every grouping factor of the design, and noise.

    Variances differ between responses; one in five has none between the groups.
    """
    rng = np.random.default_rng(seed)
    fit = hd.lmm(f"response {case.formula}", rows.assign(response=rng.normal(size=len(rows))))
    Y = rng.normal(size=(len(rows), count)).astype(np.float32)
    size = np.where(np.arange(count) % 5 == 0, 0.0, rng.uniform(0.3, 1.5, count)).astype(np.float32)
    for term in fit.design.terms:
        grouping = fit.design.groupings[term.grouping]
        for column in term.columns:
            effects = rng.normal(size=(len(grouping.levels), count)).astype(np.float32) * size
            Y += effects[grouping.codes] * (column / np.abs(column).max()).astype(np.float32)[:, None]
    return Y


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds and bytes of one call.

    Attributes
    ----------
    seconds : float
    peak : int
        Of memory, beyond what was there before.
    failed, singular : int
        Responses.
    """

    seconds: float
    peak: int
    failed: int
    singular: int


def time_many(
    formula: str, rows: pd.DataFrame, Y: np.ndarray, threads: int | None = None, repeats: int = 1
) -> Timed:
    """Fit all columns of Y; the best of some repeats. Also for the study of scaling."""
    hd.lmm_many(formula, rows, Y[:, :4])
    best, peak, found = np.inf, 0, None
    for _ in range(repeats):
        with Peak() as watched:
            begin = time.perf_counter()
            found = hd.lmm_many(formula, rows, Y, threads=threads)
            best = min(best, time.perf_counter() - begin)
        peak = max(peak, watched.peak)
    assert found is not None
    return Timed(best, peak, int(found.record.failed.sum()), int(found.record.singular.sum()))


def lme4_each(case: Case, rows: pd.DataFrame, Y: np.ndarray) -> tuple[float, float, str] | None:
    """Seconds of one refit() and of one lmer() with lmerTest's table; None where there is no R."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        design, few = Path(folder) / "rows.csv", Path(folder) / "responses.csv"
        rows.to_csv(design, index=False)
        pd.DataFrame(Y).to_csv(few, index=False)
        command = ["Rscript", str(SCRIPT), str(design), str(few), case.formula]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    refit, whole, versions = done.stdout.strip().splitlines()[-1].split("\t")
    return float(refit), float(whole), versions


def statsmodels_each(case: Case, rows: pd.DataFrame, Y: np.ndarray) -> float | None:
    """Seconds of one MixedLM; None where it cannot fit the model."""
    if not case.grouping:
        return None
    import statsmodels.formula.api as smf

    fixed = case.formula.partition("+ (")[0]
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for j in range(Y.shape[1]):
            data = rows.assign(response=Y[:, j].astype(float))
            smf.mixedlm(f"response {fixed}", data, groups=case.grouping, re_formula=f"~{case.slope}").fit()
    return (time.perf_counter() - begin) / Y.shape[1]


def furthest(case: Case, rows: pd.DataFrame, Y: np.ndarray, count: int = 40) -> float:
    """Largest relative difference of estimates, standard errors and degrees of freedom from `lmm` alone."""
    many = hd.lmm_many(case.formula, rows, Y[:, :count]).record
    out = 0.0
    for i in range(count):
        table = hd.lmm(f"response {case.formula}", rows.assign(response=Y[:, i].astype(float))).coeftable()
        for ours, name in ((many.std_error, "std_error"), (many.df, "df")):
            out = max(out, float(np.nanmax(np.abs(ours[i] / table[name].to_numpy() - 1))))
        apart = np.abs(many.estimate[i] - table["estimate"].to_numpy()) / table["std_error"].to_numpy()
        out = max(out, float(apart.max()))
    return out


def table(cases: tuple[Case, ...], repeats: int, few: int = FEW) -> list[str]:
    """One line per case."""
    heads = ["design", "responses", "1 thread", "all threads", "memory (MB)", "lme4 refit", "ratio"]
    heads += ["lmer + lmerTest", "ratio", "statsmodels", "ratio", "largest difference"]
    out, versions = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"], ""
    for case in cases:
        rows = case.make()
        Y = responses(case, rows, case.responses)
        one, every = (time_many(case.formula, rows, Y, threads, repeats) for threads in (1, None))
        r = lme4_each(case, rows, Y[:, :few])
        versions = versions if r is None else r[2]
        loops = [None if r is None else r[0], None if r is None else r[1]]
        loops.append(statsmodels_each(case, rows, Y[:, :few]))
        cells = [case.name, f"{case.responses:,}", f"{one.seconds:.2f}", f"{every.seconds:.2f}"]
        cells.append(f"{every.peak / 1e6:.0f}")
        for each in loops:
            seconds = None if each is None else each * case.responses
            cells += ["", ""] if seconds is None else [f"{seconds:,.0f}", f"{seconds / every.seconds:,.0f}"]
        out.append(f"| {' | '.join([*cells, f'{furthest(case, rows, Y):.1e}'])} |")
    return [*out, "", f"Loops of {few} responses, multiplied: {versions or 'no R here'}."]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-many.md")
    options = parser.parse_args()
    when = f"{date.today()}; {hd.get_threads()} threads, load average {os.getloadavg()[0]:.1f} at the start"
    lines = [
        "# One model, many responses",
        "",
        f"{when}; henderson {hd.__version__}. Seconds; made by `python benchmarks/many_responses.py`.",
        "",
        NOTE,
        "",
        *table(CASES, options.repeats),
        "",
    ]
    options.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
