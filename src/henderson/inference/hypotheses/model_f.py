"""F tests of a smaller mean within a larger mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson.design.record import Design
from henderson.errors import DesignError, OptionError
from henderson.inference.hypotheses.lrt import Candidate
from henderson.inference.hypotheses.nesting import check_same_data, nesting, unexplained
from henderson.inference.hypotheses.nesting_of_sums import either_gathered
from henderson.inference.hypotheses.restriction import restriction
from henderson.inference.small_sample import SmallSample, f_test


@dataclass(frozen=True, slots=True, eq=False)
class ModelF:
    """F test of the mean of one model within another.

    Attributes
    ----------
    small, large : str
        Names of the models.
    formulas : (str, str)
        As typed, the smaller first.
    statistic, num_df, den_df, p_value : float
        F and its degrees of freedom.
    ddf : str
        How `den_df` was found.
    scale : float
        Kenward and Roger's factor that F was multiplied by; 1 for the others.
    restriction : (r, p) float64
        L with L beta = 0 under the smaller model.
    refitted : bool
        Whether the larger model was an ML fit and was refitted by REML.
    note : str
        What to know of the degrees of freedom; empty mostly.
    """

    small: str
    large: str
    formulas: tuple[str, str]
    statistic: float
    num_df: float
    den_df: float
    p_value: float
    ddf: str
    scale: float
    restriction: np.ndarray
    refitted: bool
    note: str = ""

    def columns(self) -> Mapping[str, Any]:
        """Return the test as a table of one row."""
        names = ("statistic", "num_df", "den_df", "p_value")
        return {"model": [self.small], **{name: [getattr(self, name)] for name in names}}


def ordered_by_mean(first: Candidate, second: Candidate) -> tuple[Candidate, Candidate]:
    """Return the smaller and the larger of two models that differ in their mean alone.

    Raises
    ------
    DataError
        They are of different data.
    DesignError
        Neither mean lies in the other, or the random parts differ.
    OptionError
        The means are the same.
    """
    small, large = sorted((first, second), key=lambda m: m.design.p)
    check_same_data(small.design, large.design, (small.name, large.name))
    if small.design.p == large.design.p and not unexplained(small.design, large.design):
        raise OptionError(
            f"{small.name} and {large.name} have the same mean, so there is nothing to test by F. For their "
            "random parts type hd.lrt(fit0, fit1) or fit.ranova()."
        )
    step = nesting(small.design, large.design, (small.name, large.name))
    if step.covariance:
        raise DesignError(
            f"The random parts of {small.name} and {large.name} differ: an F test is of fixed effects given "
            "one random part. Fit both with the random part of the larger, or type hd.lrt(fit0, fit1)."
        )
    return small, large


def model_f(small: Candidate, large: Candidate, sample: SmallSample, *, refitted: bool) -> ModelF:
    """Test the mean of the smaller model within the larger one.

    F = (L beta)'(L Phi L')^-1 (L beta) / r, with L beta = 0 under the smaller model.

    Parameters
    ----------
    small, large : Candidate
        From `ordered_by_mean`.
    sample : SmallSample
        Of the larger model.
    refitted : bool
        Whether it was refitted by REML.

    Returns
    -------
    ModelF
    """
    L = _restriction(small.design, large.design)
    test = f_test(sample, L)
    return ModelF(
        small=small.name,
        large=large.name,
        formulas=(small.formula, large.formula),
        statistic=float(test.statistic),
        num_df=float(test.num_df),
        den_df=float(test.den_df),
        p_value=float(test.p_value),
        ddf=sample.ddf,
        scale=float(test.scale),
        restriction=L,
        refitted=refitted,
        note=sample.note,
    )


def _restriction(small: Design, large: Design) -> np.ndarray:
    """L with L beta = 0 under the smaller model; without rows, its columns are among those of the larger."""
    if either_gathered(small, large):
        extra = [j for j, name in enumerate(large.x_names) if name not in small.x_names]
        return np.eye(large.p)[extra]
    return restriction(small.X, large.X)
