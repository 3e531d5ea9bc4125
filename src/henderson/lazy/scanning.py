"""A path, a pattern or a query → a DuckDB relation; what cannot be one is told what it was taken for."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any

from henderson.data.suggest import did_you_mean, nearest
from henderson.errors import DataError, OptionError
from henderson.lazy.engines import needed

_QUERIES = ("select", "from", "with", "values", "table", "pivot", "unpivot")
_ENDINGS = (".parquet", ".csv", ".tsv", ".json", ".ndjson", ".jsonl")
_COMMENTS = re.compile(r"\s+|--[^\n]*\n|/\*.*?\*/|\(", re.DOTALL)


def scan(source: str | PathLike[str], *, connection: Any = None) -> Any:
    """Return a DuckDB relation of files or of a query: data for `lmm` that stay where they are.

    Parameters
    ----------
    source : str or path
        A path, a pattern such as ``"files/*.parquet"``, a URL that DuckDB reads, or SQL that starts with
        SELECT, FROM or WITH.
    connection : DuckDB connection, optional
        Where tables named in the query are; by default a new one.

    Returns
    -------
    duckdb.DuckDBPyRelation

    Raises
    ------
    ImportError
        DuckDB is not installed.
    DataError
        There is no such file or table, or DuckDB cannot read it; the message says what the text was taken
        for and what to type.
    OptionError
        The source is no text or path, is empty, or is a statement that changes something.

    Notes
    -----
    Reads the types of the columns only.

    Examples
    --------
    >>> import henderson as hd
    >>> relation = hd.scan("SELECT i % 7 AS g, i::DOUBLE AS x FROM range(70) AS t(i)")
    >>> relation.columns
    ['g', 'x']
    """
    duckdb = needed("duckdb", "duckdb")
    text = _text_of(source)
    is_file = _exists(text)
    if not is_file:
        _refuse_changes(duckdb, text)
    where = _fresh(duckdb) if connection is None else connection
    known = _tables(where) if connection is not None else []
    if not is_file and is_query(text):
        return _queried(where, text, known, connection is None)
    _check_folder(text)
    try:
        return where.sql(f"SELECT * FROM '{text.replace(chr(39), chr(39) * 2)}'")
    except Exception as error:
        raise _no_source(text, known, connection is None, error) from error


def _text_of(source: Any) -> str:
    if not isinstance(source, (str, PathLike)):
        raise OptionError(
            f"scan() reads one path, pattern or query; got {type(source).__name__}. Several files are "
            "hd.scan('folder/*.parquet'), or hd.scan(\"FROM read_parquet(['a.parquet', 'b.parquet'])\")."
        )
    text = str(source)
    if not text.strip():
        raise OptionError(
            "scan() got an empty text. Give a path, hd.scan('files/*.parquet'), or a query, "
            "hd.scan(\"SELECT * FROM 'rows.parquet'\")."
        )
    return text


def _refuse_changes(duckdb: Any, text: str) -> None:
    try:
        kinds = {statement.type.name for statement in duckdb.extract_statements(text)}
    except Exception:  # a path, or SQL with a slip: told apart later
        return
    if kinds - {"SELECT", "MULTI"}:
        raise OptionError(
            f"scan() reads rows, and {_short(text)} does something else. Run it by "
            "connection.execute(...), then hd.scan('SELECT …', connection=connection)."
        )


def _fresh(duckdb: Any) -> Any:
    """A connection that does not take variables of this module for tables."""
    where = duckdb.connect()
    where.execute("SET python_enable_replacements = false")
    return where


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte in it
        return False


def _first_word(text: str) -> str:
    at = 0
    while (skipped := _COMMENTS.match(text, at)) is not None:
        at = skipped.end()
    found = re.match(r"\S+", text[at:])
    return found.group().lower() if found else ""


def is_query(text: str) -> bool:
    r"""Return whether a text is taken for SQL: it starts with SELECT, FROM, WITH or their like.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> is_query("-- all of them\nSELECT * FROM visits"), is_query("visits/*.parquet")
    (True, False)
    """
    return _first_word(text) in _QUERIES


def _short(text: str) -> str:
    words = " ".join(text.split())
    return repr(words if len(words) <= 60 else words[:60] + "…")


def _tables(connection: Any) -> list[str]:
    """Tables and views of the caller's connection; none where it does not tell."""
    query = (
        "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
    )
    try:
        return sorted(str(row[0]) for row in connection.execute(query).fetchall())
    except Exception:
        return []


# -- queries -------------------------------------------------------------------------------------------------


def _queried(where: Any, text: str, known: list[str], fresh: bool) -> Any:
    try:
        return where.sql(text)
    except Exception as error:
        raise _bad_query(text, known, fresh, error) from error


