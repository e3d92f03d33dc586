"""Prints the current step of a long command on stderr, with the seconds since its start."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from quantlaxmi.cli.output import shortened

__all__ = ["Steps"]

_WIDTH = 78
#: Seconds between two lines of one step where there is no terminal.
_EVERY = 10.0


class Steps:
    """On a terminal one line that is rewritten and goes at the end; else a line for each step.

    Without a terminal a step that goes on has a further line every ten seconds.

    Parameters
    ----------
    clock : callable, optional
        Seconds that only ascend.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._terminal = sys.stderr.isatty()
        self._step = ""
        self._written = False
        self._said = 0.0

    def __enter__(self) -> Self:
        return self

    def __call__(self, step: str) -> None:
        """A step begins."""
        if step == self._step:
            return
        self._step = step
        self._say("")

    def named(self, what: str) -> Callable[[str, int, int], None]:
        """Progress of work whose parts have names, each a step: ``what: part``.

        Parameters
        ----------
        what : str
        """

        def progress(part: str, done: int, total: int) -> None:
            self(f"{what}: {part}")
            if total and (self._terminal or self._clock() - self._said >= _EVERY):
                self._say(f" {100 * done // total:3d} %")

        return progress

    def _say(self, share: str) -> None:
        self._said = self._clock()
        text = f"[{self._said - self._begun:4.0f} s] {shortened(self._step, _WIDTH - 20)}{share}"
        if self._terminal:
            print(f"\r{text:<{_WIDTH}}", end="", file=sys.stderr, flush=True)
            self._written = True
        else:
            print(text, file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._written:
            print("\r" + " " * _WIDTH + "\r", end="", file=sys.stderr, flush=True)
