"""The predictors of the fixed part, as the axes of a reference grid: which values each of them takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data import Column, Factor, Numbers, label_text, open_frame
from henderson.data.suggest import did_you_mean
from henderson.design.gathered import GatheredDesign
from henderson.errors import DataError, OptionError
from henderson.formula import ModelFormula, read_formula
from henderson.formula.nodes import Call, Name, Node, children
from henderson.formula.vocabulary import canonical

if TYPE_CHECKING:
    from henderson.design.predictors import Tables
    from henderson.design.record import Design

FACTOR_CALLS = {"factor", "as.factor", "ordered", "C", "interaction", "relevel"}
FEW = 2
"""A numeric predictor with no more different values than this is treated as a factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One predictor of the grid.

    Attributes
    ----------
    name : str
        Column of the data.
    values : tuple, length v
        The values it takes in the grid: labels, truth values or numbers.
    column : Column
        Column of length v that the formula is evaluated on.
    codes : (n,) int32 or None
        Which of the values every row of the data has; -1 for others; None for a covariate.
    categorical : bool
        Whether the values are levels: a factor, a truth value, or a number with few values.
    at_mean : bool
        Whether it is a covariate held at its mean, as nothing else was asked for.
    """

    name: str
    values: tuple[Any, ...]
    column: Column
    codes: np.ndarray | None
    categorical: bool
    at_mean: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The values as text."""
        return tuple(label_text(v) for v in self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of a fit seen as columns of predictors.

    Attributes
    ----------
    formula : ModelFormula
        Of the fit.
    names : tuple of str
        Columns that the fixed part uses, in order of appearance.
    columns : mapping of str to Column
        The rows used; lacks those that cannot be had without the data.
    complete : bool
        Whether the columns come from the data: then factors have codes.
    env : mapping
        The caller's functions.
    weights : (r,) float64 or None
        Of the rows; of combinations that stand for them, the sums.
    tables : Tables or None
        Where rows stayed elsewhere: what is known of their columns. Then `columns` has one row per
        combination of labels.
    """

    formula: ModelFormula
    names: tuple[str, ...]
    columns: Mapping[str, Column]
    complete: bool
    env: Mapping[str, Any]
    weights: np.ndarray | None = None
    tables: Tables | None = None


def read_rows(design: Design, data: object, env: Mapping[str, Any] | None) -> Rows:
    """Read the predictors of the fixed part.

    Parameters
    ----------
    design : Design
        Of the fit.
    data : data frame or None
        The rows of the fit. Without them factors are known by their levels, and covariates where they stand
        in the model as they are.
    env : mapping or None
        The caller's functions.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        If the design has no formula, or the data are not those of the fit.
    """
    spec = design.spec
    if spec is None:
        raise DataError("This fit has no formula: marginal means need one. Fit with lmm(formula, data).")
    formula = read_formula(spec.formula, frozenset(env or ()), spec.dot)
    variables = (*formula.fixed.variables, *formula.fixed.offsets)
    names = tuple(dict.fromkeys(c for variable in variables for c in variable.columns if c in spec.kinds))
    if data is None and isinstance(design, GatheredDesign):
        return _from_tables(design, formula, names, dict(env or {}))
    columns = _from_design(design, names) if data is None else _from_data(design, names, data)
    weights = None if isinstance(design, GatheredDesign) else design.weights
    return Rows(formula, names, columns, data is not None, dict(env or {}), weights)


def _from_tables(
    design: GatheredDesign, formula: ModelFormula, names: tuple[str, ...], env: Mapping[str, Any]
) -> Rows:
    """One row per combination of labels, with the rows it stands for as its weight."""
    tables = design.predictors
    if tables is None:
        return Rows(formula, names, {}, False, env)
    cells = tables.cells
    columns = {
        name: _counted(design, tables, name) for name in names if name in tables.names and cells is not None
    }
    weights = None if cells is None else np.array([weight for _, weight in cells.values()], dtype=np.float64)
    return Rows(formula, names, columns, cells is not None, env, weights, tables)


def _counted(design: GatheredDesign, tables: Tables, name: str) -> Column:
    """A column of the combinations: labels in the order of the fit, or numbers."""
    assert design.spec is not None
    at = tables.names.index(name)
    found = [key[at] for key in tables.cells or ()]
    kind = design.spec.kinds[name]
    if kind == "number":
        return Numbers(np.array(found, dtype=np.float64))
    levels = (False, True) if kind == "truth" else design.spec.levels.get(name)
    if levels is None:  # a column that only stands within a call
        levels = tuple(sorted(dict.fromkeys(found)))
    place = {level: i for i, level in enumerate(levels)}
    codes = np.array([place[value] for value in found], dtype=np.int32)
    return Factor(codes, tuple(levels), logical=kind == "truth")


def _from_data(design: Design, names: tuple[str, ...], data: object) -> dict[str, Column]:
    frame = open_frame(data)
    if frame.n not in (design.n, design.n_input):
        raise DataError(
            f"data= has {frame.n} rows; the fit was made from {design.n_input}. Give the data of the fit."
        )
    rows = design.kept_rows if frame.n == design.n_input else None
    columns = {name: frame.column(name) for name in names}
    return columns if rows is None else {name: column.take(rows) for name, column in columns.items()}


def _from_design(design: Design, names: tuple[str, ...]) -> dict[str, Column]:
    """What the model matrix still tells of the predictors: covariates that stand in it as they are."""
    known = dict(zip(design.x_names, design.X.T, strict=True))
    for term in design.terms:
        known.update(zip(term.names, term.columns, strict=True))
    assert design.spec is not None
    numbers = [name for name in names if design.spec.kinds[name] == "number" and name in known]
    return {name: Numbers(known[name]) for name in numbers}


def axes(design: Design, rows: Rows, at: Mapping[str, Any] | None = None) -> tuple[Axis, ...]:
    """Return the axes of the reference grid.

    Factors and truth values take all their levels, numbers inside ``factor()`` and numbers with two different
    values all of them, other covariates their mean over the rows used; `at` overrides.

    Parameters
    ----------
    design : Design
    rows : Rows
    at : mapping of str to value or values, optional
        Values to use instead.

    Returns
    -------
    tuple of Axis
        In the order in which the formula mentions them.

    Raises
    ------
    OptionError
        `at` names no predictor, or a level that the factor has not.
    DataError
        The values cannot be known without the data of the fit.
    """
    chosen = check_at(at, rows.names)
    as_levels = set(_inside_factor_calls(rows.formula))
    return tuple(_axis(design, rows, name, chosen, name in as_levels) for name in rows.names)


def check_at(at: object, names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    """Return `at` with a tuple of values for every name."""
    if at is None:
        return {}
    if not isinstance(at, Mapping):
        raise OptionError(f"at= is a dict such as {{'x': [1, 2]}}, not {at!r}.")
    out = {}
    for name, values in at.items():
        if name not in names:
            raise OptionError(
                f"at= names {name!r}, which is no predictor of the fixed part. "
                f"{did_you_mean(str(name), names)}"
            )
        several = not isinstance(values, str) and np.ndim(values) > 0
        out[name] = tuple(values) if several else (values,)
        if not out[name]:
            raise OptionError(f"at={{{name!r}: []}} has no values.")
    return out


def _inside_factor_calls(formula: ModelFormula) -> Iterator[str]:
    for variable in formula.fixed.variables:
        yield from _names_below(variable.node, inside=False)


def _names_below(node: Node, *, inside: bool) -> Iterator[str]:
    if isinstance(node, Name) and inside:
        yield node.text
    here = isinstance(node, Call) and canonical(node.function) in FACTOR_CALLS
    for child in children(node):
        yield from _names_below(child, inside=inside or here)


def _axis(design: Design, rows: Rows, name: str, at: Mapping[str, tuple[Any, ...]], as_levels: bool) -> Axis:
    column = rows.columns.get(name)
    if column is None and name not in at and rows.tables is not None and name in rows.tables.numbers:
        mean = rows.tables.numbers[name].mean
        return Axis(name, (mean,), Numbers(np.array([mean])), None, False, at_mean=True)
    assert design.spec is not None
    if design.spec.kinds[name] != "number":
        known = column.used() if isinstance(column, Factor) else None
        levels = known.levels if known is not None else design.spec.levels.get(name)
        if design.spec.kinds[name] == "truth":
            levels = (False, True)
        return _factor_axis(name, known, levels, at.get(name))
    if column is None and name not in at:
        raise _needs_data(name)
    values = None if column is None else column_numbers(column)
    if as_levels or (values is not None and _few(values)):
        if values is None:
            raise _needs_data(name)
        found, codes = np.unique(values, return_inverse=True)
        return _number_axis(name, found, codes.astype(np.int32), at.get(name))
    if name in at:
        return Axis(
            name, _as_numbers(name, at[name]), Numbers(np.array(_as_numbers(name, at[name]))), None, False
        )
    assert values is not None
    mean = float(values.mean())
    return Axis(name, (mean,), Numbers(np.array([mean])), None, False, at_mean=True)


def column_numbers(column: Column) -> np.ndarray:
    """Return a column as numbers, (n,) float64."""
    if isinstance(column, Factor):  # truth values that were numbers in the fit
        return column.codes.astype(np.float64)
    return column.values.astype(np.float64, copy=False)


def numeric_names(rows: Rows) -> list[str]:
    """Predictors that are numbers, in order of appearance."""
    known = rows.tables.numbers if rows.tables is not None else {}
    return [name for name in rows.names if name in known or isinstance(rows.columns.get(name), Numbers)]


def number_spread(rows: Rows, name: str) -> tuple[float, float]:
    """Mean of a number over the rows, and its largest value less its least."""
    if rows.tables is not None:
        table = rows.tables.numbers[name]
        return table.mean, table.largest - table.least
    values = column_numbers(rows.columns[name])
    return float(values.mean()), float(values.max() - values.min())


def _few(values: np.ndarray) -> bool:
    """Whether a column has at most two different values; looks at all rows only if the first are few."""
    head = np.unique(values[:64])
    return len(head) <= FEW and bool(np.isin(values, head).all() or len(np.unique(values)) <= FEW)


def _needs_data(name: str) -> DataError:
    return DataError(
        f"The values of {name!r} are not kept in this fit (it was read back, refitted to another response, "
        "or its rows stayed elsewhere). Pass the data of the fit: data=frame; or choose values: "
        f"at={{{name!r}: …}}."
    )


def _as_numbers(name: str, values: tuple[Any, ...]) -> tuple[float, ...]:
    try:
        out = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        raise OptionError(f"at={{{name!r}: {list(values)!r}}}: {name} is numeric; give numbers.") from None
    if not np.isfinite(out).all():
        raise OptionError(f"at={{{name!r}: {list(values)!r}}}: give finite numbers.")
    return out


def _number_axis(name: str, found: np.ndarray, codes: np.ndarray, at: tuple[Any, ...] | None) -> Axis:
    """A number that counts as levels; with `at` it may take other values, which no row has."""
    if at is None:
        return Axis(name, tuple(found.tolist()), Numbers(found), codes, True)
    wanted = np.array(_as_numbers(name, at))
    place = {value: i for i, value in enumerate(wanted.tolist())}
    table = np.array([place.get(value, -1) for value in found.tolist()], dtype=np.int32)
    return Axis(name, tuple(wanted.tolist()), Numbers(wanted), table[codes], True)


def _factor_axis(
    name: str, known: Factor | None, levels: tuple[Any, ...] | None, at: tuple[Any, ...] | None
) -> Axis:
    if levels is None:
        raise _needs_data(name)
    logical = levels == (False, True)
    labels = [label_text(level) for level in levels]
    picked = list(range(len(levels))) if at is None else [_place(name, value, labels) for value in at]
    codes = None
    if known is not None:
        table = np.full(len(levels) + 1, -1, dtype=np.int32)
        table[picked] = np.arange(len(picked))
        codes = table[np.maximum(known.codes, -1)]
    column = Factor(np.array(picked, dtype=np.int32), levels, logical=logical)
    return Axis(name, tuple(levels[i] for i in picked), column, codes, True)


def _place(name: str, value: object, labels: list[str]) -> int:
    text = label_text(value.item() if isinstance(value, np.generic) else value)
    if text not in labels:
        raise OptionError(f"at= asks for {name}={text!r}. {did_you_mean(text, labels)}")
    return labels.index(text)
