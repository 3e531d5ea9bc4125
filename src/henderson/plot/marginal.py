"""Marginal means, slopes and contrasts with their intervals, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.means import ADJUST_NAMES, estimate_name
from ..display.names import shorten_all
from ..errors import OptionError
from ..inference.means.arrows import comparison_arrows
from ..inference.means.contrasts import mean_labels
from ..results.marginal import EMContrasts, EMMeans, Estimates
from .canvas import BLUE, FAINT, GREY, INK, LONGEST_LABEL, ORANGE, label, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference.means.evaluate import Evaluated

_MOST_LABELS = 60
_PALE = "#9CCBE6"


def means(
    table: Estimates,
    *,
    letters: bool = False,
    arrows: bool = False,
    alpha: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Draw estimates as points with their confidence intervals, one row each, groups below one another.

    Contrasts are drawn against the line of no difference; those whose interval leaves it out are dark.

    Parameters
    ----------
    table : EMMeans or EMContrasts
        From ``fit.emmeans``, ``fit.emtrends`` or their ``contrast``; its level and adjustment make the bars.
    letters : bool, default False
        Of means: write the compact letters (`EMMeans.letters`) beside them.
    arrows : bool, default False
        Of means: draw comparison arrows; two means of a group differ significantly where the arrows that
        point towards each other do not overlap, as nearly as arrows can show it.
    alpha : float, default 0.05
        Level of significance of letters and arrows, by Tukey's comparisons.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If `table` is no table of means or contrasts, or letters or arrows are asked of contrasts.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> hd.plot.means(fit.emmeans("Machine"), letters=True).get_xlabel()
    'mean and 95 % interval'
    """
    _check(table, letters or arrows)
    record = table.record
    rows, places, names, heads = _layout(table)
    ax = new_axes(ax, 6.0, max(1.9, 0.3 * (len(rows) + len(heads)) + 1.1))
    _intervals(ax, record, rows, places)
    if arrows:
        _arrows(ax, table, rows, places, alpha)
    if letters and isinstance(table, EMMeans):
        _letters(ax, table, rows, places, alpha)
    _name_rows(ax, places, names, heads)
    by = f" by {', '.join(record.linear.by)}" if record.linear.by else ""
    what = ", ".join(name for name in record.linear.keys if name not in record.linear.by)
    return label(ax, x=_axis_name(record), title=(what if what != "contrast" else "contrasts") + by)


def _axis_name(record: Evaluated) -> str:
    """What is drawn, how sure it is, and whether the intervals are adjusted."""
    what = {"emmean": "mean", "response": "mean"}.get(estimate_name(record), estimate_name(record))
    adjust = "bonferroni" if record.question.adjust in ("holm", "fdr") else record.question.adjust
    how = f", {ADJUST_NAMES[adjust]} adjustment" if adjust in ADJUST_NAMES else ""
    return f"{what} and {100 * record.question.level:g} % interval{how}"


def _check(table: object, marks: bool) -> None:
    if not isinstance(table, Estimates):
        raise OptionError(
            f"plot.means() draws what fit.emmeans() or fit.emtrends() returns, not {type(table).__name__}."
        )
    if marks and isinstance(table, EMContrasts):
        raise OptionError(
            "letters= and arrows= are for means; contrasts are compared with 0 by their intervals."
        )


def _layout(table: Estimates) -> tuple[np.ndarray, np.ndarray, list[str], list[tuple[float, str]]]:
    """Rows that can be drawn, their heights from the top, their names, and the headings of groups."""
    linear = table.record.linear
    rows: list[int] = []
    places: list[float] = []
    names: list[str] = []
    heads: list[tuple[float, str]] = []
    at = 0.0
    for group in linear.groups():
        if linear.by:
            heads.append(
                (at, ", ".join(f"{name} = {_text(linear.keys[name][group[0]])}" for name in linear.by))
            )
            at += 1
        for i, name in zip(group, mean_labels(linear, group), strict=True):
            rows.append(int(i))
            places.append(at)
            names.append(name + ("" if linear.estimable[i] else " (not estimable)"))
            at += 1
        at += 0.4
    return np.array(rows), np.array(places), names, heads


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _intervals(ax: Axes, record: Evaluated, rows: np.ndarray, places: np.ndarray) -> None:
    estimate, low, high = (getattr(record, name)[rows] for name in ("estimate", "conf_low", "conf_high"))
    clear = np.ones(len(rows), dtype=bool)
    if record.linear.role == "contrast":
        nothing = 1.0 if record.back == "ratio" else 0.0
        ax.axvline(nothing, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
        clear = ~((low <= nothing) & (nothing <= high))
    many = len(rows) > _MOST_LABELS
    for mask, colour in ((~clear, _PALE), (clear, BLUE)):
        ax.hlines(places[mask], low[mask], high[mask], color=colour, lw=0.8 if many else 2.2, zorder=2)
        ax.plot(estimate[mask], places[mask], "o", ms=2 if many else 5.5, color=colour, zorder=3)


def _arrows(ax: Axes, table: Estimates, rows: np.ndarray, places: np.ndarray, alpha: float) -> None:
    """Draw comparison arrows a little below the intervals."""
    found = comparison_arrows(table.record, table.sample, alpha)
    for i, at in zip(rows, places, strict=True):
        for end in (found.left[i], found.right[i]):
            if np.isfinite(end) and end != table.record.estimate[i]:
                ax.annotate(
                    "",
                    (end, at + 0.22),
                    (table.record.estimate[i], at + 0.22),
                    arrowprops={"arrowstyle": "-|>", "color": ORANGE, "lw": 1.3, "shrinkA": 0, "shrinkB": 0},
                    zorder=4,
                )


def _letters(ax: Axes, table: EMMeans, rows: np.ndarray, places: np.ndarray, alpha: float) -> None:
    found = table.letters(alpha).record
    of = dict(zip(found.order.tolist(), found.letters, strict=True))
    for i, at in zip(rows, places, strict=True):
        if np.isfinite(table.record.conf_high[i]):
            ax.annotate(
                of[int(i)],
                (table.record.conf_high[i], at),
                (7, 0),
                textcoords="offset points",
                va="center",
                color=INK,
                fontsize=9,
            )


def _name_rows(ax: Axes, places: np.ndarray, names: list[str], heads: list[tuple[float, str]]) -> None:
    if len(names) <= _MOST_LABELS:
        ticks = [*places.tolist(), *(at for at, _ in heads)]
        ax.set_yticks(ticks, shorten_all([*names, *(text for _, text in heads)], LONGEST_LABEL))
        for tick in ax.get_yticklabels()[len(names) :]:
            tick.set_fontweight("bold")
        for at in places:
            ax.axhline(at, color=FAINT, lw=0.6, zorder=0)
        ax.tick_params(axis="y", length=0)
    else:
        ax.set_yticks([])
        ax.annotate(
            f"{len(names)} rows", (0.02, 0.97), xycoords="axes fraction", color=GREY, fontsize=9, va="top"
        )
    ax.margins(x=0.08)
    ax.set_ylim(places.max() + 0.7, min([*places, *(at for at, _ in heads)]) - 0.7)
