"""A new group as its rows arrive: the prediction settles, the shrinkage falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .canvas import BLUE, FAINT, GREY, INK, ORANGE, dress, label, pyplot, shorten
from .power_curve import COLOURS, STYLES

if TYPE_CHECKING:
    from ..inference.arrivals import ArrivalsRecord
    from ..results.arrivals import ArrivalsTable


def arrivals(result: ArrivalsTable, *, axes: Any = None) -> np.ndarray:
    """Draw prediction and shrinkage of a new group against the rows seen; known groups stand at the right.

    Parameters
    ----------
    result : ArrivalsTable
        From `LinearMixedFit.arrivals`.
    axes : two Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    array of two Axes
        Prediction with intervals; shrinkage of every effect.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> few = {"Days": [0, 1, 2], "Reaction": [310.0, 325.0, 330.0]}
    >>> left, right = fit.arrivals(few, at={"Days": [9]}).plot()
    >>> right.get_ylabel()
    'shrinkage'
    """
    record: ArrivalsRecord = result.record
    if axes is None:
        _, axes = pyplot().subplots(1, 2, figsize=(9.2, 3.9), layout="constrained")
    left, right = (dress(ax) for ax in np.ravel(axes)[:2])
    new = ~record.known
    x = np.where(new, record.rows, record.rows[new].max() + 1.5 + np.cumsum(record.known) - 1).astype(float)
    _predictions(left, record, x)
    _shrinkage(right, record, x)
    for ax in (left, right):
        ax.axvline(record.rows[new].max() + 0.75, color=FAINT, lw=1.0, visible=bool(record.known.any()))
        _name_states(ax, record, x)
    place = ", ".join(f"{name} = {value}" for name, value in record.place)
    label(left, x=f"rows seen of a new {record.group}", y=f"prediction{f' at {place}' if place else ''}")
    label(right, x=f"rows seen of a new {record.group}", y="shrinkage")
    return np.array([left, right])


def _predictions(ax: Any, record: ArrivalsRecord, x: np.ndarray) -> None:
    new = ~record.known
    population = record.estimate[new][0]
    ax.axhline(population, color=ORANGE, lw=1.1, ls=(0, (5, 2.5)), label="population", zorder=1)
    name = f"{100 * record.level:g} % {record.interval} interval"
    for mask, colour, words in ((new, BLUE, name), (record.known, GREY, "")):
        ax.vlines(x[mask], record.low[mask], record.high[mask], color=colour, lw=1.6, label=words or None)
        ax.plot(x[mask], record.estimate[mask], "o", ms=5.5, color=colour)
    ax.plot(x[new], record.estimate[new], "-", lw=0.8, color=BLUE, alpha=0.6)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0)


def _shrinkage(ax: Any, record: ArrivalsRecord, x: np.ndarray) -> None:
    new = ~record.known
    for k, term in enumerate(record.terms):
        colour, style = COLOURS[k % len(COLOURS)], STYLES[k % len(STYLES)]
        ax.plot(
            x[new], record.shrinkage[new, k], ls=style, marker="o", ms=5, color=colour, lw=1.5, label=term
        )
        ax.plot(
            x[record.known], record.shrinkage[record.known, k], "o", ms=5, mfc="white", mec=colour, mew=1.4
        )
    ax.set_ylim(-0.03, 1.03)
    ax.set_yticks(np.linspace(0, 1, 6), [f"{p} %" for p in range(0, 101, 20)])
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9, borderaxespad=0)


def _name_states(ax: Any, record: ArrivalsRecord, x: np.ndarray) -> None:
    new = ~record.known
    step = max(1, -(-int(new.sum()) // 12))
    at = [*x[new][::step], *x[record.known]]
    counts = [str(r) for r in record.rows[new][::step]]
    known = [
        f"{shorten(level, 12)}\n({rows})"
        for level, rows, old in zip(record.levels, record.rows, record.known, strict=True)
        if old
    ]
    ax.set_xticks(at, [*counts, *known], color=INK)
