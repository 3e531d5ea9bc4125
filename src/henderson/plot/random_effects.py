"""Random effects as a sample: their distribution, and how two of them go together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ..inference.solver import is_iterative
from ..inference.variance import factor_of
from .canvas import BLUE, GREY, ORANGE, grouping, label, new_axes, of_a_fit
from .effects import effect_column
from .labels import name_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..results import LinearMixedFit

SHARES = (0.5, 0.8, 0.95)
_MOST_NAMES, _NAMED, _FEWEST = 20, 6, 10


@of_a_fit
def ranef_distribution(
    fit: LinearMixedFit, group: str | None = None, effect: str | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw the conditional modes of one effect as a histogram, with the normal density of the model.

    Fewer than ten levels are marked one by one. The modes are shrunk, so that they spread less than the
    model's curve, the more so the fewer rows the groups have.

    Parameters
    ----------
    fit : LinearMixedFit
        Any fit.
    group : str, optional
        Grouping factor; by default the first of the model.
    effect : str, optional
        Column of the random effects; by default the first.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If the grouping factor or the effect is not in the model.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.ranef_distribution(fit, effect="Days").get_xlabel()
    'effect of Days by Subject'
    """
    f, factor = grouping(fit, group)
    effects = fit.ranef[factor.name]
    column = effect_column(effects.names, effect, factor.name)
    modes, sd = effects.values[:, column], float(np.sqrt(covariance(fit, f)[column, column]))
    ax = new_axes(ax)
    binned = len(modes) >= _FEWEST and np.ptp(modes) > 0
    if binned:
        ax.hist(modes, bins="auto", density=True, color=BLUE, alpha=0.35, edgecolor="white", label="levels")
    if len(modes) <= 500:
        words = "" if binned else "levels"
        size, width = (12, 1.1) if binned else (26, 1.8)
        ax.plot(modes, np.zeros(len(modes)), "|", ms=size, mew=width, color=BLUE, clip_on=False, label=words)
    if sd > 0:
        reach = max(3.2 * sd, float(np.abs(modes).max(initial=0.0)))
        at = np.linspace(-reach, reach, 201)
        density = np.exp(-0.5 * (at / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        ax.plot(at, density, color=ORANGE, lw=1.7, label=f"model, sd {sd:.4g}")
    else:
        ax.axvline(0, color=ORANGE, lw=1.7, label="model, sd 0")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=9, markerscale=1.0 if binned else 0.4)
    name = effects.names[column]
    return label(
        ax, x=f"effect of {name} by {factor.name}", y="density", title=f"{len(modes)} levels of {factor.name}"
    )


def covariance(fit: LinearMixedFit, f: int) -> np.ndarray:
    """Return the covariance (K, K) of the effects of grouping `f`."""
    root = fit.sigma * factor_of(fit.design, fit.estimate, f)
    return np.asarray(root @ root.T)


@of_a_fit
def ranef_correlation(
    fit: LinearMixedFit,
    group: str | None = None,
    effects: tuple[str, str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw two effects of every level against each other, with contours of their distribution.

    Bars are conditional standard deviations, which iterative fits do not have; contours hold 50, 80 and 95 %
    of the levels in the population.

    Parameters
    ----------
    fit : LinearMixedFit
        A fit with two effects on one grouping factor.
    group : str, optional
        Grouping factor; by default the first that has two effects.
    effects : pair of str, optional
        Columns of the random effects; by default the first two.
    ax : Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        If there are not two effects, or not these.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> hd.plot.ranef_correlation(fit).get_title(loc="left")
    'Random effects of Subject, correlation 0.07'
    """
    if group is None:
        group = next((g for g, e in fit.ranef.items() if len(e.names) > 1), None)
    f, factor = grouping(fit, group)
    found = fit.ranef[factor.name]
    if len(found.names) < 2:
        raise OptionError(f"{factor.name!r} has one effect only; draw it with plot.ranef_distribution(fit).")
    pair: Any = found.names[:2] if effects is None else effects
    if isinstance(pair, str) or len(pair) != 2:
        raise OptionError(f"effects={effects!r}: give two of {', '.join(map(repr, found.names))}.")
    at = [effect_column(found.names, name, factor.name) for name in pair]
    matrix = covariance(fit, f)[np.ix_(at, at)]
    ax = new_axes(ax, 5.6, 5.0)
    ax.axhline(0, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=0)
    ax.axvline(0, color=GREY, lw=0.7, ls=(0, (4, 3)), zorder=0)
    contours(ax, np.zeros(2), matrix)
    sd = None if is_iterative(fit.estimate) else found.sd[:, at]
    _levels(ax, found.values[:, at], sd, [str(level) for level in factor.levels])
    size = np.sqrt(np.diag(matrix))
    known = size.min() > 0
    words = f"{matrix[0, 1] / size.prod():.2f}".replace("-", "−") if known else "not defined"
    title = f"Random effects of {factor.name}, correlation {words}"
    return label(ax, x=pair[0], y=pair[1], title=title)


def contours(ax: Axes, centre: np.ndarray, matrix: np.ndarray, *, named: bool = True) -> None:
    """Draw the ellipses that hold 50, 80 and 95 % of a normal distribution in the plane."""
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    turn = np.linspace(0, 2 * np.pi, 181)
    circle = np.vstack([np.cos(turn), np.sin(turn)])
    for share in SHARES:
        line = centre[:, None] + np.sqrt(-2 * np.log(1 - share)) * root @ circle
        ax.plot(*line, color=ORANGE, lw=0.8, alpha=0.55, zorder=1)
        if named:
            ax.annotate(
                f"{100 * share:.0f} %", line[:, int(line[1].argmax())], (0, 2), textcoords="offset points",
                ha="center", fontsize=8, color=ORANGE,
            )  # fmt: skip


def _levels(ax: Axes, modes: np.ndarray, sd: np.ndarray | None, names: list[str]) -> None:
    many = len(modes) > _MOST_NAMES
    bars = sd is not None and not many
    if sd is not None and bars:
        x, y = modes.T
        ax.hlines(y, x - sd[:, 0], x + sd[:, 0], color=BLUE, lw=0.6, alpha=0.4)
        ax.vlines(x, y - sd[:, 1], y + sd[:, 1], color=BLUE, lw=0.6, alpha=0.4)
    ax.plot(*modes.T, "o", ms=3 if many else 5, color=BLUE, alpha=0.6 if many else 1.0)
    scale = np.where(modes.std(axis=0) > 0, modes.std(axis=0), 1.0)
    far = np.argsort(-((modes / scale) ** 2).sum(axis=1))[: _NAMED if many else len(modes)]
    words = "Contours: 50, 80, 95 % of the population." + (" Bars: ± 1 conditional sd." if bars else "")
    ax.annotate(words, (0, 0), (3, 3), "axes fraction", textcoords="offset points", fontsize=7.5, color=GREY)
    name_points(ax, modes[far], [names[g] for g in far], modes)
