"""This machine made to look like Windows, for whoever imports this module first of all.

What only POSIX has is hidden, and what Windows refuses is refused: folders as open files, names of
open files taken away, `fsync` of what was opened for reading. Locks are those of bytes. Processes
that are spawned import it again with the main module.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess  # noqa: F401  (it would take this machine for Windows later)
import sys
import time
import types
from contextlib import suppress
from fcntl import F_OFD_SETLK, F_UNLCK, F_WRLCK, fcntl
from pathlib import Path
from struct import pack

#: Flags that no call of this system has.
BINARY, TEMPORARY = 1 << 40, 1 << 41
GONE_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix_ipc")
GONE = [
    "O_CLOEXEC",
    "O_DIRECTORY",
    "O_NOCTTY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "fork",
    "forkpty",
    "geteuid",
    "getpgid",
    "getuid",
    "killpg",
    "pread",
    "pwrite",
    "preadv",
    "pwritev",
    "sched_getaffinity",
    "setsid",
    "sysconf",
]
GONE_SIGNALS = ("SIGKILL", "SIGPIPE", "pthread_sigmask")


def _locking(fd: int, mode: int, size: int) -> None:
    at = os.lseek(fd, 0, os.SEEK_CUR)
    try:
        fcntl(
            fd, F_OFD_SETLK, pack("hhqqi4x", F_WRLCK if mode else F_UNLCK, os.SEEK_SET, at, size, 0)
        )
    except OSError as error:
        if error.errno == errno.EBADF:  # this system locks nothing that it may not write
            return
        raise PermissionError(errno.EACCES, "locked") from None


def _refuse(path: str) -> None:
    raise PermissionError(errno.EACCES, "Permission denied", path)


def _check_nobody_has(path: os.PathLike[str] | str) -> None:
    """Refuse as Windows does where this process has the name, or one below it, open or mapped."""
    place = os.path.realpath(os.fspath(path))
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them
            found.append(str(entry.readlink()))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    found += [line.split(maxsplit=5)[5] for line in maps.splitlines() if "/" in line]
    if any(name == place or name.startswith(place + "/") for name in found):
        _refuse(str(path))


_open, _close, _fsync, _unlink = os.open, os.close, os.fsync, os.unlink
_rename, _replace, _kill = os.rename, os.replace, os.kill
_temporary: dict[int, str] = {}


def _opened(path, flags, mode=0o777, *, dir_fd=None):
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if Path(path).is_dir():
        _refuse(path)
    if not flags & BINARY:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        assert not caller.startswith("quantlaxmi"), f"{caller} opens {path} as text"
    fd = _open(path, flags & ~(BINARY | TEMPORARY), mode)
    if flags & TEMPORARY:
        _temporary[fd] = os.path.realpath(path)
    return fd


def _closed(fd):
    path = _temporary.pop(fd, None)
    _close(fd)
    if path is not None:
        with suppress(FileNotFoundError):  # it went with another descriptor
            _unlink(path)


def _synced(fd):
    fd = fd if isinstance(fd, int) else fd.fileno()
    info = Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii")
    flags = next(line for line in info.splitlines() if line.startswith("flags"))
    if int(flags.split()[1], 8) & 3 == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    _fsync(fd)


def _renamed(source, target, **_):
    _check_nobody_has(source)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "exists", target)
    _rename(source, target)


def _replaced(source, target, **_):
    _check_nobody_has(source)
    _check_nobody_has(target)
    _replace(source, target)


def _unlinked(path, *, dir_fd=None):
    _check_nobody_has(path)
    _unlink(path)


def _killed(pid, number):
    caller = sys._getframe(1).f_globals.get("__name__", "")
    assert not caller.startswith("quantlaxmi"), "os.kill ends the process on Windows"
    _kill(pid, number)


sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, LK_UNLCK=0, locking=_locking)  # type: ignore[assignment]
for name in GONE_MODULES:
    sys.modules[name] = None  # type: ignore[assignment]
for name in GONE:
    delattr(os, name)
for name in GONE_SIGNALS:
    delattr(signal, name)
del time.tzset
os.O_BINARY, os.O_TEMPORARY = BINARY, TEMPORARY  # type: ignore[attr-defined]
os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks = set(), set(), set()
os.open, os.close, os.fsync, os.kill = _opened, _closed, _synced, _killed  # type: ignore[assignment]
os.rename, os.replace = _renamed, _replaced  # type: ignore[assignment]
os.unlink = os.remove = _unlinked  # type: ignore[assignment]
