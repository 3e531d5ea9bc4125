"""Contrasts of contrasts: whether a difference along one factor differs between the levels of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.errors import OptionError
from henderson.inference.means.averages import Linear
from henderson.inference.means.contrasts import combine, level_words
from henderson.inference.means.estimable import estimable
from henderson.inference.means.families import Coefficients, coefficients
from henderson.inference.means.response import Transform


def interaction_contrast(linear: Linear, method: Any, transform: Transform | None = None) -> Linear:
    """Return products of contrasts along every factor of the means, within groups.

    For factors A and B the coefficient of the mean (a, b) is c(a) d(b), c a contrast of A and d one of B.

    Parameters
    ----------
    linear : Linear
        Means or trends of at least two factors, all combinations of them.
    method : str, numbers, or dict of factor to either
        Contrasts of every factor, or of each.
    transform : Transform, optional
        Given, and a logarithm, names read ``a / b``.

    Returns
    -------
    Linear
        One row per product and group, with a key per factor.

    Raises
    ------
    OptionError
        Fewer than two factors, a dict without one of them, or combinations that are lacking.

    Examples
    --------
    >>> import numpy as np
    >>> keys = {"A": ("a", "b", "a", "b"), "B": ("u", "u", "v", "v")}
    >>> cells = Linear(keys, (), np.eye(4), np.zeros(4), np.ones(4, bool), np.zeros((4, 0)), np.arange(4))
    >>> interaction_contrast(cells, "pairwise").L
    array([[ 1., -1., -1.,  1.]])
    """
    names = [name for name in linear.keys if name not in linear.by]
    if len(names) < 2:
        raise OptionError("Interaction contrasts need means of two or more factors, such as emmeans('A:B').")
    methods = _each(method, names)
    sign = "/" if transform is not None and transform.ratios else "-"
    keys: dict[str, list[Any]] = {name: [] for name in linear.keys}
    parts, offsets = [], []
    for rows in linear.groups():
        found = [_along(linear, rows, name, methods[name], sign) for name in names]
        matrix = _product([each.matrix for each in found])[:, _places(linear, rows, names)]
        parts.append(combine(matrix, linear.L[rows]))
        offsets.append(matrix @ linear.offset[rows])
        for name, words in zip(names, _words(found), strict=True):
            keys[name] += words
        for name in linear.by:
            keys[name] += [linear.keys[name][rows[0]]] * len(matrix)
    L = np.concatenate(parts)
    empty = np.isnan(L).any(axis=1)
    return replace(
        linear,
        keys={name: tuple(values) for name, values in keys.items()},
        L=L,
        offset=np.concatenate(offsets),
        estimable=~empty & estimable(np.where(empty[:, None], 0.0, L), linear.null),
        role="contrast",
        family="interaction",
        sets=(),
    )


def _each(method: Any, names: list[str]) -> dict[str, Any]:
    """Return the contrasts of every factor."""
    if not isinstance(method, Mapping):
        return dict.fromkeys(names, method)
    for name in method:
        if name not in names:
            raise OptionError(f"{name!r} is no factor of these means. {did_you_mean(str(name), names)}")
    lacking = [name for name in names if name not in method]
    if lacking:
        raise OptionError(f"Say how to contrast {lacking[0]!r} too: {{{lacking[0]!r}: 'pairwise', …}}.")
    return dict(method)


def _levels(linear: Linear, rows: np.ndarray, name: str) -> list[Any]:
    return list(dict.fromkeys(linear.keys[name][i] for i in rows))


def _along(linear: Linear, rows: np.ndarray, name: str, method: Any, sign: str) -> Coefficients:
    return coefficients(method, tuple(level_words(name, _levels(linear, rows, name))), None, sign)


def _places(linear: Linear, rows: np.ndarray, names: list[str]) -> np.ndarray:
    """Place of every mean among all combinations, the first factor fastest."""
    place, stride = np.zeros(len(rows), dtype=np.intp), 1
    for name in names:
        levels = _levels(linear, rows, name)
        place += stride * np.array([levels.index(linear.keys[name][i]) for i in rows])
        stride *= len(levels)
    if len(rows) != stride:
        raise OptionError(
            f"Interaction contrasts need all combinations of {' and '.join(names)}; {stride - len(rows)} of "
            f"{stride} are not there (a nested factor has none)."
        )
    return place


def _product(matrices: list[np.ndarray]) -> np.ndarray:
    out = np.ones((1, 1))
    for matrix in matrices:
        out = np.kron(matrix, out)
    return out


def _words(found: list[Coefficients]) -> list[list[str]]:
    """Names of the contrasts of every factor, for every product, the first factor fastest."""
    total = int(np.prod([len(each.names) for each in found]))
    out, stride = [], 1
    for each in found:
        out.append([each.names[i // stride % len(each.names)] for i in range(total)])
        stride *= len(each.names)
    return out
