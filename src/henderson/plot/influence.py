"""Influence of groups and rows, and scaled residuals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..display.names import shorten_all
from ..errors import OptionError
from .canvas import (
    BLUE,
    FAINT,
    GREY,
    INK,
    LONGEST_LABEL,
    ORANGE,
    label,
    made_from,
    new_axes,
    of_a_fit,
    pyplot,
    shorten,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

MOST_GROUPS = 40
NAMED = 5
"""So many of the most influential among many are named."""


@of_a_fit
def cooks(fit: LinearMixedFit, by: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw Cook's distance of every group, or observation, that is left out.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    by : str, optional
        As in `fit.influence`: grouping factor, column, or ``"observation"``; by default the first factor.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Up to forty groups have their names beside them, largest on top; more are drawn in order with the
        largest five named. The dashed line is 1: the estimates move by as much as their own uncertainty.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.cooks(fit).get_xlabel()
    "Cook's distance"
    """
    record = fit.influence(by).record
    what = "row" if record.by == "observation" else record.by
    if len(record.levels) > MOST_GROUPS:
        return _needles(record, what, new_axes(ax))
    live = np.flatnonzero(np.isfinite(record.cooks_distance))
    order = live[np.argsort(record.cooks_distance[live])]
    values = record.cooks_distance[order]
    ax = new_axes(ax, height=max(2.4, 0.9 + 0.22 * len(order)))
    ax.hlines(range(len(order)), 0, values, color=FAINT, lw=2)
    ax.plot(values, range(len(order)), "o", color=BLUE, ms=5)
    _names(ax, [str(record.levels[i]) for i in order])
    _limit(ax.axvline, values)
    ax.set_xlim(left=0)
    return label(ax, x="Cook's distance", y=what, title=f"Influence of each {what}")


def _names(ax: Axes, names: list[str]) -> None:
    ax.set_yticks(range(len(names)), shorten_all(names, LONGEST_LABEL))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(names) - 0.3)


def _limit(line: Any, values: np.ndarray) -> None:
    """The line at 1, where it is in sight."""
    if len(values) and np.nanmax(values) > 0.5:
        line(1, color=ORANGE, lw=1.1, ls=(0, (4, 3)))


