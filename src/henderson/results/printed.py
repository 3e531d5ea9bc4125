"""Records that print themselves; display is loaded when something is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from henderson.inference.random_effects import LevelEffects, RandomEffects
from henderson.inference.varcorr import VarCorr
from henderson.optim.record import SearchRecord

if TYPE_CHECKING:
    from henderson.inference.summary import SummaryRecord


class Summary:
    """A summary to print: text in a terminal, HTML in a notebook, LaTeX in a paper.

    Parameters
    ----------
    record : SummaryRecord
        The numbers; also reachable as `.record`.
    """

    def __init__(self, record: SummaryRecord) -> None:
        self.record = record

    def __str__(self) -> str:
        from henderson.display.text import summary_text

        return summary_text(self.record)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_html()

    def to_html(self) -> str:
        """Return one self-contained ``<div>`` that follows the page's colours, light or dark."""
        from henderson.display.html import summary_html

        return summary_html(self.record)

    def to_latex(self, caption: str | None = None, label: str | None = None) -> str:
        r"""Return a ``table`` environment with booktabs rules (``\usepackage{booktabs}``)."""
        from henderson.display.latex import summary_latex

        return summary_latex(self.record, caption, label)


class PrintedVarCorr(VarCorr):
    """Variance components that print in lme4's layout."""

    __slots__ = ()

    @classmethod
    def of(cls, plain: VarCorr) -> PrintedVarCorr:
        """Return the same components, printing themselves."""
        return cls(plain.terms, plain.sigma)

    def __repr__(self) -> str:
        from henderson.display.text import varcorr_lines

        return "\n".join(varcorr_lines(self))

    def _repr_html_(self) -> str:
        from henderson.display.parts import varcorr_html

        return varcorr_html(self)


class PrintedLevelEffects(LevelEffects):
    """Effects of one grouping factor's levels that show themselves in notebooks."""

    def _repr_html_(self) -> str:
        from henderson.display.parts import effects_html

        return effects_html([self])


class PrintedEffects(RandomEffects):
    """Effects of every grouping factor that show themselves in notebooks."""

    @classmethod
    def of(cls, plain: RandomEffects) -> PrintedEffects:
        """Return the same effects, showing themselves."""
        return cls({group: _printed(effects) for group, effects in plain.items()}, plain.kind)

    def _repr_html_(self) -> str:
        from henderson.display.parts import effects_html

        return effects_html(self.values())


def _printed(e: LevelEffects) -> LevelEffects:
    return PrintedLevelEffects(e.group, e.levels, e.names, e.values, e.covariance, e.kind)


class PrintedSearch(SearchRecord):
    """A search that shows itself in notebooks."""

    __slots__ = ()

    @classmethod
    def of(cls, plain: SearchRecord) -> PrintedSearch:
        """Return the same search, showing itself."""
        return cls(plain.steps, plain.converged, plain.message, plain.tol, plain.max_evaluations)

    def _repr_html_(self) -> str:
        from henderson.display.parts import search_html

        return search_html(self)
