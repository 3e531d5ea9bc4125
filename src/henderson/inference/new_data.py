"""From the caller's new rows and responses to arrays in the coordinates of a fit."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from henderson.data import Frame, open_frame
from henderson.design.gathered import is_weighted
from henderson.errors import DataError, HendersonWarning
from henderson.formula import ModelFormula, read_formula
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
    def array_offset(self) -> bool:
        """Whether the offset came as an array."""

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
    *,
    observed: bool = False,
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
    observed : bool
        Whether observations are predicted, not only means: then the weights matter.

    Returns
    -------
    NewRows

    Raises
    ------
    DataError
        From `henderson.design.replay`: a missing column, text for numbers, an unseen level of a fixed factor.

    Warns
    -----
    HendersonWarning
        Where the fit had weights or an offset and the new rows have none.
    """
    frame = _open(design, newdata)
    weights = _weights(weights, frame, design, origin, observed)
    offset = _offset(offset, frame, origin)
    return _replayed(design, origin, newdata, chosen, further, weights, offset)[0]


def given_rows(design: Design, origin: Origin, given: object) -> tuple[NewRows, np.ndarray]:
    """Replay the design on a few observations of new groups, response included.

    A fit with a weights column needs that column here: the weights decide how much the observations count.
    """
    frame = _open(design, given)
    _check_given(design, origin, given, frame)
    every = tuple(range(len(design.groupings)))
    weights = _weights(None, frame, design, origin, True, "given=", stacklevel=5)
    offset = _offset(None, frame, origin, "given=", stacklevel=5)
    rows, y = _replayed(design, origin, given, every, (), weights, offset, "given=")
    assert y is not None
    _say_left_out(design, rows)
    return rows, y


def _say_left_out(design: Design, given: NewRows) -> None:
    """Warn of given rows of known groups, where others are new (without others it is an error elsewhere)."""
    from henderson.inference.new_groups import known_rows

    known = known_rows(given) & ~given.missing
    if known.all() or not known.any():
        return
    grouping, codes = design.groupings[0], given.codes[0]
    labels = [grouping.levels[code] for code in np.unique(codes[known])]
    shown = ", ".join(repr(label) for label in labels[:5]) + (", …" if len(labels) > 5 else "")
    warnings.warn(
        f"{int(known.sum())} rows of given= are of groups that the fit knows ({grouping.name}: {shown}) and "
        "are left out: the effects of known groups stay as fitted. Refit with these rows to update them.",
        HendersonWarning,
        stacklevel=5,  # the line that called predict()
    )


def _check_given(design: Design, origin: Origin, given: object, frame: Frame) -> None:
    """Stop at rows of new groups without what the effects are learnt from."""
    assert design.spec is not None
    if frame.n == 0:
        raise DataError("given= has no rows; give a few observations of the new groups, or leave it out.")
    for name in _formula(design, origin).response.columns:
        if name in design.spec.kinds and frame.read(name) is None:
            raise DataError(
                f"given= has no column {name!r}, the response: the effects of new groups are learnt from it."
            )
    for what in (origin.weights, origin.offset):
        if what is not None and frame.read(what) is None:
            raise DataError(f"There is no column {what!r} in given=. The fit used it as weights or offset.")


def _formula(design: Design, origin: Origin) -> ModelFormula:
    spec = design.spec
    assert spec is not None
    return read_formula(spec.formula, frozenset(origin.env or ()), spec.dot)


def _open(design: Design, data: object) -> Frame:
    if design.spec is None:
        raise DataError("This fit has no formula to apply to new data; it was made from arrays.")
    return open_frame(data)


def _replayed(
    design: Design,
    origin: Origin,
    data: object,
    chosen: tuple[int, ...],
    further: tuple[int, ...],
    weights: object,
    offset: object,
    given: str | None = None,
) -> tuple[NewRows, np.ndarray | None]:
    from henderson.design.replay import replay

    assert design.spec is not None
    names = [g.name for g in design.groupings]
    new = replay(
        design.spec,
        data,
        groups=[names[f] for f in chosen],
        columns_of=[names[f] for f in further],
        need_response=given is not None,
        weights=weights,
        offset=offset,
        env=origin.env,
        called=given or "the new data",
    )
    return _matched(new), new.y


def _per_row(value: object, frame: Frame) -> object:
    """Repeat a single number for every row."""
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return np.full(frame.n, float(value))
    return value


def _weights(
    value: object,
    frame: Frame,
    design: Design,
    origin: Origin,
    needed: bool,
    called: str = "The new data",
    stacklevel: int = 6,
) -> object:
    """Return the weights of new rows: the fit's own column where nothing is said, 1 where that is missing."""
    usual = origin.weights
    if value is not None:
        return _per_row(value, frame)
    if usual is not None and frame.read(usual) is not None:
        return usual
    if needed and is_weighted(design):
        lacking = (
            f"no column {usual!r}, the weights of the fit" if usual else "no weights (they came as an array)"
        )
        here = called == "given="
        remedy = "Fit with weights as a column" if here else "Add the column, or give weights=1"
        warnings.warn(
            f"{called} have {lacking}: every row counts as weights=1. {remedy} to say what is meant.",
            HendersonWarning,
            stacklevel=stacklevel,
        )
    return None


def _offset(
    value: object,
    frame: Frame,
    origin: Origin,
    called: str = "The new data",
    stacklevel: int = 6,
) -> object:
    """Return the offset of new rows; zero, with a warning, where the data lack the fit's offset."""
    usual = origin.offset
    if value is not None:
        return _per_row(value, frame)
    if usual is not None and frame.read(usual) is not None:
        return None  # the replay reads the column
    if usual is not None:
        lacking = f"no column {usual!r}, the offset of the fit"
    elif origin.array_offset:
        lacking = "no offset (that of offset= came as an array)"
    else:
        return None
    here = called == "given="
    remedy = "Fit with the offset as a column" if here else "Give offset= for the new rows (0 for none)"
    warnings.warn(
        f"{called} have {lacking}: predictions are without it. {remedy} to say what is meant.",
        HendersonWarning,
        stacklevel=stacklevel,  # the line that called predict()
    )
    return _per_row(0.0, frame)


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
