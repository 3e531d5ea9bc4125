"""Tests of the fixed terms: the analysis of variance table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.inference.hypotheses.term_contrasts import (
    Contrasts,
    by_names,
    hierarchical,
    marginal_means,
    own_coding,
    sequential,
)
from henderson.inference.small_sample import SmallSample, f_test

if TYPE_CHECKING:
    from henderson.design.record import Design

TYPES = {
    **dict.fromkeys((1, "1", "I"), 1),
    **dict.fromkeys((2, "2", "II"), 2),
    **dict.fromkeys((3, "3", "III"), 3),
}
DEFINITIONS = ("sas", "car")


@dataclass(frozen=True, slots=True, eq=False)
class AnovaTable:
    """One test a term.

    Attributes
    ----------
    terms : tuple of str, length t
        In model order.
    sum_sq, mean_sq : (t,) float64
        ``mean_sq = F sigma^2``, F before Kenward and Roger's factor; ``sum_sq = mean_sq num_df``. NaN for
        chi-square tests.
    num_df, den_df : (t,) float64
        Degrees of freedom; `den_df` is infinite for chi-square tests.
    statistic : (t,) float64
        F, or chi-square where `den_df` is infinite. NaN for terms without a column of their own.
    p_value : (t,) float64
    type : int
        1, 2 or 3.
    definition : str
        ``sas`` or ``car``.
    ddf : str
        Kind of degrees of freedom.
    formula : str
    note : str
        What to know of the computation; empty mostly.
    """

    terms: tuple[str, ...]
    sum_sq: np.ndarray
    mean_sq: np.ndarray
    num_df: np.ndarray
    den_df: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    type: int
    definition: str
    ddf: str
    formula: str
    note: str = ""

    def columns(self) -> dict[str, object]:
        """Return the table as named columns, tidy names."""
        names = ("sum_sq", "mean_sq", "statistic", "num_df", "den_df", "p_value")
        skip = names[:2] if self.ddf == "none" else ()
        return {"term": list(self.terms), **{name: getattr(self, name) for name in names if name not in skip}}


def check_type(type: object) -> int:
    """Return 1, 2 or 3, or an `OptionError` that lists them."""
    key = type if isinstance(type, str) else int(type) if isinstance(type, (int, np.integer)) else None
    if isinstance(key, str):
        key = key.upper()
    if key in TYPES and not isinstance(type, bool):
        return TYPES[key]
    if hasattr(type, "estimate"):
        raise OptionError(
            "anova() tests the terms of one fit; to compare two fits type hd.lrt(smaller, larger)."
        )
    raise OptionError(f"anova(type={type!r}): choose 1, 2 or 3 (or 'I', 'II', 'III').")


def term_contrasts(design: Design, sample: SmallSample, type: int, definition: str) -> Contrasts:
    """Return the hypothesis of every term.

    Parameters
    ----------
    design : Design
    sample : SmallSample
        Its covariance is the metric of car's type II.
    type : {1, 2, 3}
    definition : {"sas", "car"}

    Returns
    -------
    dict of str to (r, p) float64
    """
    if definition not in DEFINITIONS:
        raise OptionError(
            f"anova(definition={definition!r}): choose 'sas' (as SAS and lmerTest) or 'car' (as R's car)."
        )
    if type == 1:
        return sequential(design)
    if definition == "sas":
        return hierarchical(design) if type == 2 else marginal_means(design)
    return by_names(design, sample.vcov) if type == 2 else own_coding(design)


def anova(
    design: Design,
    sample: SmallSample,
    formula: str,
    type: object = 3,
    definition: str = "sas",
    *,
    intercept: bool = False,
) -> AnovaTable:
    """Test every fixed term.

    Parameters
    ----------
    design : Design
    sample : SmallSample
        Fixed effects, their covariance and what degrees of freedom are made of.
    formula : str
        As typed, for the printout.
    type : {1, 2, 3}
        Given the terms before; given all that do not contain it; averaged over those that contain it.
    definition : {"sas", "car"}
        Of types 2 and 3.
    intercept : bool
        Whether the constant is tested too.

    Returns
    -------
    AnovaTable

    Raises
    ------
    OptionError
        An unknown type or definition.

    Notes
    -----
    O(n p^2) for types 1 and 2, else free of the rows; then one F test per term.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> anova(fit.design, fit._small_sample(), fit.formula).statistic.round(2)
    array([87.8])
    """
    kind = check_type(type)
    contrasts = term_contrasts(design, sample, kind, definition)
    names = [n for n in contrasts if intercept or n != "(Intercept)"]
    tests = [f_test(sample, contrasts[name]) for name in names]
    F, num = (np.array([getattr(t, a) for t in tests], dtype=float) for a in ("statistic", "num_df"))
    den, p_value = (np.array([getattr(t, a) for t in tests], dtype=float) for a in ("den_df", "p_value"))
    scale = np.array([t.scale for t in tests])
    mean_sq = F / scale * sample.sigma**2 if sample.ddf != "none" else np.full(len(F), np.nan)
    return AnovaTable(
        tuple(names),
        mean_sq * num,
        mean_sq,
        num,
        den,
        F,
        p_value,
        kind,
        definition,
        sample.ddf,
        formula,
        " ".join(part for part in (sample.note, _without_columns(design, names, num)) if part),
    )


def _without_columns(design: Design, names: list[str], num_df: np.ndarray) -> str:
    """Say why terms have no test: they are combinations of the others."""
    empty = [name for name, df in zip(names, num_df, strict=True) if df == 0]
    if not empty or not design.dropped:
        return ""
    gone = ", ".join(design.dropped[:6]) + (", ..." if len(design.dropped) > 6 else "")
    return (
        f"No test of {', '.join(empty)}: nothing of its own is left beside the others (combinations "
        f"of others, to seven digits: {gone})."
    )
