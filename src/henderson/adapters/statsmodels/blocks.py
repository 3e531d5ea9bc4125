"""statsmodels' groups, random coefficients and variance components → our grouping factors and terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.adapters.statsmodels.layout import Layout, component_widths, dense
from henderson.adapters.statsmodels.parameters import VCSpec
from henderson.design.rank import independent_columns
from henderson.design.record import Design, Grouping, RandomTerm
from henderson.errors import DataError, DesignError

INTERCEPT = "(Intercept)"


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one term of the design stands for.

    Attributes
    ----------
    component : int or None
        A variance component; None for random coefficients.
    columns : (k,) int
        Which random coefficients, or which column of a component that has several in one row.
    """

    component: int | None
    columns: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """A design, and what its terms stand for.

    Attributes
    ----------
    design : Design
    targets : tuple of Target
        In the order of the terms of the design.
    tied : bool
        Whether several terms share one variance.
    """

    design: Design
    targets: tuple[Target, ...]
    tied: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Term:
    """A term that is not yet in order: its factor, names and columns, and what it stands for."""

    grouping: Grouping
    names: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    target: Target


def build_blocks(
    y: np.ndarray,
    X: np.ndarray,
    x_names: list[str],
    exog_re: np.ndarray | None,
    re_names: list[str],
    components: VCSpec,
    layout: Layout,
    *,
    group: str,
    response: str,
    separate: list[np.ndarray] | None = None,
) -> Blocks:
    """Build the design.

    Parameters
    ----------
    y : (n,) float64
        Response.
    X : (n, p) float64
        Fixed effects, of full rank.
    x_names, re_names : list of str
        Their names, and those of the random coefficients.
    exog_re : (n, k_re) float64 or None
        Columns with random coefficients.
    components : VCSpec
        Variance components.
    layout : Layout
        Groups.
    group, response : str
        Names of the grouping factor and of the response.
    separate : list of int arrays, optional
        Sets of random coefficients that are independent of each other; by default all are correlated.

    Raises
    ------
    DataError
        Values that are not finite.
    DesignError
        Columns of X that repeat others.

    Notes
    -----
    O(n (p + k_re)) and one pass over the matrices of the components.
    """
    X = np.asfortranarray(X, dtype=float)
    check_columns(y, X, x_names, exog_re)
    own = Grouping(group, layout.codes.astype(np.int32), tuple(layout.labels))
    terms = [] if exog_re is None else _coefficients(own, X, exog_re, re_names, separate)
    widths = component_widths(components, layout.m)
    for j, name in enumerate(components.names):
        terms += _component(own, name, components.mats[j], widths[:, j], layout, j)
    terms.sort(key=lambda term: -len(term.grouping.levels))  # stable: ties stay as given
    groupings = tuple({id(term.grouping): term.grouping for term in terms}.values())
    places = {id(grouping): f for f, grouping in enumerate(groupings)}
    names = tuple(INTERCEPT if name == "Intercept" else str(name) for name in x_names)
    constant = [j for j in range(X.shape[1]) if (X[:, j] == 1.0).all()]
    design = Design(
        y=y,
        X=X,
        x_names=names,
        intercept=constant[0] if constant else None,
        dropped=(),
        all_x_names=names,
        offset=None,
        weights=None,
        groupings=groupings,
        terms=tuple(RandomTerm(places[id(t.grouping)], t.names, t.columns) for t in terms),
        response=response,
        kept_rows=None,
        n_input=len(y),
        spec=None,
    )
    shared = [t.target.component for t in terms if t.target.component is not None]
    return Blocks(design, tuple(t.target for t in terms), len(set(shared)) < len(shared))


def check_rows(y: np.ndarray) -> None:
    """Refuse what takes the rows where ``remove_data`` has let go of them."""
    if not len(y):
        raise DataError(
            "The rows were let go by remove_data(), and with them fitted values, residuals and further fits; "
            "take these before, or predict(…) new rows."
        )


