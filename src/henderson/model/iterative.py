"""The criterion as a search calls it, without its value: differences are integrated from the gradient.

log|Omega| is what a value would need; stochastic Lanczos quadrature gives it once, at the end. Only where
nothing is left to chance is there a value at every theta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.model.criterion import profiled
from henderson.model.sampled import Sampled, relative_blocks, sample
from henderson.solve.direct import Evaluation
from henderson.solve.iterative import TOL
from henderson.solve.levels import Layout
from henderson.solve.probes import Probes

ROUGH_TOL = 1e-4
"""Residual of the solves on the way to the optimum."""
LONG = 1.0
"""Change of slope along a step above which the trapezoidal rule is not trusted."""


@dataclass(slots=True, eq=False)
class Seen:
    """A theta that was evaluated.

    Attributes
    ----------
    covariances : list of (K, K)
        Lambda Lambda' of every grouping.
    M, logdet_gradient : list of (K, K)
        Derivatives of the criterion and of log|Omega| by these.
    known : float
        The criterion without log|Omega|.
    value : float
    """

    covariances: list[np.ndarray]
    M: list[np.ndarray]
    logdet_gradient: list[np.ndarray]
    known: float
    value: float = 0.0


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
    seen : list of Seen
        Every theta evaluated.
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
    seen: list[Seen] = field(default_factory=list)
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
        at = sampled.at
        assert at.variance_gradient is not None
        known = profiled(self.cross, self.reml, 0.0, at.logdet_rx, at.r2)
        seen = Seen(covariances, at.variance_gradient, sampled.logdet_gradient, known)
        seen.value = self._integrated(seen) if self.probes.drawn else at.value
        self.seen.append(seen)
        return replace(at, value=seen.value)

    def _integrated(self, new: Seen) -> float:
        """From the best theta so far."""
        if not self.seen:
            return 0.0
        best = min(self.seen, key=lambda each: each.value)
        return best.value + difference(best, new)


def difference(old: Seen, new: Seen) -> float:
    """How much the criterion changes from one theta to another: df = sum of <M, d Sigma>.

    By the trapezoidal rule where M is nearly the same at both. Where it is not, M of a small variance can be
    larger than that of a large one by orders of magnitude; then what is known of the criterion is taken, and
    only log|Omega| is integrated, which is concave and rises like a logarithm.
    """
    slopes = [
        (float((a * (to - at)).sum()), float((b * (to - at)).sum()))
        for at, to, a, b in zip(old.covariances, new.covariances, old.M, new.M, strict=True)
    ]
    if sum(abs(b - a) for a, b in slopes) < LONG:
        return sum(a + b for a, b in slopes) / 2
    parts = zip(old.covariances, new.covariances, old.logdet_gradient, new.logdet_gradient, strict=True)
    rises = ((float((a * (to - at)).sum()), float((b * (to - at)).sum())) for at, to, a, b in parts)
    return new.known - old.known + sum(rise(a, b) for a, b in rises)


def rise(start: float, end: float) -> float:
    """Integral over (0, 1) of a slope a / (t + c) known at both ends; of a straight line across zero."""
    if start * end <= 0 or abs(start - end) <= 1e-6 * abs(start):
        return (start + end) / 2
    return start * end * math.log(start / end) / (start - end)
