"""Sums over levels of the diagonal blocks of Omega^-1: a part that is known, and the rest from probes.

Omega^-1 restricted to the eliminated grouping is Omega_11^-1 + Y S^-1 Y', Y = Omega_11^-1 Omega_12. With D
the diagonal blocks of S::

    S^-1 = D^-1 - D^-1 (S - D) D^-1 + ...

The sums are known for D^-1, and zero for the next term, which has no diagonal blocks: both would be noise.
Where a grouping is nested in another, D is the arrow of `henderson.solve.preconditioner`, for which only the
first term is known, unless the outer grouping is so small that it is taken exactly.
"""

from __future__ import annotations

import numpy as np

from henderson.solve.complement import Complement
from henderson.solve.preconditioner import times_blocks
from henderson.solve.probes import Probes, small_groupings


def sampled_sums(C: Complement, probes: Probes, solved: np.ndarray) -> list[np.ndarray]:
    """What every probe says of the part that is not known.

    Parameters
    ----------
    C : Complement
    probes : Probes
        s of them.
    solved : (q2, s) float64
        S^-1 times the probes.

    Returns
    -------
    list of (s, K, K) float64
        One of every grouping.

    Notes
    -----
    Two passes that gather, and one product.
    """
    layout, cross, z = C.layout, C.layout.cross, probes.vectors
    sums = [np.zeros((z.shape[1], k, k)) for k in cross.columns]
    D = C.blockwise.preconditioner
    beyond = solved - D.solve_transposed(D.solve(z))
    sums[layout.eliminated] = _forms(_through(C, z), _through(C, beyond), cross.columns[layout.eliminated])
    best = blockwise_where_exact(C)
    D, scaled = best.preconditioner, best.preconditioner.solve(z)
    next_term = 0.0 if best.layout.nested else best.product(scaled) - scaled
    beyond = solved - D.solve_transposed(scaled - next_term)
    for f, rows in zip(layout.rest, layout.rows, strict=True):
        sums[f] = _forms(z[rows], beyond[rows], cross.columns[f])
    return [(each + np.swapaxes(each, 1, 2)) / 2 for each in sums]


def known_sums(C: Complement) -> list[np.ndarray]:
    """Per grouping (K, K): what `sampled_sums` leaves out."""
    eliminated = C.omega_inverse.sum(axis=0) + C.blockwise.through_preconditioner
    out = [eliminated] * len(C.layout.cross.levels)
    D = blockwise_where_exact(C).preconditioner
    for f, known in zip(C.layout.rest, D.inverse_sums(), strict=True):
        out[f] = known
    return out


def blockwise_where_exact(C: Complement) -> Complement:
    """The same complement, without couplings in its preconditioner where all of them are taken exactly."""
    small = small_groupings(C.layout.shape_of_rest[0])
    return C.blockwise if all(nested.second in small for nested in C.layout.nested) else C


def _through(C: Complement, v: np.ndarray) -> np.ndarray:
    """Y v = Omega_11^-1 Omega_12 v."""
    return times_blocks(C.omega_inverse, C.lambda_first(C.gather(C.lambda_rest(v)), transposed=True))


def _forms(z: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
    """(s, K, K) sums over levels of z_g x_g', one per column."""
    if k == 1:
        return np.einsum("gs,gs->s", z, x)[:, None, None]
    z, x = (v.reshape(len(v) // k, k, v.shape[1]) for v in (z, x))
    each = [z[:, :, i].T @ x[:, :, i] for i in range(z.shape[2])]
    return np.array(each).reshape(-1, k, k)
