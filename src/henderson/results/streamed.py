"""Answers with one number per row, where the rows are read again for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from henderson.data.chunks import Chunks, as_chunks
from henderson.data.frame_files import write_frames
from henderson.errors import DataError
from henderson.inference import fitted, streaming

if TYPE_CHECKING:
    from henderson.results.parameters import Parameters


class Streamed:
    """Something per chunk of rows: iterating reads the source again, and can be repeated.

    Parameters
    ----------
    make : callable
        Returns a fresh iterator.
    what : str
        For printing: ``Fitted values of sales.parquet``.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], what: str) -> None:
        self._make, self._what = make, what

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.concatenate([np.zeros(0), *self]).astype(dtype or np.float64, copy=False)

    def __repr__(self) -> str:
        return (
            f"{self._what}, chunk by chunk:\n  for chunk in ..., or numpy.asarray(...) for arrays of all rows"
        )


def in_chunks(fit: Parameters) -> bool:
    """Return whether a fit was made from chunks that can be read again."""
    return isinstance(fit.source.rows, Chunks)


def stream_fitted(fit: Parameters) -> Any:
    """Fitted values of every chunk, (m,) arrays."""
    return _per_chunk(fit, "Fitted values", lambda found: found.fitted)


def stream_residuals(fit: Parameters, type: str) -> Any:
    """Residuals of every chunk, (m,) arrays."""
    kind = fitted.check_residuals(type)
    return _per_chunk(fit, "Residuals", lambda found: found.residuals(kind, fit.sigma))


def _per_chunk(fit: Parameters, what: str, of: Callable[[streaming.ChunkFit], np.ndarray]) -> Streamed:
    source = fit.source.rows
    assert isinstance(source, Chunks)
    design, estimate, origin = fit.design, fit.estimate, fit.source
    return Streamed(
        lambda: (of(found) for found in streaming.stream(design, estimate, origin, source)),
        f"{what} of {source.where}",
    )


def augment_chunks(fit: Parameters, data: Any, to: str | PathLike[str] | None) -> Any:
    """Frames with .fitted, .resid and .fixed: one for a data frame, else chunk by chunk or into a file."""
    design, estimate, origin = fit.design, fit.estimate, fit.source
    source = origin.rows if data is None else as_chunks(data)
    single = data is not None and source is None
    if single:
        source = streaming.one_chunk(data)
    if not isinstance(source, Chunks):
        raise DataError(
            "The sums that this fit was made from do not say where their rows are. Give them, or others of "
            "the same groups: fit.augment(data), with a data frame, the path of files, or chunks."
        )
    chunks = source

    def frames() -> Iterator[Any]:
        return streaming.augmented(design, estimate, origin, chunks, exact=data is None)

    if to is not None:
        return write_frames(Path(to), frames())
    if single:
        return next(iter(frames()))
    kind = origin.kind
    return Streamed(lambda: (_as_kind(frame, kind) for frame in frames()), f"Rows of {chunks.where}")


def _as_kind(frame: Any, kind: str) -> Any:
    """Tables read from files as the kind of frame that the fit answers with."""
    return frame.to_pandas() if kind == "pandas" and hasattr(frame, "to_pandas") else frame
