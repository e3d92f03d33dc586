"""Count the processors that this process may use."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["ONE_THREAD", "cores"]

#: In the environment of a worker process: the processors are shared out among the workers.
ONE_THREAD: Final = "QUANTLAXMI_ONE_THREAD"


def cores(asked: int | None = None) -> int:
    """Return the number of workers to use side by side, at least 1.

    Parameters
    ----------
    asked : int, optional
        What the caller asked for; it is returned as it is. By default all processors that this
        process may use, and one in a worker of `quantlaxmi.parallel.processes`.
    """
    if asked is not None:
        return max(1, asked)
    if os.environ.get(ONE_THREAD):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
