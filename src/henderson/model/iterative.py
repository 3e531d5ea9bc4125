"""The criterion as a search calls it, without its value: differences are integrated from the gradient.

log|Omega| is what a value would need; stochastic Lanczos quadrature gives it once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.model.sampled import Sampled, relative_blocks, sample
from henderson.solve.direct import Evaluation
from henderson.solve.iterative import TOL
from henderson.solve.levels import Layout
from henderson.solve.probes import Probes

ROUGH_TOL = 1e-4
"""Residual of the solves on the way to the optimum."""


@dataclass(slots=True, eq=False)
class IterativeCriterion:
    """REML or ML criterion, called as (theta, derivatives, entries) -> Evaluation.

    Attributes
    ----------
    layout : Layout
    reml : bool
    probes : Probes
        The same at every theta, so that the estimated gradient is a smooth function.
    tol : float
        Residual of the solves.
    last : Sampled or None
        The last evaluation, whose solutions start the next.
    seen : list of (covariances, derivatives, value)
        Of every theta evaluated.
    iterations : int
        Of the conjugate gradients so far.

    Notes
    -----
    Per evaluation one block solve of p + 1 + s right-hand sides and one of n_theta, from where the last ones
    ended.
    """

    layout: Layout
    reml: bool
    probes: Probes
    tol: float = TOL
    last: Sampled | None = None
    seen: list[tuple[list[np.ndarray], list[np.ndarray], float]] = field(default_factory=list)
    iterations: int = 0

    @property
    def cross(self) -> CrossProducts:
        """What is fitted."""
        return self.layout.cross

    def __call__(
        self, theta: np.ndarray, derivatives: int = 2, entries: np.ndarray | None = None
    ) -> Evaluation | None:
        """Evaluate with both derivatives; None without, as there is no value alone."""
        if derivatives == 0:
            return None
        used = self.cross.entries if entries is None else entries
        sampled = sample(self.layout, self.reml, self.probes, used, theta, self.last, self.tol)
        if sampled is None:
            return None
        self.last = sampled
        self.iterations += sampled.iterations
        covariances = [lam @ lam.T for lam in relative_blocks(self.cross, used, theta)]
        value = self._integrated(covariances, sampled.at.variance_gradient)
        self.seen.append((covariances, sampled.at.variance_gradient, value))
        return replace(sampled.at, value=value)

    def _integrated(self, covariances: list[np.ndarray], M: list[np.ndarray]) -> float:
        """Trapezoidal rule from the best theta so far: df = sum of <M, d Sigma>."""
        if not self.seen:
            return 0.0
        from_, slope, value = min(self.seen, key=lambda each: each[2])
        steps = zip(covariances, from_, M, slope, strict=True)
        return value + sum(float(((m + s) * (new - old)).sum()) / 2 for new, old, m, s in steps)
