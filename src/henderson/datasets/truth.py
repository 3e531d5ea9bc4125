"""The truth behind a simulated data set, and the two draws that every simulation shares."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import OptionError


@dataclass(frozen=True, slots=True)
class Truth:
    """What a simulated data set was made from.

    Attributes
    ----------
    formula : str
        The model that generated the data, as `lmm` takes it.
    beta : dict of str to float
        Fixed effects by lme4's coefficient name.
    sigma : float
        Residual standard deviation, in units of the response.
    covariance : dict of str to ndarray (k, k)
        Covariance matrix of the random effects of each grouping factor.
    ranef : dict of str to ndarray (l, k)
        The random effects that were drawn, one row per level in the order of the declared levels.
    """

    formula: str
    beta: dict[str, float]
    sigma: float
    covariance: dict[str, np.ndarray] = field(default_factory=dict)
    ranef: dict[str, np.ndarray] = field(default_factory=dict)


def covariance_of(sd: tuple[float, ...], correlation: float) -> np.ndarray:
    """Return the covariance matrix with standard deviations `sd` (k,) and one common correlation.

    Raises
    ------
    OptionError
        If a standard deviation is negative or the matrix is not positive semi-definite.
    """
    scale = np.asarray(sd, dtype=float)
    matrix = np.full((len(scale), len(scale)), float(correlation))
    np.fill_diagonal(matrix, 1.0)
    if (scale < 0).any() or np.linalg.eigvalsh(matrix).min() < -1e-12:
        raise OptionError(
            f"sd={sd} with correlation={correlation} is not a covariance matrix: standard deviations must "
            f"not be negative, and {len(scale)} effects need a common correlation between "
            f"{-1 / max(1, len(scale) - 1):.3g} and 1."
        )
    return scale[:, None] * matrix * scale


def draw_effects(rng: np.random.Generator, covariance: np.ndarray, levels: int) -> np.ndarray:
    """Return (levels, k) normal draws with the given covariance (k, k), which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return rng.standard_normal((levels, len(values))) @ root.T


def labels(prefix: str, count: int) -> list[str]:
    """Return ``prefix01, prefix02, ...``, zero-padded so that they sort in order."""
    width = len(str(count))
    return [f"{prefix}{number:0{width}d}" for number in range(1, count + 1)]


def check_counts(**counts: int) -> None:
    """Raise OptionError unless every named count is a whole number of at least 1."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise OptionError(f"{name}={count!r} must be a whole number of at least 1.")
