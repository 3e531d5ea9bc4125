"""What a check of a fit found, with its number, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STATUS = ("ok", "note", "look")


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    topic : str
        What was looked at.
    status : {"ok", "note", "look"}
        Nothing found; worth knowing; to be looked at.
    finding : str
        A sentence with the number that supports it.
    advice : str
        What to do; empty when there is nothing to do.
    value, limit : float
        The number, and where the status changes; NaN where there is none.
    """

    topic: str
    status: str
    finding: str
    advice: str = ""
    value: float = float("nan")
    limit: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """Checks of one fit, in order.

    Attributes
    ----------
    formula : str
    reml : bool
    n : int
        Rows used.
    checks : tuple of Check
    """

    formula: str
    reml: bool
    n: int
    checks: tuple[Check, ...]

    def of(self, status: str) -> tuple[Check, ...]:
        """Return the checks with a status."""
        return tuple(c for c in self.checks if c.status == status)

    def columns(self) -> dict[str, object]:
        """Return the page as named columns: topic, status, finding, advice, value, limit."""
        words = {
            name: [getattr(c, name) for c in self.checks] for name in ("topic", "status", "finding", "advice")
        }
        return {
            **words,
            **{name: np.array([getattr(c, name) for c in self.checks]) for name in ("value", "limit")},
        }
