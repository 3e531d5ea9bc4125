"""What is wrong with a model whatever the response: collinear columns, random terms that repeat others."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from henderson.inference.small_sample.collinear import collinear_columns

if TYPE_CHECKING:
    from henderson.crossprod.record import CrossProducts
    from henderson.design.record import Design, RandomTerm


def design_notes(design: Design, cross: CrossProducts) -> tuple[str, ...]:
    """Say which columns of X leave few digits, and which random terms repeat one another; empty mostly.

    Parameters
    ----------
    design : Design
    cross : CrossProducts
    """
    return tuple(text for text in (collinear_columns(design, cross), repeated_terms(design, cross)) if text)


def repeated_terms(design: Design, cross: CrossProducts) -> str:
    """Name two random terms that share a column on the same groups; empty mostly.

    Groups are the same where one factor is the other renamed, which the pairs of levels that meet tell.

    Parameters
    ----------
    design : Design
    cross : CrossProducts

    Returns
    -------
    str
        One sentence or a few, for the first two such terms.

    Notes
    -----
    Looks at sizes alone.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> repeated_terms(fit.design, fit.estimate.cross)
    ''
    """
    for one, two in combinations(design.terms, 2):
        shared = [name for name in one.names if name in two.names]
        if shared and (one.grouping == two.grouping or _alike(cross, one.grouping, two.grouping)):
            return _sentence(design, one, two, shared)
    return ""


def _alike(cross: CrossProducts, f: int, g: int) -> bool:
    """Whether two groupings divide the rows alike: as many levels, and as many pairs that meet."""
    levels = cross.levels[f]
    if cross.levels[g] != levels:
        return False
    for pair in cross.pairs:
        if {pair.first, pair.second} == {f, g}:
            return len(pair.partner) == levels
    return False


def _sentence(design: Design, one: RandomTerm, two: RandomTerm, shared: list[str]) -> str:
    first, second = (design.groupings[term.grouping] for term in (one, two))
    same = (
        f"both vary by {first.name}"
        if first is second
        else f"{first.name} and {second.name} divide the rows into the same {len(first.levels)} groups"
    )
    what = "intercept" if shared[0] == "(Intercept)" else shared[0]
    more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
    return (
        f"{_typed(one, first.name)} and {_typed(two, second.name)} say the same twice: {same}, and both "
        f"terms have the {what}{more}. The data know the sum of the two variances; how it is split between "
        "them is arbitrary. Leave one of the two out."
    )


def _typed(term: RandomTerm, group: str) -> str:
    names = ["1" if name == "(Intercept)" else name for name in term.names]
    return f"({' + '.join(names if '1' in names else ['0', *names])} | {group})"
