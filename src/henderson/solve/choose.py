"""Direct or iterative: which, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from henderson.crossprod.record import CrossProducts
from henderson.errors import OptionError
from henderson.solve.cost import (
    SHARE_OF_MEMORY,
    counts,
    direct_cost,
    is_hopeless,
    memory_of_machine,
    refuse_too_many_vectors,
    size_in_words,
    time_in_words,
)
from henderson.solve.direct import analyse

SOLVERS = ("auto", "direct", "iterative")
PATIENCE = 60.0
"""Predicted seconds up to which a direct fit, which is exact, is preferred to a faster iterative one."""

FEW_EQUATIONS = 100
"""Random effects up to which a factor costs less than predicting what it would cost."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A solver and the reason.

    Attributes
    ----------
    solver : str
        ``direct`` or ``iterative``.
    reason : str
        One sentence.
    asked : str
        What was asked for: ``auto``, ``direct`` or ``iterative``.
    system : compiled System or None
        Symbolic analysis, where one was made.
    """

    solver: str
    reason: str
    asked: str
    system: Any = field(default=None, compare=False, repr=False)


def choose(cross: CrossProducts, solver: str, system: Any = None) -> Choice:
    """Choose the solver of a fit.

    Parameters
    ----------
    cross : CrossProducts
    solver : {"auto", "direct", "iterative"}
        `auto` predicts memory and time of the direct solver by its symbolic analysis, which is itself left
        out where it might not fit.
    system : compiled System, optional
        An analysis already made; direct then.

    Returns
    -------
    Choice

    Raises
    ------
    OptionError
        Another solver.
    FitError
        ``direct`` where even the analysis would not fit; no memory for the vectors of ``iterative``.
    """
    if solver not in SOLVERS:
        raise OptionError(f"solver={solver!r}: choose 'auto', 'direct' or 'iterative'.")
    if solver == "iterative":
        refuse_too_many_vectors(cross)
        return Choice("iterative", "asked for", solver)
    if system is not None:
        return Choice("direct", "the same design has been factored before", solver, system)
    if solver == "auto" and cross.q <= FEW_EQUATIONS:
        return Choice("direct", f"there are only {cross.q} random effects", solver, analyse(cross))
    found = counts(cross)
    if solver == "auto" and is_hopeless(found):
        refuse_too_many_vectors(cross)
        return Choice(
            "iterative",
            f"a factor could take {size_in_words(found.densest_factor)} of "
            f"{size_in_words(memory_of_machine())} memory",
            solver,
        )
    system = analyse(cross)
    if solver == "direct":
        return Choice("direct", "asked for", solver, system)
    size, seconds = direct_cost(system.structure())
    factor = f"a factor takes {size_in_words(size)} and a fit {time_in_words(seconds)} of one thread"
    if size > SHARE_OF_MEMORY * memory_of_machine() or seconds > max(PATIENCE, found.iterative_seconds):
        return Choice("iterative", factor, solver)
    return Choice("direct", factor, solver, system)
