"""Linear hypotheses about the fixed effects: text, matrix or dict → one t test each and one joint test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from henderson.errors import OptionError
from henderson.formula.deparse import number_text
from henderson.inference.hypotheses.expression import Linear, read_expression, read_hypotheses
from henderson.inference.small_sample import FTest, SmallSample, f_test, t_tests

if TYPE_CHECKING:
    from henderson.design.record import Design

NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, eq=False)
class LinearHypotheses:
    """Tests of linear combinations of the fixed effects.

    Attributes
    ----------
    terms : tuple of str, length m
        The hypotheses as typed, or their combinations spelled out.
    L : (m, p) float64
        Combinations of the kept coefficients.
    null : (m,) float64
        Their values under the hypothesis.
    estimate, std_error, statistic, df, p_value, conf_low, conf_high : (m,) float64
        One t test each; the estimate is that of the combination, before the value is subtracted.
    joint : FTest
        All together.
    level : float
        Coverage of the limits.
    ddf : str
        Kind of degrees of freedom.
    note : str
        What to know of the computation; empty mostly.
    """

    terms: tuple[str, ...]
    L: np.ndarray
    null: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    conf_low: np.ndarray
    conf_high: np.ndarray
    joint: FTest
    level: float
    ddf: str
    note: str = ""

    def columns(self) -> dict[str, object]:
        """Return the table as named columns, tidy names."""
        numbers = {name: getattr(self, name) for name in NUMBERS}
        return {"term": list(self.terms), "null": self.null, **numbers}


def linear_hypotheses(
    design: Design, sample: SmallSample, hypotheses: object, values: object = None, level: float = 0.95
) -> LinearHypotheses:
    """Test linear combinations of the fixed effects, each and all together.

    Parameters
    ----------
    design : Design
        Names of the coefficients.
    sample : SmallSample
        Fixed effects, their covariance and what degrees of freedom are made of.
    hypotheses : str, list of str, dict or (m, p) array
        ``"Days = 10, a - b = 0"``, or a list of these; a dict from expressions to values; or weights, one
        combination a row.
    values : float or (m,), optional
        Values of the rows of a matrix, by default 0.
    level : float, default 0.95
        Coverage of the limits.

    Returns
    -------
    LinearHypotheses

    Raises
    ------
    OptionError
        Text that cannot be read, a coefficient that was dropped, or a matrix of the wrong shape.

    Notes
    -----
    O(m p^2) for each variance parameter.

    Examples
    --------
    >>> import henderson as hd
    >>> fit = hd.lmm("score ~ Machine + (1 | Worker)", hd.datasets.load("machines"))
    >>> linear_hypotheses(fit.design, fit._small_sample(), "MachineB - MachineC").estimate.round(2)
    array([-5.95])
    """
    terms, whole, null = _read(design, hypotheses, values)
    L = _kept_part(design, whole, terms)
    tests = t_tests(sample, L, null, level)
    joint = f_test(sample, L, null)
    numbers = {name: getattr(tests, name) for name in NUMBERS}
    return LinearHypotheses(
        tuple(terms), L, null, **numbers, joint=joint, level=tests.level, ddf=sample.ddf, note=sample.note
    )


def _read(design: Design, hypotheses: object, values: object) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Labels, weights on all coefficients (m, P), values (m,)."""
    names = design.all_x_names
    if isinstance(hypotheses, (list, tuple)) and hypotheses and all(isinstance(h, str) for h in hypotheses):
        hypotheses = ", ".join(hypotheses)
    if isinstance(hypotheses, (str, Mapping)):
        if values is not None:
            raise OptionError("values= goes with a matrix; in text type 'Days = 10', in a dict {'Days': 10}.")
        if isinstance(hypotheses, str):
            read = read_hypotheses(hypotheses, names)
        else:
            read = [_entry(str(key), value, names) for key, value in hypotheses.items()]
        if not read:
            raise OptionError("There is no hypothesis; type for example fit.test('Days = 0').")
        forms = [form for _, form in read]
        if empty := [label for label, form in read if form.free]:
            raise OptionError(f"There is no coefficient in {empty[0]!r}; type for example 'Days = 0'.")
        return (
            [label for label, _ in read],
            np.array([f.weights for f in forms]),
            -np.array([f.constant for f in forms]),
        )
    return _matrix(design, hypotheses, values)


