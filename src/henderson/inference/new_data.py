"""From the caller's new rows and responses to arrays in the coordinates of a fit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from henderson.data import Frame, open_frame
from henderson.errors import DataError, HendersonWarning
from henderson.inference.rows import NewRows

if TYPE_CHECKING:
    from henderson.design.record import Design, NewDesign, NewGrouping


class Origin(Protocol):
    """What a fit's source says: names of its weights and offset columns, and the caller's functions."""

    @property
    def formula(self) -> str:
        """As typed."""

    @property
    def kind(self) -> str:
        """Kind of frame."""

    @property
    def weights(self) -> str | None:
        """Name of the weights column."""

    @property
    def offset(self) -> str | None:
        """Name of the offset column."""

    @property
    def env(self) -> Any:
        """The caller's functions."""


def new_rows(
    design: Design,
    origin: Origin,
    newdata: object,
    chosen: tuple[int, ...],
    further: tuple[int, ...] = (),
    weights: object = None,
    offset: object = None,
) -> NewRows:
    """Replay the design on new data.

    Parameters
    ----------
    design : Design
        Holds the specification to replay.
    origin : Source
        Names of the weights and offset columns, and the caller's functions.
    newdata : data frame
        r new rows; the response is not needed.
    chosen : tuple of int
        Groupings whose levels and columns must be there.
    further : tuple of int
        Groupings of which only the columns of the terms are needed, not the levels.
    weights, offset : None, number, column name or array
        For the new rows, in place of the fit's columns.

    Returns
    -------
    NewRows

    Raises
    ------
    DataError
        From `henderson.design.replay`: a missing column, text for numbers, an unseen level of a fixed factor.
    """
    return _replayed(design, origin, newdata, chosen, further, weights, offset)[0]


def given_rows(design: Design, origin: Origin, given: object) -> tuple[NewRows, np.ndarray]:
    """Replay the design on a few observations of new groups, response included.

    A fit with a weights column needs that column here: the weights decide how much the observations count.
    """
    every = tuple(range(len(design.groupings)))
    rows, y = _replayed(design, origin, given, every, (), origin.weights, None, need_response=True)
    assert y is not None
    return rows, y


def _replayed(
    design: Design,
    origin: Origin,
    data: object,
    chosen: tuple[int, ...],
    further: tuple[int, ...],
    weights: object,
    offset: object,
    *,
    need_response: bool = False,
) -> tuple[NewRows, np.ndarray | None]:
    from henderson.design.replay import replay

    spec = design.spec
    if spec is None:
        raise DataError("This fit has no formula to apply to new data; it was made from arrays.")
    names = [g.name for g in design.groupings]
    frame = open_frame(data)
    new = replay(
        spec,
        data,
        groups=[names[f] for f in chosen],
        columns_of=[names[f] for f in further],
        need_response=need_response,
        weights=_per_row(weights, frame, origin.weights),
        offset=_per_row(offset, frame, None) if need_response else _offset(offset, frame, origin.offset),
        env=origin.env,
    )
    return _matched(new), new.y


def _per_row(value: object, frame: Frame, usual: str | None) -> object:
    """Repeat a single number for every row; take the fit's own column where nothing is said."""
    if value is None and usual is not None and frame.read(usual) is not None:
        return usual
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return np.full(frame.n, float(value))
    return value


def _offset(value: object, frame: Frame, usual: str | None) -> object:
    """Return the offset of new rows; zero, with a warning, where the data lack the fit's offset column."""
    if value is None and usual is not None and frame.read(usual) is None:
        warnings.warn(
            f"The new data have no column {usual!r}, the offset of the fit: predictions are without it. "
            f"Add the column, or give offset=0 to say that this is meant.",
            HendersonWarning,
            stacklevel=7,  # the line that called predict()
        )
        value = 0.0
    return _per_row(value, frame, None)


def _matched(new: NewDesign) -> NewRows:
    """Codes, labels and columns of a replayed design; groupings that were not asked for count as unseen."""
    r = new.n
    nowhere, blank = np.full(r, -1, dtype=np.int32), np.zeros(r)
    return NewRows(
        X=new.X,
        codes=tuple(nowhere if g is None else g.codes for g in new.groupings),
        labels=tuple(None if g is None else _labels(g) for g in new.groupings),
        columns=tuple(() if t is None else t.columns for t in new.terms),
        offset=blank if new.offset is None else new.offset,
        weights=np.ones(r) if new.weights is None else new.weights,
        missing=~new.complete,
    )


def _labels(grouping: NewGrouping) -> np.ndarray | None:
    """Labels (r,) of the unseen levels, None elsewhere; no array at all when every level is known."""
    if not grouping.unseen:
        return None
    table = np.empty(len(grouping.unseen) + 1, dtype=object)
    table[:-1] = grouping.unseen
    return table[grouping.unseen_codes]


def new_response(design: Design, y: Any) -> np.ndarray:
    """Read a response for the rows of a fit, (n,): of their number, or of that of the original data.

    Raises
    ------
    DataError
        Wrong length or type, values that are not finite, or a constant.
    """
    try:
        out = np.array(y, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"y must be {design.n} numbers; {type(y).__name__} cannot be read as numbers."
        ) from None
    n, total = design.n, design.n_input
    if out.shape == (total,) and total != n and design.kept_rows is not None:
        out = out[design.kept_rows]
    if out.shape != (n,):
        also = (
            f" (or {total}, the rows of the data before rows with missing values were dropped)"
            if total != n
            else ""
        )
        raise DataError(
            f"y has shape {out.shape}; the fit has {n} rows{also}, so give an array of shape ({n},)."
        )
    low, high = out.min(), out.max()
    if not (low > -np.inf and high < np.inf):
        bad = np.flatnonzero(~np.isfinite(out))
        raise DataError(f"y has {len(bad)} values that are missing or infinite, first at position {bad[0]}.")
    if low == high:
        raise DataError(f"y is constant ({low:g}); there is no variation to model.")
    return out
