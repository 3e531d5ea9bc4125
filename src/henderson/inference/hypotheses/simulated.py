"""P-values of likelihood ratios from responses simulated under the smaller model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from henderson import estimate as estimation
from henderson.design.record import Design
from henderson.errors import FitError, OptionError
from henderson.estimate import Estimate
from henderson.inference.intervals.bootstrap import fresh_seed
from henderson.inference.intervals.workers import in_threads, workers
from henderson.inference.simulate import simulate
from henderson.progress import progress


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A smaller and a larger model of the same rows, fitted by the same criterion.

    Attributes
    ----------
    small, large : (Design, Estimate)
    """

    small: tuple[Design, Estimate]
    large: tuple[Design, Estimate]


def simulated_statistics(
    pair: Pair, n_sim: int, seed: int | None, setting: int, n_jobs: int | None
) -> np.ndarray:
    """Draw likelihood ratios from the smaller model.

    y* = X_0 beta_0 + Z b* + e* at the estimates of the smaller model; t* = 2 (l_1(y*) - l_0(y*)).

    Parameters
    ----------
    pair : Pair
    n_sim : int
        Draws.
    seed : int or None
        Every draw has a stream of its own, so that the result does not depend on `n_jobs`.
    setting : int
        Tells the pairs of one comparison apart.
    n_jobs : int or None
        Threads.

    Returns
    -------
    (n_sim,) float64
        NaN where a model could not be fitted.

    Notes
    -----
    Each draw costs O(n (p + K)) for the response and the searches of both models, from their estimates.
    """
    entropy = np.random.SeedSequence(seed).entropy
    system = pair.large[1].system
    jobs = workers(n_jobs, 0.0 if system is None else float(system.structure()["flops"]))
    out, bar = np.full(n_sim, np.nan), progress(n_sim, "simulated likelihood ratios")
    try:
        for r, t in in_threads(_Draw(pair, entropy, setting), range(n_sim), jobs):
            out[r] = t
            bar.update(1)
    finally:
        bar.close()
    return out


def simulated_p(statistic: float, draws: np.ndarray) -> float:
    """Return (1 + draws at least as large) / (1 + draws), failures left out.

    Examples
    --------
    >>> simulated_p(2.0, np.array([0.0, 1.0, 3.0, np.nan]))
    0.5
    """
    kept = draws[~np.isnan(draws)]
    return float((1 + (kept >= statistic).sum()) / (1 + len(kept)))


def check_n_sim(n_sim: object) -> int:
    """Return the number of draws, 0 for none."""
    if isinstance(n_sim, bool) or not isinstance(n_sim, (int, np.integer)) or n_sim < 0:
        raise OptionError(
            f"n_sim={n_sim!r}: give the number of simulated responses, such as 1000; 0 for none."
        )
    return int(n_sim)


def check_seed(seed: object) -> int:
    """Return a seed from which streams can be told apart: the number given, or one drawn."""
    if seed is None:
        return fresh_seed()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return int(seed)
    raise OptionError(f"seed={seed!r}: give a whole number from 0, or None for new draws each time.")


class _Draw:
    """One draw, by its number."""

    def __init__(self, pair: Pair, entropy: Any, setting: int) -> None:
        self.pair, self.entropy, self.setting = pair, entropy, setting

    def __call__(self, r: int) -> float:
        rng = np.random.default_rng(np.random.SeedSequence(self.entropy, spawn_key=(self.setting, r)))
        (design0, small), (design1, large) = self.pair.small, self.pair.large
        y = simulate(design0, small, 1, rng)[0]
        try:
            a, b = estimation.refit(small, design0, y), estimation.refit(large, design1, y)
        except FitError:
            return float("nan")
        return max(a.criterion - b.criterion, 0.0)
