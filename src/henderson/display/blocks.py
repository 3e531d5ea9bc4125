"""Tables one below the other, one for each group, as text of 80 columns and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from henderson.display.grid import WIDTH, wrapped
from henderson.display.html import block, table_html
from henderson.display.names import shorten
from henderson.display.table import TableView, table_text


class Blocks:
    """Tables one below the other under one title, one for each group.

    Parameters
    ----------
    title : str
        One line above.
    tables : list of TableView
        Titled by their groups.
    notes : list of str
        Sentences below.
    """

    def __init__(self, title: str, tables: list[TableView], notes: list[str]) -> None:
        self.title, self.tables, self.notes = title, tables, notes

    def text(self) -> str:
        """Return lines of at most 80 characters."""
        parts = wrapped(self.title, "  ")
        body = "\n\n".join(table_text(view) for view in _narrowed(self.tables))
        notes = [line for note in self.notes for line in wrapped(note, "  ")]
        gap = [""] if self.tables[0].title else []
        return "\n".join([*parts, *gap, body, *gap, *notes])

    def html(self) -> str:
        """Return one ``<div>`` with its own style; names are escaped."""
        from html import escape

        tables = "".join(
            table_html(v.title or (self.title if i == 0 else ""), v.heads, v.rows, v.left)
            for i, v in enumerate(self.tables)
        )
        title = f'<div class="hd-title">{escape(self.title)}</div>' if self.tables[0].title else ""
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return block(f'{title}{tables}<div class="hd-notes">{notes}</div>')


def padded(texts: Sequence[str]) -> list[str]:
    """Return texts of one width, set to the left."""
    width = max(map(len, texts), default=0)
    return [text.ljust(width) for text in texts]


def flush(texts: Sequence[str]) -> list[str]:
    """Return texts of one width, set to the right."""
    width = max(map(len, texts), default=0)
    return [text.rjust(width) for text in texts]


def _narrowed(tables: list[TableView]) -> list[TableView]:
    """Shorten labels where the tables would be wider than a terminal; all tables have the same columns."""
    left, rows = tables[0].left, [row for view in tables for row in view.rows]
    widths = [max(map(len, column)) for column in zip(tables[0].heads, *rows, strict=True)]
    over, rooms = sum(widths) + len(widths) - 1 - WIDTH, widths[:left]
    if over <= 0:
        return tables
    while over > 0 and max(rooms) > 10:
        rooms[rooms.index(max(rooms))] -= 1
        over -= 1

    def narrow(row: list[str]) -> list[str]:
        cells = [_shortened(cell.rstrip(), room).ljust(room) for cell, room in zip(row, rooms, strict=False)]
        return [*cells, *row[left:]]

    return [
        replace(view, heads=narrow(view.heads), rows=[narrow(row) for row in view.rows]) for view in tables
    ]


def _shortened(text: str, room: int) -> str:
    """Shorten a label, of a comparison both sides."""
    for sign in (" - ", " / "):
        first, found, second = text.partition(sign)
        if found and len(text) > room >= 15:
            half = (room - 3) // 2
            one = min(len(first), max(half, room - 3 - len(second)))
            return f"{shorten(first, one)}{sign}{shorten(second, room - 3 - one)}"
    return shorten(text, room)
