"""Formulas that add up columns, read without patsy: ``y ~ a + b``, ``0 + a``, ``y ~ x + C(f)``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.errors import DataError

INTERCEPT = "Intercept"
_CALL = re.compile(r"C\(\s*(\w+)\s*\)")


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the data in a formula.

    Attributes
    ----------
    name : str
        As patsy names it: ``x``, ``f``, ``C(f)``.
    column : str
        The column of the data.
    levels : tuple or None
        Of a factor, the first being the reference; None for numbers.
    """

    name: str
    column: str
    levels: tuple[Any, ...] | None = None

    @property
    def names(self) -> list[str]:
        """Names of its columns in the matrix."""
        return (
            [self.name] if self.levels is None else [f"{self.name}[T.{level}]" for level in self.levels[1:]]
        )


@dataclass(frozen=True, slots=True)
class Plain:
    """The right-hand side of such a formula.

    Attributes
    ----------
    intercept : bool
        Whether there is a constant, which comes first.
    terms : tuple of Term
        Factors, then numbers, each in the order of the formula.
    """

    intercept: bool
    terms: tuple[Term, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns of the matrix."""
        return [INTERCEPT] * self.intercept + [name for term in self.terms for name in term.names]

    @property
    def term_name_slices(self) -> dict[str, slice]:
        """Terms, and where their coefficients stand."""
        out, at = ({INTERCEPT: slice(0, 1)} if self.intercept else {}), int(self.intercept)
        for term in self.terms:
            out[term.name] = slice(at, at := at + len(term.names))
        return out

    def frame(self, data: Any) -> Any:
        """Return the matrix on rows of `data`, (n, p) DataFrame of float64 with the rows' labels.

        Rows with missing values have missing values.

        Raises
        ------
        DataError
            A column that is not there; a level that the fit has not seen.
        """
        import pandas as pd

        names = self.names
        if lacking := [term.column for term in self.terms if term.column not in data.columns]:
            raise DataError(
                f"The rows have no column {', '.join(map(repr, lacking))}, which the formula uses; they "
                f"have {', '.join(map(str, data.columns))}. Give a DataFrame with the columns of the "
                "formula, or type transform=False if it is the matrix itself."
            )
        values = np.zeros((len(data), len(names)), order="F")
        values[:, : int(self.intercept)] = 1.0
        for term, at in zip(self.terms, list(self.term_name_slices.values())[self.intercept :], strict=True):
            if term.levels is None:
                values[:, at.start] = data[term.column]
            else:
                _indicate(term, data[term.column], values[:, at])
        return pd.DataFrame(values, index=data.index, columns=names, copy=False)


def _indicate(term: Term, column: Any, out: np.ndarray) -> None:
    """Write the indicators of all levels but the first."""
    import pandas as pd

    assert term.levels is not None
    known = pd.Index(term.levels, dtype=object)
    codes = known.get_indexer(np.asarray(column, dtype=object))
    missing = np.asarray(column.isna())
    if (unseen := (codes < 0) & ~missing).any():
        labels = list(dict.fromkeys(np.asarray(column)[unseen].tolist()))
        raise DataError(
            f"{term.column} has levels that the fit has not seen: {labels}; it knows {list(known)}."
        )
    out[np.flatnonzero(codes > 0), codes[codes > 0] - 1] = 1.0
    out[missing] = np.nan


def plain_side(text: str, data: Any) -> Plain | None:
    """Read one side of a formula; None where it takes more than a sum of columns.

    Examples
    --------
    >>> import pandas as pd
    >>> plain_side("0 + x", pd.DataFrame({"x": [1.5]})).names
    ['x']
    >>> plain_side("x + f", pd.DataFrame({"x": [1.5, 2.5], "f": ["u", "v"]})).names
    ['Intercept', 'f[T.v]', 'x']
    >>> plain_side("np.log(x)", pd.DataFrame({"x": [1.5]})) is None
    True
    """
    text = text.strip().removeprefix("~").strip()
    intercept, less = True, text.endswith(("- 1", "-1"))
    if less:
        text = text.removesuffix("1").rstrip().removesuffix("-").rstrip()
    terms: list[Term] = []
    for part in text.split("+"):
        word = part.strip()
        if word in ("0", "1"):
            intercept = word == "1"
            continue
        term = plain_term(word, data)
        if term is None or term.column in [other.column for other in terms]:
            return None
        terms.append(term)
    intercept = intercept and not less
    factors = [term for term in terms if term.levels is not None]
    if (factors and not intercept) or not (intercept or terms):
        return None
    return Plain(intercept, (*factors, *(term for term in terms if term.levels is None)))


def plain_term(word: str, data: Any) -> Term | None:
    """Read ``x``, ``f`` or ``C(f)``; None for anything else."""
    import pandas as pd

    call = _CALL.fullmatch(word)
    name = call[1] if call else word
    if is_number(name, data) and not call:
        return Term(name, name)
    if not name.isidentifier() or name not in data.columns:
        return None
    column = data[name]
    if getattr(column, "ndim", 0) != 1 or column.isna().any():
        return None
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Term(word if not call else f"C({name})", name, tuple(column.cat.categories))
    own = isinstance(column.dtype, np.dtype | pd.StringDtype)
    if not own or column.dtype.kind not in ("Obiu" if call else "Ob"):
        return None
    levels = [False, True] if column.dtype.kind == "b" else list(pd.unique(column))
    if len({type(level) for level in levels}) != 1:
        return None
    return Term(f"C({name})" if call else name, name, tuple(sorted(levels)))


def is_number(name: str, data: Any) -> bool:
    """Whether `name` is a column of plain numbers."""
    if not name.isidentifier() or name not in data.columns:
        return False
    column = data[name]
    return (
        getattr(column, "ndim", 0) == 1 and isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"
    )


def plain_formula(formula: str, data: Any) -> tuple[Any, Plain] | None:
    """Read a two-sided formula: the response (n,) as a Series of float64, and the right-hand side."""
    left, tilde, right = formula.partition("~")
    if not tilde or "~" in right or not is_number(left.strip(), data):
        return None
    side = plain_side(right, data)
    return None if side is None else (data[left.strip()].astype(float), side)
