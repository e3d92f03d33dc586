"""Files of a folder, opened without leaving it, and the lock of its one writer."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quantlaxmi.counted import counted
from quantlaxmi.errors import SegmentCorrupt, SegmentError
from quantlaxmi.files.common import READ_FLAGS, irregular, one_line_errors
from quantlaxmi.system.folders import OPENS_FOLDERS, is_link, open_folder, open_to_lock
from quantlaxmi.system.locks import lock


def open_inside(folder: Path, name: str) -> int:
    """Open a regular file of a folder for reading, following no link below the folder.

    Parameters
    ----------
    folder : Path
        The segment's folder; it may itself be reached through a link.
    name : str
        Relative name, at most one folder deep, already checked to hold no ``..``.

    Returns
    -------
    int
        An open file descriptor.

    Raises
    ------
    SegmentCorrupt
        The file is missing, a link, or not a regular file.
    """
    # Every run asks for the state of its files: a Path costs more than the system calls.
    parts = [part for part in name.split("/") if part not in ("", ".")]
    at = None
    try:
        if OPENS_FOLDERS:
            at = open_folder(folder)
            for part in parts[:-1]:
                below = open_folder(part, within=at)
                os.close(at)
                at = below
            fd = os.open(parts[-1], READ_FLAGS, dir_fd=at)
        else:
            fd = _open_by_names(folder, parts)
    except FileNotFoundError as error:
        raise SegmentCorrupt(folder / name, "is missing") from error
    except OSError as error:
        # ELOOP and ENOTDIR are what O_NOFOLLOW gives for a link.
        # os.path, because Path.is_symlink() fails on a name that is too long.
        is_link = os.path.islink(folder / name)  # noqa: PTH114
        reason = "is a symbolic link" if is_link else f"cannot be opened: {error.strerror}"
        raise SegmentCorrupt(folder / name, reason) from error
    finally:
        if at is not None:
            os.close(at)
    if problem := irregular(os.fstat(fd).st_mode):
        os.close(fd)
        raise SegmentCorrupt(folder / name, problem)
    return fd


def _open_by_names(folder: Path, parts: list[str]) -> int:
    """Open a file where a folder cannot be opened: no name is a link, before and after."""
    for _ in range(2):
        place = folder
        for part in parts:
            place = place / part
            if is_link(place):
                raise OSError(errno.ELOOP, "a link is not followed")
        status = os.lstat(place)
        if not stat.S_ISREG(status.st_mode):
            raise SegmentCorrupt(place, irregular(status.st_mode))
        fd = os.open(place, READ_FLAGS)
        opened = os.fstat(fd)
        if (opened.st_dev, opened.st_ino) == (status.st_dev, status.st_ino):
            return fd
        os.close(fd)
    raise OSError(errno.EBUSY, "it was replaced again and again")


def open_sized(folder: Path, name: str, size: int) -> int:
    """Open as `open_inside` does, and refuse a file that is not ``size`` bytes long."""
    fd = open_inside(folder, name)
    found = os.fstat(fd).st_size
    if found != size:
        os.close(fd)
        raise SegmentCorrupt(
            folder / name, f"is {counted(found, 'byte[s]')} long, the manifest says {size}"
        )
    return fd


def read_exactly(fd: int, n: int) -> bytes:
    """Read ``n`` bytes, or fewer where the file ends."""
    first = os.read(fd, n)
    if len(first) == n or not first:
        return first
    parts, left = [first], n - len(first)
    while left:
        part = os.read(fd, left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_bounded(folder: Path, name: str, limit: int) -> bytes:
    """Content of a small file of a folder.

    Raises
    ------
    SegmentCorrupt
        The file is missing, not regular, or longer than ``limit`` bytes.
    """
    fd = open_inside(folder, name)
    try:
        with one_line_errors(folder / name, "cannot be read"):
            data = read_exactly(fd, limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise SegmentCorrupt(folder / name, f"is longer than {limit} bytes")
    return data


def hash_inside(folder: Path, name: str, size: int | None = None) -> tuple[str, int]:
    """SHA-256 in hex and length of a file of a folder, read in bounded memory.

    Raises
    ------
    SegmentCorrupt
        The file is missing, not regular, or not ``size`` bytes long.
    """
    fd = open_inside(folder, name) if size is None else open_sized(folder, name, size)
    with os.fdopen(fd, "rb") as file, one_line_errors(folder / name, "cannot be read"):
        return hashlib.file_digest(file, "sha256").hexdigest(), os.fstat(fd).st_size


class FileState(NamedTuple):
    """State of a file in the file system; it changes when the file is written or replaced.

    Attributes
    ----------
    device, inode : int
    size : int
    mtime_ns : int
        When the content was last written; whoever owns the file can set it.
    ctime_ns : int
        When content, name, links or rights last changed; nobody can set it.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, fd: int) -> FileState:
        """The state of an open file."""
        found = os.fstat(fd)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def state_inside(folder: Path, name: str) -> FileState:
    """The state of a file of a folder as it is now; opened as `open_inside` does."""
    fd = open_inside(folder, name)
    try:
        return FileState.of(fd)
    finally:
        os.close(fd)


def map_sized(folder: Path, name: str, size: int) -> tuple[mmap.mmap, FileState]:
    """Map a file of exactly ``size`` (> 0) bytes read-only; with its state before that."""
    fd = open_sized(folder, name, size)
    try:
        with one_line_errors(folder / name, "cannot be mapped"):
            state = FileState.of(fd)
            return mmap.mmap(fd, size, access=mmap.ACCESS_READ), state
    finally:
        os.close(fd)


@contextlib.contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Lock a folder for its one writer; it ends with the process, leaving nothing behind.

    Raises
    ------
    SegmentError
        Another process writes there.
    """
    with one_line_errors(path, "cannot be opened"):
        fd = open_to_lock(path)
    try:
        try:
            lock(fd, wait=False)
        except OSError as error:
            raise SegmentError(path, "is being written by another process") from error
        yield
    finally:
        os.close(fd)
