"""What each data set is: its columns with units and levels, and the publication that it comes from.

The facts live in ``files/registry.json`` beside the CSV files, so that a data set is added without touching
code.
"""

from __future__ import annotations

import difflib
import json
import textwrap
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

from ..errors import OptionError

_WIDTH = 80  # columns of a terminal, for printing

Kind = Literal["number", "integer", "factor"]


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    Attributes
    ----------
    name : str
        As in the CSV header.
    kind : {"number", "integer", "factor"}
        What `load` makes of it: float64, int64 or a categorical.
    about : str
        What was measured.
    unit : str
        Unit of measurement; empty for factors.
    levels : tuple of str
        Declared levels in order, the first being the reference level; empty unless a factor.
    """

    name: str
    kind: Kind
    about: str
    unit: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """Description of one data set; printing it shows everything.

    Attributes
    ----------
    name, title, description : str
        The name that `load` takes, and what the data are.
    formula : str
        A model that is commonly fitted to them.
    reference : str
        The original publication.
    distributed : str
        The R package and object whose copy of the numbers was converted.
    rows : int
        Number of observations.
    columns : tuple of Column
        In the order of the CSV file.
    """

    name: str
    title: str
    description: str
    formula: str
    reference: str
    distributed: str
    rows: int
    columns: tuple[Column, ...]

    def __str__(self) -> str:
        width = max(len(column.name) for column in self.columns)
        rows = [_wrap(f"  {column.name:<{width}}  {_detail(column)}", width + 4) for column in self.columns]
        head = [f"{self.name}: {self.title}", _wrap(self.description), ""]
        shape = f"{self.rows} rows, {len(self.columns)} columns"
        tail = ["", f"A common model: {self.formula}", _wrap(f"From: {self.reference}", 6)]
        return "\n".join([*head, shape, *rows, *tail])


def _wrap(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=" " * indent, drop_whitespace=True)


def _detail(column: Column) -> str:
    if column.kind == "factor":
        return f"factor, {len(column.levels)} levels: {column.about}"
    return f"{column.kind}: {column.about}" + (f" ({column.unit})" if column.unit else "")


def folder() -> Traversable:
    """Return the folder of CSV files inside the installed package."""
    return files("henderson.datasets") / "files"


@cache
def registry() -> dict[str, DataSet]:
    """Return every data set by name, read once from ``registry.json``."""
    raw = json.loads((folder() / "registry.json").read_text(encoding="utf-8"))
    return {name: _data_set(name, entry) for name, entry in raw.items()}


def _data_set(name: str, entry: dict) -> DataSet:
    columns = tuple(
        Column(**{**column, "levels": tuple(column.get("levels", ()))}) for column in entry["columns"]
    )
    return DataSet(name, **{**entry, "columns": columns})


def names() -> list[str]:
    """Return the names that `load` takes.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> from henderson import datasets
    >>> datasets.names()
    ['cbpp', 'dyestuff', 'dyestuff2', 'machines', 'orthodont', 'pastes', 'penicillin', 'sleepstudy']
    """
    return sorted(registry())


def describe(name: str) -> DataSet:
    """Return what is known of a data set: columns, units, levels, source and a common model.

    Parameters
    ----------
    name : str
        One of `names()`.

    Returns
    -------
    DataSet
        A record that prints itself.

    Raises
    ------
    OptionError
        If there is no data set of that name; the message suggests the nearest one.

    Examples
    --------
    >>> from henderson import datasets
    >>> print(datasets.describe("dyestuff"))
    dyestuff: Yield of dyestuff by batch
    Five preparations of a dyestuff from each of six batches of an intermediate product.
    <BLANKLINE>
    30 rows, 2 columns
      Batch  factor, 6 levels: batch of the intermediate product, H-acid
      Yield  number: yield of Naphthalene Black 12B (grams of standard colour)
    <BLANKLINE>
    A common model: Yield ~ 1 + (1 | Batch)
    From: Davies, O. L. & Goldsmith, P. L. (eds) (1972). Statistical Methods in
          Research and Production, 4th ed. Oliver and Boyd, Edinburgh, section 6.4.
    """
    known = registry()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name).lower(), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(f"There is no data set named {name!r}.{hint} Available: {', '.join(names())}.")
