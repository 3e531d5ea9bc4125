"""The coefficient table: estimates, standard errors, t tests and limits of the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.fixed import check_level, expand
from henderson.inference.small_sample import SmallSample, t_tests

if TYPE_CHECKING:
    from henderson.design.record import Design

NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, eq=False)
class CoefficientTable:
    """One row per fixed-effects column, in formula order; columns that were dropped hold NaN.

    Attributes
    ----------
    terms : tuple of str, length r
        Names, dropped columns included (r >= p).
    estimate, std_error, statistic, df, p_value, conf_low, conf_high : (r,) float64
        Estimate, its standard error, their ratio, degrees of freedom (infinite for z tests), two-sided
        p-value, and the ends of the interval.
    level : float
        Coverage of the interval.
    ddf : str
        Kind of degrees of freedom.
    note : str
        What to know of their computation; empty mostly.
    """

    terms: tuple[str, ...]
    estimate: np.ndarray
    std_error: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    level: float
    ddf: str
    note: str = ""

    def columns(self) -> dict[str, object]:
        """Return the table as named columns, tidy names."""
        return {"term": list(self.terms), **{name: getattr(self, name) for name in NUMBERS}}


def coefficient_table(design: Design, sample: SmallSample, level: float = 0.95) -> CoefficientTable:
    """Estimates, standard errors, t tests and limits of the fixed effects.

    t_j = beta_j / se_j on df_j degrees of freedom, beta_j +- t(df_j) se_j.

    Parameters
    ----------
    design : Design
        Names of the columns, kept and dropped.
    sample : SmallSample
        Fixed effects, their covariance and what degrees of freedom are made of.
    level : float, default 0.95
        Coverage.

    Returns
    -------
    CoefficientTable

    Raises
    ------
    OptionError
        If `level` is not strictly between 0 and 1.

    Notes
    -----
    Cost O(p) for each variance parameter.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> table = coefficient_table(fit.design, fit._small_sample())
    >>> table.terms, table.df.round(2)
    (('(Intercept)', 'Days'), array([17., 17.]))
    """
    tests = t_tests(sample, np.eye(sample.p), level=check_level(level))
    numbers = {name: expand(design, getattr(tests, name)) for name in NUMBERS}
    return CoefficientTable(
        design.all_x_names, **numbers, level=float(level), ddf=sample.ddf, note=sample.note
    )
