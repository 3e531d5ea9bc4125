"""What all pictures share: colours, axes, and the import of matplotlib on first use."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..errors import DataError, MissingDependencyError, OptionError
from ..lazy import is_lazy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..design.record import Grouping
    from ..results import LinearMixedFit

F = TypeVar("F", bound=Callable[..., Any])

# From the palette of Okabe and Ito, which stays distinct under the common forms of colour blindness. Lines
# differ in style too, so that nothing rests on colour alone.
BLUE, ORANGE, GREY, FAINT, INK = "#0072B2", "#D55E00", "#6B6B6B", "#D9D9D9", "#222222"
LONGEST_LABEL = 28  # characters beside an axis, so that half of the picture is left to the data


def pyplot() -> Any:
    """Import and return ``matplotlib.pyplot``, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingDependencyError(
            "Pictures are drawn with matplotlib, which is not installed. Type: pip install 'henderson[plot]'"
        ) from error
    return plt


def made_from(given: Any, needs: str, what: str = "a fit made by hd.lmm()") -> Any:
    """Return what a picture is made from, or say what it takes; `needs` is an attribute, dots allowed."""
    found = given
    for name in needs.split("."):
        if not hasattr(found, name):
            raise OptionError(f"This picture is drawn from {what}; got a {type(given).__name__}.")
        found = getattr(found, name)
    return given


def of_a_fit(draw: F) -> F:
    """Make a function that draws a fit answer anything else with an `OptionError`."""

    @wraps(draw)
    def call(fit: Any, *args: Any, **options: Any) -> Any:
        return draw(made_from(fit, "estimate"), *args, **options)

    return call  # type: ignore[return-value]


def of_rows(values: Any) -> np.ndarray:
    """Return fitted values or residuals (n,) as an array; an error where they are columns on an engine."""
    if is_lazy(values):
        raise DataError(
            "This picture shows every row, and the rows stayed in a lazy frame. fit.augment() adds .fitted "
            "and .resid to them there, to be drawn from a sample; or read a sample into a data frame and fit "
            "lmm(formula, frame)."
        )
    return np.asarray(values)


def new_axes(ax: Axes | None, width: float = 6.0, height: float = 4.2) -> Axes:
    """Return `ax`, or the axes of a new figure of the given size in inches, dressed plainly."""
    if ax is None:
        _, ax = pyplot().subplots(figsize=(width, height), layout="constrained")
    return dress(ax)


def dress(ax: Axes) -> Axes:
    """Take away the ink that carries no data: top and right spines, dark ticks."""
    if not hasattr(ax, "spines"):
        several = hasattr(ax, "ravel")  # an array, as plt.subplots makes them
        hint = "ax=axes[0] for the first of them" if several else "_, ax = plt.subplots()"
        raise OptionError(f"A picture is drawn into matplotlib Axes, not a {type(ax).__name__}. Type {hint}.")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(colors=GREY, labelcolor=INK, labelsize=9)
    return ax


def few_ticks(ax: Axes, most: int = 4) -> None:
    """Keep ticks of a small panel apart: at most `most` intervals, so that longer numbers have room too."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))


def label(ax: Axes, *, x: str = "", y: str = "", title: str = "") -> Axes:
    """Name the axes and the picture."""
    ax.set_xlabel(textwrap.shorten(x, 60, placeholder=" …"), fontsize=10, color=INK)
    ax.set_ylabel(textwrap.shorten(y, 60, placeholder=" …"), fontsize=10, color=INK)
    if title:
        ax.set_title(title, fontsize=11, color=INK, loc="left")
    return ax


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` characters; the middle goes, as names often differ at their ends."""
    if len(text) <= width:
        return text
    return f"{text[: width // 2]}…{text[len(text) - (width - 1) // 2 :]}"


def grouping(fit: LinearMixedFit, name: str | None) -> tuple[int, Grouping]:
    """Return position and record of the grouping factor called `name`; by default the first."""
    names = [group.name for group in fit.design.groupings]
    if name is None:
        return 0, fit.design.groupings[0]
    if name not in names:
        raise OptionError(f"group={name!r} is not in the model. It has: {', '.join(map(repr, names))}.")
    return names.index(name), fit.design.groupings[names.index(name)]


def spread(count: int, limit: int) -> np.ndarray:
    """Return at most `limit` of the positions 0 … count-1, evenly spread and including both ends."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(int))
