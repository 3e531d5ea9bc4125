"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from henderson.errors import DataError

_DESCRIPTORS = Path("/proc/self/fd")


def write_whole(path: str | os.PathLike[str], write: Callable[[IO[bytes]], None]) -> None:
    """Write a file so that under its name there is the old content or the new, never a part.

    The content goes to a nameless file in the same folder where the system has such (Linux), which vanishes
    with the process, else to a hidden one; it is flushed to the disk and takes the name at the end.

    Parameters
    ----------
    path : path
        Replaced when it exists; of a symbolic link, the file that it points to.
    write : callable
        Gets the open binary file.

    Raises
    ------
    DataError
        The disk is full, the folder is not there or may not be written, or the path is a folder or a device;
        what was there before is untouched.
    """
    target = Path(path)
    _check_replaceable(target)
    try:
        _write(target, write)
    except OSError as error:
        kept = "The file that is there was not touched" if target.exists() else "No file was left behind"
        raise DataError(
            f"{target} could not be written: {error.strerror or error}. {kept}; make room or choose another "
            "folder, and write again."
        ) from error


def _check_replaceable(target: Path) -> None:
    """Refuse what is no file: an administrator's rename would put one in the place of /dev/stdout."""
    if target.exists() and not target.is_file():
        what = "a folder" if target.is_dir() else "a device or a pipe"
        raise DataError(
            f"{target} is {what}, no file that could be replaced. Nothing was written; choose the name of a "
            "file."
        )


def _write(target: Path, write: Callable[[IO[bytes]], None]) -> None:
    target = target.resolve() if target.is_symlink() else target
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with _opened(temporary) as (file, named):
            write(file)
            file.flush()
            os.fsync(file.fileno())
            if not named:
                _name(file.fileno(), temporary)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], bool]]:
    """A file to write, and whether it has its name already."""
    nameless = _nameless(path.parent)
    if nameless is None:
        with path.open("w+b") as file:
            yield file, True
    else:
        with os.fdopen(nameless, "w+b") as file:
            yield file, False


def _nameless(folder: Path) -> int | None:
    """An open file without a name, where the system and the folder's file system have them."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not _DESCRIPTORS.is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_RDWR, 0o644)
    except OSError:
        return None


def _name(descriptor: int, path: Path) -> None:
    """Give a nameless file its name; with the folder of descriptors, Python follows the link in it."""
    folder = os.open(_DESCRIPTORS, os.O_RDONLY)
    try:
        os.link(str(descriptor), path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
