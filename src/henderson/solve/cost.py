"""What a fit would cost, from counts of the pattern alone."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.errors import FitError

NUMBER = 8
SHARE_OF_MEMORY = 0.4
"""Share of the machine's memory that a factor may take."""
CHEAP_FILL = 5e7
"""Fill of the first step up to which a symbolic analysis is always affordable."""
OVERHEAD, PER_PAIR = 0.2, 7e-7
"""Seconds of an iterative fit: fixed, and per pair of levels on one thread (some eighty passes)."""
PER_FLOP, EVALUATIONS = 9e-11, 6
"""Seconds of an evaluation with its gradient per multiply-add of the factorisation on one thread, measured by
`python -m benchmarks.ordering`, and evaluations of a typical fit."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Sizes that decide between the solvers.

    Attributes
    ----------
    pairs : int
        Pairs of levels that meet in some row.
    rest : int
        Columns of Z outside the largest grouping.
    fill : float
        Entries that eliminating the largest grouping makes among the rest, each counted as often as it
        arises.
    """

    pairs: int
    rest: int
    fill: float

    @property
    def densest_factor(self) -> float:
        """Bytes of a factor and its inverse if nothing of the rest were sparse."""
        return 2 * NUMBER * float(self.rest) ** 2

    @property
    def iterative_bytes(self) -> float:
        """Bytes of the iterative solver beside the cross-products: pattern and some vectors."""
        return 4.0 * self.pairs + 20 * 8 * NUMBER * self.rest

    @property
    def iterative_seconds(self) -> float:
        """Seconds of an iterative fit on a design that hangs together well."""
        return OVERHEAD + PER_PAIR * self.pairs


def counts(cross: CrossProducts) -> Counts:
    """Count pairs and the fill of the first step. O(levels)."""
    first = max(range(len(cross.levels)), key=lambda f: cross.levels[f])
    met = np.zeros(cross.levels[first])
    for pair in cross.pairs:
        if pair.first == first:
            met += np.diff(pair.start) * float(cross.columns[pair.second])
    rest = cross.q - cross.levels[first] * cross.columns[first]
    return Counts(sum(len(p.partner) for p in cross.pairs), rest, float(met @ met))


def memory_of_machine() -> float:
    """Bytes of main memory; 8 GB where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8e9


def is_hopeless(found: Counts) -> bool:
    """Whether even the symbolic analysis may exceed the memory."""
    return found.fill > CHEAP_FILL and found.densest_factor > SHARE_OF_MEMORY * memory_of_machine()


def refuse_hopeless(cross: CrossProducts) -> None:
    """Stop before a symbolic analysis that would take all the memory."""
    found = counts(cross)
    if is_hopeless(found):
        raise FitError(
            f"A factor of these equations could take {size_in_words(found.densest_factor)}: "
            f"{found.rest} columns of Z meet through the {max(cross.levels)} levels of the largest grouping, "
            f"and this machine has {size_in_words(memory_of_machine())}. What needs a factor cannot be had "
            "here; estimates, standard errors and random effects can, with solver='iterative'."
        )


def refuse_too_many_vectors(cross: CrossProducts) -> None:
    """Stop before an iterative fit whose pattern and vectors would not fit."""
    found = counts(cross)
    if found.iterative_bytes > memory_of_machine():
        raise FitError(
            f"The iterative solver needs {size_in_words(found.iterative_bytes)} for {found.pairs} pairs of "
            f"levels and vectors of {found.rest} numbers; this machine has "
            f"{size_in_words(memory_of_machine())}. "
            "Fit a sample of the levels, or take a machine with more memory."
        )


def size_in_words(size: float) -> str:
    """Bytes as people read them."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def time_in_words(seconds: float) -> str:
    """Seconds as people read them; a fit has about a millisecond of its own.

    >>> [time_in_words(seconds) for seconds in (2e-9, 0.0042, 0.0323, 1.25, 61, 5400)]
    ['less than 1 ms', 'about 4.2 ms', 'about 32 ms', 'about 1.2 s', 'about 1 min', 'about 1.5 h']
    """
    if seconds < 1e-3:
        return "less than 1 ms"
    unit, scale = next(
        (unit, scale)
        for unit, scale in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3))
        if seconds >= 0.9995 * scale
    )
    number = f"{seconds / scale:.{0 if seconds >= 9.95 * scale else 1}f}".removesuffix(".0")
    return f"about {number} {unit}"


def direct_cost(structure: dict[str, float]) -> tuple[float, float]:
    """Bytes and seconds (one thread) of a direct fit from its symbolic analysis.

    Not of the threads there are: the same data shall have the same solver on every machine of that memory.
    """
    size = 2 * NUMBER * (float(structure["tail"]) ** 2 + float(structure["head_entries"]))
    return size, EVALUATIONS * PER_FLOP * float(structure["flops"])
