"""The axis of the scaling study along which the number of responses grows."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import many_responses
from benchmarks.scaling_page import Curve


@dataclass(frozen=True, slots=True)
class Responses:
    """What a page needs to know of an axis."""

    sizes: tuple[int, ...] = (10, 100, 1_000, 10_000, 100_000)
    name: str = "responses"
    title: str = "Responses: the sleep study's design, degrees of freedom included"
    label: str = "number of responses"


def measure(axis: Responses) -> dict[str, Curve]:
    """`lmm_many` in one thread; loops over lme4's refit and MixedLM, timed on a few and multiplied."""
    case = many_responses.CASES[0]
    rows = case.make()
    Y = many_responses.responses(case, rows, max(*axis.sizes, many_responses.FEW))
    few = Y[:, : many_responses.FEW]
    curves = {"henderson": Curve(), "lme4 refit": Curve(), "lmerTest": Curve(), "statsmodels": Curve()}
    for size in axis.sizes:
        found = many_responses.time_many(case.formula, rows, Y[:, :size], threads=1)
        curves["henderson"].seconds[size], curves["henderson"].bytes[size] = found.seconds, found.peak
    in_r = many_responses.lme4_each(case, rows, few)
    each = {"statsmodels": many_responses.statsmodels_each(case, rows, few)}
    if in_r is not None:
        each |= {"lme4 refit": in_r[0], "lmerTest": in_r[1]}
    for name, seconds in each.items():
        if seconds is not None:
            curves[name].seconds = {size: seconds * size for size in axis.sizes}
            curves[name].reason = f"timed on {many_responses.FEW} and multiplied"
    return curves
