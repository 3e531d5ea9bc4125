"""What can be told of sums of products before any fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.design.gathered import GatheredDesign
from henderson.inference.layout import grouping_columns


@dataclass(frozen=True, slots=True, eq=False)
class SumsRecord:
    """Sizes of sums of products, one entry per grouping factor.

    Attributes
    ----------
    formula, where : str
        As typed; where the rows are.
    n, n_input : int
        Rows used, and rows.
    missing : tuple of (str, int)
        Columns with missing values, and how many.
    x_names : tuple of str
        Columns of the fixed part.
    groups : tuple of str
    levels : tuple of int
    smallest, largest, few : tuple of int
        Rows of the smallest level and of the largest; levels with fewer than five rows. Empty where the rows
        of the levels are not known.
    columns_of : tuple of tuple of str
        Columns that vary by group.
    """

    formula: str
    where: str
    n: int
    n_input: int
    missing: tuple[tuple[str, int], ...]
    x_names: tuple[str, ...]
    groups: tuple[str, ...]
    levels: tuple[int, ...]
    smallest: tuple[int, ...]
    largest: tuple[int, ...]
    few: tuple[int, ...]
    columns_of: tuple[tuple[str, ...], ...]

    def columns(self) -> Mapping[str, Any]:
        """Return one row per grouping factor."""
        return {
            "group": list(self.groups),
            "levels": np.array(self.levels),
            **(
                {"smallest": np.array(self.smallest), "largest": np.array(self.largest)}
                if self.smallest
                else {}
            ),
        }


def describe(
    design: GatheredDesign, formula: str, rows: Mapping[str, np.ndarray] | None = None, *, few: int = 5
) -> SumsRecord:
    """Describe sums of products.

    Parameters
    ----------
    design : GatheredDesign
    formula : str
        As typed.
    rows : mapping of str to (l,) int, optional
        Rows of every level of every grouping factor, where the design does not know them.
    few : int
        Rows below which a level is counted as small.
    """
    names = tuple(g.name for g in design.groupings)
    counts = design.level_rows or tuple(rows[name] for name in names if rows and name in rows)
    counts = counts if len(counts) == len(names) else ()
    return SumsRecord(
        formula=formula,
        where=design.where,
        n=design.n,
        n_input=design.n_input,
        missing=design.missing,
        x_names=design.x_names,
        groups=names,
        levels=tuple(len(g.levels) for g in design.groupings),
        smallest=tuple(int(c.min()) for c in counts),
        largest=tuple(int(c.max()) for c in counts),
        few=tuple(int((c < few).sum()) for c in counts),
        columns_of=grouping_columns(design),
    )
