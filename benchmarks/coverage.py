"""Coverage of intervals with ten groups, and where it is lost: ``python -m benchmarks.coverage``.

Seeds are fixed.  lmerTest's intervals of the same data are counted beside ours where R has it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from henderson import __version__
from henderson import design as designing
from henderson import estimate as estimation
from henderson.inference.small_sample import small_sample, t_tests

HERE = Path(__file__).parent
SCRIPT = HERE / "competitors" / "coverage.R"
METHODS = ("none", "residual", "satterthwaite", "kenward-roger")
SMALL = METHODS[2:]
NAMES = {"satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger"}
COVERED = (93.5, 96.5)
UNEVEN = (4, 4, 5, 5, 6, 6, 7, 7, 8, 8)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A design of ten groups and what is drawn on it.

    Attributes
    ----------
    title, formula : str
    sizes : tuple of int
        Rows of every group.
    drawn : str
        What varies: ``intercepts``; ``slopes`` of x too; ``cells`` of a treatment within groups; ``items``
        that every group meets.
    """

    title: str
    formula: str
    sizes: tuple[int, ...]
    drawn: str = "intercepts"


HARD = Simulation("random slopes, 4 to 8 rows a group", "y ~ x + z + (x | g)", UNEVEN, "slopes")
SIMULATIONS = (
    Simulation("random intercepts, 6 rows a group", "y ~ x + z + (1 | g)", (6,) * 10),
    Simulation(
        "random intercepts, 3 to 10 rows a group", "y ~ x + z + (1 | g)", (3, 3, 4, 5, 5, 6, 7, 8, 9, 10)
    ),
    Simulation("split plot", "y ~ z * w + (1 | g)", (8,) * 10),
    Simulation("split plot, its effect varies", "y ~ z * w + (1 | g / cell)", (8,) * 10, "cells"),
    Simulation("ten groups by ten items, crossed", "y ~ w + z + (1 | g) + (1 | item)", (10,) * 10, "items"),
    Simulation("random slopes, 10 rows a group", "y ~ x + (x | g)", (10,) * 10, "slopes"),
    Simulation("random slopes, 10 rows a group", "y ~ x * z + (x | g)", (10,) * 10, "slopes"),
    Simulation("random slopes, 10 rows a group", "y ~ x + z + (x || g)", (10,) * 10, "slopes"),
    Simulation("random slopes, 10 rows a group", "y ~ x + z + (x | g)", (10,) * 10, "slopes"),
    HARD,
    Simulation("random slopes, 4 to 8 rows a group", "y ~ x * z + (x | g)", UNEVEN, "slopes"),
)
COMPARED = (SIMULATIONS[8], HARD)
"""Designs on which lmerTest is asked as well."""


