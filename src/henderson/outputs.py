"""Files that the command line writes: refused early where they cannot be, and written all or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .errors import DataError, OptionError


def check_outputs(source: Path, outputs: Mapping[str, Path]) -> None:
    """Refuse outputs that would be lost or would overwrite something, before any work is done.

    Parameters
    ----------
    source : Path
        The data file, which need not exist.
    outputs : mapping of str to Path
        Path by the option that names it, such as ``"--json"``.

    Raises
    ------
    OptionError
        If an output is the data file or another output, through links too.
    DataError
        If an output is a folder, or lies in a folder that is missing or must not be written to.

    Examples
    --------
    >>> check_outputs(Path("a.csv"), {"--json": Path("a.csv")})
    Traceback (most recent call last):
    henderson.errors.OptionError: --json 'a.csv' is the data file, which would be lost. Name another file.
    """
    seen: dict[str, Path] = {}
    for option, path in outputs.items():
        if _same(path, source):
            raise OptionError(
                f"{option} {str(path)!r} is the data file, which would be lost. Name another file."
            )
        for other, earlier in seen.items():
            if _same(path, earlier):
                raise OptionError(
                    f"{other} and {option} name the same file {str(path)!r}, so one would be lost. "
                    "Name two files."
                )
        _check_writable(path)
        seen[option] = path


def _same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return _is_file(path) and path.samefile(other)  # /dev/null may be named twice
    return path.resolve() == other.resolve()


def _is_file(path: Path) -> bool:
    return path.is_file() or not path.exists()


def _check_writable(path: Path) -> None:
    folder = path.resolve().parent
    if path.is_dir():
        raise DataError(f"Cannot write {str(path)!r}: it is a folder. Name a file in it.")
    if not folder.exists():
        missing = next(above for above in (*reversed(folder.parents), folder) if not above.exists())
        if missing.parent.is_dir():
            raise DataError(
                f"Cannot write {str(path)!r}: There is no folder {str(missing)!r}. Make it, or mend the name."
            )
        folder = missing.parent
    if not folder.is_dir():
        raise DataError(f"Cannot write {str(path)!r}: {str(folder)!r} is not a folder. Mend the name.")
    locked = path if path.exists() and not os.access(path, os.W_OK) else folder
    if not os.access(locked, os.W_OK) and (locked is path or _is_file(path)):
        raise DataError(f"Cannot write {str(path)!r}: you may not write to {str(locked)!r}.")


def write_outputs(texts: Mapping[Path, str]) -> None:
    """Write every text to its path, or none of them.

    Each is first written whole beside its target, under a name of its own; only when all are on the disk do
    they take their places. Links stay links, and existing files keep their permissions.

    Parameters
    ----------
    texts : mapping of Path to str
        What to write where.

    Raises
    ------
    DataError
        If the system refuses; files that were there are then as before.
    """
    ready: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for number, (path, text) in enumerate(texts.items()):
            if not _is_file(path):  # a pipe or a device, which cannot be replaced
                path.write_text(text, encoding="utf-8")
                continue
            target = path.resolve()
            ready.append((target.with_name(f".henderson-{os.getpid()}-{number}"), target))
            _write_beside(*ready[-1], text)
        for beside, target in ready:
            beside.replace(target)
    except OSError as error:
        raise DataError(f"Cannot write {str(path)!r}: {error.strerror}.") from error
    finally:
        for beside, _ in ready:
            beside.unlink(missing_ok=True)


def _write_beside(beside: Path, target: Path, text: str) -> None:
    with beside.open("x", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())  # some systems report a full disk only here
    if target.exists():
        shutil.copymode(target, beside)
