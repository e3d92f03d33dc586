"""Folders as open files, where a system has that; else a file beside a folder stands for it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Final

from quantlaxmi.system.flags import CREATE, NO_LINK, NO_WAIT, READ, UPDATE

__all__ = ["OPENS_FOLDERS", "is_link", "open_folder", "open_to_lock", "sync_file", "sync_folder"]

#: Whether `os.open` opens a folder, and what is inside it relative to that.
OPENS_FOLDERS: Final = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
_FOLDER: Final[int] = READ | getattr(os, "O_DIRECTORY", 0)
#: Windows removes such a file with its last descriptor.
_TEMPORARY: Final[int] = getattr(os, "O_TEMPORARY", 0)
_GOING_S: Final = 10.0
_REPARSE_POINT: Final = 0x400


def open_folder(path: Path | str, *, within: int | None = None) -> int:
    """Open a folder; below an open one no link is followed. Only where `OPENS_FOLDERS`."""
    if within is None:
        return os.open(path, _FOLDER)
    return os.open(path, _FOLDER | NO_LINK, dir_fd=within)


def is_link(path: Path | str) -> bool:
    """Whether a name is a link, or on Windows another point from which a path goes elsewhere.

    Raises
    ------
    OSError
        There is nothing of that name.
    """
    status = os.lstat(path)
    attributes: int = getattr(status, "st_file_attributes", 0)
    return stat.S_ISLNK(status.st_mode) or bool(attributes & _REPARSE_POINT)


def open_to_lock(path: Path) -> int:
    """Open a file or a folder so that `locks.lock` of it keeps others out.

    A folder that cannot be opened has a file beside it, ``.name.lock``, which Windows removes when
    nobody has it open any more.
    """
    if OPENS_FOLDERS or not path.is_dir():
        return os.open(path, READ | NO_LINK | NO_WAIT)
    place = path.resolve()
    beside = place.with_name(f".{place.name}.lock")
    end = time.monotonic() + _GOING_S
    while True:
        try:
            return os.open(beside, UPDATE | CREATE | _TEMPORARY, 0o666)
        except PermissionError:
            # Whoever made it has closed it, and somebody else still has it: it is about to go.
            if not _TEMPORARY or time.monotonic() > end:
                raise
            time.sleep(0.02)


def sync_file(path: Path) -> None:
    """Make a regular file's bytes durable."""
    # Windows does so only for who may write.
    fd = os.open(path, (READ if OPENS_FOLDERS else UPDATE) | NO_LINK | NO_WAIT)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, where it can be opened; Windows does it by itself."""
    if not OPENS_FOLDERS:
        return
    fd = open_folder(path)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
