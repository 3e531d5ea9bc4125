"""Codings of a factor: treatment, sum, Helmert, polynomial, or a matrix, with R's numbers and names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from henderson.data import label_text
from henderson.errors import DesignError, OptionError

KINDS = ("treatment", "sum", "helmert", "poly", "SAS")


@dataclass(frozen=True, slots=True)
class Coding:
    """How a factor becomes columns.

    Attributes
    ----------
    kind : str
        One of ``treatment, sum, helmert, poly, SAS, matrix``.
    base : object
        Label, or number from 1, of the reference level of treatment coding; None for the first.
    matrix : tuple of tuple of float, or None
        Rows are levels; for ``matrix``.
    names : tuple of str or None
        Column suffixes; None for R's.
    numbered : bool
        Whether treatment columns are named by number, as R names those of ``C(f, contr.treatment)``.
    """

    kind: str
    base: Any = None
    matrix: tuple[tuple[float, ...], ...] | None = None
    names: tuple[str, ...] | None = None
    numbered: bool = False


TREATMENT, POLYNOMIAL = Coding("treatment"), Coding("poly")


def coding_from_name(name: str) -> Coding:
    """Return the coding that a name stands for: ``contr.sum``, ``sum``, ``Sum``.

    Parameters
    ----------
    name : str
        With or without ``contr.``.

    Returns
    -------
    Coding

    Raises
    ------
    OptionError
        No such coding; lists them.
    """
    short = name.removeprefix("contr.")
    for kind in KINDS:
        if short.lower() == kind.lower():
            return Coding(kind)
    known = ", ".join(f"'contr.{kind}'" for kind in KINDS)
    raise OptionError(
        f"There is no coding {name!r} of a factor. There are: {known}, or a matrix with one row per level."
    )


def coding_from_matrix(matrix: Any, factor: str) -> Coding:
    """Return the coding by the columns of a matrix, one row per level.

    Parameters
    ----------
    matrix : (l, k) array or DataFrame
        Column names of a DataFrame become names of coefficients.
    factor : str
        For messages.

    Returns
    -------
    Coding
    """
    names = tuple(map(str, matrix.columns)) if hasattr(matrix, "columns") else None
    try:
        values = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"The contrasts of {factor!r} are not a matrix of numbers.") from error
    if values.ndim != 2 or not np.isfinite(values).all():
        raise OptionError(
            f"The contrasts of {factor!r} must be a matrix of finite numbers with one row per level; "
            f"got shape {values.shape}."
        )
    return Coding("matrix", None, tuple(tuple(map(float, row)) for row in values), names)


def _treatment(levels: tuple[str, ...], base: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    k = len(levels)
    if base is None:
        at = 0
    elif (
        isinstance(base, (int, float)) and not isinstance(base, bool) and 1 <= base <= k and base == int(base)
    ):
        at = int(base) - 1
    elif label_text(base) in levels:
        at = levels.index(label_text(base))
    else:
        raise DesignError(
            f"The reference {base!r} is neither a level nor its number. Levels: {', '.join(levels[:20])}."
        )
    keep = [i for i in range(k) if i != at]
    return np.eye(k)[:, keep], tuple(levels[i] for i in keep)


def _polynomial(k: int) -> tuple[np.ndarray, tuple[str, ...]]:
    scores = np.arange(1.0, k + 1)
    scores -= scores.mean()
    q, r = np.linalg.qr(np.vander(scores, k, increasing=True))
    columns = (q * np.sign(np.diag(r)))[:, 1:]
    return columns, tuple((".L", ".Q", ".C")[i] if i < 3 else f"^{i + 1}" for i in range(k - 1))


def _helmert(k: int) -> np.ndarray:
    matrix = np.zeros((k, k - 1))
    for j in range(k - 1):
        matrix[: j + 1, j] = -1.0
        matrix[j + 1, j] = j + 1.0
    return matrix


@lru_cache(maxsize=256)
def contrast_columns(coding: Coding, levels: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the coding matrix of a factor and the suffixes of its columns.

    Parameters
    ----------
    coding : Coding
        Which coding.
    levels : tuple of str, length l
        Labels as text.

    Returns
    -------
    matrix : (l, k) float64
    suffixes : tuple of str, length k

    Raises
    ------
    DesignError
        A matrix whose rows are not as many as the levels.

    Examples
    --------
    >>> contrast_columns(Coding("sum"), ("a", "b", "c"))[0].tolist()
    [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
    """
    k = len(levels)
    numbers = tuple(str(i + 1) for i in range(k))
    if coding.kind in ("treatment", "SAS"):
        base = k if coding.kind == "SAS" else coding.base
        matrix, names = _treatment(levels, base)
        return matrix, tuple(numbers[levels.index(name)] for name in names) if coding.numbered else names
    if coding.kind == "sum":
        return np.vstack([np.eye(k - 1), -np.ones((1, k - 1))]), numbers[: k - 1]
    if coding.kind == "helmert":
        return _helmert(k), numbers[: k - 1]
    if coding.kind == "poly":
        return _polynomial(k)
    matrix = np.array(coding.matrix, dtype=np.float64)
    if len(matrix) != k:
        raise DesignError(
            f"The contrast matrix has {len(matrix)} rows; the factor has {k} levels in the rows used: "
            f"{', '.join(levels[:20])}."
        )
    return matrix, coding.names or tuple(str(i + 1) for i in range(matrix.shape[1]))
