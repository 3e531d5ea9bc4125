"""One response out of many, fitted alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson import design as designing
from henderson import estimate as estimation
from henderson.data import open_frame
from henderson.inference.frames import append_columns, frame_kind
from henderson.results.alarm import warn_if_cut_short
from henderson.results.fit import LinearMixedFit
from henderson.results.source import Source

if TYPE_CHECKING:
    from henderson.inference.many.read import Given


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What `lmm_many` was asked for.

    Attributes
    ----------
    right : str
        Right-hand side of the formula, from ``~`` on.
    given : Given
        The responses.
    data : data frame
    options : mapping
        Of `design.build`.
    reml : bool
    weights : Given or None
        One column per response.
    tol : float
    most : int
        Evaluations.
    """

    right: str
    given: Given
    data: Any
    options: Mapping[str, Any]
    reml: bool
    weights: Given | None
    tol: float
    most: int


def fit_alone(asked: Asked, place: int) -> LinearMixedFit:
    """Fit one response as `lmm` would: data with its column, formula with its name."""
    label = asked.given.labels[place]
    data, name, options = asked.data, str(label), dict(asked.options)
    if name not in asked.given.in_data:
        names = open_frame(data).names()
        name = name if isinstance(label, str) else f"response_{label}"
        while name in names or name in asked.right:
            name += "_"
        data = _with_column(data, name, asked.given.take(np.array([place]))[:, 0])
    if asked.weights is not None:
        options["weights"] = asked.weights.take(np.array([place]))[:, 0]
    formula = f"{name if name.isidentifier() else f'`{name}`'} {asked.right}"
    design = designing.build(formula, data, **options)
    estimate = estimation.fit(design, reml=asked.reml, max_evaluations=asked.most, tol=asked.tol)
    warn_if_cut_short(estimate, stacklevel=3)
    weights, offset = (
        value if isinstance(value := options[what], str) else None for what in ("weights", "offset")
    )
    lost = options["offset"] is not None and offset is None
    return LinearMixedFit(
        design, estimate, Source(formula, frame_kind(data), data, weights, offset, lost, options["env"])
    )


def _with_column(data: Any, name: str, values: np.ndarray) -> Any:
    return {**data, name: values} if isinstance(data, Mapping) else append_columns(data, {name: values})
