"""Chunks of rows → their sums: in constant memory, on several threads, added in the order of the chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

from henderson.crossprod.chunk_sums import chunk_sums, units_of
from henderson.crossprod.combine import Accumulator
from henderson.crossprod.sums import Sums
from henderson.data import open_frame
from henderson.data.chunks import WHOLE, Chunk, Chunks, Names, reading
from henderson.design.build import random_part
from henderson.design.chunk import ChunkValues, Request, read_chunk
from henderson.design.learning import (
    Powers,
    check_level_calls,
    collect,
    collectors,
    given_states,
    state_of,
    unlearnt_calls,
)
from henderson.design.predictors import NumberTable
from henderson.design.wide import WidePlan
from henderson.errors import DataError, HendersonError, OptionError
from henderson.formula import ModelFormula, read_formula, read_sides
from henderson.formula.deparse import deparse
from henderson.progress import progress
from henderson.threads import sharing, threads

_PASSES = 4


def stream(request: Request, source: Chunks) -> Sums:
    """Sum products over all chunks of a source.

    One pass is enough: centres and scales of the first chunk serve for all of them and are settled exactly at
    the end, and levels are united as they come. Only functions that learn from all rows (``poly``, ``scale``,
    ``mean``, …) take a pass before, for counts, powers and extremes of their arguments.

    Parameters
    ----------
    request : Request
        Formula, weights, levels.
    source : Chunks
        Re-readable, if the formula has such functions.

    Returns
    -------
    Sums

    Raises
    ------
    DataError
        Naming the chunk: the reader failed, a column is missing or of another type, or a term needs all rows
        at once. The source changed between two passes. No rows.

    Notes
    -----
    O(n m^2) on all threads; memory for a few chunks and the result. The order of additions does not depend on
    the threads, so neither do the last digits.
    """
    names = needed_columns(request)
    _check_level_names(request, names)
    seen = None
    if names is not None:  # a dot has no functions beside it that could not wait for the first chunk
        request, seen = _learnt(request, source, names)
    found = _Sum(request, seen)
    for part in _in_order(source, names, found):
        found.take(part)
    return found.whole(source)


def needed_columns(request: Request) -> Names:
    """Columns that a formula reads, and those of weights and offset; None for all, where it has a dot."""
    env = frozenset(request.env)
    if read_sides(request.formula, env).has_dot:
        return None
    extra = [name for name in (request.weights, request.offset) if isinstance(name, str)]
    formula = read_formula(request.formula, env)
    random_part(formula)
    return tuple(dict.fromkeys([*formula.names, *extra]))


def _check_level_names(request: Request, names: Names) -> None:
    if names is None:
        return
    for name in request.levels:
        if name not in names:
            raise OptionError(
                f"levels= names {name!r}, which the formula does not. It has: {', '.join(names)}."
            )


class _Seen(NamedTuple):
    """What a pass met: complete rows, and moments of columns."""

    rows: int
    numbers: dict[str, NumberTable]


class _Sum:
    """The state of a pass: a plan once there are rows, and the sums so far."""

    def __init__(self, request: Request, seen: _Seen | None) -> None:
        self.request, self.expected = request, seen
        self.plan: WidePlan | None = None
        self.units: Any = None
        self.total: Accumulator | None = None
        self.n_input = self.chunks = 0
        self.missing: dict[str, int] = {}

    def first(self, chunk: Chunk) -> Sums | ChunkValues:
        """A chunk before there is a plan."""
        with calling(chunk):
            values, self.plan = read_chunk(self.request, chunk.data, None)
            if self.plan is None:
                return values
            self.units = units_of(self.plan, values)
            return chunk_sums(self.plan, values, *self.units)

    def further(self, chunk: Chunk, workers: int) -> Sums | ChunkValues:
        """A chunk like those before; runs on any thread."""
        assert self.plan is not None
        with calling(chunk), sharing(workers):
            values, _ = read_chunk(self.request, chunk.data, self.plan)
            return chunk_sums(self.plan, values, *self.units) if values.n else values

    def take(self, item: tuple[Chunk, Sums | ChunkValues]) -> None:
        """Add one part."""
        chunk, part = item
        self.chunks += 1
        if isinstance(part, ChunkValues):  # no complete row
            self.n_input += part.n_input
            for name, count in part.missing.items():
                self.missing[name] = self.missing.get(name, 0) + count
            return
        if self.total is None:
            self.total = Accumulator(part)
        with calling(chunk):
            self.total.add(part)

    def whole(self, source: Chunks) -> Sums:
        """Everything, put in order."""
        if self.total is None:
            if self.n_input == 0 and not source.again:
                raise DataError(
                    f"There are no rows in {source.where}. It can be read only once: where something has "
                    "read it before, make it anew, or give a function that returns one (lambda: …)."
                )
            missing = ", ".join(f"{name} ({count})" for name, count in self.missing.items())
            raise DataError(
                f"No complete row in {source.where}: {self.n_input} rows in {self.chunks} chunks"
                + (f", with missing values in {missing}." if missing else ".")
            )
        sums = self.total.finish()
        if self.expected is not None:
            _check_same(source, self.expected, _Seen(sums.n, sums.tables.numbers))
        missing_all = dict(sums.missing)
        for name, count in self.missing.items():
            missing_all[name] = missing_all.get(name, 0) + count
        return replace(sums, n_input=sums.n_input + self.n_input, missing=missing_all)


def _in_order(source: Chunks, names: Names, found: _Sum) -> Iterator[tuple[Chunk, Sums | ChunkValues]]:
    """Work on as many chunks as there are threads; hand the results out in the order of the chunks."""
    workers = threads()
    bar = progress(None, f"sums over {source.where}")
    chunks = reading(source, names)
    try:
        for chunk in chunks:
            part = found.first(chunk)
            bar.update(1)
            yield Chunk(None, chunk.called), part
            if found.plan is not None:
                break
        with ThreadPoolExecutor(workers) as pool:
            waiting: deque[tuple[Chunk, Future[Any]]] = deque()
            try:
                for chunk in chunks:
                    waiting.append((Chunk(None, chunk.called), pool.submit(found.further, chunk, workers)))
                    del chunk
                    if len(waiting) > workers:
                        yield _done(waiting, bar)
                while waiting:
                    yield _done(waiting, bar)
            finally:
                for _, future in waiting:
                    future.cancel()
    finally:
        bar.close()


def _done(waiting: deque[tuple[Chunk, Future[Any]]], bar: Any) -> tuple[Chunk, Any]:
    chunk, future = waiting.popleft()
    part = future.result()
    bar.update(1)
    return chunk, part


@contextmanager
def calling(chunk: Chunk) -> Iterator[None]:
    """Say of which chunk an error tells."""
    try:
        yield
    except HendersonError as error:
        if chunk.called == WHOLE:
            raise
        if isinstance(error, DataError):
            raise DataError(f"In {chunk.called}: {error}") from error
        error.add_note(f"In {chunk.called}.")
        raise


# -- functions of all rows -----------------------------------------------------------------------------------


def _learnt(request: Request, source: Chunks, names: Names) -> tuple[Request, _Seen | None]:
    """The request with the states of functions of all rows, and what was met of them if they were read."""
    formula = read_formula(request.formula, frozenset(request.env))
    check_level_calls(formula, request.levels)
    request = replace(request, states=given_states(formula, request.states))
    seen: _Seen | None = None
    for _ in range(_PASSES):
        waiting = unlearnt_calls(formula, request.states)
        if not waiting:
            break
        if not source.again:
            raise _once_only(waiting[0], source)
        found = collectors(formula, request.states)
        now = _collect_all(request, source, names, formula, found)
        if seen is not None:
            _check_same(source, seen, now)
        seen = now
        more = {deparse(powers.node): state_of(powers) for powers in found}
        request = replace(request, states={**request.states, **more})
    return request, seen


def _collect_all(
    request: Request, source: Chunks, names: Names, formula: ModelFormula, found: list[Powers]
) -> _Seen:
    count, numbers = 0, dict[str, NumberTable]()
    for chunk in reading(source, names):
        with calling(chunk):
            count += collect(request, formula, open_frame(chunk.data), found, numbers)
    if count == 0:
        raise DataError(f"No complete row in {source.where}.")
    return _Seen(count, numbers)


def _check_same(source: Chunks, before: _Seen, now: _Seen) -> None:
    """Stop where two passes met different rows: other counts, means or extremes."""
    if before.rows != now.rows:
        raise changed(source, before.rows, now.rows)
    for name, each in now.numbers.items():
        if name in before.numbers and before.numbers[name].differs(each):
            raise DataError(
                f"{source.where} changed while it was read: column {name!r} has other numbers in the second "
                f"pass (mean {each.mean:.8g}) than in the first ({before.numbers[name].mean:.8g}). Sums of "
                "both would belong to no data set; start again when nobody writes to it."
            )


def _once_only(node: Any, source: Chunks) -> DataError:
    return DataError(
        f"The term {deparse(node)} learns from all rows before it can be summed, and {source.where} can be "
        "read only once. Give a function that returns a fresh iterator (lambda: …) or the path of the files, "
        "or the numbers themselves: scale(x, 50, 10)."
    )


def changed(source: Chunks, before: int, now: int) -> DataError:
    """Return the error for rows that are not the same in two passes."""
    return DataError(
        f"{source.where} changed while it was read: {before} complete rows in the first pass, {now} in the "
        "second. Sums of both would belong to no data set; start again when nobody writes to it."
    )
