"""Many responses of one design at once: drawn, and reduced to their cross-products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from henderson.core import core
from henderson.crossprod.record import CrossProducts
from henderson.inference.fitted import fitted
from henderson.inference.layout import term_slices

if TYPE_CHECKING:
    from henderson.design.record import Design
    from henderson.estimate import Estimate

WORK, LARGEST_BLOCK = 1_000_000, 64
"""Most numbers in a block of responses, and most responses in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Cross-products of a block of R responses y, shifted as the original one was.

    Attributes
    ----------
    zy : (R, q) float64
        Z'Wy.
    xy : (R, p) float64
        X'Wy, centred and scaled columns.
    yy : (R,) float64
        y'Wy.
    """

    zy: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def put(self, i: int, zx: np.ndarray, xx: np.ndarray) -> None:
        """Write response `i` into the last column of Z'W[X y] and the border of [X y]'W[X y]."""
        zx[:, -1] = self.zy[i]
        xx[-1, :-1] = xx[:-1, -1] = self.xy[i]
        xx[-1, -1] = self.yy[i]

    def of(self, i: int, cross: CrossProducts) -> CrossProducts:
        """The sufficient statistics with response `i`."""
        zx, xx = cross.zx.copy(), cross.xx.copy()
        self.put(i, zx, xx)
        return replace(cross, zx=zx, xx=xx)


def block_size(design: Design, q: int) -> int:
    """How many responses to draw at once: a function of the design alone, as blocks must not shift."""
    return int(np.clip(WORK // max(design.n + 2 * q, 1), 1, LARGEST_BLOCK))


def products(design: Design, cross: CrossProducts, Y: np.ndarray) -> Products:
    """Reduce a block of responses.

    Parameters
    ----------
    design : Design
    cross : CrossProducts
        Of the same design.
    Y : (R, n) float64
        One response per row, offset included. R should be the same in every call: the last bits of a sum may
        depend on it.

    Returns
    -------
    Products

    Notes
    -----
    O(R n (p + K)).
    """
    shifted = Y - (cross.y_centre if design.offset is None else cross.y_centre + design.offset)
    weighted = shifted if design.weights is None else shifted * design.weights
    xy = grouped(
        np.zeros(design.n, dtype=np.int32), 1, list(design.X.T), cross.x_centre, cross.x_scale, weighted
    )
    yy = np.einsum("rn,rn->r", weighted, shifted)
    return Products(z_products(design, cross, weighted), cross.by_basis(xy), yy)


def z_products(design: Design, cross: CrossProducts, weighted: np.ndarray) -> np.ndarray:
    """(R, q) Z'Wy of weighted responses (R, n)."""
    parts = []
    for f, grouping in enumerate(design.groupings):
        T = cross.z_transform[f]
        scale = T.diagonal().copy()
        centre = -(T - np.diag(scale)).sum(axis=0) / scale
        columns = [column for term in design.terms if term.grouping == f for column in term.columns]
        parts.append(grouped(grouping.codes, cross.levels[f], columns, centre, scale, weighted))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def grouped(
    codes: np.ndarray,
    levels: int,
    columns: list[np.ndarray],
    centre: np.ndarray,
    scale: np.ndarray,
    weighted: np.ndarray,
) -> np.ndarray:
    """(R, levels x columns) sums of products of centred and scaled columns with responses, level by level."""
    if not columns:
        return np.zeros((len(weighted), 0))
    nothing, one = np.zeros(len(weighted)), np.ones(len(weighted))
    _, sums = core().grouped_products(
        codes, levels, columns, centre, scale, list(weighted), nothing, one, None
    )
    return np.ascontiguousarray(sums.T)


