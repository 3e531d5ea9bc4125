"""How sums of products read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.display.grid import wrapped_formula
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.gathered import SumsRecord

FEW = 5
"""Rows of a group below which its sums say much of each of them."""


def sums_view(record: SumsRecord) -> TableView:
    """Return the table of the grouping factors, and what else there is to say."""
    known = bool(record.smallest)
    sizes = [[str(a), str(b)] for a, b in zip(record.smallest, record.largest, strict=True)]
    rows = [
        [name, f"{levels:,}", *(sizes[i] if known else []), ", ".join(record.columns_of[i])]
        for i, (name, levels) in enumerate(zip(record.groups, record.levels, strict=True))
    ]
    return TableView(
        title=f"Sums of products of {record.n:,} rows",
        heads=["Groups", "Levels", *(["Fewest rows", "Most rows"] if known else []), "Columns"],
        rows=rows,
        before=[*wrapped_formula(f"Formula: {record.formula}"), f"The rows stayed in {record.where}."],
        notes=_notes(record),
    )


def _notes(record: SumsRecord) -> list[str]:
    out = [f"Fixed part: {len(record.x_names)} columns ({_some(record.x_names)})."]
    dropped = record.n_input - record.n
    if dropped:
        listed = ", ".join(f"{name} {count}" for name, count in record.missing)
        out.append(f"{dropped:,} of {record.n_input:,} rows left out because of missing values ({listed}).")
    small = [f"{count:,} of {name}" for name, count in zip(record.groups, record.few, strict=False) if count]
    if small:
        out.append(
            f"Levels with fewer than {FEW} rows: {', '.join(small)}. Their sums can give single rows away; "
            "think before sending them."
        )
    return out


def _some(names: tuple[str, ...], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
