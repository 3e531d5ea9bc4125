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
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DataError, MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
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
        One character between fields. By default comma, semicolon or tab, whichever splits all rows alike; a
        semicolon lets numbers have decimal commas.

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
        return _read_parquet(path)
    lines = _lines(raw, path)
    separator = separator or _recognise(lines[:_LOOK], path)
    rows = _split(lines[:_LOOK], separator)
    _check_shape(lines, separator, rows[0], path)
    return _parse(lines, separator, rows, path)


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except FileNotFoundError:
        raise DataError(f"There is no file {str(path)!r}.{_similar_file(path)}") from None
    except (OSError, EOFError) as error:
        raise DataError(f"The file {str(path)!r} cannot be read: {error}.") from error


def _similar_file(path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f" Did you mean {str(path.parent / near[0])!r}?" if near else ""


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except ImportError as error:
        raise MissingDependencyError(
            f"{str(path)!r} is a Parquet file, and reading it needs pyarrow, which is not installed. "
            "Type: pip install 'henderson[cli]'"
        ) from error


def _lines(raw: bytes, path: Path) -> list[str]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{str(path)!r} is not UTF-8 text (byte {error.start} is 0x{raw[error.start]:02x}), so its names "
            "and labels cannot be read safely. Save it as UTF-8, for example with: "
            f"iconv -f latin1 -t utf-8 {path.name} > utf8.csv"
        ) from None
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip()]
    if len(lines) < 2:
        raise DataError(f"{str(path)!r} holds no rows: expected a line of column names and at least one row.")
    return lines


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


def _check_shape(lines: list[str], separator: str, header: list[str], path: Path) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"{str(path)!r} has more than one column called {', '.join(map(repr, twice))}, so a formula "
            "cannot say which is meant. Rename them."
        )
    for number, line in enumerate(lines):
        fields = len(_split([line], separator)[0]) if '"' in line else line.count(separator) + 1
        if fields != len(header):
            raise DataError(
                f"Row {number} of {str(path)!r} has {fields} fields, but the first line names {len(header)} "
                "columns. Each row needs one field per column (row names of R need a name too)."
            )


def _parse(lines: list[str], separator: str, rows: list[list[str]], path: Path) -> pd.DataFrame:
    import pandas as pd

    comma = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell) for row in rows[1:] for cell in row)
    try:
        return pd.read_csv(
            io.StringIO("\n".join(lines)),
            sep=separator,
            decimal="," if comma else ".",
            skipinitialspace=True,
            index_col=False,
        )
    except pd.errors.ParserError as error:
        raise DataError(f"{str(path)!r} cannot be read as a table: {error}. Mend that line.") from None
