"""A design whose rows stayed elsewhere: the names are here, the numbers are in the cross-products.

It is a `Design` to everything that asks for names, levels and counts. What asks for a row (the response, the
columns, the group of every row) is told where the rows are and what to type instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from henderson.design.record import Design, Grouping, RandomTerm
from henderson.errors import DataError

if TYPE_CHECKING:
    from henderson.design.predictors import Tables
    from henderson.design.spec import DesignSpec


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Sums of products of the columns of a design over its rows, without weights.

    The columns are, in this order: the constant one; those of X; those of the random terms, term after term;
    the response less the offset. m = 2 + p + sum of k.

    Attributes
    ----------
    p : int
        Columns of X.
    mean : (m,) float64
        Mean of every column; of the constant 1.
    scale : (m,) float64
        Column j entered as (column - mean) * scale, the constant as it is.
    sums : (m, m) float64
        Sums of products of what entered.
    """

    p: int
    mean: np.ndarray
    scale: np.ndarray
    sums: np.ndarray

    def among(self, at: np.ndarray) -> np.ndarray:
        """(k, k) sums of products of some columns in the user's units; places as above."""
        T = np.diag(1 / self.scale)
        T[0, 1:] = self.mean[1:]
        return np.asarray(T[:, at].T @ self.sums @ T[:, at])

    def triangle(self, at: np.ndarray) -> np.ndarray:
        """(k, k) upper triangular R with R'R = `among`, by the centred columns: large means do not cancel."""
        T = np.diag(1 / self.scale)
        T[0, 1:] = self.mean[1:]
        size = np.sqrt(np.diagonal(self.sums))
        size = np.where(size > 0, size, 1.0)
        values, vectors = np.linalg.eigh(self.sums / np.outer(size, size))
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T * size
        return np.asarray(np.linalg.qr(root @ T[:, at], mode="r"))


def _elsewhere(what: str, where: str) -> NoReturn:
    raise DataError(
        f"This needs {what}, one number per row, and the rows stayed in {where}: the fit was made from sums "
        "of products. Fitted values of any rows: fit.predict(frame); fitted values and residuals beside all "
        "rows: fit.augment(), or fit.augment(data) where there were sums alone. For everything else read the "
        "rows, or a sample of them, into a data frame and fit lmm(formula, frame)."
    )


class GatheredGrouping(Grouping):
    """A grouping factor of rows that stayed elsewhere: name and levels.

    Parameters
    ----------
    name : str
        As lme4 prints it.
    levels : tuple of length l
        Labels.
    where : str
        Where the rows are, for messages.
    """

    __slots__ = ("_where",)
    _where: str

    def __init__(self, name: str, levels: tuple[object, ...], where: str = "the source") -> None:
        _hold(self, name=name, levels=levels, _where=where)

    @property
    def codes(self) -> np.ndarray:
        """Not here."""
        _elsewhere(f"the level of {self.name} of every row", self._where)

    def __reduce__(self) -> Any:
        return GatheredGrouping, (self.name, self.levels, self._where)


class GatheredTerm(RandomTerm):
    """A random-effects term of rows that stayed elsewhere.

    Parameters
    ----------
    grouping : int
        Index into `Design.groupings`.
    names : tuple of str, length k
        Column names.
    where : str
        Where the rows are, for messages.
    """

    __slots__ = ("_where",)
    _where: str

    def __init__(self, grouping: int, names: tuple[str, ...], where: str = "the source") -> None:
        _hold(self, grouping=grouping, names=names, _where=where)

    @property
    def columns(self) -> tuple[np.ndarray, ...]:
        """Not here."""
        _elsewhere("the columns of a random term", self._where)

    def __reduce__(self) -> Any:
        return GatheredTerm, (self.grouping, self.names, self._where)


