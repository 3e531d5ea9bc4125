"""A titled table with notes, as text of 80 columns and as HTML: what every test, interval and mean prints."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from henderson.display.grid import WIDTH, columns_text, matrix_text, wrapped
from henderson.display.html import block, table_html
from henderson.display.names import shorten_all
from henderson.display.numbers import format_df, format_p

__all__ = ["TableView", "format_df", "format_p", "table_text", "table_view_html"]


@dataclass(frozen=True, slots=True)
class TableView:
    """Words and formatted cells of one printed table.

    Attributes
    ----------
    title : str
        One line above.
    heads : list of str
        One per column.
    rows : list of list of str
        Formatted cells, one list per row.
    left : int
        How many leading columns are labels, set to the left.
    notes : list of str
        Sentences below.
    before : list of str
        Sentences between the title and the table.
    """

    title: str
    heads: list[str]
    rows: list[list[str]]
    left: int = 1
    notes: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)


def table_text(view: TableView) -> str:
    """Return the table as lines of at most 80 characters; columns that do not fit follow below."""
    lines = [line for text in (view.title, *view.before) if text for line in wrapped(text, "  ")]
    notes = [line for note in view.notes for line in wrapped(note, "  ")]
    return "\n".join([*lines, *_body(view), *notes])


def _body(view: TableView) -> list[str]:
    if not view.rows:
        return ["(no rows)"]
    columns = [[head, *(row[j] for row in view.rows)] for j, head in enumerate(view.heads)]
    align = "<" * view.left + ">" * (len(columns) - view.left)
    lines = columns_text(columns, align)
    over = max(map(len, lines)) - WIDTH
    if over <= 0:
        return lines
    longest = max(range(view.left), key=lambda j: max(map(len, columns[j])), default=None)
    if longest is not None and max(map(len, columns[longest])) - over >= 12:
        room = max(map(len, columns[longest])) - over
        columns[longest] = shorten_all(columns[longest], room)
        return columns_text(columns, align)
    labels = columns_text([shorten_all(column, 30) for column in columns[: view.left]], "<" * view.left)
    return matrix_text(labels[1:], view.heads[view.left :], [row[view.left :] for row in view.rows])


def table_view_html(view: TableView) -> str:
    """Return the table as one ``<div>`` with its own style; names are escaped."""
    notes = "".join(f"<div>{escape(note)}</div>" for note in view.notes)
    before = "".join(f"<div>{escape(note)}</div>" for note in view.before)
    above = f'<div class="hd-title">{escape(view.title)}</div><div class="hd-notes">{before}</div>'
    return block(
        (above if before else "")
        + table_html("" if before else view.title, view.heads, view.rows, view.left)
        + (f'<div class="hd-notes">{notes}</div>' if notes else "")
    )
