"""Whether one mixed model is a special case of another: its mean, and its covariance of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.design.record import Design
from henderson.errors import DataError, DesignError
from henderson.inference.hypotheses.nesting_of_sums import (
    check_same_rows,
    either_gathered,
    parameters,
    terms_within,
    unexplained_by_name,
    zero_variances,
)

ALL_PAIRS = 100
"""Up to so many rows every pair of rows is looked at."""

PAIRS = 4_000
"""Else so many pairs that share a level of each grouping factor, and so many rows with themselves."""

TOLERANCE = 1e-6
"""Share of a column that may be left unexplained."""


@dataclass(frozen=True, slots=True)
class Nesting:
    """How a smaller model lies in a larger one.

    Attributes
    ----------
    mean : int
        Fixed-effects columns that the larger model has in addition.
    covariance : int
        Covariance parameters that it has in addition.
    zero_variances : int or None
        Directions of variance of the larger model that are zero in the smaller one; None where the larger
        model describes one covariance in several ways.
    """

    mean: int
    covariance: int
    zero_variances: int | None

    @property
    def df(self) -> int:
        """Parameters that the larger model has in addition."""
        return self.mean + self.covariance


def check_same_data(first: Design, second: Design, names: tuple[str, str]) -> None:
    """Stop unless both designs have the same response, rows, weights and offset.

    Parameters
    ----------
    first, second : Design
    names : (str, str)
        What to call them.

    Raises
    ------
    DataError
        With what differs.
    """
    a, b = names
    why = "Likelihoods can be compared only when they are of the same numbers."
    if first.n != second.n:
        lost = [
            f"{n} lost {d.n_input - d.n}"
            for n, d in zip(names, (first, second), strict=True)
            if d.n_input > d.n
        ]
        because = f" ({', '.join(lost)} to missing values)" if lost else ""
        raise DataError(
            f"{a} has {first.n} rows and {b} has {second.n}{because}. {why} "
            "Fit both to the rows that are complete in all columns used."
        )
    if either_gathered(first, second):
        check_same_rows(first, second, names)
        return
    if first.response != second.response and not np.array_equal(first.y, second.y):
        raise DataError(f"The response of {a} is {first.response}, that of {b} is {second.response}. {why}")
    if not np.array_equal(first.y, second.y):
        rows = int((first.y != second.y).sum())
        raise DataError(
            f"The response differs between {a} and {b} in {rows} of {first.n} rows. {why} "
            "Fit both to the same data frame, rows in the same order."
        )
    for what in ("weights", "offset"):
        x, y = getattr(first, what), getattr(second, what)
        if (x is None) != (y is None) or (x is not None and not np.array_equal(x, y)):
            raise DataError(f"The {what} of {a} and {b} differ. {why} Fit both with the same {what}=.")


def nesting(small: Design, large: Design, names: tuple[str, str]) -> Nesting:
    """Say how one design lies in another, or why it does not.

    Parameters
    ----------
    small, large : Design
        Of the same rows.
    names : (str, str)
        What to call them.

    Returns
    -------
    Nesting

    Raises
    ------
    DesignError
        A fixed-effects column, or the covariance of a random term, that the larger model cannot express.

    Notes
    -----
    Means: the columns of `small` are projected on those of `large`, O(n p^2). Covariances: every element of
    theta stands for a matrix over pairs of rows, and each of those of `small` must be a combination of those
    of `large`; this is looked at in up to 4,000 pairs of rows per grouping factor. So (1 | g:f) + (1 | g)
    lies in (0 + f | g), and (x | g) does not lie in (x || g). That a combination must be a covariance matrix
    again is not checked.
    """
    _check_mean(small, large, names)
    if either_gathered(small, large):
        return _by_names(small, large, names)
    first, second = _pairs(small, large)
    inner, owner = _entries(small, first, second)
    outer, places = _entries(large, first, second)
    coefficients, rest, rank = _explain(outer, inner)
    if (rest > TOLERANCE).any():
        bad = [place for place, left in zip(owner, rest, strict=True) if left > TOLERANCE]
        _refuse_covariance(small, names, bad)
    unique = rank == outer.shape[1]
    start = np.array([1.0 if place is None or place[1] == place[2] else 0.0 for place in owner])
    zero = _zero_directions(large, places, coefficients @ start) if unique else None
    return Nesting(large.p - small.p, outer.shape[1] - inner.shape[1], zero)


def _by_names(small: Design, large: Design, names: tuple[str, str]) -> Nesting:
    """The same without rows: every random term must be part of one of the larger model, by names."""
    within = terms_within(small, large)
    if within is None:
        raise DesignError(
            f"{names[0]} cannot be seen to be nested in {names[1]}: the rows stayed elsewhere, and by their "
            f"names the random terms of {names[0]} are no parts of those of {names[1]}. Compare them by "
            ".aic, or fit both to rows in memory."
        )
    covariance = parameters(large) - parameters(small)
    return Nesting(large.p - small.p, covariance, zero_variances(large, within))


def same_mean(first: Design, second: Design) -> bool:
    """Say whether the fixed-effects columns of two designs span the same space."""
    return first.p == second.p and not unexplained(first, second)


def unexplained(small: Design, large: Design) -> list[str]:
    """Return the fixed-effects columns of `small` that are no combination of those of `large`."""
    if either_gathered(small, large):
        return unexplained_by_name(small, large)
    known = {name: j for j, name in enumerate(large.x_names)}
    todo = [
        j
        for j, name in enumerate(small.x_names)
        if name not in known or not np.array_equal(small.X[:, j], large.X[:, known[name]])
    ]
    if not todo:
        return []
    columns = small.X[:, todo]
    size = np.linalg.norm(columns, axis=0)
    scale = np.linalg.norm(large.X, axis=0) if large.p else np.ones(0)
    basis = np.linalg.qr(large.X / scale)[0] if large.p else np.zeros((small.n, 0))
    rest = columns - basis @ (basis.T @ columns)
    bad = np.linalg.norm(rest, axis=0) > TOLERANCE * size
    return [small.x_names[j] for j, out in zip(todo, bad, strict=True) if out]


def _check_mean(small: Design, large: Design, names: tuple[str, str]) -> None:
    missing = unexplained(small, large)
    if missing:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if len(missing) > 4 else "")
        raise DesignError(
            f"{names[0]} is not nested in {names[1]}: the fixed effect{'s' if len(missing) > 1 else ''} "
            f"{shown} cannot be written in the columns of {names[1]} ({', '.join(large.x_names[:6])}"
            f"{', …' if large.p > 6 else ''}). A likelihood ratio needs a smaller model that is a special "
            "case of the larger; models that are not can be compared by .aic of their .with_ml() fits."
        )


def _refuse_covariance(small: Design, names: tuple[str, str], bad: list[tuple[int, int, int] | None]) -> None:
    terms = dict.fromkeys(place[0] for place in bad if place is not None)
    shown = " + ".join(_spelt(small, i) for i in terms)
    raise DesignError(
        f"{names[0]} is not nested in {names[1]}: the covariance that {shown} gives to the "
        f"rows is none that the random terms of {names[1]} can give. A likelihood ratio needs a smaller "
        "model that is a special case of the larger; models that are not can be compared by .aic."
    )


def _spelt(design: Design, term: int) -> str:
    names, group = design.terms[term].names, design.groupings[design.terms[term].grouping].name
    constant = "(Intercept)" in names
    return f"({' + '.join(['1' if constant else '0', *names[constant:]])} | {group})"


def _pairs(small: Design, large: Design) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows in which covariances are looked at."""
    n = small.n
    if n <= ALL_PAIRS:
        return np.triu_indices(n)
    rng = np.random.default_rng(0)
    own = rng.permutation(n)[:PAIRS]
    first, second = [own], [own]
    for grouping in (*small.groupings, *large.groupings):
        order = np.argsort(grouping.codes, kind="stable")
        counts = np.bincount(grouping.codes, minlength=len(grouping.levels))
        start = np.cumsum(counts) - counts
        rows = rng.integers(0, n, PAIRS)
        level = grouping.codes[rows]
        partner = order[start[level] + (rng.random(PAIRS) * counts[level]).astype(np.int64)]
        first.append(rows)
        second.append(partner)
    return np.concatenate(first), np.concatenate(second)


