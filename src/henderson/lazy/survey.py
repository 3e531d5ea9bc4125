"""The first pass: what a few rows and a few totals tell before anything is grouped."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np

from henderson.data import Numbers, open_frame
from henderson.errors import DataError
from henderson.lazy.engines import Lazy, run
from henderson.lazy.plan import CONSTANT, Atom, Key
from henderson.lazy.stage import Stage, count_where, missing

SAMPLE = 10_000
_REPEATS = 0.5
"""Share of different keys in the sample below which a table by these keys is small."""


class Sample(NamedTuple):
    """The first complete rows.

    Attributes
    ----------
    n : int
        How many.
    centres : dict of Atom to float
        Mean of every number in them: provisional centres.
    keys : dict of Key to (n,) int
        Codes of every key.
    few : frozenset of Atom
        Numbers with at most two different values in them.
    """

    n: int
    centres: dict[Atom, float]
    keys: dict[Key, np.ndarray]
    few: frozenset[Atom]

    def different(self, keys: Iterable[Key]) -> int:
        """Return how many combinations of keys occur."""
        codes = np.zeros(self.n, dtype=np.int64)
        for key in keys:
            more = self.keys[key]
            codes = np.unique(codes * (int(more.max(initial=0)) + 1) + more, return_inverse=True)[1]
        return len(np.unique(codes))

    def repeats(self, keys: Iterable[Key]) -> bool:
        """Return whether combinations of keys come back often, so that a table of them is small."""
        return self.different(keys) < _REPEATS * self.n


def read_numbers(frame: Any, name: str) -> np.ndarray:
    """Return a column of a result as (rows,) float64; NULL is NaN."""
    column = frame.column(name)
    if isinstance(column, Numbers):
        return column.values.astype(np.float64, copy=False)
    raise DataError(f"The engine returned no numbers for {name}.")


def codes_of(column: Any) -> np.ndarray:
    """Return (rows,) codes of a column of keys, whatever its kind."""
    if isinstance(column, Numbers):
        return np.unique(column.values, return_inverse=True)[1].astype(np.int64)
    return np.asarray(column.codes, dtype=np.int64)


def sample(stage: Stage, keys: tuple[Key, ...], atoms: tuple[Atom, ...]) -> Sample:
    """Read the first complete rows.

    Parameters
    ----------
    stage : Stage
    keys, atoms : tuple
        What to look at.

    Returns
    -------
    Sample
    """
    atoms = tuple(a for a in atoms if a != CONSTANT)
    names = [*(f"k{i}" for i in range(len(keys))), *(f"u{i}" for i in range(len(atoms)))]
    query = stage.rows(keys, atoms, weighted=False)
    query = query.select(*names) if names else query
    frame = open_frame(run(stage.lazy, query.head(SAMPLE), "reading the first rows"))
    values = {a: read_numbers(frame, f"u{i}") for i, a in enumerate(atoms)} if frame.n else {}
    few = frozenset(a for a, each in values.items() if len(np.unique(each[:64])) <= 2 >= len(np.unique(each)))
    codes = {key: codes_of(frame.column(f"k{i}")) for i, key in enumerate(keys)} if frame.n else {}
    return Sample(frame.n, {a: _centre(each) for a, each in values.items()}, codes, few)


def _centre(values: np.ndarray) -> float:
    """Return the mean; of equal values exactly that value."""
    least, largest = float(values.min()), float(values.max())
    centre = least if least == largest else float(values.mean())
    return centre if math.isfinite(centre) else 0.0


class Count(NamedTuple):
    """Rows of the input, and those with missing values by column."""

    n_input: int
    missing: tuple[tuple[str, int], ...]


def one_row(lazy: Lazy, query: Any, doing: str) -> dict[str, float]:
    """Run a query that gives one row of numbers."""
    frame = open_frame(run(lazy, query, doing))
    return {name: float(read_numbers(frame, name)[0]) for name in frame.names()}


def count_rows(stage: Stage, n: int) -> Count:
    """Count all rows, and say which columns made rows drop out.

    Parameters
    ----------
    stage : Stage
    n : int
        Rows used.

    Returns
    -------
    Count

    Raises
    ------
    DataError
        There are no rows; or none complete; or infinite values.
    """
    lazy, names = stage.lazy, stage.plan.raw()
    n_input = int(one_row(lazy, lazy.frame.select(nw.len().alias("rows")), "counting the rows")["rows"])
    if n_input == 0:
        raise DataError("The data have no rows.")
    if n_input == n:
        return Count(n_input, ())
    tests = [count_where(missing(name, lazy.types)).alias(f"m{i}") for i, name in enumerate(names)]
    counts = one_row(lazy, lazy.frame.select(*tests, *_infinite(stage)), "counting missing values")
    _refuse_infinite(stage, counts)
    lost = tuple((name, int(counts[f"m{i}"])) for i, name in enumerate(names) if counts[f"m{i}"] > 0)
    if n == 0:
        listed = ", ".join(f"{name} ({count})" for name, count in lost)
        raise DataError(f"No rows are left: every one of the {n_input} rows has a missing value in {listed}.")
    return Count(n_input, lost)


def _infinite(stage: Stage) -> list[Any]:
    """Return expressions that count infinite values, column by column."""
    types = stage.lazy.types
    return [
        count_where(~nw.col(name).is_finite() & ~missing(name, types)).alias(f"i{i}")
        for i, name in enumerate(stage.plan.raw())
        if types[name].is_float()
    ]


def _refuse_infinite(stage: Stage, counts: dict[str, float]) -> None:
    for i, name in enumerate(stage.plan.raw()):
        if counts.get(f"i{i}", 0) > 0:
            raise DataError(
                f"Column {name!r} holds infinite values in {int(counts[f'i{i}'])} rows on "
                f"{stage.lazy.engine}. Replace them, or make them missing."
            )


def refuse_infinite(stage: Stage) -> None:
    """Refuse infinite values in the columns used, as in memory."""
    tests = _infinite(stage)
    if tests:
        query = stage.lazy.frame.select(*tests)
        _refuse_infinite(stage, one_row(stage.lazy, query, "looking for infinite values"))


def explain_not_finite(stage: Stage, atoms: Iterable[Atom]) -> DataError:
    """Find out why a sum is no finite number.

    Parameters
    ----------
    stage : Stage
    atoms : iterable of Atom
        Numbers that were summed.

    Returns
    -------
    DataError
        Names the column or the expression, and how many rows.
    """
    refuse_infinite(stage)
    single = [a for a in atoms if len(a) == 1]
    query = stage.rows((), single, weighted=False)
    tests = [
        count_where(nw.col(f"u{i}").is_null() | ~nw.col(f"u{i}").is_finite()).alias(f"b{i}")
        for i in range(len(single))
    ]
    counts = one_row(stage.lazy, query.select(*tests), "looking for values that are not finite")
    for i, ((name, _),) in enumerate(single):
        if counts[f"b{i}"] > 0:
            shown = stage.plan.formula.response.name if name == "(response)" else name
            return not_finite(shown, int(counts[f"b{i}"]), stage.lazy.engine)
    return DataError(
        "Products of the columns are too large for floating point; rescale the columns they are made of."
    )


def check_weights(stage: Stage) -> None:
    """Refuse weights that are not positive."""
    name = stage.plan.weights
    if name is None:
        return
    query = stage.lazy.frame.filter(stage.complete).select(count_where(nw.col(name) <= 0).alias("bad"))
    bad = int(one_row(stage.lazy, query, "looking at the weights")["bad"])
    if bad:
        raise DataError(
            f"{bad} weights are zero or negative on {stage.lazy.engine}, in column {name!r}. The variance of "
            "a row is σ² divided by its weight; leave out rows that should not count."
        )


def not_finite(name: str, count: int, engine: str) -> DataError:
    """Return the error for a variable that is no finite number in some rows although its columns are."""
    return DataError(
        f"{name} is not a finite number in {count} rows on {engine}, although its columns are. "
        "Change the expression or leave these rows out."
    )
