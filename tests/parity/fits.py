"""Fit one recorded model through the public stages, without the result object."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from henderson import design as design_stage
from henderson import estimate as estimate_stage
from henderson.design.record import Design

from .reference import Recorded


@dataclass(frozen=True, slots=True)
class Fitted:
    """A design and its estimate.

    Attributes
    ----------
    design : Design
        What the numerics were given.
    estimate : Estimate
        What they returned.
    seconds : float
        Wall time of design and search together.
    caught : tuple of str
        Warnings raised on the way.
    """

    design: Design
    estimate: Any
    seconds: float
    caught: tuple[str, ...]


def fit_model(model: Recorded) -> Fitted:
    """Design, then search; every warning is caught and kept."""
    rows, options = model.frame(), model.options()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        design = design_stage.build(model.formula, rows, **options)
        estimate = estimate_stage.fit(design, reml=model.reml)
        seconds = time.perf_counter() - begin
    return Fitted(design, estimate, seconds, tuple(f"{w.category.__name__}: {w.message}" for w in caught))


def conditional(fitted: Fitted) -> tuple[Any, np.ndarray | None]:
    """Conditional covariances per grouping and leverages (n,)."""
    from henderson.inference import conditional as stage

    return stage.conditional_covariance(fitted.estimate), stage.hat_values(fitted.design, fitted.estimate)


@cache
def _cached(name: str, reml: bool) -> Fitted:
    from .reference import models

    model = next(m for m in models() if m.id == name)
    return fit_model(model)


def fit_once(model: Recorded) -> Fitted:
    """As `fit_model`, remembered for the length of a test run."""
    return _cached(model.id, model.reml)


def kkt_satisfied(estimate: Any) -> bool:
    """Whether the estimate says that it satisfies the KKT conditions."""
    return bool(estimate.kkt.satisfied)