def _entries(
    design: Design, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, list[tuple[int, int, int] | None]]:
    """One column per covariance parameter over pairs of rows, the residual last; (term, row, column) each."""
    columns: list[np.ndarray] = []
    places: list[tuple[int, int, int] | None] = []
    for i, term in enumerate(design.terms):
        codes = design.groupings[term.grouping].codes
        same = (codes[first] == codes[second]).astype(float)
        z = [c / (np.sqrt(c @ c / len(c)) or 1.0) for c in term.columns]
        for b in range(term.k):
            for a in range(b, term.k):
                entry = z[a][first] * z[b][second]
                columns.append(same * (entry if a == b else entry + z[b][first] * z[a][second]))
                places.append((i, a, b))
    weights = np.ones(len(first)) if design.weights is None else design.weights.mean() / design.weights[first]
    columns.append(np.where(first == second, weights, 0.0))
    places.append(None)
    return np.column_stack(columns), places


def _explain(outer: np.ndarray, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients of `inner` in the columns of `outer`, the share left over, and the rank of `outer`."""
    size, inner_size = (np.linalg.norm(x, axis=0) for x in (outer, inner))
    size[size == 0] = inner_size[inner_size == 0] = 1.0
    found, _, rank, _ = np.linalg.lstsq(outer / size, inner, rcond=1e-9)
    rest = np.linalg.norm(inner - outer @ (found / size[:, None]), axis=0) / inner_size
    return found / size[:, None], rest, int(rank)


def _zero_directions(large: Design, places: list[tuple[int, int, int] | None], values: np.ndarray) -> int:
    """Null directions of the covariance matrices of `large` at an inner point of the smaller model."""
    blocks = [np.zeros((term.k, term.k)) for term in large.terms]
    for place, value in zip(places, values, strict=True):
        if place is not None:
            term, row, column = place
            blocks[term][row, column] = blocks[term][column, row] = value
    top = max(float(np.abs(block).max()) for block in blocks)
    return sum(int((np.linalg.eigvalsh(block) < 1e-6 * top).sum()) for block in blocks)