def columns(simulation: Simulation, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Predictors of the rows: x and w vary within groups, z between them."""
    g = np.repeat(np.arange(10), simulation.sizes)
    within = np.concatenate([np.arange(size) for size in simulation.sizes])
    data = {"g": g, "x": rng.normal(size=len(g)), "z": (g % 2).astype(float)}
    return {**data, "w": (within % 2).astype(float), "cell": within % 2, "item": within}


def responses(simulation: Simulation, seed: int = 20) -> Iterator[dict[str, np.ndarray]]:
    """The rows again and again, with a new response in which every coefficient is 0."""
    rng = np.random.default_rng(seed)
    data = columns(simulation, rng)
    g, n = data["g"], len(data["g"])
    while True:
        b = rng.normal(size=(10, 2))
        y = b[g, 0]
        if simulation.drawn == "slopes":
            y = y + 0.7 * b[g, 1] * data["x"]
        if simulation.drawn == "cells":
            y = y + 0.7 * rng.normal(size=20)[2 * g + data["cell"]]
        if simulation.drawn == "items":
            y = y + 0.7 * rng.normal(size=10)[data["item"]]
        yield {**data, "y": y + rng.normal(size=n)}


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What came of R replicates of a design with p coefficients.

    Attributes
    ----------
    terms : tuple of str, length p
    estimate : (R, p) float64
    std_error, df : dict of str to (R, p) float64
        By method.
    covered : dict of str to (R, p) bool
        Whether the 95 % interval has 0 in it.
    singular : (R,) bool
    """

    terms: tuple[str, ...]
    estimate: np.ndarray
    std_error: dict[str, np.ndarray]
    df: dict[str, np.ndarray]
    covered: dict[str, np.ndarray]
    singular: np.ndarray

    def share(self, method: str, among: np.ndarray | None = None) -> np.ndarray:
        """(p,) Coverage in percent, of all replicates or of some."""
        covered = self.covered[method]
        some = covered if among is None else covered[among]
        return 100 * some.mean(axis=0) if len(some) else np.full(len(self.terms), np.nan)

    def variance_ratio(self, method: str) -> np.ndarray:
        """(p,) Mean squared standard error, in variances of the estimates."""
        return np.asarray((self.std_error[method] ** 2).mean(axis=0) / self.estimate.var(axis=0))


def count(simulation: Simulation, replicates: int, methods: tuple[str, ...] = METHODS) -> Counts:
    """Fit the replicates."""
    estimates, singular = [], []
    tests: dict[str, list[Any]] = {m: [] for m in methods}
    first = None
    for data, _ in zip(responses(simulation), range(replicates), strict=False):
        if first is None:
            design = designing.build(simulation.formula, data)
            first = fit = estimation.fit(design)
        else:
            fit = estimation.refit(first, design, data["y"])
        for method in methods:
            tests[method].append(t_tests(small_sample(design, fit, method), np.eye(design.p)))
        estimates.append(fit.beta)
        singular.append(fit.singular)
    return Counts(
        tuple(design.x_names),
        np.array(estimates),
        {m: np.array([t.std_error for t in tests[m]]) for m in methods},
        {m: np.array([t.df for t in tests[m]]) for m in methods},
        {m: np.array([(t.conf_low < 0) & (t.conf_high > 0) for t in tests[m]]) for m in methods},
        np.array(singular),
    )


def header(names: list[str], left: int) -> list[str]:
    """Two lines that open a table, so many columns of text first."""
    rule = ["---"] * left + ["---:"] * (len(names) - left)
    return [f"| {' | '.join(names)} |", f"|{'|'.join(rule)}|"]


COVERAGE = ["design", "formula", "coefficient", "z", "residual df", "Satterthwaite", "Kenward-Roger"]
CAUSE = ["design", "formula", "coefficient", "singular fits", "Satterthwaite, other fits"]
CAUSE += ["Kenward-Roger, other fits", "squared standard error / variance", "Kenward-Roger's"]
CAUSES = (
    "The same replicates: how many have a singular fit, what the intervals cover among the others, and the "
    "mean squared standard error as a share of the variance that the estimates had (1 would be right). "
    "Degrees of freedom correct for a standard error that varies, not for one that is too small on average: "
    "that is what Kenward and Roger add."
)


def coverage_tables(replicates: int) -> list[str]:
    """Coverage in every design, and what is left of it among regular fits."""
    error = 100 * (0.95 * 0.05 / replicates) ** 0.5
    intro = (
        f"Ten groups, {replicates} replicates a design (simulation error {error:.2f} percentage points), "
        "seeds fixed; x and w vary within groups, z between them. In percent; 95 are promised."
    )
    lines, causes = [intro, "", *header(COVERAGE, 3)], header(CAUSE, 3)
    outside: list[str] = []
    for simulation in SIMULATIONS:
        found = count(simulation, replicates)
        lines += coverage_lines(simulation, found)
        causes += cause_lines(simulation, found)
        outside += outside_of(simulation, found)
    low, high = COVERED
    lines += ["", f"Outside {low} to {high} percent: {'; '.join(outside) or 'neither method'}."]
    return [*lines, "", "## Where coverage is lost", "", CAUSES, "", *causes]


def cells(simulation: Simulation) -> str:
    """Title and formula, as cells of a table."""
    formula = simulation.formula.replace("|", r"\|")
    return f"{simulation.title} | `{formula}`"


def coverage_lines(simulation: Simulation, found: Counts) -> list[str]:
    """One line a coefficient."""
    shares = np.array([found.share(m) for m in METHODS]).T
    return [
        f"| {cells(simulation)} | {term} | {' | '.join(f'{share:.2f}' for share in row)} |"
        for term, row in zip(found.terms, shares, strict=True)
    ]


def cause_lines(simulation: Simulation, found: Counts) -> list[str]:
    """One line a coefficient."""
    shares = np.array([found.share(m, ~found.singular) for m in SMALL]).T
    ratios = np.array([found.variance_ratio(m) for m in SMALL]).T
    singular = f"{100 * found.singular.mean():.1f}"
    return [
        f"| {cells(simulation)} | {term} | {singular} | {share[0]:.2f} | {share[1]:.2f} "
        f"| {ratio[0]:.3f} | {ratio[1]:.3f} |"
        for term, share, ratio in zip(found.terms, shares, ratios, strict=True)
    ]


def outside_of(simulation: Simulation, found: Counts) -> list[str]:
    """Intervals of the two methods that miss the band."""
    low, high = COVERED
    return [
        f"{NAMES[m]} {share:.2f} ({simulation.title}, `{simulation.formula}`, {term})"
        for m in SMALL
        for term, share in zip(found.terms, found.share(m), strict=True)
        if not low <= share <= high
    ]


def in_r(
    rows: pd.DataFrame, responses: np.ndarray, formula: str, kenward_roger: bool = False
) -> tuple[pd.DataFrame, str] | None:
    """lmerTest's numbers for responses (R, n), and versions; None where R or its packages are missing."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        design, y, out = (Path(folder) / name for name in ("rows.csv", "y.bin", "found.csv"))
        rows.to_csv(design, index=False, float_format="%.17g")
        responses.tofile(y)
        command = [program, str(SCRIPT), *map(str, (design, y, formula, int(kenward_roger), out))]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return None if done.returncode else (pd.read_csv(out), done.stdout.strip().splitlines()[-1])


def drawn(simulation: Simulation, replicates: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Predictors of the rows, and the first responses (replicates, n)."""
    every = [data for data, _ in zip(responses(simulation), range(replicates), strict=False)]
    return pd.DataFrame(every[0]).drop(columns="y"), np.array([data["y"] for data in every])


COMPARISON = ["design", "formula", "coefficient", "henderson", "lmerTest", "df, median difference"]
COMPARISON += ["df, 99 % below", "standard errors, 99 % below"]


def lmertest_table(replicates: int) -> list[str]:
    """Coverage of lmerTest's intervals beside ours, on the same data."""
    lines, versions = header(COMPARISON, 3), ""
    for simulation in COMPARED:
        theirs = in_r(*drawn(simulation, replicates), simulation.formula)
        if theirs is None:
            return ["Not run: Rscript with lmerTest is missing."]
        frame, versions = theirs
        lines += compared_lines(simulation, count(simulation, replicates, ("satterthwaite",)), frame)
    intro = (
        "Satterthwaite's 95 % intervals from lmerTest's own estimates, standard errors and degrees of "
        f"freedom, beside ours on the same {replicates} data sets ({versions}); in percent, differences "
        "relative. What is missing to 95 is the method's."
    )
    return [intro, "", *lines]


def compared_lines(simulation: Simulation, found: Counts, frame: pd.DataFrame) -> list[str]:
    """One line a coefficient."""
    from scipy.special import stdtrit

    out, ours = [], found.share("satterthwaite")
    for j, term in enumerate(found.terms):
        rows = frame[frame.term == term]
        beta, error, df = (rows[name].to_numpy() for name in ("estimate", "std_error", "df"))
        covered = 100 * np.mean(np.abs(beta) < stdtrit(df, 0.975) * error)
        dfs = np.abs(found.df["satterthwaite"][:, j] / df - 1)
        errors = np.abs(found.std_error["satterthwaite"][:, j] / error - 1)
        apart = [np.median(dfs), np.quantile(dfs, 0.99), np.quantile(errors, 0.99)]
        last = " | ".join(f"{value:.1e}" for value in apart)
        out.append(f"| {cells(simulation)} | {term} | {ours[j]:.2f} | {covered:.2f} | {last} |")
    return out


def main() -> None:
    """Write RESULTS-coverage.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=10_000, help="of every design")
    parser.add_argument(
        "--compared", type=int, default=2_000, help="replicates that lmerTest is given as well"
    )
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS-coverage.md")
    options = parser.parse_args()
    made = f"{date.today()}; henderson {__version__}. Made by `python -m benchmarks.coverage`."
    lines = ["# Coverage with ten groups", "", made, "", *coverage_tables(options.replicates)]
    lines += ["", "## Beside lmerTest", "", *lmertest_table(options.compared), ""]
    options.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
