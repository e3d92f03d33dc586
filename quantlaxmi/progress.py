"""A line that says how far long work is, and how long the rest takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["Progress"]

#: Work of which less is done than this many seconds' worth has no estimate yet.
_ESTIMATE_AFTER = 2.0


class Progress:
    """A line on stderr that is rewritten.

    Where the whole is known, the time left is estimated from the pace since the first call.

    Parameters
    ----------
    label : str
        What is being done.
    clock : callable, optional
        Seconds that only ascend.
    always : bool
        Write where stderr is no terminal too, as in a notebook; without it nothing is written
        there.

    Examples
    --------
    >>> with Progress("gates", always=True) as line:  # doctest: +SKIP
    ...     report = run_gates(segment, strategy, progress=line.named)
    """

    def __init__(
        self, label: str, clock: Callable[[], float] = time.monotonic, *, always: bool = False
    ) -> None:
        self._name = self._label = label
        self._on = always or sys.stderr.isatty()
        self._width = 0
        self._clock = clock
        self._begun = clock()
        self._first: int | None = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        if not self._on:
            return
        share = f" {100 * done // total:3d} %" if total else f" {done:,}"
        text = f"{self._label}{share}{note}{self._left(done, total)}"
        self._width = max(self._width, len(text))
        self._write(f"\r{text:<{self._width}}")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    def _left(self, done: int, total: int | None) -> str:
        if self._first is None:
            self._first = done
        spent, made = self._clock() - self._begun, done - self._first
        if not total or spent < _ESTIMATE_AFTER or made <= 0 or done >= total:
            return ""
        left = round(spent * (total - done) / made)
        hours, minutes = divmod(left // 60, 60)
        return f", {hours}:{minutes:02d}:{left % 60:02d} left"

    def named(self, what: str, done: int, total: int) -> None:
        """The same, with the name of what is being done; a new name begins anew."""
        label = f"{self._name}: {what}"
        if label != self._label:
            self._label, self._begun, self._first = label, self._clock(), None
        self(done, total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._on and self._width:
            self._write("\r" + " " * self._width + "\r")
