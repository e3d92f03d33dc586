"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from quantlaxmi.errors import InputError, SegmentError
from quantlaxmi.files.common import FOLDER_FLAGS, READ_FLAGS, named_errors, one_line_errors


def check_writable(path: Path, error: type[InputError]) -> None:
    """Refuse a name under which `write_pieces` could not write; nothing is left behind.

    Raises
    ------
    InputError
        As ``error``: there is no such folder, or no file can be made in it.
    """
    with named_errors(path, error):
        if not path.parent.is_dir():
            raise error(path, f"cannot be written: there is no folder {path.parent}")
    temporary = _temporary(path)
    with one_line_errors(path, "cannot be written", error):
        os.close(_made(temporary))
        temporary.unlink()


def sync_file(path: Path) -> None:
    """Make a regular file's bytes durable."""
    _sync(path, READ_FLAGS)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    _sync(path, FOLDER_FLAGS)


def _sync(path: Path, flags: int) -> None:
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


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
    temporary = _temporary(path)
    with one_line_errors(path, "cannot be written", error):
        try:
            with os.fdopen(_made(temporary), "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def _temporary(path: Path) -> Path:
    """What is written first, in the same folder."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def _made(path: Path) -> int:
    """Descriptor of a file that was not there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


@contextlib.contextmanager
def staged_directory(out: Path | str) -> Iterator[Path]:
    """Build a folder beside its place and move it in when it is whole.

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
        ``out`` exists, or cannot be made.
    """
    out = Path(out)
    if os.path.lexists(out):
        raise InputError(out, "exists already; choose another output folder or remove it first")
    parent = out.resolve().parent
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=parent))
    except OSError as error:
        raise InputError(out, f"cannot be made: {error.strerror}") from error
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        with one_line_errors(out, "cannot be written"):
            for folder, _, names in os.walk(temporary):
                for name in names:
                    sync_file(Path(folder, name))
                sync_folder(Path(folder))
            if os.path.lexists(out):
                raise InputError(out, "was made by somebody else in the meantime")
            temporary.rename(out)
            sync_folder(parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
