"""Pooling as pictures: three lines for every group, and the way from its own estimates to the pooled ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from ..inference.new_data import new_rows
from .canvas import (
    BLUE,
    FAINT,
    GREY,
    INK,
    LONGEST_LABEL,
    ORANGE,
    dress,
    grouping,
    label,
    new_axes,
    shorten,
    spread,
)
from .covariate import Covariate, covariate
from .groups import MOST_PANELS, name_values, panel_title, panels
from .labels import name_points
from .lines import raw_columns, replays, typical_rows
from .random_effects import SHARES, contours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference.pooling.record import Method, PoolingRecord
    from ..results.pooling import Pooling

GREEN = "#009E73"
# Name, words, colour, dashes and width of the three lines; dashes tell them apart without colour.
LINES = (
    ("none", "no pooling", GREEN, (0, (1.2, 1.2)), 1.6),
    ("complete", "complete pooling", ORANGE, (0, (5, 2.5)), 1.2),
    ("partial", "partial pooling", BLUE, "-", 1.7),
)
_MOST_NAMES, _FEW_NAMES, _MOST_ROWS, _MOST_CENTRES = 20, 8, 45, 4


def lattice(
    result: Pooling, x: str | None = None, *, columns: int = 6, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw one panel per group: its data, and the lines of no, complete and partial pooling.

    The group's own line ends where its data do; the others, which borrow from all groups, go on.

    Parameters
    ----------
    result : Pooling
        From `henderson.pooling`.
    x : str, optional
        Variable to draw against; by default the first numeric one.
    columns : int
        Panels in a row.
    axes : array of Axes, optional
        One per panel; by default a new figure. At most 24 groups are drawn, spread evenly.

    Returns
    -------
    ndarray of Axes
        One per panel drawn.

    Raises
    ------
    OptionError
        If the model has no covariate, or not this one.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> found = hd.pooling("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> len(found.plot())
    18
    """
    fit, record = result.fit, result.record
    found = covariate(fit, x)
    if found is None:
        raise OptionError('This model has no covariate to draw against. Use .plot("shrinkage") instead.')
    _, factor = grouping(fit, record.group)
    shown = spread(len(factor.levels), MOST_PANELS if axes is None else np.size(axes))
    drawn = panels(len(shown), columns) if axes is None else np.ravel(axes)[: len(shown)]
    lines = _line_maker(result, found, factor.codes)
    for ax, level in zip(drawn, shown, strict=True):
        rows = factor.codes == level
        dress(ax).plot(found.values[rows], record.y[rows], "o", ms=3.5, mfc="none", color=GREY, mew=0.9)
        at, values = lines(int(level))
        for name, _, colour, dashes, width in LINES:
            one = np.count_nonzero(~np.isnan(values[name])) == 1  # a single place has no line
            ax.plot(at, values[name], ls=dashes, color=colour, lw=width, marker="_" if one else "", ms=9)
        ax.set_title(panel_title(str(factor.levels[level])), fontsize=9, color=INK, pad=3)
        name_values(ax, found)
    if axes is None:
        some = "" if len(shown) == len(factor.levels) else f" ({len(shown)} of {len(factor.levels)} shown)"
        _legend(drawn[0].figure, shorten(record.group, LONGEST_LABEL) + some)
        drawn[0].figure.supxlabel(found.name, fontsize=10, color=INK)
        drawn[0].figure.supylabel(fit.design.response, fontsize=10, color=INK)
    return np.asarray(drawn)


Lines = Callable[[int], tuple[np.ndarray, dict[str, np.ndarray]]]


