"""The second pass: grouped sums of products, made on the engine, read as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from henderson.data import Column, open_frame
from henderson.lazy.engines import run
from henderson.lazy.plan import CONSTANT, Atom, Key
from henderson.lazy.requests import Pair, Request
from henderson.lazy.stage import WEIGHT, Stage, added
from henderson.lazy.survey import explain_not_finite, read_numbers


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Sums by cell.

    Attributes
    ----------
    keys : dict of Key to Column
        Label of every cell, (cells,).
    n : (cells,) float64
        Rows.
    sums : dict of (Atom, Atom) to (cells,) float64
        Sums of products of the centred numbers, times the weight where there is one.
    plain : dict of (Atom, Atom) to (cells,) float64
        The same without weights.
    log_weights : (cells,) float64 or None
        Sums of the logarithms of the weights.
    """

    keys: dict[Key, Column]
    n: np.ndarray
    sums: dict[Pair, np.ndarray]
    plain: dict[Pair, np.ndarray]
    log_weights: np.ndarray | None

    def matrix(self, first: tuple[Atom, ...], second: tuple[Atom, ...], *, plain: bool = False) -> np.ndarray:
        """(cells, a, b) sums of products of two lists of numbers."""
        held = self.plain if plain else self.sums
        out = np.empty((len(self.n), len(first), len(second)))
        for i, a in enumerate(first):
            for j, b in enumerate(second):
                out[:, i, j] = held[(a, b) if a <= b else (b, a)]
        return out


def read_table(stage: Stage, request: Request, centres: dict[Atom, float], *, plain: bool) -> Table:
    """Group and sum on the engine.

    Parameters
    ----------
    stage : Stage
    request : Request
        Keys and products.
    centres : dict of Atom to float
        Subtracted from every number before products are formed.
    plain : bool
        Whether sums without weights are wanted beside those with.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The engine failed, or a sum is not a finite number.
    """
    atoms = tuple(sorted({a for pair in request.pairs for a in pair if a != CONSTANT}))
    weighted = stage.plan.weights is not None
    pairs = sorted(request.pairs)
    columns, names = _products(atoms, pairs, weighted, plain)
    shifted = [
        (nw.col(f"u{i}") - centres[a]).alias(f"u{i}") for i, a in enumerate(atoms) if centres[a] != 0.0
    ]
    rows = added(added(stage.rows(request.keys, atoms), shifted), [e.alias(k) for k, e in columns.items()])
    keys = [f"k{i}" for i in range(len(request.keys))]
    totals = [nw.len().alias("n"), *(nw.col(name).sum() for name in names)]
    query = rows.group_by(*keys).agg(*totals) if keys else rows.select(*totals)
    by = ", ".join(key.name for key in request.keys)
    frame = open_frame(run(stage.lazy, query, f"the sums by {by}"))
    return _read(frame, request, atoms, pairs, weighted, plain, stage)


def _products(
    atoms: tuple[Atom, ...], pairs: list[Pair], weighted: bool, plain: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the columns to add, and the names of all that is summed."""
    place = {a: i for i, a in enumerate(atoms)}
    columns: dict[str, Any] = {}
    names: list[str] = []
    for i, (a, b) in enumerate(pairs):
        factors = [nw.col(f"u{place[each]}") for each in (a, b) if each != CONSTANT]
        value = None if not factors else factors[0] if len(factors) == 1 else factors[0] * factors[1]
        if weighted:
            columns[f"p{i}"] = nw.col(WEIGHT) if value is None else value * nw.col(WEIGHT)
            names.append(f"p{i}")
        if value is not None and (plain or not weighted):
            name = f"u{place[a if a != CONSTANT else b]}" if len(factors) == 1 else f"q{i}"
            if len(factors) == 2:
                columns[name] = value
            names.append(name)
    if weighted and plain:
        columns["logw"] = nw.col(WEIGHT).log()
        names.append("logw")
    return columns, names


def _read(
    frame: Any,
    request: Request,
    atoms: tuple[Atom, ...],
    pairs: list[Pair],
    weighted: bool,
    plain: bool,
    stage: Stage,
) -> Table:
    place = {a: i for i, a in enumerate(atoms)}
    n = read_numbers(frame, "n")
    without: dict[Pair, np.ndarray] = {}
    with_weights: dict[Pair, np.ndarray] = {}
    for i, (a, b) in enumerate(pairs):
        if plain or not weighted:
            alone = a if b == CONSTANT else b
            single = a == CONSTANT or b == CONSTANT
            name = "n" if alone == CONSTANT else f"u{place[alone]}" if single else f"q{i}"
            without[(a, b)] = n if name == "n" else read_numbers(frame, name)
        if weighted:
            with_weights[(a, b)] = read_numbers(frame, f"p{i}")
    sums = with_weights if weighted else without
    with np.errstate(invalid="ignore"):  # infinities of both signs; the error below says where
        total = sum(float(values.sum()) for values in (*sums.values(), *without.values()))
    if not np.isfinite(total):
        raise explain_not_finite(stage, atoms)
    logs = read_numbers(frame, "logw") if weighted and plain else None
    keys = {key: frame.column(f"k{i}") for i, key in enumerate(request.keys)}
    return Table(keys, n, sums, without, logs)
