"""Sums of products as users hold them: all that a fit needs of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from henderson import estimate as estimation
from henderson.model.linear import theta_names
from henderson.results.alarm import warn_if_cut_short
from henderson.results.fit import LinearMixedFit
from henderson.results.source import Source

if TYPE_CHECKING:
    from henderson.crossprod import CrossProducts as Record
    from henderson.design.gathered import GatheredDesign


class CrossProducts:
    """The sums of products of a model over rows that stayed where they are; fits without them.

    Parameters
    ----------
    design : GatheredDesign
        Names, levels and counts.
    record : crossprod.CrossProducts
        The sums, centred and scaled.
    source : Source
        Formula, kind of frame, and where the rows are.
    """

    def __init__(self, design: GatheredDesign, record: Record, source: Source) -> None:
        self.design, self.record, self.source = design, record, source

    def fit(
        self,
        *,
        reml: bool = True,
        start: Any = None,
        max_evaluations: int | None = None,
        tol: float | None = None,
    ) -> LinearMixedFit:
        """Fit the model; arguments as in `lmm`."""
        estimate = estimation.fit_cross_products(
            self.record,
            theta_names(self.design),
            reml=reml,
            start=start,
            max_evaluations=max_evaluations,
            tol=tol,
        )
        warn_if_cut_short(estimate, stacklevel=2)
        return LinearMixedFit(self.design, estimate, self.source)