def _line_maker(result: Pooling, found: Covariate, codes: np.ndarray) -> Lines:
    """Return a function from a group to places (m,) and the values there by method."""
    fit, record = result.fit, result.record
    if not replays(fit, found):
        return lambda level: _averages(record, found, np.flatnonzero(codes == level))
    raw = raw_columns(fit)
    names = [g.name for g in fit.design.groupings]
    inside = tuple(names.index(name) for name in (record.group, *record.around))

    def lines(level: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        own_rows = np.flatnonzero(codes == level)
        everywhere = np.arange(len(codes)) if found.labels is None else None  # so that few rows show a line
        at, new = typical_rows(found, raw, own_rows, everywhere)
        rows = new_rows(fit.design, fit.source, new, inside)
        columns = dict(zip(fit.design.x_names, rows.X.T, strict=True))
        for term, parts in zip(fit.design.terms, rows.columns, strict=True):
            if term.grouping in inside:
                columns = dict(zip(term.names, parts, strict=True)) | columns
        values = {name: rows.offset + _line(record, name, columns, level) for name, *_ in LINES}
        own = found.values[own_rows]
        beyond = (at < own.min()) | (at > own.max())
        values["none"] = np.where(beyond, np.nan, values["none"])
        return at, values

    return lines


def _line(record: PoolingRecord, name: str, columns: dict[str, np.ndarray], level: int) -> np.ndarray:
    """Sum of columns times coefficients; one that is unknown matters where its column is not zero."""
    method = record.method(name)
    assert method is not None
    terms, coef = (
        (record.x_names, method.population) if name == "complete" else (method.terms, method.coef[level])
    )
    parts = [np.where(columns[t] == 0, 0.0, columns[t] * c) for t, c in zip(terms, coef, strict=True)]
    return np.asarray(np.sum(parts, axis=0))


def _averages(
    record: PoolingRecord, found: Covariate, rows: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Without the data the fitted values of rows that share x are averaged."""
    at, place = np.unique(found.values[rows], return_inverse=True)
    count = np.bincount(place)
    values = {}
    for name, *_ in LINES:
        method = record.method(name)
        assert method is not None
        values[name] = np.bincount(place, weights=method.fitted[rows]) / count
    return at, values


def _legend(figure: Any, group: str) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], marker="o", mfc="none", ls="", color=GREY, label=f"data of each {group}")]
    handles += [Line2D([], [], color=c, lw=w, ls=d, label=words) for _, words, c, d, w in LINES]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=9)


def shrinkage(result: Pooling, terms: tuple[str, str] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw an arrow for every group, from its own estimates to the partially pooled ones.

    The contours hold 50, 80 and 95 % of the groups in the population that the mixed model describes.

    Parameters
    ----------
    result : Pooling
        From `henderson.pooling`.
    terms : pair of str, optional
        Coefficients to draw against each other; by default the first two on which groups differ. Where they
        differ on one only, groups are drawn below each other.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If a term is unknown.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> found = hd.pooling("Yield ~ 1 + (1 | Batch)", hd.datasets.load("dyestuff"))
    >>> found.plot("shrinkage").get_ylabel()
    'Batch'
    """
    record = result.record
    chosen = _chosen_terms(record, terms)
    if len(chosen) == 1:
        return _one_way(record, chosen[0], ax)
    ax = new_axes(ax, 6.4, 5.4)
    own, pooled, centre = (_points(record, name, chosen) for name in ("none", "partial", "centre"))
    at = [record.names.index(term) for term in chosen]
    centres = np.unique(centre.round(12), axis=0)
    for j, point in enumerate(centres[:_MOST_CENTRES]):
        contours(ax, point, record.covariance[np.ix_(at, at)], named=j == 0)
    _arrows(ax, own, pooled, len(own))
    ax.plot(*centres[:_MOST_CENTRES].T, "P", ms=9, color=ORANGE, mec="white", label="population", zorder=5)
    _name_points(ax, own, pooled, [str(level) for level in record.levels])
    ax.legend(loc="best", frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)
    title = f"From each {shorten(record.group, LONGEST_LABEL)} alone to partial pooling"
    return label(ax, x=chosen[0], y=chosen[1], title=title)


def _chosen_terms(record: PoolingRecord, terms: tuple[str, str] | None) -> tuple[str, ...]:
    partial = record.method("partial")
    assert partial is not None
    known = partial.terms
    if terms is None:
        return tuple(t for t in known if t in record.varying)[:2] or known[:1]
    if isinstance(terms, str) or len(terms) not in (1, 2) or not set(terms) <= set(known):
        raise OptionError(f"terms={terms!r}: choose one or two of {', '.join(map(repr, known))}.")
    return tuple(terms)


def _points(record: PoolingRecord, name: str, terms: tuple[str, ...]) -> np.ndarray:
    """Coefficients (G, len(terms)) of a method, or of the population in each group."""
    if name == "centre":
        return np.column_stack([record.centre[:, record.line_terms.index(t)] for t in terms])
    method: Method | None = record.method(name)
    assert method is not None
    return np.column_stack([method.coef[:, method.terms.index(t)] for t in terms])


def _arrows(ax: Axes, own: np.ndarray, pooled: np.ndarray, count: int) -> None:
    both = ~np.isnan(own).any(axis=1)
    width = 1.1 if count <= 60 else 0.6
    for a, b in zip(own[both], pooled[both], strict=True):
        ax.annotate(
            "", b, a, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": width, "shrinkA": 2, "shrinkB": 2}
        )
    size = 5.5 if count <= 60 else 3
    ax.plot(*own[both].T, "o", ms=size, mfc="white", mec=GREEN, mew=1.4, label="alone (no pooling)")
    ax.plot(*pooled.T, "o", ms=size, color=BLUE, label="partial pooling")


def _name_points(ax: Axes, own: np.ndarray, pooled: np.ndarray, names: list[str]) -> None:
    """Name all groups where they are few, else those with the longest arrows."""
    known = ~np.isnan(own).any(axis=1)
    place = np.where(known[:, None], own, pooled)
    size = np.abs(place - pooled).max(axis=0, initial=0.0)
    away = (place - pooled) / np.where(size > 0, size, 1.0)
    count = len(names) if len(names) <= _MOST_NAMES else _FEW_NAMES
    far = np.argsort(-(away**2).sum(axis=1))[:count]
    name_points(ax, place[far], [names[g] for g in far], np.vstack([place, pooled]), away[far])


def _one_way(record: PoolingRecord, term: str, ax: Axes | None) -> Axes:
    """Arrows below each other, for groups that differ in one coefficient; bands hold 50, 80 and 95 %."""
    own, pooled, centre = (_points(record, name, (term,))[:, 0] for name in ("none", "partial", "centre"))
    shown = spread(len(own), _MOST_ROWS)
    order = shown[np.argsort(pooled[shown])]
    ax = new_axes(ax, 6.0, max(2.6, 0.2 * len(order) + 1.4))
    sd = float(np.sqrt(record.covariance[record.names.index(term), record.names.index(term)]))
    _bands(ax, np.unique(centre.round(12))[:_MOST_CENTRES], sd)
    place = np.arange(len(order))
    for y, g in enumerate(order):
        ax.axhline(y, color=FAINT, lw=0.5, zorder=0)
        if not np.isnan(own[g]):
            ax.annotate(
                "", (pooled[g], y), (own[g], y),
                arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 1.1, "shrinkA": 2, "shrinkB": 2},
            )  # fmt: skip
    ax.plot(own[order], place, "o", ms=5.5, mfc="white", mec=GREEN, mew=1.4, label="alone (no pooling)")
    ax.plot(pooled[order], place, "o", ms=5.5, color=BLUE, label="partial pooling")
    ax.set_yticks(place, shorten_all([str(record.levels[g]) for g in order], 20))
    ax.margins(y=0.6 / max(1, len(order)))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9, borderaxespad=0)
    some = "" if len(order) == len(own) else f" ({len(order)} of {len(own)} shown)"
    return label(ax, x=f"{term} of each {record.group}", y=record.group + some)


def _bands(ax: Axes, centres: np.ndarray, sd: float) -> None:
    from scipy.special import ndtri

    for j, centre in enumerate(centres):
        ax.axvline(centre, color=ORANGE, lw=1.2, ls=(0, (5, 2.5)), label="" if j else "population", zorder=1)
        for share in SHARES if sd > 0 else ():
            half = sd * float(ndtri(0.5 + share / 2))
            ax.axvspan(centre - half, centre + half, color=ORANGE, alpha=0.07, lw=0, zorder=0)
