"""All tables of a model: which are asked for, around which centres, and that they agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

from henderson.errors import DataError
from henderson.lazy.plan import CONSTANT, Atom
from henderson.lazy.requests import (
    Block,
    Request,
    all_atoms,
    covers,
    merged,
    pair,
    pair_request,
    single_request,
    whole_request,
    wide_request,
)
from henderson.lazy.stage import Stage
from henderson.lazy.survey import Sample, count_rows, sample
from henderson.lazy.tables import Table, read_table

_FAR = 30.0
"""Standard deviations between a provisional centre and the mean beyond which the sums are formed anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What came back from the engine.

    Attributes
    ----------
    blocks : tuple of Block
        Grouping factors, in order of appearance.
    single : tuple of Table
        Of each of them.
    pairs : dict of (int, int) to Table
        Of every two of them, the smaller number first.
    whole : Table
        The one that holds all products of X and the response.
    centres : dict of Atom to float
        What was subtracted from the numbers.
    few : frozenset of Atom
        Numbers that may have at most two different values.
    """

    blocks: tuple[Block, ...]
    single: tuple[Table, ...]
    pairs: dict[tuple[int, int], Table]
    whole: Table
    centres: dict[Atom, float]
    few: frozenset[Atom]


def read_tables(stage: Stage, blocks: tuple[Block, ...], *, wide: bool = False) -> Tables:
    """Read all tables of a model.

    Parameters
    ----------
    stage : Stage
    blocks : tuple of Block
        Its grouping factors.
    wide : bool
        Whether the table of every grouping factor has the columns of all terms, for sums that add.

    Returns
    -------
    Tables

    Raises
    ------
    DataError
        An engine failed; or tables disagree, because the data changed while they were read.
    """
    atoms = all_atoms(stage.plan, blocks)
    singles = [
        wide_request(stage.plan, blocks, block) if wide else single_request(stage.plan, block)
        for block in blocks
    ]
    pairs = {(i, j): pair_request(blocks[i], blocks[j]) for i, j in combinations(range(len(blocks)), 2)}
    keys = tuple(dict.fromkeys(key for request in (*singles, *pairs.values()) for key in request.keys))
    seen = sample(stage, keys, atoms)
    if seen.n == 0:
        count_rows(stage, 0)
    whole = whole_request(stage.plan, blocks)
    final = choose([whole, *singles, *pairs.values()], set(singles), seen)
    centres = dict(seen.centres)
    for _ in range(3):
        read = {
            request: read_table(stage, request, centres, plain=covers(request, whole)) for request in final
        }
        table = {
            r: next(t for large, t in read.items() if covers(large, r))
            for r in (whole, *singles, *pairs.values())
        }
        better = recentred(table[whole], atoms, centres)
        if better is None:
            break
        centres = better
    check_agreement(stage, list(read.values()))
    return Tables(
        blocks,
        tuple(table[r] for r in singles),
        {place: table[r] for place, r in pairs.items()},
        table[whole],
        centres | {CONSTANT: 0.0},
        seen.few,
    )


def choose(requests: list[Request], singles: set[Request], seen: Sample) -> list[Request]:
    """Merge requests whose keys are among those of another, where that makes no table much larger.

    Parameters
    ----------
    requests : list of Request
        The first is the table of all products of X and the response: it goes into the smallest that fits.
    singles : set of Request
        Tables of one grouping factor: these hold sums of everything anyway.
    seen : Sample
        Tells whether combinations of keys come back often.

    Returns
    -------
    list of Request
    """
    whole, rest = requests[0], list(dict.fromkeys(requests[1:]))
    sizes = {request: seen.different(request.keys) for request in rest}
    homes = [r for r in rest if set(whole.keys) <= set(r.keys) and r in singles]
    home = min(homes, key=sizes.__getitem__, default=None)
    wide = {home: merged(home, whole)} if home is not None else {}
    kept: list[Request] = [] if wide else [whole]
    for request in sorted(rest, key=lambda r: len(r.keys), reverse=True):
        grown = wide.get(request, request)
        for i, large in enumerate(kept):
            fits = set(request.keys) <= set(large.keys)
            if fits and (seen.repeats(large.keys) or large.keys in {s.keys for s in singles}):
                kept[i] = merged(large, grown)
                break
        else:
            kept.append(grown)
    return kept


def recentred(whole: Table, atoms: tuple[Atom, ...], centres: dict[Atom, float]) -> dict[Atom, float] | None:
    """Return better centres where a provisional one turned out far from the mean; None where all are near."""
    n = float(whole.n.sum())
    better, far = dict(centres), False
    for a in atoms:
        if a == CONSTANT:
            continue
        shift = float(whole.plain[pair(CONSTANT, a)].sum()) / n
        square = float(whole.plain[pair(a, a)].sum()) / n
        deviation = math.sqrt(max(square - shift * shift, 0.0))
        if abs(shift) > _FAR * deviation and abs(shift) > 1e-14 * abs(centres[a]):
            better[a], far = centres[a] + shift, True
    return better if far else None


def check_agreement(stage: Stage, tables: list[Table]) -> None:
    """Refuse tables that count different numbers of rows."""
    counts = [int(table.n.sum()) for table in tables]
    if len(set(counts)) > 1:
        raise changed(stage, f"one pass met {min(counts)} complete rows, another {max(counts)}")


def changed(stage: Stage, what: str) -> DataError:
    """Return the error for data that were not the same in all passes."""
    return DataError(
        f"The data on {stage.lazy.engine} changed while they were read: {what}. Nothing was fitted. Fit a "
        "snapshot: a table or file that nobody writes to, without random or time-dependent parts."
    )
