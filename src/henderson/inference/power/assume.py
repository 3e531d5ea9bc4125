"""Assumed parameters: those of a fit, with what the caller changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from henderson.data.suggest import did_you_mean
from henderson.design.record import Design
from henderson.errors import OptionError
from henderson.estimate import Estimate


def assumed(
    design: Design,
    estimate: Estimate,
    effect: Mapping[str, float] | None,
    sigma: float | None,
    sds: Mapping[str, float] | None,
) -> Estimate:
    """Return the estimate with other fixed effects, residual or random-effects standard deviations.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    effect : mapping of coefficient to float, or None
        Fixed effects that are assumed instead of those estimated.
    sigma : float or None
        Residual standard deviation; the standard deviations of the random effects stay as they are.
    sds : mapping of name to float, or None
        Standard deviations of random effects, by the names of theta (``"Subject.Days"``) or, where a grouping
        factor has one, by its name. Correlations stay.

    Returns
    -------
    Estimate

    Raises
    ------
    OptionError
        An unknown name; a value that is no number, or a negative standard deviation.
    """
    beta = _with_effects(design, estimate.beta, effect)
    new_sigma = estimate.sigma if sigma is None else _standard_deviation(sigma, "sigma")
    if new_sigma == 0:
        raise OptionError("sigma=0 leaves no residual: give a positive standard deviation.")
    theta = estimate.theta * (estimate.sigma / new_sigma)
    for name, value in (sds or {}).items():
        theta = _rescaled(
            design, estimate, theta, name, _standard_deviation(value, f"sds[{name!r}]") / new_sigma
        )
    return replace(estimate, beta=beta, sigma=new_sigma, theta=theta)


def _with_effects(design: Design, beta: np.ndarray, effect: Mapping[str, float] | None) -> np.ndarray:
    if effect is not None and not isinstance(effect, Mapping):
        raise OptionError(
            f"effect={effect!r}: give a dict from coefficient to value, such as "
            f"{{{design.x_names[-1]!r}: 5}}."
        )
    out = np.array(beta, dtype=float)
    for name, value in (effect or {}).items():
        if name not in design.x_names:
            raise OptionError(
                f"effect names {name!r}, which is no coefficient of this model. "
                f"{did_you_mean(str(name), list(design.x_names))}"
            )
        out[design.x_names.index(name)] = _finite(value, f"effect[{name!r}]")
    return out


def _rescaled(
    design: Design, estimate: Estimate, theta: np.ndarray, name: str, relative: float
) -> np.ndarray:
    """theta with one standard deviation, relative to sigma, set: a row of Lambda is rescaled."""
    for term, block in zip(design.terms, estimate.blocks, strict=True):
        group = design.groupings[term.grouping].name
        for row, column in enumerate(term.names):
            if name == f"{group}.{column}" or (name == group and _alone(design, term.grouping)):
                lam = block.unpack(theta)
                size = float(np.linalg.norm(lam[row]))
                lam[row] = lam[row] * (relative / size) if size > 0 else np.eye(term.k)[row] * relative
                return block.pack(lam, np.array(theta))
    known = [f"{design.groupings[t.grouping].name}.{column}" for t in design.terms for column in t.names]
    raise OptionError(
        f"sds names {name!r}, which is no random effect of this model. It has: {', '.join(map(repr, known))}."
    )


def _alone(design: Design, grouping: int) -> bool:
    return sum(t.k for t in design.terms if t.grouping == grouping) == 1


def _finite(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not np.isfinite(value):
        raise OptionError(f"{what} must be a finite number, not {value!r}.")
    return float(value)


def _standard_deviation(value: object, what: str) -> float:
    number = _finite(value, what)
    if number < 0:
        raise OptionError(f"{what}={number:g} is a standard deviation and cannot be negative.")
    return number
