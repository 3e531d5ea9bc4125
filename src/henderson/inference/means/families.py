"""Families of contrasts between k means: coefficients, names, and the adjustment that suits them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError

USUAL = {
    "pairwise": "tukey",
    "revpairwise": "tukey",
    "treatment": "mvt",
    "sequential": "mvt",
    "polynomial": "none",
    "eff": "fdr",
    "del.eff": "fdr",
}
"""Families by name, with the adjustment that is used unless another is asked for."""

_OTHER = {
    "pairs": "pairwise",
    "tukey": "pairwise",
    "trt.vs.ctrl": "treatment",
    "trt.vs.ctrl1": "treatment",
    "dunnett": "treatment",
    "consec": "sequential",
    "poly": "polynomial",
    "effects": "eff",
    "effect": "eff",
}
_DEGREES = ("linear", "quadratic", "cubic", "quartic")
_MOST_DEGREES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Contrasts of k means.

    Attributes
    ----------
    names : tuple of str, length c
        As printed.
    matrix : (c, k) float64
        One contrast a row.
    family : str
        Key of `USUAL`, or ``custom``.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    family: str


def family_name(method: object) -> str:
    """Return the name of a family, or an `OptionError` that lists them.

    >>> family_name("trt.vs.ctrl")
    'treatment'
    """
    name = _OTHER.get(str(method), str(method))
    if name in USUAL:
        return name
    raise OptionError(
        f"{method!r} is no family of contrasts. {did_you_mean(str(method), USUAL, limit=20)} "
        'Or give numbers: {"name": [1, -1, 0]}.'
    )


def coefficients(
    method: Any, labels: tuple[str, ...], reference: object = None, sign: str = "-"
) -> Coefficients:
    """Return the contrasts of a family.

    Parameters
    ----------
    method : str, dict of str to (k,) numbers, or (c, k) numbers
        Which contrasts.
    labels : tuple of str, length k
        What the means are called.
    reference : str or int, optional
        Of ``treatment``: the label, or the number from 0, of the mean compared with.
    sign : str
        What stands between the two names of a comparison.

    Returns
    -------
    Coefficients

    Raises
    ------
    OptionError
        No such family, numbers of the wrong length, no such reference.

    Examples
    --------
    >>> found = coefficients("sequential", ("a", "b", "c"))
    >>> found.names, found.matrix.tolist()
    (('b - a', 'c - b'), [[-1.0, 1.0, 0.0], [0.0, -1.0, 1.0]])
    """
    if not isinstance(method, str):
        return _given(method, labels)
    name = family_name(method)
    if reference is not None and name != "treatment":
        raise OptionError(f"reference= is for contrast('treatment'); {name!r} has none.")
    quoted = tuple(f"({each})" if set(each) & set("+-*/()") else each for each in labels)
    k = len(labels)
    if name in ("pairwise", "revpairwise"):
        pairs = _pairs(k, reverse=name == "revpairwise")
    elif name == "sequential":
        pairs = [(i + 1, i) for i in range(k - 1)]
    elif name == "treatment":
        at = _reference(reference, labels)
        pairs = [(i, at) for i in range(k) if i != at]
    elif name == "polynomial":
        return Coefficients(*_polynomials(k), name)
    else:
        matrix = np.eye(k) - 1 / k if name == "eff" else np.eye(k) - (1 - np.eye(k)) / max(k - 1, 1)
        return Coefficients(tuple(f"{each} effect" for each in quoted), matrix if k > 1 else matrix[:0], name)
    matrix = np.zeros((len(pairs), k))
    rows = np.arange(len(pairs))
    if pairs:
        first, second = np.array(pairs).T
        matrix[rows, first], matrix[rows, second] = 1.0, -1.0
    return Coefficients(tuple(f"{quoted[i]} {sign} {quoted[j]}" for i, j in pairs), matrix, name)


def _pairs(k: int, *, reverse: bool) -> list[tuple[int, int]]:
    if reverse:
        return [(j, i) for j in range(k) for i in range(j)]
    return [(i, j) for i in range(k) for j in range(i + 1, k)]


def _reference(reference: object, labels: tuple[str, ...]) -> int:
    if reference is None:
        return 0
    if str(reference) in labels:
        return labels.index(str(reference))
    if (
        isinstance(reference, int)
        and not isinstance(reference, bool)
        and -len(labels) <= reference < len(labels)
    ):
        return reference % len(labels)
    raise OptionError(f"reference={reference!r} is none of the means. {did_you_mean(str(reference), labels)}")


def _polynomials(k: int) -> tuple[tuple[str, ...], np.ndarray]:
    """Orthogonal polynomials in the places 1 … k, scaled to whole numbers, up to degree six."""
    degrees = min(_MOST_DEGREES, k - 1)
    place = np.arange(1.0, k + 1) - (k + 1) / 2
    q, r = np.linalg.qr(np.vander(place, degrees + 1, increasing=True))
    columns = (q * np.sign(np.diag(r)))[:, 1:].T
    names = tuple(_DEGREES[d] if d < len(_DEGREES) else f"degree {d + 1}" for d in range(degrees))
    return names, np.array([_whole(row) for row in columns]).reshape(degrees, k)


def _whole(row: np.ndarray) -> np.ndarray:
    """Return the least multiple of a row whose entries are whole numbers; the row where there is none."""
    scaled = np.where(np.abs(row) < 1e-10, 0.0, row)
    scaled = scaled / np.abs(scaled[scaled != 0]).min()
    for times in range(1, 1001):
        whole = np.round(times * scaled)
        if np.abs(times * scaled - whole).max() < 1e-7 * times:
            return whole
    return row


def _given(method: Any, labels: tuple[str, ...]) -> Coefficients:
    """Contrasts in numbers: a dict of them, a list of lists, one list, or an array."""
    k = len(labels)
    if isinstance(method, Mapping):
        names, rows = tuple(map(str, method)), list(method.values())
    elif np.ndim(method) in (1, 2):
        table = method.to_numpy() if hasattr(method, "to_numpy") else method
        rows = [table] if np.ndim(table) == 1 else list(table)
        names = tuple(f"c{i + 1}" for i in range(len(rows)))
    else:
        raise OptionError(
            f"{method!r} is no contrast. Give the name of a family ({', '.join(map(repr, USUAL))}), or "
            'numbers: {"name": [1, -1, 0]}.'
        )
    if not rows:
        raise OptionError('There are no contrasts in an empty dict. Give numbers: {"name": [1, -1, 0]}.')
    out = []
    for name, row in zip(names, rows, strict=True):
        try:
            numbers = np.asarray(row, dtype=np.float64)
        except (TypeError, ValueError):
            raise OptionError(f"Contrast {name!r} must be {k} numbers, not {row!r}.") from None
        if numbers.shape != (k,):
            shown = ", ".join(labels[:8]) + (", …" if k > 8 else "")
            raise OptionError(
                f"Contrast {name!r} has {numbers.size} numbers; there are {k} means ({shown}): one each."
            )
        if not np.isfinite(numbers).all():
            raise OptionError(f"Contrast {name!r} has numbers that are missing or infinite.")
        out.append(numbers)
    return Coefficients(names, np.array(out).reshape(len(out), k), "custom")
