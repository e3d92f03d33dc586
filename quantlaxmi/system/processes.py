"""Processes: whether one is left, whose this one is, who ends it, interrupts while one starts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from quantlaxmi.system.signals import KILLED

__all__ = ["die_with_pipe", "has_ended", "interrupts_later", "user_name"]

try:
    import fcntl as _found
except ImportError:
    _found = None  # type: ignore[assignment]
_fcntl: Any = _found
_HAS_MASKS: Final = hasattr(signal, "pthread_sigmask")


def has_ended(pid: int) -> bool:
    """Whether there is no such process on this machine; False where the system cannot be asked."""
    # On Windows this very call would end the process.
    if not _HAS_MASKS:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def user_name() -> str:
    """The user of this process: a number where users have one, else a name."""
    if hasattr(os, "getuid"):
        return str(os.getuid())
    return os.environ.get("USERNAME", "")


def die_with_pipe(fd: int) -> None:
    """Let the system kill this process when nobody can write to a pipe any more.

    No thread of Python can do that while C code holds Python's lock. Nothing happens where a system
    cannot be asked for it, as macOS and Windows cannot.

    Parameters
    ----------
    fd : int
        The end of the pipe that is read.
    """
    if not hasattr(_fcntl, "F_SETSIG"):
        return
    _fcntl.fcntl(fd, _fcntl.F_SETOWN, os.getpid())
    _fcntl.fcntl(fd, _fcntl.F_SETSIG, KILLED)
    _fcntl.fcntl(fd, _fcntl.F_SETFL, _fcntl.fcntl(fd, _fcntl.F_GETFL) | os.O_ASYNC)


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Delay interrupts, where a system can; a process that is started here begins without them.

    Python starts a tracker with the first process, which unblocks interrupts: here the tracker
    starts before the block.
    """
    if not _HAS_MASKS:
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
