"""Shelf of a fit: how its equations were solved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.results.shown import Shown

if TYPE_CHECKING:
    from henderson.display.table import TableView


class SolverReport(Shown):
    """The solver of a fit, why it was chosen, and the Monte Carlo error of theta; see `LinearMixedFit`."""

    @property
    def name(self) -> str:
        """``direct`` or ``iterative``."""
        return str(self.record.solver)

    @property
    def reason(self) -> str:
        """Why this one."""
        return str(self.record.reason)

    def _view(self) -> TableView:
        from henderson.display.solver import solver_view

        return solver_view(self.record)
