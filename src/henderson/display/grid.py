"""Plain-text tables: aligned columns, wrapped matrices and wrapped sentences, at most 80 characters wide."""

from __future__ import annotations

import textwrap

WIDTH = 80


def columns_text(columns: list[list[str]], align: str, gap: str = " ") -> list[str]:
    """Lay columns of strings side by side.

    Parameters
    ----------
    columns : list of list of str
        All of one length; the first entry is the heading.
    align : str
        One of ``<`` and ``>`` per column.
    gap : str
        What stands between two columns.

    Returns
    -------
    list of str
        Lines without trailing blanks.
    """
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for row in zip(*columns, strict=True):
        cells = [c.ljust(w) if a == "<" else c.rjust(w) for c, w, a in zip(row, widths, align, strict=True)]
        lines.append(gap.join(cells).rstrip())
    return lines


def matrix_text(
    labels: list[str], headings: list[str], cells: list[list[str]], width: int = WIDTH
) -> list[str]:
    """Return A matrix under headings, continued below in further blocks of columns where it is too wide.

    Rows without any entry in a block are left out of it.
    """
    shown = [label for label, row in zip(labels, cells, strict=True) if any(cell.strip() for cell in row)]
    first = max(map(len, shown), default=0)
    widths = [max(len(h), *(len(row[j]) for row in cells)) for j, h in enumerate(headings)]
    lines: list[str] = []
    start = 0
    while start < len(headings):
        stop, used = start, first
        while stop < len(headings) and (stop == start or used + 1 + widths[stop] <= width):
            used += 1 + widths[stop]
            stop += 1
        block = range(start, stop)
        lines.append((" " * first + "".join(" " + headings[j].ljust(widths[j]) for j in block)).rstrip())
        for label, row in zip(labels, cells, strict=True):
            if any(row[j].strip() for j in block):
                lines.append(
                    (label.ljust(first) + "".join(" " + row[j].rjust(widths[j]) for j in block)).rstrip()
                )
        start = stop
    return lines


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Return A sentence in lines of at most `width` characters, continuation lines indented."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def wrapped_formula(text: str, width: int = WIDTH) -> list[str]:
    """Return a formula in lines of at most `width` characters, broken outside parentheses if possible."""
    depth, out, hold = 0, [], "\u00a0"
    for c in text:
        depth += (c == "(") - (c == ")")
        out.append(hold if c == " " and depth > 0 else c)
    lines = wrapped("".join(out), "    ", width)
    if any(len(line) > width - 8 and hold in line for line in lines):
        lines = wrapped(text, "    ", width)
    return [line.replace(hold, " ") for line in lines]
