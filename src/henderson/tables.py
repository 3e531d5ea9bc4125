"""Reading a table from a file as people have them: CSV with any line ends, gzipped CSV, Parquet.

The kind of file is told by its first bytes, never by its name. Separators are recognised only where the rows
leave no doubt; otherwise the reader asks.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
import shlex
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError, MissingDependencyError, OptionError

if TYPE_CHECKING:
    import pandas as pd

_GZIP, _PARQUET, _ZIP, _MARK = b"\x1f\x8b", b"PAR1", b"PK\x03\x04", b"\xef\xbb\xbf"
_SEPARATORS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")
_LOOK = 50  # rows that are looked at to recognise separator and decimal mark


def read_table(path: str | Path, separator: str | None = None) -> pd.DataFrame:
    r"""Return the table in a CSV, gzipped CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        The file. Lines may end in LF, CRLF or CR; the first line names the columns, in quotes where a name
        holds the separator. Empty fields, ``NA`` and ``NaN`` are missing values.
    separator : str, optional
        The character between fields, or ``"tab"``. By default comma, semicolon or tab, whichever splits all
        rows alike; any but a comma lets numbers have decimal commas.

    Returns
    -------
    pandas.DataFrame
        One row per line; text columns stay text.

    Raises
    ------
    DataError
        If the file is missing, empty, not text, has ragged rows or duplicate column names, or if the
        separator is not clear.
    MissingDependencyError
        If a Parquet file is given and pyarrow is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "old-mac.csv"
    >>> _ = path.write_bytes(b"score,my group\r1.5,a\r2.5,b\r")
    >>> read_table(path)
       score my group
    0    1.5        a
    1    2.5        b
    """
    path = Path(path)
    raw = _read_bytes(path)
    if raw.startswith(_PARQUET):
        return _read_parquet(raw, path)
    _check_text(raw, path)
    raw = raw.removeprefix(_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")
    top = _first_lines(raw, path)
    separator = _one_character(separator) if separator else _recognise(top, path)
    rows = _split(top, separator)
    _check_shape(raw, separator, rows[0], path)
    return _parse(raw, separator, rows, path)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except FileNotFoundError:
        raise DataError(f"There is no file {str(path)!r}.{_similar_file(path)}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"The file {str(path)!r} cannot be read: {error}.") from error


def _similar_file(path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f" Did you mean {str(path.parent / near[0])!r}?" if near else ""


def _read_parquet(raw: bytes, path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(raw), engine="pyarrow")
    except ImportError as error:
        raise MissingDependencyError(
            f"{str(path)!r} is a Parquet file, and reading it needs pyarrow, which is not installed. "
            "Type: pip install 'henderson[cli]'"
        ) from error
    except (ValueError, OSError, NotImplementedError) as error:  # what pyarrow's own errors derive from
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{str(path)!r} is not a Parquet file that can be read: {reason}. "
            "It may be cut short; write it anew."
        ) from error


def _check_text(raw: bytes, path: Path) -> None:
    if raw.startswith(_ZIP):
        raise DataError(
            f"{str(path)!r} is a spreadsheet or zip archive, which is not read. "
            "Save the sheet as CSV (UTF-8)."
        )
    wide = _utf16(raw[:2])
    if wide:
        raise DataError(
            f"{str(path)!r} is UTF-16 text, and only UTF-8 is read. Save it as UTF-8, for example with: "
            f"iconv -f {wide} -t utf-8 {shlex.quote(str(path))} > utf8.csv"
        )


def _utf16(start: bytes) -> str | None:
    if start in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if b"\0" not in start or len(start) < 2:  # a mark is not required: then one byte of two is zero
        return None
    return "utf-16le" if start[1] == 0 else "utf-16be"


def _first_lines(raw: bytes, path: Path) -> list[str]:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{str(path)!r} is not UTF-8 text (byte {error.start} is 0x{raw[error.start]:02x}), so its names "
            "and labels cannot be read safely. Save it as UTF-8, for example with: "
            f"iconv -f latin1 -t utf-8 {shlex.quote(str(path))} > utf8.csv"
        ) from None
    lines = [line.decode() for line in raw.split(b"\n", 2 * _LOOK)[: 2 * _LOOK] if line][:_LOOK]
    if len(lines) < 2:
        raise DataError(f"{str(path)!r} holds no rows: expected a line of column names and at least one row.")
    return lines


def _one_character(separator: str) -> str:
    separator = {"tab": "\t", "\\t": "\t"}.get(separator, separator)
    if len(separator) != 1 or not separator.isascii() or separator in '\n"':
        raise OptionError(f"separator={separator!r} must be one character such as ',' or ';', or 'tab'.")
    return separator


def _split(lines: list[str], separator: str) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))


def _recognise(lines: list[str], path: Path) -> str:
    found = [separator for separator in _SEPARATORS if _splits_alike(lines, separator)]
    if len(found) == 1:
        return found[0]
    named = [separator for separator in _SEPARATORS if len(_split(lines[:1], separator)[0]) > 1]
    if len(named) == 1:
        return named[0]  # rows are ragged; the caller says which
    if not any(separator in line for line in lines for separator in _SEPARATORS):
        return ","  # a single column
    which = "more than one of them would do" if found else "none of them splits all rows alike"
    raise DataError(
        f"Cannot tell what separates the fields of {str(path)!r}: tried comma, semicolon and tab, and "
        f"{which} (first line: {lines[0][:60]!r}). Say which with --separator, or mend the rows."
    )


def _splits_alike(lines: list[str], separator: str) -> bool:
    rows = _split(lines, separator)
    return len(rows[0]) > 1 and len({len(row) for row in rows}) == 1


def _check_shape(raw: bytes, separator: str, header: list[str], path: Path) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"{str(path)!r} has more than one column called {', '.join(map(repr, twice))}, so a formula "
            "cannot say which is meant. Rename them."
        )
    fields = _count_fields(raw, separator)
    odd = np.flatnonzero(fields != len(header))
    if len(odd):
        raise DataError(
            f"Row {odd[0]} of {str(path)!r} has {fields[odd[0]]} fields, but the first line names "
            f"{len(header)} columns. Each row needs one field per column (row names of R need a name too)."
        )


def _count_fields(raw: bytes, separator: str) -> np.ndarray:
    data = np.frombuffer(raw, dtype=np.uint8)
    ends = np.append(np.flatnonzero(data == ord("\n")), len(data))
    starts = np.append(0, ends[:-1] + 1)
    starts, ends = starts[ends > starts], ends[ends > starts]
    at = np.flatnonzero(data == ord(separator))
    fields = np.searchsorted(at, ends) - np.searchsorted(at, starts) + 1
    quotes = np.flatnonzero(data == ord('"'))
    for line in np.unique(np.searchsorted(starts, quotes, side="right") - 1):
        fields[line] = len(_split([raw[starts[line] : ends[line]].decode()], separator)[0])
    return fields


def _parse(raw: bytes, separator: str, rows: list[list[str]], path: Path) -> pd.DataFrame:
    import pandas as pd

    comma = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell) for row in rows[1:] for cell in row)
    try:
        return pd.read_csv(
            io.BytesIO(raw),
            sep=separator,
            decimal="," if comma else ".",
            skipinitialspace=True,
            index_col=False,
        )
    except pd.errors.ParserError as error:
        raise DataError(f"{str(path)!r} cannot be read as a table: {error}. Mend that line.") from None