def check_columns(y: np.ndarray, X: np.ndarray, names: list[str], exog_re: np.ndarray | None) -> None:
    """Refuse values that are not finite, and columns of X that repeat others."""
    check_rows(y)
    for what, array in (("endog", y), ("exog", X), ("exog_re", exog_re)):
        if array is not None and not np.isfinite(array).all():
            raise DataError(
                f"{what} holds {int((~np.isfinite(array)).sum())} values that are missing or infinite; "
                'remove those rows, or type missing="drop".'
            )
    kept = set(independent_columns(X))
    if repeated := [name for j, name in enumerate(names) if j not in kept]:
        raise DesignError(
            f"Columns of exog repeat others, so that their coefficients have no unique estimates: "
            f"{', '.join(map(str, repeated))}. Leave them out."
        )


def _coefficients(
    own: Grouping, X: np.ndarray, exog_re: np.ndarray, names: list[str], separate: list[np.ndarray] | None
) -> list[_Term]:
    columns = []
    for column in np.asarray(exog_re, dtype=float).T:  # a column that X holds too is not stored twice
        same = next((j for j in range(X.shape[1]) if np.array_equal(X[:, j], column)), None)
        columns.append(np.ascontiguousarray(column) if same is None else X[:, same])
    shown = [INTERCEPT if (c == 1.0).all() else n for c, n in zip(columns, names, strict=True)]
    return [
        _Term(own, tuple(shown[j] for j in part), tuple(columns[j] for j in part), Target(None, part))
        for part in ([np.arange(len(columns))] if separate is None else separate)
    ]


def _component(
    own: Grouping, name: str, mats: object, widths: np.ndarray, layout: Layout, j: int
) -> list[_Term]:
    """One component: a column per group, or one effect per row out of many, or several per row."""
    if hasattr(mats, "effects"):
        codes, labels = mats.effects(layout)
        return [
            _Term(
                Grouping(name, codes, labels), (INTERCEPT,), (np.ones(len(codes)),), Target(j, np.array([0]))
            )
        ]
    matrices = [dense(mats[i]) for i in range(layout.m)]  # type: ignore[index]
    if (widths <= 1).all():
        return [_Term(own, (name,), (_spread(matrices, layout, 0),), Target(j, np.array([0])))]
    if all(((matrix != 0).sum(axis=1) <= 1).all() for matrix in matrices):
        return [_indicators(name, matrices, layout, j)]
    return [
        _Term(own, (f"{name}[{d}]",), (_spread(matrices, layout, d),), Target(j, np.array([d])))
        for d in range(int(widths.max()))
    ]


def _spread(matrices: list[np.ndarray], layout: Layout, d: int) -> np.ndarray:
    """Column d of every group's matrix on all rows, (n,); zero where a group has none."""
    out = np.zeros(len(layout.codes))
    for i, matrix in enumerate(matrices):
        if d < matrix.shape[1]:
            out[layout.rows(i)] = matrix[:, d]
    return out


def _indicators(name: str, matrices: list[np.ndarray], layout: Layout, j: int) -> _Term:
    """Every row belongs to one effect at most: a factor whose levels are the columns that occur."""
    codes, values, levels = np.zeros(len(layout.codes), dtype=np.int64), np.zeros(len(layout.codes)), 0
    for i, matrix in enumerate(matrices):
        at, place = layout.rows(i), np.argmax(matrix != 0, axis=1) if matrix.shape[1] else 0
        values[at] = matrix[np.arange(len(at)), place] if matrix.shape[1] else 0.0
        codes[at] = levels + place
        levels += matrix.shape[1]
    used, compact = np.unique(codes, return_inverse=True)
    grouping = Grouping(name, compact.reshape(-1).astype(np.int32), tuple(used.tolist()))
    column = INTERCEPT if (values == 1.0).all() else name
    return _Term(grouping, (column,), (values,), Target(j, np.array([0])))
