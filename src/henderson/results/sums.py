"""Sums of products as users hold them: they add, are saved, and fit without the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from henderson import estimate as estimation
from henderson.crossprod.combine import combine
from henderson.crossprod.gather import Gathered, gather
from henderson.crossprod.store import load, save
from henderson.crossprod.sums import Sums
from henderson.errors import DataError
from henderson.inference.design_notes import design_notes
from henderson.inference.gathered import describe
from henderson.model.linear import theta_names
from henderson.results.alarm import warn_if_cut_short, warn_of_design
from henderson.results.fit import LinearMixedFit
from henderson.results.options import named_options
from henderson.results.shown import Shown
from henderson.results.source import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from henderson.crossprod import CrossProducts as Cross
    from henderson.design.gathered import GatheredDesign
    from henderson.display.table import TableView


class CrossProducts(Shown):
    """The sums of products of a model over rows that stayed where they are.

    Made by `henderson.cross_products`. They add (``+``), those of other places included, are saved to one
    file, and fit without the rows. Printing them shows how much of the rows they hold.

    Parameters
    ----------
    sums : crossprod.sums.Sums or None
        Sums that can be added; None for those that cannot.
    source : Source
        Formula, kind of frame, and where the rows are.
    where : str
        What to call that place.
    gathered : Gathered, optional
        Design and cross-products, where they are made already.

    Examples
    --------
    >>> import henderson as hd
    >>> sleep = hd.datasets.load("sleepstudy")
    >>> north = hd.cross_products("Reaction ~ Days + (Days | Subject)", sleep[:80])
    >>> south = hd.cross_products("Reaction ~ Days + (Days | Subject)", sleep[80:])
    >>> both = north + south
    >>> both
    Sums of products of 180 rows
    Formula: Reaction ~ Days + (Days | Subject)
    The rows stayed in 2 parts.
    Groups  Levels Fewest rows Most rows           Columns
    Subject     18          10        10 (Intercept), Days
    Fixed part: 2 columns ((Intercept), Days).
    >>> print(both.fit().fixef.round(2).to_string())
    (Intercept)    251.41
    Days            10.47
    """

    def __init__(
        self, sums: Sums | None, source: Source, where: str, gathered: Gathered | None = None
    ) -> None:
        self.sums, self.source, self.where, self.kind, self._made = sums, source, where, source.kind, gathered
        self._level_rows: Mapping[str, np.ndarray] = {}

    @classmethod
    def of_design(
        cls, design: GatheredDesign, cross: Cross, source: Source, rows: Mapping[str, np.ndarray]
    ) -> CrossProducts:
        """Join a design without rows with its cross-products; they fit, but cannot be added to others.

        `rows` are those of every level, by grouping factor.
        """
        made = cls(None, source, design.where, Gathered(design, cross))
        made._level_rows = rows
        return made

    @cached_property
    def gathered(self) -> Gathered:
        """Design and cross-products: levels, coding, ranks and centres settled by the rows that are in."""
        if self._made is not None:
            return self._made
        return gather(self.addable(), self.where)

    @property
    def design(self) -> GatheredDesign:
        """Names, levels and counts of the model, on the rows that are in."""
        return self.gathered.design

    @property
    def cross(self) -> Cross:
        """The cross-products as the solvers take them."""
        return self.gathered.cross

    @cached_property
    def record(self) -> Any:
        """Sizes: rows, levels, columns."""
        return describe(self.design, self.formula, self._level_rows)

    def _view(self) -> TableView:
        from henderson.display.sums import sums_view

        return sums_view(self.record)

    @property
    def formula(self) -> str:
        """The formula as typed."""
        return self.source.formula

    @property
    def nobs(self) -> int:
        """Rows used."""
        return self.design.n

    # -- adding and keeping ----------------------------------------------------------------------------------

    def addable(self) -> Sums:
        """The sums that can be added and saved; an error where there are none."""
        if self.sums is None:
            raise DataError(
                "These cross-products were made for one design and cannot be added to others or saved. Make "
                "them with hd.cross_products(formula, data) of the same files, chunks, data or lazy frame."
            )
        return self.sums

    def merge(self, *others: CrossProducts | Iterable[CrossProducts]) -> CrossProducts:
        """Add sums of other rows: the same numbers as if all rows had been in one place.

        Parameters
        ----------
        *others : CrossProducts
            Of the same formula. Levels may differ: they are united.

        Returns
        -------
        CrossProducts

        Raises
        ------
        DataError
            Formulas, contrasts, weights or kinds of columns differ, or the levels of a factor come in orders
            that contradict one another.

        Notes
        -----
        O(size of the sums). Rows that are in two of them are counted twice; nothing can tell.
        """
        parts = [self, *(each for other in others for each in _several(other))]
        sums = combine(part.addable() for part in parts)
        where = f"{sum(_places(part) for part in parts)} parts"
        return CrossProducts(sums, Source(self.formula, self.kind, weights=self.source.weights,
                                          offset=self.source.offset, env=self.source.env), where)  # fmt: skip

    def __add__(self, other: object) -> CrossProducts:
        return self.merge(other) if isinstance(other, CrossProducts) else NotImplemented

    def __radd__(self, other: object) -> CrossProducts:
        return self if other == 0 else NotImplemented  # so that sum([...]) works

    def save(self, path: str | PathLike[str]) -> None:
        """Write the sums to one file, whole or not at all.

        Numbers and names only: labels of all levels, sums of products within each of them; no rows. A file
        of that name is replaced once everything is on the disk, so that a kill or a full disk leaves it as
        it was.

        Parameters
        ----------
        path : path
            Any name.

        Raises
        ------
        DataError
            It cannot be written.
        """
        save(path, self.addable(), {"kind": self.kind, "where": self.where})

    @classmethod
    def load(
        cls, path: str | PathLike[str], *, env: Mapping[str, Callable[..., Any]] | None = None
    ) -> CrossProducts:
        """Read sums that `save` wrote; nothing in the file is ever run as code.

        Parameters
        ----------
        path : path
        env : mapping, optional
            The caller's functions, if the formula uses any; needed for new rows only.

        Raises
        ------
        DataError
            No such file, of another version, or damaged.
        """
        sums, header = load(path)
        source = Source(
            sums.plan.formula,
            str(header.get("kind", "pandas")),
            weights=sums.plan.weights,
            offset=sums.plan.offset,
            env=env,
        )
        return cls(sums, source, str(header.get("where", path)))

    # -- fitting ---------------------------------------------------------------------------------------------

    @named_options
    def fit(
        self,
        *,
        reml: bool = True,
        start: ArrayLike | None = None,
        max_evaluations: int | None = None,
        tol: float | None = None,
        solver: str = "auto",
    ) -> LinearMixedFit:
        """Fit the model from the sums.

        Parameters
        ----------
        reml : bool, default True
            REML, or maximum likelihood.
        start, max_evaluations, tol, solver
            As in `lmm`.

        Returns
        -------
        LinearMixedFit
            What needs rows raises a DataError that says what to type instead.

        Notes
        -----
        3 to 12 evaluations whose cost does not depend on the number of rows.
        """
        return self._fitted(reml=reml, start=start, max_evaluations=max_evaluations, tol=tol, solver=solver)

    def _fitted(self, **options: Any) -> LinearMixedFit:
        """Fit for a function that users call, so that warnings name their line."""
        estimate = estimation.fit_cross_products(self.cross, theta_names(self.design), **options)
        warn_if_cut_short(estimate, stacklevel=4)
        warn_of_design(design_notes(self.design, self.cross), stacklevel=4)
        return LinearMixedFit(self.design, estimate, self.source)


def _several(other: Any) -> list[CrossProducts]:
    if isinstance(other, CrossProducts):
        return [other]
    if isinstance(other, Iterable):
        return [each for one in other for each in _several(one)]
    raise DataError(f"Sums of products can be added to sums of products, not to {type(other).__name__}.")


def _places(part: CrossProducts) -> int:
    words = part.where.split()
    return int(words[0]) if words[1:] == ["parts"] and words[0].isdigit() else 1
