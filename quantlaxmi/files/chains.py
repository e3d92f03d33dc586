"""Files whose lines are chained by hashes: trial ledgers, catalogs' journals, bindings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantlaxmi.errors import InputError
from quantlaxmi.files.common import irregular, one_line_errors
from quantlaxmi.system.flags import NO_LINK, NO_WAIT

__all__ = ["opened_chain"]


@contextmanager
def opened_chain(path: Path, flags: int, error: type[InputError] = InputError) -> Iterator[int]:
    """Open such a file, never through a link and never anything but a regular one.

    Closing it gives back the locks that were taken on it.

    Parameters
    ----------
    path : Path
    flags : int
        Of `quantlaxmi.system.flags`; a file that they create has the user's mask.
    error : type of InputError
        Raised.

    Raises
    ------
    InputError
        As ``error``: it is a link or no regular file, or cannot be opened.
    """
    if path.is_symlink():
        raise error(path, "is a symbolic link")
    with one_line_errors(path, "cannot be opened", error):
        fd = os.open(path, flags | NO_LINK | NO_WAIT, 0o666)
    try:
        if problem := irregular(os.fstat(fd).st_mode):
            raise error(path, problem)
        yield fd
    finally:
        os.close(fd)
