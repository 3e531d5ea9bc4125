"""What a search did, evaluation by evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

STAGES = {
    "start": "start",
    "newton": "Newton step",
    "snap": "set to zero",
    "leave boundary": "variance added",
    "polish": "last step, value only",
    "more probes": "the same, more probes",
    "second start": "second start",
}
"""Kinds of steps in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One evaluation.

    Attributes
    ----------
    theta : (n_theta,)
        Where, on the scaled columns.
    value : float
        Criterion there.
    gradient_norm : float
        Euclidean norm of the gradient; NaN where it was not needed.
    radius : float
        Trust radius that the step had to respect.
    predicted : float
        Decrease that the quadratic model promised (0 for the start).
    accepted : bool
        Whether the search moved there.
    stage : str
        ``start``, ``newton``, ``snap`` (small variances set to zero), ``leave boundary`` (variance added),
        ``polish`` (a last Newton step, for its value alone), ``more probes`` (iterative solver: the same
        theta with a smaller Monte Carlo error) or ``second start`` (few rows: a second search begins).
    """

    theta: np.ndarray
    value: float
    gradient_norm: float
    radius: float
    predicted: float
    accepted: bool
    stage: str

    @property
    def words(self) -> str:
        """What kind of step it was, in words."""
        return STAGES.get(self.stage, self.stage) + ("" if self.accepted else " (rejected)")

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Criterion, gradient, predicted decrease and radius as printed; a dash for what there is not."""
        predicted = self.predicted if self.predicted > 0 else math.nan
        radius = self.radius if self.radius > 0 else math.nan
        return (
            _cell(self.value, 15, ".8f"),
            _cell(self.gradient_norm, 10, ".2e"),
            _cell(predicted, 9, ".2e"),
            _cell(radius, 7, ".2g"),
        )


def _cell(value: float, width: int, style: str) -> str:
    return (format(value, style) if math.isfinite(value) else "-").rjust(width)


@dataclass(frozen=True, slots=True, eq=False)
class SearchRecord:
    """The search for theta.

    Attributes
    ----------
    steps : tuple of Step
        Every evaluation, in order.
    converged : bool
        Whether the search ended because no further decrease was predicted.
    message : str
        Why it ended, as a sentence.
    tol : float
        Predicted decrease below which it stops.
    max_evaluations : int
        Most evaluations allowed.
    """

    steps: tuple[Step, ...]
    converged: bool
    message: str
    tol: float
    max_evaluations: int

    @property
    def evaluations(self) -> int:
        """Number of evaluations of the criterion."""
        return len(self.steps)

    def __str__(self) -> str:
        head = f"{'#':>3}  {'criterion':>15}  {'|gradient|':>10}  {'predicted':>9}  {'radius':>7}  step"
        rows = [f"{i:>3}  {'  '.join(s.cells)}  {s.words}" for i, s in enumerate(self.steps, 1)]
        return "\n".join([head, *rows, self.message])

    __repr__ = __str__
