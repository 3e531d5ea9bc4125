"""One fixed effect over many responses: volcano plot and histogram of p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from .canvas import BLUE, FAINT, GREY, INK, ORANGE, label, made_from, new_axes

if TYPE_CHECKING:
    from ..inference.many.record import ManyRecord

KINDS = ("volcano", "p_values")
BINS = 20
LEAST_P = 1e-300


def many(record: ManyRecord, term: int, kind: str = "volcano", *, level: float = 0.05, ax: Any = None) -> Any:
    """Draw one fixed effect of the fits of many responses.

    Parameters
    ----------
    record : ManyRecord
    term : int
        Place of the fixed effect.
    kind : {"volcano", "p_values"}
        -log10 p against the estimate, discoveries in colour; or a histogram of the p-values with the height
        that it would have without any effect.
    level : float, default 0.05
        False discovery rate of the discoveries.
    ax : Axes, optional
        By default a new figure is made.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    OptionError
        For an unknown kind.
    MissingDependencyError
        If matplotlib is not installed.
    """
    made_from(record, "q_value", "the record of what hd.lmm_many() returned; type .plot() of that")
    if kind not in KINDS:
        raise OptionError(f"kind={kind!r}: choose among {', '.join(map(repr, KINDS))}.")
    ax = new_axes(ax, 5.4, 3.8)
    known = np.isfinite(record.p_value[:, term])
    p = np.maximum(record.p_value[known, term], LEAST_P)
    if kind == "p_values":
        _histogram(ax, p)
    else:
        _volcano(ax, record.estimate[known, term], p, record.q_value[known, term] < level, level)
    title = f"{record.terms[term]}, {known.sum():,} responses"
    above = 6.0 if kind == "p_values" else 18.0  # points; room for the line of the discoveries
    ax.set_title(title, fontsize=10, color=INK, loc="left", pad=above)
    return ax


def _volcano(ax: Any, estimate: np.ndarray, p: np.ndarray, found: np.ndarray, level: float) -> None:
    height, many = -np.log10(p), len(p) > 2000
    for chosen, colour in ((~found, GREY), (found, ORANGE)):
        ax.scatter(
            estimate[chosen],
            height[chosen],
            s=6 if many else 14,
            color=colour,
            alpha=0.5 if many else 0.8,
            linewidths=0,
            rasterized=many,
        )
    ax.axvline(0, color=FAINT, linewidth=1, zorder=0)
    label(ax, x="Estimate", y="$-\\log_{10}$ p")
    text = f"{int(found.sum()):,} below a false discovery rate of {level:g}"
    ax.annotate(
        text, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", fontsize=8.5, color=ORANGE
    )


def _histogram(ax: Any, p: np.ndarray) -> None:
    ax.hist(p, bins=np.linspace(0, 1, BINS + 1), color=BLUE, alpha=0.8, edgecolor="white", linewidth=0.6)
    ax.axhline(len(p) / BINS, color=ORANGE, linewidth=1.2, linestyle="--")
    label(ax, x="p-value", y="Responses")
