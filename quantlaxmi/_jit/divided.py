"""The draws of a sweep on several threads, in calls short enough that an interrupt is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import numpy.typing as npt

__all__ = ["Sweep", "Work", "divide"]

#: Called with the number of the first row, and the rows.
Work = Callable[[int, Any], object]
Sweep = Callable[[Work, npt.NDArray[Any]], None]

#: A part of fewer draws is not worth a thread.
_LEAST_ROWS = 32
#: Seconds of a call beyond which the next makes fewer draws, and below which it makes more.
_LONG: Final = 0.2
_SHORT: Final = 0.05
_WANTED: Final = 0.1


def divide(work: Work, out: npt.NDArray[Any], count: int) -> None:
    """Call `work` for at most `count` parts of `out`, side by side; its first error is raised.

    Each part is made in calls of about a tenth of a second: what a draw takes grows with the run,
    and compiled code hears nothing. An interrupt ends all parts after the call at hand.

    Parameters
    ----------
    work : callable
        Must fill the same rows, however they are divided.
    out : ndarray, shape (n_draws, ...)
    count : int
        Threads.
    """
    rows = len(out)
    count = max(1, min(count, rows // _LEAST_ROWS))
    stop = threading.Event()
    if count == 1:
        _in_turns(work, 0, out, stop)
        return
    bounds = [rows * k // count for k in range(count + 1)]
    with ThreadPoolExecutor(count) as pool:
        parts = [pool.submit(_in_turns, work, a, out[a:b], stop) for a, b in pairwise(bounds)]
        try:
            for part in parts:
                part.result()
        except BaseException:
            stop.set()
            raise


def _in_turns(work: Work, first: int, out: npt.NDArray[Any], stop: threading.Event) -> None:
    """Fill the rows that stand from number `first` on."""
    done, size = 0, 1
    while done < len(out) and not stop.is_set():
        begun = time.perf_counter()
        work(first + done, out[done : done + size])
        spent = time.perf_counter() - begun
        done += size
        if spent > _LONG:
            size = max(1, int(size * _WANTED / spent))
        elif spent < _SHORT:
            size *= 2
