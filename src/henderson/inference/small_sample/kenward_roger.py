"""Kenward and Roger's adjusted covariance and degrees of freedom, from the factor of the fit.

The parameters are the entries of every term's covariance matrix and sigma^2, in which V is linear, so that
the second derivatives vanish. In place of sigma^2 the direction V itself is used: any basis of the same
directions gives the same answer, and with G_0 = V nothing cancels:

    P_r = -X'V^-1 G_r V^-1 X,  Q_rs = X'V^-1 G_r V^-1 G_s V^-1 X,  P_0 = -Phi^-1,  Q_r0 = -P_r,  Q_00 = Phi^-1
    I_rs = tr(V^-1 G_r V^-1 G_s) - tr(2 Phi Q_rs - Phi P_r Phi P_s)          (expected)
    W = 2 I^-1,    Phi_A = Phi + 2 Phi {sum W_rs (Q_rs - P_r Phi P_s)} Phi

Kenward & Roger (1997), Biometrics 53, 983-997; the expected information as Halekoh & Hojsgaard (2014),
J. Stat. Softw. 59(9), the observed one as SAS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from henderson import estimate as estimation
from henderson.errors import FitError
from henderson.inference.small_sample.collinear import collinear_columns
from henderson.inference.small_sample.equations import Marginal, marginal, split, through_inverse
from henderson.inference.small_sample.identified import blind, hopeless, reason
from henderson.inference.small_sample.record import SmallSample
from henderson.inference.small_sample.traces import BlockSums, block_sums
from henderson.inference.solver import same_search

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

REFITTED = "Kenward-Roger rests on REML: the model was refitted by REML for this table."


def kenward_roger(design: Design, estimate: Estimate, information: str = "expected") -> SmallSample:
    """Return the fixed effects with Kenward and Roger's covariance.

    Parameters
    ----------
    design : Design
    estimate : Estimate
        An ML fit is refitted by REML first.
    information : {"expected", "observed"}
        Information matrix of the variance parameters.

    Returns
    -------
    SmallSample

    Raises
    ------
    FitError
        The matrices would be too large, or the variances are not identified.

    Notes
    -----
    n_theta + 1 solves with p right-hand sides and `block_sums`.
    """
    used = estimate if estimate.reml else by_reml(estimate)
    at = marginal(used)
    first, second = derivatives(used, at)
    close = collinear_columns(design, used.cross)
    try:
        W, flat = parameter_covariance(used, at, first, second, information)
    except FitError as error:
        raise FitError(close or str(error)) from None
    phi = used.vcov
    slopes = used.sigma**2 * at.T @ first @ at.T.T
    if hopeless(used) or blind(flat, np.concatenate([phi[None], slopes]), phi):
        raise FitError(reason(design, used))
    adjusted = phi
    if design.p:
        change = np.einsum("rs,rsab->ab", W[1:, 1:], second - _sandwiches(first, at.precision))
        adjusted = phi + 2 * used.sigma**2 * at.T @ ((change + change.T) / 2) @ at.T.T
    return SmallSample(
        ddf="kenward-roger",
        information=information,
        beta=used.beta,
        vcov=adjusted,
        plain=phi,
        gradient=np.concatenate([phi[None], slopes]),
        parameters=("V", *used.theta_names),
        parameter_vcov=W,
        df_residual=design.n - design.p,
        sigma=used.sigma,
        note=" ".join(part for part in ("" if estimate.reml else REFITTED, close) if part),
    )


def by_reml(estimate: Estimate) -> Estimate:
    """Return the REML fit of the same cross-products."""
    return estimation.fit_cross_products(
        estimate.cross,
        estimate.theta_names,
        reml=True,
        system=estimate.system,
        **same_search(estimate),
    )


def directions(estimate: Estimate) -> list[tuple[int, np.ndarray]]:
    """Grouping and symmetric (K, K) matrix E_r of every entry of theta: G_r = Z (I x E_r) Z'."""
    out = []
    for f, row, column, _ in estimate.cross.entries.tolist():
        E = np.zeros((estimate.cross.columns[f],) * 2)
        E[row, column] = E[column, row] = 1.0
        out.append((f, E))
    return out


def derivatives(estimate: Estimate, at: Marginal) -> tuple[np.ndarray, np.ndarray]:
    """Return C U'E_r U C and C U'E_r N E_s U C, on the scaled columns, without sigma^2.

    Returns
    -------
    first : (r, p, p) float64
        Derivative of C = (X'V^-1 X)^-1 in the direction G_r.
    second : (r, r, p, p) float64
        C Q_rs C.

    Notes
    -----
    One block solve with p right-hand sides for every r.
    """
    factor, UC = estimate.factor, at.U @ at.C
    turned = [(f, _times(E, split(factor, UC)[f])) for f, E in directions(estimate)]
    r, p = len(turned), len(at.C)
    first, second = np.empty((r, p, p)), np.empty((r, r, p, p))
    for s, (f, block) in enumerate(turned):
        first[s] = _inner(split(factor, UC)[f], block)
        spread = np.zeros_like(UC)
        split(factor, spread)[f][...] = block
        image = split(factor, through_inverse(factor, factor.multiply(spread)))
        for t, (h, other) in enumerate(turned):
            second[t, s] = _inner(other, image[h])
    return first, second


