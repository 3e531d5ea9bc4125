"""Residuals against fitted values, and against the normal distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .canvas import BLUE, GREY, ORANGE, label, new_axes, of_a_fit, of_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

MOST_POINTS = 20_000  # beyond, an even share of the rows is drawn: the picture is the same and the file small


def smooth(
    x: np.ndarray, y: np.ndarray, span: float = 2 / 3, points: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Return a local linear smooth of y (n,) on x (n,) with tricube weights, at `points` places.

    Parameters
    ----------
    x, y : (n,) float64
        Where, and what.
    span : float
        Share of the rows that each place looks at.
    points : int
        Number of places, spread over the quantiles of x.

    Returns
    -------
    tuple of two (m,) float64, m <= points
        Distinct places in increasing order, and the smooth there.

    Notes
    -----
    Cost O(n · points).

    References
    ----------
    Cleveland, W. S. (1979), J. Am. Stat. Assoc. 74, 829-836, without the robustness steps.
    """
    at = np.unique(np.quantile(x, np.linspace(0, 1, points)))
    near = max(2, int(np.ceil(span * len(x))))
    values = np.empty(len(at))
    for j, place in enumerate(at):
        distance = np.abs(x - place)
        reach = np.partition(distance, near - 1)[near - 1] or 1.0
        weight = np.clip(1 - (distance / (1.0001 * reach)) ** 3, 0, None) ** 3
        centre = np.average(x, weights=weight)
        spread = np.average((x - centre) ** 2, weights=weight)
        slope = np.average((x - centre) * y, weights=weight) / spread if spread > 0 else 0.0
        values[j] = np.average(y, weights=weight) + slope * (place - centre)
    return at, values


def cloud(ax: Axes, x: np.ndarray, y: np.ndarray, level: float) -> None:
    """Draw y (n,) on x (n,) with a smooth, and the level at which the smooth should stay."""
    step = -(-len(x) // MOST_POINTS)
    x, y = x[::step], y[::step]
    ax.axhline(level, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
    points(ax, x, y)
    ax.plot(*smooth(x, y), color=ORANGE, lw=1.7)


@of_a_fit
def residuals(fit: LinearMixedFit, *, ax: Axes | None = None) -> Axes:
    """Draw residuals against fitted values, with a smooth that should stay near zero.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Residuals are those given the random effects, divided by σ, and weighted if the fit is.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.residuals(fit).get_xlabel()
    'fitted Reaction'
    """
    fitted, scaled = of_rows(fit.fitted), of_rows(fit.residuals("scaled"))
    ax = new_axes(ax)
    cloud(ax, fitted, scaled, 0)
    return label(ax, x=f"fitted {fit.design.response}", y="residual / σ", title="Residuals and fitted values")


@of_a_fit
def qq(fit: LinearMixedFit, *, ax: Axes | None = None) -> Axes:
    """Draw the sorted residuals against normal quantiles, with the line through the quartiles.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        Points on the line mean residuals that look normal.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.qq(fit).get_ylabel()
    'residual / σ'
    """
    from scipy.special import ndtri

    scaled = np.sort(of_rows(fit.residuals("scaled")))
    ax = new_axes(ax)
    normal = ndtri((np.arange(len(scaled)) + 0.5) / len(scaled))
    low, high = np.quantile(scaled, [0.25, 0.75])
    slope = (high - low) / (2 * ndtri(0.75))
    ax.axline((0, (low + high) / 2), slope=slope, color=ORANGE, lw=1.4)
    # The tails are where the picture is read: thin out the middle only.
    shown = np.unique(np.r_[: len(scaled) : -(-len(scaled) // MOST_POINTS), :200, -200:0] % len(scaled))
    points(ax, normal[shown], scaled[shown])
    return label(ax, x="normal quantile", y="residual / σ", title="Normal quantiles of the residuals")


def points(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw residuals (n,) as rings, small and pale where there are many."""
    many = len(x) > 2000
    ax.plot(
        x,
        y,
        "o",
        ms=2 if many else 4,
        mfc="none",
        mew=0.4 if many else 0.9,
        color=BLUE,
        alpha=0.4 if many else 0.8,
    )
