"""Locks of open files: they end with the process, and never need to be cleared up.

On Windows a lock is of bytes, which nobody else can read; they lie far behind the end of any file.
Who shares a lock has one of them, who has it alone has all.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from typing import Any, Final

__all__ = ["lock"]

try:
    import fcntl as _posix
except ImportError:
    _posix = None  # type: ignore[assignment]
try:
    import msvcrt as _windows
except ImportError:
    _windows = None  # type: ignore[assignment]
_fcntl: Any = _posix
_msvcrt: Any = _windows

#: Position of the bytes that are locked where bytes are, and how many may share them.
_FAR: Final = 1 << 43
_SHARES: Final = 64
_POLL_S: Final = 0.02
#: What Windows says of a byte that somebody else holds.
_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


def lock(fd: int, *, shared: bool = False, wait: bool = True) -> None:
    """Lock an open file until it is closed; a lock of its own becomes one that is shared.

    Parameters
    ----------
    fd : int
        An open file; its position stays.
    shared : bool
        Let others have a shared lock too.
    wait : bool
        Wait for whoever has it.

    Raises
    ------
    BlockingIOError
        Somebody else has it, and ``wait`` is False.
    OSError
        This file system, or this system, knows no locks.

    Examples
    --------
    >>> with open("once.lock", "wb") as file:
    ...     lock(file.fileno(), wait=False)
    """
    if _fcntl is not None:
        kind = _fcntl.LOCK_SH if shared else _fcntl.LOCK_EX
        _fcntl.flock(fd, kind if wait else kind | _fcntl.LOCK_NB)
        return
    if _msvcrt is None:
        raise OSError(errno.ENOLCK, f"{sys.platform} knows no locks of files")
    while not _lock_bytes(fd, shared):
        if not wait:
            raise BlockingIOError(errno.EAGAIN, "somebody else has the lock")
        time.sleep(_POLL_S)


def _lock_bytes(fd: int, shared: bool) -> bool:
    """Lock one byte or all; False where somebody else has what is needed."""
    before = os.lseek(fd, 0, os.SEEK_CUR)
    try:
        if not shared:
            return _took(fd, 0, _SHARES)
        with suppress(OSError):  # of its own lock alone; there may be none
            os.lseek(fd, _FAR, os.SEEK_SET)
            _msvcrt.locking(fd, _msvcrt.LK_UNLCK, _SHARES)
        return any(_took(fd, k, 1) for k in range(_SHARES))
    finally:
        os.lseek(fd, before, os.SEEK_SET)


def _took(fd: int, first: int, size: int) -> bool:
    os.lseek(fd, _FAR + first, os.SEEK_SET)
    try:
        _msvcrt.locking(fd, _msvcrt.LK_NBLCK, size)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True
