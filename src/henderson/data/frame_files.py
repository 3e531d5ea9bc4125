"""Frames, one after the other, into one Parquet or CSV file: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from henderson.data.chunks import kind_of_file
from henderson.data.writing import write_whole
from henderson.errors import MissingDependencyError, OptionError


def write_frames(path: str | os.PathLike[str], frames: Iterable[Any]) -> Path:
    """Write frames of the same columns below one another.

    Parameters
    ----------
    path : path
        Ending with ``.parquet`` or ``.csv``; replaced once everything is written.
    frames : iterable of pandas or polars frames, or pyarrow tables
        At least one.

    Returns
    -------
    Path

    Raises
    ------
    OptionError
        Another ending.
    DataError
        The disk is full, or making the frames failed; a file that was there is untouched.

    Notes
    -----
    Memory for one frame.
    """
    target = Path(path)
    kind = kind_of_file(target)
    if kind is None or target.suffix == ".gz":
        raise OptionError(f"{target} names neither a Parquet nor a CSV file: end it with .parquet or .csv.")
    write = _parquet if kind == "Parquet" else _csv
    write_whole(target, lambda file: write(file, frames))
    return target


def _parquet(file: IO[bytes], frames: Iterable[Any]) -> None:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError(
            "Parquet files need pyarrow: pip install 'henderson[chunks]'."
        ) from error
    writer = None
    try:
        for frame in frames:
            table = _table(frame)
            if writer is None:
                writer = parquet.ParquetWriter(file, table.schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _table(frame: Any) -> Any:
    import pyarrow

    if isinstance(frame, pyarrow.Table):
        return frame
    if hasattr(frame, "to_arrow"):
        return frame.to_arrow()
    return pyarrow.Table.from_pandas(frame, preserve_index=False)


def _csv(file: IO[bytes], frames: Iterable[Any]) -> None:
    for number, frame in enumerate(frames):
        native = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
        file.write(native.to_csv(index=False, header=number == 0).encode())