def _entry(key: str, value: object, names: tuple[str, ...]) -> tuple[str, Linear]:
    form = read_expression(key, names)
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.number))
        or not np.isfinite(float(value))
    ):
        raise OptionError(f"The value of {key!r} must be a number, not {value!r}.")
    return f"{key} = {number_text(float(value))}", Linear(form.weights, form.constant - float(value))


def _matrix(design: Design, hypotheses: object, values: object) -> tuple[list[str], np.ndarray, np.ndarray]:
    try:
        given = np.atleast_2d(np.asarray(hypotheses, dtype=float))
    except (TypeError, ValueError):
        raise OptionError(
            f"Hypotheses are text, a dict or a matrix of numbers, not {type(hypotheses).__name__}."
        ) from None
    p, P = design.p, len(design.all_x_names)
    if given.ndim != 2 or given.shape[1] not in (p, P) or not np.isfinite(given).all():
        raise OptionError(
            f"A matrix of hypotheses needs finite numbers and one column for each of the {p} fixed effects "
            f"({', '.join(design.x_names[:8])}{', …' if p > 8 else ''}). "
            f"This one has shape {np.asarray(hypotheses).shape}."
        )
    whole = given
    if given.shape[1] != P:
        whole = np.zeros((len(given), P))
        whole[:, [design.all_x_names.index(name) for name in design.x_names]] = given
    null = _values(values, len(given))
    labels = [
        f"{spelled(row, design.all_x_names)} = {number_text(float(v))}"
        for row, v in zip(whole, null, strict=True)
    ]
    return labels, whole, null


def _values(values: object, count: int) -> np.ndarray:
    try:
        return np.array(np.broadcast_to(np.asarray(0.0 if values is None else values, dtype=float), (count,)))
    except (TypeError, ValueError):
        raise OptionError(f"values= must be one number, or {count}, one a row; not {values!r}.") from None


def spelled(weights: np.ndarray, names: tuple[str, ...]) -> str:
    """Spell a combination out.

    >>> spelled(np.array([1.0, -0.5, 0.0]), ("a", "b", "c"))
    'a - 0.5*b'
    """
    out = ""
    for weight, name in zip(weights.tolist(), names, strict=True):
        if weight:
            size = "" if abs(weight) == 1 else f"{number_text(round(abs(weight), 6))}*"
            sign = (" - " if weight < 0 else " + ") if out else ("-" if weight < 0 else "")
            out += f"{sign}{size}{name}"
    return out or "0"


def _kept_part(design: Design, whole: np.ndarray, terms: list[str]) -> np.ndarray:
    """Weights on the kept coefficients (m, p), or an error that names what cannot be estimated."""
    kept = [design.all_x_names.index(name) for name in design.x_names]
    L, spec = whole[:, kept], design.spec
    dropped = [j for j in range(whole.shape[1]) if j not in set(kept)]
    if not dropped:
        return L
    # A combination can be estimated if it vanishes on every change of coefficients that the data cannot see.
    share = (
        np.array(spec.aliases).T if spec is not None and spec.aliases else np.zeros((len(kept), len(dropped)))
    )
    gap = np.abs(whole[:, dropped] - L @ share)
    size = np.abs(whole).max(axis=1, keepdims=True) * np.maximum(1.0, np.abs(share).max())
    bad = np.flatnonzero((gap > 1e-8 * size).any(axis=1) & (whole[:, dropped] != 0).any(axis=1))
    if len(bad):
        names = ", ".join(design.all_x_names[j] for j in dropped if whole[bad[0], j])
        raise OptionError(
            f"{terms[bad[0]]!r} cannot be estimated: {names} was dropped from the model as a combination of "
            "other columns, so the data do not tell their coefficients apart."
        )
    return L
