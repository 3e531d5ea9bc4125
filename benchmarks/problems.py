"""The problem list: formulas and seeded data.

Every generator draws from the model that is fitted, so that the optimum lies inside the parameter space
and a competitor cannot win by stopping at a boundary.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]


class UnavailableError(Exception):
    """The data of a problem are not on this machine."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to time.

    Attributes
    ----------
    name, title : str
        Short name for the command line; what the table prints.
    formula : str
        In lme4's language.
    make : callable returning a DataFrame
        Floats and Categoricals only.
    action : "fit" or "refit"
        The whole call from data frame to estimate, or a new response in a fitted model.
    skip : dict
        Competitor to the reason why it is not run.
    """

    name: str
    title: str
    formula: str
    make: Callable[[], pd.DataFrame]
    action: str
    skip: dict[str, str]


CROSSED = "crossed factors: its group-wise algorithm needs more than 180 s or the memory of n x n matrices"


def factor(codes: np.ndarray, prefix: str) -> pd.Categorical:
    """Integer codes as a Categorical with labels such as ``s017``; levels that do not occur are left out."""
    present, compact = np.unique(codes, return_inverse=True)
    width = len(str(int(present.max())))
    return pd.Categorical.from_codes(compact, [f"{prefix}{level:0{width}d}" for level in present])


def reference_folder() -> Path:
    """Folder of the recorded data; raises `UnavailableError` where there is none."""
    for candidate in (os.environ.get("HENDERSON_REFERENCE"), ROOT.parent / "shared" / "reference"):
        if candidate and (Path(candidate) / "data").is_dir():
            return Path(candidate)
    raise UnavailableError("the reference folder is not here; set HENDERSON_REFERENCE to it")


def sleep_study() -> pd.DataFrame:
    """Belenky et al. (2003): 18 subjects, 10 days, as it ships with henderson."""
    import henderson

    rows = henderson.datasets.load("sleepstudy")
    return pd.DataFrame(
        {
            "Reaction": rows["Reaction"].astype(float),
            "Days": rows["Days"].astype(float),
            "Subject": rows["Subject"].astype(str).astype("category"),
        }
    )


def insteval() -> pd.DataFrame:
    """73,421 ratings of 1,128 lecturers by 2,972 students (lme4)."""
    rows = pd.read_csv(reference_folder() / "data" / "InstEval.csv.gz", dtype=str)
    out = {"y": rows["y"].astype(float)}
    return pd.DataFrame(out | {name: rows[name].astype("category") for name in ("service", "s", "d", "dept")})


def insteval_like(seed: int = 1) -> pd.DataFrame:
    """As many ratings, students, lecturers and departments as InstEval, drawn here."""
    draw = np.random.default_rng(seed)
    n, students, lecturers, departments = 73_421, 2_972, 1_128, 14
    popularity = draw.gamma(1.0, size=lecturers) + 0.05
    s = draw.integers(students, size=n)
    d = draw.choice(lecturers, size=n, p=popularity / popularity.sum())
    dept = np.arange(lecturers) % departments
    service = draw.integers(2, size=n)
    mean = (
        3.28 - 0.09 * service + 0.33 * draw.normal(size=students)[s] + 0.51 * draw.normal(size=lecturers)[d]
    )
    y = mean + 0.1 * draw.normal(size=departments)[dept[d]] + 1.18 * draw.normal(size=n)
    grouping = {"s": factor(s, "s"), "d": factor(d, "d"), "dept": factor(dept[d], "p")}
    return pd.DataFrame({"y": y, "service": factor(service, "v")} | grouping)


def random_slope(seed: int = 2, n: int = 1_000_000, groups: int = 10_000) -> pd.DataFrame:
    """One grouping factor, correlated intercept and slope."""
    draw = np.random.default_rng(seed)
    g, x, z = draw.integers(groups, size=n), draw.normal(size=n), draw.normal(size=n)
    b = draw.normal(size=(groups, 2)) @ np.array([[0.8, 0.2], [0.0, 0.5]])
    y = 1 + 0.5 * x - 0.3 * z + b[g, 0] + b[g, 1] * x + draw.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": factor(g, "g")})


def crossed(seed: int, n: int, first: int, second: int) -> pd.DataFrame:
    """Two crossed grouping factors, rows drawn at random."""
    draw = np.random.default_rng(seed)
    a, b, x = draw.integers(first, size=n), draw.integers(second, size=n), draw.normal(size=n)
    y = (
        1
        + 0.5 * x
        + 0.7 * draw.normal(size=first)[a]
        + 0.5 * draw.normal(size=second)[b]
        + draw.normal(size=n)
    )
    return pd.DataFrame({"y": y, "x": x, "a": factor(a, "a"), "b": factor(b, "b")})


def maximal(seed: int = 5, subjects: int = 60, items: int = 40) -> pd.DataFrame:
    """Subjects by items, 2 x 2 within both, every subject and item with all four cells (Latin square)."""
    draw = np.random.default_rng(seed)
    subject, item = (
        grid.ravel() for grid in np.meshgrid(np.arange(subjects), np.arange(items), indexing="ij")
    )
    cell = (subject + item) % 4
    a, b = (cell // 2 - 0.5), (cell % 2 - 0.5)
    X = np.column_stack([np.ones(len(a)), a, b, a * b])
    sd = np.array([0.8, 0.5, 0.4, 0.5])
    mixing = np.linalg.cholesky(0.7 * np.eye(4) + 0.3) * sd[:, None]
    u, v = draw.normal(size=(subjects, 4)) @ mixing.T, draw.normal(size=(items, 4)) @ mixing.T
    mean = X @ [6.0, 0.2, -0.1, 0.1] + (X * u[subject]).sum(axis=1) + (X * v[item]).sum(axis=1)
    y = mean + 0.7 * draw.normal(size=len(a))
    fixed = {"y": y, "a": a, "b": b, "ab": a * b}  # not every program takes an interaction inside a bar
    return pd.DataFrame(fixed | {"subj": factor(subject, "s"), "item": factor(item, "i")})


SLEEP = "Reaction ~ Days + (Days | Subject)"
INSTEVAL = "y ~ service + (1 | s) + (1 | d) + (1 | dept)"
NO_REFIT = {"statsmodels": "no refit to a new response", "glmm": "no refit to a new response from Python"}
LONG = {"statsmodels": CROSSED}

PROBLEMS = (
    Problem("sleep", "sleep study, whole call, warm", SLEEP, sleep_study, "fit", {}),
    Problem("refit", "sleep study, refit to a new response", SLEEP, sleep_study, "refit", NO_REFIT),
    Problem("insteval", "InstEval, three crossed factors", INSTEVAL, insteval, "fit", LONG),
    Problem("instlike", "simulated likeness of InstEval", INSTEVAL, insteval_like, "fit", LONG),
    Problem("slope", "1e6 rows, 10,000 groups, random slope", "y ~ x + z + (x | g)", random_slope, "fit", {}),
    Problem(
        "crossed",
        "2e5 rows, crossed 5,000 x 500",
        "y ~ x + (1 | a) + (1 | b)",
        lambda: crossed(3, 200_000, 5_000, 500),
        "fit",
        LONG,
    ),
    Problem(
        "maximal",
        "maximal 60 x 40, 20 covariance parameters",
        "y ~ a + b + ab + (a + b + ab | subj) + (a + b + ab | item)",
        maximal,
        "fit",
        {"statsmodels": "cannot express two correlated crossed terms"},
    ),
    Problem(
        "bigcrossed",
        "1e6 rows, crossed 50,000 x 1,000",
        "y ~ x + (1 | a) + (1 | b)",
        lambda: crossed(4, 1_000_000, 50_000, 1_000),
        "fit",
        LONG,
    ),
)


def save(frame: pd.DataFrame, path: Path) -> None:
    """Write floats as arrays and Categoricals as codes and levels: every competitor reads the same bits."""
    arrays: dict[str, np.ndarray] = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            arrays[f"{name}.codes"] = column.cat.codes.to_numpy(dtype=np.int32)
            arrays[f"{name}.levels"] = np.array(column.cat.categories, dtype=str)
        else:
            arrays[f"{name}.value"] = column.to_numpy(dtype=float)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def load(path: str | Path) -> pd.DataFrame:
    """Read what `save` wrote."""
    columns: dict[str, object] = {}
    with np.load(path) as stored:
        for key in stored.files:
            name, part = key.rsplit(".", 1)
            if part == "value":
                columns[name] = stored[key]
            elif part == "codes":
                columns[name] = pd.Categorical.from_codes(stored[key], stored[f"{name}.levels"].tolist())
    return pd.DataFrame(columns)
