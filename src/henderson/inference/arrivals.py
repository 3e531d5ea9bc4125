"""What a fit says of a new group as its observations arrive, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.design.gathered import rows_per_level
from henderson.errors import DataError
from henderson.inference.layout import grouping_columns
from henderson.inference.new_groups import learn, predict_given
from henderson.inference.predict import Prediction, predict
from henderson.inference.rows import NewRows
from henderson.inference.variance import factor_of

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class ArrivalsRecord:
    """Groups, some known and one new, with what the fit makes of the rows seen of them.

    Attributes
    ----------
    group : str
        The grouping factor.
    levels : tuple of str, length s
        Group of every state: known ones first, then the new one again and again.
    known : (s,) bool
        Whether the group is one of the fit's.
    rows : (s,) int64
        Rows seen of the group.
    terms : tuple of str, length K
        Columns of the group's random effects.
    coef : (s, K) float64
        Fixed effect plus the group's, given the rows seen.
    shrinkage : (s, K) float64
        Conditional over prior variance of the effect: 1 with no rows, towards 0 as they arrive.
    estimate, std_error, low, high : (s,) float64
        Prediction at one place, and the ends of its interval.
    interval : str
        ``confidence`` or ``prediction``.
    level : float
        Its coverage.
    place : tuple of (str, str)
        Predictors there.
    """

    group: str
    levels: tuple[str, ...]
    known: np.ndarray
    rows: np.ndarray
    terms: tuple[str, ...]
    coef: np.ndarray
    shrinkage: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    interval: str
    level: float
    place: tuple[tuple[str, str], ...]

    def columns(self) -> dict[str, object]:
        """One row per state: level, known, rows, terms, shrinkage.<term>, estimate, std_error, limits."""
        stem = "conf" if self.interval == "confidence" else "pred"
        terms = {name: self.coef[:, k] for k, name in enumerate(self.terms)}
        shrunk = {f"shrinkage.{name}": self.shrinkage[:, k] for k, name in enumerate(self.terms)}
        limits = {f"{stem}_low": self.low, f"{stem}_high": self.high}
        first = {"level": list(self.levels), "known": self.known, "rows": self.rows}
        return first | terms | shrunk | {"estimate": self.estimate, "std_error": self.std_error} | limits


def arrivals(
    design: Design,
    estimate: Estimate,
    f: int,
    given: NewRows,
    y: np.ndarray,
    at: NewRows,
    known: Sequence[int],
    conditional: np.ndarray,
    place: tuple[tuple[str, str], ...],
    interval: str = "prediction",
    level: float = 0.95,
) -> ArrivalsRecord:
    """Learn the effects of a new group from its first 0, 1, 2, … rows, and predict from each.

    b* = Sigma Z*'(Z* Sigma Z*' + sigma^2 W*^-1)^-1 (y* - X* beta), whose conditional over prior variance is
    the shrinkage.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    f : int
        The grouping that the group is new to.
    given : NewRows
        m rows of one new group, in the order of arrival.
    y : (m,) float64
        Their responses.
    at : NewRows
        One row to predict.
    known : sequence of int
        Levels of the fit to show beside.
    conditional : (G, K, K) float64
        Conditional covariances of the known levels' effects.
    place : tuple of (str, str)
        Predictors of `at`, in words.
    interval, level
        As in `predict`.

    Returns
    -------
    ArrivalsRecord

    Raises
    ------
    DataError
        If the rows are of several groups, or of one that the fit knows.

    Notes
    -----
    Cost O(m^4) for m rows.
    """
    name, label = design.groupings[f].name, _label(design, f, given)
    groups = tuple(range(len(design.groupings)))
    options = {"se": True, "interval": interval, "level": level, "new_levels": "population"}
    predictions = [predict(design, estimate, at_level(at, f, g, None), groups, **options) for g in known]  # type: ignore[arg-type]
    fresh = at_level(at, f, -1, label)
    effects = [(estimate.b[f][g], conditional[g]) for g in known]
    for count in range(given.r + 1):
        if count == 0:
            predictions.append(predict(design, estimate, fresh, groups, **options))  # type: ignore[arg-type]
            effects.append((np.zeros(len(grouping_columns(design)[f])), _prior(design, estimate, f)))
            continue
        seen = first_rows(given, count)
        predictions.append(
            predict_given(design, estimate, fresh, groups, seen, y[:count], **options)  # type: ignore[arg-type]
        )
        effects.append(_learnt(design, estimate, f, seen, y[:count], label))
    grouping, size = design.groupings[f], rows_per_level(design, f)
    rows = [*(int(size[g]) for g in known), *range(given.r + 1)]
    levels = (*(str(grouping.levels[g]) for g in known), *(str(label),) * (given.r + 1))
    return _record(
        design, estimate, f, name, levels, np.array(rows), len(known), effects, predictions, place, level
    )


def _record(
    design: Design,
    estimate: Estimate,
    f: int,
    name: str,
    levels: tuple[str, ...],
    rows: np.ndarray,
    known: int,
    effects: list[tuple[np.ndarray, np.ndarray]],
    predictions: list[Prediction],
    place: tuple[tuple[str, str], ...],
    level: float,
) -> ArrivalsRecord:
    terms = grouping_columns(design)[f]
    fixed = [estimate.beta[design.x_names.index(t)] if t in design.x_names else 0.0 for t in terms]
    prior = np.diag(_prior(design, estimate, f))
    left = np.array([np.diag(cov) for _, cov in effects])
    return ArrivalsRecord(
        group=name,
        levels=levels,
        known=np.arange(len(levels)) < known,
        rows=rows,
        terms=terms,
        coef=np.array([b for b, _ in effects]) + np.array(fixed),
        shrinkage=np.where(prior > 0, left / np.where(prior > 0, prior, 1.0), 1.0),
        estimate=np.array([p.mean[0] for p in predictions]),
        std_error=_first(p.std_error for p in predictions),
        low=_first(p.low for p in predictions),
        high=_first(p.high for p in predictions),
        interval=str(predictions[0].interval),
        level=level,
        place=place,
    )


def _first(parts: object) -> np.ndarray:
    return np.array([part[0] for part in parts])  # type: ignore[attr-defined]


def _label(design: Design, f: int, given: NewRows) -> object:
    """The one label of the new group, or an error that says what the rows hold."""
    labels, name = given.labels[f], design.groupings[f].name
    if (given.codes[f] >= 0).any():
        old = design.groupings[f].levels[int(given.codes[f].max())]
        raise DataError(
            f"rows has {name} {old!r}, which the fit knows. Give rows of a new {name}; known ones are shown "
            f"beside it by known=[{old!r}]."
        )
    found = [] if labels is None else list(dict.fromkeys(labels.tolist()))
    if len(found) != 1:
        shown = ", ".join(map(repr, found[:5]))
        raise DataError(
            f"rows has {len(found)} new levels of {name} ({shown}); give the rows of one of them."
        )
    return found[0]


def at_level(rows: NewRows, f: int, code: int, label: object) -> NewRows:
    """Return the same rows as rows of another level of grouping `f`."""
    codes, labels = list(rows.codes), list(rows.labels)
    codes[f] = np.full(rows.r, code, dtype=np.int32)
    labels[f] = np.full(rows.r, label, dtype=object)
    return replace(rows, codes=tuple(codes), labels=tuple(labels))


def first_rows(rows: NewRows, count: int) -> NewRows:
    """Return the first `count` rows."""
    return take(rows, slice(0, count))


def take(rows: NewRows, at: slice) -> NewRows:
    """Return some of the rows."""
    return NewRows(
        X=rows.X[at],
        codes=tuple(c[at] for c in rows.codes),
        labels=tuple(None if x is None else x[at] for x in rows.labels),
        columns=tuple(tuple(c[at] for c in columns) for columns in rows.columns),
        offset=rows.offset[at],
        weights=rows.weights[at],
        missing=rows.missing[at],
    )


def _prior(design: Design, estimate: Estimate, f: int) -> np.ndarray:
    root = factor_of(design, estimate, f)
    return np.asarray(estimate.sigma**2 * root @ root.T)


def _learnt(
    design: Design, estimate: Estimate, f: int, seen: NewRows, y: np.ndarray, label: object
) -> tuple[np.ndarray, np.ndarray]:
    """Effects (K,) of the new group given its rows, and their conditional covariance (K, K)."""
    found = learn(design, estimate, seen, y)
    k = len(grouping_columns(design)[f])
    start = found.starts[f] + found.places[f][label] * k
    own = slice(start, start + k)
    return found.modes[own], found.left[own, own]
