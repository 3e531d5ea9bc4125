"""Profiles and bootstraps as tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from henderson.display.numbers import format_column
from henderson.display.table import TableView

if TYPE_CHECKING:
    import numpy as np

    from henderson.inference.intervals.bootstrap import BootstrapRecord
    from henderson.inference.intervals.profile import ProfileRecord

DIGITS = 5
REFITTED = "The fit is by REML; profiled is the deviance of its ML refit, whose estimates these are."


def profile_view(record: ProfileRecord) -> TableView:
    """Return estimates and limits of a profile."""
    low, high = _ends(record.level)
    heads = ["", "Estimate", low, high]
    numbers = _by_row(record.estimate, record.conf_low, record.conf_high)
    notes = list(record.notes)
    if record.refitted:
        notes.insert(
            0, "The fit is by REML; profiled is the deviance of its ML refit, whose estimates these are."
        )
    rows = [[term, *cells] for term, cells in zip(record.terms, numbers, strict=True)]
    return TableView(f"Profile likelihood intervals, {_percent(record.level)}", heads, rows, 1, notes)


def bootstrap_view(record: BootstrapRecord) -> TableView:
    """Return estimates, bias, standard errors and limits of a bootstrap."""
    columns = record.columns()
    low, high = _ends(record.level)
    heads = ["", "Estimate", "Bias", "Std.Error", low, high]
    names = ("estimate", "bias", "std_error", "conf_low", "conf_high")
    numbers = _by_row(*(columns[name] for name in names))
    rows = [[term, *cells] for term, cells in zip(record.terms, numbers, strict=True)]
    n = len(record.replicates)
    title = (
        f"{record.kind.capitalize()} bootstrap, {n} refit{'s' * (n > 1)} by {'REML' if record.reml else 'ML'}"
    )
    before = [f"{record.type.capitalize()} intervals, {_percent(record.level)}; seed {record.seed}"]
    return TableView(title, heads, rows, 1, _bootstrap_notes(record, n), before)


def _bootstrap_notes(record: BootstrapRecord, n: int) -> list[str]:
    notes = []
    if record.singular:
        notes.append(
            f"{record.singular} of {n} refits were singular: a variance of zero, or a correlation of 1."
        )
    if record.failures:
        worst = max(record.reasons.items(), key=lambda item: item[1])
        notes.append(
            f"{len(record.failures)} of {n} refits failed and are left out; most often ({worst[1]}): "
            f"{worst[0]}."
        )
    return notes


def _by_row(*columns: object) -> list[list[str]]:
    """Cells (rows, columns), every row with decimals of its own: parameters differ in size."""
    arrays: list[np.ndarray] = list(columns)  # type: ignore[arg-type]
    out = []
    for i in range(len(arrays[0])):
        values = [float(array[i]) for array in arrays]
        out.append([text.strip() for text in _common(values)])
    return out


def _common(values: list[float]) -> list[str]:
    """One number of decimals per row: five digits of the largest number, four where it is below one."""
    sizes = [abs(x) for x in values if x == x and abs(x) != float("inf")]
    largest = max(sizes, default=0.0)
    if largest == 0 or not 1e-4 <= largest < 1e7:
        return format_column(values, DIGITS)
    exponent = math.floor(math.log10(largest))
    places = max(DIGITS - 1 - exponent, 2) if exponent >= 0 else DIGITS - 2 - exponent
    return [_number(x, places) for x in values]


def _number(x: float, places: int) -> str:
    if not math.isfinite(x):
        return "NA" if x != x else "-Inf" if x < 0 else "Inf"
    text = f"{x:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _percent(level: float) -> str:
    return f"{100 * level:.10g} %"


def _ends(level: float) -> tuple[str, str]:
    tail = 50 * (1 - level)
    return f"{tail:.6g} %", f"{100 - tail:.6g} %"
