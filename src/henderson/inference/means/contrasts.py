"""Contrasts of means or trends, within groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from henderson.data import label_text
from henderson.errors import OptionError
from henderson.inference.means.averages import Linear
from henderson.inference.means.estimable import estimable
from henderson.inference.means.families import USUAL, Coefficients, coefficients
from henderson.inference.means.response import Transform

ROUNDED = 1e-8


def mean_labels(linear: Linear, rows: np.ndarray) -> tuple[str, ...]:
    """Return what the means of one group are called: the values of all keys but the groups'."""
    names = [name for name in linear.keys if name not in linear.by]
    if not names:
        return tuple("mean" for _ in rows)
    words = [level_words(name, [linear.keys[name][i] for i in rows]) for name in names]
    return tuple(" ".join(word) for word in zip(*words, strict=True))


def level_words(name: str, values: list[Any]) -> list[str]:
    """Values as text; numbers follow the name of the predictor."""
    texts = [f"{v:.6g}" if isinstance(v, float) else label_text(v) for v in values]
    return [name + text for text in texts] if all(map(_is_number, texts)) else texts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def contrast(
    linear: Linear, method: Any, reference: object = None, transform: Transform | None = None
) -> Linear:
    """Return contrasts of the means of every group.

    Parameters
    ----------
    linear : Linear
        Means or trends.
    method : str, dict or numbers
        See `families.coefficients`.
    reference : str or int, optional
        Of ``treatment``.
    transform : Transform, optional
        Given, and a logarithm, names read ``a / b``.

    Returns
    -------
    Linear
        One row per contrast and group.

    Raises
    ------
    OptionError
        A wrong family, numbers of the wrong length, or a group of one mean.

    Notes
    -----
    O(c k P) for each group of k means; pairwise differences O(c P).

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> contrast(fit.emmeans("Machine").linear, "sequential").L
    array([[ 0.,  1.,  0.],
           [ 0., -1.,  1.]])
    """
    if linear.role == "contrast" and "contrast" not in linear.keys:
        raise OptionError("These are no means; contrasts are taken of means or of trends.")
    keys: dict[str, list[Any]] = {"contrast": [], **{name: [] for name in linear.by}}
    parts, offsets, sets, family = [], [], [], "custom"
    off_zero: dict[str, None] = {}
    sign = "/" if transform is not None and transform.ratios else "-"
    known: dict[tuple[str, ...], Coefficients] = {}
    for rows in linear.groups():
        labels = mean_labels(linear, rows)
        if labels not in known:
            known[labels] = coefficients(method, labels, reference, sign)
        found = known[labels]
        names, family = found.names, found.family
        off_zero.update(dict.fromkeys(_off_zero(found)))
        parts.append(combine(found.matrix, linear.L[rows]))
        offsets.append(found.matrix @ linear.offset[rows])
        sets.append(len(rows))
        keys["contrast"] += names
        for name in linear.by:
            keys[name] += [linear.keys[name][rows[0]]] * len(names)
    L = np.concatenate(parts)
    if len(L) == 0:
        raise OptionError("There is one mean in each group: nothing to compare.")
    empty = np.isnan(L).any(axis=1)
    return replace(
        linear,
        keys={name: tuple(values) for name, values in keys.items()},
        L=L,
        offset=np.concatenate(offsets),
        estimable=~empty & estimable(np.where(empty[:, None], 0.0, L), linear.null),
        role="contrast",
        family=family,
        off_zero=tuple(off_zero),
        sets=tuple(sets) if family in ("pairwise", "revpairwise") else (),
    )


def _off_zero(found: Coefficients) -> list[str]:
    """Names of contrasts whose numbers do not add up to zero."""
    size = np.maximum(np.abs(found.matrix).max(axis=1, initial=0.0), 1e-300)
    off = np.abs(found.matrix.sum(axis=1)) > ROUNDED * size
    return [name for name, there in zip(found.names, off, strict=True) if there]


def combine(C: np.ndarray, L: np.ndarray) -> np.ndarray:
    """Return C L; rows that touch an empty mean are NaN, and differences are taken without multiplying."""
    empty = np.isnan(L).any(axis=1)
    safe = np.where(empty[:, None], 0.0, L)
    pairs = (C != 0).sum(axis=1) == 2
    if len(C) > 50 and pairs.all() and (C.sum(axis=1) == 0).all() and np.abs(C).max() == 1:
        out = safe[C.argmax(axis=1)] - safe[C.argmin(axis=1)]
    else:
        out = C @ safe
    out[(C[:, empty] != 0).any(axis=1)] = np.nan
    return np.asarray(out)


def usual_adjustment(family: str) -> str:
    """Return the adjustment that suits a family of contrasts; ``none`` for given ones."""
    return USUAL.get(family, "none")
