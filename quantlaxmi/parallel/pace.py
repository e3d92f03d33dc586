"""Adapts the work of a compiled loop between two checks for an interrupt.

Python hears of Ctrl-C between two calls of a compiled loop, never inside one. What a row or a draw
takes depends on the data, so the size of a call follows from what the calls before it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["Pace"]

#: Seconds of a call beyond which the next does less, and below which it does more.
_LONG: Final = 0.2
_SHORT: Final = 0.05
_WANTED: Final = 0.1


class Pace:
    """The size of a loop's next call, so that each takes about a tenth of a second.

    What is computed must not depend on the sizes: the clock is asked.

    Parameters
    ----------
    first, most : int
        Size of the first call, and of the largest.
    least : int
        Of the smallest.
    clock : callable, optional
        Seconds that only ascend.

    Attributes
    ----------
    size : int

    Examples
    --------
    >>> pace = Pace(10, 1000)
    >>> with pace:
    ...     done = pace.size
    >>> pace.size
    20
    """

    def __init__(
        self,
        first: int,
        most: int,
        *,
        least: int = 1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._least, self._most, self._clock = least, max(least, most), clock
        self.size = min(max(first, least), self._most)
        self._begun = 0.0

    def __enter__(self) -> Self:
        self._begun = self._clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        spent = self._clock() - self._begun
        if spent > _LONG:
            self.size = max(self._least, int(self.size * _WANTED / spent))
        elif spent < _SHORT:
            self.size = min(self._most, 2 * self.size)
