"""SIGTERM ends a command as Ctrl-C does: what was half made is removed, worker processes end."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from quantlaxmi.system.flags import WRITE

__all__ = [
    "OutputLost",
    "Terminated",
    "check_standard_streams",
    "drop_output",
    "flush_output",
    "terminable",
]


class Terminated(KeyboardInterrupt):
    """SIGTERM came; it unwinds as an interrupt does."""


class OutputLost(Exception):
    """Standard output is closed, or what was printed cannot be written to it."""


def check_standard_streams() -> None:
    """Refuse a closed standard output; a closed standard error loses what is said there.

    A name that is not UTF-8 is printed with escapes, in JSON too.

    Raises
    ------
    OutputLost
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        raise OutputLost("standard output is closed; give it a file, or /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def flush_output() -> None:
    """Write what was printed.

    Raises
    ------
    OutputLost
        It cannot be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(f"standard output cannot be written: {error.strerror}") from None


def drop_output() -> None:
    """Give the interpreter's own last flush somewhere to write to."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, WRITE), sys.stdout.fileno())


@contextmanager
def terminable() -> Iterator[None]:
    """Raise `Terminated` at SIGTERM, where nobody else answers it.

    A signal is not heard while a kernel runs. Only the main thread hears of signals.
    """
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    ):
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        # timeout(1) sends it twice, and the second must not stop the clearing up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
