"""Temporary files and folders next to an output, and the remains of killed runs."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

from quantlaxmi.errors import LeftoverRemoved
from quantlaxmi.system.flags import NEW, WRITE
from quantlaxmi.system.folders import OPENS_FOLDERS, open_to_lock
from quantlaxmi.system.locks import lock

_LEFTOVER: Final = re.compile(r"[0-9a-z_]{1,16}\.(tmp|partial)")
_TRIES: Final = 100
#: Seconds after which whoever made a file has locked it.
_LOCKED_WITHIN_S: Final = 10.0


def remove_leftovers(path: Path) -> None:
    """Remove what killed runs left of this output, and warn of each; running ones keep theirs.

    Warns
    -----
    LeftoverRemoved
    """
    with os.scandir(path.parent) as entries:
        begin = f".{path.name}."
        found = [
            Path(entry.path)
            for entry in entries
            if entry.name.startswith(begin) and _LEFTOVER.fullmatch(entry.name[len(begin) :])
        ]
    for leftover in found:
        with contextlib.suppress(OSError):  # it runs, it is gone, or it is somebody else's
            fd = open_to_lock(leftover)
            try:
                lock(fd, wait=False)
                if _just_made(leftover):
                    continue
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                elif OPENS_FOLDERS:
                    leftover.unlink()
            finally:
                os.close(fd)
            if not OPENS_FOLDERS and not leftover.is_dir():  # Windows removes no open file
                leftover.unlink(missing_ok=True)
            text = f"{leftover}: was left by a run that was killed, and is removed"
            warnings.warn(text, LeftoverRemoved, stacklevel=2)


def _just_made(path: Path) -> bool:
    """Whether somebody may be about to lock it: it is empty, and so young."""
    empty = not any(path.iterdir()) if path.is_dir() else not path.stat().st_size
    return empty and time.time() - path.stat().st_mtime < _LOCKED_WITHIN_S


def new_file(path: Path) -> int:
    return os.open(path, WRITE | NEW, 0o666)


def new_folder(path: Path) -> int:
    path.mkdir()
    return open_to_lock(path)


def make_temporary(path: Path, suffix: str, make: Callable[[Path], int]) -> tuple[Path, int]:
    """Something new in the folder of an output, and its descriptor, whose lock says it is in use.

    The name is random: in containers two processes have one id, and so have threads.
    """
    for _ in range(_TRIES):
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.{suffix}")
        try:
            fd = make(temporary)
        except FileExistsError:
            continue
        # A file system without locks has no leftovers removed either.
        with contextlib.suppress(OSError):
            lock(fd)
        # Another run may have taken it for a leftover before the lock was had.
        if os.path.lexists(temporary):
            return temporary, fd
        os.close(fd)
    raise FileExistsError(f"{_TRIES} names for a temporary file were taken")
