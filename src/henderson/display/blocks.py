"""Tables one below the other, one for each group, as text of 80 columns and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from henderson.display.grid import WIDTH, wrapped
from henderson.display.html import block, table_html
from henderson.display.names import shorten, shorten_all
from henderson.display.table import TableView, table_text

SIGNS = (" - ", " / ")
"""Between the two sides of a comparison."""


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

    columns = list(zip(*([view.heads for view in tables] + rows), strict=True))[:left]
    short = [_distinct([cell.rstrip() for cell in c], room) for c, room in zip(columns, rooms, strict=True)]

    def narrow(row: list[str]) -> list[str]:
        named = zip(row, short, rooms, strict=False)
        return [*(names[cell.rstrip()].ljust(room) for cell, names, room in named), *row[left:]]

    return [
        replace(view, heads=narrow(view.heads), rows=[narrow(row) for row in view.rows]) for view in tables
    ]


def _distinct(labels: list[str], room: int) -> dict[str, str]:
    """Every label with what it is shortened to; where two would read the same, cut where they differ."""
    every = list(dict.fromkeys(labels))
    out = {label: _shortened(label, room) for label in every}
    if len(set(out.values())) == len(every):
        return out
    sides = list(dict.fromkeys(side for label in every for side in _sides(label)))
    if any(map(_sign, every)):
        half = dict(zip(sides, shorten_all(sides, (room - 3) // 2), strict=True))
        out = {
            label: label if len(label) <= room else _sign(label).join(half[side] for side in _sides(label))
            for label in every
        }
    if len(set(out.values())) < len(every):
        out = dict(zip(every, shorten_all(every, room), strict=True))
    return out


def _sign(label: str) -> str:
    return next((sign for sign in SIGNS if sign in label), "")


def _sides(label: str) -> list[str]:
    sign = _sign(label)
    return label.split(sign, 1) if sign else [label]


def _shortened(text: str, room: int) -> str:
    """Shorten a label, of a comparison both sides."""
    for sign in SIGNS:
        first, found, second = text.partition(sign)
        if found and len(text) > room >= 15:
            half = (room - 3) // 2
            one = min(len(first), max(half, room - 3 - len(second)))
            return f"{shorten(first, one)}{sign}{shorten(second, room - 3 - one)}"
    return shorten(text, room)