def _bad_query(text: str, known: list[str], fresh: bool, error: Exception) -> DataError:
    missing = re.search(r"Table with name \"?([^\s\"]+)\"? does not exist", str(error))
    if missing is not None:
        return DataError(
            f"The query {_short(text)} names a table {missing.group(1)!r}, and "
            f"{_known_tables(missing.group(1), known, fresh)}"
        )
    no_file = re.search(r"No files found that match the pattern \"(.*?)\"", str(error))
    if no_file is not None:
        return DataError(f"The query {_short(text)} reads files. {_no_file(no_file.group(1))}")
    return DataError(f"DuckDB cannot run the query {_short(text)}: {_words(error)}")


def _known_tables(name: str, known: list[str], fresh: bool) -> str:
    files = "Files are tables by their path in quotes: SELECT * FROM 'rows.parquet'."
    if fresh:
        return (
            "the new connection that scan() made has none. Give yours, hd.scan(…, connection=connection); "
            f"a data frame becomes a table there by connection.register({name!r}, frame). {files}"
        )
    return f"the connection does not have it. {did_you_mean(name, known)} {files}"


def _words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (" ".join(lines[:3])[:400] or type(error).__name__).rstrip(".^ ") + "."


# -- paths ---------------------------------------------------------------------------------------------------


def _check_folder(text: str) -> None:
    if not (_exists(text) and Path(text).is_dir()):
        return
    patterns = (below + "*" + end for below in ("", "**/") for end in _ENDINGS)
    found = next((pattern for pattern in patterns if any(Path(text).glob(pattern))), None)
    if found is None:
        raise DataError(f"{text!r} is a folder without Parquet, CSV or JSON files. {_beside(Path(text))}")
    folder = text.rstrip("/\\")
    raise DataError(
        f"{text!r} is a folder; scan() reads a file or a pattern of files: hd.scan('{folder}/{found}')."
    )


def _no_source(text: str, known: list[str], fresh: bool, error: Exception) -> DataError:
    """Say what a text that is no query was taken for, and what is there instead."""
    if _exists(text):
        return _unreadable(text, error)
    if "://" in text:
        return DataError(f"DuckDB cannot read {text!r}: {_words(error)}")
    meant = _meant(text)
    if meant is not None:
        return DataError(
            f"{_short(text)} was taken for the name of a file, as it does not start with SELECT, FROM or "
            f"WITH, and there is no such file. Did you mean the query {_short(meant)}?"
        )
    if any(c in text for c in "*?[/\\.") or len(text.split()) > 1:
        return DataError(_no_file(text) + _as_query(text))
    return DataError(
        f"There is no file {_short(text)}{_as_table(text, known, fresh)} Files: hd.scan('folder/*.parquet'); "
        f"a query: hd.scan('SELECT …')."
    )


def _meant(text: str) -> str | None:
    """The query that a text would be with its first word spelt right."""
    word = _first_word(text)
    close = nearest(word, _QUERIES, 1) if len(text.split()) > 1 else []
    return close[0].upper() + text.strip()[len(word) :] if close else None


def _as_query(text: str) -> str:
    return " SQL starts with SELECT, FROM or WITH." if len(text.split()) > 2 or "(" in text else ""


def _as_table(text: str, known: list[str], fresh: bool) -> str:
    if fresh:
        return f", and no connection with a table of that name: hd.scan({text!r}, connection=connection)."
    return f" and no table of that name in the connection. {did_you_mean(text, known)}"


def _no_file(pattern: str) -> str:
    """The sentence for a path or pattern without a file, with what is in its folder."""
    some = any(c in pattern for c in "*?[")
    start = Path(re.split(r"[*?\[]", pattern)[0] + ("x" if some else "")).parent
    said = f"No file matches {pattern!r}." if some else f"There is no file {pattern!r}."
    if not start.is_dir():
        return f"{said} There is no folder {str(start)!r} either."
    here = [p.name for p in start.iterdir() if p.is_file()]
    close = nearest(Path(pattern).name, here)
    if close and not some:
        return f"{said} Did you mean {' or '.join(str(start / name) for name in close)!s}?"
    return f"{said} {_beside(start)}"


def _beside(folder: Path) -> str:
    names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir() if not p.name.startswith("."))
    if not names:
        return f"The folder {str(folder)!r} is empty."
    more = f", … ({len(names)} in all)" if len(names) > 6 else ""
    return f"The folder {str(folder)!r} has: {', '.join(names[:6])}{more}."


def _unreadable(text: str, error: Exception) -> DataError:
    if not text.lower().removesuffix(".gz").removesuffix(".zst").endswith(_ENDINGS):
        return DataError(
            f"The ending of {text!r} tells DuckDB nothing; it knows {', '.join(_ENDINGS)}, and .gz behind. "
            f"Name the reader, hd.scan(\"FROM read_csv('{text}')\") or read_parquet, read_json; save a "
            "spreadsheet as a CSV file."
        )
    return DataError(f"DuckDB cannot read {text!r}: {_words(error)}")
