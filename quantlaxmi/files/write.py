"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.files.common import one_line_errors
from quantlaxmi.files.outputs import FileKind, check_file, check_folder
from quantlaxmi.files.temporary import make_temporary, new_file, new_folder, remove_leftovers
from quantlaxmi.system.folders import OPENS_FOLDERS, sync_file, sync_folder


def check_writable(path: Path, error: type[InputError] = InputError) -> None:
    """Refuse a name under which nothing could be written; nothing is left behind.

    Raises
    ------
    InputError
        As ``error``.
    """
    with one_line_errors(path, "cannot be written", error):
        temporary, fd = make_temporary(path, "tmp", new_file)
        if OPENS_FOLDERS:  # removed before anybody takes it for a leftover
            temporary.unlink()
        os.close(fd)
        temporary.unlink(missing_ok=True)


def write_output(
    path: Path, pieces: Iterable[bytes | memoryview], kind: FileKind, error: type[InputError]
) -> None:
    """Write or replace a file that a user named.

    Raises
    ------
    InputError
        As ``error``: as `check_file`, or it cannot be written.
    """
    check_file(path, kind, error)
    write_pieces(path, pieces, error)


def write_whole(path: Path, data: bytes) -> None:
    """Write or replace a file so that a reader or a crash sees the old bytes or the new ones.

    Raises
    ------
    SegmentError
        The file cannot be written.
    """
    write_pieces(path, (data,), SegmentError)


def write_pieces(path: Path, pieces: Iterable[bytes | memoryview], error: type[InputError]) -> None:
    """Write as `write_whole` does, piece by piece; what fails is raised as ``error``."""
    with whole_file(path, error) as file:
        for piece in pieces:
            file.write(piece)


@contextlib.contextmanager
def whole_file(path: Path, error: type[InputError]) -> Iterator[BinaryIO]:
    """Write a file under a temporary name; on a normal end make it durable and rename it."""
    with one_line_errors(path, "cannot be written", error):
        remove_leftovers(path)
        temporary, fd = make_temporary(path, "tmp", new_file)
        try:
            with os.fdopen(fd, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if OPENS_FOLDERS:
                    temporary.replace(path)  # before it is closed, which gives its lock back
            if not OPENS_FOLDERS:  # Windows renames no open file
                temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


@contextlib.contextmanager
def staged_directory(out: Path | str) -> Iterator[Path]:
    """Build a folder under a temporary name and rename it when it is complete.

    Parameters
    ----------
    out : Path or str
        The folder to make; it must not exist, its parent must.

    Yields
    ------
    Path
        An empty folder on the same file system. On a normal end it is made durable and renamed
        to ``out``; on any exception it is removed.

    Raises
    ------
    InputError
        ``out`` exists, is inside a segment, or cannot be made.

    Examples
    --------
    >>> with staged_directory("results") as folder:
    ...     _ = (folder / "note.txt").write_text("complete")
    >>> Path("results/note.txt").read_text()
    'complete'
    """
    out = Path(out)
    check_folder(out)
    place = out.parent.resolve() / out.name
    with one_line_errors(out, "cannot be made", InputError):
        remove_leftovers(place)
        # A folder within the locked one, because a segment's writer locks its own.
        around, fd = make_temporary(place, "partial", new_folder)
    try:
        temporary = around / place.name
        with one_line_errors(out, "cannot be made", InputError):
            temporary.mkdir()
        yield temporary
        with one_line_errors(out, "cannot be written"):
            for folder, _, names in os.walk(temporary):
                for name in names:
                    sync_file(Path(folder, name))
                sync_folder(Path(folder))
            if os.path.lexists(out):
                raise InputError(out, "was made by somebody else in the meantime")
            temporary.rename(place)
            sync_folder(place.parent)
    finally:
        shutil.rmtree(around, ignore_errors=True)
        os.close(fd)
