"""Fits side by side: information criteria, their differences and weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import DataError, OptionError
from henderson.inference import criteria
from henderson.inference.hypotheses.nesting_of_sums import (
    check_same_rows,
    either_gathered,
    unexplained_by_name,
)

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

CRITERIA = ("aic", "aicc", "bic")


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Fits of one response, the best first.

    Attributes
    ----------
    models : tuple of str, length m
        Formulas, numbered where two are the same.
    df : (m,) int
        Parameters: fixed effects, covariance parameters and sigma.
    loglik, aic, aicc, bic : (m,) float64
        Log-likelihood and the criteria made of it.
    delta, weight : (m,) float64
        Difference from the least criterion, and exp(-delta / 2), scaled to sum one.
    criterion : {"aic", "aicc", "bic"}
        What `delta` and `weight` are of.
    reml : bool
        Whether the likelihoods are those of REML.
    refitted : tuple of str
        Models that were fitted again by maximum likelihood.
    """

    models: tuple[str, ...]
    df: np.ndarray
    loglik: np.ndarray
    aic: np.ndarray
    aicc: np.ndarray
    bic: np.ndarray
    delta: np.ndarray
    weight: np.ndarray
    criterion: str
    reml: bool
    refitted: tuple[str, ...]

    def columns(self) -> dict[str, object]:
        """Return the table as named columns."""
        names = ("df", "loglik", "aic", "aicc", "bic", "delta", "weight")
        return {"model": list(self.models), **{name: getattr(self, name) for name in names}}


def aicc(design: Design, estimate: Estimate) -> float:
    """AIC with the correction for few rows, -2 loglik + 2 k n / (n - k - 1); infinite when n <= k + 1."""
    k, n = criteria.df(design, estimate), design.n
    return float(estimate.criterion) + 2 * k * n / (n - k - 1) if n > k + 1 else math.inf


def check_same_data(designs: list[Design], names: tuple[str, ...]) -> None:
    """Stop where two fits do not explain the same numbers.

    Raises
    ------
    DataError
        Naming the fits and what differs: the response, or the number of rows.
    """
    first = designs[0]
    for design, name in zip(designs[1:], names[1:], strict=True):
        if design.n != first.n:
            raise DataError(
                f"{names[0]!r} uses {first.n} rows and {name!r} uses {design.n}: their likelihoods are of "
                "different data and cannot be compared. Rows with missing values in any variable drop out; "
                "select the rows that all models can use first, and fit all of them to these."
            )
        if either_gathered(first, design):
            check_same_rows(first, design, (names[0], name))
            continue
        if not np.array_equal(design.y, first.y):
            raise DataError(
                f"The responses of {names[0]!r} ({first.response}) and {name!r} ({design.response}) differ: "
                "likelihoods of different numbers, or of one response on two scales, cannot be compared. "
                "Fit all models to the same response, in the same order of rows."
            )


def need_ml(designs: list[Design], estimates: list[Estimate]) -> bool:
    """Say whether these fits compare by ML only: REML likelihoods need the same fixed-effects columns."""
    kinds = {e.reml for e in estimates}
    if kinds == {False}:
        return False
    same = all(_same_columns(d, designs[0]) for d in designs[1:])
    return len(kinds) > 1 or not same


def _same_columns(a: Design, b: Design) -> bool:
    """Whether the fixed-effects columns are the same, in the same order."""
    if either_gathered(a, b):
        return a.x_names == b.x_names and not unexplained_by_name(a, b)
    return bool(np.array_equal(a.X, b.X))


def rank_fits(
    designs: list[Design],
    estimates: list[Estimate],
    names: tuple[str, ...],
    criterion: str,
    refitted: tuple[str, ...],
) -> Ranking:
    """Order fits by an information criterion.

    w_i = exp(-delta_i / 2) / sum_j exp(-delta_j / 2) (Burnham & Anderson 2002).

    Parameters
    ----------
    designs, estimates : lists of one length m
        Fits of the same data, all by ML or all by REML with the same fixed effects.
    names : tuple of str
        What to call them.
    criterion : {"aic", "aicc", "bic"}
        To order by.
    refitted : tuple of str
        Names of those that were fitted again by ML.

    Returns
    -------
    Ranking

    Raises
    ------
    OptionError
        For another criterion.
    """
    if criterion not in CRITERIA:
        raise OptionError(
            f"compare(criterion={criterion!r}): choose one of {', '.join(map(repr, CRITERIA))}."
        )
    pairs = list(zip(designs, estimates, strict=True))
    values = {
        "loglik": np.array([criteria.loglik(e) for _, e in pairs]),
        "aic": np.array([criteria.aic(d, e) for d, e in pairs]),
        "aicc": np.array([aicc(d, e) for d, e in pairs]),
        "bic": np.array([criteria.bic(d, e) for d, e in pairs]),
    }
    order = np.argsort(values[criterion], kind="stable")
    chosen = values[criterion][order]
    with np.errstate(invalid="ignore"):
        delta = np.where(np.isfinite(chosen), chosen - chosen[0], np.inf)
    share = np.exp(-delta / 2)
    return Ranking(
        models=tuple(names[i] for i in order),
        df=np.array([criteria.df(d, e) for d, e in pairs])[order],
        **{name: value[order] for name, value in values.items()},
        delta=delta,
        weight=share / share.sum() if share.any() else np.full(len(share), np.nan),
        criterion=criterion,
        reml=bool(estimates[0].reml),
        refitted=refitted,
    )


def distinct_names(formulas: list[str]) -> tuple[str, ...]:
    """Formulas as names; those that repeat are numbered."""
    out: list[str] = []
    for i, formula in enumerate(formulas):
        count = formulas[: i + 1].count(formula)
        out.append(f"{formula} [{count}]" if formulas.count(formula) > 1 else formula)
    return tuple(out)
