"""A study of another size: more or fewer groups, more or fewer rows in each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from henderson.design.record import Design, Grouping
from henderson.design.spec import DesignSpec
from henderson.errors import DesignError
from henderson.inference.layout import nested


def extended(design: Design, along: int, n_groups: int | None, n_within: int | None) -> Design:
    """Return the design of a study with other numbers of groups, or of rows per group.

    New groups repeat the rows of the old ones, all of them in turn; a part of them is spread evenly, so that
    what differs between groups stays balanced. The same holds for rows within a group.

    Parameters
    ----------
    design : Design
        n rows.
    along : int
        The grouping factor whose levels are the groups.
    n_groups : int or None
        Groups wanted; None for as many as there are.
    n_within : int or None
        Rows wanted in each group; None for as many as each has.

    Returns
    -------
    Design
        Without response (zeros), and knowing no label of its groups. Grouping factors nested in `along` get
        new levels with every copy; the levels of all others stay what they are.

    Raises
    ------
    DesignError
        The rows left cannot tell all fixed effects apart.

    Notes
    -----
    O(rows wanted x columns).
    """
    rows, group, copy = _rows(design.groupings[along], n_groups, n_within)
    X = np.asfortranarray(design.X[rows])
    _check_rank(X, design.x_names, n_groups, n_within)
    return replace(
        design,
        y=np.zeros(len(rows)),
        X=X,
        offset=None if design.offset is None else design.offset[rows],
        weights=None if design.weights is None else design.weights[rows],
        groupings=tuple(
            _regrouped(g, design.groupings[along], f == along, rows, group, copy)
            for f, g in enumerate(design.groupings)
        ),
        terms=tuple(replace(t, columns=tuple(c[rows] for c in t.columns)) for t in design.terms),
        kept_rows=None,
        n_input=len(rows),
        spec=_without_levels(design),
        missing=(),
    )


def chosen(count: int, wanted: int) -> np.ndarray:
    """Return which of `count` things to take so that there are `wanted`: all in turn, a part spread evenly.

    Examples
    --------
    >>> chosen(4, 6).tolist(), chosen(6, 3).tolist()
    ([0, 1, 2, 3, 0, 3], [0, 2, 5])
    """
    whole, part = divmod(wanted, count)
    spread = np.linspace(0, count - 1, part).round()  # both ends: they tell most about a trend
    return np.concatenate([np.tile(np.arange(count), whole), spread]).astype(np.int64)


def _rows(
    grouping: Grouping, n_groups: int | None, n_within: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the design to take, and for each the new group and which copy of its group it belongs to."""
    levels = len(grouping.levels)
    order = np.argsort(grouping.codes, kind="stable")
    own = np.split(order, np.cumsum(np.bincount(grouping.codes, minlength=levels))[:-1])
    if n_within is not None:
        own = [rows[chosen(len(rows), n_within)] for rows in own]
    wanted = chosen(levels, levels if n_groups is None else n_groups)
    rows = np.concatenate([own[g] for g in wanted])
    sizes = [len(own[g]) for g in wanted]
    turn = np.arange(len(wanted)) // levels
    return rows, np.repeat(np.arange(len(wanted)), sizes), np.repeat(turn, sizes)


def _regrouped(
    grouping: Grouping, along: Grouping, same: bool, rows: np.ndarray, group: np.ndarray, copy: np.ndarray
) -> Grouping:
    codes = grouping.codes[rows].astype(np.int64)
    if same:
        codes = group
    elif nested(grouping, along):
        codes = codes + copy * len(grouping.levels)
    found, new = np.unique(codes, return_inverse=True)
    return Grouping(grouping.name, new.astype(np.int32), tuple(range(1, len(found) + 1)))


def _without_levels(design: Design) -> DesignSpec | None:
    """The terms and factors of the design, for tests of them; rows of any group are new to it."""
    if design.spec is None:
        return None
    unknown = [
        replace(
            g,
            factors=tuple(() for _ in g.factors),
            combinations=None if g.combinations is None else g.combinations[:0],
            levels=(),
        )
        for g in design.spec.groupings
    ]
    return replace(design.spec, groupings=tuple(unknown))


def _check_rank(X: np.ndarray, names: tuple[str, ...], n_groups: int | None, n_within: int | None) -> None:
    size = np.sqrt((X * X).sum(axis=0))
    flat = [name for name, s in zip(names, size, strict=True) if s == 0]
    scaled = X / np.where(size > 0, size, 1.0)
    if not flat and (X.shape[1] == 0 or np.linalg.eigvalsh(scaled.T @ scaled)[0] > 1e-10):
        return
    wanted = [f"{k}={v}" for k, v in (("n_groups", n_groups), ("n_within", n_within)) if v is not None]
    raise DesignError(
        f"With {', '.join(wanted) or 'these rows'} the fixed effects {', '.join(flat or names)} cannot be "
        f"told apart: the {len(X)} rows do not vary enough. Ask for more groups or rows."
    )
