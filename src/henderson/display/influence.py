"""Influence as a table: the groups that matter most, first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display.grid import WIDTH
from henderson.display.names import shorten
from henderson.display.numbers import format_column
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.influence.record import Influence

MOST_ROWS = 10
MOST_TERMS = 4


def influence_view(record: Influence) -> TableView:
    """Return the ten most influential groups with what happens without them."""
    order = np.argsort(-np.nan_to_num(record.cooks_distance, nan=-1.0), kind="stable")
    shown = [int(i) for i in order[:MOST_ROWS] if not record.reasons[i]]
    heads, columns, left = _labels(record, shown)
    columns += [format_column(record.cooks_distance[shown].tolist(), 3)]
    heads += ["Cook's D"]
    for head, values in _changes(record):
        heads.append(head)
        columns.append([f"{x:.2f}" for x in values[shown].tolist()])
    heads.append("sigma")
    columns.append(format_column(record.sd_deleted[shown, -1].tolist()))
    rows = [list(row) for row in zip(*columns, strict=True)]
    return TableView(_title(record), heads, rows, left, _notes(record, len(shown)))


def _labels(record: Influence, shown: list[int]) -> tuple[list[str], list[list[str]], int]:
    labels = [[shorten(str(record.levels[i]), 24) for i in shown]]
    if record.by == "observation":
        return ["row"], labels, 1
    return [shorten(record.by, 24), "Rows"], [*labels, [str(int(record.rows[i])) for i in shown]], 1


def _changes(record: Influence) -> list[tuple[str, np.ndarray]]:
    """Standardised changes: of every term while there are few, else the largest and where it is."""
    names = [shorten(name, 16) for name in record.terms]
    if len(names) <= MOST_TERMS and sum(map(len, names)) < WIDTH - 40:
        return [(name, record.dfbetas[:, j]) for j, name in enumerate(names)]
    with np.errstate(invalid="ignore"):
        return [("largest change", np.abs(np.nan_to_num(record.dfbetas)).max(axis=1))]


def _title(record: Influence) -> str:
    how = "theta estimated anew" if record.exact else "theta held at its estimate"
    what = "observations" if record.by == "observation" else f"groups of {record.by}"
    return f"Influence of {len(record.levels)} {what}, each left out ({how})"


def _notes(record: Influence, shown: int) -> list[str]:
    notes = []
    if len(record.levels) > shown > 0:
        notes.append(f"The {shown} with the largest Cook's distance; to_frame() has all.")
    if not shown:
        pass
    elif len(_changes(record)) == len(record.terms):
        notes.append("Under the terms: change without the group, in standard errors.")
    else:
        notes.append("Largest change: of any fixed effect without the group, in standard errors.")
    for reason in dict.fromkeys(r for r in record.reasons if r):
        which = [str(level) for level, r in zip(record.levels, record.reasons, strict=True) if r == reason]
        some = ", ".join(which[:5]) + (", ..." if len(which) > 5 else "")
        notes.append(f"Not estimated without {some}: {reason}.")
    return notes
