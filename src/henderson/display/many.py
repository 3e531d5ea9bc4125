"""How the fits of one design to many responses read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display.sentences import dropped_columns, method
from henderson.display.table import TableView

if TYPE_CHECKING:
    from henderson.inference.many.record import ManyRecord

LEVEL = 0.05
MOST_REASONS = 3


def many_view(record: ManyRecord) -> TableView:
    """Return one line per fixed effect: medians over the responses, and how many are below 0.05."""
    heads = ["", "Median est.", "Median s.e.", "Median df", f"p < {LEVEL}", f"q < {LEVEL}"]
    middles = [_medians(record.estimate), _medians(record.std_error), _medians(record.df)]
    cells = [_digits(middles[0], 4), _digits(middles[1], 4), _plain(middles[2])]
    below = [np.nansum(each < LEVEL, axis=0).tolist() for each in (record.p_value, record.q_value)]
    rows = [
        [term, *(column[j] for column in cells), *(f"{each[j]:,}" for each in below)]
        for j, term in enumerate(record.terms)
    ]
    count = len(record.responses)
    many = "response" if count == 1 else "responses"
    title = f"Linear mixed models of {count:,} {many}, fit by {'REML' if record.reml else 'ML'}"
    before = [f"Formula: {record.formula}", f"Fixed effects: {method(record.ddf)}"]
    return TableView(title, heads, rows, 1, _notes(record), before)


def _medians(values: np.ndarray) -> np.ndarray:
    """(p,) medians of the columns, NaN where nothing is finite or known."""
    return np.array(
        [np.median(known) if len(known := column[~np.isnan(column)]) else np.nan for column in values.T]
    )


def _plain(values: np.ndarray) -> list[str]:
    return ["NA" if x != x else "Inf" if np.isinf(x) else f"{x:.1f}" for x in values.tolist()]


def _notes(record: ManyRecord) -> list[str]:
    count, failed = len(record.responses), int(record.failed.sum())
    notes = [_spreads(record)] if failed < count else []
    sizes = np.unique(record.nobs[~record.failed])
    if len(sizes) == 1:
        notes.append(f"Rows of each: {sizes[0]:,}.")
    elif len(sizes):
        notes.append(
            f"Rows of each: {sizes[0]:,} to {sizes[-1]:,}, {record.designs:,} designs after missing values."
        )
    if record.singular.any():
        notes.append(
            f"Singular fits (a variance of zero, or a correlation of 1): {int(record.singular.sum()):,}."
        )
    if failed:
        notes.append(f"{failed:,} of {count:,} responses have no estimate: {_why(record)}.")
    if record.dropped:
        notes.append(dropped_columns(record.dropped))
    notes += record.notes
    notes.append("q: p adjusted for the false discovery rate (Benjamini-Hochberg), term by term.")
    return notes


def _why(record: ManyRecord) -> str:
    reasons = list(record.reasons.items())
    shown = [f"{reason[:1].lower()}{reason[1:]} ({number:,})" for reason, number in reasons[:MOST_REASONS]]
    text = "; ".join(shown)
    rest = len(reasons) - MOST_REASONS
    return (
        f"{text}; other reasons ({sum(number for _, number in reasons[MOST_REASONS:]):,})"
        if rest > 0
        else text
    )


def _spreads(record: ManyRecord) -> str:
    """Median standard deviations, one sentence."""
    parts = [
        f"{group} {name} {text}"
        for (group, name, other), text in zip(
            record.components, _digits(_medians(record.sdcor), 3), strict=True
        )
        if other is None
    ]
    sigma = _digits(_medians(record.sigma[:, None]), 3)[0]
    return f"Median standard deviations: {', '.join(parts)}, residual {sigma}."


def _digits(values: np.ndarray, digits: int) -> list[str]:
    """So many significant digits, each number for itself: terms differ in their units."""
    return ["NA" if x != x else f"{x:.{digits}g}" for x in values.tolist()]
