"""What differs between the means and belongs to no single factor or interaction, as cells are empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from henderson.inference.means.averages import Linear
from henderson.inference.means.estimable import estimable_part
from henderson.inference.small_sample.contrasts import FTest, f_test
from henderson.inference.small_sample.record import SmallSample

if TYPE_CHECKING:
    from henderson.inference.means.grid import Grid

NAME = "(confounded)"
DEPENDENT = 1e-8


def confounded(
    grid: Grid, sample: SmallSample, means: Linear, rows: np.ndarray, tested: Sequence[np.ndarray]
) -> FTest | None:
    """Test the estimable differences between means that the tests of the terms leave out.

    Of all estimable differences, those that are uncorrelated with the ones tested.

    Parameters
    ----------
    grid : Grid
    sample : SmallSample
    means : Linear
        Means of the cells.
    rows : (m,) int
        Those of one group.
    tested : sequence of (r, p) float64
        What the terms have tested in it, in the kept columns of X.

    Returns
    -------
    FTest or None
        None where nothing is left.

    Notes
    -----
    O(m P^2), for m cells. As emmeans' row of that name, which rounds its F statistics before it subtracts.
    """
    L = means.L[rows]
    L = L[np.isfinite(L).all(axis=1)]
    if len(L) < 2:
        return None
    every = _basis(estimable_part(L[1:] - L[0], grid.null)[:, grid.kept])
    done = _basis(np.vstack([np.zeros((0, sample.p)), *tested]))
    count = len(every) - len(done)
    if count <= 0:
        return None
    V = sample.plain
    shared = every @ V @ done.T @ np.linalg.inv(done @ V @ done.T) @ done if len(done) else 0.0
    return f_test(sample, np.linalg.svd(every - shared, full_matrices=False)[2][:count])


def _basis(L: np.ndarray) -> np.ndarray:
    """Orthonormal rows with the same span."""
    if not len(L):
        return L
    _, values, right = np.linalg.svd(L, full_matrices=False)
    return np.asarray(right[values > DEPENDENT * max(float(values[0]), 1e-300)])
