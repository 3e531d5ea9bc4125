"""The printed summary, laid out as statsmodels prints it: text, HTML and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TITLE = "Mixed Linear Model Regression Results"
_LATEX = {"#": "\\#", "$": "\\$", "%": "\\%", "&": "\\&", ">": "$>$", "_": "\\_", "|": "$|$"}


@dataclass(frozen=True, slots=True)
class Grid:
    """One table of formatted cells.

    Attributes
    ----------
    rows : list of list of str
        Cells, all rows of one length.
    heads : list of str or None
        Above the columns.
    stubs : list of str or None
        Before the rows.
    align : {"l", "r"}
        Of the cells.
    """

    rows: list[list[str]]
    heads: list[str] | None
    stubs: list[str] | None
    align: str

    def cells(self) -> list[list[tuple[str, str]]]:
        """Return all rows as (kind, text), heads and stubs among them."""
        body = [[("data", cell) for cell in row] for row in self.rows]
        if self.stubs is not None:
            body = [[("stub", stub), *row] for stub, row in zip(self.stubs, body, strict=True)]
        if self.heads is None:
            return body
        corner = [("empty", "")] if self.stubs is not None else []
        return [[*corner, *(("head", head) for head in self.heads)], *body]


class Summary:
    """What ``result.summary()`` returns.

    Parameters
    ----------
    info : list of (str, str)
        Facts about the fit.
    names : list of str
        Rows of the table of coefficients.
    heads : list of str
        Its columns.
    cells : list of list of str
        Its cells.
    title : str
        Above it all.

    Attributes
    ----------
    tables : list of DataFrame
        The facts, and the coefficients.
    """

    def __init__(
        self,
        info: Sequence[tuple[str, str]],
        names: list[str],
        heads: list[str],
        cells: list[list[str]],
        title: str,
    ) -> None:
        import pandas as pd

        pairs = [*info, *[("", "")] * (len(info) % 2)]
        half = len(pairs) // 2
        facts = [[*left, *right] for left, right in zip(pairs[:half], pairs[half:], strict=True)]
        self.title, self.extra_txt = title, list[str]()
        self.tables = [pd.DataFrame(facts), pd.DataFrame(cells, index=names, columns=heads)]

    def _grids(self) -> list[Grid]:
        facts, table = self.tables
        return [
            Grid(facts.astype(str).to_numpy().tolist(), None, None, "l"),
            Grid(
                table.astype(str).to_numpy().tolist(), list(map(str, table)), list(map(str, table.index)), "r"
            ),
        ]

    def add_text(self, string: str) -> None:
        """Append a note."""
        self.extra_txt.append(string)

    def as_text(self) -> str:
        """Return the summary as text."""
        return summary_text(self._grids(), self.title, self.extra_txt)

    def as_html(self) -> str:
        """Return the summary as HTML."""
        notes = "<br/>\n".join(note.replace("\n", "<br/>\n") for note in self.extra_txt)
        return "\n".join(map(grid_html, self._grids())) + f"<br/>\n{notes}"

    def as_latex(self, label: str = "") -> str:
        """Return the summary as a LaTeX table."""
        head = ["\\begin{table}", f"\\caption{{{self.title}}}", f"\\label{{{label}}}"]
        body = "\n\n".join(map(grid_latex, self._grids()))
        return (
            "\n".join([*head, body, "\\end{table}"]) + "\n\\bigskip\n" + " \\newline \n".join(self.extra_txt)
        )

    def __str__(self) -> str:
        return self.as_text()

    def __repr__(self) -> str:
        return f'{type(self)}\n"""\n{self}\n"""'

    def _repr_html_(self) -> str:
        return self.as_html()

    def _repr_latex_(self) -> str:
        return self.as_latex()


def summary_text(grids: list[Grid], title: str, notes: list[str]) -> str:
    """Set tables below each other to one width, between double rules."""
    import textwrap

    lengths = [len(grid_lines(grid)[0]) for grid in grids]
    widest, lines = max(lengths), list[str]()
    for grid, length in zip(grids, lengths, strict=True):
        gaps = max(len(grid.rows[0]) - 1, 1)
        wider = (widest - length) // gaps
        lines += grid_lines(grid, wider, widest - length - gaps * wider)
    lines[0] = "=" * widest
    lines.append("=" * widest)
    head = " " * int(widest / 2 - len(title) / 2) + title if len(title) < widest else title
    below = "\n".join("\n".join(textwrap.wrap(note, widest)) for note in notes)
    return "\n".join([head, *lines, below])


def grid_lines(grid: Grid, wider: int = 0, first: int = 0) -> list[str]:
    """Lines of one table: a rule, the heads and a rule below them, the rows.

    Parameters
    ----------
    grid : Grid
        The table.
    wider : int
        Blanks added between columns.
    first : int
        Blanks added after the first column.
    """
    rows = grid.cells()
    rows = [
        [
            (kind, text + " " * first if j == 0 and kind in ("stub", "data") else text)
            for j, (kind, text) in enumerate(row)
        ]
        for row in rows
    ]
    widths = [max(len(text) for _, text in column) for column in zip(*rows, strict=True)]
    joint = " " * (wider + 1)
    lines = [
        joint.join(
            _set(text, width, kind, grid.align) for (kind, text), width in zip(row, widths, strict=True)
        )
        for row in rows
    ]
    if grid.heads is not None:
        lines.insert(1, "-" * len(lines[0]))
    return ["-" * len(lines[-1]), *lines]


def _set(text: str, width: int, kind: str, align: str) -> str:
    if kind == "stub" or (kind == "data" and align == "l"):
        return text.ljust(width)
    return text.rjust(width) if kind == "data" else text.center(width)


def grid_html(grid: Grid) -> str:
    """One table as HTML."""
    tags = {"data": "td", "empty": "td", "head": "th", "stub": "th"}
    rows = [[f"<{tags[kind]}>{_escaped(text)}</{tags[kind]}>" for kind, text in row] for row in grid.cells()]
    left = [[kind == "stub" for kind, _ in row] for row in grid.cells()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        " ".join(
            text.ljust(width) if stub else text.center(width)
            for text, width, stub in zip(row, widths, stubs, strict=True)
        )
        for row, stubs in zip(rows, left, strict=True)
    ]
    return "\n".join(
        ['<table class="simpletable">', *(f"<tr>\n  {line}\n</tr>" for line in lines), "</table>"]
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def grid_latex(grid: Grid) -> str:
    """One table as LaTeX."""
    rows = [[(kind, _latex(text)) for kind, text in row] for row in grid.cells()]
    widths = [max(len(text) for _, text in column) for column in zip(*rows, strict=True)]
    align = {"stub": "l", "data": grid.align, "head": grid.align, "empty": grid.align}
    lines = []
    for row in rows:
        cells = [
            text.ljust(width) if align[kind] == "l" else text.rjust(width)
            for (kind, text), width in zip(row, widths, strict=True)
        ]
        lines.append(" & ".join(cells) + "  \\\\")
    if grid.heads is not None:
        lines.insert(1, "\\hline")
    spec = "".join(align[kind] for kind, _ in rows[-1])
    out = ["\\begin{center}", f"\\begin{{tabular}}{{{spec}}}", "\\hline", *lines, "\\hline"]
    return "\n".join([*out, "\\end{tabular}", "\\end{center}"]).replace("$$", " ")


def _latex(text: str) -> str:
    for plain, escaped in sorted(_LATEX.items()):
        text = text.replace(plain, escaped)
    return text


def number(x: Any) -> str:
    """Three decimals; empty where there is no number."""
    import math

    return f"{x:.3f}" if math.isfinite(x) else ""