class GatheredDesign(Design):
    """A design whose rows stayed in files, in a database, or at other sites.

    Parameters
    ----------
    n : int
        Rows used.
    x_names, intercept, dropped, all_x_names, response, n_input, spec, missing
        As in `Design`.
    groupings : tuple of (str, tuple of labels)
        Name and levels of every grouping factor, in order of first use by `terms`.
    terms : tuple of (int, tuple of str)
        Grouping and column names of every random term, in lme4's order.
    weighted, has_offset : bool
        Whether the model has weights, or an offset.
    products : Products, optional
        Sums of products without weights, for what asks about X rather than about the model.
    predictors : Tables, optional
        Counts of the labels and moments of the numbers that the fixed part uses, for marginal means.
    level_rows : tuple of (l,) int64, optional
        Rows of every level of every grouping factor.
    where : str
        Where the rows are: ``3 Parquet files``; for messages and the summary.
    """

    __slots__ = ("has_offset", "level_rows", "predictors", "products", "rows_used", "weighted", "where")

    has_offset: bool
    level_rows: tuple[np.ndarray, ...] | None
    predictors: Tables | None
    products: Products | None
    rows_used: int
    weighted: bool
    where: str

    def __init__(
        self,
        *,
        n: int,
        x_names: tuple[str, ...],
        intercept: int | None,
        groupings: tuple[tuple[str, tuple[object, ...]], ...],
        terms: tuple[tuple[int, tuple[str, ...]], ...],
        response: str,
        n_input: int | None = None,
        spec: DesignSpec | None = None,
        dropped: tuple[str, ...] = (),
        all_x_names: tuple[str, ...] | None = None,
        missing: tuple[tuple[str, int], ...] = (),
        weighted: bool = False,
        has_offset: bool = False,
        products: Products | None = None,
        predictors: Tables | None = None,
        level_rows: tuple[np.ndarray, ...] | None = None,
        where: str = "the source",
    ) -> None:
        _hold(
            self,
            rows_used=int(n),
            x_names=x_names,
            intercept=intercept,
            groupings=tuple(GatheredGrouping(name, levels, where) for name, levels in groupings),
            terms=tuple(GatheredTerm(grouping, names, where) for grouping, names in terms),
            response=response,
            n_input=int(n if n_input is None else n_input),
            spec=spec,
            dropped=dropped,
            all_x_names=x_names if all_x_names is None else all_x_names,
            missing=missing,
            weighted=weighted,
            has_offset=has_offset,
            products=products,
            predictors=predictors,
            level_rows=level_rows,
            where=where,
        )

    @property
    def n(self) -> int:
        """Number of rows used."""
        return self.rows_used

    @property
    def p(self) -> int:
        """Number of fixed-effects columns kept."""
        return len(self.x_names)

    @property
    def y(self) -> np.ndarray:
        """Not here."""
        _elsewhere("the response", self.where)

    @property
    def X(self) -> np.ndarray:
        """Not here."""
        _elsewhere("the fixed-effects columns", self.where)

    @property
    def weights(self) -> np.ndarray | None:
        """Not here; `weighted` says whether there are any."""
        _elsewhere("the weights", self.where)

    @property
    def offset(self) -> np.ndarray | None:
        """Not here; `has_offset` says whether there is one."""
        _elsewhere("the offset", self.where)

    @property
    def kept_rows(self) -> np.ndarray | None:
        """Not here."""
        _elsewhere("the numbers of the rows used", self.where)

    def parts(self) -> dict[str, Any]:
        """Return what the constructor takes."""
        same = (
            "x_names", "intercept", "response", "n_input", "spec", "dropped", "all_x_names", "missing",
            "weighted", "has_offset", "products", "predictors", "level_rows", "where",
        )  # fmt: skip
        return {
            "n": self.n,
            "groupings": tuple((g.name, g.levels) for g in self.groupings),
            "terms": tuple((t.grouping, t.names) for t in self.terms),
            **{name: getattr(self, name) for name in same},
        }

    def __reduce__(self) -> Any:
        return _rebuild, (self.parts(),)


def _rebuild(parts: dict[str, Any]) -> GatheredDesign:
    return GatheredDesign(**parts)


def _hold(record: object, **values: Any) -> None:
    """Set fields of a frozen record that is being made."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def is_weighted(design: Design) -> bool:
    """Whether a model has weights, of any design."""
    return design.weighted if isinstance(design, GatheredDesign) else design.weights is not None


def has_offset(design: Design) -> bool:
    """Whether a model has an offset, of any design."""
    return design.has_offset if isinstance(design, GatheredDesign) else design.offset is not None


def x_triangle(design: Design) -> np.ndarray:
    """(p, p) upper triangular R with R'R = X'X, without weights, of any design.

    Parameters
    ----------
    design : Design
        With rows, or gathered with `products`.

    Returns
    -------
    (p, p) float64

    Notes
    -----
    O(n p^2) with rows, by orthogonal transformations of columns of length one; O(p^3) without.
    """
    if isinstance(design, GatheredDesign) and design.products is not None:
        return design.products.triangle(1 + np.arange(design.p))
    size = np.sqrt(np.einsum("ij,ij->j", design.X, design.X))
    size = np.where(size > 0, size, 1.0)
    return np.asarray(np.linalg.qr(design.X / size, mode="r") * size)


def rows_per_level(design: Design, f: int) -> np.ndarray:
    """(l,) rows of every level of a grouping factor, of any design."""
    grouping = design.groupings[f]
    if isinstance(design, GatheredDesign) and design.level_rows is not None:
        return design.level_rows[f]
    return np.bincount(grouping.codes, minlength=len(grouping.levels))


def term_products(design: Design) -> list[np.ndarray]:
    """(k, k) sums of products of the columns of every random term, without weights, of any design."""
    if isinstance(design, GatheredDesign) and design.products is not None:
        starts = 1 + design.p + np.cumsum([0, *(term.k for term in design.terms)])
        return [
            design.products.among(np.arange(first, first + term.k))
            for first, term in zip(starts, design.terms, strict=False)
        ]
    return [np.array([[float(a @ b) for b in term.columns] for a in term.columns]) for term in design.terms]


def mean_variance(design: Design, beta: np.ndarray) -> float:
    """Sample variance of X beta over the rows, of any design; a constant mean has exactly none."""
    if isinstance(design, GatheredDesign) and design.products is not None:
        products, at = design.products, 1 + np.arange(design.p)
        weights = beta / products.scale[at]
        return float(weights @ products.sums[np.ix_(at, at)] @ weights) / (design.n - 1)
    mean = design.X @ beta
    return float(np.var(mean - mean[0], ddof=1))
