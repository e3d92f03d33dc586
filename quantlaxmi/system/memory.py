"""Memory of processes: what they have, what they had at most, and a limit."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["is_watched", "limit_growth", "peak_bytes", "resident_bytes"]

try:
    import resource as _found
except ImportError:
    _found = None  # type: ignore[assignment]
_resource: Any = _found


def _pages(pid: int | str, field: int) -> int:
    """A count of ``/proc/PID/statm`` in bytes; 0 where the system does not tell or it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[field]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (AttributeError, OSError, IndexError, ValueError):
        return 0


def resident_bytes(pid: int) -> int:
    """Memory of a process in bytes; 0 where the system does not tell or it is gone."""
    return _pages(pid, 1)


def is_watched() -> bool:
    """Whether this system tells what memory a process has."""
    return resident_bytes(os.getpid()) > 0


def peak_bytes() -> int:
    """The most memory that this process had, in bytes; 0 where the system does not tell."""
    if _resource is None:
        return 0
    peak: int = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def limit_growth(growth: int) -> int | None:
    """Let this process take no more address space than it has now and ``growth`` bytes.

    Returns
    -------
    int or None
        The limit in bytes; None where the system has none.
    """
    now = _pages("self", 0)
    if _resource is None or not now:
        return None
    limit = now + growth
    _, hard = _resource.getrlimit(_resource.RLIMIT_AS)
    if hard != _resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(ValueError, OSError):
        _resource.setrlimit(_resource.RLIMIT_AS, (limit, hard))
    return limit
