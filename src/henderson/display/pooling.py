"""How the comparison of poolings reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson.display.names import shorten_all
from henderson.display.table import TableView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from henderson.inference.pooling.record import Method, PoolingRecord

WORDS = {
    "complete": "one regression for all rows",
    "averaged": "one regression on averages",
    "means": "the mean of each group",
    "dummies": "one slope, an intercept per group",
    "none": "a regression for each group",
    "partial": "the mixed model",
}
MOST_GROUPS = 20
MOST_TERMS = 3
LONGEST_NAME = 24


def methods_view(record: PoolingRecord) -> TableView:
    """Return the table of methods with their errors."""
    table = record.method_columns()
    numbers = [_fixed(table[name]) for name in ("rmse", "rmse_row_out", "rmse_group_out")]
    numbers.insert(0, _counts(table["parameters"]))
    names = [m.name for m in record.methods]
    rows = [[name, _words(record, name), *cells] for name, *cells in zip(names, *numbers, strict=True)]
    return TableView(
        title=f"Pooling compared: {record.formula}",
        heads=["Pooling", "What is fitted", "Params", "RMSE", "row out", "group out"],
        rows=rows,
        left=2,
        notes=_method_notes(record),
        before=[_sizes(record)],
    )


def _words(record: PoolingRecord, name: str) -> str:
    if name == "dummies" and len(record.x_names) > 2:
        return "one regression, an intercept per group"
    if name == "none" and record.method("means") is None:
        return "the mean of each group"
    return WORDS[name]


def _fixed(values: object) -> list[str]:
    """Four significant digits of the largest number, dashes where there is none."""
    numbers = np.asarray(values, dtype=float)
    top = float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0))
    places = int(np.clip(3 - np.floor(np.log10(top)), 0, 12)) if top > 0 else 0
    return ["-" if x != x else f"{x:.{places}f}" for x in numbers]


def _counts(values: object) -> list[str]:
    return [f"{x:.0f}" if abs(x - round(x)) < 1e-6 else f"{x:.1f}" for x in np.asarray(values, dtype=float)]


def _sizes(record: PoolingRecord) -> str:
    low, high = int(record.sizes.min()), int(record.sizes.max())
    each = f"{low} row{'s' if low > 1 else ''} each" if low == high else f"{low} to {high} rows each"
    return f"{len(record.y)} rows; {len(record.levels)} groups of {record.group}, {each}."


def _method_notes(record: PoolingRecord) -> list[str]:
    errors = (
        "RMSE: of the rows used; of rows left out one by one (the variances of the mixed model held); of "
        "groups left out one by one."
    )
    notes = [errors]
    if not record.refitted:
        notes.append("The mixed model was not fitted without each group; refit=True does that.")
    if any(name in [m.name for m in record.methods] for name in ("dummies", "none")):
        notes.append("A dash: nothing is said of a group that was not seen.")
    table = record.method_columns()
    for m, count in zip(record.methods, np.asarray(table["rows_predicted"]).tolist(), strict=True):
        if 0 < count < len(record.y):
            notes.append(
                f"{m.name}: {len(record.y) - count} rows cannot be predicted from the others, and are not "
                "in its row-out error."
            )
    return notes


def groups_view(record: PoolingRecord) -> TableView:
    """Return the table of groups: coefficients of no and partial pooling, and the shrinkage."""
    none, partial = record.method("none"), record.method("partial")
    assert none is not None
    assert partial is not None
    varying = [term for term in partial.terms if term in record.varying] or list(partial.terms)
    terms = varying[:MOST_TERMS]
    shown = _shown(len(record.levels))
    columns = [
        ["(all)", *_named(record, shown)],
        [str(len(record.y)), *(str(int(record.sizes[g])) for g in shown)],
    ]
    heads = [record.group, "Rows"]
    for term in terms:
        columns += _term_columns(record, none, partial, term, shown)
        heads += [f"{term} alone" if len(terms) > 1 else "alone", "pooled", "shrunk"]
    rows = [list(row) for row in zip(*columns, strict=True)]
    what = "Coefficients" if len(terms) > 1 else terms[0]
    title = f"{what} of each group, alone and partially pooled"
    notes = _group_notes(record, len(shown))
    if len(varying) > len(terms):
        notes.append(f"{len(terms)} of {len(varying)} coefficients that vary; all are in .to_frame().")
    return TableView(title, heads, rows, 1, notes)


def _shown(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_GROUPS)).round().astype(int))


def _term_columns(
    record: PoolingRecord, none: Method, partial: Method, term: str, shown: np.ndarray
) -> list[list[str]]:
    j = partial.terms.index(term)
    alone = none.coef[shown, none.terms.index(term)] if term in none.terms else np.full(len(shown), np.nan)
    complete = record.method("complete")
    at = record.x_names.index(term) if term in record.x_names else None
    common = complete.population[at] if complete is not None and at is not None else np.nan
    pooled = partial.population[at] if at is not None else 0.0
    both = _fixed([common, *alone, pooled, *partial.coef[shown, j]])
    cut = 1 + len(shown)
    shrunk = ["", *(_percent(s) for s in partial.shrinkage[shown, j])]
    return [both[:cut], both[cut:], shrunk]


def _percent(share: float) -> str:
    if share != share:
        return ""
    return ">99 %" if 0.995 <= share < 1 - 1e-12 else f"{100 * share:.0f} %"


def _group_notes(record: PoolingRecord, shown: int) -> list[str]:
    words = (
        "(all): one regression for all rows, and the fixed effects of the mixed model. Shrunk: how much of "
        "the variance of the group's effect its rows leave open; at 100 % it has the "
        f"{_whole(record)}'s value."
    )
    notes = [words]
    if shown < len(record.levels):
        notes.append(f"{shown} of {len(record.levels)} groups, evenly spread; all are in .to_frame().")
    if record.folded:
        notes.append(
            f"{', '.join(record.folded)} cannot be told from the other columns within a group; the "
            "coefficients of a group include that part."
        )
    if record.around:
        listed = " and ".join(record.around)
        notes.append(
            f"A {record.group} lies in one {listed}: what is pooled counts the effect of {listed} too."
        )
    if record.others:
        notes.append(f"Only the mixed model uses {', '.join(record.others)} as well.")
    return notes + warnings_of(record)


def _whole(record: PoolingRecord) -> str:
    return record.around[0] if record.around else "population"


def warnings_of(record: PoolingRecord) -> list[str]:
    """Sentences on groups from which coefficients cannot be had alone."""
    out = []
    none = record.method("none")
    assert none is not None
    for j, term in enumerate(none.terms):
        for reason in sorted({str(r) for r in record.reasons[:, j] if r}):
            which = np.flatnonzero(record.reasons[:, j] == reason)
            names = ", ".join(_named(record, which[:5]))
            more = ", …" if len(which) > 5 else ""
            plural = "" if len(which) == 1 else "s"
            out.append(f"{len(which)} group{plural} without {term} alone ({reason}): {names}{more}.")
    exact = np.isnan(none.std_error).any(axis=1) & ~np.isnan(none.coef).all(axis=1)
    exact &= record.sizes <= len(none.terms)
    if exact.any() and not out:
        out.append(
            f"{int(exact.sum())} groups have no more rows than coefficients: alone they are fitted without "
            "error, and have no standard errors."
        )
    return out


def _named(record: PoolingRecord, groups: Iterable[int]) -> list[str]:
    """Labels of some groups, short and distinct."""
    return shorten_all([str(record.levels[g]) for g in groups], LONGEST_NAME)