def _needles(record: Any, what: str, ax: Axes) -> Axes:
    values = np.nan_to_num(record.cooks_distance)
    ax.vlines(range(len(values)), 0, values, color=BLUE, lw=0.8)
    for i in np.argsort(-values)[:NAMED]:
        ax.annotate(
            shorten(str(record.levels[i]), 16),
            (i, values[i]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=INK,
        )
    _limit(ax.axhline, values)
    ax.set_ylim(0, 1.1 * values.max() or 1)
    ax.set_xticks([])
    return label(ax, x=f"{what}, in order", y="Cook's distance", title=f"Influence of each {what}")


@of_a_fit
def dfbetas(fit: LinearMixedFit, by: str | None = None, *, terms: Any = None) -> np.ndarray:
    """Draw how far each group, when left out, moves each fixed effect, in standard errors.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    by : str, optional
        As in `fit.influence`.
    terms : str or list of str, optional
        Fixed effects to draw; by default all but the intercept (it, when it is the only one), six at most.

    Returns
    -------
    (t,) array of Axes
        One panel per term, groups in one order: that of the largest change.

    Raises
    ------
    OptionError
        For an unknown term, or more groups than can be named (40).

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> [ax.get_title("left") for ax in hd.plot.dfbetas(fit)]
    ['Days']
    """
    record = fit.influence(by).record
    if len(record.levels) > MOST_GROUPS:
        raise OptionError(
            f"{len(record.levels)} groups of {record.by} are too many to name beside one another (at most "
            f"{MOST_GROUPS}): draw hd.plot.cooks(fit, {record.by!r}), or see fit.dfbetas({record.by!r})."
        )
    chosen = _terms(record.terms, terms)
    changes = record.dfbetas[:, chosen]
    live = np.flatnonzero(np.isfinite(changes).all(axis=1))
    order = live[np.argsort(np.abs(changes[live]).max(axis=1))]
    height = max(2.4, 1.1 + 0.22 * len(order))
    width = 1.8 + 2.6 * len(chosen)
    _, axes = pyplot().subplots(
        1, len(chosen), figsize=(width, height), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, j, column in zip(axes[0], chosen, changes[order].T, strict=True):
        new_axes(ax).axvline(0, color=GREY, lw=0.9)
        ax.hlines(range(len(order)), 0, column, color=FAINT, lw=2)
        ax.plot(column, range(len(order)), "o", color=BLUE, ms=5)
        label(ax, title=shorten(record.terms[j], LONGEST_LABEL))
    _names(axes[0, 0], [str(record.levels[i]) for i in order])
    what = "row" if record.by == "observation" else record.by
    label(axes[0, 0], y=what)
    axes[0, 0].figure.supxlabel(f"change without the {what}, in standard errors", fontsize=10, color=INK)
    return np.asarray(axes[0])


def _terms(names: tuple[str, ...], wanted: Any) -> list[int]:
    if wanted is None:
        chosen = [j for j, name in enumerate(names) if name != "(Intercept)"]
        return chosen[:6] or [0]
    given = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in given if name not in names]
    if unknown or not given:
        raise OptionError(f"terms={wanted!r}: choose among {', '.join(map(repr, names))}.")
    return [names.index(name) for name in given]


def scaled_residuals(fit: LinearMixedFit, **options: Any) -> np.ndarray:
    """Draw scaled residuals: against the uniform distribution, and against the predicted mean.

    Parameters
    ----------
    fit : LinearMixedFit or ScaledResiduals
        A fit, or what its `simulate_residuals` returned.
    **options
        Passed to `fit.simulate_residuals`.

    Returns
    -------
    (2,) array of Axes
        Left, sorted residuals with the band that independent uniform values keep to (95 % each place);
        right, residuals against the ranks of the predicted mean with their running quartiles, which should
        lie on the dashed lines.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> left, right = hd.plot.scaled_residuals(fit)
    >>> left.get_xlabel(), right.get_ylabel()
    ('uniform quantile', 'scaled residual')
    """
    found: Any = fit.simulate_residuals(**options) if hasattr(fit, "simulate_residuals") else fit
    what = "a fit made by hd.lmm() or what its simulate_residuals() returned"
    record = made_from(found, "record.residuals", what).record
    _, axes = pyplot().subplots(1, 2, figsize=(9, 4.2), layout="constrained")
    _uniform(new_axes(axes[0]), np.sort(record.residuals))
    _against(new_axes(axes[1]), record.predicted, record.residuals)
    return np.asarray(axes)


def _uniform(ax: Axes, u: np.ndarray) -> None:
    from scipy.special import betaincinv

    n = len(u)
    step = np.unique(np.linspace(0, n - 1, min(n, 4000)).round().astype(int))
    rank = step + 1.0
    band = [betaincinv(rank, n + 1 - rank, q) for q in (0.025, 0.975)]
    ax.fill_between(rank / (n + 1), *band, color=FAINT, lw=0)
    ax.plot(rank / (n + 1), u[step], "o", ms=3, mfc="none", mew=0.7, color=BLUE)
    ax.plot([0, 1], [0, 1], color=ORANGE, lw=1.2)
    label(ax, x="uniform quantile", y="scaled residual", title="Distribution")


def _against(ax: Axes, predicted: np.ndarray, u: np.ndarray) -> None:
    _, place, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    rank = ((np.cumsum(counts) - counts / 2) / len(u))[place]
    step = -(-len(u) // 20_000)
    ax.plot(rank[::step], u[::step], "o", ms=3, mfc="none", mew=0.6, color=BLUE, alpha=0.6)
    for level in (0.25, 0.5, 0.75):
        ax.axhline(level, color=GREY, lw=0.9, ls=(0, (4, 3)))
    if len(counts) > 1:
        for x, y in _running_quartiles(rank, u):
            ax.plot(x, y, color=ORANGE, lw=1.5)
    ax.set_ylim(-0.02, 1.02)
    label(ax, x="predicted mean, as rank", y="scaled residual", title="Quartiles along the prediction")


def _running_quartiles(rank: np.ndarray, u: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Quartiles within at most ten stretches of the ranks, none with fewer than ten rows."""
    bins = max(2, min(10, len(u) // 15, len(np.unique(rank))))
    which = np.minimum((rank * bins).astype(int), bins - 1)
    used = [b for b in range(bins) if (which == b).sum() >= 10]
    x = np.array([rank[which == b].mean() for b in used])
    return [(x, np.array([np.quantile(u[which == b], q) for b in used])) for q in (0.25, 0.5, 0.75)]
