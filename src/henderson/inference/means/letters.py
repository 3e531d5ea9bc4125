"""Compact letter display: means that share a letter do not differ significantly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.inference.means.contrasts import contrast
from henderson.inference.means.evaluate import Evaluated, Question, evaluate
from henderson.inference.small_sample.record import SmallSample


@dataclass(frozen=True, slots=True, eq=False)
class Letters:
    """Means in increasing order within every group, with letters.

    Attributes
    ----------
    means : Evaluated
        The means, in their own order.
    order : (m,) intp
        Rows of `means` in the order shown.
    letters : tuple of str, length m
        In the order shown; empty for means that cannot be estimated.
    alpha : float
        Level of significance.
    adjust : str
        Adjustment of the pairwise comparisons.
    """

    means: Evaluated
    order: np.ndarray
    letters: tuple[str, ...]
    alpha: float
    adjust: str

    def columns(self) -> dict[str, Any]:
        """Return the table as named columns, tidy names."""
        columns = self.means.columns()
        names = [*self.means.linear.keys, "estimate", "std_error", "df", "conf_low", "conf_high"]
        out = {name: [columns[name][i] for i in self.order] for name in names}
        return {**out, "letters": list(self.letters)}


def letter_display(
    means: Evaluated, sample: SmallSample, alpha: float = 0.05, adjust: str = "tukey"
) -> Letters:
    """Compare all pairs of means within every group, and give letters to those that do not differ.

    Parameters
    ----------
    means : Evaluated
        Means or trends.
    sample : SmallSample
        What they rest on.
    alpha : float
        Pairs with adjusted p-values below it differ.
    adjust : str
        Adjustment of the pairwise p-values.

    Returns
    -------
    Letters

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker/Machine)", hd.datasets.load("machines"))
    >>> letter_display(fit.emmeans("Machine").record, fit._small_sample()).letters
    ('a', 'b', 'b')
    """
    linear = means.linear
    order, letters = [], []
    pairs = evaluate(contrast(linear, "pairwise"), sample, Question(adjust=adjust))
    start = 0
    for rows in linear.groups():
        k = len(rows)
        p = pairs.p_value[start : start + k * (k - 1) // 2]
        start += k * (k - 1) // 2
        different = np.zeros((k, k), dtype=bool)
        different[np.triu_indices(k, 1)] = p < alpha
        different |= different.T
        known = linear.estimable[rows]
        by_size = np.argsort(np.where(known, means.estimate[rows], np.inf), kind="stable")
        shown = [i for i in by_size if known[i]]
        letters += compact_letters(different[np.ix_(shown, shown)]) + [""] * (k - len(shown))
        order += rows[by_size].tolist()
    return Letters(means, np.array(order), tuple(letters), alpha, adjust)


def compact_letters(different: np.ndarray) -> list[str]:
    """Return the letters of k means, by inserting and absorbing.

    Start with one column for all means; every significant pair splits each column that holds both into two
    that hold one of them; columns contained in others are absorbed; columns are then swept of letters that
    are not needed, and ordered by their first mean.

    Parameters
    ----------
    different : (k, k) bool
        Symmetric; whether two means differ significantly. The order of the means is that of the letters.

    Returns
    -------
    list of str, length k
        Two means share a letter if and only if they do not differ.

    References
    ----------
    Piepho (2004), An algorithm for a letter-based representation of all-pairwise comparisons, Journal of
    Computational and Graphical Statistics 13, 456-466.

    Notes
    -----
    O(k^2 c^2) for c letters.

    Examples
    --------
    >>> pairs = np.zeros((3, 3), bool)
    >>> pairs[0, 2] = pairs[2, 0] = True
    >>> compact_letters(pairs)
    ['a', 'ab', 'b']
    """
    k = len(different)
    columns = [(1 << k) - 1]
    for i in range(k):
        for j in range(i + 1, k):
            if different[i, j]:
                columns = _split(columns, 1 << i, 1 << j)
    columns = _swept(columns, k)
    columns.sort(key=lambda column: [not column >> i & 1 for i in range(k)])
    names = _letters(len(columns))
    return ["".join(name for name, c in zip(names, columns, strict=True) if c >> i & 1) for i in range(k)]


def _split(columns: list[int], one: int, other: int) -> list[int]:
    both = one | other
    split = [column for column in columns if column & both == both]
    kept = [column for column in columns if column & both != both]
    for column in split:
        for new in (column & ~one, column & ~other):
            if not any(new & ~old == 0 for old in kept):
                kept = [old for old in kept if old & ~new] + [new]
    return kept


def _swept(columns: list[int], k: int) -> list[int]:
    """Drop columns all of whose pairs are shared in others too."""
    kept = list(columns)
    for column in sorted(columns, key=int.bit_count):
        others = [c for c in kept if c != column]
        members = [i for i in range(k) if column >> i & 1]
        pairs = [(1 << i) | (1 << j) for i in members for j in members if i <= j]
        if others and all(any(other & pair == pair for other in others) for pair in pairs):
            kept = others
    return kept


def _letters(count: int) -> list[str]:
    """Return a, b, … z, A, … Z, then a1, b1 and so on."""
    base = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [base[i % 52] + (str(i // 52) if i >= 52 else "") for i in range(count)]
