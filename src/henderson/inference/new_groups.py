"""Effects of new groups learnt from a few of their observations, without refitting.

For rows of unseen levels with Z*, X*, y* and the fitted Lambda, sigma and beta, the best prediction of their
effects is

    b* = G (y* - X* beta - offset* - Z_k* b_k)        G = Sigma Z*' (Z* Sigma Z*' + sigma^2 W*^-1)^-1

where Z_k* b_k are the effects of the levels that the fit knows. For a new row with x, z (new levels) and z_k
(known levels) the
error of the prediction x'beta + z_k'b_k + z'b* splits into two independent parts: a combination of the fit's
own errors,

    (x - X*' G' z)' (beta_hat - beta) + (z_k - Z_k*' G' z)' (b_hat_k - b_k),

whose variance the mixed-model equations give, and the conditional variance z' (Sigma - G Z* Sigma) z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import DataError
from henderson.inference.layout import grouping_columns
from henderson.inference.predict import Prediction, check_interval, with_limits
from henderson.inference.rows import NewRows, check_levels, linear_predictor, prior_variance
from henderson.inference.variance import WORK, combination_variance, factor_of, known_columns, z_columns

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

MOST_ROWS = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What a few rows say about the levels that they introduce.

    Attributes
    ----------
    places : tuple of dict, one per grouping
        Label of a new level to its position among the new levels of that grouping.
    starts : tuple of int, one per grouping
        Where the grouping's new effects start among the q* new effects (level-major, K columns each).
    modes : (q*,) float64
        b*.
    gain : (q*, m) float64
        G, as above, for the m rows.
    left : (q*, q*) float64
        Sigma - G Z* Sigma: what remains unknown.
    """

    places: tuple[dict[object, int], ...]
    starts: tuple[int, ...]
    modes: np.ndarray
    gain: np.ndarray
    left: np.ndarray


def learn(design: Design, estimate: Estimate, given: NewRows, y: np.ndarray) -> Learnt:
    """Condition the effects of the new levels in `given` on their responses.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    given : NewRows
        m rows; at least one with a level that the fit has not seen.
    y : (m,) float64
        Their responses.

    Returns
    -------
    Learnt

    Raises
    ------
    DataError
        If a value is missing, no level is new, or there are more than 5,000 rows (then refit).

    Notes
    -----
    Cost O(m^3), and m x q* memory.
    """
    check_given(design, given, y)
    places = tuple(_places(given, f) for f in range(len(design.groupings)))
    wide = [len(names) for names in grouping_columns(design)]
    starts = tuple(np.cumsum([0] + [len(p) * k for p, k in zip(places, wide, strict=True)])[:-1].tolist())
    Z = new_columns(design, given, places, starts, range(len(design.groupings)))
    sigma_z = spread(design, estimate, places) @ Z.T
    V = Z @ sigma_z + np.diag(estimate.sigma**2 / given.weights)
    gain = np.linalg.solve(V, sigma_z.T).T
    everything = tuple(range(len(design.groupings)))
    surprise = y - linear_predictor(design, estimate, given, everything)
    left = spread(design, estimate, places) - gain @ sigma_z.T
    return Learnt(places, starts, gain @ surprise, gain, (left + left.T) / 2)


def check_given(design: Design, given: NewRows, y: np.ndarray) -> None:
    """Stop at rows that cannot teach anything."""
    if given.missing.any() or not np.isfinite(y).all():
        bad = np.flatnonzero(given.missing | ~np.isfinite(y))[:5].tolist()
        raise DataError(
            f"given has missing or infinite values in row(s) {bad}; fill them in or leave those rows out."
        )
    if given.r > MOST_ROWS:
        raise DataError(
            f"given has {given.r} rows; more than {MOST_ROWS} are better used by refitting with lmm()."
        )
    if known_rows(given).all():
        names = ", ".join(repr(g.name) for g in design.groupings)
        raise DataError(
            f"Every level in given is known to the fit (factors {names}), so it introduces no new group. "
            "Refit with the added rows to learn more about known groups."
        )


def known_rows(given: NewRows) -> np.ndarray:
    """Rows (m,) without a new level: they teach nothing about new groups."""
    return np.asarray(np.logical_and.reduce([codes >= 0 for codes in given.codes]))


def _places(given: NewRows, f: int) -> dict[object, int]:
    labels = given.labels[f]
    unseen = given.codes[f] < 0
    names = dict.fromkeys(labels[unseen].tolist()) if labels is not None and unseen.any() else {}
    return {label: i for i, label in enumerate(names)}


