"""Formulas in the dialect that statsmodels reads → matrices with its names."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from itertools import pairwise
from tokenize import TokenError, generate_tokens
from typing import Any

import numpy as np

from henderson.adapters.statsmodels.layout import Layout
from henderson.adapters.statsmodels.parameters import VCSpec
from henderson.adapters.statsmodels.plain import Plain, plain_formula, plain_side
from henderson.errors import DataError, FormulaError

PACKAGE = __name__.rpartition(".")[0]
_LONE = re.compile(
    r"^(?:(?P<zero>0\s*\+|-\s*1\s*\+)\s*)?(?:C\(\s*(?P<call>\w+)\s*\)|(?P<plain>\w+))\s*(?P<less>-\s*1)?$"
)


def engine() -> str:
    """Return which reader is used: ``patsy`` where it is installed, else ``formulaic``, as in statsmodels."""
    return "patsy" if find_spec("patsy") is not None else "formulaic"


def caller_names(depth: int = 1) -> dict[str, Any]:
    """Return the names that the first caller outside this package sees, for functions that formulas use."""
    frame = sys._getframe(depth)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(PACKAGE):
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}


def as_frame(data: Any, formulas: Iterable[str] | None = None) -> Any:
    """Return the data as a pandas frame; texts as objects and truth values as such, which patsy can read.

    With `formulas` only the columns that these name are looked at.
    """
    import pandas as pd

    if hasattr(data, "to_pandas"):
        data = data.to_pandas()
    frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
    known = None if formulas is None else set[str]().union(*map(names_in, formulas))
    changed = {
        name: kind
        for name, dtype in frame.dtypes.items()
        if (known is None or name in known) and (kind := _plain_kind(frame[name], dtype)) is not None
    }
    return frame.astype(changed) if changed else frame


def _plain_kind(column: Any, dtype: Any) -> Any:
    """Return the dtype of NumPy that patsy can read for a text or truth value of pandas' own or of Arrow."""
    import pandas as pd

    if isinstance(dtype, pd.StringDtype) or (isinstance(dtype, pd.ArrowDtype) and dtype.kind in "OU"):
        return object
    if isinstance(dtype, pd.api.extensions.ExtensionDtype) and dtype.kind == "b":
        return object if column.isna().any() else bool
    return None


