"""One block of responses, from their numbers to tidy estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.crossprod.record import CrossProducts
from henderson.estimate import FEW_DIGITS, SINGULAR_TOL
from henderson.inference.intervals.responses import Products, grouped, z_products
from henderson.inference.many.degrees import satterthwaite_df, x_inverse
from henderson.inference.many.found import Finished, Limits, Searches, finish, search_block, why_not
from henderson.inference.many.roots import roots_of, scaled_roots, triangles
from henderson.optim.chart import chart_as_typed

if TYPE_CHECKING:
    from henderson.design.record import Design

NO_INFORMATION = "There are no degrees of freedom: the observed information is not positive at the estimates."
STOPPED = "The search was stopped at its limit of evaluations: the likelihood may grow without bound."
SMALLEST_SQUARES = 1e-280
BEYOND = "The squares of the response are too large or too small for a computer's numbers: change its unit."
LARGEST, WORK = 256, 4_000_000
"""Most responses in a block, and most numbers it may need at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One design, ready for its responses.

    Attributes
    ----------
    design : Design
        With some response; only the rest counts.
    cross : CrossProducts
        With the same response.
    system : compiled System
    x_transform : (p, p) float64
        (centred and scaled X) = X T.
    reml : bool
    hopeless : str
        Why there are no degrees of freedom whatever the response; empty where there can be.
    """

    design: Design
    cross: CrossProducts
    system: Any
    x_transform: np.ndarray
    reml: bool
    hopeless: str

    @property
    def nu(self) -> int:
        """n (ML) or n - p (REML)."""
        return self.cross.n - self.cross.p if self.reml else self.cross.n


@dataclass(frozen=True, slots=True, eq=False)
class Tidy:
    """Estimates of R responses; NaN for those that failed.

    Attributes
    ----------
    estimate, std_error, df : (R, p) float64
    lambdas : list of (R, k_i, k_i) float64
        Relative factors, user's columns.
    sigma, criterion : (R,) float64
    evaluations : (R,) int32
    converged, singular : (R,) bool
    messages : dict of int to str
        What went wrong, or what to know, by place in the block.
    failed : (R,) bool
    """

    estimate: np.ndarray
    std_error: np.ndarray
    df: np.ndarray
    lambdas: list[np.ndarray]
    sigma: np.ndarray
    criterion: np.ndarray
    evaluations: np.ndarray
    converged: np.ndarray
    singular: np.ndarray
    messages: dict[int, str]
    failed: np.ndarray

    @classmethod
    def empty(cls, p: int, sizes: list[int], count: int) -> Tidy:
        """Nothing found yet: NaN, and every response failed."""

        def unknown(*shape: int) -> np.ndarray:
            return np.full(shape, np.nan)

        return cls(
            unknown(count, p),
            unknown(count, p),
            unknown(count, p),
            [unknown(count, k, k) for k in sizes],
            unknown(count),
            unknown(count),
            np.zeros(count, dtype=np.int32),
            np.zeros(count, dtype=bool),
            np.zeros(count, dtype=bool),
            {},
            np.ones(count, dtype=bool),
        )

    @classmethod
    def nothing(cls, design: Design, why: str) -> Tidy:
        """One response that failed."""
        out = cls.empty(design.p, [term.k for term in design.terms], 1)
        out.messages[0] = why
        return out

    @classmethod
    def joined(cls, parts: list[Tidy]) -> Tidy:
        """Estimates of several blocks one below the other."""
        names = ("estimate", "std_error", "df", "sigma", "criterion", "evaluations", "converged", "singular")
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in (*names, "failed")
        }
        lambdas = [np.concatenate(each) for each in zip(*(part.lambdas for part in parts), strict=True)]
        starts = np.cumsum([0, *(len(part.sigma) for part in parts)]).tolist()
        messages = {
            start + i: text
            for start, part in zip(starts, parts, strict=False)
            for i, text in part.messages.items()
        }
        return cls(lambdas=lambdas, messages=messages, **arrays)


def block_size(cross: CrossProducts, total: int) -> int:
    """How many responses make a block: by the model and their number alone, whatever the threads."""
    sums = sum(k * k for k in cross.columns) * cross.p**2
    each = cross.n + 4 * cross.q + sums + 40 * len(cross.entries) ** 2 + 4 * cross.p**2
    wanted = max(8, -(-total // 16))
    return int(np.clip(min(WORK // each, wanted), 1, LARGEST))


def products_of(ready: Prepared, Y: np.ndarray) -> tuple[Products, np.ndarray]:
    """Cross-products of responses Y (R, n), each shifted by its own mean (R,) where the fit is."""
    design, cross = ready.design, ready.cross
    shifted = Y if design.offset is None else Y - design.offset
    centre = np.zeros(len(Y)) if cross.constant is None else shifted.mean(axis=1)
    shifted = shifted - centre[:, None]
    weighted = shifted if design.weights is None else shifted * design.weights
    everyone = np.zeros(design.n, dtype=np.int32)
    xy = grouped(everyone, 1, list(design.X.T), cross.x_centre, cross.x_scale, weighted)
    yy = np.einsum("rn,rn->r", weighted, shifted)
    return Products(z_products(design, cross, weighted), cross.by_basis(xy), yy), centre


def fit_block(ready: Prepared, Y: np.ndarray, limits: Limits, *, satterthwaite: bool) -> Tidy:
    """Fit a design to the rows of Y.

    Parameters
    ----------
    ready : Prepared
    Y : (R, n) float64
        Responses, one a row, finite.
    limits : Limits
    satterthwaite : bool
        Whether degrees of freedom are wanted.

    Notes
    -----
    About six evaluations for each response, 2 n_theta more for degrees of freedom; Python's share is a few
    microseconds each.
    """
    messages = constant_responses(Y)
    good = np.ones(len(Y), dtype=bool)
    good[list(messages)] = False
    block, centre = products_of(ready, Y)
    beyond = good & ~((block.yy > SMALLEST_SQUARES) & np.isfinite(block.yy))
    messages |= dict.fromkeys(np.flatnonzero(beyond).tolist(), BEYOND)
    good &= ~beyond
    run, found = search_block(ready.cross, ready.system, block, good, limits, reml=ready.reml)
    messages |= found.failed | dict.fromkeys(np.flatnonzero(good & ~found.converged).tolist(), STOPPED)
    good[list(messages)] = False
    which = np.flatnonzero(good)
    at = finish(run, ready.cross, found, which)
    for i in which[at.status != 0].tolist():
        messages[i] = f"The equations cannot be solved at the estimate: {why_not(at.status[which == i][0])}."
        good[i] = False
    if (at.status != 0).any():
        which = np.flatnonzero(good)
        at = finish(run, ready.cross, found, which)
    return _tidy(ready, run, block, centre, found, which, at, messages, satterthwaite)


def constant_responses(Y: np.ndarray) -> dict[int, str]:
    """What to say of responses that are constant, by row."""
    same = Y.min(axis=1) == Y.max(axis=1)
    return {
        int(
            i
        ): f"The response is constant ({Y[i, 0]:g} in all {Y.shape[1]} rows): there is nothing to explain."
        for i in np.flatnonzero(same)
    }


def _tidy(
    ready: Prepared,
    run: Any,
    block: Products,
    centre: np.ndarray,
    found: Searches,
    which: np.ndarray,
    at: Finished,
    messages: dict[int, str],
    satterthwaite: bool,
) -> Tidy:
    cross, count, p = ready.cross, len(centre), ready.cross.p
    blocks = chart_as_typed(cross.entries).blocks
    theta, rows = found.theta[which], found.rows[which]
    lambdas = [triangles(roots_of(cross, each, theta, rows)) for each in blocks]
    sigma, inverse = np.sqrt(at.r2 / ready.nu), x_inverse(ready.x_transform, at)
    df = np.full((len(which), p), np.nan)
    if satterthwaite and not ready.hopeless and len(which) and p:
        df = satterthwaite_df(run, cross, found, which, at, lambdas, inverse, sigma, ready.nu)
    out = Tidy.empty(p, [each.k for each in blocks], count)
    out.messages.update(messages)
    out.evaluations[:], out.converged[which], out.failed[which] = found.evaluations, True, False
    out.estimate[which] = _coefficients(cross, at.beta, centre[which])
    out.std_error[which] = sigma[:, None] * np.sqrt((inverse**2).sum(axis=2))
    out.df[which], out.sigma[which], out.criterion[which] = df, sigma, at.criterion
    for kept, lam in zip(out.lambdas, lambdas, strict=True):
        kept[which] = lam
    out.singular[which] = _singular(blocks, theta, rows)
    _remarks(ready, out, which, at, block, satterthwaite)
    return out


def _coefficients(cross: CrossProducts, raw: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(R, p) coefficients of the user's columns from those of the centred and scaled ones."""
    out = (raw if cross.basis is None else raw @ cross.basis.T) * cross.x_scale
    if cross.intercept is not None:
        out[:, cross.intercept] -= out @ cross.x_centre
    return out if cross.constant is None else out + centre[:, None] * cross.constant


def _singular(blocks: Any, theta: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R,) whether some term has lost rank."""
    out = np.zeros(len(theta), dtype=bool)
    for block in blocks:
        values = np.linalg.svd(scaled_roots(block, theta, rows), compute_uv=False)
        out |= values[:, -1] < SINGULAR_TOL
    return out


def _remarks(
    ready: Prepared, out: Tidy, which: np.ndarray, at: Finished, block: Products, satterthwaite: bool
) -> None:
    """Write down what to know of fits that did not fail."""
    few = at.r2 < FEW_DIGITS * block.yy[which]
    for i, r2 in zip(which[few].tolist(), at.r2[few].tolist(), strict=True):
        share = r2 / block.yy[i]
        kept = max(0, int(np.log10(share / np.finfo(float).eps)))
        out.messages[i] = (
            f"The residual sum of squares is {share:.1e} of the response's: about {kept} digits are reliable."
        )
    if satterthwaite:
        for i in which[np.isnan(out.df[which]).all(axis=1)].tolist() if ready.cross.p else ():
            out.messages.setdefault(i, ready.hopeless or NO_INFORMATION)
