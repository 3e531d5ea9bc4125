"""P-values and limits that hold for a whole family of comparisons at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.data.suggest import nearest
from henderson.errors import OptionError
from henderson.inference.means.maximum import largest, largest_quantiles
from henderson.inference.means.studentized_range import range_quantile, range_tail

ADJUSTMENTS = ("none", "tukey", "mvt", "sidak", "bonferroni", "holm", "fdr", "scheffe")
SIDES = ("two", "greater", "less")
_OTHER = {
    **dict.fromkeys(("bh", "benjamini-hochberg", "fdr_bh"), "fdr"),
    **dict.fromkeys(("dunnett", "dunnettx"), "mvt"),
    **dict.fromkeys(("bonf", "bonferonni"), "bonferroni"),
    "šidák": "sidak",
}
_OTHER_SIDES = {
    **dict.fromkeys(("two-sided", "two.sided", "both", "=", "!="), "two"),
    **dict.fromkeys(("right", "upper", "larger", "+", ">"), "greater"),
    **dict.fromkeys(("left", "lower", "smaller", "-", "<"), "less"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One family of m statistics.

    Attributes
    ----------
    statistic : (m,) float64
        t ratios; NaN where nothing can be estimated.
    df : (m,) float64
        Their degrees of freedom; infinite for z.
    root : (m, r) float64
        Rows of length one whose inner products are the correlations.
    means : int
        How many means are compared; 0 where the statistics are not all their pairwise differences.
    side : str
        One of `SIDES`.
    """

    statistic: np.ndarray
    df: np.ndarray
    root: np.ndarray
    means: int
    side: str


