"""Where a fit came from: what the numbers alone do not tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a fit came from.

    Attributes
    ----------
    formula : str
        As typed.
    kind : {"pandas", "polars", "pyarrow"}
        Kind of frame that tables come back as.
    data : data frame or None
        The caller's columns, for `augment`; their values are not copied.
    weights, offset : str or None
        Their column names, where they were given as such.
    array_offset : bool
        Whether (part of) the offset was given as an array, which new rows cannot look up.
    env : mapping or None
        Functions of the caller's that the formula uses.
    rows : object
        Where the rows are that a fit was made from without reading them into memory: chunks or a lazy frame,
        which `augment` streams over; None for fits in memory and for sums alone.
    """

    formula: str
    kind: str = "pandas"
    data: object = None
    weights: str | None = None
    offset: str | None = None
    array_offset: bool = False
    env: Mapping[str, Callable[..., Any]] | None = None
    rows: Any = None

    def __reduce__(self) -> tuple[type[Source], tuple[Any, ...]]:
        kept = None if bound_to_a_session(self.rows) else self.rows
        given = self.formula, self.kind, self.data, self.weights, self.offset, self.array_offset, self.env
        return Source, (*given, kept)


def bound_to_a_session(rows: object) -> bool:
    """Whether a lazy frame belongs to a connection or session of this process, and cannot leave it."""
    return type(rows).__module__.split(".")[0] in ("duckdb", "_duckdb", "pyspark", "ibis")
