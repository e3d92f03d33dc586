"""Whom to tell how far the gates are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from quantlaxmi.progress import Progress as ProgressLine

__all__ = ["Progress", "told"]

Progress = Callable[[str, int, int], None]


@contextmanager
def told(progress: Progress | bool | None) -> Iterator[Progress | None]:
    """Give what is called with the progress: True is a line on stderr for as long as this lasts."""
    if progress is True:
        with ProgressLine("gates", always=True) as line:
            yield line.named
    else:
        yield progress or None
