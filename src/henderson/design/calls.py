"""The table from the fixed vocabulary to the code behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from henderson.design.context import Context, Value
from henderson.design.factor_calls import (
    call_as_numeric,
    call_coded,
    call_factor,
    call_interaction,
    call_relevel,
)
from henderson.design.functions import SUMMARIES, UNARY
from henderson.design.number_calls import (
    call_combine,
    call_extreme,
    call_identity,
    call_ifelse,
    call_log,
    call_round,
    call_summary,
    call_unary,
)
from henderson.design.transform_calls import call_poly, call_regression_spline, call_scale, call_spline
from henderson.formula.nodes import Call

CALLS: Mapping[str, Callable[[Call, Context], Value]] = MappingProxyType(
    {
        **dict.fromkeys(UNARY, call_unary),
        **dict.fromkeys(SUMMARIES, call_summary),
        "log": call_log,
        "round": call_round,
        "pmin": call_extreme,
        "pmax": call_extreme,
        "ifelse": call_ifelse,
        "I": call_identity,
        "c": call_combine,
        "as.numeric": call_as_numeric,
        "as.factor": call_factor,
        "factor": call_factor,
        "ordered": call_factor,
        "relevel": call_relevel,
        "interaction": call_interaction,
        "C": call_coded,
        "poly": call_poly,
        "bs": call_spline,
        "ns": call_spline,
        "cr": call_regression_spline,
        "cc": call_regression_spline,
        "scale": call_scale,
        "center": call_scale,
    }
)
