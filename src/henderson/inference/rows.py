"""New rows matched with a fit: which levels are known, what is missing, and the plain linear predictor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import DataError, OptionError
from henderson.inference.layout import grouping_index, term_slices

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

NEW_LEVELS = ("error", "population")


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """Rows of new data in the coordinates of a fit.

    Attributes
    ----------
    X : (r, p) float64
        Fixed-effects columns; NaN in rows with missing values.
    codes : tuple of (r,) int32, one per grouping
        Level of every row among the levels of the fit; -1 when the fit has not seen it.
    labels : tuple of (r,) object or None, one per grouping
        Labels of the unseen levels, where a code is -1.
    columns : tuple (one per term) of tuple (one per column) of (r,) float64
        Columns of the random-effects terms.
    offset, weights : (r,) float64
        Known part of the mean, and precision weights.
    missing : (r,) bool
        Rows that cannot be predicted because a value is missing.
    """

    X: np.ndarray
    codes: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray | None, ...]
    columns: tuple[tuple[np.ndarray, ...], ...]
    offset: np.ndarray
    weights: np.ndarray
    missing: np.ndarray

    @property
    def r(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])


def chosen_groupings(design: Design, groups: str | Iterable[str] | None) -> tuple[int, ...]:
    """Positions of the grouping factors whose effects take part in a prediction.

    Parameters
    ----------
    design : Design
        The fit's groupings.
    groups : "all", None or a list of names
        All of them, none, or these.

    Raises
    ------
    OptionError
        For a name the model does not have.
    """
    if groups is None:
        return ()
    if isinstance(groups, str):
        if groups == "all":
            return tuple(range(len(design.groupings)))
        names = [g.name for g in design.groupings]
        suggestion = f" Type groups=[{groups!r}]." if groups in names else ""
        raise OptionError(f"groups={groups!r}: choose 'all', None, or a list among {names}.{suggestion}")
    if not isinstance(groups, Iterable):
        raise OptionError(
            f"groups={groups!r}: choose 'all', None, or a list among {[g.name for g in design.groupings]}."
        )
    return tuple(dict.fromkeys(grouping_index(design, name) for name in groups))


def check_new_levels(new_levels: object) -> None:
    """Stop at an unknown way of treating levels that the fit has not seen."""
    if new_levels not in NEW_LEVELS:
        raise OptionError(f"new_levels={new_levels!r}: choose {' or '.join(map(repr, NEW_LEVELS))}.")


def check_levels(design: Design, rows: NewRows, chosen: tuple[int, ...], new_levels: str) -> None:
    """Stop at levels the fit has not seen, unless they may be predicted as a level drawn from the population.

    Raises
    ------
    DataError
        Naming the factor and the first unseen labels.
    """
    if new_levels == "population":
        return
    for f in chosen:
        unseen = (rows.codes[f] < 0) & ~rows.missing
        if unseen.any():
            known = rows.labels[f]
            labels = list(dict.fromkeys(known[unseen].tolist())) if known is not None else []
            shown = ", ".join(repr(x) for x in labels[:5]) + (", ..." if len(labels) > 5 else "")
            name = design.groupings[f].name
            raise DataError(
                f"{int(unseen.sum())} row(s) have levels of {name!r} that the fit has not seen: {shown}. "
                f"Their effects are unknown. Type new_levels='population' to predict them as new levels, "
                f"groups=None to leave all groups out, or given=rows to learn from a few of their rows."
            )


def linear_predictor(
    design: Design, estimate: Estimate, rows: NewRows, chosen: tuple[int, ...]
) -> np.ndarray:
    """X beta + offset + the chosen groupings' Z b, (r,); an unseen level contributes zero. O(r (p + k))."""
    mean = rows.X @ estimate.beta + rows.offset
    for term, cut, columns in zip(design.terms, term_slices(design), rows.columns, strict=True):
        if term.grouping in chosen:
            codes, effects = rows.codes[term.grouping], estimate.b[term.grouping][:, cut]
            for j, column in enumerate(columns):
                mean += np.where(codes >= 0, column * effects[codes, j], 0.0)
    return mean


def prior_variance(design: Design, estimate: Estimate, rows: NewRows, f: int) -> np.ndarray:
    """Return z' Sigma z of grouping `f`, (r,): the variance of a level drawn from the population."""
    total = np.zeros(rows.r)
    for term, block, columns in zip(design.terms, estimate.lambdas, rows.columns, strict=True):
        if term.grouping == f:
            total += ((np.column_stack(columns) @ block) ** 2).sum(axis=1)
    return total * estimate.sigma**2