def check_adjust(adjust: object) -> str:
    """Return the name of an adjustment, or an `OptionError` that lists them.

    >>> check_adjust("BH")
    'fdr'
    """
    name = _OTHER.get(str(adjust).lower(), str(adjust).lower())
    if adjust is False or name in ADJUSTMENTS:
        return "none" if adjust is False else name
    near = nearest(name, ADJUSTMENTS, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise OptionError(
        f"adjust={adjust!r} is no adjustment for several comparisons.{hint} "
        f"There are: {', '.join(map(repr, ADJUSTMENTS))}."
    )


def check_side(side: object) -> str:
    """Return the name of a side, or an `OptionError` that lists them."""
    name = _OTHER_SIDES.get(str(side).lower(), str(side).lower())
    if name in SIDES:
        return name
    raise OptionError(f"side={side!r}: choose 'two', 'greater' (the alternative is greater) or 'less'.")


def usable(adjust: str, means: int, side: str, *, limits: bool) -> tuple[str, str]:
    """Return the adjustment that can be made, and why it is not the one asked for ("" if it is).

    Parameters
    ----------
    adjust : str
        One of `ADJUSTMENTS`.
    means : int
        Of the family; 0 where it is not all pairwise differences.
    side : str
        One of `SIDES`.
    limits : bool
        Whether limits are wanted rather than p-values.
    """
    if adjust == "tukey" and not means:
        return "sidak", "Tukey's adjustment is for one set of pairwise comparisons; Sidak's is used."
    if adjust == "tukey" and side != "two":
        return "sidak", "Tukey's adjustment is two-sided; Sidak's is used."
    if adjust in ("holm", "fdr") and limits:
        return "bonferroni", ""
    return adjust, ""


def raw_p(statistic: np.ndarray, df: np.ndarray, side: str) -> np.ndarray:
    """Return unadjusted p-values (m,) from t, or from the normal distribution where df is infinite."""
    if side == "two":
        return np.minimum(1.0, 2 * t_tail(np.abs(statistic), df))
    return t_tail(statistic if side == "greater" else -statistic, df)


def t_tail(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Return the probability that t with df degrees of freedom exceeds t."""
    from scipy.special import ndtr, stdtr

    finite = np.isfinite(df)
    out = stdtr(np.where(finite, df, 1.0), -t)
    return np.where(finite, out, np.where(np.isposinf(df), ndtr(-t), np.nan))


def t_bound(p: np.ndarray | float, df: np.ndarray) -> np.ndarray:
    """Return the t that is exceeded with probability p, (m,)."""
    from scipy.special import ndtri, stdtrit

    finite = np.isfinite(df)
    out = -stdtrit(np.where(finite, df, 1.0), p)
    return np.where(finite, out, np.where(np.isposinf(df), -ndtri(p), np.nan))


def adjusted_p(family: Family, adjust: str) -> np.ndarray:
    """Return p-values adjusted for the family.

    Parameters
    ----------
    family : Family
        m statistics.
    adjust : str
        One of `ADJUSTMENTS`, `usable` for the family.

    Returns
    -------
    (m,) float64
        Those that cannot be estimated stay NaN and do not count in the family, but for Tukey's, whose family
        are the means.

    Examples
    --------
    >>> family = Family(np.array([2.0, 3.0]), np.array([np.inf, np.inf]), np.eye(2), 0, "two")
    >>> adjusted_p(family, "holm").round(4)
    array([0.0455, 0.0054])
    """
    t, df, side = family.statistic, family.df, family.side
    p = raw_p(t, df, side)
    known = ~np.isnan(p)
    m = int(known.sum())
    if adjust == "none" or m == 0:
        return p
    if adjust == "tukey":
        return range_tail(np.sqrt(2) * np.abs(t), family.means, df)
    if adjust == "scheffe":
        return _scheffe(family, known)
    out = np.full(len(p), np.nan)
    if adjust == "mvt":
        found = largest(family.root[known], side == "two")
        bounds = np.abs(t) if side == "two" else t if side == "greater" else -t
        out[known] = [found.tail(b, d) for b, d in zip(bounds[known], df[known], strict=True)]
    elif adjust == "sidak":
        out[known] = -np.expm1(m * np.log1p(-np.minimum(p[known], 1 - 1e-16)))
    elif adjust == "bonferroni":
        out[known] = np.minimum(1.0, m * p[known])
    else:
        out[known] = _stepwise(p[known], adjust)
    return out


def _stepwise(p: np.ndarray, adjust: str) -> np.ndarray:
    """Holm's step-down and Benjamini and Hochberg's step-up p-values, (m,)."""
    m, order = len(p), np.argsort(p, kind="stable")
    ranks = np.arange(1, m + 1)
    if adjust == "holm":
        steps = np.maximum.accumulate((m + 1 - ranks) * p[order])
    else:
        steps = np.minimum.accumulate((m / ranks * p[order])[::-1])[::-1]
    out = np.empty(m)
    out[order] = np.minimum(1.0, steps)
    return out


def _rank(root: np.ndarray) -> int:
    values = np.linalg.svd(root, compute_uv=False)
    return int((values > 1e-8 * values[0]).sum())


def _scheffe(family: Family, known: np.ndarray) -> np.ndarray:
    """t^2 / r against F(r, df); one-sided p-values are halved on the side in question."""
    r = _rank(family.root[known])
    p = f_tail(family.statistic**2 / r, r, family.df)
    if family.side == "two":
        return p
    towards = family.statistic > 0 if family.side == "greater" else family.statistic < 0
    return np.where(np.isnan(p), np.nan, np.where(towards, p / 2, 1 - p / 2))


def f_tail(F: np.ndarray, r: int, df: np.ndarray) -> np.ndarray:
    """Return the probability that F(r, df) exceeds F; chi-square / r for infinite df."""
    from scipy.special import chdtrc, fdtrc

    finite = np.isfinite(df)
    out = fdtrc(r, np.where(finite, df, 1.0), F)
    return np.where(finite, out, np.where(np.isposinf(df), chdtrc(r, r * F), np.nan))


def half_widths(family: Family, adjust: str, level: float) -> np.ndarray:
    """Return the half-widths of simultaneous intervals in standard errors.

    Parameters
    ----------
    family : Family
        m statistics.
    adjust : str
        One of `ADJUSTMENTS`, `usable` for limits.
    level : float
        Coverage of all intervals together; of each for ``none``.

    Returns
    -------
    (m,) float64
        NaN where the statistic is NaN.
    """
    df, known = family.df, ~np.isnan(family.statistic) & ~np.isnan(family.df)
    m, two = int(known.sum()), family.side == "two"
    out = np.full(len(df), np.nan)
    if m == 0:
        return out
    alpha = (1 - level) / (2 if two else 1)
    if adjust == "none":
        out = t_bound(alpha, df)
    elif adjust == "bonferroni":
        out = t_bound(alpha / m, df)
    elif adjust == "sidak":
        out = t_bound(-np.expm1(np.log(level) / m) / (2 if two else 1), df)
    elif adjust == "tukey":
        out = range_quantile(1 - level, family.means, df) / np.sqrt(2)
    elif adjust == "scheffe":
        out = _scheffe_bound(_rank(family.root[known]), df, 1 - level if two else 2 * (1 - level))
    else:
        found = largest(family.root[known], two)
        out[known] = largest_quantiles(found, 1 - level, df[known])
    return np.where(known, out, np.nan)


def _scheffe_bound(r: int, df: np.ndarray, alpha: float) -> np.ndarray:
    from scipy.special import chdtri, fdtri

    finite = np.isfinite(df)
    squared = np.where(finite, r * fdtri(r, np.where(finite, df, 1.0), 1 - alpha), chdtri(r, alpha))
    return np.sqrt(squared)