def new_columns(
    design: Design, rows: NewRows, places: tuple[dict[object, int], ...], starts: tuple[int, ...], chosen: Any
) -> np.ndarray:
    """Z of the new levels, (r, q*): zero for levels that are known or that nothing was learnt about."""
    wide = [len(names) for names in grouping_columns(design)]
    out = np.zeros((rows.r, sum(len(p) * k for p, k in zip(places, wide, strict=True))))
    for f in chosen:
        labels = rows.labels[f]
        if labels is None or not places[f]:
            continue
        position = np.array(
            [places[f].get(x, -1) if c < 0 else -1 for x, c in zip(labels, rows.codes[f], strict=True)]
        )
        hit = np.flatnonzero(position >= 0)
        place = starts[f] + position[hit] * wide[f]
        out[hit[:, None], place[:, None] + np.arange(wide[f])] = z_columns(design, rows, f)[hit]
    return out


def spread(design: Design, estimate: Estimate, places: tuple[dict[object, int], ...]) -> np.ndarray:
    """Prior covariance Sigma of the new effects, (q*, q*), block diagonal."""
    from scipy.linalg import block_diag

    blocks = []
    for f, known in enumerate(places):
        own = factor_of(design, estimate, f)
        blocks += [own @ own.T] * len(known)
    return np.asarray(estimate.sigma**2 * block_diag(*blocks))


def predict_given(
    design: Design,
    estimate: Estimate,
    rows: NewRows,
    chosen: tuple[int, ...],
    given: NewRows,
    y: np.ndarray,
    *,
    new_levels: str = "error",
    se: bool = False,
    interval: str | None = None,
    level: float = 0.95,
) -> Prediction:
    """Predict new rows after learning the effects of new groups from `given`; parameters as `predict`.

    Levels that neither the fit nor `given` has seen follow `new_levels`.
    """
    check_interval(interval)
    learnt = learn(design, estimate, given, y)
    unknown = [_untaught(rows, learnt, f) for f in range(len(design.groupings))]
    check_levels(design, _only(rows, unknown), chosen, new_levels)
    Z = new_columns(design, rows, learnt.places, learnt.starts, chosen)
    mean = linear_predictor(design, estimate, rows, chosen) + Z @ learnt.modes
    if not se and interval is None:
        return Prediction(np.where(rows.missing, np.nan, mean))
    variance = np.einsum("ij,jk,ik->i", Z, learnt.left, Z, optimize=True)
    variance += fit_variance(design, estimate, rows, chosen, given, Z @ learnt.gain)
    for f in chosen:
        variance += np.where(unknown[f], prior_variance(design, estimate, rows, f), 0.0)
    return with_limits(design, estimate, rows, chosen, mean, variance, interval, level)


def _untaught(rows: NewRows, learnt: Learnt, f: int) -> np.ndarray:
    """Rows (r,) whose level of grouping `f` neither the fit nor the given rows have seen."""
    out, labels = rows.codes[f] < 0, rows.labels[f]
    if labels is not None:
        out[out] = [label not in learnt.places[f] for label in labels[out]]
    return out


def _only(rows: NewRows, unknown: list[np.ndarray]) -> NewRows:
    """Return the same rows with only the `unknown` levels marked as unseen (for the check)."""
    codes = tuple(np.where(mark, -1, 0) for mark in unknown)
    return NewRows(rows.X, codes, rows.labels, rows.columns, rows.offset, rows.weights, rows.missing)


def fit_variance(
    design: Design,
    estimate: Estimate,
    rows: NewRows,
    chosen: tuple[int, ...],
    given: NewRows,
    pull: np.ndarray,
) -> np.ndarray:
    """Variance (r,) of the part of the error that comes from beta_hat and from the known levels.

    The combination of row i is a_i - sum_j pull_ij a*_j with a = (x, z_k); its variance over sigma^2 is
    |L^-1 h|^2 + |R_X^-T (...)|^2 with h = Lambda' z, in blocks of rows so that no q x r array is ever held.
    """
    every = tuple(range(len(design.groupings)))
    X = np.where(rows.missing[:, None], 0.0, rows.X) - pull @ given.X
    q = sum(b.size for b in estimate.b)
    known, known_given = known_columns(design, rows, chosen, q), known_columns(design, given, every, q)
    if known.nnz == 0 and known_given.nnz == 0:
        return combination_variance(design, estimate, X, None)
    out, step = np.empty(rows.r), max(1, WORK // max(q, 1))
    for start in range(0, rows.r, step):
        cut = slice(start, start + step)
        combination = known[cut].toarray() - pull[cut] @ known_given
        out[cut] = combination_variance(design, estimate, X[cut], combination)
    return out
