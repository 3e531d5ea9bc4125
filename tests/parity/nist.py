"""The one-way sets of NIST's Statistical Reference Datasets, as they ship with SciPy's tests.

The certified values are the mean squares; for a balanced layout with r rows in each of k groups, REML has
the closed form

    sigma^2 = MS_within
    sigma_b^2 = max(0, (MS_between - MS_within) / r)
    Var(mean) = MS_between / (r k)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from henderson.design.record import Design, Grouping, RandomTerm

NAMES = ("AtmWtAg", "SiRstv", *(f"SmLs0{i}" for i in range(1, 10)))


@dataclass(frozen=True, slots=True)
class Certified:
    """One set.

    Attributes
    ----------
    rows : DataFrame
        Columns ``y`` and ``g``.
    between, within : float
        Certified mean squares, 15 digits.
    """

    rows: pd.DataFrame
    between: float
    within: float

    @property
    def replicates(self) -> int:
        """Rows per group."""
        return len(self.rows) // self.rows["g"].nunique()

    @property
    def sd(self) -> float:
        """Standard deviation of the groups."""
        return float(np.sqrt(max(0.0, (self.between - self.within) / self.replicates)))

    @property
    def se(self) -> float:
        """Standard error of the mean."""
        return float(np.sqrt(self.between / len(self.rows)))


def folder() -> Path | None:
    """Where SciPy keeps the files; None where its tests are not installed."""
    import scipy

    path = Path(scipy.__file__).parent / "stats" / "tests" / "data" / "nist_anova"
    return path if path.is_dir() else None


def read(path: Path) -> Certified:
    """Read one file: certified mean squares in the header, then group and response."""
    text = path.read_text()
    lines = text.splitlines()
    first = int(re.findall(r"Data\s*\(lines\s+(\d+)\s+to", text)[0])
    between = next(line for line in lines if line.startswith("Between")).split()[-2]
    within = next(line for line in lines if line.startswith("Within")).split()[-1]
    cells = np.array([line.split() for line in lines[first - 1 :] if line.strip()], dtype=float)
    rows = pd.DataFrame({"y": cells[:, 1], "g": cells[:, 0].astype(int).astype(str)})
    return Certified(rows, float(between), float(within))


def one_way(rows: pd.DataFrame) -> Design:
    """The design of ``y ~ 1 + (1 | g)``, written out."""
    one = np.ones(len(rows))
    codes, levels = pd.factorize(rows["g"])
    return Design(
        y=rows["y"].to_numpy(),
        X=np.asfortranarray(one[:, None]),
        x_names=("(Intercept)",),
        intercept=0,
        dropped=(),
        all_x_names=("(Intercept)",),
        offset=None,
        weights=None,
        groupings=(Grouping("g", codes.astype(np.int32), tuple(levels)),),
        terms=(RandomTerm(0, ("(Intercept)",), (one,)),),
        response="y",
        kept_rows=None,
        n_input=len(rows),
        spec=None,
    )


def of_the_stored_numbers(rows: pd.DataFrame) -> tuple[float, float]:
    """Mean squares of the float64 numbers as they are stored, in exact rational arithmetic.

    With thirteen constant leading digits the stored numbers are not the printed ones; these are the mean
    squares that a perfect program would find.
    """
    groups = [[Fraction(value) for value in part] for _, part in rows.groupby("g", sort=False)["y"]]
    means = [sum(group, Fraction()) / len(group) for group in groups]
    grand = sum(means, Fraction()) / len(means)
    size = len(groups[0])
    between = size * sum((m - grand) ** 2 for m in means) / (len(means) - 1)
    pairs = zip(groups, means, strict=True)
    within = sum((y - m) ** 2 for group, m in pairs for y in group) / (len(rows) - len(groups))
    return float(between), float(within)
