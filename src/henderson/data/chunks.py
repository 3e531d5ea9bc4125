"""Rows that do not fit in memory: Parquet row groups, CSV blocks, any iterator of frames, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from henderson.errors import DataError, HendersonError, MissingDependencyError, OptionError

ROWS = 1 << 18
"""Rows of a chunk, at most, where this module does the reading."""

WHOLE = "the data"
"""What the only chunk of a data frame is called."""

Names = tuple[str, ...] | None


class Chunk(NamedTuple):
    """Some rows, and what to call them in messages."""

    data: Any
    called: str


@dataclass(frozen=True, slots=True, eq=False)
class Chunks:
    """A source of rows in chunks.

    Attributes
    ----------
    read : callable
        ``read(names)`` returns an iterator of `Chunk` that has at least these columns; all where names is
        None.
    where : str
        What to call the source: ``3 Parquet files``.
    again : bool
        Whether it can be read more than once.
    """

    read: Callable[[Names], Iterator[Chunk]]
    where: str
    again: bool = True

    def __iter__(self) -> Iterator[Any]:
        return (chunk.data for chunk in reading(self, None))


def reading(source: Chunks, names: Names) -> Iterator[Chunk]:
    """Go through the chunks of a source; what the reader raises becomes a DataError that names the chunk.

    Parameters
    ----------
    source : Chunks
    names : tuple of str or None
        Columns that are needed.

    Raises
    ------
    DataError
        The reader failed; nothing is returned for the rest.
    """
    chunks, last = source.read(names), "the start"
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        except HendersonError:
            raise
        except Exception as error:
            words = " ".join(str(error).split()).rstrip(".") or "no message"
            raise DataError(
                f"Reading {source.where} failed after {last}: {type(error).__name__}: {words}. What was read "
                "before is left aside, since sums of some of the rows would pass for sums of all. Mend the "
                "source and start again."
            ) from error
        last = chunk.called
        yield chunk


def as_chunks(data: Any) -> Chunks | None:
    """See paths, iterators and functions that make them as chunks; None for anything else.

    Parameters
    ----------
    data : str, Path, list of them, callable, iterator, iterable of frames, or anything else
        ``"sales-*.parquet"``, ``["a.csv", "b.csv"]``, ``lambda: pandas.read_csv(path, chunksize=100_000)``.

    Returns
    -------
    Chunks or None

    Raises
    ------
    DataError
        No file of that name, or a file of unknown kind.
    """
    if isinstance(data, Chunks):
        return data
    if isinstance(data, (str, os.PathLike)):
        return _files(_found(data))
    if isinstance(data, (list, tuple)) and data:
        if all(isinstance(each, (str, os.PathLike)) for each in data):
            return _files([path for each in data for path in _found(each)])
        if all(_is_frame(each) for each in data):
            return Chunks(lambda names: _numbered(data), f"{len(data)} data frames")
        return None
    if isinstance(data, Mapping) or _is_frame(data):
        return None
    if hasattr(data, "__next__"):
        return Chunks(lambda names: _numbered(data), "an iterator of data frames", again=False)
    if callable(data):
        return Chunks(lambda names: _numbered(_called(data)), "chunks from a function")
    if _is_source(data):
        return Chunks(lambda names: _numbered(data), f"chunks of {type(data).__name__}")
    return None


def _is_frame(data: Any) -> bool:
    kind = type(data)  # asking a lazy frame itself for its columns would make it plan its query
    return isinstance(data, Mapping) or hasattr(kind, "columns") or hasattr(kind, "column_names")


def _is_source(data: Any) -> bool:
    lazy = hasattr(data, "collect") or hasattr(data, "compute") or hasattr(data, "__array__")
    return hasattr(data, "__iter__") and not lazy and not isinstance(data, (str, bytes))


def _called(make: Callable[[], Iterable[Any]]) -> Iterable[Any]:
    made = make()
    if _is_frame(made) or not hasattr(made, "__iter__"):
        raise DataError(
            f"The function given as data returned {type(made).__name__}; it must return an iterator of data "
            "frames, as lambda: pandas.read_csv(path, chunksize=100_000) does."
        )
    return made


def _numbered(frames: Iterable[Any]) -> Iterator[Chunk]:
    for number, frame in enumerate(frames, 1):
        yield Chunk(frame, f"chunk {number}")


# -- files ---------------------------------------------------------------------------------------------------


def _found(path: str | os.PathLike[str]) -> list[Path]:
    text = os.fspath(path)
    if any(c in text for c in "*?["):
        found = _matching(text)
    elif Path(text).is_dir():
        found = sorted(p for p in Path(text).rglob("*") if kind_of_file(p) is not None)
    else:
        found = [Path(text)] if Path(text).is_file() else []
    if not found:
        raise DataError(
            f"There is no file {text!r}. Data are a data frame, or the path of Parquet or CSV files: "
            f"'sales/*.parquet'.{_taken_for(text)}"
        )
    return found


def _taken_for(text: str) -> str:
    """What a text that is no path looks like."""
    if "~" in text.lstrip("~"):
        return " This looks like a formula, which comes first: hd.lmm(formula, data)."
    if text.split(None, 1)[:1] and text.split(None, 1)[0].lower() in ("select", "from", "with"):
        return " A query is run by hd.scan('SELECT …')."
    folder = Path(text).parent
    if not any(c in str(folder) for c in "*?[") and not folder.is_dir():
        return f" There is no folder {str(folder)!r} either."
    return ""


def _matching(pattern: str) -> list[Path]:
    path = Path(pattern)
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    return sorted(p for p in anchor.glob(str(path.relative_to(path.anchor))) if p.is_file())


def kind_of_file(path: Path) -> str | None:
    """``Parquet`` or ``CSV`` by the ending of the name; None for others."""
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        return "Parquet"
    return "CSV" if name.endswith((".csv", ".csv.gz", ".tsv", ".txt")) else None


def _files(paths: list[Path]) -> Chunks:
    for path in paths:
        if kind_of_file(path) is None:
            if path.name.endswith(".sums"):
                raise DataError(
                    f"{path} holds sums, not rows: type hd.CrossProducts.load({str(path)!r}).fit()."
                )
            raise DataError(
                f"{path} is neither a Parquet nor a CSV file by its name. Read it into a data frame, or give "
                "a function that returns an iterator of frames."
            )
    kinds = sorted({str(kind_of_file(path)) for path in paths})
    many = f"{len(paths)} {' and '.join(kinds)} files"
    return Chunks(lambda names: _read_files(paths, names), str(paths[0]) if len(paths) == 1 else many)


def _read_files(paths: list[Path], names: Names) -> Iterator[Chunk]:
    for path in paths:
        yield from (_parquet if kind_of_file(path) == "Parquet" else _csv)(path, names)


def _wanted(have: list[str], names: Names) -> list[str]:
    """Columns to read: all where one is not there, so that the error can tell what was meant."""
    if names is None or not set(names) <= set(have):
        return have
    return [name for name in have if name in names]


def _parquet(path: Path, names: Names) -> Iterator[Chunk]:
    parquet = _pyarrow("pyarrow.parquet", "Parquet files")
    import pyarrow

    with parquet.ParquetFile(path, page_checksum_verification=True) as file:
        have = file.schema_arrow.names
        columns = _wanted(have, names)
        for group in range(file.num_row_groups):
            for batch in file.iter_batches(ROWS, row_groups=[group], columns=columns):
                called = f"row group {group + 1} of {path}"
                yield Chunk(pyarrow.Table.from_batches([batch]), called)


def _csv(path: Path, names: Names) -> Iterator[Chunk]:
    try:
        arrow = _pyarrow("pyarrow.csv", "CSV files")
    except MissingDependencyError:
        yield from _csv_by_pandas(path, names)
        return
    import pyarrow

    tabs = path.name.lower().endswith(".tsv")
    parse = arrow.ParseOptions(delimiter="\t" if tabs else ",")
    with arrow.open_csv(path, parse_options=parse) as head:
        columns = _wanted(head.schema.names, names)
    convert = arrow.ConvertOptions(include_columns=columns, strings_can_be_null=True)
    blocks = arrow.ReadOptions(block_size=1 << 23)
    with arrow.open_csv(path, read_options=blocks, parse_options=parse, convert_options=convert) as reader:
        for number, batch in enumerate(reader, 1):
            yield Chunk(pyarrow.Table.from_batches([batch]), f"block {number} of {path}")


def _csv_by_pandas(path: Path, names: Names) -> Iterator[Chunk]:
    import pandas

    comma = "\t" if path.name.lower().endswith(".tsv") else ","
    use = _wanted(list(pandas.read_csv(path, sep=comma, nrows=0).columns), names)
    with pandas.read_csv(path, sep=comma, usecols=use, chunksize=ROWS) as reader:
        for number, frame in enumerate(reader, 1):
            yield Chunk(frame, f"block {number} of {path}")


def _pyarrow(module: str, what: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependencyError(f"{what} need pyarrow: pip install 'henderson[chunks]'.") from error


def column_name(value: Any, what: str) -> str | None:
    """Return ``weights=`` or ``offset=`` of chunked data: the name of a column, or None."""
    if value is None or isinstance(value, str):
        return value
    raise OptionError(
        f"{what} of data that are read in chunks is the name of a column, not {type(value).__name__}: an "
        "array cannot be matched with rows that are not here."
    )
