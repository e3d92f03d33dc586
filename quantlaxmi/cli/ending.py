"""SIGTERM ends a command as Ctrl-C does: what was half made is removed, worker processes end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "terminable"]


class Terminated(KeyboardInterrupt):
    """SIGTERM came; it unwinds as an interrupt does."""


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
