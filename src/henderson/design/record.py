"""What the design stage hands to the numerics: arrays and names, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from henderson.design.spec import DesignSpec

FloatArray = np.ndarray
IntArray = np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """One grouping factor as met in the data.

    Attributes
    ----------
    name : str
        As lme4 prints it: ``Subject``, ``Machine:Worker``.
    codes : (n,) int32
        Level of every row, 0 … l-1.
    levels : tuple of length l
        Labels; every level occurs in the data.
    """

    name: str
    codes: IntArray
    levels: tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RandomTerm:
    """One random-effects term: which grouping, and the columns that vary by its levels.

    Attributes
    ----------
    grouping : int
        Index into `Design.groupings`.
    names : tuple of str, length k
        Column names, ``(Intercept)`` first where there is one.
    columns : tuple of (n,) float64, length k
        Columns of the model matrix of the term; a view into `Design.X` where the two agree.
    """

    grouping: int
    names: tuple[str, ...]
    columns: tuple[FloatArray, ...]

    @property
    def k(self) -> int:
        """Number of columns."""
        return len(self.names)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Response, fixed-effects matrix and random-effects blocks of one model on one data set.

    Attributes
    ----------
    y : (n,) float64
        Response, offset not subtracted.
    X : (n, p) float64, Fortran order
        Fixed-effects columns of full rank.
    x_names : tuple of str, length p
        Names as R prints them.
    intercept : int or None
        Which column of `X` is constant one.
    dropped : tuple of str
        Aliased columns that were left out of `X`.
    all_x_names : tuple of str
        Names in formula order, the dropped ones included.
    offset, weights : (n,) float64 or None
        Known part of the mean; precision weights (positive).
    groupings : tuple of Grouping
        Distinct grouping factors, in order of first use by `terms`.
    terms : tuple of RandomTerm
        In lme4's order: by decreasing number of levels, ties as typed.
    response : str
        The response as typed.
    kept_rows : (n,) intp or None
        Row numbers of the input that were kept; None when nothing was dropped.
    n_input : int
        Rows of the input.
    spec : DesignSpec
        Replays the design on new data.
    missing : tuple of (str, int)
        Columns whose missing values made rows drop out, and how many each had.
    """

    y: FloatArray
    X: FloatArray
    x_names: tuple[str, ...]
    intercept: int | None
    dropped: tuple[str, ...]
    all_x_names: tuple[str, ...]
    offset: FloatArray | None
    weights: FloatArray | None
    groupings: tuple[Grouping, ...]
    terms: tuple[RandomTerm, ...]
    response: str
    kept_rows: IntArray | None
    n_input: int
    spec: DesignSpec | None
    missing: tuple[tuple[str, int], ...] = ()

    @property
    def n(self) -> int:
        """Number of rows used."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Number of fixed-effects columns kept."""
        return int(self.X.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class NewGrouping:
    """One grouping factor on new data.

    Attributes
    ----------
    name : str
        As in the fit.
    codes : (r,) int32
        Level of the fit for every row; -1 where the level is unseen or missing.
    unseen : tuple of length u
        Labels that the fit has not seen.
    unseen_codes : (r,) int32
        Index into `unseen` for every row; -1 where the level is known or missing.
    """

    name: str
    codes: IntArray
    unseen: tuple[object, ...]
    unseen_codes: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class NewDesign:
    """The columns of a design on new data.

    Attributes
    ----------
    X : (r, p) float64, Fortran order
        Fixed-effects columns, the kept ones; rows with missing values are NaN.
    groupings : tuple of NewGrouping or None
        In the order of `Design.groupings`; None for those not asked for.
    terms : tuple of RandomTerm or None
        In the order of `Design.terms`; None where the grouping was not asked for.
    complete : (r,) bool
        Rows without missing values in what was asked for.
    offset, weights, y : (r,) float64 or None
        As in the fit, when it had them or when asked for.
    """

    X: FloatArray
    groupings: tuple[NewGrouping | None, ...]
    terms: tuple[RandomTerm | None, ...]
    complete: np.ndarray
    offset: FloatArray | None
    weights: FloatArray | None
    y: FloatArray | None

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])
