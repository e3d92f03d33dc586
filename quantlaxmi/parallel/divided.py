"""The draws of a sweep on several threads, in calls short enough that an interrupt is heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import numpy.typing as npt

from quantlaxmi.parallel.threads import raise_if_stopped, run_in_order

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
    bounds = [rows * k // count for k in range(count + 1)]
    run_in_order(
        lambda part: _in_turns(work, part[0], out[part[0] : part[1]]),
        pairwise(bounds),
        threads=count,
    )


def _in_turns(work: Work, first: int, out: npt.NDArray[Any]) -> None:
    """Fill the rows that stand from number `first` on."""
    done, size = 0, 1
    while done < len(out):
        raise_if_stopped()
        begun = time.perf_counter()
        work(first + done, out[done : done + size])
        spent = time.perf_counter() - begun
        done += size
        if spent > _LONG:
            size = max(1, int(size * _WANTED / spent))
        elif spent < _SHORT:
            size *= 2
