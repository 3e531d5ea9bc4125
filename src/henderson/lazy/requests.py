"""Which tables of sums are needed, and which of them can be read off others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from henderson.formula import GroupingExpression, TermList
from henderson.lazy.plan import CONSTANT, RESPONSE, Atom, Key, Plan

Pair = tuple[Atom, Atom]


@dataclass(frozen=True, slots=True)
class Request:
    """One table of sums.

    Attributes
    ----------
    keys : tuple of Key
        What to group by.
    pairs : frozenset of (Atom, Atom)
        Products to be summed, each pair in sorted order.
    """

    keys: tuple[Key, ...]
    pairs: frozenset[Pair]


@dataclass(frozen=True, slots=True)
class Block:
    """One grouping factor: its random terms, what they vary by, and what they are made of.

    Attributes
    ----------
    grouping : GroupingExpression
    parts : tuple of int
        Places of its terms in the formula.
    keys : tuple of Key
        What its levels are read from.
    inner : tuple of Key
        What the columns of its terms depend on.
    atoms : tuple of Atom
        Numbers in its columns.
    """

    grouping: GroupingExpression
    parts: tuple[int, ...]
    keys: tuple[Key, ...]
    inner: tuple[Key, ...]
    atoms: tuple[Atom, ...]


def pair(a: Atom, b: Atom) -> Pair:
    """Return a pair of atoms in the order that tables use."""
    return (a, b) if a <= b else (b, a)


def pairs_between(first: Iterable[Atom], second: Iterable[Atom]) -> frozenset[Pair]:
    """Return all products of two lists of atoms."""
    second = tuple(second)
    return frozenset(pair(a, b) for a in first for b in second)


def blocks_of(plan: Plan) -> tuple[Block, ...]:
    """Return the grouping factors of a model in order of appearance."""
    parts: dict[str, list[int]] = {}
    for place, part in enumerate(plan.formula.random):
        parts.setdefault(part.grouping.name, []).append(place)
    out = []
    for places in parts.values():
        grouping = plan.formula.random[places[0]].grouping
        lists = [plan.formula.random[place].terms for place in places]
        inner = plan.keys_of(v for terms in lists for v in terms.variables)
        atoms = tuple(dict.fromkeys(a for terms in lists for a in plan.atoms_of(terms)))
        out.append(Block(grouping, tuple(places), plan.grouping_keys(grouping), inner, atoms))
    return tuple(out)


def _union(*lists: Iterable[Key]) -> tuple[Key, ...]:
    return tuple(dict.fromkeys(key for keys in lists for key in keys))


def fixed_atoms(plan: Plan) -> tuple[Atom, ...]:
    """Return the numbers in X and the response."""
    return (*plan.atoms_of(plan.formula.fixed), RESPONSE)


def fixed_keys(plan: Plan) -> tuple[Key, ...]:
    """Return what the columns of X depend on beside numbers."""
    terms: TermList = plan.formula.fixed
    return plan.keys_of(terms.variables)


def single_request(plan: Plan, block: Block) -> Request:
    """Return the table of one grouping factor: Z'Z and Z'[X y] by level."""
    pairs = pairs_between(block.atoms, (*block.atoms, *fixed_atoms(plan)))
    return Request(_union(block.keys, fixed_keys(plan), block.inner), pairs)


def whole_keys(plan: Plan, blocks: tuple[Block, ...]) -> tuple[Key, ...]:
    """Return what the columns of X and Z depend on beside numbers."""
    return _union(fixed_keys(plan), *(block.inner for block in blocks))


def all_atoms(plan: Plan, blocks: tuple[Block, ...]) -> tuple[Atom, ...]:
    """Return all numbers of a model, the constant first."""
    return tuple(dict.fromkeys((*fixed_atoms(plan), *(a for block in blocks for a in block.atoms))))


def whole_request(plan: Plan, blocks: tuple[Block, ...]) -> Request:
    """Return the table of the products of all columns, by the factors that these depend on."""
    atoms = all_atoms(plan, blocks)
    return Request(whole_keys(plan, blocks), pairs_between(atoms, atoms))


def wide_request(plan: Plan, blocks: tuple[Block, ...], block: Block) -> Request:
    """Return the table of one grouping factor with the columns of all terms, as sums that add keep them."""
    keys = _union(block.keys, whole_keys(plan, blocks))
    return Request(keys, pairs_between(block.atoms, all_atoms(plan, blocks)))


def pair_request(first: Block, second: Block) -> Request:
    """Return the table of two grouping factors: Z1'Z2 by pairs of levels that meet."""
    pairs = pairs_between(first.atoms, second.atoms) | {(CONSTANT, CONSTANT)}
    return Request(_union(first.keys, second.keys, first.inner, second.inner), frozenset(pairs))


def covers(large: Request, small: Request) -> bool:
    """Return whether one table tells all that another would."""
    return set(small.keys) <= set(large.keys) and small.pairs <= large.pairs


def merged(large: Request, small: Request) -> Request:
    """Return the table of the keys of the first with the products of both."""
    return Request(large.keys, large.pairs | small.pairs)
