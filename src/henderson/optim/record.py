"""What a search did, evaluation by evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
        Euclidean norm of the gradient.
    radius : float
        Trust radius that the step had to respect.
    predicted : float
        Decrease that the quadratic model promised (0 for the start).
    accepted : bool
        Whether the search moved there.
    stage : str
        ``start``, ``newton``, ``snap``, ``leave boundary`` or ``reduced``.
    """

    theta: np.ndarray
    value: float
    gradient_norm: float
    radius: float
    predicted: float
    accepted: bool
    stage: str


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
        head = f"{'#':>3}  {'criterion':>18}  {'|gradient|':>10}  {'predicted':>10}  {'radius':>8}  step"
        rows = [
            f"{i:>3}  {s.value:>18.8f}  {s.gradient_norm:>10.2e}  {s.predicted:>10.2e}  {s.radius:>8.2g}  "
            f"{s.stage}{'' if s.accepted else ' (rejected)'}"
            for i, s in enumerate(self.steps, 1)
        ]
        return "\n".join([head, *rows, self.message])

    __repr__ = __str__
