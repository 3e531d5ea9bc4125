"""Names beside points, each on the side where it covers least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .canvas import INK, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST, SIZE = 12, 7.5
WIDTH, HEIGHT = 0.6 * SIZE, 1.25 * SIZE  # of a letter and of a line, in points
SIDES = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1)])
GAP = 5.0  # from the point to its name, in points
_ALIGN = {1: "left", 0: "center", -1: "right"}, {1: "bottom", 0: "center", -1: "top"}


def name_points(
    ax: Axes, points: np.ndarray, names: list[str], others: np.ndarray, away: np.ndarray | None = None
) -> None:
    """Write a name beside every point, where it covers few points and no other name.

    Parameters
    ----------
    ax : Axes
        With everything else drawn, as the limits must stay.
    points : (m, 2) float64
        Data coordinates.
    names : list of str, length m
        Written in this order, so that the first have the best places.
    others : (r, 2) float64
        Points to leave free, besides.
    away : (m, 2) float64, optional
        Where an arrow comes from at each point; names keep off it.
    """
    scale = 72 / ax.figure.dpi
    ax.set_xlim(ax.get_xlim())  # names do not widen what is shown
    ax.set_ylim(ax.get_ylim())
    at, marks = (ax.transData.transform(p) * scale for p in (points, np.vstack([points, others])))
    frame = ax.transAxes.transform([[0, 0], [1, 1]]) * scale
    boxes: list[np.ndarray] = []
    for i, name in enumerate(names):
        text = shorten(name, LONGEST)
        size = np.array([WIDTH * len(text), HEIGHT])
        first = SIDES[0] if away is None else np.where(away[i] >= 0, 1, -1)
        sides = SIDES[np.argsort(-(SIDES @ first), kind="stable")]
        offered = [_box(at[i], size, side) for side in sides]
        cost = [_covered(box, marks, boxes, frame) + 0.01 * rank for rank, box in enumerate(offered)]
        best = int(np.argmin(cost))
        boxes.append(offered[best])
        right, up = (int(step) for step in sides[best])
        ax.annotate(
            text, points[i], (GAP * right, GAP * up * 0.8), textcoords="offset points", fontsize=SIZE,
            color=INK, ha=_ALIGN[0][right], va=_ALIGN[1][up],
        )  # fmt: skip


def _box(at: np.ndarray, size: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Corners (2, 2) of a name on one side of a point."""
    low = at + GAP * side * np.array([1.0, 0.8]) + size * (side - 1) / 2
    return np.array([low, low + size])


def _covered(box: np.ndarray, marks: np.ndarray, boxes: list[np.ndarray], frame: np.ndarray) -> float:
    """Count what a name would hide; another name, or the edge of the picture, counts most."""
    inside = ((marks > box[0] - 2) & (marks < box[1] + 2)).all(axis=1).sum()
    names = sum(bool((box[0] < other[1]).all() and (other[0] < box[1]).all()) for other in boxes)
    return float(inside + 5 * names + 5 * ((box[0] < frame[0]).any() or (box[1] > frame[1]).any()))
