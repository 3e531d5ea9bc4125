"""The page of checks as text and HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from henderson.display.grid import WIDTH, wrapped, wrapped_formula
from henderson.display.html import block

if TYPE_CHECKING:
    from henderson.inference.diagnosis.record import Check, Diagnosis

MARKS = {"ok": "ok", "note": "note", "look": "LOOK"}


def headline(record: Diagnosis) -> str:
    """Say how much there is to look at."""
    look, note = len(record.of("look")), len(record.of("note"))
    if not look and not note:
        return f"{len(record.checks)} checks, nothing found."
    things = f"{look} thing{'' if look == 1 else 's'} to look at" if look else "nothing to look at"
    notes = f", {note} to know" if note else ""
    return f"{len(record.checks)} checks: {things}{notes}."


def diagnosis_text(record: Diagnosis) -> str:
    """Return the page as lines of at most 80 characters: what was found first, then what is in order."""
    kind = "REML" if record.reml else "ML"
    lines = [f"Diagnosis of a fit by {kind}, {record.n} rows", *wrapped_formula(f"Formula: {record.formula}")]
    lines += [headline(record)]
    for check in (*record.of("look"), *record.of("note")):
        lines += ["", f"{MARKS[check.status]:<5}{check.topic}", *_indented(check.finding)]
        lines += _indented(f"> {check.advice}", "  ") if check.advice else []
    if record.of("ok"):
        lines.append("")
    for check in record.of("ok"):
        first, *rest = wrapped(f"{check.topic}: {check.finding}", "  ", WIDTH - 5)
        lines += [f"ok   {first}", *(f"     {line}" for line in rest)]
    return "\n".join(lines)


def _indented(text: str, further: str = "") -> list[str]:
    return ["     " + line for line in wrapped(text, further, WIDTH - 5)]


def diagnosis_html(record: Diagnosis) -> str:
    """Return the page as one ``<div>`` with its own style."""
    kind = "REML" if record.reml else "ML"
    head = (
        f'<div class="hd-title">Diagnosis</div><div class="hd-formula">{escape(record.formula)}</div>'
        f'<div class="hd-facts"><div>{escape(headline(record))}</div><div><span>fit</span>{kind}</div>'
        f"<div><span>rows</span>{record.n}</div></div>"
    )
    ordered = (*record.of("look"), *record.of("note"), *record.of("ok"))
    return block(head + "".join(_check(check) for check in ordered))


def _check(check: Check) -> str:
    weight = "600" if check.status == "look" else "400"
    advice = f"<div>→ {escape(check.advice)}</div>" if check.advice else ""
    return (
        f'<div style="margin:.45em 0"><div><span style="display:inline-block;width:3.8em;'
        f'font-weight:{weight}">{MARKS[check.status]}</span><b>{escape(check.topic)}</b></div>'
        f'<div style="margin-left:3.8em">{escape(check.finding)}{advice}</div></div>'
    )
