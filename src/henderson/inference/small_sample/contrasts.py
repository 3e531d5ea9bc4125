"""Tests of linear combinations of the fixed effects: t for each, F (or chi-square) for all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from henderson.errors import OptionError
from henderson.inference.fixed import check_level
from henderson.inference.small_sample.fscale import fai_cornelius, kenward_roger_scale
from henderson.inference.small_sample.record import SmallSample

SAME = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class TTests:
    """One t test a row.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : (m,) float64
        Of every combination; `df` is infinite where the reference is the normal distribution.
    null : (m,) float64
        Values tested.
    level : float
        Coverage of the limits.
    """

    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    null: np.ndarray
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class FTest:
    """One joint test.

    Attributes
    ----------
    statistic : float
        F; chi-square where `den_df` is infinite.
    num_df : int
        Rank of the hypothesis.
    den_df : float
        Denominator degrees of freedom.
    p_value : float
    scale : float
        Factor that the F statistic has been multiplied by (Kenward-Roger's lambda; else 1).
    """

    statistic: float
    num_df: int
    den_df: float
    p_value: float
    scale: float = 1.0


def check_contrast(sample: SmallSample, L: object) -> np.ndarray:
    """Return a contrast as a finite (r, p) matrix, or an `OptionError` that says what is wrong."""
    try:
        out = np.atleast_2d(np.asarray(L, dtype=float))
    except (TypeError, ValueError):
        raise OptionError(
            f"A contrast is a matrix of numbers with one column per fixed effect, not {L!r}."
        ) from None
    if out.ndim != 2 or out.shape[1] != sample.p:
        raise OptionError(
            f"A contrast needs one number for each of the {sample.p} fixed effects; this has {out.shape[-1]}."
        )
    if not np.isfinite(out).all():
        raise OptionError("A contrast must be finite; this has missing or infinite numbers.")
    return out


def contrast_df(sample: SmallSample, L: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom of single contrasts.

    df = 2 (c'Phi c)^2 / (g'W g), g_i = c' dPhi_i c; for Satterthwaite and for Kenward-Roger alike.

    Parameters
    ----------
    sample : SmallSample
    L : (m, p) float64

    Returns
    -------
    (m,) float64
        Infinite for ``ddf="none"``; NaN for contrasts without variance.
    """
    if sample.ddf == "none":
        return np.full(len(L), np.inf)
    if sample.ddf == "residual":
        return np.full(len(L), float(sample.df_residual))
    variance, g = quadratic_forms(L, sample.plain), quadratic_forms(L, sample.gradient).T
    spread = ((g @ sample.parameter_vcov) * g).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, 2 * variance**2 / spread, np.nan)


def quadratic_forms(L: np.ndarray, A: np.ndarray) -> np.ndarray:
    """c'A c for every row c of L (m, p) and A (p, p) or (i, p, p): (m,) or (i, m).

    The coefficients themselves, L = I, take the diagonals: O(p) in place of O(p^3).
    """
    if L.shape[0] == L.shape[1] and np.array_equal(L, np.eye(len(L))):
        return np.diagonal(A, axis1=-2, axis2=-1)
    return np.asarray(((L @ A) * L).sum(axis=-1))


def t_tests(sample: SmallSample, L: object, null: object = 0.0, level: float = 0.95) -> TTests:
    """Test single linear combinations of the fixed effects.

    t = (c'beta - null) / sqrt(c'Phi c), against the t distribution with `contrast_df` degrees of freedom.

    Parameters
    ----------
    sample : SmallSample
    L : (m, p) float64
        One combination a row, in the kept columns of X.
    null : float or (m,)
        Values under the hypothesis.
    level : float, default 0.95
        Coverage of the limits.

    Returns
    -------
    TTests

    Raises
    ------
    OptionError
        A contrast of the wrong length, or a level outside (0, 1).

    Notes
    -----
    O(m p^2) for each variance parameter.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> tests = t_tests(fit._small_sample(), [[0, 1]], null=10)
    >>> tests.statistic.round(3), tests.df.round(3)
    (array([0.302]), array([17.]))
    """
    from scipy.special import stdtr

    L, level = check_contrast(sample, L), check_level(level)
    value = L @ sample.beta
    error = np.sqrt(np.maximum(quadratic_forms(L, sample.vcov), 0.0))
    against = np.broadcast_to(np.asarray(null, dtype=float), value.shape)
    df = contrast_df(sample, L)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > 0, (value - against) / error, np.nan)
    p_value = 2 * stdtr(df, -np.abs(statistic))
    half = t_quantile(level, df) * error
    return TTests(value, error, df, statistic, p_value, value - half, value + half, against, level)