def matrices(formula: str, data: Any, names: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Read a two-sided formula.

    Parameters
    ----------
    formula : str
        As patsy takes it.
    data : pandas DataFrame
        The columns.
    names : mapping
        What the formula may call beside them.

    Returns
    -------
    endog : Series
    exog : DataFrame
    spec : what reads the right-hand side again on new rows

    Raises
    ------
    FormulaError
        With the reader's own words.
    """
    if (plain := plain_formula(formula, data)) is not None:
        return plain[0], plain[1].frame(data), plain[1]
    left, right = _both_sides(formula, data, names)
    if left.shape[1] != 1:
        raise FormulaError(
            f"The response has {left.shape[1]} columns ({', '.join(map(str, left.columns))}); a mixed model "
            "takes one column of numbers."
        )
    return left.iloc[:, 0], right, right.attrs.pop("spec")


def _both_sides(formula: str, data: Any, names: Mapping[str, Any]) -> tuple[Any, Any]:
    if engine() == "patsy":
        patsy = import_module("patsy")
        left, right = _told(
            patsy.dmatrices,
            formula,
            data,
            eval_env=_environment(names),
            NA_action=_keep(),
            return_type="dataframe",
        )
        spec = right.design_info
    else:
        formulaic = import_module("formulaic")
        both = _told(formulaic.model_matrix, formula, data, context=names, na_action="ignore")
        left, right, spec = both.lhs, both.rhs, both.rhs.model_spec
    left, right = left.copy(), right.copy()
    right.attrs["spec"] = spec
    return left, right


def one_side(formula: str, data: Any, names: Mapping[str, Any]) -> Any:
    """Read a one-sided formula on `data`; a DataFrame."""
    if (plain := plain_side(formula, data)) is not None:
        return plain.frame(data)
    if engine() == "patsy":
        patsy = import_module("patsy")
        return _told(
            patsy.dmatrix,
            formula,
            data,
            eval_env=_environment(names),
            NA_action=_keep(),
            return_type="dataframe",
        )
    text = formula.strip()
    return _told(
        import_module("formulaic").model_matrix, text if text.startswith("~") else f"~ {text}", data,
        context=names, na_action="ignore",
    )  # fmt: skip


def again(spec: Any, data: Any) -> Any:
    """Read the right-hand side of a fit on new rows; a DataFrame with the rows' labels.

    Rows with missing values have missing values all over, as in statsmodels.
    """
    import pandas as pd

    if isinstance(spec, Plain):
        return spec.frame(data)
    numbered = data.set_axis(range(len(data)), axis=0)
    if hasattr(spec, "get_model_matrix"):
        read = _told(spec.get_model_matrix, numbered, na_action="drop")
    else:
        read = _told(import_module("patsy").dmatrix, spec, numbered, return_type="dataframe")
    out = np.full((len(data), read.shape[1]), np.nan)
    out[np.asarray(read.index, dtype=np.intp)] = read
    return pd.DataFrame(out, index=data.index, columns=read.columns)


def reader(formula: str, data: Any, spec: Any) -> Any:
    """Return what patsy or formulaic would have read a formula with, where it was read without them."""
    return _both_sides(formula, data, {})[1].attrs["spec"] if isinstance(spec, Plain) else spec


def _environment(names: Mapping[str, Any]) -> Any:
    return import_module("patsy").EvalEnvironment([dict(names)])


def _keep() -> Any:
    """Return patsy's order to let missing values through; they are refused or dropped by name later."""
    return import_module("patsy").NAAction(NA_types=[])


def _told(read: Any, *args: Any, **options: Any) -> Any:
    """Call a reader; its complaints become errors of this library."""
    try:
        return read(*args, **options)
    except Exception as error:
        kind = type(error).__module__.partition(".")[0]
        if kind not in ("patsy", "formulaic"):
            raise
        raise FormulaError(f"{error}") from error


@dataclass(frozen=True, slots=True, eq=False)
class Indicators:
    """Matrices of a component with one effect per row: built when asked for, the factor is what counts.

    Attributes
    ----------
    layout : Layout
        Groups.
    columns : (n,) int
        Column of every row in the matrix of its group.
    widths : list of int
        Columns of every group.
    """

    layout: Layout
    columns: np.ndarray
    widths: list[int]

    def __len__(self) -> int:
        return len(self.widths)

    def __getitem__(self, i: int) -> np.ndarray:
        at = self.columns[self.layout.rows(i)]
        out = np.zeros((len(at), self.widths[i]))
        out[np.arange(len(out)), at] = 1.0
        return out

    def sparse(self, i: int) -> Any:
        """Return the matrix of group i as a sparse array."""
        from scipy.sparse import csr_array

        at = self.columns[self.layout.rows(i)]
        return csr_array((np.ones(len(at)), (np.arange(len(at)), at)), shape=(len(at), self.widths[i]))

    def effects(self, layout: Layout) -> tuple[np.ndarray, tuple[int, ...]]:
        """Return the effect of every row (n,) int32, and the labels of those that occur."""
        first = np.cumsum([0, *self.widths])
        codes = first[layout.codes] + self.columns
        used = np.bincount(codes, minlength=int(first[-1])) > 0
        return (np.cumsum(used) - 1)[codes].astype(np.int32), tuple(np.flatnonzero(used).tolist())


def components(formulas: Mapping[str, str], data: Any, layout: Layout, names: Mapping[str, Any]) -> VCSpec:
    """Read the formulas of variance components, each within every group.

    Parameters
    ----------
    formulas : mapping of str to str
        Name of the component to a one-sided formula; sorted by name, as statsmodels does.
    data : pandas DataFrame
        The columns.
    layout : Layout
        Groups.
    names : mapping
        What the formulas may call.

    Notes
    -----
    ``0 + C(x)`` and ``0 + x`` are read directly; other formulas once per group.
    """
    keys, colnames, mats = sorted(formulas), [], []
    for key in keys:
        plain = _lone_factor(formulas[key], data, layout)
        labels, parts = _by_group(formulas[key], data, layout, names) if plain is None else plain
        colnames.append(labels)
        mats.append(parts)
    return VCSpec(keys, colnames, mats)


def _by_group(
    formula: str, data: Any, layout: Layout, names: Mapping[str, Any]
) -> tuple[list[list[str]], list[np.ndarray]]:
    read = [one_side(formula, data.iloc[layout.rows(i)], names) for i in range(layout.m)]
    return [list(part.columns) for part in read], [np.asarray(part, dtype=float) for part in read]


def _lone_factor(formula: str, data: Any, layout: Layout) -> tuple[list[list[str]], Any] | None:
    """Read ``0 + C(x)`` or ``0 + x``; None for any other formula."""
    import pandas as pd

    found = _LONE.match(formula.strip().removeprefix("~").strip())
    if found is None or (found["zero"] is None) == (found["less"] is None):
        return None
    name = found["call"] or found["plain"]
    if name not in data.columns:
        return None
    values, label = data[name], f"C({name})" if found["call"] else name
    if found["plain"] and values.dtype.kind in "iuf":
        column = values.to_numpy(dtype=float)[:, None]
        return [[name]] * layout.m, [column[layout.rows(i)] for i in range(layout.m)]
    if values.isna().any():
        return None
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype.kind == "b":
        known = list(values.cat.categories) if values.dtype.kind != "b" else [False, True]
        codes = pd.Index(known).get_indexer(np.asarray(values))
        names = [f"{label}[{level}]" for level in known]
        return [names] * layout.m, Indicators(layout, codes, [len(known)] * layout.m)
    codes, known = pd.factorize(np.asarray(values), sort=True)
    return _met(codes, [f"{label}[{level}]" for level in known], layout)


def _met(codes: np.ndarray, names: list[str], layout: Layout) -> tuple[list[list[str]], Indicators]:
    """Return the columns of every group where only levels that occur in the group have one."""
    pairs, compact = np.unique(layout.codes * len(names) + codes, return_inverse=True)
    widths = np.bincount(pairs // len(names), minlength=layout.m)
    first = np.cumsum([0, *widths])
    levels = (pairs % len(names)).tolist()
    colnames = [[names[k] for k in levels[a:b]] for a, b in pairwise(first.tolist())]
    return colnames, Indicators(layout, compact.reshape(-1) - first[layout.codes], widths.tolist())


def complete_rows(data: Any, groups: np.ndarray, formulas: list[str]) -> np.ndarray:
    """Return which rows (n,) bool hold no missing value in the columns that formulas name, nor in groups."""
    import pandas as pd

    words: set[str] = set()
    for formula in formulas:
        words |= names_in(formula)
    used = [name for name in data.columns if name in words]
    return np.asarray(data[used].notna().all(axis=1)) & np.asarray(pd.notna(groups))


def names_in(formula: str) -> set[str]:
    """Return all names in a formula, texts in quotes among them (``Q("a b")``)."""
    try:
        tokens = [token.string for token in generate_tokens(StringIO(formula).readline)]
    except TokenError:
        raise FormulaError(
            f"The formula {formula!r} cannot be read: a bracket or quote is not closed."
        ) from None
    return set(tokens) | {token.strip("'\"") for token in tokens}


def rows_of(subset: Any, data: Any) -> np.ndarray:
    """Return the row numbers that `subset` means: truth values, or labels of the index."""
    chosen = np.asarray(subset)
    if chosen.dtype.kind == "b":
        if len(chosen) != len(data):
            raise DataError(f"subset has {len(chosen)} truth values and the data {len(data)} rows.")
        return np.flatnonzero(chosen)
    places = data.index.get_indexer_for(chosen)
    if (places < 0).any():
        raise DataError(f"subset has {int((places < 0).sum())} labels that the index of the data lacks.")
    return np.asarray(places)
