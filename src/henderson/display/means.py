"""How marginal means, trends, contrasts, letters and joint tests read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import label_text
from henderson.display.blocks import Blocks, flush, padded
from henderson.display.numbers import format_coefficients, format_column, format_statistics
from henderson.display.table import TableView, format_df, format_p

if TYPE_CHECKING:
    from henderson.inference.means.averages import Linear
    from henderson.inference.means.evaluate import Evaluated
    from henderson.inference.means.joint import JointTests
    from henderson.inference.means.letters import Letters

DDF_NAMES = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "residual": "rows minus fixed effects",
    "none": "infinite (normal distribution)",
}
ADJUST_NAMES = {
    "tukey": "Tukey",
    "mvt": "multivariate t",
    "sidak": "Sidak",
    "bonferroni": "Bonferroni",
    "holm": "Holm",
    "fdr": "false discovery rate (Benjamini-Hochberg)",
    "scheffe": "Scheffé",
}
WEIGHT_NAMES = {
    "equal": "",
    "proportional": ", weighted by their frequencies together",
    "outer": ", weighted by the products of their frequencies",
    "cells": ", weighted by the frequencies within each mean",
    "flat": ", equally over the combinations that occur",
}
MOST = 6


def estimates_blocks(record: Evaluated, shows: str) -> Blocks:
    """Return the tables of means, trends or contrasts.

    Parameters
    ----------
    record : Evaluated
        What to show.
    shows : {"limits", "tests", "both"}
        Which columns.
    """
    columns = [*_key_columns(record.linear), *_numbers(record, shows)]
    return Blocks(
        _title(record),
        _grouped(record.linear, columns, np.arange(record.linear.m), _left(record.linear)),
        _notes(record, shows),
    )


def letters_blocks(record: Letters) -> Blocks:
    """Return the tables of means with letters."""
    linear = record.means.linear
    columns = [*_key_columns(linear), *_numbers(record.means, "limits")]
    columns = [(head, [cells[i] for i in record.order]) for head, cells in columns]
    columns.append(("letters", padded([*record.letters, "letters"])[:-1]))
    how = f", {ADJUST_NAMES[record.adjust]} adjustment" if record.adjust in ADJUST_NAMES else ""
    notes = [
        *_notes(record.means, "limits"),
        f"Means that share a letter do not differ significantly (alpha = {record.alpha:g}{how}).",
    ]
    return Blocks(_title(record.means), _grouped(linear, columns, record.order, _left(linear)), notes)


def joint_blocks(record: JointTests) -> Blocks:
    """Return the table of joint tests."""
    infinite = record.ddf == "none"
    columns = [("term", padded(record.keys["term"]))]
    columns += [("df1", format_df(record.num_df.tolist()))]
    columns += [] if infinite else [("df2", format_df(record.den_df.tolist()))]
    columns += [("Chisq" if infinite else "F.ratio", format_statistics(record.statistic.tolist()))]
    columns += [("p.value", format_p(record.p_value.tolist()))]
    if record.lost.any():
        columns += [("note", ["e" if lost else "" for lost in record.lost])]
    notes = [f"Degrees of freedom: {DDF_NAMES[record.ddf]}."]
    if record.steps:
        steps = ", ".join(f"{name} {_values(values)}" for name, values in record.steps[:MOST])
        notes.append(f"Effects of covariates are differences between {steps}.")
    notes += _nested(record.nested)
    if record.lost.any():
        notes.append("e: part of the hypothesis cannot be estimated and is left out.")
    if "(confounded)" in record.keys["term"]:
        notes.append(
            "(confounded): the differences between means that can be estimated and belong to no term alone."
        )
    notes += [record.note] if record.note else []
    rows = _group_rows(record.keys, record.by)
    return Blocks("Joint tests of marginal means", _tables(columns, rows, record.keys, record.by, 1), notes)


def _values(values: Sequence[float]) -> str:
    return " and ".join(f"{value:.5g}" for value in values)


def _key_columns(linear: Linear) -> list[tuple[str, list[str]]]:
    out = []
    for name, values in linear.keys.items():
        if name not in linear.by:
            numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
            texts = (
                format_column([float(v) for v in values], 6) if numbers else [label_text(v) for v in values]
            )
            out.append((name, texts if numbers else padded(texts)))
    return out or [("", padded(["overall"] * linear.m))]


def _left(linear: Linear) -> int:
    return max(1, len(linear.keys) - len(linear.by))


def _numbers(record: Evaluated, shows: str) -> list[tuple[str, list[str]]]:
    """Heads and cells of the numeric columns, as emmeans calls them."""
    linear = record.linear
    estimate, error = format_coefficients(record.estimate.tolist(), record.std_error.tolist())
    estimate = _unknown(estimate, linear.estimable)
    normal = record.ddf == "none"
    out = [(estimate_name(record), estimate), ("SE", error)]
    out.append(("df", format_df(record.df.tolist())))
    if shows in ("limits", "both"):
        ends = _like([*record.conf_low.tolist(), *record.conf_high.tolist()], error)
        names = ("asymp.LCL", "asymp.UCL") if normal else ("lower.CL", "upper.CL")
        half = len(ends) // 2
        out += [(names[0], ends[:half]), (names[1], ends[half:])]
    if shows in ("tests", "both"):
        null = _null(record)
        if null is not None:
            out.append(("null", format_column([null] * linear.m)))
        out.append(("z.ratio" if normal else "t.ratio", format_statistics(record.statistic.tolist())))
        out.append(("p.value", format_p(record.p_value.tolist())))
    return out


def _like(values: list[float], error: list[str]) -> list[str]:
    """Limits with the decimals that the standard errors are shown with."""
    shown = [text.strip() for text in error if text.strip() not in ("NA", "Inf")]
    if not shown or any("e" in text for text in shown):
        return format_column(values)
    places = max(len(text.partition(".")[2]) for text in shown)
    texts = [f"{v:.{places}f}" if np.isfinite(v) else format_column([v])[0] for v in values]
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts]


def _unknown(cells: list[str], known: np.ndarray) -> list[str]:
    out = [cell if there else "nonEst" for cell, there in zip(cells, known, strict=True)]
    width = max(map(len, out), default=0)
    return [cell.rjust(width) for cell in out]


def _null(record: Evaluated) -> float | None:
    if record.back == "ratio" and record.transform is not None:
        return float(record.transform.ratio(np.array(record.question.null)))
    if record.question.null == 0:
        return None
    if record.back == "response" and record.transform is not None:
        return float(record.transform.inverse(np.array(record.question.null)))
    return record.question.null


def estimate_name(record: Evaluated) -> str:
    """Return what the estimates are called: emmean, x.trend, response, ratio or estimate."""
    if record.back:
        return record.back
    role = record.linear.role
    return {"mean": "emmean", "trend": f"{record.linear.variable}.trend"}.get(role, "estimate")


def _title(record: Evaluated) -> str:
    linear = record.linear
    if linear.role == "contrast":
        return (
            "Contrasts of marginal means"
            if not linear.variable
            else f"Contrasts of slopes in {linear.variable}"
        )
    of = ", ".join(name for name in linear.keys if name not in linear.by)
    what = f"Slopes in {linear.variable}" if linear.role == "trend" else "Marginal means"
    return what + (f" by {of}" if of else "")


def _group_rows(keys: dict[str, tuple[Any, ...]], by: tuple[str, ...]) -> list[list[int]]:
    if not by:
        return [list(range(len(next(iter(keys.values())))))]
    place: dict[tuple[Any, ...], list[int]] = {}
    for i, group in enumerate(zip(*(keys[name] for name in by), strict=True)):
        place.setdefault(group, []).append(i)
    return list(place.values())


def _grouped(
    linear: Linear, columns: list[tuple[str, list[str]]], order: np.ndarray, left: int
) -> list[TableView]:
    keys = {name: tuple(values[i] for i in order) for name, values in linear.keys.items()}
    keys = keys or {"": tuple(range(linear.m))}
    return _tables(columns, _group_rows(keys, linear.by), keys, linear.by, left)


def _tables(
    columns: list[tuple[str, list[str]]],
    groups: list[list[int]],
    keys: dict[str, tuple[Any, ...]],
    by: tuple[str, ...],
    left: int,
) -> list[TableView]:
    out = []
    columns = [(h, c if j < left else flush(c)) for j, (h, c) in enumerate(columns)]
    for rows in groups:
        title = ", ".join(f"{name} = {_label(keys[name][rows[0]])}" for name in by)
        cells = [[column[i] for _, column in columns] for i in rows]
        heads = [head for head, _ in columns]
        out.append(TableView(f"{title}:" if title else "", heads, cells, left))
    return out


def _label(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else label_text(value)


def _notes(record: Evaluated, shows: str) -> list[str]:
    linear = record.linear
    notes = []
    if linear.averaged:
        notes.append(f"Averaged over the levels of {_some(linear.averaged)}{WEIGHT_NAMES[linear.weights]}.")
    if linear.constants:
        held = _some(tuple(f"{name} = {value:.4g}" for name, value in linear.constants))
        notes.append(f"Covariates held at {held}.")
    notes += _interactions(linear)
    notes += _nested(linear.nested)
    if not linear.estimable.all():
        notes.append(
            "nonEst: cannot be estimated, as levels never occur together or covariates are collinear."
        )
    if linear.off_zero:
        notes.append(f"Not contrasts, as their numbers do not add up to 0: {_some(linear.off_zero)}.")
    return [*notes, _judged(record, shows), *record.remarks, *_scale(record)]


def _interactions(linear: Linear) -> list[str]:
    """Whose interactions make an average, or a value held, less than the whole story."""
    held = dict(linear.constants)
    over = tuple(name for name in linear.misleading if name not in held)
    along = tuple(name for name in linear.misleading if name in held)
    notes = []
    for names, what in ((over, "averages over {} may mislead"), (along, "other values of {} give others")):
        one = len(names) == 1
        if names:
            story = what.format("it" if one else "them")
            notes.append(f"{_some(names)} interact{'s' if one else ''} with what is shown: {story}.")
    return notes


def _judged(record: Evaluated, shows: str) -> str:
    """How p-values and limits were made."""
    out = [f"Degrees of freedom: {DDF_NAMES[record.ddf]}."]
    question = record.question
    family = _family(record)
    if shows in ("limits", "both"):
        side = "" if question.side == "two" else ", one-sided"
        adjust = "bonferroni" if question.adjust in ("holm", "fdr") else question.adjust
        out.append(f"Limits: {100 * question.level:g} %{side}{_adjusted(adjust, family, record)}.")
    if shows in ("tests", "both"):
        sides = {"two": "", "greater": ", right-tailed", "less": ", left-tailed"}
        adjusted = _adjusted(question.adjust, family, record)
        if question.delta:
            kind = "equivalence" if question.side == "two" else "non-inferiority"
            out.append(f"P-values: {kind} within {question.delta:g}{adjusted}.")
        elif adjusted or sides[question.side]:
            out.append(f"P-values{(sides[question.side] + adjusted).replace(',', ':', 1)}.")
    return " ".join(out)


def _family(record: Evaluated) -> str:
    linear = record.linear
    tukey = record.question.adjust == "tukey" and not any("Sidak" in remark for remark in record.remarks)
    if linear.sets and tukey and record.question.side == "two":
        sizes = sorted(set(linear.sets))
        return f"{sizes[0]} means" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} means"
    sizes = sorted({int(linear.estimable[rows].sum()) for rows in linear.groups()})
    what = "comparisons" if linear.role == "contrast" else "estimates"
    return f"{sizes[0]} {what}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} {what}"


def _adjusted(adjust: str, family: str, record: Evaluated) -> str:
    if any("Sidak" in remark for remark in record.remarks) and adjust == "tukey":
        adjust = "sidak"
    if adjust not in ADJUST_NAMES or family.partition(" ")[::2] in (("1", "comparisons"), ("1", "estimates")):
        return ""
    each = " in each group" if record.linear.by else ""
    return f", {ADJUST_NAMES[adjust]} adjustment for {family}{each}"


def _scale(record: Evaluated) -> list[str]:
    """On which scale the numbers are."""
    transform = record.transform
    if transform is None and record.linear.response and record.linear.role == "mean":
        return [f"These are means of {record.linear.response}; type='response' goes back to the response."]
    if transform is None:
        return []
    if record.back == "ratio":
        return [f"Ratios: differences on the {transform.name} scale, on which the tests are made."]
    if record.back:
        return [f"Back-transformed from the {transform.name} scale, on which tests and limits are made."]
    return [f"On the {transform.name} scale of the response."]


def _nested(nested: tuple[str, ...]) -> list[str]:
    return [f"Nested: {'; '.join(nested)}."] if nested else []


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")
