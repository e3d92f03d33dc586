"""Interrupts that are noted and answered later, so that none comes in the middle of a line."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, Final, Self

__all__ = ["Interrupts"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Notes SIGINT and SIGTERM within a block, in the main thread; others hear of none.

    Attributes
    ----------
    asked : int
        How often one came.

    Examples
    --------
    >>> with Interrupts() as interrupts:
    ...     signal.raise_signal(signal.SIGINT)
    >>> interrupts.asked
    1
    """

    def __init__(self) -> None:
        self.asked = 0
        self._number = signal.SIGINT
        self._first = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                # Somebody who ignores a signal, or has it answered outside Python, goes on so.
                if callable(before) or before == signal.SIG_DFL:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if not self.asked:
            self._number, self._first = signal.Signals(number), time.monotonic()
        self.asked += 1

    def left(self, seconds: float) -> float | None:
        """Seconds left of those after the first interrupt; 0 after a second one, None before."""
        if not self.asked:
            return None
        if self.asked > 1:
            return 0.0
        return max(self._first + seconds - time.monotonic(), 0.0)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def answer(self) -> None:
        """Do now what the first interrupt would have done then; nothing where none came."""
        if self.asked:
            signal.raise_signal(self._number)
