"""Where the columns of a term sit among the columns of its grouping, and how a term is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.design.record import Design, Grouping


def term_slices(design: Design) -> tuple[slice, ...]:
    """Columns of every term inside the (l, K) block of its grouping.

    Parameters
    ----------
    design : Design
        The terms, in order.

    Returns
    -------
    tuple of slice, one per term
        Terms of one grouping are laid side by side in term order.
    """
    used = [0] * len(design.groupings)
    out = []
    for term in design.terms:
        out.append(slice(used[term.grouping], used[term.grouping] + term.k))
        used[term.grouping] += term.k
    return tuple(out)


def term_labels(design: Design) -> tuple[str, ...]:
    """Name the terms as lme4 does: ``Subject``, and ``Subject.1`` for a second term on the same factor."""
    met: dict[int, int] = {}
    out = []
    for term in design.terms:
        count = met.get(term.grouping, 0)
        met[term.grouping] = count + 1
        name = design.groupings[term.grouping].name
        out.append(f"{name}.{count}" if count else name)
    return tuple(out)


def grouping_columns(design: Design) -> tuple[tuple[str, ...], ...]:
    """Column names of the (l, K) block of every grouping, terms concatenated."""
    out: list[tuple[str, ...]] = [() for _ in design.groupings]
    for term in design.terms:
        out[term.grouping] += term.names
    return tuple(out)


def nested(inner: Grouping, outer: Grouping) -> bool:
    """Say whether every level of one grouping factor lies in a single level of another."""
    pairs = inner.codes.astype(np.int64) * len(outer.levels) + outer.codes
    return len(np.unique(pairs)) == len(np.unique(inner.codes))


def around(design: Design, f: int) -> tuple[int, ...]:
    """Positions of the other groupings that those of `f` lie in: the county of a location."""
    groupings = design.groupings
    return tuple(h for h in range(len(groupings)) if h != f and nested(groupings[f], groupings[h]))


def grouping_index(design: Design, name: object) -> int:
    """Position of a grouping factor by its printed name (``"Subject"``, ``"Machine:Worker"``)."""
    from henderson.errors import OptionError

    names = [g.name for g in design.groupings]
    if name in names:
        return names.index(str(name))
    raise OptionError(
        f"No grouping factor called {name!r} in this model. The model has: {', '.join(map(repr, names))}."
    )
