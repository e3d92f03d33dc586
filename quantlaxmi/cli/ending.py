"""What ends a command from outside."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "heed_termination"]


class Terminated(BaseException):
    """SIGTERM came; as KeyboardInterrupt, it is no error of the command."""


@contextmanager
def heed_termination() -> Iterator[None]:
    """Raise `Terminated` at SIGTERM, so that what was done is kept and workers end.

    For commands whose work is Python or has processes of its own; a signal is not heard while
    a kernel runs, where the default action ends the process at once.
    """

    def terminated(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    try:
        before = signal.signal(signal.SIGTERM, terminated)
    except ValueError:  # not in the main thread, which alone hears of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
