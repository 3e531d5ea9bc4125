"""What a bootstrap measures: all parameters, or what a function of the user's returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.errors import OptionError
from henderson.inference.intervals.batch import Refits
from henderson.inference.intervals.parameters import Parameter

if TYPE_CHECKING:
    from henderson.estimate import Estimate


def parameter_values(every: tuple[Parameter, ...], refits: Refits) -> np.ndarray:
    """(R, r) standard deviations, correlations, sigma and fixed effects of R refits.

    A correlation beside a standard deviation of zero is NaN.
    """
    out = np.empty((len(refits.sigma), len(every)))
    lengths = [np.sqrt((root**2).sum(axis=2)) for root in refits.roots]
    for j, parameter in enumerate(every):
        if parameter.kind == "sigma":
            out[:, j] = refits.sigma
        elif parameter.kind == "beta":
            out[:, j] = refits.beta[:, parameter.rows[0]]
        elif parameter.kind == "sd":
            out[:, j] = refits.sigma * lengths[parameter.term][:, parameter.rows[0]]
        else:
            a, b = parameter.rows
            root, size = refits.roots[parameter.term], lengths[parameter.term]
            with np.errstate(divide="ignore", invalid="ignore"):
                along = (root[:, a] * root[:, b]).sum(axis=1) / (size[:, a] * size[:, b])
            out[:, j] = np.clip(along, -1.0, 1.0)
    return out


def as_refits(estimate: Estimate) -> Refits:
    """One estimate as a block of one."""
    return Refits(
        [lam[None] for lam in estimate.lambdas],
        np.array([estimate.sigma]),
        estimate.beta[None],
        np.array([estimate.singular]),
        0,
        {},
    )


def measured(value: Any, name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and numbers of what a statistic returned: a number, an array, a mapping or a Series.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    if isinstance(value, Mapping):
        names, numbers = [str(key) for key in value], list(value.values())
    elif hasattr(value, "index") and hasattr(value, "to_numpy"):
        names, numbers = [str(key) for key in value.index], value.to_numpy()
    else:
        names, numbers = [], value
    if value is None:
        raise OptionError(f"statistic: {name}(fit) returned None; does it end with return?")
    try:
        out = np.atleast_1d(np.asarray(numbers, dtype=float))
    except (TypeError, ValueError):
        raise OptionError(
            f"statistic: {name}(fit) returned a {type(value).__name__}; return a number, an array of "
            "numbers, or a dict of name to number."
        ) from None
    if out.ndim > 1 and not names:
        out = out.ravel()
    if not out.size:
        raise OptionError(f"statistic: {name}(fit) returned nothing; return a number, an array or a dict.")
    names = names or ([name] if len(out) == 1 else [f"{name}[{j}]" for j in range(len(out))])
    return tuple(names), out


def name_of(statistic: Any) -> str:
    """What to call a function."""
    name = getattr(statistic, "__name__", type(statistic).__name__)
    return "statistic" if name == "<lambda>" else str(name)