def t_quantile(level: float, df: np.ndarray) -> np.ndarray:
    """Return half-widths of central t intervals in standard errors; normal ones where df is infinite."""
    from scipy.special import ndtri, stdtrit

    normal = ndtri(0.5 + level / 2)
    finite = np.isfinite(df)
    return np.where(
        finite, stdtrit(np.where(finite, df, 1.0), 0.5 + level / 2), np.where(np.isnan(df), np.nan, normal)
    )


def f_test(sample: SmallSample, L: object, null: object = None) -> FTest:
    """Test several linear combinations of the fixed effects together.

    F = (L beta - null)'(L Phi L')^-1 (L beta - null) / r, with denominator degrees of freedom by Fai and
    Cornelius (1996) for Satterthwaite, scaled as Kenward and Roger (1997) for theirs; for ``ddf="none"`` r F,
    against chi-square.

    Parameters
    ----------
    sample : SmallSample
    L : (m, p) float64
        Rows may depend on one another: the rank r counts.
    null : (m,) float64, optional
        Values under the hypothesis, by default 0.

    Returns
    -------
    FTest
        NaN for a hypothesis of rank 0.

    Raises
    ------
    OptionError
        A contrast of the wrong length, or dependent rows whose values contradict one another.

    Notes
    -----
    O(m p^2) for each variance parameter.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("Reaction ~ Days + (Days | Subject)", hd.datasets.load("sleepstudy"))
    >>> test = f_test(fit._small_sample("kenward-roger"), [[1, 0], [0, 1]])
    >>> round(test.statistic, 1), test.num_df, round(test.den_df, 2), round(test.scale, 3)
    (705.8, 2, 16.0, 0.941)
    """
    given = check_contrast(sample, L)
    L, against = independent_rows(
        given, np.zeros(len(given)) if null is None else np.asarray(null, dtype=float)
    )
    r = len(L)
    if r == 0:
        return FTest(np.nan, 0, np.nan, np.nan)
    difference = L @ sample.beta - against
    wald = float(difference @ np.linalg.solve(L @ sample.vcov @ L.T, difference))
    if sample.ddf == "none":
        return FTest(wald, r, np.inf, _chi_square_tail(wald, r))
    scale, df = 1.0, float(sample.df_residual)
    if sample.ddf == "satterthwaite":
        df = fai_cornelius(r, contrast_df(sample, _directions(sample, given, r)))
    elif sample.ddf == "kenward-roger":
        scale, df = kenward_roger_scale(sample, L)
    F = scale * wald / r
    return FTest(F, r, df, _f_tail(F, r, df), scale)


def independent_rows(L: np.ndarray, null: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return independent combinations with the same meaning, and their values.

    Raises
    ------
    OptionError
        Dependent rows with values that contradict one another.
    """
    sizes = np.linalg.norm(L, axis=1)
    if np.any((sizes == 0) & (null != 0)):
        raise OptionError("A combination of nothing cannot equal anything but 0; drop that row.")
    L, null = L[sizes > 0] / sizes[sizes > 0, None], null[sizes > 0] / sizes[sizes > 0]
    if not len(L):
        return L, null
    left, values, right = np.linalg.svd(L, full_matrices=False)
    rank = int((values > SAME * values[0]).sum())
    if rank == len(L):
        return L, null
    if np.abs(left[:, rank:].T @ null).max(initial=0.0) > SAME * max(1.0, np.abs(null).max()):
        raise OptionError(
            "The hypotheses contradict one another: rows depend on each other, their values do not agree."
        )
    return right[:rank], (left[:, :rank].T @ null) / values[:rank]


def _directions(sample: SmallSample, L: np.ndarray, rank: int) -> np.ndarray:
    """(rank, p) uncorrelated combinations of the rows of a hypothesis: the eigenvectors of L Phi L'.

    They depend on how the hypothesis is written, and so do, a little, Fai and Cornelius's degrees of freedom;
    as SAS and lmerTest, the rows are taken as they come.
    """
    vectors = np.linalg.eigh(L @ sample.plain @ L.T)[1]
    return np.asarray(vectors[:, len(L) - rank :].T @ L)


def _chi_square_tail(x: float, df: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(df, x))


def _f_tail(F: float, num_df: int, den_df: float) -> float:
    from scipy.special import chdtrc, fdtrc

    if not np.isfinite(F) or not den_df > 0:
        return np.nan
    return float(fdtrc(num_df, den_df, F)) if np.isfinite(den_df) else float(chdtrc(num_df, num_df * F))
