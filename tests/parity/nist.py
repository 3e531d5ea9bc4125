"""The one-way analysis-of-variance sets of NIST's Statistical Reference Datasets, as they ship with SciPy's tests.

The certified values are the mean squares; for a balanced layout with r rows in each of k groups, REML has
the closed form

    sigma^2 = MS_within,    sigma_b^2 = max(0, (MS_between - MS_within) / r),    Var(mean) = MS_between / (r k).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

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
    start = int(re.search(r"Data\s*\(lines\s+(\d+)\s+to", text).group(1))  # type: ignore[union-attr]
    squares = [float(re.search(rf"{word}.*", text).group().split()[-2 if word == "Between" else -1])  # type: ignore[union-attr]
               for word in ("Between", "Within")]
    cells = np.array([line.split() for line in text.splitlines()[start - 1 :] if line.strip()], dtype=float)
    rows = pd.DataFrame({"y": cells[:, 1], "g": cells[:, 0].astype(int).astype(str)})
    return Certified(rows, squares[0], squares[1])
