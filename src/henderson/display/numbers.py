"""Columns of numbers with as many digits as they need and no more, by R's rule."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "NA"
LEAST_P = 2.2e-16
"""Below this a p-value says no more than that it is tiny."""


def format_column(values: Iterable[float], digits: int = 4) -> list[str]:
    """Format numbers with a common number of decimals, padded to a common width.

    Every number gets at least `digits` significant digits, trailing zeros that no number needs are left out,
    and
    scientific notation is chosen for the whole column when that is narrower, as R's ``format()`` does.

    Parameters
    ----------
    values : iterable of float
        NaN prints as ``NA``.
    digits : int
        Significant digits.

    Returns
    -------
    list of str, all of one width

    Examples
    --------
    >>> format_column([612.0899, 35.07166, 654.941])
    ['612.09', ' 35.07', '654.94']
    >>> format_column([251.40510, float("nan")])
    ['251.4', '   NA']
    >>> format_column([1.5e-9, 2.25])
    ['1.50e-09', '2.25e+00']
    """
    numbers = [float(v) for v in values]
    finite = [x for x in numbers if math.isfinite(x)]
    decimals, mantissa, scientific = _layout(finite, digits)
    style = f".{mantissa}e" if scientific else f".{decimals}f"
    texts = [_one(x, style) for x in numbers]
    width = max((len(t) for t in texts), default=0)
    return [t.rjust(width) for t in texts]


def _one(x: float, style: str) -> str:
    if math.isnan(x):
        return MISSING
    if math.isinf(x):
        return "Inf" if x > 0 else "-Inf"
    text = format(x, style)
    return text.removeprefix("-") if float(text) == 0 else text


def _layout(finite: list[float], digits: int) -> tuple[int, int, bool]:
    """Decimals in fixed notation, decimals of the mantissa, and whether scientific notation is narrower."""
    decimals = mantissa = 0
    left = 1
    for x in finite:
        significant, exponent = _significant(x, digits)
        decimals = max(decimals, significant - exponent - 1)
        mantissa = max(mantissa, significant - 1)
        left = max(left, exponent + 1)
    negative = any(x < 0 for x in finite)
    fixed = negative + left + (decimals + 1 if decimals else 0)
    scientific = negative + 1 + (mantissa + 1 if mantissa else 0) + 4
    return decimals, mantissa, fixed > scientific


def _significant(x: float, digits: int) -> tuple[int, int]:
    """How many of `digits` significant digits are not trailing zeros, and the decimal exponent."""
    if x == 0:
        return 1, 0
    mantissa, _, exponent = format(abs(x), f".{digits - 1}e").partition("e")
    return max(1, len(mantissa.replace(".", "").rstrip("0"))), int(exponent)


def format_coefficients(
    estimate: list[float], std_error: list[float], digits: int = 4
) -> tuple[list[str], list[str]]:
    """Estimates and standard errors with one number of decimals, set by the largest and smallest of them."""
    sizes = [math.floor(math.log10(abs(x))) + 1 for x in estimate + std_error if math.isfinite(x) and x != 0]
    places = max([1, *(digits - s for s in ((min(sizes), max(sizes)) if sizes else (1,)))])
    both = format_column([_round(x, places) for x in estimate + std_error], digits)
    width = [
        max((len(t.strip()) for t in part), default=0)
        for part in (both[: len(estimate)], both[len(estimate) :])
    ]
    cut = len(estimate)
    return [t.strip().rjust(width[0]) for t in both[:cut]], [t.strip().rjust(width[1]) for t in both[cut:]]


def format_statistics(values: list[float], digits: int = 4) -> list[str]:
    """Ratios with three decimals at most."""
    places = max(1, min(5, digits - 1))
    return format_column([_round(x, places) for x in values], digits)


def format_quantiles(values: list[float], digits: int = 4) -> list[str]:
    """Return A handful of numbers of which the small ones need no more decimals than the large ones."""
    top = max((abs(x) for x in values if math.isfinite(x)), default=0.0)
    places = max(0, digits + 1 - (math.ceil(math.log10(top)) if top > 0 else 0))
    return format_column([_round(x, places) for x in values], digits)


def _round(x: float, places: int) -> float:
    return round(x, places) if math.isfinite(x) else x


def format_fixed(value: float, decimals: int = 1) -> str:
    """One number with a given number of decimals; scientific when it would need more than twelve digits."""
    if not math.isfinite(value):
        return _one(value, "f")
    return format(value, f".{decimals}f") if abs(value) < 1e12 else format(value, ".6g")


def format_correlation(value: float, decimals: int = 2) -> str:
    """Return a correlation with a fixed number of decimals, never minus zero."""
    return _one(value, f".{decimals}f")


def format_p(values: list[float]) -> list[str]:
    """P-values: four digits, ``<2e-16`` for what is smaller, ``NA`` for none."""
    return [
        "NA" if p != p else "<2e-16" if p < LEAST_P else f"{p:.4f}" if p >= 1e-3 else f"{p:.2e}"
        for p in values
    ]


def format_df(values: list[float]) -> list[str]:
    """Degrees of freedom with one or two decimals, ``Inf`` where the reference is the normal distribution."""
    whole = all(x != x or abs(x) == float("inf") or x == round(x) for x in values)
    return format_column([x if whole or x != x or x == float("inf") else round(x, 2) for x in values], 5)
