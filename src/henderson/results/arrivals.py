"""Shelf of a fit: a new group as its observations arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Factor, open_frame
from henderson.design.gathered import rows_per_level
from henderson.errors import DataError, OptionError
from henderson.inference import new_data
from henderson.inference.frames import append_columns, take_rows
from henderson.inference.layout import grouping_index
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.tables import Tables

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.display.table import TableView
    from henderson.inference.rows import NewRows

NEW = "new"


class ArrivalsTable(Shown):
    """States of a new group, beside known ones: prints itself, draws itself; see `Arrivals.arrivals`."""

    def _view(self) -> TableView:
        from henderson.display.arrivals import arrivals_view

        return arrivals_view(self.record)

    @named_options
    def plot(self, *, axes: Any = None) -> np.ndarray:
        """Draw prediction and shrinkage against the rows seen, with the known groups at the right.

        Parameters
        ----------
        axes : two Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        array of two Axes
        """
        # Pictures are made upstairs; by name, as no module imports a higher floor.
        return np.asarray(import_module("henderson.plot.arrivals").arrivals(self, axes=axes))


class Arrivals(Tables):
    """New and partly known groups; see `LinearMixedFit`."""

    @named_options
    def arrivals(
        self,
        rows: Any,
        *,
        at: Any = None,
        known: object = None,
        group: str | None = None,
        interval: str = "prediction",
        level: float = 0.95,
    ) -> ArrivalsTable:
        """Show what the fit makes of a new group from its first 0, 1, 2, … rows, without refitting.

        With no rows its effects are zero, the population's; each row moves them towards what the group's own
        rows say, b* = Sigma Z'(Z Sigma Z' + sigma^2 W^-1)^-1 (y - X beta).

        Parameters
        ----------
        rows : data frame
            Observations of one new group in the order of arrival, with the columns of the formula, response
            included. Where the column of the group is missing, the group is called "new".
        at : data frame of one row, or dict of numbers, optional
            Predictors to predict at, ``{"Days": 9}``; by default those of the last of `rows`.
        known : label or list of labels, optional
            Groups of the fit to show beside; by default the one with the most rows, none with ``[]``.
        group : str, optional
            The grouping factor that the group is new to; by default the first of the model.
        interval : {"prediction", "confidence"}
            For a new observation, or for the mean.
        level : float, default 0.95
            Coverage.

        Returns
        -------
        ArrivalsTable
            A row per state; `.to_frame()`, `.plot()`.

        Raises
        ------
        DataError
            If the rows are of several groups, or of one that the fit knows; a missing column.
        OptionError
            For an unknown grouping factor, label or interval.

        Notes
        -----
        Shrinkage is the conditional variance of an effect over its variance between groups; with random
        intercepts alone and n rows it is sigma^2 / (sigma^2 + n tau^2). Parameters stay as estimated.

        Examples
        --------
        >>> import henderson as hd
        >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
        >>> few = {"Days": [0, 1, 2], "Reaction": [310.0, 325.0, 330.0]}
        >>> print(fit.arrivals(few, at={"Days": [9]}))
        A new Subject as its rows arrive
        Prediction at Days = 9, 95 % intervals for a new observation.
        Subject Rows (Intercept) shrunk  Days shrunk Prediction  from    to
        308       10       253.7   24 % 19.67   15 %      430.7 373.6 487.7
        new        0       251.4  100 % 10.47  100 %      345.6 214.2 477.0
        new        1       279.7   52 % 10.91  >99 %      377.9 252.6 503.2
        new        2       290.6   35 % 12.26   95 %      401.0 283.3 518.6
        new        3       293.6   28 % 13.17   85 %      412.2 304.6 519.7
        Shrunk: how much of the variance of an effect the rows leave open; at 100 % the
          coefficient is the population's.
        """
        if interval not in ("prediction", "confidence"):
            raise OptionError(f"interval={interval!r}: choose 'prediction' or 'confidence'.")
        f = 0 if group is None else grouping_index(self.design, group)
        few, y = new_data.given_rows(self.design, self.source, _named(rows, self.design.groupings[f].name))
        place = self._place(rows if at is None else _one_row(at), f, at is None)
        return ArrivalsTable(self._arrivals(f, few, y, place, known, interval, level), self.source.kind)

    def _arrivals(
        self, f: int, few: NewRows, y: np.ndarray, place: Any, known: object, interval: str, level: float
    ) -> Any:
        from henderson.inference.arrivals import arrivals

        conditional = self.ranef[self.design.groupings[f].name].cov
        beside, (at, words) = _known_levels(self.design, f, known), place
        return arrivals(
            self.design, self.estimate, f, few, y, at, beside, conditional, words, interval, level
        )

    def _place(self, data: Any, f: int, last: bool) -> tuple[NewRows, tuple[tuple[str, str], ...]]:
        """Read the row to predict at, and say in words where it is."""
        frame = open_frame(data)
        if not last and frame.n != 1:
            raise DataError(f"at= has {frame.n} rows; give the one row to predict at.")
        one = take_rows(data, np.array([frame.n - 1]))
        named = _named(one, self.design.groupings[f].name)
        every = tuple(range(len(self.design.groupings)))
        at = new_data.new_rows(self.design, self.source, named, every, observed=True)
        return at, _words(self, open_frame(one))


def _one_row(at: Any) -> Any:
    """Write ``{"Days": 9}`` as a table of one row; anything else as it is."""
    if not isinstance(at, Mapping):
        return at
    return {name: [value] if np.ndim(value) == 0 else value for name, value in at.items()}


def _named(data: Any, name: str) -> Any:
    """Return the data with a column for the group, all "new" where there was none."""
    frame = open_frame(data)
    if ":" in name or frame.read(name) is not None:
        return data
    return append_columns(take_rows(data, None), {name: np.array([NEW] * frame.n, dtype=object)})


def _known_levels(design: Design, f: int, known: object) -> list[int]:
    """Positions of the labels; of the level with the most rows by default."""
    grouping = design.groupings[f]
    if known is None:
        return [int(rows_per_level(design, f).argmax())]
    several = isinstance(known, Iterable) and not isinstance(known, str)
    labels, names = list(known) if several else [known], [str(level) for level in grouping.levels]  # type: ignore[call-overload]
    for label in labels:
        if str(label) not in names:
            shown = ", ".join(map(repr, grouping.levels[:5])) + (", …" if len(names) > 5 else "")
            raise OptionError(f"known={label!r} is no level of {grouping.name}. It has: {shown}.")
    return [names.index(str(label)) for label in labels]


def _words(fit: Any, frame: Any) -> tuple[tuple[str, str], ...]:
    """Values of the predictors in a frame of one row, as text."""
    skip = {part for g in fit.design.groupings for part in g.name.split(":")} | {fit.design.response}
    out = []
    for name in () if fit.design.spec is None else fit.design.spec.kinds:
        column = None if name in skip else frame.read(name)
        if isinstance(column, Factor):
            out.append((name, str(column.levels[column.codes[0]])))
        elif column is not None and name not in fit.design.response:
            out.append((name, f"{float(column.values[0]):g}"))
    return tuple(out)