def _times(E: np.ndarray, block: np.ndarray) -> np.ndarray:
    return np.einsum("ab,lbp->lap", E, block)


def _inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(p, p) sum over levels and columns of a'b."""
    wide = (a.shape[0] * a.shape[1], a.shape[2])
    return np.asarray(a.reshape(wide).T @ b.reshape(wide))


def _sandwiches(first: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """C P_r C P_s C for every two directions, (r, r, p, p)."""
    return np.einsum("rab,bc,scd->rsad", first, precision, first, optimize=True)


def parameter_covariance(
    estimate: Estimate, at: Marginal, first: np.ndarray, second: np.ndarray, information: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return W, the covariance of the variance parameters in the directions V and G_r, and the rest.

    Returns
    -------
    (1 + r, 1 + r) float64
    (1 + r, d) float64
        Directions without information: combinations of others, or what the data do not tell.

    Raises
    ------
    FitError
        The observed information is not positive.
    """
    found, scale = expected_information(estimate, at, first, second)
    if information == "expected":
        return _twice_inverse(found, scale)
    used = np.array(
        [True, *(bool(estimate.lambdas[term].any()) for *_, term in estimate.cross.entries.tolist())]
    )
    found = np.where(np.outer(used, used), 2 * _quadratic(estimate, at) - found, 0.0)
    return _twice_inverse(found, scale)


REDUNDANT = 1e-10
"""Directions with less than this share of the largest information, each scaled, have none."""


def _twice_inverse(information: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2 I^-1 on the directions with information, and the others.

    Where directions repeat one another, as in ``(f || g)`` with a factor, any of the generalised inverses
    gives the same degrees of freedom and the same adjustment.
    """
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] < -REDUNDANT * values[-1]:
        raise FitError(NEGATIVE)
    good = values > REDUNDANT * values[-1]
    inverse = 2 * (vectors[:, good] / values[good]) @ vectors[:, good].T
    return np.asarray(inverse / np.outer(scale, scale)), vectors[:, ~good] / scale[:, None]


NEGATIVE = (
    "The observed information of the variance parameters is not positive: a covariance matrix of the random "
    "effects lies on its boundary. Simplify the random effects, or type information='expected'."
)


def expected_information(
    estimate: Estimate, at: Marginal, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return I_rs = tr(P G_r P G_s), in the directions V and G_r, (1 + r, 1 + r), and scales (1 + r,).

    The scale of a direction is the root of tr(V^-1 G_r V^-1 G_r), its information if beta were known.
    """
    sums, E = block_sums(estimate), directions(estimate)
    r, p = len(E), len(at.C)
    inverse = at.precision
    out, scale = np.empty((1 + r, 1 + r)), np.empty(1 + r)
    out[0, 0], scale[0] = estimate.cross.n - p, np.sqrt(estimate.cross.n)
    weights = first @ inverse  # C U'E_r U
    for s in range(r):
        f, Es = E[s]
        out[0, 1 + s] = out[1 + s, 0] = np.vdot(sums.single[f], Es) - np.trace(weights[s])
        for t in range(s + 1):
            both = -2 * np.vdot(second[t, s], inverse) + np.vdot(weights[t], weights[s].T)
            out[1 + t, 1 + s] = out[1 + s, 1 + t] = _trace(sums, E[t], E[s]) + both
        scale[1 + s] = np.sqrt(_trace(sums, E[s], E[s]))
    return out, scale


def _trace(sums: BlockSums, a: tuple[int, np.ndarray], b: tuple[int, np.ndarray]) -> float:
    """tr(N E_a N E_b) = sum E_a[x, y] N[y, z] E_b[z, w] N[w, x]."""
    return float(np.einsum("xy,xywz,zw->", a[1], sums.double[a[0], b[0]], b[1], optimize=True))


def _quadratic(estimate: Estimate, at: Marginal) -> np.ndarray:
    """y'P G_r P G_s P y / sigma^2 scaled, in the directions V and G_r, (1 + r, 1 + r)."""
    factor, e = estimate.factor, estimate.factor.e()[:, None]
    turned = np.zeros((len(e), len(estimate.theta)))
    for s, (f, E) in enumerate(directions(estimate)):
        split(factor, turned)[f][:, :, s] = _times(E, split(factor, e)[f])[:, :, 0]
    image = through_inverse(factor, factor.multiply(turned)) - at.U @ (at.C @ (at.U.T @ turned))
    out = np.empty((1 + len(estimate.theta),) * 2)
    out[0, 0] = estimate.nu
    out[0, 1:] = out[1:, 0] = turned.T @ e[:, 0] / estimate.sigma**2
    out[1:, 1:] = turned.T @ image / estimate.sigma**2
    return out