class Streams:
    """Independent random numbers for every replicate: Philox keyed by the seed, counted by the replicate.

    Setting the counter of one generator costs a fifth of making another; so `reused` is for many in a row.

    Parameters
    ----------
    seed : int
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int):
        self._key = np.random.SeedSequence(seed).generate_state(2, np.uint64)

    def of(self, replicate: int) -> np.random.Generator:
        """The generator of one replicate, whatever was drawn for others."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, replicate, 0]))

    def reused(self) -> Callable[[int], np.random.Generator]:
        """The same generators one after the other, each good until the next is asked for; for one thread."""
        bits = np.random.Philox(key=self._key)
        generator, state = np.random.Generator(bits), bits.state

        def of(replicate: int) -> np.random.Generator:
            state["state"]["counter"] = np.array([0, 0, replicate, 0], dtype=np.uint64)
            bits.state = state
            return generator

        return of


class Drawer:
    """Draws blocks of responses y = X beta + offset + Z b + e.

    Parameters
    ----------
    design, estimate : Design, Estimate
    kind : {"parametric", "residual"}
        Normal effects and errors, or those of the fit drawn with replacement after their spread has been set
        to the estimated one (Carpenter, Goldstein & Rasbash 2003).
    """

    __slots__ = ("cuts", "design", "effects", "error", "errors", "estimate", "kind", "mean")

    def __init__(self, design: Design, estimate: Estimate, kind: str):
        self.design, self.estimate, self.kind = design, estimate, kind
        mean = design.X @ estimate.beta
        self.mean = mean if design.offset is None else mean + design.offset
        root = 1.0 if design.weights is None else np.sqrt(design.weights)
        self.error = estimate.sigma / root
        self.cuts = term_slices(design)
        self.effects = [estimate.sigma * lam for lam in estimate.grouping_lambdas]
        self.errors = np.empty(0)
        if kind == "residual":
            scaled = (design.y - fitted(design, estimate)) * root
            scaled = scaled - scaled.mean()
            size = float(np.sqrt(scaled @ scaled / design.n))
            self.errors = scaled / size if size > 0 else scaled
            self.effects = [reflated(b, lam) for b, lam in zip(estimate.b, self.effects, strict=True)]

    def draw(self, streams: Streams, replicates: range, count: int) -> np.ndarray:
        """(count, n) responses, the first ``len(replicates)`` rows those of the replicates, others zero."""
        Y = np.zeros((count, self.design.n))
        here, stream = Y[: len(replicates)], streams.reused()
        b = [np.empty((len(replicates), *each.shape)) for each in self.estimate.b]
        for i, replicate in enumerate(replicates):
            rng = stream(replicate)
            for f, drawn in enumerate(b):
                self._effects(rng, f, drawn[i])
            self._errors(rng, here[i])
        if self.kind == "parametric":
            b = [one @ lam.T for one, lam in zip(b, self.effects, strict=True)]
        here *= self.error
        here += self.mean
        for term, cut in zip(self.design.terms, self.cuts, strict=True):
            codes, mine = self.design.groupings[term.grouping].codes, b[term.grouping][:, :, cut]
            for j, column in enumerate(term.columns):
                here += column * np.take(mine[:, :, j], codes, axis=1)
        return Y

    def _effects(self, rng: np.random.Generator, f: int, out: np.ndarray) -> None:
        if self.kind == "parametric":
            rng.standard_normal(out=out)
        else:
            out[:] = self.effects[f][rng.integers(0, len(out), len(out))]

    def _errors(self, rng: np.random.Generator, out: np.ndarray) -> None:
        if self.kind == "parametric":
            rng.standard_normal(out=out)
        else:
            out[:] = self.errors[rng.integers(0, len(out), len(out))]


def reflated(b: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Effects (l, K) with mean zero and the covariance root root', by a linear map of the centred ones.

    Conditional modes vary less than the effects they estimate. With S = C C' their covariance, b C^-T root'
    has the estimated one; directions in which the modes do not vary at all stay at zero.
    """
    centred = b - b.mean(axis=0)
    w, V = np.linalg.eigh(centred.T @ centred / len(b))
    live = w > 1e-12 * max(float(w[-1]), np.finfo(float).tiny)
    whitened = centred @ (V[:, live] / np.sqrt(w[live]))
    target = V[:, live].T @ root @ root.T @ V[:, live]
    w, U = np.linalg.eigh(target)
    half = U * np.sqrt(np.maximum(w, 0.0)) @ U.T
    return np.asarray(whitened @ half @ V[:, live].T)
