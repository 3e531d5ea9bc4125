"""Fitted values and residuals of rows that are read again, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data.chunks import WHOLE, Chunk, Chunks, reading
from henderson.design.replay import replay
from henderson.errors import DataError
from henderson.inference import frames
from henderson.inference.layout import term_slices

if TYPE_CHECKING:
    from henderson.design.record import Design, NewDesign
    from henderson.estimate import Estimate
    from henderson.inference.new_data import Origin


@dataclass(frozen=True, slots=True, eq=False)
class ChunkFit:
    """What a fit says of the complete rows of one chunk.

    Attributes
    ----------
    kept : (m,) intp
        Rows of the chunk that are complete.
    y, fixed, fitted : (m,) float64
        Response, X beta + offset, and X beta + Z b + offset.
    weights : (m,) float64 or None
    """

    kept: np.ndarray
    y: np.ndarray
    fixed: np.ndarray
    fitted: np.ndarray
    weights: np.ndarray | None

    def residuals(self, type: str, sigma: float) -> np.ndarray:
        """Residuals on one of three scales, see `fitted.residuals`."""
        out = self.y - self.fitted
        if type != "response" and self.weights is not None:
            out = out * np.sqrt(self.weights)
        return out / sigma if type == "scaled" else out


def fit_chunk(design: Design, estimate: Estimate, origin: Origin, chunk: Chunk) -> ChunkFit:
    """Evaluate a fit on a chunk.

    Parameters
    ----------
    design, estimate, origin : Design, Estimate, Source
        The fit.
    chunk : Chunk
        Rows whose groups the fit has seen.

    Raises
    ------
    DataError
        Naming the chunk: a column is missing or of another kind, or a group is unknown.

    Notes
    -----
    O(r (p + k)) for r rows.
    """
    assert design.spec is not None
    rows = replay(
        design.spec,
        chunk.data,
        need_response=True,
        weights=origin.weights,
        offset=origin.offset,
        env=origin.env,
        called=chunk.called,
    )
    kept = np.flatnonzero(rows.complete)
    _check_known(rows, kept, chunk)
    fixed = rows.X[kept] @ estimate.beta
    if rows.offset is not None:
        fixed = fixed + rows.offset[kept]
    total = fixed.copy()
    for term, new, cut in zip(design.terms, rows.terms, term_slices(design), strict=True):
        grouping = rows.groupings[term.grouping]
        assert new is not None
        assert grouping is not None
        effects = estimate.b[term.grouping][:, cut]
        for j, column in enumerate(new.columns):
            total += column[kept] * effects[grouping.codes[kept], j]
    assert rows.y is not None
    weights = None if rows.weights is None else rows.weights[kept]
    return ChunkFit(kept, rows.y[kept], fixed, total, weights)


def _check_known(rows: NewDesign, kept: np.ndarray, chunk: Chunk) -> None:
    for grouping in rows.groupings:
        if grouping is not None and len(kept) and grouping.codes[kept].min() < 0:
            which = grouping.unseen_codes[kept]
            label = grouping.unseen[int(which.max())] if len(grouping.unseen) else "?"
            raise DataError(
                f"In {chunk.called}: the level {label!r} of {grouping.name} was not there when the model was "
                "fitted. The rows have changed since, or are others: use fit.predict(frame, "
                "new_levels='population') for new groups."
            )


def stream(design: Design, estimate: Estimate, origin: Origin, source: Chunks) -> Iterator[ChunkFit]:
    """Evaluate a fit on every chunk of a source; stops with an error if there are other rows than fitted."""
    count, names = 0, None
    for chunk in reading(source, names):
        found = fit_chunk(design, estimate, origin, chunk)
        count += len(found.kept)
        yield found
    check_count(design, count, source)


def augmented(
    design: Design, estimate: Estimate, origin: Origin, source: Chunks, *, exact: bool
) -> Iterator[Any]:
    """Return the complete rows of every chunk as frames with .fitted, .resid and .fixed.

    Parameters
    ----------
    design, estimate, origin : Design, Estimate, Source
        The fit.
    source : Chunks
        Read once.
    exact : bool
        Whether the rows must be as many as the fit was made from.
    """
    count = 0
    for chunk in reading(source, None):
        found = fit_chunk(design, estimate, origin, chunk)
        count += len(found.kept)
        data = frames.take_rows(chunk.data, found.kept)
        columns = {
            ".fitted": found.fitted,
            ".resid": found.residuals("response", estimate.sigma),
            ".fixed": found.fixed,
        }
        yield frames.append_columns(data, columns)
    if exact:
        check_count(design, count, source)


def check_count(design: Design, count: int, source: Chunks) -> None:
    """Stop where a source has other rows than it had."""
    if count != design.n:
        raise DataError(
            f"{source.where} holds {count} complete rows now; the model was fitted to {design.n}. It has "
            "changed: fit again."
        )


def one_chunk(data: Any) -> Chunks:
    """See a data frame as a source of one chunk."""
    return Chunks(lambda names: iter([Chunk(data, WHOLE)]), "the data")
