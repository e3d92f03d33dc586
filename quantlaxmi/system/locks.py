"""Locks of open files: they end with the process, and never need to be cleared up.

On Windows a lock is one byte, which nobody else can read; it lies far behind the end of any file.
"""

from __future__ import annotations

import errno
import os
import sys
import time
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

#: Position of the byte that is locked where bytes are.
_FAR: Final = 1 << 43
_POLL_S: Final = 0.02
#: What Windows says of a byte that somebody else holds.
_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


def lock(fd: int, *, shared: bool = False, wait: bool = True) -> None:
    """Lock an open file until it is closed.

    Parameters
    ----------
    fd : int
        An open file; its position stays.
    shared : bool
        Let others have a shared lock too, where the system knows any; else nobody has one.
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
    while not _lock_byte(fd):
        if not wait:
            raise BlockingIOError(errno.EAGAIN, "somebody else has the lock")
        time.sleep(_POLL_S)


def _lock_byte(fd: int) -> bool:
    """Lock the far byte; False where somebody else has it."""
    at = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, _FAR, os.SEEK_SET)
    try:
        _msvcrt.locking(fd, _msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    finally:
        os.lseek(fd, at, os.SEEK_SET)
    return True
