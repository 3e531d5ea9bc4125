"""How one block of replicates is made: drawn, refitted, measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson import estimate as estimation
from henderson.errors import FitError, OptionError
from henderson.inference.intervals.batch import refit_block
from henderson.inference.intervals.cases import resampled, top_groups
from henderson.inference.intervals.coordinates import Frames
from henderson.inference.intervals.parameters import parameters
from henderson.inference.intervals.responses import Drawer, Streams, block_size, products
from henderson.inference.intervals.statistic import as_refits, measured, name_of, parameter_values
from henderson.inference.intervals.store import Row

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

KINDS = ("parametric", "residual", "cases")
MakeFit = Callable[["Design", "Estimate"], Any]
Run = Callable[[range], list[Row]]
"""Numbers of the replicates of one block -> their rows."""


def check_kind(kind: str, design: Design) -> None:
    """Raise an `OptionError` for a kind of bootstrap that does not exist, or not for this design."""
    if kind not in KINDS:
        raise OptionError(f"kind={kind!r}: choose among {', '.join(map(repr, KINDS))}.")
    if kind == "cases":
        top_groups(design)


def block_of(design: Design, estimate: Estimate) -> int:
    """How many replicates make a block; a function of the model alone."""
    return block_size(design, estimate.cross.q)


def runner(
    design: Design,
    estimate: Estimate,
    kind: str,
    statistic: Callable[[Any], Any] | None,
    make_fit: MakeFit | None,
    streams: Streams,
    names: tuple[str, ...],
) -> Run:
    """What turns numbers of replicates into rows; several threads may call it.

    Parameters
    ----------
    design, estimate : Design, Estimate
        The fit.
    kind : {"parametric", "residual", "cases"}
    statistic : callable or None
        Function of a fit; None for all parameters.
    make_fit : callable or None
        (Design, Estimate) -> what `statistic` takes.
    streams : Streams
        Random numbers by replicate.
    names : tuple of str, length s
        Of the statistic.
    """
    value = _measurer(design, statistic, make_fit, names)
    if kind == "cases":
        return _of_groups(design, estimate, streams, value, len(names))
    drawer, frame = Drawer(design, estimate, kind), Frames(estimate).usual()
    size, every = block_of(design, estimate), parameters(design)

    def together(block: range) -> list[Row]:
        drawn = products(design, frame.cross, drawer.draw(streams, block, size))
        refits = refit_block(estimate, frame, drawn, len(block))
        values = parameter_values(every, refits)
        return [Row(values[i], bool(refits.singular[i]), refits.failed.get(i, "")) for i in range(len(block))]

    def one_by_one(block: range) -> list[Row]:
        Y = drawer.draw(streams, block, size)
        drawn = products(design, frame.cross, Y)

        def fitted(i: int) -> tuple[Design, Estimate]:
            found = estimation.fit_cross_products(
                drawn.of(i, frame.cross), estimate.theta_names, reml=estimate.reml, system=frame.system
            )
            return replace(design, y=Y[i].copy()), found

        return [_row(partial(fitted, i), value, len(names)) for i in range(len(block))]

    return together if statistic is None else one_by_one


def _of_groups(
    design: Design,
    estimate: Estimate,
    streams: Streams,
    value: Callable[[Design, Estimate], np.ndarray],
    width: int,
) -> Run:
    groups = top_groups(design)

    def fitted(replicate: int) -> tuple[Design, Estimate]:
        drawn = resampled(design, groups, streams.of(replicate))
        return drawn, estimation.fit(drawn, reml=estimate.reml)

    return lambda block: [_row(partial(fitted, i), value, width) for i in block]


def _row(
    fitted: Callable[[], tuple[Design, Estimate]],
    value: Callable[[Design, Estimate], np.ndarray],
    width: int,
) -> Row:
    """One replicate; what goes wrong in it is written down, but for a statistic that changes its length."""
    try:
        design, estimate = fitted()
        if not estimate.search.converged:
            raise FitError("the search was stopped at its limit of evaluations")
        return Row(value(design, estimate), bool(estimate.singular))
    except ChangedLengthError:
        raise
    except Exception as error:
        return Row(np.full(width, np.nan), False, f"{type(error).__name__}: {str(error).split('. ')[0]}")


class ChangedLengthError(OptionError):
    """A statistic returned other numbers than for the fit itself."""


def _measurer(
    design: Design,
    statistic: Callable[[Any], Any] | None,
    make_fit: MakeFit | None,
    names: tuple[str, ...],
) -> Callable[[Design, Estimate], np.ndarray]:
    if statistic is None or make_fit is None:
        every = parameters(design)
        return lambda _, estimate: parameter_values(every, as_refits(estimate))[0]
    name = name_of(statistic)

    def value(drawn: Design, estimate: Estimate) -> np.ndarray:
        found, out = measured(statistic(make_fit(drawn, estimate)), name)
        if len(out) != len(names) or found != names:
            raise ChangedLengthError(
                f"statistic: {name}(fit) returned {len(out)} numbers ({', '.join(found[:4])}…) for a refit "
                f"and {len(names)} ({', '.join(names[:4])}…) for the fit; it must return the same ones."
            )
        return out

    return value
