"""Influence as a table: the groups that matter most, first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from henderson.display.grid import WIDTH
from henderson.display.names import shorten, shorten_all
from henderson.display.numbers import format_column
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.influence.record import Influence
    from henderson.inference.influence.scaled import ScaledResiduals

MOST_ROWS = 10
MOST_TERMS = 4
MEANINGS = {
    "uniformity": "the distribution differs from the model's: look at the quantiles",
    "dispersion": "the responses spread {more} than the model says",
    "outliers": "{more} rows lie outside the simulations than should",
    "trend": "their quartiles move with {what}: mean or variance depend on it otherwise than in the model",
}
LEVEL = 0.05
LEAST = 1e-6
"""Cook's distances that are all below this are written with exponents."""


def influence_view(record: Influence) -> TableView:
    """Return the ten most influential groups with what happens without them."""
    order = np.argsort(-np.nan_to_num(record.cooks_distance, nan=-1.0), kind="stable")
    shown = [int(i) for i in order[:MOST_ROWS] if not record.reasons[i]]
    heads, columns, left = _labels(record, shown)
    columns += [_distances(record.cooks_distance[shown].tolist())]
    heads += ["Cook's D"]
    for head, values in _changes(record):
        heads.append(head)
        columns.append([f"{x:.2f}" for x in values[shown].tolist()])
    heads.append("sigma")
    columns.append(format_column(record.sd_deleted[shown, -1].tolist()))
    rows = [list(row) for row in zip(*columns, strict=True)]
    return TableView(_title(record), heads, rows, left, _notes(record, len(shown)))


def _labels(record: Influence, shown: list[int]) -> tuple[list[str], list[list[str]], int]:
    labels = [shorten_all([str(record.levels[i]) for i in shown], 24)]
    if record.by == "observation":
        return ["row"], labels, 1
    return [shorten(record.by, 24), "Rows"], [*labels, [str(int(record.rows[i])) for i in shown]], 1


def _distances(values: list[float]) -> list[str]:
    """Fixed decimals, three or as many as the largest needs: small distances beside it do not matter."""
    largest = max((x for x in values if math.isfinite(x)), default=0.0)
    if 0 < largest < LEAST:
        return format_column(values, 3)
    places = max(3, 2 - math.floor(math.log10(largest))) if largest > 0 else 3
    return [f"{x:.{places}f}" if math.isfinite(x) else "NA" for x in values]


def _changes(record: Influence) -> list[tuple[str, np.ndarray]]:
    """Standardised changes: of every term while there are few, else the largest and where it is."""
    names = shorten_all(record.terms, 16)
    if len(names) <= MOST_TERMS and sum(map(len, names)) < WIDTH - 40:
        return [(name, record.dfbetas[:, j]) for j, name in enumerate(names)]
    with np.errstate(invalid="ignore"):
        return [("largest change", np.abs(np.nan_to_num(record.dfbetas)).max(axis=1))]


def _title(record: Influence) -> str:
    how = "theta estimated anew" if record.exact else "theta held at its estimate"
    what = "observations" if record.by == "observation" else f"groups of {record.by}"
    return f"Influence of {len(record.levels)} {what}, each left out ({how})"


def _notes(record: Influence, shown: int) -> list[str]:
    what = "row" if record.by == "observation" else "group"
    notes = [] if record.terms else ["The model has no fixed effects: look at the standard deviations."]
    if len(record.levels) > shown > 0:
        notes.append(f"The {shown} with the largest Cook's distance; to_frame() has all.")
    if not shown or not record.terms:
        pass
    elif len(_changes(record)) == len(record.terms):
        notes.append(f"Under the terms: change without the {what}, in standard errors.")
    else:
        notes.append(f"Largest change: of any fixed effect without the {what}, in standard errors.")
    for reason in dict.fromkeys(r for r in record.reasons if r):
        which = [str(level) for level, r in zip(record.levels, record.reasons, strict=True) if r == reason]
        some = ", ".join(which[:5]) + (", ..." if len(which) > 5 else "")
        notes.append(f"Not estimated without {some}: {reason}.")
    return notes


def scaled_view(record: ScaledResiduals) -> TableView:
    """Return the tests of scaled residuals."""
    columns = [
        [t.name for t in record.tests],
        [format_column([t.statistic], 3)[0] for t in record.tests],
        [format_column([t.expected], 3)[0] for t in record.tests],
        [f"{t.p_value:.3f}" for t in record.tests],
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    held = f", effects of {', '.join(record.kept)} as estimated" if record.kept else ""
    title = f"Scaled residuals of {len(record.residuals)} rows{held}"
    return TableView(title, ["Test", "Statistic", "Expected", "p"], rows, 1, _scaled_notes(record))


def _scaled_notes(record: ScaledResiduals) -> list[str]:
    how = "the model fitted to each" if record.refit else "parameters as estimated"
    notes = [f"Expected and p from {record.draws} simulated responses, {how}."]
    found = [t for t in record.tests if t.p_value < LEVEL]
    for test in found:
        more = "more" if test.statistic > test.expected else "less" if test.name == "dispersion" else "fewer"
        kind, _, what = test.name.partition(" with ")
        notes.append(f"{test.name}: {MEANINGS[kind].format(more=more, what=what)}.")
    if not found:
        notes.append("Nothing speaks against the model.")
    if len(record.outlying):
        some = ", ".join(map(str, record.outlying[:8].tolist())) + (
            ", ..." if len(record.outlying) > 8 else ""
        )
        notes.append(f"Rows outside nearly all simulations: {some}.")
    return notes
